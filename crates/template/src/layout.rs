//! `Time.Format`: Go's reference-time layouts ("Mon Jan 2 15:04:05 MST 2006") in UTC.

use std::fmt::Write as _;

use crate::time::{Civil, Time};

/// Month names, January first.
pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Day names, Sunday first.
pub(crate) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Layout of `Time.String`.
pub(crate) const STRING: &str = "2006-01-02 15:04:05.999999999 -0700 MST";

/// One element of a layout.
#[derive(Clone, Copy)]
enum Part {
    Month,
    MonthShort,
    MonthZero,
    MonthNumber,
    Weekday,
    WeekdayShort,
    Day,
    DaySpace,
    DayZero,
    YearDaySpace,
    YearDayZero,
    Hour,
    Hour12,
    Hour12Zero,
    Minute,
    MinuteZero,
    Second,
    SecondZero,
    Year,
    YearShort,
    Noon,
    NoonLower,
    Zone,
    /// A numeric offset, which in UTC is this text.
    Offset(&'static str),
    /// Fraction of a second: separator, digits, and whether trailing zeros stay.
    Fraction(char, usize, bool),
}

/// The layouts that are plain prefixes, longest first where one begins another.
const PARTS: &[(&str, Part)] = &[
    ("January", Part::Month),
    ("Monday", Part::Weekday),
    ("MST", Part::Zone),
    ("2006", Part::Year),
    ("002", Part::YearDayZero),
    ("01", Part::MonthZero),
    ("02", Part::DayZero),
    ("03", Part::Hour12Zero),
    ("04", Part::MinuteZero),
    ("05", Part::SecondZero),
    ("06", Part::YearShort),
    ("15", Part::Hour),
    ("1", Part::MonthNumber),
    ("2", Part::Day),
    ("__2", Part::YearDaySpace),
    ("_2", Part::DaySpace),
    ("3", Part::Hour12),
    ("4", Part::Minute),
    ("5", Part::Second),
    ("PM", Part::Noon),
    ("pm", Part::NoonLower),
    ("-07:00:00", Part::Offset("+00:00:00")),
    ("-070000", Part::Offset("+000000")),
    ("-07:00", Part::Offset("+00:00")),
    ("-0700", Part::Offset("+0000")),
    ("-07", Part::Offset("+00")),
    ("Z07:00:00", Part::Offset("Z")),
    ("Z070000", Part::Offset("Z")),
    ("Z07:00", Part::Offset("Z")),
    ("Z0700", Part::Offset("Z")),
    ("Z07", Part::Offset("Z")),
];

/// Appends `time` in Go's `layout`.
pub(crate) fn format(out: &mut String, time: Time, layout: &str) {
    let civil = time.civil();
    let mut rest = layout;
    while let Some(first) = rest.chars().next() {
        // "_2006" is a literal underscore before a year, not a space-padded day.
        let part = if rest.starts_with("_2006") { None } else { part_at(rest) };
        match part {
            Some((part, len)) => {
                put(out, time, &civil, part);
                rest = &rest[len..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
}

fn part_at(rest: &str) -> Option<(Part, usize)> {
    // Most characters of a layout begin nothing.
    if !rest.starts_with(|c: char| "JM0123456_.,PpZ-".contains(c)) {
        return None;
    }
    if let Some(found) = fraction_at(rest) {
        return Some(found);
    }
    if let Some((text, part)) = PARTS.iter().find(|(text, _)| rest.starts_with(text)) {
        return Some((*part, text.len()));
    }
    let short = match rest.get(..3)? {
        "Jan" => Part::MonthShort,
        "Mon" => Part::WeekdayShort,
        _ => return None,
    };
    // "Month" is a word, not a layout of a day.
    let word = rest.as_bytes().get(3).is_some_and(u8::is_ascii_lowercase);
    (!word).then_some((short, 3))
}

/// `.000` or `,999`, provided no digit follows.
fn fraction_at(rest: &str) -> Option<(Part, usize)> {
    let bytes = rest.as_bytes();
    let separator = *bytes.first().filter(|byte| matches!(byte, b'.' | b','))?;
    let digit = *bytes.get(1).filter(|byte| matches!(byte, b'0' | b'9'))?;
    let count = bytes[1..].iter().take_while(|byte| **byte == digit).count();
    if bytes.get(1 + count).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((Part::Fraction(char::from(separator), count, digit == b'0'), 1 + count))
}

fn put(out: &mut String, time: Time, civil: &Civil, part: Part) {
    let month = MONTHS[civil.month as usize - 1];
    let weekday = WEEKDAYS[time.weekday() as usize];
    let hour12 = (civil.hour + 11) % 12 + 1;
    let afternoon = civil.hour >= 12;
    // Writing to a String cannot fail.
    let _ = match part {
        Part::Month => out.write_str(month),
        Part::MonthShort => out.write_str(&month[..3]),
        Part::MonthZero => write!(out, "{:02}", civil.month),
        Part::MonthNumber => write!(out, "{}", civil.month),
        Part::Weekday => out.write_str(weekday),
        Part::WeekdayShort => out.write_str(&weekday[..3]),
        Part::Day => write!(out, "{}", civil.day),
        Part::DaySpace => write!(out, "{:2}", civil.day),
        Part::DayZero => write!(out, "{:02}", civil.day),
        Part::YearDaySpace => write!(out, "{:3}", time.year_day()),
        Part::YearDayZero => write!(out, "{:03}", time.year_day()),
        Part::Hour => write!(out, "{:02}", civil.hour),
        Part::Hour12 => write!(out, "{hour12}"),
        Part::Hour12Zero => write!(out, "{hour12:02}"),
        Part::Minute => write!(out, "{}", civil.minute),
        Part::MinuteZero => write!(out, "{:02}", civil.minute),
        Part::Second => write!(out, "{}", civil.second),
        Part::SecondZero => write!(out, "{:02}", civil.second),
        Part::Year if civil.year < 0 => write!(out, "-{:04}", -civil.year),
        Part::Year => write!(out, "{:04}", civil.year),
        Part::YearShort => write!(out, "{:02}", civil.year.unsigned_abs() % 100),
        Part::Noon => out.write_str(if afternoon { "PM" } else { "AM" }),
        Part::NoonLower => out.write_str(if afternoon { "pm" } else { "am" }),
        Part::Zone => out.write_str("UTC"),
        Part::Offset(text) => out.write_str(text),
        Part::Fraction(separator, count, keep) => {
            put_fraction(out, civil.nanos, separator, count, keep);
            Ok(())
        }
    };
}

fn put_fraction(out: &mut String, nanos: u32, separator: char, count: usize, keep: bool) {
    let digits = format!("{nanos:09}");
    // Go never shows more than nine digits, however many the layout asks for.
    let mut shown = &digits[..count.min(9)];
    if !keep {
        shown = shown.trim_end_matches('0');
    }
    if !shown.is_empty() {
        out.push(separator);
        out.push_str(shown);
    }
}
