//! Pairs of a log line as Kapacitor writes them: ` key=value`, quoted where a value would not stand
//! as one word.

use std::fmt::Write;

/// Appends ` key=value`.
pub fn pair(text: &mut String, key: &str, value: &str) {
    // Writing to a String cannot fail.
    let _ = write!(text, " {key}=");
    // Kapacitor quotes for spaces and quotes alone; a control character must not forge another line.
    let quote = |c: char| c == ' ' || c == '"' || c.is_control();
    let _ = match value.chars().any(quote) {
        true => write!(text, "{value:?}"),
        false => write!(text, "{value}"),
    };
}

#[cfg(test)]
mod tests {
    use super::pair;

    #[test]
    fn quotes_what_is_not_a_word() {
        let cases = [
            ("a", "1", " a=1"),
            ("prefix", "", " prefix="),
            ("group", "h=b", " group=h=b"),
            ("err", "no such field", " err=\"no such field\""),
            ("err", "say \"x\"", " err=\"say \\\"x\\\"\""),
            ("path", "a\\b", " path=a\\b"),
            ("field_s", "a\nlvl=error", " field_s=\"a\\nlvl=error\""),
        ];
        for (key, value, expected) in cases {
            let mut text = String::new();
            pair(&mut text, key, value);
            assert_eq!(text, expected);
        }
    }
}
