//! A loaded value as the type that its default has, with Go's rules and words.

use super::content::Datum;
use model::Value;
use template::number::format_float_f;

/// The value. The error is the one that Kapacitor logs.
pub(super) fn convert(datum: &Datum, default: &Value) -> Result<Value, String> {
    let converted = match (default, datum) {
        (Value::Int(_), Datum::Number(number)) => whole(*number).map(Value::Int),
        (Value::Int(_), Datum::Text(text)) => return int(text).map(Value::Int),
        (Value::Float(_), Datum::Number(number)) => Some(Value::Float(*number)),
        (Value::Float(_), Datum::Text(text)) => return float(text).map(Value::Float),
        (Value::Bool(_), Datum::Bool(truth)) => Some(Value::Bool(*truth)),
        (Value::Bool(_), Datum::Text(text)) => return boolean(text).map(Value::Bool),
        (Value::Str(_), Datum::Number(number)) => {
            let mut text = String::new();
            format_float_f(&mut text, *number);
            Some(Value::str(&text))
        }
        (Value::Str(_), Datum::Bool(truth)) => Some(Value::str(if *truth { "true" } else { "false" })),
        (Value::Str(_), Datum::Text(text)) => Some(Value::str(text)),
        _ => None,
    };
    let (from, to) = (datum.go_type(), go_type(default));
    converted.ok_or_else(|| format!("cannot convert value of type {from} to type {to}"))
}

/// Go's name of a field's type.
pub(super) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Float(_) => "float64",
        Value::Int(_) => "int64",
        Value::Bool(_) => "bool",
        Value::Str(_) => "string",
        Value::Time(_) => "time.Time",
        Value::Duration(_) => "time.Duration",
    }
}

fn whole(number: f64) -> Option<i64> {
    let int = number as i64;
    let in_range = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    (in_range && int as f64 == number).then_some(int)
}

fn int(text: &str) -> Result<i64, String> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse().map_err(|error: std::num::ParseIntError| {
        let why = match error.kind() {
            PosOverflow | NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        format!("cannot convert string to int64: strconv.Atoi: parsing {}: {why}", tick::quote(text))
    })
}

fn float(text: &str) -> Result<f64, String> {
    let failed = |why| {
        let quoted = tick::quote(text);
        Err(format!("cannot convert string to float64: strconv.ParseFloat: parsing {quoted}: {why}"))
    };
    match text.parse::<f64>() {
        Ok(number) if number.is_infinite() && text.contains(|c: char| c.is_ascii_digit()) => {
            failed("value out of range")
        }
        Ok(number) => Ok(number),
        Err(_) => failed("invalid syntax"),
    }
}

fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => {
            let quoted = tick::quote(text);
            Err(format!("cannot convert string to bool: strconv.ParseBool: parsing {quoted}: invalid syntax"))
        }
    }
}
