//! Escapes and encodings.

use std::borrow::Cow;

/// Bytes as text. Bytes that are not UTF-8 become U+FFFD: the point is worth more than the byte.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// Takes away each backslash that stands before one of `escaped`.
pub(crate) fn unescape<'a>(raw: &'a [u8], escaped: &[u8]) -> Cow<'a, [u8]> {
    if memchr::memchr(b'\\', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        match raw.get(at + 1) {
            Some(next) if byte == b'\\' && escaped.contains(next) => {
                out.push(*next);
                at += 2;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(out)
}

/// Unescapes and makes text.
pub(crate) fn unescape_text<'a>(raw: &'a [u8], escaped: &[u8]) -> Cow<'a, str> {
    match unescape(raw, escaped) {
        Cow::Borrowed(bytes) => lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(lossy(&bytes).into_owned()),
    }
}

/// Same bytes: a comparison without a call, for the few dozen bytes of a key.
#[inline(always)]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let len = a.len();
    if len >= 8 {
        let mut at = 0;
        while at + 8 <= len {
            if word(a, at) != word(b, at) {
                return false;
            }
            at += 8;
        }
        return at == len || word(a, len - 8) == word(b, len - 8);
    }
    if len >= 4 {
        return half(a, 0) == half(b, 0) && half(a, len - 4) == half(b, len - 4);
    }
    a.iter().zip(b).all(|(a, b)| a == b)
}

/// Eight bytes from `at`, the first one lowest; zero past the end.
#[inline(always)]
pub(crate) fn word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// The high bit of each byte that is no ASCII digit.
#[inline(always)]
pub(crate) fn non_digits(text: u64) -> u64 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let value = text ^ 0x3030_3030_3030_3030;
    // A byte above nine carries into its high bit; bytes do not disturb each other.
    (((value & !HIGH) + 0x7676_7676_7676_7676) | value) & HIGH
}

/// The value of eight ASCII digits, the first one lowest; zero bytes count as the digit zero:
/// pairs, then fours, then all.
#[inline(always)]
pub(crate) fn eight_digits(text: u64) -> u64 {
    let pairs = (text & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(2561) >> 8;
    let fours = (pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul(6_553_601) >> 16;
    (fours & 0x0000_ffff_0000_ffff).wrapping_mul(42_949_672_960_001) >> 32
}

#[inline(always)]
fn half(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_is_equality() {
        let text: Vec<u8> = (0..40).collect();
        for len in 0..40 {
            let copy: Vec<u8> = text[..len].into();
            assert!(same(&text[..len], &copy));
            assert!(!same(&text[..len], &text[..len + 1]));
            for at in 0..len {
                let mut other = text[..len].to_vec();
                other[at] ^= 0x40;
                assert!(!same(&text[..len], &other), "length {len}, byte {at}");
            }
        }
    }

    #[test]
    fn escapes() {
        let cases: [(&str, &str, &str); 5] = [
            (r"a\ b", r" ", "a b"),
            (r"a\\ b", r" ", r"a\ b"),
            (r"a\n", r" ", r"a\n"),
            (r"a\", r" ", r"a\"),
            (r#"a\\\""#, r#"\""#, r#"a\""#),
        ];
        for (raw, escaped, want) in cases {
            assert_eq!(unescape_text(raw.as_bytes(), escaped.as_bytes()), want, "{raw}");
        }
    }
}
