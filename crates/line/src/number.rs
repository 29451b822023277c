//! Numbers as agents write them. Whatever is not plain and right is left to the strict reader.
//!
//! A loop over the digits, measured against reading eight at once: the processor guesses the
//! usual number of digits and reads on, while eight at once must be waited for.

/// A number of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Float(f64),
    Int(i64),
}

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Digits that fit into 64 bits whatever they are.
const DIGITS_SAFE: usize = 19;

/// Digits that fit into a signed integer whatever they are.
const INTEGER_DIGITS_SAFE: usize = 18;

/// Reads the number at `start`; gives the byte behind it, whatever that is.
#[inline(always)]
pub(crate) fn read(bytes: &[u8], start: usize) -> Option<(Number, usize)> {
    let negative = *bytes.get(start)? == b'-';
    let first = start + usize::from(negative);
    let (mut mantissa, mut at) = digits(bytes, first, 0);
    let whole = at - first;
    let mut fraction = 0;
    match *bytes.get(at)? {
        b'.' => {
            let end;
            (mantissa, end) = digits(bytes, at + 1, mantissa);
            fraction = end - at - 1;
            at = end;
        }
        b'i' => return int(mantissa, whole, negative).map(|n| (Number::Int(n), at + 1)),
        _ => {}
    }
    let count = whole + fraction;
    if count == 0 {
        return None;
    }
    if matches!(*bytes.get(at)?, b'e' | b'E') {
        at = exponent(bytes, at + 1)?;
    } else if count <= DIGITS_SAFE && mantissa <= 1 << 53 && fraction < POWERS.len() {
        // Both are exact, so the division rounds once, and rightly.
        let value = mantissa as f64 / POWERS[fraction];
        return Some((Number::Float(if negative { -value } else { value }), at));
    }
    float(&bytes[start..at]).map(|value| (Number::Float(value), at))
}

/// A float with an exponent, or with more digits than are exact.
#[inline(never)]
fn float(text: &[u8]) -> Option<f64> {
    fast_float2::parse::<f64, _>(text).ok().filter(|value| value.is_finite())
}

#[inline(always)]
fn digits(bytes: &[u8], mut at: usize, mut mantissa: u64) -> (u64, usize) {
    while let Some(&byte) = bytes.get(at) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    (mantissa, at)
}

fn int(magnitude: u64, count: usize, negative: bool) -> Option<i64> {
    if count == 0 || count > INTEGER_DIGITS_SAFE {
        return None;
    }
    let value = magnitude as i64;
    Some(if negative { -value } else { value })
}

#[cold]
fn exponent(bytes: &[u8], at: usize) -> Option<usize> {
    let start = at + usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
    let (_, end) = digits(bytes, start, 0);
    (end > start).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers() {
        let cases: [(&str, Option<(Number, usize)>); 24] = [
            ("1 ", Some((Number::Float(1.0), 1))),
            ("45.67,", Some((Number::Float(45.67), 5))),
            ("-.5 ", Some((Number::Float(-0.5), 3))),
            ("1. ", Some((Number::Float(1.0), 2))),
            ("12i,", Some((Number::Int(12), 3))),
            ("-12i\n", Some((Number::Int(-12), 4))),
            ("1e3 ", Some((Number::Float(1000.0), 3))),
            ("1e ", None),
            ("1e999 ", None),
            (". ", None),
            ("- ", None),
            ("i ", None),
            ("9223372036854775807i ", None),
            ("123", None),
            ("1.2.3 xxxxxx", Some((Number::Float(1.2), 3))),
            ("1.5i xxxxxxx", Some((Number::Float(1.5), 3))),
            ("1i2 xxxxxxxx", Some((Number::Int(1), 2))),
            (". xxxxxxxxxx", None),
            (".i xxxxxxxxx", None),
            ("-.25,xxxxxxx", Some((Number::Float(-0.25), 4))),
            ("123456.,xxxx", Some((Number::Float(123_456.0), 7))),
            ("1234567,xxxx", Some((Number::Float(1_234_567.0), 7))),
            ("12345678,xxx", Some((Number::Float(12_345_678.0), 8))),
            ("1e2 xxxxxxxx", Some((Number::Float(100.0), 3))),
        ];
        for (text, want) in cases {
            assert_eq!(read(text.as_bytes(), 0), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn floats_round_rightly(text in "-?[0-9]{1,22}(\\.[0-9]{0,25})?(e-?[0-9]{1,2})?") {
            let line = format!("{text} 1234567890");
            let want: f64 = text.parse().unwrap();
            let (Number::Float(value), end) = read(line.as_bytes(), 0).unwrap() else { panic!("int") };
            prop_assert_eq!((value.to_bits(), end), (want.to_bits(), text.len()));
        }

        #[test]
        fn ints(value in -999_999_999_999_999_999i64..=999_999_999_999_999_999) {
            let text = format!("{value}i ");
            prop_assert_eq!(read(text.as_bytes(), 0), Some((Number::Int(value), text.len() - 1)));
        }
    }
}
