//! One value of one field of one point.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A field's value, or a lambda's result.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub enum Value {
    /// Present but empty: what `join().fill('null')` writes. A field that is *missing* has no
    /// value at all.
    #[default]
    Null,
    /// 64-bit float.
    Float(f64),
    /// 64-bit integer.
    Int(i64),
    /// Boolean.
    Bool(bool),
    /// Text.
    Str(Arc<str>),
    /// Nanoseconds since the Unix epoch; only from lambdas.
    Time(i64),
    /// Nanoseconds; only from lambdas.
    Duration(i64),
}

/// The type of a [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// See [`Value::Null`].
    Null,
    /// See [`Value::Float`].
    Float,
    /// See [`Value::Int`].
    Int,
    /// See [`Value::Bool`].
    Bool,
    /// See [`Value::Str`].
    Str,
    /// See [`Value::Time`].
    Time,
    /// See [`Value::Duration`].
    Duration,
}

impl Kind {
    /// The name that TICKscript's errors use.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Null => "missing",
            Kind::Float => "float",
            Kind::Int => "int",
            Kind::Bool => "boolean",
            Kind::Str => "string",
            Kind::Time => "time",
            Kind::Duration => "duration",
        }
    }
}

impl Value {
    /// Its type.
    pub fn kind(&self) -> Kind {
        match self {
            Value::Null => Kind::Null,
            Value::Float(_) => Kind::Float,
            Value::Int(_) => Kind::Int,
            Value::Bool(_) => Kind::Bool,
            Value::Str(_) => Kind::Str,
            Value::Time(_) => Kind::Time,
            Value::Duration(_) => Kind::Duration,
        }
    }

    /// Text as a value.
    pub fn str(text: &str) -> Value {
        Value::Str(Arc::from(text))
    }

    /// The same type and the same bits: NaN equals itself, so that tests and digests can compare.
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        }
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Float(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::str(value)
    }
}
