//! JSON exactly as Go's `encoding/json` writes it: receivers compare bytes.

use model::Value;
use template::number::{format_int, format_time_rfc3339nano, json_float};

/// Appends `text` as a JSON string. `<`, `>`, `&` and the two line separators are escaped, because
/// Go's encoder does so by default.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    let mut at = 0;
    while at < bytes.len() {
        let Some((escape, len)) = escape(&bytes[at..]) else {
            at += 1;
            continue;
        };
        out.extend_from_slice(&bytes[plain..at]);
        escape.put(out);
        at += len;
        plain = at;
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

enum Escape {
    Short(u8),
    Unicode(u16),
}

impl Escape {
    fn put(self, out: &mut Vec<u8>) {
        match self {
            Escape::Short(letter) => out.extend_from_slice(&[b'\\', letter]),
            Escape::Unicode(code) => {
                out.extend_from_slice(b"\\u");
                for shift in [12, 8, 4, 0] {
                    out.push(b"0123456789abcdef"[usize::from(code >> shift & 0xf)]);
                }
            }
        }
    }
}

/// The escape that the text starts with, and how many bytes it stands for.
fn escape(rest: &[u8]) -> Option<(Escape, usize)> {
    let escape = match rest[0] {
        b'"' => Escape::Short(b'"'),
        b'\\' => Escape::Short(b'\\'),
        b'\n' => Escape::Short(b'n'),
        b'\r' => Escape::Short(b'r'),
        b'\t' => Escape::Short(b't'),
        8 => Escape::Short(b'b'),
        12 => Escape::Short(b'f'),
        byte @ (0..=0x1f | b'<' | b'>' | b'&') => Escape::Unicode(byte.into()),
        0xe2 if rest.starts_with(&[0xe2, 0x80, 0xa8]) => return Some((Escape::Unicode(0x2028), 3)),
        0xe2 if rest.starts_with(&[0xe2, 0x80, 0xa9]) => return Some((Escape::Unicode(0x2029), 3)),
        _ => return None,
    };
    Some((escape, 1))
}

/// Appends a value. Times are RFC 3339 strings, durations nanoseconds. NaN and the infinities,
/// which JSON cannot hold, are null: Kapacitor fails on them and loses the whole event.
pub fn value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Float(number) => {
            if !json_float(out, *number) {
                out.extend_from_slice(b"null");
            }
        }
        Value::Int(number) | Value::Duration(number) => format_int(out, *number),
        Value::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Str(text) => string(out, text),
        Value::Time(nanos) => time(out, *nanos),
    }
}

/// Appends a time, nanoseconds since the Unix epoch, as a quoted RFC 3339 text.
pub fn time(out: &mut Vec<u8>, nanos: i64) {
    out.push(b'"');
    format_time_rfc3339nano(out, nanos);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_as_go_writes_them() {
        for (text, expected) in [
            ("", r#""""#),
            ("plain", r#""plain""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\n\r\t", r#""\n\r\t""#),
            ("\u{8}\u{c}\u{0}\u{1f}\u{7f}", "\"\\b\\f\\u0000\\u001f\u{7f}\""),
            ("<a href='x'>&</a>", r#""\u003ca href='x'\u003e\u0026\u003c/a\u003e""#),
            ("ö€\u{2028}x\u{2029}", r#""ö€\u2028x\u2029""#),
            ("\u{2027}", "\"\u{2027}\""),
        ] {
            let mut out = Vec::new();
            string(&mut out, text);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    #[test]
    fn values_as_go_writes_them() {
        for (given, expected) in [
            (Value::Null, "null"),
            (Value::Float(1.0), "1"),
            (Value::Float(0.1), "0.1"),
            (Value::Float(1e21), "1e+21"),
            (Value::Float(1e20), "100000000000000000000"),
            (Value::Float(1e-7), "1e-7"),
            (Value::Float(f64::NAN), "null"),
            (Value::Float(f64::NEG_INFINITY), "null"),
            (Value::Int(i64::MIN), "-9223372036854775808"),
            (Value::Bool(true), "true"),
            (Value::str("x"), "\"x\""),
            (Value::Time(1_500_000_000), "\"1970-01-01T00:00:01.5Z\""),
            (Value::Duration(-5), "-5"),
        ] {
            let mut out = Vec::new();
            value(&mut out, &given);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_string_reads_back(text in ".*") {
            let mut out = Vec::new();
            string(&mut out, &text);
            let read: String = serde_json::from_slice(&out).expect("valid JSON");
            proptest::prop_assert_eq!(read, text);
        }
    }
}
