//! JavaScript values, strings and regular expressions.

use std::fmt::Write as _;

use super::context::JsSlash;
use super::escaper::{Plain, stringify};
use crate::format;
use crate::json;
use crate::value::{Content, Value};

const BEFORE_REGEXP: &[&[u8]] = &[
    b"break",
    b"case",
    b"continue",
    b"delete",
    b"do",
    b"else",
    b"finally",
    b"in",
    b"instanceof",
    b"return",
    b"throw",
    b"try",
    b"typeof",
    b"void",
];

fn is_ident(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'_')
}

/// What a slash after `text` would be.
pub(super) fn slash_after(text: &[u8], before: JsSlash) -> JsSlash {
    let text = trim_end(text);
    let Some((last, head)) = text.split_last() else {
        return before;
    };
    let regexp = match last {
        // An odd number of signs ends with an operator, an even one with ++ or --.
        b'+' | b'-' => text.iter().rev().take_while(|byte| *byte == last).count() % 2 == 1,
        // "42." is a number.
        b'.' => !head.last().is_some_and(u8::is_ascii_digit),
        b',' | b'<' | b'>' | b'=' | b'*' | b'%' | b'&' | b'|' | b'^' | b'?' | b'!' | b'~' | b'(' | b'['
        | b':' | b';' | b'{' | b'}' => true,
        _ => {
            let word = text.iter().rev().take_while(|byte| is_ident(**byte)).count();
            BEFORE_REGEXP.contains(&&text[text.len() - word..])
        }
    };
    if regexp { JsSlash::Regexp } else { JsSlash::DivOp }
}

/// Without the white space of ECMAScript at its end.
fn trim_end(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [head @ .., b'\t' | b'\n' | 0x0b | 0x0c | b'\r' | b' '] => head,
            [head @ .., 0xc2, 0xa0] => head,
            [head @ .., 0xe1, 0x9a, 0x80] => head,
            [head @ .., 0xe2, 0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf] => head,
            [head @ .., 0xe2, 0x81, 0x9f] => head,
            [head @ .., 0xe3, 0x80, 0x80] => head,
            [head @ .., 0xef, 0xbb, 0xbf] => head,
            text => return text,
        };
    }
}

/// A value as a JavaScript expression.
pub(super) fn value(args: &[Value<'_>]) -> String {
    let mut encoded = String::new();
    let done = match args {
        [Value::Safe(Content::Js, text)] => return text.to_string(),
        [Value::Safe(Content::JsStr, text)] => return format!("\"{text}\""),
        [single @ (Value::Duration(_) | Value::Named(..))] => {
            json::encode(&mut encoded, &Value::owned(format::print(std::slice::from_ref(single))))
        }
        [single] => json::encode(&mut encoded, single),
        many => json::encode(&mut encoded, &Value::owned(format::print(many))),
    };
    if let Err(error) = done {
        let message = error.to_string().replace("*/", "* /");
        return format!(" /* {message} */null ");
    }
    if encoded.is_empty() {
        return " null ".to_owned();
    }
    // Spaces keep words and numbers from running into their neighbours.
    let bytes = encoded.as_bytes();
    if is_ident(bytes[0]) || is_ident(bytes[bytes.len() - 1]) {
        return format!(" {encoded} ");
    }
    encoded
}

/// Escapes for the inside of a string literal.
pub(super) fn string(args: &[Value<'_>]) -> String {
    let (text, content) = stringify(args);
    let keep_escapes = content == Plain::Safe(Content::JsStr);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '`' | '&' | '\'' | '+' | '<' | '>' => put_code(&mut out, c),
            '/' => out.push_str("\\/"),
            '\\' if !keep_escapes => out.push_str("\\\\"),
            c => put_low(&mut out, c),
        }
    }
    out
}

/// Escapes for the inside of a template literal, which no value may leave or interpolate into.
pub(super) fn template(args: &[Value<'_>]) -> String {
    let (text, _) = stringify(args);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '`' | '&' | '\'' | '+' | '<' | '>' | '$' | '{' | '}' => put_code(&mut out, c),
            '/' => out.push_str("\\/"),
            '\\' => out.push_str("\\\\"),
            c => put_low(&mut out, c),
        }
    }
    out
}

/// Escapes for the inside of a regular expression literal.
pub(super) fn regexp(args: &[Value<'_>]) -> String {
    let (text, _) = stringify(args);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '&' | '\'' | '+' | '<' | '>' => put_code(&mut out, c),
            '$' | '(' | ')' | '*' | '-' | '.' | '/' | '?' | '[' | '\\' | ']' | '^' | '{' | '|' | '}' => {
                out.push('\\');
                out.push(c);
            }
            c => put_low(&mut out, c),
        }
    }
    // An empty one would make the slashes a comment.
    if out.is_empty() { "(?:)".to_owned() } else { out }
}

fn put_code(out: &mut String, c: char) {
    let _ = write!(out, "\\u{:04x}", c as u32);
}

fn put_low(out: &mut String, c: char) {
    match c {
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\x0c' => out.push_str("\\f"),
        '\r' => out.push_str("\\r"),
        c if c < ' ' || matches!(c, '\u{2028}' | '\u{2029}') => put_code(out, c),
        c => out.push(c),
    }
}
