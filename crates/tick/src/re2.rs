//! Go's regular expressions (RE2 syntax) on the `regex` crate: what Go accepts is translated so
//! that it matches the same text, what Go refuses is refused.

mod class;
mod expand;
mod translate;

use regex::{Regex, RegexBuilder};
use thiserror::Error;

pub use expand::{expand, replace_all};

/// Why a pattern cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// Go's parser refuses it; the texts are Go's.
    #[error("error parsing regexp: {reason}: `{fragment}`")]
    Syntax {
        /// What is wrong.
        reason: &'static str,
        /// The part of the pattern that is.
        fragment: String,
    },
    /// It needs more memory than a pattern may take, or a feature that this server lacks.
    #[error("error parsing regexp: {0}; use a simpler pattern")]
    Unsupported(String),
}

/// The most bytes a compiled pattern may take.
const SIZE_BYTES_MAX: usize = 10 << 20;

/// Compiles a pattern as Go's `regexp.Compile` would: `\d \w \s \b` are ASCII, `{` that begins no
/// repetition is literal, `[` and `&&` inside a class are literal.
///
/// # Errors
/// The pattern is not RE2, or it is too large once compiled.
pub fn compile(pattern: &str) -> Result<Regex, Error> {
    let translated = translate::translate(pattern)?;
    let built = RegexBuilder::new(&translated).size_limit(SIZE_BYTES_MAX).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            Error::Syntax { reason: "expression too large", fragment: pattern.to_owned() }
        }
        other => Error::Unsupported(last_line(&other.to_string())),
    })
}

/// The `regex` crate draws the pattern above its message, which stands in the last line.
fn last_line(text: &str) -> String {
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or(text);
    line.trim().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of the first match.
    fn found<'t>(pattern: &str, text: &'t str) -> Option<&'t str> {
        let regex = compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        regex.find(text).map(|matched| matched.as_str())
    }

    #[test]
    fn matching_as_in_go() {
        for (pattern, text, expected) in [
            (r"\d+", "٣ 12", Some("12")),
            (r"\w+", "é_a1", Some("_a1")),
            (r"\s", "\u{a0}\u{b} ", Some(" ")),
            (r"\D\W\S", "1éé ééb", Some("é é")),
            (r"\bx\b", "éx", Some("x")),
            (r"[\d\w-]+", "é a-1", Some("a-1")),
            (r"[^\d]+", "12é", Some("é")),
            ("[]a]+", "b]a", Some("]a")),
            ("[^]a]+", "]ab", Some("b")),
            ("[a&&b]+", "&&ba", Some("&&ba")),
            ("[[a]+", "[a[", Some("[a[")),
            ("[[:alpha:]_]+", "é1a_", Some("a_")),
            ("[a-c-e]+", "d-e", Some("-e")),
            ("a{,3}", "aa{,3}", Some("a{,3}")),
            ("a{x", "a{x", Some("a{x")),
            ("a{2,3}?", "aaa", Some("aa")),
            (r"\Qa.b*\E+", "a.b**", Some("a.b**")),
            (r"\x41\x{e9}\101\.", "AéA.", Some("AéA.")),
            (r"\<\>\_\/", "<>_/", Some("<>_/")),
            ("(?i)É", "é", Some("é")),
            ("(?s)a.b", "a\nb", Some("a\nb")),
            ("a.b", "a\nb", None),
            ("^b$", "a\nb", None),
            ("(?m)^b$", "a\nb", Some("b")),
            (r"\pL\p{Greek}\P{^Lu}", "aΩA", Some("aΩA")),
            ("(?P<first>a)(?P<2nd>b)", "ab", Some("ab")),
            ("a # b", "a # b", Some("a # b")),
            ("", "x", Some("")),
        ] {
            assert_eq!(found(pattern, text), expected, "{pattern}");
        }
    }

    #[test]
    fn refusing_as_in_go() {
        for (pattern, expected) in [
            ("a**", "invalid nested repetition operator: `**`"),
            ("a*??", "invalid nested repetition operator: `*??`"),
            ("*a", "missing argument to repetition operator: `*`"),
            ("(|+)", "missing argument to repetition operator: `+`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("a{3,1}", "invalid repeat count: `{3,1}`"),
            ("(a", "missing closing ): `(a`"),
            ("a)", "unexpected ): `a)`"),
            ("[a", "missing closing ]: `[a`"),
            ("[z-a]", "invalid character class range: `z-a`"),
            ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
            (r"\p{Nothing}", r"invalid character class range: `\p{Nothing}`"),
            (r"\1", r"invalid escape sequence: `\1`"),
            (r"\Z", r"invalid escape sequence: `\Z`"),
            (r"\x{110000}", r"invalid escape sequence: `\x{110000`"),
            (r"\x{}", r"invalid escape sequence: `\x{}`"),
            (r"\x{4", r"invalid escape sequence: `\x{4`"),
            (r"\xg1", r"invalid escape sequence: `\xg1`"),
            (r"[\b]", r"invalid escape sequence: `\b`"),
            ("a\\", "trailing backslash at end of expression: ``"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            ("(?<!a)", "invalid or unsupported Perl syntax: `(?<`"),
            ("(?x)a", "invalid or unsupported Perl syntax: `(?x`"),
            ("(?P<a b>c)", "invalid named capture: `(?P<a b>`"),
            ("(?P<a>b)(?P<a>c)", "duplicate capture group name: `a`"),
        ] {
            let error = compile(pattern).expect_err(pattern).to_string();
            assert_eq!(error, format!("error parsing regexp: {expected}"), "{pattern}");
        }
    }
}
