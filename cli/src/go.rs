//! Values as Go prints them: booleans, floats, times.

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

/// Go's `ParseBool`.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// A float as `%v` prints it: shortest digits, an exponent for very small and very large ones.
pub fn float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if value != 0.0 && !(-4..21).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => value.to_string(),
    }
}

/// A time given as RFC 3339 in the form of RFC 822 (`02 Jan 06 15:04 MST`), in the zone it was
/// given in. A text that is no time is returned as it is.
pub fn rfc822(text: &str) -> String {
    let Ok(time) = text.parse::<Timestamp>() else {
        return text.to_owned();
    };
    let (offset, name) = given_offset(text);
    let zoned = time.to_zoned(TimeZone::fixed(offset));
    format_rfc822(&zoned, &name)
}

/// The same in a zone of the reader's.
pub fn rfc822_in(text: &str, zone: &TimeZone) -> String {
    let Ok(time) = text.parse::<Timestamp>() else {
        return text.to_owned();
    };
    let name = zone.to_offset_info(time).abbreviation().to_owned();
    format_rfc822(&time.to_zoned(zone.clone()), &name)
}

fn format_rfc822(time: &Zoned, zone: &str) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS[usize::from(time.month().unsigned_abs()).clamp(1, 12) - 1];
    let year = time.year().rem_euclid(100);
    format!("{:02} {month} {year:02} {:02}:{:02} {zone}", time.day(), time.hour(), time.minute())
}

/// The offset at the end of an RFC 3339 text, and what Go calls a zone of which it knows no more.
fn given_offset(text: &str) -> (Offset, String) {
    let utc = (Offset::UTC, "UTC".to_owned());
    let Some(at) = text.len().checked_sub(6) else {
        return utc;
    };
    let Some(tail) = text.get(at..) else {
        return utc;
    };
    let sign = match tail.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return utc,
    };
    let parts =
        tail[1..].split_once(':').and_then(|(h, m)| Some((h.parse::<i32>().ok()?, m.parse::<i32>().ok()?)));
    match parts {
        Some((hours, minutes)) if hours != 0 || minutes != 0 => {
            let offset = Offset::from_seconds(sign * (hours * 3600 + minutes * 60));
            offset.map_or(utc, |offset| (offset, tail.replace(':', "")))
        }
        _ => utc,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e-5, "1.5e-05"),
            (0.0001, "0.0001"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn times() {
        for (given, shown) in [
            ("2026-11-20T09:34:30.123456789Z", "20 Nov 26 09:34 UTC"),
            ("0001-01-01T00:00:00Z", "01 Jan 01 00:00 UTC"),
            ("2016-01-02T03:04:05-07:00", "02 Jan 16 03:04 -0700"),
            ("2016-01-02T03:04:05+00:00", "02 Jan 16 03:04 UTC"),
            ("soon", "soon"),
            ("é2:34", "é2:34"),
        ] {
            assert_eq!(rfc822(given), shown);
        }
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        assert_eq!(rfc822_in("2026-07-01T12:00:00Z", &zone), "01 Jul 26 08:00 EDT");
    }
}
