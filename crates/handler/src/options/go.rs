//! What is wrong with an option's type, in the words of the decoder that Kapacitor uses.

use super::OptionKind;
use serde_json::Value;

/// What is wrong with a value that is not null; nothing when it fits. Strings for durations and modes
/// are read later.
pub(super) fn unfit(name: &str, kind: OptionKind, value: &Value) -> Vec<String> {
    let one =
        |wrong: bool, expected| wrong.then(|| unconvertible(name, expected, value)).into_iter().collect();
    match kind {
        OptionKind::Text => one(!value.is_string(), "string"),
        OptionKind::Flag => one(!value.is_boolean(), "bool"),
        OptionKind::Duration => one(!value.is_number() && !value.is_string(), "time.Duration"),
        OptionKind::Mode => one(!value.is_number() && !value.is_string(), "fs.FileMode"),
        OptionKind::Texts => match value {
            Value::Array(items) => {
                let wrong = items.iter().enumerate().filter(|(_, item)| !item.is_string() && !item.is_null());
                wrong.map(|(at, item)| unconvertible(&format!("{name}[{at}]"), "string", item)).collect()
            }
            other => vec![format!("'{name}': source data must be an array or slice, got {}", go_kind(other))],
        },
        OptionKind::Map => match value {
            Value::Object(members) => {
                let wrong = members.iter().filter(|(_, item)| !item.is_string() && !item.is_null());
                wrong.map(|(key, item)| unconvertible(&format!("{name}[{key}]"), "string", item)).collect()
            }
            other => vec![format!("'{name}' expected a map, got '{}'", go_kind(other))],
        },
    }
}

fn unconvertible(name: &str, expected: &str, value: &Value) -> String {
    format!(
        "'{name}' expected type '{expected}', got unconvertible type '{}', value: '{}'",
        go_type(value),
        go_value(value)
    )
}

/// The type that JSON becomes in Go.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
        plain => go_type(plain),
    }
}

/// As Go's `%v` prints it.
fn go_value(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_value).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("{key}:{}", go_value(value))).collect();
            format!("map[{}]", members.join(" "))
        }
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn in_the_words_of_the_original() {
        for (kind, value, expected) in [
            (OptionKind::Text, json!("x"), ""),
            (
                OptionKind::Text,
                json!(1),
                "'o' expected type 'string', got unconvertible type 'float64', value: '1'",
            ),
            (
                OptionKind::Text,
                json!(["a", true]),
                "'o' expected type 'string', got unconvertible type '[]interface {}', value: '[a true]'",
            ),
            (
                OptionKind::Flag,
                json!("x"),
                "'o' expected type 'bool', got unconvertible type 'string', value: 'x'",
            ),
            (OptionKind::Duration, json!("1s"), ""),
            (
                OptionKind::Duration,
                json!({"a": null}),
                "'o' expected type 'time.Duration', got unconvertible type 'map[string]interface {}', value: 'map[a:<nil>]'",
            ),
            (OptionKind::Texts, json!(["a", null]), ""),
            (OptionKind::Texts, json!("a"), "'o': source data must be an array or slice, got string"),
            (
                OptionKind::Texts,
                json!([1]),
                "'o[0]' expected type 'string', got unconvertible type 'float64', value: '1'",
            ),
            (OptionKind::Map, json!([]), "'o' expected a map, got 'slice'"),
            (
                OptionKind::Map,
                json!({"k": 1}),
                "'o[k]' expected type 'string', got unconvertible type 'float64', value: '1'",
            ),
        ] {
            assert_eq!(unfit("o", kind, &value).join("; "), expected, "{value}");
        }
    }
}
