//! Variables: from the API's JSON to the values of a script.

use crate::error::TaskError;
use catalog::{Var, VarKind};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use tick::Value;

/// The values of all variables.
pub fn values(vars: &BTreeMap<String, Var>) -> Result<BTreeMap<String, Value>, TaskError> {
    vars.iter().map(|(name, var)| Ok((name.clone(), value(name, var)?))).collect()
}

fn value(name: &str, var: &Var) -> Result<Value, TaskError> {
    let wrong = || {
        let (kind, value) = (var.kind.name(), &var.value);
        TaskError::Invalid(format!("invalid var {name}: value {value} is not of type {kind}"))
    };
    let text = || var.value.as_str().ok_or_else(wrong);
    Ok(match var.kind {
        VarKind::Bool => Value::Bool(var.value.as_bool().ok_or_else(wrong)?),
        VarKind::Int => Value::Int(whole(&var.value).ok_or_else(wrong)?),
        VarKind::Float => Value::Float(var.value.as_f64().ok_or_else(wrong)?),
        VarKind::String => Value::String(text()?.to_owned()),
        VarKind::Regex => {
            let pattern = text()?;
            tick::re2::compile(pattern)
                .map_err(|error| broken(name, &format!("invalid regex pattern: {error}")))?;
            Value::Regex(pattern.to_owned())
        }
        VarKind::Duration => Value::Duration(match &var.value {
            Json::String(text) => tick::duration::parse_influx(text)
                .map_err(|error| TaskError::Invalid(format!("invalid var {name}: {error}")))?,
            number => whole(number).ok_or_else(wrong)?,
        }),
        VarKind::Lambda => {
            let source = text()?;
            let parsed = tick::parse_lambda(source);
            Value::Lambda(
                parsed.map_err(|d| {
                    broken(name, &format!("invalid lambda expression: {}", d.one_line(source)))
                })?,
            )
        }
        VarKind::List => {
            let items = var.value.as_array().ok_or_else(wrong)?;
            Value::List(items.iter().map(|item| list_item(item).ok_or_else(wrong)).collect::<Result<_, _>>()?)
        }
        VarKind::Star => Value::Star,
    })
}

/// Kapacitor finds these when it compiles the script, and says so.
fn broken(name: &str, why: &str) -> TaskError {
    TaskError::Invalid(format!("invalid TICKscript: invalid var {name}: {why}"))
}

/// A JSON number without a fraction, also when it is written with one (`10.0`).
fn whole(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| {
        let float = value.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9.0e15)?;
        Some(float as i64)
    })
}

/// `{"type": "string", "value": "host"}` or `{"type": "star"}`.
fn list_item(item: &Json) -> Option<Value> {
    match item.get("type")?.as_str()? {
        "string" => Some(Value::String(item.get("value")?.as_str()?.to_owned())),
        "star" => Some(Value::Star),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What Kapacitor 1.5.7 answers to the same variables.
    #[test]
    fn values_that_do_not_compile_are_refused_in_the_words_of_kapacitor() {
        let cases = [
            (
                VarKind::Regex,
                json!("("),
                "invalid TICKscript: invalid var v: invalid regex pattern: error parsing regexp: missing closing ): `(`",
            ),
            (
                VarKind::Lambda,
                json!("\"v\" >"),
                "invalid TICKscript: invalid var v: invalid lambda expression: parser: unexpected EOF line 1 char 6 \
                 in \"\"v\" >\". expected: \"number\",\"string\",\"duration\",\"identifier\",\"TRUE\",\"FALSE\",\"==\",\
                 \"(\",\"-\",\"!\"",
            ),
        ];
        for (kind, value, expected) in cases {
            let var = Var { kind, value, description: String::new() };
            let error = values(&BTreeMap::from([("v".to_owned(), var)])).expect_err("it does not compile");
            assert_eq!(error.to_string(), expected);
        }
    }
}
