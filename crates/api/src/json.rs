//! JSON as Go's encoder writes it: HTML characters escaped, four spaces of indentation.

use serde_json::{Number, Value};
use template::number::{format_int, format_time_rfc3339nano, json_float};

/// The spaces of one level.
const INDENT: usize = 4;

/// What Go shows of a time that was never set.
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// Indented, without a newline at the end.
pub fn pretty(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    write(&mut out, value, Some(0));
    out
}

/// On one line.
pub fn compact(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write(&mut out, value, None);
    out
}

/// A time in nanoseconds since the Unix epoch; `None` is Go's zero time.
pub fn time(nanos: Option<i64>) -> Value {
    let mut text = String::new();
    match nanos {
        Some(nanos) => format_time_rfc3339nano(&mut text, nanos),
        None => text.push_str(ZERO_TIME),
    }
    Value::String(text)
}

/// `{"rel": "self", "href": ...}`
pub fn link(rel: &str, href: &str) -> Value {
    serde_json::json!({"rel": rel, "href": href})
}

/// Appends a value; `depth` is `None` when it goes on one line. Our own values are shallow, and
/// the parser refuses deep ones, so that the recursion is bounded.
fn write(out: &mut Vec<u8>, value: &Value, depth: Option<usize>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => alert::json::string(out, text),
        Value::Array(items) => {
            let write_item = |out: &mut Vec<u8>, item: &Value, depth| write(out, item, depth);
            write_list(out, [b'[', b']'], items, depth, write_item);
        }
        Value::Object(members) => {
            let write_member = |out: &mut Vec<u8>, (key, value): (&String, &Value), depth: Option<usize>| {
                alert::json::string(out, key);
                out.extend_from_slice(if depth.is_some() { b": " } else { b":" });
                write(out, value, depth);
            };
            write_list(out, [b'{', b'}'], members, depth, write_member);
        }
    }
}

fn write_list<T>(
    out: &mut Vec<u8>,
    brackets: [u8; 2],
    items: impl IntoIterator<Item = T>,
    depth: Option<usize>,
    write_item: impl Fn(&mut Vec<u8>, T, Option<usize>),
) {
    let inner = depth.map(|depth| depth + 1);
    let mut empty = true;
    out.push(brackets[0]);
    for item in items {
        if !empty {
            out.push(b',');
        }
        empty = false;
        new_line(out, inner);
        write_item(out, item, inner);
    }
    if !empty {
        new_line(out, depth);
    }
    out.push(brackets[1]);
}

fn new_line(out: &mut Vec<u8>, depth: Option<usize>) {
    if let Some(depth) = depth {
        out.push(b'\n');
        out.resize(out.len() + depth * INDENT, b' ');
    }
}

fn write_number(out: &mut Vec<u8>, number: &Number) {
    if let Some(whole) = number.as_i64() {
        format_int(out, whole);
    } else if let Some(whole) = number.as_u64() {
        out.extend_from_slice(whole.to_string().as_bytes());
    } else if !json_float(out, number.as_f64().unwrap_or(f64::NAN)) {
        out.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn as_go_writes_it() {
        let value =
            json!({"b": [], "a": {}, "c": [1, 2.5, 10.0, "x -> <y>"], "d": {"e": null, "f": u64::MAX}});
        let expected = "{\n    \"b\": [],\n    \"a\": {},\n    \"c\": [\n        1,\n        2.5,\n        10,\n        \"x -\\u003e \\u003cy\\u003e\"\n    ],\n    \"d\": {\n        \"e\": null,\n        \"f\": 18446744073709551615\n    }\n}";
        assert_eq!(String::from_utf8_lossy(&pretty(&value)), expected);
        assert_eq!(compact(&json!({"a": [1, {"b": true}]})), br#"{"a":[1,{"b":true}]}"#);
    }

    #[test]
    fn times() {
        assert_eq!(time(None), json!("0001-01-01T00:00:00Z"));
        assert_eq!(time(Some(1_500_000_000)), json!("1970-01-01T00:00:01.5Z"));
    }
}
