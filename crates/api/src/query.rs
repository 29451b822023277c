//! The query of a request, read as Go's `net/url` does.

use std::borrow::Cow;

/// The first value of a key; `None` when it is not there.
pub fn get<'a>(query: &'a str, key: &str) -> Option<Cow<'a, str>> {
    all(query, key).next()
}

/// All values of a key, in their order.
pub fn all<'a>(query: &'a str, key: &str) -> impl Iterator<Item = Cow<'a, str>> {
    pairs(query).filter_map(
        move |(name, value)| if unescape(name, true)? == key { unescape(value, true) } else { None },
    )
}

/// Pairs as they are written. One with a semicolon does not count, for Go refuses it.
fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = query.split('&').filter(|part| !part.is_empty() && !part.contains(';'));
    parts.map(|part| part.split_once('=').unwrap_or((part, "")))
}

/// Undoes percent-encoding, and in a query `+` for a space. `None`: an escape is wrong. Bytes
/// that are not UTF-8 are replaced.
pub fn unescape(text: &str, plus: bool) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|byte| byte == b'%' || (plus && byte == b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            b'+' if plus => b' ',
            other => other,
        });
    }
    Some(Cow::Owned(String::from_utf8_lossy(&out).into_owned()))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        for (query, key, expected) in [
            ("db=a&rp=b", "rp", vec!["b"]),
            ("db=a&db=b&x=c", "db", vec!["a", "b"]),
            ("db", "db", vec![""]),
            ("d%62=%C2%B5+x", "db", vec!["µ x"]),
            ("db=%zz&db=1", "db", vec!["1"]),
            ("db=a;b&db=c", "db", vec!["c"]),
            ("&&db=a=b", "db", vec!["a=b"]),
            ("", "db", vec![]),
            ("db=%ff%", "db", vec![]),
            ("db=%ff", "db", vec!["\u{fffd}"]),
        ] {
            assert_eq!(all(query, key).collect::<Vec<_>>(), expected, "{query}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in ".*") {
            let _ = all(&text, "a").count();
            let _ = unescape(&text, false);
        }
    }
}
