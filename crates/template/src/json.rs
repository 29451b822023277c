//! JSON as Go's `encoding/json` writes it, html-safe escapes included.

pub mod in_html;

use crate::number::{self, Sink};
use crate::value::{Encoded, Object, Slot, Value};

/// Nesting past this is refused: data that deep is a loop or an attack.
const DEPTH_MAX: usize = 64;

/// RFC 3339 has four digits for the year.
const FAR_TIME: &str =
    "error calling MarshalJSON for type time.Time: Time.MarshalJSON: year outside of range [0,9999]";

/// A value JSON cannot hold, as Go words it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("json: {0}")]
pub struct Unsupported(String);

/// Appends the JSON of `value`. On failure `out` may hold a part.
///
/// # Errors
/// [`Unsupported`] for NaN, the infinities, years of more than four digits, and nesting beyond 64
/// levels.
pub fn encode(out: &mut String, value: &Value<'_>) -> Result<(), Unsupported> {
    put(out, value, 0)
}

fn put(out: &mut String, value: &Value<'_>, depth: usize) -> Result<(), Unsupported> {
    if depth > DEPTH_MAX {
        return Err(Unsupported("unsupported value: encountered a cycle".into()));
    }
    match value {
        Value::Nil => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) | Value::Native(value) | Value::Duration(value) => {
            number::format_int(out, *value);
        }
        Value::Byte(value) => number::format_int(out, i64::from(*value)),
        Value::Float(value) => {
            if !number::json_float(out, *value) {
                return Err(not_a_number(*value));
            }
        }
        Value::Str(text) | Value::Safe(_, text) => put_string(out, text),
        Value::Time(time) if !(0..=9999).contains(&time.civil().year) => {
            return Err(Unsupported(FAR_TIME.into()));
        }
        Value::Time(time) => {
            out.push('"');
            time.put_rfc3339nano(out);
            out.push('"');
        }
        Value::Named(named, value) if named.json_text => put_string(out, named.text(*value)),
        Value::Named(_, value) => number::format_int(out, *value),
        Value::List(span) => {
            out.push('[');
            for index in 0..span.len() {
                if index > 0 {
                    out.push(',');
                }
                put(out, &span.get(index).unwrap_or(Value::Nil), depth + 1)?;
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for index in 0..map.len() {
                let Some((key, value)) = map.entry(index) else {
                    break;
                };
                if index > 0 {
                    out.push(',');
                }
                put_string(out, key);
                out.push(':');
                put(out, &value, depth + 1)?;
            }
            out.push('}');
        }
        Value::Object(object) => return put_object(out, *object, depth),
    }
    Ok(())
}

fn put_object(out: &mut String, object: &dyn Object, depth: usize) -> Result<(), Unsupported> {
    match object.json(out) {
        Encoded::Written => Ok(()),
        Encoded::Impossible(value) => Err(not_a_number(value)),
        Encoded::FromShape => {
            out.push('{');
            let mut first = true;
            put_slots(out, object, object.shape(), depth, &mut first)?;
            out.push('}');
            Ok(())
        }
    }
}

fn not_a_number(value: f64) -> Unsupported {
    let mut text = String::from("unsupported value: ");
    number::format_float_g(&mut text, value);
    Unsupported(text)
}

fn put_slots(
    out: &mut String,
    object: &dyn Object,
    slots: &[Slot],
    depth: usize,
    first: &mut bool,
) -> Result<(), Unsupported> {
    for slot in slots {
        let (name, key, omit_empty) = match slot {
            Slot::Field(name) => (*name, *name, false),
            Slot::Keyed { name, key, omit_empty } => (*name, *key, *omit_empty),
            Slot::Embedded(_, inner) => {
                put_slots(out, object, inner, depth, first)?;
                continue;
            }
        };
        let value = object.field(name).unwrap_or(Value::Nil);
        if omit_empty && is_empty(&value) {
            continue;
        }
        if !std::mem::take(first) {
            out.push(',');
        }
        put_string(out, key);
        out.push(':');
        put(out, &value, depth + 1)?;
    }
    Ok(())
}

/// Go's `omitempty`: like falsehood, except that a time or a struct is never empty.
fn is_empty(value: &Value<'_>) -> bool {
    !value.truth()
}

/// Appends a JSON string with Go's escapes: `<`, `>` and `&` as `\u00XX`, U+2028 and U+2029 too.
pub fn put_string<S: Sink>(out: &mut S, text: &str) {
    out.put("\"");
    put_escaped(out, text, &ESCAPES);
    out.put("\"");
}

/// What stands for each ASCII character within a string; empty for one that stands for itself.
type Escapes = [&'static str; 128];

fn put_escaped<S: Sink>(out: &mut S, text: &str, escapes: &Escapes) {
    let mut written = 0;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().copied().enumerate() {
        let (escape, len) = match escapes.get(byte as usize) {
            Some(&"") => continue,
            Some(escape) => (*escape, 1),
            None if byte != 0xe2 => continue,
            None if bytes[at..].starts_with(&[0xe2, 0x80, 0xa8]) => ("\\u2028", 3),
            None if bytes[at..].starts_with(&[0xe2, 0x80, 0xa9]) => ("\\u2029", 3),
            None => continue,
        };
        out.put(&text[written..at]);
        out.put(escape);
        written = at + len;
    }
    out.put(&text[written..]);
}

static ESCAPES: Escapes = {
    let mut table = [""; 128];
    let controls = [
        "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007", "\\b", "\\t",
        "\\n", "\\u000b", "\\f", "\\r", "\\u000e", "\\u000f", "\\u0010", "\\u0011", "\\u0012", "\\u0013",
        "\\u0014", "\\u0015", "\\u0016", "\\u0017", "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c",
        "\\u001d", "\\u001e", "\\u001f",
    ];
    let mut index = 0;
    while index < controls.len() {
        table[index] = controls[index];
        index += 1;
    }
    table[b'"' as usize] = "\\\"";
    table[b'\\' as usize] = "\\\\";
    table[b'&' as usize] = "\\u0026";
    table[b'<' as usize] = "\\u003c";
    table[b'>' as usize] = "\\u003e";
    table
};
