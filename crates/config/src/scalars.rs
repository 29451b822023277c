//! Settings that are one value: texts, booleans, numbers, durations, sizes, choices.

use std::time::Duration;

use toml::de::{DeInteger, DeValue};
use toml::{Spanned, Value};

use crate::duration::{format_duration, parse_duration};
use crate::environment::EnvWalk;
use crate::file::FileWalk;
use crate::setting::{Field, Setting, Shape};
use crate::size::Size;

/// A plain value: how it is read from a TOML value and from a text.
pub(crate) trait Plain: Clone + std::fmt::Debug {
    /// What the type is called, with its article.
    const WANTED: &'static str;

    /// The zero value of the type.
    fn plain_zero() -> Self;

    /// Reads a TOML value. `Ok(None)` keeps what is there; an error says why the value cannot be
    /// used, and is empty when only the type is wrong.
    fn from_toml(value: &DeValue<'_>) -> Result<Option<Self>, &'static str>;

    /// Reads the text of a variable. The error says why not, and may be empty.
    fn from_text(text: &str) -> Result<Self, &'static str>;

    /// The value for the printer.
    fn to_value(&self) -> Value;
}

impl<P: Plain> Setting for P {
    fn zero() -> Self {
        P::plain_zero()
    }

    fn wanted(&self) -> &'static str {
        P::WANTED
    }

    fn read(&mut self, value: &Spanned<DeValue<'_>>, field: &Field, walk: &mut FileWalk<'_>) {
        match P::from_toml(value.get_ref()) {
            Ok(Some(read)) => *self = read,
            Ok(None) => {}
            Err("") => walk.wrong_type(value.span(), P::WANTED, value.get_ref()),
            Err(why) => walk.wrong_value(value.span(), &shown(value.get_ref(), field), why),
        }
    }

    fn override_from(&mut self, name: &str, field: &Field, walk: &mut EnvWalk<'_>) {
        if let Some(text) = walk.take(name) {
            match P::from_text(&text) {
                Ok(value) => *self = value,
                Err(why) => {
                    let text = if field.redacted { "(hidden)" } else { &text };
                    walk.wrong_value(name, P::WANTED, text, why);
                }
            }
        }
    }

    fn shape(&self) -> Shape<'_> {
        Shape::Plain(self.to_value())
    }
}

/// A value as a message may show it.
fn shown(value: &DeValue<'_>, field: &Field) -> String {
    match value {
        _ if field.redacted => "(hidden)".to_owned(),
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        other => other.type_str().to_owned(),
    }
}

impl Plain for String {
    const WANTED: &'static str = "a text";

    fn plain_zero() -> Self {
        String::new()
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Option<Self>, &'static str> {
        value.as_str().map(|text| Some(text.to_owned())).ok_or("")
    }

    fn from_text(text: &str) -> Result<Self, &'static str> {
        Ok(text.to_owned())
    }

    fn to_value(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Plain for bool {
    const WANTED: &'static str = "true or false";

    fn plain_zero() -> Self {
        false
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Option<Self>, &'static str> {
        value.as_bool().map(Some).ok_or("")
    }

    // The spellings of Go's ParseBool.
    fn from_text(text: &str) -> Result<Self, &'static str> {
        match text {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
            _ => Err(""),
        }
    }

    fn to_value(&self) -> Value {
        Value::Boolean(*self)
    }
}

impl Plain for i64 {
    const WANTED: &'static str = "a whole number";

    fn plain_zero() -> Self {
        0
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Option<Self>, &'static str> {
        match value {
            DeValue::Integer(number) => integer(number).map(Some).ok_or("the number is too large"),
            // Programs write 10.0 for 10; Go's decoder takes it when nothing is lost.
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(float) if float.fract() == 0.0 && float.abs() < 9.0e15 => Ok(Some(float as i64)),
                _ => Err(""),
            },
            _ => Err(""),
        }
    }

    fn from_text(text: &str) -> Result<Self, &'static str> {
        parse_integer(text).ok_or("")
    }

    fn to_value(&self) -> Value {
        Value::Integer(*self)
    }
}

impl Plain for f64 {
    const WANTED: &'static str = "a number";

    fn plain_zero() -> Self {
        0.0
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Option<Self>, &'static str> {
        match value {
            DeValue::Float(number) => number.as_str().parse().map(Some).map_err(|_| ""),
            DeValue::Integer(number) => {
                integer(number).map(|n| Some(n as f64)).ok_or("the number is too large")
            }
            _ => Err(""),
        }
    }

    fn from_text(text: &str) -> Result<Self, &'static str> {
        text.parse().map_err(|_| "")
    }

    fn to_value(&self) -> Value {
        Value::Float(*self)
    }
}

impl Plain for Duration {
    const WANTED: &'static str = "a duration such as 10s or 1h30m";

    fn plain_zero() -> Self {
        Duration::ZERO
    }

    // A bare 0 stands in Kapacitor's own sample; an empty text keeps the default.
    fn from_toml(value: &DeValue<'_>) -> Result<Option<Self>, &'static str> {
        match value {
            DeValue::String(text) if text.is_empty() => Ok(None),
            DeValue::String(text) => parse_duration(text).map(Some),
            DeValue::Integer(number) => parse_duration(number.as_str()).map(Some),
            DeValue::Float(number) if number.as_str() == "0.0" => Ok(Some(Duration::ZERO)),
            _ => Err(""),
        }
    }

    fn from_text(text: &str) -> Result<Self, &'static str> {
        parse_duration(text)
    }

    fn to_value(&self) -> Value {
        Value::String(format_duration(*self))
    }
}

impl Plain for Size {
    const WANTED: &'static str = "a size in bytes such as 67108864 or 64MiB";

    fn plain_zero() -> Self {
        Size(0)
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Option<Self>, &'static str> {
        match value {
            DeValue::String(text) => Size::parse(text).map(Some),
            DeValue::Integer(number) => Size::parse(number.as_str()).map(Some),
            _ => Err(""),
        }
    }

    fn from_text(text: &str) -> Result<Self, &'static str> {
        Size::parse(text)
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// A number that may be left out altogether.
impl Setting for Option<i64> {
    fn zero() -> Self {
        None
    }

    fn wanted(&self) -> &'static str {
        i64::WANTED
    }

    fn read(&mut self, value: &Spanned<DeValue<'_>>, field: &Field, walk: &mut FileWalk<'_>) {
        let mut number = self.unwrap_or_default();
        let known = walk.problems.len();
        number.read(value, field, walk);
        if walk.problems.len() == known {
            *self = Some(number);
        }
    }

    fn override_from(&mut self, name: &str, _field: &Field, walk: &mut EnvWalk<'_>) {
        if let Some(text) = walk.take(name) {
            match i64::from_text(&text) {
                Ok(number) => *self = Some(number),
                Err(why) => walk.wrong_value(name, i64::WANTED, &text, why),
            }
        }
    }

    fn shape(&self) -> Shape<'_> {
        self.map_or(Shape::Absent, |number| Shape::Plain(Value::Integer(number)))
    }
}

/// A TOML integer, unless it does not fit 64 bits.
fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// Go's ParseInt with base 0: `0x`, `0o`, `0b`, a leading 0 for octal, `_` between digits.
fn parse_integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, lower.get(2..)?),
        [b'0', b'o', ..] => (8, lower.get(2..)?),
        [b'0', b'b', ..] => (2, lower.get(2..)?),
        [b'0', _, ..] => (8, lower.get(1..)?),
        _ => (10, lower.as_str()),
    };
    if digits.starts_with(['-', '+']) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{}", digits.replace('_', "")), radix).ok()
}

/// Declares a setting that is one word out of a few.
macro_rules! choice {
    ($(#[doc = $about:literal])+ $name:ident, $wanted:literal { $($(#[doc = $doc:literal])+ $variant:ident $word:literal,)+ }) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $doc])+ $variant,)+ }

        impl $name {
            /// The word in the file.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl $crate::scalars::Plain for $name {
            const WANTED: &'static str = $wanted;

            fn plain_zero() -> Self {
                // The first variant is Go's zero value.
                [$(Self::$variant),+][0]
            }

            fn from_toml(value: &toml::de::DeValue<'_>) -> Result<Option<Self>, &'static str> {
                value.as_str().map_or(Err(""), |text| Self::from_text(text).map(Some))
            }

            fn from_text(text: &str) -> Result<Self, &'static str> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(concat!("it must be ", $wanted)),
                }
            }

            fn to_value(&self) -> toml::Value {
                toml::Value::String(self.word().to_owned())
            }
        }
    };
}
pub(crate) use choice;
