//! Numbers as Go reads and prints them.

use std::borrow::Cow;

/// A float without an exponent, as short as it can be read back.
pub(crate) fn plain_float(x: f64) -> String {
    if x.is_nan() {
        "NaN".to_owned()
    } else if x.is_infinite() {
        if x > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else {
        x.to_string()
    }
}

/// A float as Go's `%v` prints it: with an exponent when that is below -4 or above 5.
pub(crate) fn verb_float(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return plain_float(x);
    }
    let scientific = format!("{x:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => plain_float(x),
    }
}

/// Why a text is no number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum NotNumber {
    Syntax,
    Range,
}

/// Reads a float as Go does: decimal or hexadecimal, infinities, NaN.
pub(crate) fn parse_float(text: &str) -> Result<f64, NotNumber> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.len() > 2 && unsigned.as_bytes()[0] == b'0' && matches!(unsigned.as_bytes()[1], b'x' | b'X') {
        let value = parse_hex_float(&unsigned[2..])?;
        return Ok(if text.starts_with('-') { -value } else { value });
    }
    if unsigned.eq_ignore_ascii_case("nan") && unsigned.len() != text.len() {
        return Err(NotNumber::Syntax);
    }
    let value: f64 = text.parse().map_err(|_| NotNumber::Syntax)?;
    let named = unsigned.starts_with(['i', 'I']);
    if value.is_infinite() && !named { Err(NotNumber::Range) } else { Ok(value) }
}

/// `1.8p3` in hexadecimal; the exponent is compulsory.
fn parse_hex_float(text: &str) -> Result<f64, NotNumber> {
    let text = text.strip_prefix('_').unwrap_or(text);
    let plain: Cow<'_, str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    let (digits, exponent) = plain.split_once(['p', 'P']).ok_or(NotNumber::Syntax)?;
    let exponent: i32 = exponent.parse().map_err(|_| NotNumber::Syntax)?;
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.len() + part.len() == 0 {
        return Err(NotNumber::Syntax);
    }
    let (mut mantissa, mut dropped) = (0u64, 0i32);
    for c in whole.chars().chain(part.chars()) {
        let digit = u64::from(c.to_digit(16).ok_or(NotNumber::Syntax)?);
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
        } else {
            // Beyond 64 bits a digit only tells which way to round.
            mantissa |= u64::from(digit != 0);
            dropped = dropped.saturating_add(4);
        }
    }
    let shift = i32::try_from(part.len()).unwrap_or(i32::MAX / 8).saturating_mul(4);
    let exponent = exponent.saturating_add(dropped).saturating_sub(shift);
    let value = libm::ldexp(mantissa as f64, exponent);
    if value.is_infinite() { Err(NotNumber::Range) } else { Ok(value) }
}

/// Reads an integer as Go does in base ten.
pub(crate) fn parse_int(text: &str) -> Result<i64, NotNumber> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NotNumber::Syntax);
    }
    text.parse().map_err(|_| NotNumber::Range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_in_go() {
        let cases: &[(f64, &str, &str)] = &[
            (0.0, "0", "0"),
            (-0.0, "-0", "-0"),
            (1.0, "1", "1"),
            (0.1, "0.1", "0.1"),
            (123456.0, "123456", "123456"),
            (1e20, "100000000000000000000", "1e+20"),
            (1e21, "1000000000000000000000", "1e+21"),
            (1.5e-5, "0.000015", "1.5e-05"),
            (0.0001, "0.0001", "0.0001"),
            (f64::INFINITY, "+Inf", "+Inf"),
            (f64::NEG_INFINITY, "-Inf", "-Inf"),
            (f64::NAN, "NaN", "NaN"),
        ];
        for (x, plain, verb) in cases {
            assert_eq!((plain_float(*x).as_str(), verb_float(*x).as_str()), (*plain, *verb));
        }
    }

    #[test]
    fn numbers_parse_as_in_go() {
        let cases: &[(&str, Result<f64, NotNumber>)] = &[
            ("1.5", Ok(1.5)),
            ("+.5", Ok(0.5)),
            ("1e3", Ok(1000.0)),
            ("-Inf", Ok(f64::NEG_INFINITY)),
            ("infinity", Ok(f64::INFINITY)),
            ("0x1p-2", Ok(0.25)),
            ("-0X1.8p1", Ok(-3.0)),
            ("1e999", Err(NotNumber::Range)),
            ("0x1p9999", Err(NotNumber::Range)),
            ("", Err(NotNumber::Syntax)),
            ("+nan", Err(NotNumber::Syntax)),
            ("1_000", Err(NotNumber::Syntax)),
            ("0x1", Err(NotNumber::Syntax)),
            ("0xé", Err(NotNumber::Syntax)),
            (" 1", Err(NotNumber::Syntax)),
        ];
        for (text, want) in cases {
            assert_eq!(parse_float(text), *want, "{text}");
        }
        assert!(parse_float("NaN").is_ok_and(f64::is_nan));
        assert_eq!(parse_int("-12"), Ok(-12));
        assert_eq!(parse_int("9223372036854775808"), Err(NotNumber::Range));
        assert_eq!(parse_int("1.0"), Err(NotNumber::Syntax));
    }
}
