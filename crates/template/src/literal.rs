//! Numeric literals: every type that can hold them, as Go's ideal constants.

use crate::ast::Number;
use crate::quote;

/// Reads a number or, when it begins with a quote, a character constant. `Err` carries Go's words.
pub(crate) fn number(text: &str) -> Result<Number, String> {
    let mut number = Number { text: text.to_owned(), ..Number::default() };
    if text.starts_with('\'') {
        let code = quote::unquote_char(text)?;
        number.int = Some(i64::from(code));
        number.uint = Some(u64::from(code));
        number.float = Some(f64::from(code));
        return Ok(number);
    }
    if text.ends_with('i') && !is_hex(text) {
        return Err(format!("complex constants are not supported: {}", quote::quote(text)));
    }
    let magnitude = integer(text.trim_start_matches(['+', '-']));
    let signs = text.len() - text.trim_start_matches(['+', '-']).len();
    let negative = text.starts_with('-');
    if let Some(magnitude) = magnitude.filter(|_| signs <= 1) {
        if signs == 0 || magnitude == 0 {
            number.uint = Some(magnitude);
        }
        let signed = i128::from(magnitude) * if negative { -1 } else { 1 };
        number.int = i64::try_from(signed).ok();
        number.float = match (number.int, number.uint) {
            (Some(int), _) => Some(int as f64),
            (None, Some(uint)) => Some(uint as f64),
            (None, None) => None,
        };
    }
    if number.int.is_none() && number.uint.is_none() {
        read_float(&mut number)?;
    }
    if number.int.is_none() && number.uint.is_none() && number.float.is_none() {
        return Err(format!("illegal number syntax: {}", quote::quote(text)));
    }
    Ok(number)
}

/// Two to the power of 63: the first float beyond an int64.
const INT_MAX: f64 = (1u64 << 63) as f64;

fn read_float(number: &mut Number) -> Result<(), String> {
    let Some(value) = float(&number.text) else {
        return Ok(());
    };
    if !number.text.contains(['.', 'e', 'E', 'p', 'P']) {
        return Err(format!("integer overflow: {}", quote::quote(&number.text)));
    }
    number.float = Some(value);
    if value.fract() == 0.0 && (-INT_MAX..INT_MAX).contains(&value) {
        number.int = Some(value as i64);
    }
    if value.fract() == 0.0 && (0.0..2.0 * INT_MAX).contains(&value) {
        number.uint = Some(value as u64);
    }
    Ok(())
}

fn is_hex(text: &str) -> bool {
    let text = text.trim_start_matches(['+', '-']);
    text.starts_with("0x") || text.starts_with("0X")
}

/// An unsigned integer literal with an optional base prefix and underscores between digits.
fn integer(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix, prefixed) = match lower.get(..2) {
        Some("0x") => (&lower[2..], 16, true),
        Some("0o") => (&lower[2..], 8, true),
        Some("0b") => (&lower[2..], 2, true),
        _ if lower.len() > 1 && lower.starts_with('0') => (&lower[1..], 8, true),
        _ => (&lower[..], 10, false),
    };
    u64::from_str_radix(&without_underscores(digits, prefixed)?, radix).ok()
}

/// Go lets one underscore stand between digits, and after a base prefix.
fn without_underscores(digits: &str, prefixed: bool) -> Option<String> {
    let bad = digits.contains("__") || digits.ends_with('_') || (!prefixed && digits.starts_with('_'));
    (!bad && !digits.starts_with(['+', '-'])).then(|| digits.replace('_', ""))
}

fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let value = match is_hex(unsigned) {
        true => hex_float(&unsigned[2..].to_ascii_lowercase())?,
        false => decimal_float(unsigned)?,
    };
    if value.is_infinite() {
        return None;
    }
    Some(if text.starts_with('-') { -value } else { value })
}

fn decimal_float(text: &str) -> Option<f64> {
    let misplaced = text.starts_with('_')
        || text.split(['.', 'e', 'E']).any(|part| part.starts_with('_') || part.ends_with('_'));
    if misplaced || text.contains("__") || !text.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// `1.8p3` after the `0x`; the exponent is mandatory.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let misplaced = [mantissa, exponent].iter().any(|part| part.ends_with('_'));
    if misplaced || exponent.starts_with('_') || text.contains("__") {
        return None;
    }
    let mantissa = mantissa.replace('_', "");
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 15 {
        // Fifteen hexadecimal digits are more than an f64 holds; longer ones would need rounding.
        return None;
    }
    let value = u64::from_str_radix(&digits, 16).ok()? as f64;
    let exponent: i32 = exponent.replace('_', "").parse().ok()?;
    let power = exponent.checked_sub(4 * fraction.len() as i32)?;
    // Two steps, so that neither factor leaves the range while the product is within it.
    let half = power.clamp(-4000, 4000) / 2;
    Some(value * 2f64.powi(half) * 2f64.powi(power.clamp(-4000, 4000) - half))
}
