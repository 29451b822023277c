//! Points as line protocol that reads back as the same points.

use model::{Name, TagSet, Time, Value};
use std::io::Write;

/// Adds the line of a point. Nulls and empty tags are left out. Gives why a field was left out, if
/// one was; the error says why there can be no line, of which a part may have been added.
pub(super) fn put<'v>(
    out: &mut Vec<u8>,
    name: &str,
    tags: &TagSet,
    fields: impl Iterator<Item = (&'v Name, Value)>,
    time: Time,
) -> Result<Option<String>, String> {
    if name.is_empty() || name.starts_with('#') {
        return Err(format!("no line of line protocol can have the measurement {name:?}"));
    }
    word(out, name, b", ", "measurement")?;
    for (tag, value) in tags.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(b',');
        word(out, tag, b",= ", "tag")?;
        out.push(b'=');
        word(out, value, b",= ", "tag value")?;
    }
    let (mut separator, mut left_out) = (b' ', None);
    for (field, value) in fields {
        let text = match value {
            Value::Null => continue,
            Value::Float(number) if !number.is_finite() => {
                left_out = Some(format!("field {field:?} is {number}, which line protocol does not have"));
                continue;
            }
            Value::Float(number) => format!("{number:?}"),
            Value::Int(number) | Value::Duration(number) | Value::Time(number) => format!("{number}i"),
            Value::Bool(truth) => truth.to_string(),
            Value::Str(text) => quoted(&text),
        };
        out.push(separator);
        separator = b',';
        word(out, field, b",= ", "field")?;
        out.push(b'=');
        out.extend_from_slice(text.as_bytes());
    }
    if separator == b' ' {
        return Err(left_out.unwrap_or_else(|| "the point has no fields".into()));
    }
    writeln!(out, " {time}").map_err(|error| error.to_string())?;
    Ok(left_out)
}

/// A text with a backslash before what would end it. A backslash of its own stands for itself, but
/// where it would be taken for one of these there is no way to write it.
fn word(out: &mut Vec<u8>, text: &str, ends: &[u8], what: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    let refused = || format!("no line of line protocol can have the {what} {text:?}");
    // A tab before a word is white space to whoever reads it.
    let blank = bytes.first().is_none_or(|first| *first == b'\t');
    if blank || bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        return Err(refused());
    }
    for (at, &byte) in bytes.iter().enumerate() {
        if byte == b'\\'
            && bytes.get(at + 1).is_none_or(|next| ends.contains(next) || b",= \\\"".contains(next))
        {
            return Err(refused());
        }
        if ends.contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}
