//! Prints one value under one verb.

use super::{float, integer, named_text};
use crate::method;
use crate::number;
use crate::quote;
use crate::time::Time;
use crate::value::{Object, Slot, Value};

/// Nesting past this prints as `...`: data that deep is a loop.
const DEPTH_MAX: usize = 64;

/// Flags, width and precision of a directive.
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub width: Option<usize>,
    pub precision: Option<usize>,
    pub minus: bool,
    pub plus: bool,
    pub sharp: bool,
    pub space: bool,
    pub zero: bool,
    /// `%+v`
    pub field_names: bool,
    /// `%#v`
    pub go_syntax: bool,
}

/// An output buffer with the flags in force.
#[derive(Default)]
pub(crate) struct Printer {
    pub(crate) out: String,
    pub(super) flags: Flags,
    /// Bytes after which padding and elements stop.
    pub(super) max: Option<usize>,
    /// Whether a bad verb's operand is being shown, which must not complain again.
    erring: bool,
}

impl Printer {
    /// Prints an operand of a call.
    pub(crate) fn argument(&mut self, value: &Value<'_>, verb: char) {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad("<nil>"),
            (Value::Nil, _) => self.bad_verb(value, verb),
            // There are no addresses here.
            (_, 'p') => self.bad_verb(value, verb),
            // Only for wrapping errors, which printing does not do.
            (_, 'w') => self.bad_verb(value, verb),
            (_, 'T') => self.text(value.type_name(), 's', value),
            _ => self.value(value, verb, 0),
        }
    }

    fn value(&mut self, value: &Value<'_>, verb: char, depth: usize) {
        if depth > DEPTH_MAX {
            return self.out.push_str("...");
        }
        if let Some(text) = self.method_text(value, verb) {
            return match text {
                // GoString stands as it is, without quotes.
                (text, true) => self.pad(self.cut(&text)),
                (text, false) => self.text(&text, verb, value),
            };
        }
        match value {
            Value::Nil if self.flags.go_syntax => self.out.push_str("interface {}(nil)"),
            Value::Nil => self.out.push_str("<nil>"),
            Value::Bool(flag) => match verb {
                't' | 'v' => self.pad(if *flag { "true" } else { "false" }),
                _ => self.bad_verb(value, verb),
            },
            Value::Int(number)
            | Value::Native(number)
            | Value::Duration(number)
            | Value::Named(_, number) => {
                if !integer::put(self, *number, true, verb) {
                    self.bad_verb(value, verb);
                }
            }
            Value::Byte(byte) => {
                if !integer::put(self, i64::from(*byte), false, verb) {
                    self.bad_verb(value, verb);
                }
            }
            Value::Float(number) => {
                if !float::put(self, *number, verb) {
                    self.bad_verb(value, verb);
                }
            }
            Value::Str(text) | Value::Safe(_, text) => self.text(text, verb, value),
            Value::Time(time) => self.time_parts(*time, verb),
            Value::List(_) | Value::Map(_) => self.elements(value, verb, depth),
            Value::Object(object) => self.object(*object, verb, depth),
        }
    }

    /// What the value's `String` (or, true beside it, `GoString`) gives under this verb.
    fn method_text(&self, value: &Value<'_>, verb: char) -> Option<(String, bool)> {
        if self.flags.go_syntax {
            return match value {
                Value::Time(time) => Some((method::go_string(*time), true)),
                _ => None,
            };
        }
        if self.erring || !matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
            return None;
        }
        let text = match value {
            Value::Time(time) => method::time_string(*time),
            Value::Duration(nanos) => {
                let mut text = String::new();
                number::format_duration(&mut text, *nanos);
                text
            }
            Value::Named(named, number) => named_text(named, *number),
            _ => return None,
        };
        Some((text, false))
    }

    /// A time under a verb that is not for text: the struct inside, with a nil location for UTC.
    fn time_parts(&mut self, time: Time, verb: char) {
        let parts = [
            ("uint64", i64::from(time.subsecond_nanos()), false),
            ("int64", time.since_zero_seconds(), true),
        ];
        self.out.push('{');
        for (kind, number, signed) in parts {
            if !integer::put(self, number, signed, verb) {
                let shown = format!("%!{verb}({kind}=");
                self.out.push_str(&shown);
                integer::put(self, number, signed, 'v');
                self.out.push(')');
            }
            self.out.push(' ');
        }
        match verb {
            'v' => self.pad("<nil>"),
            'b' | 'o' | 'd' | 'x' | 'X' => {
                integer::put(self, 0, false, verb);
            }
            verb => {
                let shown = format!("%!{verb}(*time.Location=");
                self.out.push_str(&shown);
                self.pad("<nil>");
                self.out.push(')');
            }
        }
        self.out.push('}');
    }

    fn elements(&mut self, value: &Value<'_>, verb: char, depth: usize) {
        let go = self.flags.go_syntax;
        let map = matches!(value, Value::Map(_));
        if go {
            self.out.push_str(value.type_name());
            self.out.push('{');
        } else {
            self.out.push_str(if map { "map[" } else { "[" });
        }
        let count = match value {
            Value::List(span) => span.len(),
            Value::Map(map) => map.len(),
            _ => 0,
        };
        for index in 0..count {
            if self.is_full() {
                return;
            }
            if index > 0 {
                self.out.push_str(if go { ", " } else { " " });
            }
            let element = match value {
                Value::List(span) => span.get(index),
                Value::Map(map) => map.entry(index).map(|(key, element)| {
                    self.value(&Value::from(key), verb, depth + 1);
                    self.out.push(':');
                    element
                }),
                _ => None,
            };
            self.value(&element.unwrap_or(Value::Nil), verb, depth + 1);
        }
        self.out.push(if go { '}' } else { ']' });
    }

    fn object(&mut self, object: &dyn Object, verb: char, depth: usize) {
        if self.flags.go_syntax {
            self.out.push_str(object.type_name());
        }
        self.slots(object, object.shape(), verb, depth);
    }

    fn slots(&mut self, object: &dyn Object, slots: &[Slot], verb: char, depth: usize) {
        self.out.push('{');
        for (index, slot) in slots.iter().enumerate() {
            if index > 0 {
                self.out.push_str(if self.flags.go_syntax { ", " } else { " " });
            }
            let name = match slot {
                Slot::Field(name) | Slot::Keyed { name, .. } | Slot::Embedded(name, _) => name,
            };
            if self.flags.go_syntax || self.flags.field_names {
                self.out.push_str(name);
                self.out.push(':');
            }
            match slot {
                Slot::Embedded(name, inner) => {
                    if self.flags.go_syntax {
                        // An embedded struct is named after its type, of the same package.
                        let package = object.type_name().split('.').next().unwrap_or_default();
                        self.out.push_str(package);
                        self.out.push('.');
                        self.out.push_str(name);
                    }
                    self.slots(object, inner, verb, depth + 1);
                }
                _ => {
                    let value = object.field(name).unwrap_or(Value::Nil);
                    self.value(&value, verb, depth + 1);
                }
            }
        }
        self.out.push('}');
    }

    /// `%!d(string=hi)`
    pub(super) fn bad_verb(&mut self, value: &Value<'_>, verb: char) {
        if self.erring {
            return;
        }
        self.erring = true;
        self.out.push_str("%!");
        self.out.push(verb);
        self.out.push('(');
        if matches!(value, Value::Nil) {
            self.out.push_str("<nil>");
        } else {
            self.out.push_str(value.type_name());
            self.out.push('=');
            self.argument(value, 'v');
        }
        self.out.push(')');
        self.erring = false;
    }

    fn text(&mut self, text: &str, verb: char, value: &Value<'_>) {
        match verb {
            'v' if self.flags.go_syntax => self.quoted(text),
            'v' | 's' => self.pad(self.cut(text)),
            'q' => self.quoted(text),
            'x' => self.hex(text, false),
            'X' => self.hex(text, true),
            _ => self.bad_verb(value, verb),
        }
    }

    /// The first characters, as far as the precision goes.
    fn cut<'t>(&self, text: &'t str) -> &'t str {
        match self.flags.precision.and_then(|limit| text.char_indices().nth(limit)) {
            Some((end, _)) => &text[..end],
            None => text,
        }
    }

    fn quoted(&mut self, text: &str) {
        let text = self.cut(text);
        let quoted = if self.flags.sharp && quote::can_backquote(text) {
            format!("`{text}`")
        } else {
            quote::quote_with(text, '"', self.flags.plus)
        };
        self.pad(&quoted);
    }

    fn hex(&mut self, text: &str, upper: bool) {
        let bytes = text.as_bytes();
        let count = self.flags.precision.map_or(bytes.len(), |limit| limit.min(bytes.len()));
        let mut shown = String::with_capacity(count * 3);
        let prefix = if upper { "0X" } else { "0x" };
        for (index, byte) in bytes[..count].iter().enumerate() {
            if self.flags.space && index > 0 {
                shown.push(' ');
            }
            if self.flags.sharp && (index == 0 || self.flags.space) {
                shown.push_str(prefix);
            }
            let digits = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
            shown.push(char::from(digits[usize::from(byte >> 4)]));
            shown.push(char::from(digits[usize::from(byte & 15)]));
        }
        self.pad(&shown);
    }

    /// Appends `text` padded to the width.
    pub(super) fn pad(&mut self, text: &str) {
        let width = self.flags.width.unwrap_or(0);
        let missing = width.saturating_sub(if width == 0 { 0 } else { text.chars().count() });
        if self.flags.minus {
            self.out.push_str(text);
            self.padding(missing);
        } else {
            self.padding(missing);
            self.out.push_str(text);
        }
    }

    pub(super) fn padding(&mut self, count: usize) {
        let fill = if self.flags.zero { '0' } else { ' ' };
        // One byte past the bound, so that whoever asked sees that it was passed.
        let room = self.max.map_or(usize::MAX, |max| max.saturating_add(1).saturating_sub(self.out.len()));
        self.out.extend(std::iter::repeat_n(fill, count.min(room)));
    }

    /// Whether the output has passed its bound.
    pub(super) fn is_full(&self) -> bool {
        self.max.is_some_and(|max| self.out.len() > max)
    }
}
