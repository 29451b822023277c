//! Variables of tasks: the files that hold them, and how a value is shown.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::go;
use crate::shapes::Var;

/// Types of variables.
const TYPES: [&str; 9] = ["bool", "int", "float", "string", "regex", "duration", "lambda", "list", "star"];

/// A file for `-file`: a template, and what its task sets.
#[derive(Debug, Default, PartialEq)]
pub struct TaskFile {
    /// The task's id, if the file names one.
    pub id: String,
    /// What the API takes: `template-id`, `dbrps`, `vars`.
    pub settings: Map<String, Value>,
}

/// Reads a file for `-vars`: the variables themselves, or a task file with a `vars` key.
pub fn read_vars(text: &str) -> Result<Map<String, Value>, String> {
    let object = read_object(text)?;
    match check_vars(&object) {
        Ok(()) => Ok(object),
        Err(problem) => match object.get("vars") {
            Some(Value::Object(vars)) => check_vars(vars).map(|()| vars.clone()),
            _ => Err(problem),
        },
    }
}

/// Reads a file for `-file`.
pub fn read_task_file(text: &str) -> Result<TaskFile, String> {
    let mut file = TaskFile::default();
    for (key, value) in read_object(text)? {
        match (key.as_str(), value) {
            ("id", Value::String(id)) => file.id = id,
            ("vars", Value::Object(vars)) => {
                check_vars(&vars)?;
                file.settings.insert(key, Value::Object(vars));
            }
            ("template-id", value @ Value::String(_)) | ("dbrps", value @ Value::Array(_)) => {
                file.settings.insert(key, value);
            }
            (_, Value::Null) => {}
            ("id" | "vars" | "template-id" | "dbrps", _) => {
                return Err(format!("{key} has the wrong type"));
            }
            // Kapacitor's decoder passes over other keys.
            _ => {}
        }
    }
    Ok(file)
}

fn read_object(text: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("an object is needed".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn check_vars(vars: &Map<String, Value>) -> Result<(), String> {
    for (name, var) in vars {
        let kind = var.get("type").and_then(Value::as_str);
        let Some(kind) = kind else {
            return Err(format!("variable {name:?} lacks its type and value"));
        };
        if !TYPES.contains(&kind) {
            return Err(format!("unknown VarType {kind} of variable {name:?}; one of {}", TYPES.join(", ")));
        }
        if let Some(value) = var.get("value") {
            check_value(kind, value)
                .map_err(|wanted| format!("invalid var {name:?}: expected {wanted} value"))?;
        }
    }
    Ok(())
}

/// What a variable's value must be; the error says what was wanted.
fn check_value(kind: &str, value: &Value) -> Result<(), &'static str> {
    let (good, wanted) = match kind {
        "bool" => (value.is_boolean(), "bool"),
        "int" => (value.is_i64(), "int"),
        "float" => (value.is_number(), "float"),
        "duration" => match value.as_str() {
            Some(text) => (tick::duration::parse_influx(text).is_ok(), "duration"),
            None => (value.is_i64(), "int or string"),
        },
        "list" => (
            value.as_array().is_some_and(|items| items.iter().all(|item| item.get("type").is_some())),
            "list of vars",
        ),
        "star" => (true, ""),
        _ => (value.is_string(), "string"),
    };
    if good || value.is_null() { Ok(()) } else { Err(wanted) }
}

/// A value as `show` prints it.
pub fn show(var: &Var) -> String {
    match (var.r#type.as_str(), &var.value) {
        (_, Value::Null) => "<nil>".to_owned(),
        ("duration", value) => show_duration(value),
        ("float", Value::Number(number)) => number.as_f64().map_or_else(|| number.to_string(), go::float),
        ("list", Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(show_item).collect();
            format!("[{}]", items.join(", "))
        }
        (_, Value::String(text)) => text.clone(),
        (_, value) => value.to_string(),
    }
}

fn show_item(item: &Value) -> String {
    if item.get("type").and_then(Value::as_str) == Some("star") {
        return "*".to_owned();
    }
    match item.get("value") {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn show_duration(value: &Value) -> String {
    let nanos = match value {
        Value::String(text) => tick::duration::parse_influx(text).ok(),
        value => value.as_i64(),
    };
    match nanos {
        Some(nanos) => {
            let sign = if nanos < 0 { "-" } else { "" };
            format!("{sign}{}", config::format_duration(Duration::from_nanos(nanos.unsigned_abs())))
        }
        None => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_as_go_shows_them() {
        for (kind, value, shown) in [
            ("int", json!(42), "42"),
            ("float", json!(1), "1"),
            ("float", json!(0.5), "0.5"),
            ("bool", json!(true), "true"),
            ("string", json!("a b"), "a b"),
            ("regex", json!("^a"), "^a"),
            ("lambda", json!("\"x\" > 1"), "\"x\" > 1"),
            ("duration", json!(60_000_000_000_i64), "1m0s"),
            ("duration", json!("10s"), "10s"),
            ("duration", json!(-1_500_000_000_i64), "-1.5s"),
            ("star", json!(null), "<nil>"),
            ("list", json!([{"type": "string", "value": "a"}, {"type": "star", "value": null}]), "[a, *]"),
        ] {
            assert_eq!(show(&Var { r#type: kind.to_owned(), value }), shown);
        }
    }

    #[test]
    fn files_of_variables() {
        let vars = r#"{"a": {"type": "int", "value": 1}}"#;
        assert_eq!(read_vars(vars).unwrap(), *json!({"a": {"type": "int", "value": 1}}).as_object().unwrap());
        assert_eq!(read_vars(&format!(r#"{{"template-id": "t", "vars": {vars}}}"#)), read_vars(vars));
        for (text, problem) in [
            ("[]", "an object is needed"),
            (r#"{"a": 1}"#, "variable \"a\" lacks its type and value"),
            (r#"{"a": {"type": "int", "value": 1.5}}"#, "invalid var \"a\": expected int value"),
            (
                r#"{"a": {"type": "duration", "value": "1 week"}}"#,
                "invalid var \"a\": expected duration value",
            ),
            (r#"{"a": {"type": "list", "value": ["x"]}}"#, "invalid var \"a\": expected list of vars value"),
        ] {
            assert_eq!(read_vars(text), Err(problem.to_owned()), "{text}");
        }
    }

    #[test]
    fn task_files() {
        let file = read_task_file(
            r#"{"id": "i", "template-id": "t", "dbrps": [{"db": "d", "rp": "r"}], "vars": null, "more": 1}"#,
        )
        .unwrap();
        assert_eq!(file.id, "i");
        assert_eq!(
            Value::Object(file.settings),
            json!({"template-id": "t", "dbrps": [{"db": "d", "rp": "r"}]})
        );
        assert_eq!(read_task_file(r#"{"dbrps": 1}"#), Err("dbrps has the wrong type".to_owned()));
    }
}
