//! The two kinds of numbers that fields have, behind one face.

use model::Value;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// A float or an integer.
pub trait Number: Copy + PartialOrd {
    /// As a float.
    fn float(self) -> f64;

    /// As a field's value.
    fn value(self) -> Value;

    /// Is not a number.
    fn is_nan(self) -> bool;

    /// A total order for sorting: NaN comes last.
    fn order(self, other: Self) -> Ordering;
}

impl Number for f64 {
    fn float(self) -> f64 {
        self
    }

    fn value(self) -> Value {
        Value::Float(self)
    }

    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }

    fn order(self, other: f64) -> Ordering {
        self.partial_cmp(&other).unwrap_or_else(|| self.is_nan().cmp(&other.is_nan()))
    }
}

impl Number for i64 {
    fn float(self) -> f64 {
        self as f64
    }

    fn value(self) -> Value {
        Value::Int(self)
    }

    fn is_nan(self) -> bool {
        false
    }

    fn order(self, other: i64) -> Ordering {
        self.cmp(&other)
    }
}

/// A number that knows its kind. Integers wrap, as Kapacitor's do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Num {
    /// A float.
    Float(f64),
    /// An integer.
    Int(i64),
}

impl Num {
    /// Of a value; `None` when it is no number.
    pub fn of(value: &Value) -> Option<Num> {
        match value {
            Value::Float(v) => Some(Num::Float(*v)),
            Value::Int(v) => Some(Num::Int(*v)),
            _ => None,
        }
    }

    /// Zero of the same kind.
    pub fn zero(self) -> Num {
        match self {
            Num::Float(_) => Num::Float(0.0),
            Num::Int(_) => Num::Int(0),
        }
    }

    /// The sum. Numbers of two kinds never meet: the kind is latched.
    pub fn plus(self, other: Num) -> Num {
        match (self, other) {
            (Num::Int(a), Num::Int(b)) => Num::Int(a.wrapping_add(b)),
            (a, b) => Num::Float(a.float() + b.float()),
        }
    }

    /// The difference.
    pub fn minus(self, other: Num) -> Num {
        match (self, other) {
            (Num::Int(a), Num::Int(b)) => Num::Int(a.wrapping_sub(b)),
            (a, b) => Num::Float(a.float() - b.float()),
        }
    }

    /// As a float.
    pub fn float(self) -> f64 {
        match self {
            Num::Float(v) => v,
            Num::Int(v) => v as f64,
        }
    }

    /// As a field's value.
    pub fn value(self) -> Value {
        match self {
            Num::Float(v) => Value::Float(v),
            Num::Int(v) => Value::Int(v),
        }
    }
}
