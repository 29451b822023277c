//! Replacement texts: `$1`, `$name`, `${name}` and `$$` as Go's `ReplaceAllString` takes them.

use regex::{Captures, Regex};

use crate::go::{is_digit, is_letter};

/// `text` with every match replaced by the expanded `template`.
pub fn replace_all(regex: &Regex, text: &str, template: &str) -> String {
    let replaced = regex.replace_all(text, |captures: &Captures<'_>| {
        let mut out = String::new();
        expand(template, captures, &mut out);
        out
    });
    replaced.into_owned()
}

/// Appends `template` with its variables replaced by what the groups captured. A name is the
/// longest row of letters, digits and underscores, so `$1x` is the group named `1x`; unknown
/// groups are empty; a `$` that starts no variable stands for itself.
pub fn expand(template: &str, captures: &Captures<'_>, out: &mut String) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        match variable(after) {
            Some((name, after)) => {
                out.push_str(group(name, captures));
                rest = after;
            }
            None => {
                out.push('$');
                rest = after;
            }
        }
    }
    out.push_str(rest);
}

/// The name after a `$`, and what follows it.
fn variable(text: &str) -> Option<(&str, &str)> {
    let (inner, braced) = match text.strip_prefix('{') {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let is_part = |char| is_letter(char) || is_digit(char) || char == '_';
    let end = inner.find(|char| !is_part(char)).unwrap_or(inner.len());
    let (name, mut rest) = inner.split_at(end);
    if name.is_empty() {
        return None;
    }
    if braced {
        rest = rest.strip_prefix('}')?;
    }
    Some((name, rest))
}

fn group<'t>(name: &str, captures: &Captures<'t>) -> &'t str {
    let numeric = name.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = name.len() > 1 && name.starts_with('0');
    let found = if numeric && !leading_zero {
        name.parse().ok().and_then(|index| captures.get(index))
    } else {
        captures.name(name)
    };
    found.map_or("", |matched| matched.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::re2::compile;

    #[test]
    fn replacing() {
        for (pattern, text, template, expected) in [
            (r"(\w+)-(\d+)", "web-12 db-7", "$2:$1", "12:web 7:db"),
            (r"(\w+)-(\d+)", "web-12", "${1}x", "webx"),
            (r"(\w+)-(\d+)", "web-12", "$1x", ""),
            (r"(?P<host>\w+)", "web", "<$host>", "<web>"),
            ("a", "banana", "$$", "b$n$n$"),
            ("a", "ba", "$ ${ ${x $-", "b$ ${ ${x $-"),
            ("a", "ba", "$9$01", "b"),
            ("a*", "baaac", "-", "-b-c-"),
            ("é", "né", "$0$0", "néé"),
        ] {
            let regex = compile(pattern).expect(pattern);
            assert_eq!(replace_all(&regex, text, template), expected, "{pattern} {template}");
        }
    }
}
