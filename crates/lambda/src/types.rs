//! The types and the borrowed values of lambda expressions.

use model::{Kind, Value};
use regex::Regex;
use std::borrow::Cow;
use std::fmt;

/// The type of a lambda expression. Wider than [`Kind`]: an expression can be a regular
/// expression, and a reference can be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ty {
    /// 64-bit float.
    Float,
    /// 64-bit integer.
    Int,
    /// Text.
    Str,
    /// Boolean.
    Bool,
    /// Regular expression.
    Regex,
    /// A point in time.
    Time,
    /// Nanoseconds.
    Duration,
    /// The point has neither a field nor a tag of that name.
    Missing,
}

impl Ty {
    /// The name that errors use.
    pub fn name(self) -> &'static str {
        match self {
            Ty::Float => "float",
            Ty::Int => "int",
            Ty::Str => "string",
            Ty::Bool => "boolean",
            Ty::Regex => "regex",
            Ty::Time => "time",
            Ty::Duration => "duration",
            Ty::Missing => "missing",
        }
    }

    /// The type of a value, or `None` for a null: no expression may touch one.
    pub(crate) fn of_kind(kind: Kind) -> Option<Ty> {
        match kind {
            Kind::Null => None,
            Kind::Float => Some(Ty::Float),
            Kind::Int => Some(Ty::Int),
            Kind::Bool => Some(Ty::Bool),
            Kind::Str => Some(Ty::Str),
            Kind::Time => Some(Ty::Time),
            Kind::Duration => Some(Ty::Duration),
        }
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value while an expression is evaluated: text is borrowed from the point where that is possible.
#[derive(Clone, Debug)]
pub(crate) enum Val<'a> {
    Missing,
    Float(f64),
    Int(i64),
    Bool(bool),
    Str(Cow<'a, str>),
    Time(i64),
    Duration(i64),
    Regex(&'a Regex),
}

impl Val<'_> {
    pub(crate) fn ty(&self) -> Ty {
        match self {
            Val::Missing => Ty::Missing,
            Val::Float(_) => Ty::Float,
            Val::Int(_) => Ty::Int,
            Val::Bool(_) => Ty::Bool,
            Val::Str(_) => Ty::Str,
            Val::Time(_) => Ty::Time,
            Val::Duration(_) => Ty::Duration,
            Val::Regex(_) => Ty::Regex,
        }
    }

    /// As the value of a field; `None` for what no field can hold.
    pub(crate) fn into_value(self) -> Option<Value> {
        match self {
            Val::Float(v) => Some(Value::Float(v)),
            Val::Int(v) => Some(Value::Int(v)),
            Val::Bool(v) => Some(Value::Bool(v)),
            Val::Str(v) => Some(Value::str(&v)),
            Val::Duration(v) => Some(Value::Duration(v)),
            Val::Missing | Val::Time(_) | Val::Regex(_) => None,
        }
    }
}
