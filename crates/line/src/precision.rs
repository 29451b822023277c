//! The unit of timestamps.

use model::Time;

/// The unit in which the timestamps of a write count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Nanoseconds.
    #[default]
    Nano,
    /// Microseconds.
    Micro,
    /// Milliseconds.
    Milli,
    /// Seconds.
    Second,
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
}

impl Precision {
    /// Reads the `precision` parameter: `u`, `ms`, `s`, `m` or `h`. Any other text, `us` and `ns`
    /// among them, means nanoseconds, as it does in Kapacitor.
    pub fn parse(text: &str) -> Precision {
        match text {
            "u" => Precision::Micro,
            "ms" => Precision::Milli,
            "s" => Precision::Second,
            "m" => Precision::Minute,
            "h" => Precision::Hour,
            _ => Precision::Nano,
        }
    }

    /// Length of the unit in nanoseconds.
    pub fn nanos(self) -> i64 {
        match self {
            Precision::Nano => 1,
            Precision::Micro => 1_000,
            Precision::Milli => 1_000_000,
            Precision::Second => 1_000_000_000,
            Precision::Minute => 60_000_000_000,
            Precision::Hour => 3_600_000_000_000,
        }
    }

    /// The last whole unit at or before `time`: what a line without a timestamp gets.
    pub fn truncate(self, time: Time) -> Time {
        time.saturating_sub(time.rem_euclid(self.nanos()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let cases = [
            ("n", 1),
            ("ns", 1),
            ("", 1),
            ("us", 1),
            ("x", 1),
            ("u", 1_000),
            ("ms", 1_000_000),
            ("s", 1_000_000_000),
            ("m", 60_000_000_000),
            ("h", 3_600_000_000_000),
        ];
        for (text, nanos) in cases {
            assert_eq!(Precision::parse(text).nanos(), nanos, "{text}");
        }
    }

    #[test]
    fn truncation_goes_down() {
        assert_eq!(Precision::Second.truncate(1_999_999_999), 1_000_000_000);
        assert_eq!(Precision::Second.truncate(-1), -1_000_000_000);
        assert_eq!(Precision::Nano.truncate(-1), -1);
    }
}
