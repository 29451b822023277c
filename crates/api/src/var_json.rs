//! Variables of tasks: Kapacitor's JSON in and out.

use crate::routes::member;
use catalog::{Var, VarKind};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is wrong with the variables of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It does not decode: Kapacitor says no more than `invalid JSON`.
    Shape,
    /// It decodes, but type and value do not go together.
    Value(String),
}

/// Reads `{"name": {"type": ..., "value": ..., "description": ...}}`.
pub fn read(vars: &Value) -> Result<BTreeMap<String, Var>, Wrong> {
    let vars = vars.as_object().ok_or(Wrong::Shape)?;
    // What does not decode is found before what does not go together.
    let decoded: Vec<(&String, Decoded<'_>)> =
        vars.iter().map(|(name, var)| Ok((name, decode(var)?))).collect::<Result<_, Wrong>>()?;
    let read = decoded.into_iter().map(|(name, var)| {
        let wrong = |why| Wrong::Value(format!("invalid var {name}: {why}"));
        Ok((name.clone(), together(var).map_err(wrong)?))
    });
    read.collect()
}

/// A variable that has the right shape.
struct Decoded<'v> {
    kind: Option<VarKind>,
    value: &'v Value,
    description: String,
}

fn decode(var: &Value) -> Result<Decoded<'_>, Wrong> {
    static NULL: Value = Value::Null;
    if !var.is_object() && !var.is_null() {
        return Err(Wrong::Shape);
    }
    let kind = kind(member(var, "type").unwrap_or(&NULL))?;
    let description = match member(var, "description") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(_) => return Err(Wrong::Shape),
    };
    let value = member(var, "value").unwrap_or(&NULL);
    let fits = match (kind, value) {
        (_, Value::Null) => true,
        (Some(VarKind::Duration), Value::String(text)) => tick::duration::parse_influx(text).is_ok(),
        (Some(VarKind::Duration | VarKind::Int), value) => value.is_i64(),
        (Some(VarKind::Float), value) => value.is_number(),
        (Some(VarKind::List), value) => value.as_array().is_some_and(|items| items.iter().all(is_item)),
        _ => true,
    };
    if fits { Ok(Decoded { kind, value, description }) } else { Err(Wrong::Shape) }
}

fn kind(name: &Value) -> Result<Option<VarKind>, Wrong> {
    match name {
        Value::Null => Ok(None),
        Value::String(name) => VarKind::parse(name).map(Some).ok_or(Wrong::Shape),
        _ => Err(Wrong::Shape),
    }
}

/// An item of a list needs both its type and its value, even where the value says nothing.
fn is_item(item: &Value) -> bool {
    let Some(item) = item.as_object() else { return false };
    let known = item.get("type").and_then(Value::as_str).and_then(VarKind::parse);
    known.is_some() && item.contains_key("value")
}

fn together(var: Decoded<'_>) -> Result<Var, String> {
    let Decoded { kind, value, description } = var;
    let value = match (kind, value) {
        (Some(VarKind::Star), _) => Value::Null,
        (Some(VarKind::List), Value::Null) => {
            return Err("var has list type but value is not list, got <nil>".into());
        }
        (Some(VarKind::List), list) => Value::Array(items(list)?),
        (Some(VarKind::Duration), Value::String(text)) => {
            let nanos = tick::duration::parse_influx(text).map_err(|error| error.to_string())?;
            Value::from(nanos)
        }
        (Some(VarKind::Duration | VarKind::Int | VarKind::Float), Value::Number(_)) => value.clone(),
        (Some(VarKind::String | VarKind::Regex | VarKind::Lambda), Value::String(_)) => value.clone(),
        (Some(VarKind::Bool), Value::Bool(_)) => value.clone(),
        (kind, value) => return Err(mismatch(kind, value)),
    };
    // Without a type nothing comes this far.
    let kind = kind.ok_or_else(|| mismatch(None, &value))?;
    Ok(Var { kind, value, description })
}

fn mismatch(kind: Option<VarKind>, value: &Value) -> String {
    let name = kind.map_or("unknown", VarKind::name);
    match value {
        Value::String(_) => format!("unexpected var type {name}, value is a string"),
        Value::Bool(truth) => format!("mismatched type and value: bool {truth}"),
        Value::Null => "unsupported Var type <nil>.".into(),
        Value::Number(_) => "unsupported Var type json.Number.".into(),
        Value::Array(_) => "unsupported Var type []interface {}.".into(),
        Value::Object(_) => "unsupported Var type map[string]interface {}.".into(),
    }
}

fn items(list: &Value) -> Result<Vec<Value>, String> {
    let items = list.as_array().into_iter().flatten();
    let read = items.map(|item| {
        let decoded = decode(item).map_err(|_| "a list holds strings and stars only".to_owned())?;
        together(decoded).map(|var| write_one(&var))
    });
    read.collect()
}

/// All variables as the API shows them.
pub fn write(vars: &BTreeMap<String, Var>) -> Value {
    Value::Object(vars.iter().map(|(name, var)| (name.clone(), write_one(var))).collect::<Map<_, _>>())
}

fn write_one(var: &Var) -> Value {
    json!({"type": var.kind.name(), "value": var.value, "description": var.description})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_kapacitor_answers() {
        let value = |text: &str| Err(Wrong::Value(format!("invalid var v: {text}")));
        for (given, expected) in [
            (json!({"type": "string", "value": "x"}), Ok(json!("x"))),
            (json!({"Type": "string", "VALUE": "x", "zz": 1}), Ok(json!("x"))),
            (json!({"type": "duration", "value": "5m"}), Ok(json!(300_000_000_000_i64))),
            (json!({"type": "duration", "value": 5}), Ok(json!(5))),
            (json!({"type": "duration", "value": "zz"}), Err(Wrong::Shape)),
            (json!({"type": "duration", "value": true}), Err(Wrong::Shape)),
            (json!({"type": "int", "value": 1.5}), Err(Wrong::Shape)),
            (json!({"type": "int", "value": "1"}), Err(Wrong::Shape)),
            (json!({"type": "float", "value": 1}), Ok(json!(1))),
            (json!({"type": "star"}), Ok(json!(null))),
            (json!({"type": "star", "value": ""}), Ok(json!(null))),
            (json!({"type": "bogus", "value": 1}), Err(Wrong::Shape)),
            (json!({"type": "list", "value": ["q"]}), Err(Wrong::Shape)),
            (json!({"type": "list", "value": [{"type": "star"}]}), Err(Wrong::Shape)),
            (
                json!({"type": "list", "value": [{"type": "star", "value": ""}]}),
                Ok(json!([{"type": "star", "value": null, "description": ""}])),
            ),
            (
                json!({"type": "list", "value": null}),
                value("var has list type but value is not list, got <nil>"),
            ),
            (json!({"type": "string", "value": 1}), value("unsupported Var type json.Number.")),
            (json!({"type": "bool", "value": "false"}), value("unexpected var type bool, value is a string")),
            (json!({"value": "x"}), value("unexpected var type unknown, value is a string")),
            (json!("x"), Err(Wrong::Shape)),
            (json!({"type": "string", "value": "x", "description": 1}), Err(Wrong::Shape)),
        ] {
            let read = read(&json!({"v": given})).map(|vars| vars["v"].value.clone());
            assert_eq!(read, expected, "{given}");
        }
    }
}
