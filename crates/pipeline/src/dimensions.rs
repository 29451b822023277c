//! Arguments and arithmetic that several nodes share: group-by lists, and Go's rounding of times.

use crate::args::{Args, Refused};
use crate::group::GroupBy;
use model::Time;
use tick::Value;

/// The grouping that a `groupBy` call asks for: names of tags, or `*` alone.
pub fn dimensions(args: &Args<'_>) -> Result<GroupBy, Refused> {
    let mut by = GroupBy::default();
    for value in args.values {
        match value {
            Value::String(tag) if tag.is_empty() => {
                return Err(Refused::Script("dimensions cannot not be the empty string".into()));
            }
            Value::String(tag) => by.tags.push((**tag).into()),
            Value::Star => by.all = true,
            other => {
                let got = other.go_type();
                return Err(Refused::Script(format!("invalid dimension object of type {got}")));
            }
        }
    }
    if by.all && args.len() > 1 {
        return Err(Refused::Script("cannot group by both '*' and named dimensions.".into()));
    }
    by.tags.sort();
    by.tags.dedup();
    Ok(by)
}

/// Nanoseconds from Go's zero time (year 1) to the Unix epoch: what Go truncates and rounds from.
const ZERO_TO_EPOCH: i128 = 62_135_596_800_000_000_000;

/// `t` rounded down to a multiple of `d` since Go's zero time; `d <= 0` leaves it.
pub fn go_truncate(t: Time, d: i64) -> Time {
    if d <= 0 {
        return t;
    }
    t.saturating_sub(past_multiple(t, d))
}

/// `t` rounded to the nearest multiple of `d` since Go's zero time, halves up.
pub fn go_round(t: Time, d: i64) -> Time {
    if d <= 0 {
        return t;
    }
    let past = past_multiple(t, d);
    if past < d - past { t.saturating_sub(past) } else { t.saturating_add(d - past) }
}

fn past_multiple(t: Time, d: i64) -> i64 {
    // Whole seconds divide the offset to the epoch, and nearly every duration is whole seconds.
    if d % 1_000_000_000 == 0 && 62_135_596_800 % (d / 1_000_000_000) == 0 {
        return t.rem_euclid(d);
    }
    (i128::from(t) + ZERO_TO_EPOCH).rem_euclid(i128::from(d)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_counts_from_the_year_one() {
        let second = 1_000_000_000;
        // 7 days from year 1 are not 7 days from 1970: week boundaries fall on Mondays.
        let week = 7 * 86_400 * second;
        let monday = 1_599_436_800 * second;
        assert_eq!(go_truncate(1_600_000_000 * second, week), monday);
        assert_eq!(go_truncate(1_600_000_007 * second, 10 * second), 1_600_000_000 * second);
        assert_eq!(go_round(1_600_000_005 * second, 10 * second), 1_600_000_010 * second);
        assert_eq!(go_round(1_600_000_004 * second, 10 * second), 1_600_000_000 * second);
        assert_eq!(go_truncate(-1, second), -second);
        assert_eq!(go_truncate(5, 0), 5);
    }
}
