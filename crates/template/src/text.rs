//! The text escapes behind `html`, `js` and `urlquery`.

use std::fmt::Write as _;

use crate::format;
use crate::quote;
use crate::value::Value;

/// The arguments of an escaping function as one text, joined as `print` joins them.
pub(crate) fn join(args: &[Value<'_>]) -> String {
    if !args.iter().any(|arg| matches!(arg, Value::Nil)) {
        return format::print(args);
    }
    let shown: Vec<Value<'_>> = args
        .iter()
        .map(|arg| match arg {
            Value::Nil => Value::from("<no value>"),
            arg => arg.clone(),
        })
        .collect();
    format::print(&shown)
}

/// Escapes for HTML: `<`, `>`, `&`, both quotes, and NUL.
pub(crate) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// Escapes for a JavaScript string.
pub(crate) fn js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' => out.push_str("\\u003C"),
            '>' => out.push_str("\\u003E"),
            '&' => out.push_str("\\u0026"),
            '=' => out.push_str("\\u003D"),
            c if c >= ' ' && (c.is_ascii() || quote::is_print(c)) => out.push(c),
            c => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
        }
    }
    out
}

/// Escapes for a URL's query.
pub(crate) fn url_query(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
