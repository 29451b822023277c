//! Go string literals: quoting (`strconv.Quote`, `%q`) and reading them back.

use std::fmt::Write as _;

/// `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII space.
pub(crate) fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // After the first character of a string, escape_debug lets combining marks stand, as Go does.
    let mut buffer = [0; 8];
    buffer[0] = b'a';
    let len = 1 + c.encode_utf8(&mut buffer[1..]).len();
    let text = std::str::from_utf8(&buffer[..len]).unwrap_or_default();
    text.escape_debug().nth(1) == Some(c)
}

/// A double-quoted Go string literal.
pub(crate) fn quote(text: &str) -> String {
    quote_with(text, '"', false)
}

/// A Go string or character literal; `ascii` escapes everything beyond ASCII.
pub(crate) fn quote_with(text: &str, mark: char, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(mark);
    for c in text.chars() {
        put_escaped(&mut out, c, mark, ascii);
    }
    out.push(mark);
    out
}

fn put_escaped(out: &mut String, c: char, mark: char, ascii: bool) {
    match c {
        c if c == mark || c == '\\' => {
            out.push('\\');
            out.push(c);
        }
        c if is_print(c) && (c.is_ascii() || !ascii) => out.push(c),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        c if c < ' ' || c == '\x7f' => {
            let _ = write!(out, "\\x{:02x}", c as u32);
        }
        c if (c as u32) < 0x10000 => {
            let _ = write!(out, "\\u{:04x}", c as u32);
        }
        c => {
            let _ = write!(out, "\\U{:08x}", c as u32);
        }
    }
}

/// Whether a text can stand between back quotes unchanged.
pub(crate) fn can_backquote(text: &str) -> bool {
    text.chars().all(|c| (c >= ' ' || c == '\t') && !matches!(c, '`' | '\x7f' | '\u{feff}'))
}

/// The text of a quoted or raw Go string literal, quotes included in `literal`. None when its
/// escapes are wrong. Bytes that are not UTF-8 (`"\xff"`) become U+FFFD.
pub(crate) fn unquote(literal: &str) -> Option<String> {
    if let Some(raw) = literal.strip_prefix('`') {
        return Some(raw.strip_suffix('`')?.replace('\r', ""));
    }
    let body = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body;
    while !rest.is_empty() {
        let (unit, tail) = unescape(rest, '"')?;
        match unit {
            Unit::Byte(byte) => bytes.push(byte),
            Unit::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = tail;
    }
    Some(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

/// The value of a character literal, quotes included; `Err` carries Go's message.
pub(crate) fn unquote_char(literal: &str) -> Result<u32, String> {
    let body = literal.get(1..).unwrap_or_default();
    let (unit, tail) = unescape(body, '\'').ok_or("invalid syntax")?;
    if tail != "'" {
        return Err(format!("malformed character constant: {literal}"));
    }
    Ok(match unit {
        Unit::Byte(byte) => u32::from(byte),
        Unit::Char(c) => c as u32,
    })
}

/// What one character or escape stands for.
enum Unit {
    Byte(u8),
    Char(char),
}

fn unescape(rest: &str, mark: char) -> Option<(Unit, &str)> {
    let mut chars = rest.chars();
    let first = chars.next()?;
    if first == mark {
        return None;
    }
    if first != '\\' {
        return Some((Unit::Char(first), chars.as_str()));
    }
    let kind = chars.next()?;
    let tail = chars.as_str();
    let simple = match kind {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' => '\\',
        '\'' | '"' if kind == mark => kind,
        'x' => return code(tail, 2, 16).and_then(byte),
        'u' => return code(tail, 4, 16).and_then(character),
        'U' => return code(tail, 8, 16).and_then(character),
        '0'..='7' => return code(&rest[1..], 3, 8).and_then(byte),
        _ => return None,
    };
    Some((Unit::Char(simple), tail))
}

fn code(text: &str, len: usize, radix: u32) -> Option<(u32, &str)> {
    let digits = text.get(..len)?;
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    Some((u32::from_str_radix(digits, radix).ok()?, &text[len..]))
}

fn byte((value, tail): (u32, &str)) -> Option<(Unit, &str)> {
    Some((Unit::Byte(u8::try_from(value).ok()?), tail))
}

fn character((value, tail): (u32, &str)) -> Option<(Unit, &str)> {
    Some((Unit::Char(char::from_u32(value)?), tail))
}
