//! Timestamps: the lines of one write mostly share a few.

use crate::precision::Precision;
use crate::strict::scale;
use crate::text::{eight_digits, non_digits, same, word};
use model::Time;

/// Longest timestamp kept, with its newline: a sign, 19 digits, one byte.
const TEXT_MAX: usize = 21;

/// Digits that fit into 64 bits whatever they are.
const DIGITS_SAFE: usize = 19;

/// Reads timestamps, and remembers the last one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stamps {
    text: [u8; TEXT_MAX],
    /// Length of `text` with its newline; 0 when there is none.
    len: usize,
    time: Time,
}

impl Stamps {
    /// Reads the timestamp at `at` when a newline stands behind it; gives the byte behind that.
    /// `None`: left to the strict reader.
    #[inline]
    pub(crate) fn read(&mut self, bytes: &[u8], at: usize, precision: Precision) -> Option<(Time, usize)> {
        if self.len > 0
            && let Some(text) = bytes.get(at..at + self.len)
            && same(text, &self.text[..self.len])
        {
            return Some((self.time, at + self.len));
        }
        self.parse(bytes, at, precision)
    }

    fn parse(&mut self, bytes: &[u8], start: usize, precision: Precision) -> Option<(Time, usize)> {
        let negative = *bytes.get(start)? == b'-';
        let first = start + usize::from(negative);
        let (value, end) = digits(bytes, first);
        let count = end - first;
        if count == 0 || count > DIGITS_SAFE || *bytes.get(end)? != b'\n' {
            return None;
        }
        let value = i64::try_from(value).ok()?;
        let time = scale(if negative { -value } else { value }, precision)?;
        self.len = end + 1 - start;
        self.text[..self.len].copy_from_slice(&bytes[start..=end]);
        self.time = time;
        Some((time, end + 1))
    }
}

/// The digits at `at`, eight at a time, and the byte behind them. Wraps past 19 digits.
#[inline]
fn digits(bytes: &[u8], mut at: usize) -> (u64, usize) {
    let mut value = 0u64;
    loop {
        let eight = word(bytes, at);
        if non_digits(eight) != 0 {
            break;
        }
        value = value.wrapping_mul(100_000_000).wrapping_add(eight_digits(eight));
        at += 8;
    }
    while let Some(byte @ b'0'..=b'9') = bytes.get(at) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
        at += 1;
    }
    (value, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_left_to_the_strict_reader() {
        for text in ["", "-", "1", "1 \n", "1\r\n", "99999999999999999999\n", "9223372036854775807\n", "\n"] {
            let mut stamps = Stamps::default();
            assert_eq!(stamps.read(text.as_bytes(), 0, Precision::Nano), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_was_written(times in proptest::collection::vec((any::<i32>(), 0i64..3), 1..9)) {
            let mut stamps = Stamps::default();
            for (time, repeat) in times {
                let time = i64::from(time) * 1_000_003;
                for _ in 0..=repeat {
                    let text = format!("x{time}\ny");
                                        let want = time.checked_mul(1_000_000).map(|time| (time, text.len() - 1));
                    prop_assert_eq!(stamps.read(text.as_bytes(), 1, Precision::Milli), want);
                }
            }
        }
    }
}
