//! CSS values and strings.

use super::FAILSAFE;
use super::escaper::{Plain, stringify};
use crate::value::{Content, Value};

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || byte >= 0x80
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

/// Whether the text before a parenthesis ends with the word `url`.
pub(super) fn ends_with_url(text: &[u8]) -> bool {
    let end = text.iter().rposition(|byte| !is_space(*byte)).map_or(0, |last| last + 1);
    let Some(start) = end.checked_sub(3) else {
        return false;
    };
    let whole = start == 0 || !is_name_byte(text[start - 1]);
    whole && text[start..end].eq_ignore_ascii_case(b"url")
}

/// Resolves CSS escapes: `\41 `, `\"`.
pub(super) fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits == 0 {
            // A backslash at the end stands for nothing; before anything else, for that.
            if let Some((first, tail)) = rest.split_first() {
                out.push(*first);
                rest = tail;
            }
            continue;
        }
        let (code, used) = hex(&rest[..digits]);
        let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        rest = skip_space(&rest[used..]);
    }
    out.extend_from_slice(rest);
    out
}

/// The code point and the digits used: one too large gives its last digit back.
fn hex(digits: &[u8]) -> (u32, usize) {
    let value = |digits: &[u8]| {
        digits.iter().fold(0u32, |sum, byte| sum * 16 + char::from(*byte).to_digit(16).unwrap_or(0))
    };
    let code = value(digits);
    if code > char::MAX as u32 { (code / 16, digits.len() - 1) } else { (code, digits.len()) }
}

/// One space after an escape belongs to it.
fn skip_space(text: &[u8]) -> &[u8] {
    match text {
        [b'\r', b'\n', rest @ ..] => rest,
        [first, rest @ ..] if is_space(*first) => rest,
        text => text,
    }
}

/// Escapes for a CSS string.
pub(super) fn escape(args: &[Value<'_>]) -> String {
    let (text, _) = stringify(args);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let code = match c {
            '\\' => {
                out.push_str("\\\\");
                continue;
            }
            '\0' | '\t' | '\n' | '\x0c' | '\r' | '"' | '&' | '\'' | '(' | ')' | '+' | '/' | ':' | ';'
            | '<' | '>' | '{' | '}' => c as u32,
            c => {
                out.push(c);
                continue;
            }
        };
        out.push_str(&format!("\\{code:x}"));
        // A space keeps what follows from being read as another digit.
        let joined = chars
            .peek()
            .is_none_or(|next| next.is_ascii_hexdigit() || u8::try_from(*next).is_ok_and(is_space));
        if joined {
            out.push(' ');
        }
    }
    out
}

/// Lets through only values that cannot leave their place in a style sheet.
pub(super) fn filter(args: &[Value<'_>]) -> String {
    let (text, content) = stringify(args);
    if content == Plain::Safe(Content::Css) {
        return text.into_owned();
    }
    let decoded = decode(text.as_bytes());
    let mut name = String::new();
    let mut before = 0;
    for byte in &decoded {
        match byte {
            0 | b'"' | b'\'' | b'(' | b')' | b'/' | b';' | b'<' | b'>' | b'@' | b'[' | b'\\' | b']'
            | b'`' | b'{' | b'}' => return FAILSAFE.to_owned(),
            b'-' if before == b'-' => return FAILSAFE.to_owned(),
            byte if byte.is_ascii_alphanumeric() || *byte == b'_' => {
                name.push(char::from(byte.to_ascii_lowercase()));
            }
            _ => {}
        }
        before = *byte;
    }
    if name.contains("expression") || name.contains("mozbinding") {
        return FAILSAFE.to_owned();
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
