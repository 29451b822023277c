//! The times that `from` gives points, against numbers that cannot overflow.

use crate::nodes::default::bed::{Point, logged, points, run};
use proptest::prelude::*;

/// From the start of the year 1 to that of 1970, nanoseconds.
const YEAR_ONE: i128 = 62_135_596_800_000_000_000;

fn truncated(time: i64, to: i64) -> i64 {
    let since = i128::from(time) + YEAR_ONE;
    if to <= 0 { time } else { (since / i128::from(to) * i128::from(to) - YEAR_ONE) as i64 }
}

fn rounded(time: i64, to: i64) -> i64 {
    if to <= 0 {
        return time;
    }
    let down = truncated(time, to);
    if (time - down) * 2 < to { down } else { down + to }
}

proptest! {
    #[test]
    fn truncate_then_round((points, write) in points(), truncate in -2..9i64, round in -2..9i64) {
        let times = format!(".truncate({truncate}s).round({round}s)");
        let ran = run(&format!("stream|from().groupBy('h'){times}|log()"), &points, write);
        let second = 1_000_000_000;
        let moved = |point: &Point| {
            let time = rounded(truncated(point.time, truncate * second), round * second);
            Point { time, ..point.clone() }
        };
        let wanted: Vec<Point> = points.iter().map(moved).collect();
        prop_assert_eq!(ran.lines, logged(".groupBy('h')", &wanted));
    }

    #[test]
    fn no_time_is_too_far(time in any::<i64>(), d in any::<i64>()) {
        let (down, near) = (crate::dimensions::go_truncate(time, d), crate::dimensions::go_round(time, d));
        prop_assert!(down <= time);
        prop_assert!(near >= down);
    }
}
