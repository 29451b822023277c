//! Durations as InfluxQL writes them: `10s`, `1h30m`, `500u`.

use thiserror::Error;

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// Not digits followed by a unit.
    #[error("invalid duration")]
    Invalid,
    /// More than 292 years.
    #[error("overflowed duration {0}: choose a smaller duration or INF")]
    Overflow(String),
}

const MICROSECOND: i64 = 1_000;
const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// Parses `<int><unit>` once or several times, with an optional sign in front, to nanoseconds.
/// Units: `ns u µ ms s m h d w`.
///
/// # Errors
/// Malformed text, an unknown unit, or more nanoseconds than fit in 64 bits.
pub fn parse_influx(text: &str) -> Result<i64, Error> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if rest.is_empty() {
        return Err(Error::Invalid);
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: i64 = rest[..digits].parse().map_err(|_| Error::Invalid)?;
        let (nanoseconds, unit) = unit(&rest[digits..]).ok_or(Error::Invalid)?;
        total = count
            .checked_mul(nanoseconds)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(|| Error::Overflow(rest[..digits + unit].to_owned()))?;
        rest = &rest[digits + unit..];
    }
    Ok(if negative { -total } else { total })
}

/// The unit that `text` starts with: its nanoseconds and its length in bytes.
fn unit(text: &str) -> Option<(i64, usize)> {
    const UNITS: [(&str, i64); 9] = [
        ("ns", 1),
        ("u", MICROSECOND),
        ("µ", MICROSECOND),
        ("ms", MILLISECOND),
        ("s", SECOND),
        ("m", MINUTE),
        ("h", HOUR),
        ("d", DAY),
        ("w", WEEK),
    ];
    UNITS.iter().find(|(name, _)| text.starts_with(name)).map(|(name, ns)| (*ns, name.len()))
}

/// Prints nanoseconds with the largest unit that leaves no remainder: `90s`, `1h`, `2w`; zero
/// is `0s`.
pub fn format_influx(nanoseconds: i64) -> String {
    const UNITS: [(&str, i64); 7] = [
        ("w", WEEK),
        ("d", DAY),
        ("h", HOUR),
        ("m", MINUTE),
        ("s", SECOND),
        ("ms", MILLISECOND),
        ("u", MICROSECOND),
    ];
    if nanoseconds == 0 {
        return "0s".to_owned();
    }
    let exact = UNITS.iter().find(|(_, unit)| nanoseconds % unit == 0);
    let (name, unit) = exact.copied().unwrap_or(("ns", 1));
    format!("{}{name}", nanoseconds / unit)
}

/// Prints nanoseconds as Go prints a duration: `1h0m0s`, `1.5s`, `100ms`, `0s`.
pub fn format_go(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let total = nanoseconds.unsigned_abs();
    match total {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{total}ns"),
        1_000..1_000_000 => sign.to_owned() + &fraction(total, 1_000, "µs"),
        1_000_000..1_000_000_000 => sign.to_owned() + &fraction(total, 1_000_000, "ms"),
        _ => {
            let seconds = fraction(total % 60_000_000_000, 1_000_000_000, "s");
            match (total / 3_600_000_000_000, total / 60_000_000_000 % 60) {
                (0, 0) => format!("{sign}{seconds}"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}"),
            }
        }
    }
}

/// A decimal fraction of a unit, without trailing zeros.
fn fraction(value: u64, unit: u64, name: &str) -> String {
    let digits = unit.ilog10() as usize;
    let text = format!("{}.{:0digits$}", value / unit, value % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned() + name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing() {
        for (text, expected) in [
            ("10s", Ok(10 * SECOND)),
            ("5u", Ok(5 * MICROSECOND)),
            ("5µ", Ok(5 * MICROSECOND)),
            ("5ms", Ok(5 * MILLISECOND)),
            ("1m", Ok(MINUTE)),
            ("2d", Ok(2 * DAY)),
            ("1w", Ok(WEEK)),
            ("7ns", Ok(7)),
            ("1h30m", Ok(HOUR + 30 * MINUTE)),
            ("-1m", Ok(-MINUTE)),
            ("0s", Ok(0)),
            ("", Err(Error::Invalid)),
            ("-", Err(Error::Invalid)),
            ("10", Err(Error::Invalid)),
            ("s", Err(Error::Invalid)),
            ("1x", Err(Error::Invalid)),
            ("1.5s", Err(Error::Invalid)),
            ("1é", Err(Error::Invalid)),
            ("+1s", Err(Error::Invalid)),
            ("99999999999999999999s", Err(Error::Invalid)),
            ("300000d", Err(Error::Overflow("300000d".to_owned()))),
        ] {
            assert_eq!(parse_influx(text), expected, "{text}");
        }
        let text = parse_influx("300000d").unwrap_err().to_string();
        assert_eq!(text, "overflowed duration 300000d: choose a smaller duration or INF");
    }

    #[test]
    fn formatting() {
        for (nanoseconds, expected) in [
            (0, "0s"),
            (60 * SECOND, "1m"),
            (90 * SECOND, "90s"),
            (10 * SECOND, "10s"),
            (36 * HOUR, "36h"),
            (48 * HOUR, "2d"),
            (14 * DAY, "2w"),
            (1500 * MICROSECOND, "1500u"),
            (1_500_000_000, "1500ms"),
            (1, "1ns"),
            (-MINUTE, "-1m"),
            (i64::MIN, "-9223372036854775808ns"),
        ] {
            assert_eq!(format_influx(nanoseconds), expected);
        }
    }

    #[test]
    fn durations_print_as_in_go() {
        let cases: &[(i64, &str)] = &[
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5µs"),
            (2_000, "2µs"),
            (100_000_000, "100ms"),
            (1_500_000_000, "1.5s"),
            (60_000_000_000, "1m0s"),
            (3_600_000_000_000, "1h0m0s"),
            (-90_000_000_000, "-1m30s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ];
        for (ns, want) in cases {
            assert_eq!(format_go(*ns), *want);
        }
    }
}
