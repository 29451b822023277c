//! Go's `%q`: how Kapacitor quotes names and characters in its messages.

use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;

static PRINTABLE: LazyLock<Regex> = LazyLock::new(|| constant(r"^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$"));
static LETTER: LazyLock<Regex> = LazyLock::new(|| constant(r"^\p{L}$"));
static DIGIT: LazyLock<Regex> = LazyLock::new(|| constant(r"^\p{Nd}$"));

/// Compiles a pattern of this crate.
fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern is valid")
}

fn is(class: &Regex, char: char) -> bool {
    class.is_match(char.encode_utf8(&mut [0; 4]))
}

/// Go's `unicode.IsLetter`: category L only, narrower than Rust's `is_alphabetic`.
pub(crate) fn is_letter(char: char) -> bool {
    if char.is_ascii() { char.is_ascii_alphabetic() } else { is(&LETTER, char) }
}

/// Go's `unicode.IsDigit`: category Nd.
pub(crate) fn is_digit(char: char) -> bool {
    if char.is_ascii() { char.is_ascii_digit() } else { is(&DIGIT, char) }
}

/// A string in double quotes as Go's `%q` prints it.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        escape(&mut out, char, '"');
    }
    out.push('"');
    out
}

/// A character in single quotes as Go's `%q` prints it.
pub fn quote_char(char: char) -> String {
    let mut out = String::from("'");
    escape(&mut out, char, '\'');
    out.push('\'');
    out
}

fn escape(out: &mut String, char: char, quote: char) {
    match char {
        '\\' => out.push_str("\\\\"),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        _ if char == quote => {
            out.push('\\');
            out.push(char);
        }
        ' '..='~' => out.push(char),
        _ if !char.is_ascii() && is(&PRINTABLE, char) => out.push(char),
        _ => {
            let code = u32::from(char);
            // Writing to a string cannot fail.
            let _ = match code {
                0..=0x7f => write!(out, "\\x{code:02x}"),
                0x80..=0xffff => write!(out, "\\u{code:04x}"),
                _ => write!(out, "\\U{code:08x}"),
            };
        }
    }
}

/// A float as an integer, as amd64 converts it: what does not fit becomes the smallest integer.
pub fn float_to_int(x: f64) -> i64 {
    // 2^63 is exact as a float, so the upper bound is exclusive and the lower one inclusive.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&x) { x as i64 } else { i64::MIN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting() {
        for (text, expected) in [
            ("a", r#""a""#),
            ("it's \"x\"", r#""it's \"x\"""#),
            ("é\n\u{1}\u{a0}\u{10ffff}", r#""é\n\x01\u00a0\U0010ffff""#),
        ] {
            assert_eq!(quote(text), expected);
        }
        assert_eq!(quote_char('+'), "'+'");
        assert_eq!(quote_char('\''), r"'\''");
    }

    #[test]
    fn classes() {
        assert!(is_letter('é') && !is_letter('\u{2160}') && !is_letter('_'));
        assert!(is_digit('٣') && !is_digit('½'));
    }
}
