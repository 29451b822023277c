//! Durations in Go's text form (`1h30m`, `5m0s`, `250ms`), as every Kapacitor file writes them.
//!
//! Only non-negative durations exist here: no setting has a use for a negative one, so a sign
//! is reported where the text is read instead of where the value is used.

use std::time::Duration;

/// Go keeps durations in 64 signed bits of nanoseconds; longer ones cannot be written back.
const NANOS_MAX: u128 = i64::MAX as u128;

/// Units in the order they are tried: two-letter names before the one-letter names they start with.
const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration such as `10s`, `1h30m` or `1.5s`; `0` needs no unit. The error says what is
/// wrong with the text.
pub fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    if text.starts_with('-') {
        return Err("a duration must not be negative");
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err("the duration is empty");
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (nanos, after) = parse_part(rest)?;
        total = total.checked_add(nanos).ok_or("the duration is too long")?;
        rest = after;
    }
    if total > NANOS_MAX {
        return Err("the duration is too long");
    }
    let seconds = u64::try_from(total / 1_000_000_000).map_err(|_| "the duration is too long")?;
    Ok(Duration::new(seconds, (total % 1_000_000_000) as u32))
}

/// Reads one number with its unit and returns its nanoseconds and the text after it.
fn parse_part(text: &str) -> Result<(u128, &str), &'static str> {
    let (whole, rest) = split_digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(after) => split_digits(after),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err("a duration is a number with a unit, such as 10s or 1h30m");
    }
    let (unit, rest) = UNITS
        .iter()
        // `m` must not be taken from `ms`, nor `s` from nothing: longest names come first.
        .find_map(|(name, nanos)| rest.strip_prefix(name).map(|after| (*nanos, after)))
        .ok_or("the duration lacks a unit (ns, us, ms, s, m or h)")?;
    let whole: u128 =
        if whole.is_empty() { 0 } else { whole.parse().map_err(|_| "the duration is too long")? };
    let nanos = whole.checked_mul(unit).ok_or("the duration is too long")?;
    Ok((nanos + fraction_nanos(fraction, unit), rest))
}

/// Digits after the point, in nanoseconds of the unit; digits beyond a nanosecond are cut.
fn fraction_nanos(digits: &str, unit: u128) -> u128 {
    let mut nanos = 0;
    let mut scale = unit;
    for digit in digits.bytes() {
        scale /= 10;
        nanos += u128::from(digit - b'0') * scale;
    }
    nanos
}

/// Splits off the leading ASCII digits.
fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// Writes a duration as Go does: `0s`, `1.5s`, `5m0s`, `1h0m0s`, `250ms`, `10µs`.
pub fn format_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    for (limit, unit, name) in [(1_000, 1, "ns"), (1_000_000, 1_000, "µs"), (1_000_000_000, 1_000_000, "ms")]
    {
        if nanos < limit {
            return format!("{}{name}", decimal(nanos, unit));
        }
    }
    let minutes = nanos / 60_000_000_000;
    let seconds = decimal(nanos % 60_000_000_000, 1_000_000_000);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// `value / unit` in decimal without trailing zeros; `unit` is a power of ten.
fn decimal(value: u128, unit: u128) -> String {
    let (whole, fraction) = (value / unit, value % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{fraction:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_as_go_does() {
        let cases = [
            ("0", 0, "0s"),
            ("0s", 0, "0s"),
            ("10s", 10_000_000_000, "10s"),
            ("1m", 60_000_000_000, "1m0s"),
            ("5m0s", 300_000_000_000, "5m0s"),
            ("1h30m", 5_400_000_000_000, "1h30m0s"),
            ("1.5s", 1_500_000_000, "1.5s"),
            (".5s", 500_000_000, "500ms"),
            ("+250ms", 250_000_000, "250ms"),
            ("10us", 10_000, "10µs"),
            ("10µs", 10_000, "10µs"),
            ("1500ns", 1_500, "1.5µs"),
            ("1ns", 1, "1ns"),
            ("36h1.001s", 129_601_001_000_000, "36h0m1.001s"),
        ];
        for (text, nanos, written) in cases {
            let duration = parse_duration(text).unwrap();
            assert_eq!(duration.as_nanos(), nanos, "{text}");
            assert_eq!(format_duration(duration), written, "{text}");
            assert_eq!(parse_duration(written), Ok(duration), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_duration() {
        for text in [
            "",
            "+",
            "10",
            "s",
            "-1s",
            "1d",
            "1h x",
            "1 s",
            ".s",
            "300000h0m0s99999999h",
            "99999999999999999999999999999999999999999s",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
