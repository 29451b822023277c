//! Pairs of database and retention policy as the `-dbrp` flag gives them.

use serde::{Deserialize, Serialize};

/// A database and a retention policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dbrp {
    /// The database.
    #[serde(rename = "db", default)]
    pub database: String,
    /// The retention policy.
    #[serde(rename = "rp", default)]
    pub retention_policy: String,
}

impl Dbrp {
    /// Reads `"db"."rp"`; the quotes are optional and may be escaped inside.
    pub fn parse(text: &str) -> Result<Dbrp, String> {
        if text.is_empty() {
            return Err("dbrp cannot be empty".to_owned());
        }
        let (database, rest) = if text.starts_with('"') {
            quoted(text).ok_or("the database lacks its closing quote")?
        } else {
            let at = text.find('.').ok_or(
                "does not contain a '.', it must be in the form \"dbname\".\"rpname\" where the quotes are optional.",
            )?;
            (text[..at].to_owned(), &text[at..])
        };
        let rest = rest
            .strip_prefix('.')
            .ok_or("dbrp must specify retention policy, do you have a missing or extra '.'?")?;
        let retention_policy = match rest.strip_prefix('"') {
            None => rest.to_owned(),
            Some(_) => match quoted(rest) {
                Some((policy, "")) => policy,
                Some((_, extra)) => return Err(format!("{extra} follows the retention policy")),
                None => return Err("the retention policy lacks its closing quote".to_owned()),
            },
        };
        Ok(Dbrp { database, retention_policy })
    }

    /// The form in which lists show it.
    pub fn show(&self) -> String {
        format!("{}.{}", tick::quote(&self.database), tick::quote(&self.retention_policy))
    }
}

/// Several pairs as Go shows a slice.
pub fn show_all(pairs: &[Dbrp]) -> String {
    let pairs: Vec<String> = pairs.iter().map(Dbrp::show).collect();
    format!("[{}]", pairs.join(" "))
}

/// The text between the quotes, and what follows the closing one.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut inner = String::new();
    let mut chars = text.strip_prefix('"')?.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((inner, &text[at + 2..])),
            '\\' if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                inner.push('"');
                chars.next();
            }
            _ => inner.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs() {
        for (text, expected) in [
            ("telegraf.autogen", r#""telegraf"."autogen""#),
            (r#""telegraf"."autogen""#, r#""telegraf"."autogen""#),
            (r#""a.b".c"#, r#""a.b"."c""#),
            (r#"a."b.c""#, r#""a"."b.c""#),
            (r#""a\"b"."c""#, r#""a\"b"."c""#),
            ("a.b.c", r#""a"."b.c""#),
            ("a.", r#""a"."""#),
        ] {
            assert_eq!(Dbrp::parse(text).map(|pair| pair.show()), Ok(expected.to_owned()), "{text}");
        }
        for text in ["", "a", "\"a", "\"a\"b", "\"a\"", "a.\"b", "a.\"b\"c", "\"é\\\""] {
            assert!(Dbrp::parse(text).is_err(), "{text}");
        }
    }
}
