//! The definition of the language: one whole line, checked as Kapacitor checks it, in the order in
//! which it would find the mistakes.

use crate::error::Reason;
use crate::precision::Precision;
use crate::scan::skip_space;
use model::Time;
use std::ops::Range;

/// Longest digits for which an integer cannot overflow.
const INTEGER_DIGITS_SAFE: usize = 18;

/// Length from which a float is parsed to see that it has a value.
const FLOAT_DIGITS_SAFE: usize = 24;

/// Earliest and latest time of a point; the values outside are sentinels of InfluxDB.
const TIME_MAX: Time = Time::MAX - 1;
const TIME_MIN: Time = Time::MIN + 2;

/// Checks the fields, which begin behind the key; gives where they stand.
pub(crate) fn fields(line: &[u8], key_end: usize) -> Result<Range<usize>, Reason> {
    let start = skip_space(line, key_end);
    let mut at = start;
    let mut quoted = false;
    let (mut equals, mut commas) = (0usize, 0usize);
    while let Some(&byte) = line.get(at) {
        match byte {
            b'\\' if at + 1 < line.len() => {
                at += 2;
                continue;
            }
            b'"' if equals > commas => quoted = !quoted,
            b'=' if !quoted => {
                equals += 1;
                at = value(line, at)?;
                continue;
            }
            b',' if !quoted => commas += 1,
            b' ' if !quoted => break,
            _ => {}
        }
        at += 1;
    }
    if quoted {
        return Err(Reason::UnbalancedQuotes);
    }
    if equals == 0 || commas != equals - 1 {
        return Err(Reason::InvalidFieldFormat);
    }
    Ok(start..at)
}

/// Checks what stands around the equals sign at `at`; gives the place to go on from: behind a
/// number or boolean, at the opening quote of a text.
fn value(line: &[u8], at: usize) -> Result<usize, Reason> {
    let before = |back: usize| at.checked_sub(back).and_then(|i| line.get(i)).copied();
    if matches!(before(1), Some(b' ' | b',')) && before(2) != Some(b'\\') {
        return Err(Reason::MissingFieldKey);
    }
    match line.get(at + 1) {
        None | Some(b',' | b' ') => Err(Reason::MissingFieldValue),
        Some(b'0'..=b'9' | b'.' | b'-' | b'N' | b'n') => number(line, at + 1),
        Some(b'"') => Ok(at + 1),
        Some(_) => boolean(line, at + 1),
    }
}

/// The end of the value at `start`: a comma, a space or the end of the line.
fn value_end(line: &[u8], start: usize) -> usize {
    memchr::memchr2(b',', b' ', &line[start..]).map_or(line.len(), |len| start + len)
}

fn number(line: &[u8], start: usize) -> Result<usize, Reason> {
    let end = value_end(line, start);
    let text = &line[start..end];
    let negative = text.first() == Some(&b'-');
    let (mut integer, mut decimal, mut scientific) = (false, false, false);
    for (i, &byte) in text.iter().enumerate() {
        let exponent = i > 0 && matches!(text[i - 1], b'e' | b'E');
        match byte {
            b'-' if i == 0 => {}
            b'i' if i > 0 && !integer => integer = true,
            b'.' if decimal => return Err(Reason::InvalidNumber),
            b'.' => decimal = true,
            b'e' | b'E' if i > 0 => scientific = true,
            b'+' | b'-' if exponent => {}
            b'0'..=b'9' => {}
            _ => return Err(Reason::InvalidNumber),
        }
    }
    let marks = usize::from(integer) + usize::from(decimal) + usize::from(negative);
    if integer && (decimal || scientific) || text.len() <= marks {
        return Err(Reason::InvalidNumber);
    }
    if integer {
        integer_range(text)?;
    } else if (scientific || text.len() > FLOAT_DIGITS_SAFE) && float(text).is_none() {
        return Err(Reason::InvalidFloat);
    }
    Ok(end)
}

fn integer_range(text: &[u8]) -> Result<(), Reason> {
    let Some((b'i', digits)) = text.split_last() else {
        return Err(Reason::InvalidNumber);
    };
    if digits.len() > INTEGER_DIGITS_SAFE && integer(digits).is_none() {
        return Err(Reason::IntegerRange(String::from_utf8_lossy(digits).into_owned()));
    }
    Ok(())
}

fn boolean(line: &[u8], start: usize) -> Result<usize, Reason> {
    let end = value_end(line, start);
    truth(&line[start..end]).map(|_| end).ok_or(Reason::InvalidBoolean)
}

/// Reads a boolean.
pub(crate) fn truth(text: &[u8]) -> Option<bool> {
    match text {
        b"t" | b"T" | b"true" | b"True" | b"TRUE" => Some(true),
        b"f" | b"F" | b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}

/// Reads an integer: digits, with or without a sign.
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads a float; `None` when it is not one, or is too large to be finite.
pub(crate) fn float(text: &[u8]) -> Option<f64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if !matches!(digits.first(), Some(b'0'..=b'9' | b'.')) {
        return None;
    }
    fast_float2::parse::<f64, _>(text).ok().filter(|value| value.is_finite())
}

/// Reads the timestamp behind the fields; `None` when there is none.
pub(crate) fn time(line: &[u8], fields_end: usize, precision: Precision) -> Result<Option<Time>, Reason> {
    let start = skip_space(line, fields_end);
    let len = memchr::memchr2(b' ', b'\n', &line[start..]);
    let end = len.map_or(line.len(), |len| start + len);
    let text = &line[start..end];
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Reason::BadTimestamp);
    }
    if text.is_empty() {
        return Ok(None);
    }
    let written = || String::from_utf8_lossy(text).into_owned();
    if digits.is_empty() {
        return Err(Reason::TimestampSyntax(written()));
    }
    let count = integer(text).ok_or_else(|| Reason::TimestampRange(written()))?;
    let time = scale(count, precision).ok_or(Reason::TimeOutOfRange)?;
    if line[end..].iter().any(|&byte| byte != b' ') {
        return Err(Reason::InvalidPoint);
    }
    Ok(Some(time))
}

/// `count` units since the epoch, when that is a time a point may have.
#[inline]
pub(crate) fn scale(count: i64, precision: Precision) -> Option<Time> {
    let time = count.checked_mul(precision.nanos())?;
    (TIME_MIN..=TIME_MAX).contains(&time).then_some(time)
}
