//! A moment in UTC, its civil date, and the texts Go gives it. No time zones, no clock.

use crate::number::Sink;

/// Seconds from 0001-01-01T00:00:00Z, Go's zero time, to the Unix epoch.
const ZERO_TO_UNIX: i64 = 62_135_596_800;
const DAY: i64 = 86_400;

/// A moment in UTC with nanosecond precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    seconds: i64,
    nanos: u32,
}

/// A civil date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub year: i64,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub nanos: u32,
}

impl Time {
    /// Go's zero time, 0001-01-01T00:00:00Z: what an unset time holds.
    pub const ZERO: Time = Time { seconds: -ZERO_TO_UNIX, nanos: 0 };

    /// The moment `nanos` nanoseconds after the Unix epoch.
    #[inline]
    pub fn from_unix_nanos(nanos: i64) -> Time {
        Time { seconds: nanos.div_euclid(1_000_000_000), nanos: nanos.rem_euclid(1_000_000_000) as u32 }
    }

    fn from_parts(seconds: i64, nanos: u32) -> Time {
        Time { seconds, nanos }
    }

    /// Whole seconds since the Unix epoch.
    pub fn unix(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds within the second.
    pub fn subsecond_nanos(self) -> u32 {
        self.nanos
    }

    /// Whole seconds since Go's zero time.
    pub(crate) fn since_zero_seconds(self) -> i64 {
        self.seconds.wrapping_add(ZERO_TO_UNIX)
    }

    /// Units of `per_second` since the Unix epoch; wraps where Go's arithmetic wraps.
    pub(crate) fn unix_in(self, per_second: i64) -> i64 {
        let part = i64::from(self.nanos) / (1_000_000_000 / per_second);
        self.seconds.wrapping_mul(per_second).wrapping_add(part)
    }

    fn days(self) -> i64 {
        self.seconds.div_euclid(DAY)
    }

    pub(crate) fn civil(self) -> Civil {
        let (year, month, day) = civil_from_days(self.days());
        let second = self.seconds.rem_euclid(DAY) as u32;
        Civil {
            year,
            month,
            day,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
            nanos: self.nanos,
        }
    }

    /// Day of the week, Sunday = 0.
    pub(crate) fn weekday(self) -> i64 {
        // 1970-01-01 was a Thursday.
        (self.days() + 4).rem_euclid(7)
    }

    /// Day of the year from 1.
    pub(crate) fn year_day(self) -> i64 {
        let (year, _, _) = civil_from_days(self.days());
        self.days() - days_from_civil(year, 1, 1) + 1
    }

    /// Seconds and nanoseconds since Go's zero time, in nanoseconds.
    fn since_zero(self) -> i128 {
        (i128::from(self.seconds) + i128::from(ZERO_TO_UNIX)) * 1_000_000_000 + i128::from(self.nanos)
    }

    pub(crate) fn add(self, nanos: i64) -> Time {
        let sum = i64::from(self.nanos) + nanos % 1_000_000_000;
        let seconds = self.seconds.wrapping_add(nanos / 1_000_000_000);
        let seconds = seconds.wrapping_add(sum.div_euclid(1_000_000_000));
        Time::from_parts(seconds, sum.rem_euclid(1_000_000_000) as u32)
    }

    /// `Time.AddDate`: months overflow into years and days into months, as Go normalises them.
    pub(crate) fn add_date(self, years: i64, months: i64, days: i64) -> Option<Time> {
        let civil = self.civil();
        let month = (i64::from(civil.month) - 1).checked_add(months)?;
        let year = civil.year.checked_add(years)?.checked_add(month.div_euclid(12))?;
        // Beyond this neither Go's nor our day count means anything.
        if !(-1_000_000_000..1_000_000_000).contains(&year) {
            return None;
        }
        let first = days_from_civil(year, month.rem_euclid(12) as u32 + 1, 1);
        let day = first.checked_add(i64::from(civil.day) - 1)?.checked_add(days)?;
        let seconds = day.checked_mul(DAY)?.checked_add(self.seconds.rem_euclid(DAY))?;
        Some(Time::from_parts(seconds, self.nanos))
    }

    /// `self - other` in nanoseconds, saturating.
    pub(crate) fn sub(self, other: Time) -> i64 {
        let difference = self.since_zero() - other.since_zero();
        difference.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    pub(crate) fn truncate(self, step: i64) -> Time {
        if step <= 0 {
            return self;
        }
        let rest = self.since_zero().rem_euclid(i128::from(step)) as i64;
        self.add(-rest)
    }

    pub(crate) fn round(self, step: i64) -> Time {
        if step <= 0 {
            return self;
        }
        let rest = self.since_zero().rem_euclid(i128::from(step)) as i64;
        if (rest as u64) * 2 < step as u64 { self.add(-rest) } else { self.add(step - rest) }
    }

    /// Appends the text of Go's `Time.String`: `2020-01-02 03:04:05.6 +0000 UTC`.
    pub fn put_string<S: Sink>(self, out: &mut S) {
        let civil = self.civil();
        if !(0..=9999).contains(&civil.year) {
            let mut text = String::new();
            crate::layout::format(&mut text, self, crate::layout::STRING);
            return out.put(&text);
        }
        let mut text = *b"0000-00-00 00:00:00.000000000";
        let end = civil.put(&mut text);
        out.put(std::str::from_utf8(&text[..end]).unwrap_or_default());
        out.put(" +0000 UTC");
    }

    /// Appends the RFC 3339 text with the fraction's trailing zeros dropped.
    pub fn put_rfc3339nano<S: Sink>(self, out: &mut S) {
        let civil = self.civil();
        if !(0..=9999).contains(&civil.year) {
            let mut text = String::new();
            crate::layout::format(&mut text, self, "2006-01-02T15:04:05.999999999Z07:00");
            return out.put(&text);
        }
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        let end = civil.put(&mut text);
        text[end] = b'Z';
        out.put(std::str::from_utf8(&text[..=end]).unwrap_or_default());
    }
}

impl Civil {
    /// Fills in `0000-00-00?00:00:00.000000000`; the length without the fraction's trailing zeros.
    fn put(&self, text: &mut [u8]) -> usize {
        put_digits(&mut text[0..4], self.year as u32);
        put_digits(&mut text[5..7], self.month);
        put_digits(&mut text[8..10], self.day);
        put_digits(&mut text[11..13], self.hour);
        put_digits(&mut text[14..16], self.minute);
        put_digits(&mut text[17..19], self.second);
        if self.nanos == 0 {
            return 19;
        }
        put_digits(&mut text[20..29], self.nanos);
        text[..29].iter().rposition(|byte| *byte != b'0').map_or(29, |last| last + 1)
    }
}

fn put_digits(slots: &mut [u8], mut value: u32) {
    for slot in slots.iter_mut().rev() {
        *slot = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Appends a time in nanoseconds since the Unix epoch as Go's `RFC3339Nano` in UTC:
/// `2020-01-02T03:04:05.6Z`.
pub fn format_time_rfc3339nano<S: Sink>(out: &mut S, nanos: i64) {
    Time::from_unix_nanos(nanos).put_rfc3339nano(out);
}

/// Seconds since the Unix epoch of a civil date and time of day in UTC. The month is 1 to 12; the
/// day and the parts of the time may overflow into the next larger part.
pub fn unix_seconds(year: i32, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> i64 {
    let days = days_from_civil(i64::from(year), month.clamp(1, 12), 1) + i64::from(day) - 1;
    days * DAY + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)
}

/// Days since the Unix epoch of a date in the proleptic Gregorian calendar.
///
/// Years are counted from March, so that the leap day comes last, in eras of 400 years.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = ((month_from_march + 2) % 12 + 1) as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}
