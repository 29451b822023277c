//! Reads the directives of a `printf` layout: flags, argument indexes, width, precision, verb.

use super::printer::{Flags, Printer};
use crate::value::Value;

/// Widths and precisions beyond this are refused, as in Go.
const SIZE_MAX: i64 = 1_000_000;

/// The state of one `printf`.
pub(super) struct Directives<'l, 'v> {
    layout: &'l str,
    at: usize,
    args: &'l [Value<'v>],
    next: usize,
    /// Whether the layout used an explicit index, after which unused arguments are no error.
    reordered: bool,
    good_index: bool,
    printer: Printer,
}

impl<'l, 'v> Directives<'l, 'v> {
    pub(super) fn new(layout: &'l str, args: &'l [Value<'v>], max: usize) -> Self {
        let mut printer = Printer::default();
        printer.max = Some(max);
        Directives { layout, at: 0, args, next: 0, reordered: false, good_index: true, printer }
    }

    fn rest(&self) -> &'l str {
        &self.layout[self.at..]
    }

    fn byte(&self) -> Option<u8> {
        self.layout.as_bytes().get(self.at).copied()
    }

    pub(super) fn run(mut self) -> String {
        while let Some(offset) = self.rest().find('%') {
            self.printer.out.push_str(&self.rest()[..offset]);
            self.at += offset + 1;
            self.directive();
            if self.printer.is_full() {
                return self.printer.out;
            }
        }
        self.printer.out.push_str(self.rest());
        if !self.reordered && self.next < self.args.len() {
            self.extra();
        }
        self.printer.out
    }

    fn extra(&mut self) {
        self.printer.flags = Flags::default();
        self.printer.out.push_str("%!(EXTRA ");
        for (index, arg) in self.args.iter().enumerate().skip(self.next) {
            if index > self.next {
                self.printer.out.push_str(", ");
            }
            if matches!(arg, Value::Nil) {
                self.printer.out.push_str("<nil>");
            } else {
                self.printer.out.push_str(arg.type_name());
                self.printer.out.push('=');
                self.printer.argument(arg, 'v');
            }
        }
        self.printer.out.push(')');
    }

    fn directive(&mut self) {
        self.good_index = true;
        self.printer.flags = Flags::default();
        self.read_flags();
        let mut indexed = self.read_index();
        indexed = self.read_width(indexed);
        indexed = self.read_precision(indexed);
        if !indexed {
            self.read_index();
        }
        let Some(verb) = self.rest().chars().next() else {
            self.printer.out.push_str("%!(NOVERB)");
            return;
        };
        self.at += verb.len_utf8();
        if verb == '%' {
            self.printer.out.push('%');
        } else if !self.good_index {
            self.bad(verb, "(BADINDEX)");
        } else if self.next >= self.args.len() {
            self.bad(verb, "(MISSING)");
        } else {
            let flags = &mut self.printer.flags;
            if verb == 'v' {
                flags.go_syntax = std::mem::take(&mut flags.sharp);
                flags.field_names = std::mem::take(&mut flags.plus);
            }
            self.printer.argument(&self.args[self.next], verb);
            self.next += 1;
        }
    }

    fn bad(&mut self, verb: char, what: &str) {
        self.printer.out.push_str("%!");
        self.printer.out.push(verb);
        self.printer.out.push_str(what);
    }

    fn read_flags(&mut self) {
        while let Some(byte) = self.byte() {
            let flags = &mut self.printer.flags;
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = !flags.minus,
                b'+' => flags.plus = true,
                b'-' => {
                    flags.minus = true;
                    flags.zero = false;
                }
                b' ' => flags.space = true,
                _ => return,
            }
            self.at += 1;
        }
    }

    /// `[3]`: true when an index was read.
    fn read_index(&mut self) -> bool {
        if self.byte() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        // Fewer than three bytes cannot hold an index: Go looks no further.
        let close = if self.rest().len() < 3 { None } else { self.rest().find(']') };
        let Some(len) = close else {
            self.good_index = false;
            self.at += 1;
            return false;
        };
        let inside = &self.rest()[1..len];
        self.at += len + 1;
        let digits = !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_digit());
        let number = inside.parse::<i64>().ok().filter(|number| digits && *number <= SIZE_MAX);
        match number.and_then(|number| usize::try_from(number - 1).ok()) {
            Some(index) if index < self.args.len() => {
                self.next = index;
                true
            }
            _ => {
                self.good_index = false;
                number.is_some()
            }
        }
    }

    fn read_width(&mut self, indexed: bool) -> bool {
        if self.byte() == Some(b'*') {
            self.at += 1;
            match self.integer_argument() {
                Some(width) => {
                    let flags = &mut self.printer.flags;
                    if width < 0 {
                        flags.minus = true;
                        flags.zero = false;
                    }
                    flags.width = Some(width.unsigned_abs() as usize);
                }
                None => self.printer.out.push_str("%!(BADWIDTH)"),
            }
            return false;
        }
        self.printer.flags.width = self.read_number();
        if indexed && self.printer.flags.width.is_some() {
            // "%[3]2d": the index must stand right before the verb.
            self.good_index = false;
        }
        indexed
    }

    fn read_precision(&mut self, indexed: bool) -> bool {
        // A point that ends the layout is a verb.
        if self.byte() != Some(b'.') || self.rest().len() == 1 {
            return indexed;
        }
        self.at += 1;
        if indexed {
            self.good_index = false;
        }
        let indexed = self.read_index();
        if self.byte() != Some(b'*') {
            self.printer.flags.precision = Some(self.read_number().unwrap_or(0));
            return indexed;
        }
        self.at += 1;
        // A negative precision counts as none.
        let precision = self.integer_argument();
        self.printer.flags.precision = precision.and_then(|digits| usize::try_from(digits).ok());
        if self.printer.flags.precision.is_none() {
            self.printer.out.push_str("%!(BADPREC)");
        }
        false
    }

    /// The next argument as a width or precision.
    fn integer_argument(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        arg.integer().filter(|number| (-SIZE_MAX..=SIZE_MAX).contains(number))
    }

    fn read_number(&mut self) -> Option<usize> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let text = &self.rest()[..digits];
        if text.is_empty() {
            return None;
        }
        match text.parse::<i64>().ok().filter(|number| *number <= SIZE_MAX) {
            Some(number) => {
                self.at += digits;
                Some(number as usize)
            }
            None => {
                // Go gives the whole rest of the layout up.
                self.at = self.layout.len();
                None
            }
        }
    }
}
