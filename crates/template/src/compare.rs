//! `eq`, `lt` and their kin: Go compares values of the same basic kind only.

use crate::format;
use crate::value::{Object, Slot, Value};

/// Basic kinds, as far as comparison goes.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Bool,
    Int,
    Float,
    Text,
    Uint,
    Other,
}

fn kind(value: &Value<'_>) -> Kind {
    match value {
        Value::Bool(_) => Kind::Bool,
        Value::Int(_) | Value::Native(_) | Value::Duration(_) | Value::Named(..) => Kind::Int,
        Value::Float(_) => Kind::Float,
        Value::Str(_) | Value::Safe(..) => Kind::Text,
        Value::Byte(_) => Kind::Uint,
        Value::Nil | Value::Time(_) | Value::List(_) | Value::Map(_) | Value::Object(_) => Kind::Other,
    }
}

/// Signed and unsigned integers in one range, so that they compare by value.
fn wide(value: &Value<'_>) -> i64 {
    value.integer().unwrap_or(0)
}

fn float(value: &Value<'_>) -> f64 {
    match value {
        Value::Float(value) => *value,
        _ => 0.0,
    }
}

/// Structs nested deeper count as different: data that deep is a loop.
const DEPTH_MAX: usize = 64;

const BAD_TYPE: &str = "invalid type for comparison";

fn integers(first: Kind, second: Kind) -> bool {
    matches!(first, Kind::Int | Kind::Uint) && matches!(second, Kind::Int | Kind::Uint)
}

/// Whether `first` equals any of `others`.
pub(crate) fn eq(first: &Value<'_>, others: &[Value<'_>]) -> Result<bool, String> {
    if others.is_empty() {
        return Err("missing argument for comparison".into());
    }
    for other in others {
        if equal(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal(first: &Value<'_>, second: &Value<'_>) -> Result<bool, String> {
    let (left, right) = (kind(first), kind(second));
    if integers(left, right) {
        return Ok(wide(first) == wide(second));
    }
    if left != right {
        let nil = matches!(first, Value::Nil) || matches!(second, Value::Nil);
        return if nil { Ok(false) } else { Err(incompatible(first, second)) };
    }
    match (first, second) {
        (Value::Bool(first), Value::Bool(second)) => Ok(first == second),
        (Value::Float(first), Value::Float(second)) => Ok(first == second),
        (Value::Time(first), Value::Time(second)) => Ok(first == second),
        (Value::Nil, second) | (second, Value::Nil) => Ok(matches!(second, Value::Nil)),
        (Value::Object(_), Value::Time(_)) => Ok(false),
        (Value::Time(_), Value::Object(other)) => match fields(*other, other.shape()) {
            Some(_) => Ok(false),
            None => Err(same_kind(second)),
        },
        (Value::Object(first), Value::Object(other)) => match structs(*first, *other, 0) {
            Some(same) => Ok(same),
            None => Err(same_kind(second)),
        },
        (Value::List(_), Value::List(_)) | (Value::Map(_), Value::Map(_)) => Err(same_kind(second)),
        _ if left == Kind::Other => Err(other_kind(first, second)),
        _ => Ok(first.text() == second.text()),
    }
}

/// Whether two structs are equal; None when one holds a list or map and so cannot be compared.
fn structs(first: &dyn Object, second: &dyn Object, depth: usize) -> Option<bool> {
    if depth > DEPTH_MAX {
        return Some(false);
    }
    let right = fields(second, second.shape())?;
    if first.type_name() != second.type_name() {
        return Some(false);
    }
    let left = fields(first, first.shape())?;
    for (left, right) in left.iter().zip(&right) {
        match (left, right) {
            (Value::Object(left), Value::Object(right)) => {
                if !structs(*left, *right, depth + 1)? {
                    return Some(false);
                }
            }
            (left, right) => {
                if !equal(left, right).unwrap_or(false) {
                    return Some(false);
                }
            }
        }
    }
    Some(true)
}

/// The fields of a struct, those of embedded ones in their place.
fn fields<'a>(object: &'a dyn Object, slots: &[Slot]) -> Option<Vec<Value<'a>>> {
    let mut all = Vec::with_capacity(slots.len());
    for slot in slots {
        match slot {
            Slot::Embedded(_, inner) => all.extend(fields(object, inner)?),
            Slot::Field(name) | Slot::Keyed { name, .. } => {
                let value = object.field(name).unwrap_or(Value::Nil);
                if matches!(value, Value::List(_) | Value::Map(_)) {
                    return None;
                }
                all.push(value);
            }
        }
    }
    Some(all)
}

fn incompatible(first: &Value<'_>, second: &Value<'_>) -> String {
    let (first, second) = (first.type_name(), second.type_name());
    format!("incompatible types for comparison: {first} and {second}")
}

fn text_of(value: &Value<'_>) -> String {
    format::printf("%s", std::slice::from_ref(value), usize::MAX)
}

fn same_kind(second: &Value<'_>) -> String {
    let text = text_of(second);
    format!("non-comparable type {text}: {}", second.type_name())
}

fn other_kind(first: &Value<'_>, second: &Value<'_>) -> String {
    let left = text_of(first);
    let right = format::print(std::slice::from_ref(second));
    format!("non-comparable types {left}: {}, {}: {right}", first.type_name(), second.type_name())
}

/// Whether `first` is less than `second`.
pub(crate) fn lt(first: &Value<'_>, second: &Value<'_>) -> Result<bool, String> {
    let (left, right) = (kind(first), kind(second));
    if left == Kind::Other || right == Kind::Other {
        return Err(BAD_TYPE.into());
    }
    if integers(left, right) {
        return Ok(wide(first) < wide(second));
    }
    if left != right {
        return Err(incompatible(first, second));
    }
    match left {
        Kind::Float => Ok(float(first) < float(second)),
        Kind::Text => Ok(first.text() < second.text()),
        _ => Err(BAD_TYPE.into()),
    }
}

/// Whether `first` is less than or equal to `second`.
pub(crate) fn le(first: &Value<'_>, second: &Value<'_>) -> Result<bool, String> {
    Ok(lt(first, second)? || equal(first, second)?)
}
