//! What Go says of text that is no JSON: some answers quote it.

use serde::Deserialize;
use serde_json::Value;

/// Reads the first value of a text, as Go's decoder does.
pub fn read(bytes: &[u8]) -> Result<Value, String> {
    Value::deserialize(&mut serde_json::Deserializer::from_slice(bytes))
        .map_err(|error| describe(bytes, &error))
}

fn describe(bytes: &[u8], error: &serde_json::Error) -> String {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return "EOF".to_owned();
    }
    if error.is_eof() {
        return "unexpected EOF".to_owned();
    }
    let text = error.to_string();
    let place = match text.as_str() {
        text if text.starts_with("key must be a string") => "looking for beginning of object key string",
        text if text.starts_with("expected `:`") => "after object key",
        text if text.starts_with("expected `,` or `}`") => "after object key:value pair",
        text if text.starts_with("expected `,` or `]`") => "after array element",
        text if text.starts_with("expected value") => "looking for beginning of value",
        text if text.starts_with("trailing comma") => "looking for beginning of value",
        _ => return text,
    };
    match offending(bytes, error) {
        Some(char) => format!("invalid character {} {place}", tick::quote_char(char)),
        None => text,
    }
}

/// The character that the error points at.
fn offending(bytes: &[u8], error: &serde_json::Error) -> Option<char> {
    let line = bytes.split(|byte| *byte == b'\n').nth(error.line().checked_sub(1)?)?;
    let rest = line.get(error.column().checked_sub(1)?..)?;
    String::from_utf8_lossy(rest).chars().next()
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn in_the_words_of_go() {
        for (text, expected) in [
            ("x", "invalid character 'x' looking for beginning of value"),
            ("", "EOF"),
            (" \n", "EOF"),
            ("{\"a\":", "unexpected EOF"),
            ("{a", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 2}", "invalid character '2' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("{\n\"a\": y}", "invalid character 'y' looking for beginning of value"),
        ] {
            assert_eq!(read(text.as_bytes()), Err(expected.to_owned()), "{text}");
        }
        assert_eq!(read(b"1 x"), Ok(serde_json::json!(1)), "what follows does not count");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, text in "[{}\\[\\]\",:a1 \n]{0,12}") {
            let _ = (read(&bytes), read(text.as_bytes()));
        }
    }
}
