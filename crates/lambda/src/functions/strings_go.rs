//! Functions on texts where Go goes character by character.

use std::borrow::Cow;

pub(super) fn index_any(text: &str, chars: &str) -> i64 {
    text.find(|c| chars.contains(c)).map_or(-1, |at| at as i64)
}

pub(super) fn last_index_any(text: &str, chars: &str) -> i64 {
    text.rfind(|c| chars.contains(c)).map_or(-1, |at| at as i64)
}

pub(super) fn lower(text: Cow<'_, str>) -> Cow<'_, str> {
    map(text, |c| match c {
        // The only character whose full mapping is longer than its simple one.
        'İ' => 'i',
        c => single(c.to_lowercase()).unwrap_or(c),
    })
}

pub(super) fn upper(text: Cow<'_, str>) -> Cow<'_, str> {
    map(text, |c| single(c.to_uppercase()).unwrap_or_else(|| upper_greek(c)))
}

/// Go maps one character to one, so a mapping to several (such as that of `ß`) does not count.
fn single(mut mapped: impl Iterator<Item = char>) -> Option<char> {
    let first = mapped.next()?;
    mapped.next().is_none().then_some(first)
}

/// Greek letters with an iota below have a simple mapping beside the full one.
fn upper_greek(c: char) -> char {
    let code = c as u32;
    let up = match code {
        0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7 => 8,
        0x1fb3 | 0x1fc3 | 0x1ff3 => 9,
        _ => 0,
    };
    char::from_u32(code + up).unwrap_or(c)
}

fn map(text: Cow<'_, str>, change: impl Fn(char) -> char) -> Cow<'_, str> {
    if text.chars().all(|c| change(c) == c) {
        text
    } else {
        text.chars().map(change).collect::<String>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_character_becomes_one() {
        assert_eq!(upper("straße ᾳ é".into()), "STRAßE ᾼ É");
        assert_eq!(lower("İΣÉ".into()), "iσé");
        assert!(matches!(lower("plain".into()), Cow::Borrowed(_)));
    }
}
