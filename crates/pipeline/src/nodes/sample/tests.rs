//! `sample` against a model.

use crate::nodes::default::bed::{Point, logged, logged_batches, points, run, windowed};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A multiple of `every` since the start of the year 1, in numbers that cannot overflow.
fn is_multiple(time: i64, every: i64) -> bool {
    every <= 0 || (i128::from(time) + 62_135_596_800_000_000_000) % i128::from(every) == 0
}

fn every() -> impl Strategy<Value = i64> {
    let second = 1_000_000_000;
    prop::sample::select(vec![second, 2 * second, 7 * second, 1_000, 3, -second, i64::MAX / 1_000 * 1_000])
}

proptest! {
    #[test]
    fn every_so_manieth_of_a_group((points, write) in points(), n in prop_oneof![-3..0i64, 1..5i64]) {
        let ran = run(&format!("stream|from().groupBy('h')|sample({n})|log()"), &points, write);
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        let keep = |point: &&Point| {
            let count = counts.entry(point.tag("h")).or_default();
            *count += 1;
            (*count - 1) % n == 0
        };
        let wanted: Vec<Point> = points.iter().filter(keep).cloned().collect();
        prop_assert_eq!(ran.lines, logged(".groupBy('h')", &wanted));
    }

    #[test]
    fn every_so_manieth_of_a_batch((points, write) in points(), n in 1..5i64, size in 1..6usize) {
        let ran = run(&windowed(size, &format!("|sample({n})")), &points, write);
        let wanted =
            logged_batches(&points, size, |points| (0..points.len()).map(|at| at as i64 % n == 0).collect());
        prop_assert_eq!(ran.lines, wanted);
    }

    #[test]
    fn those_at_multiples_of_a_duration((points, write) in points(), every in every(), size in 1..6usize) {
        let node = format!("|sample({}u)", every / 1_000);
        let every = every / 1_000 * 1_000;
        prop_assume!(every != 0);
        let wanted: Vec<Point> =
            points.iter().filter(|point| is_multiple(point.time, every)).cloned().collect();
        let ran = run(&format!("stream|from().groupBy('h'){node}|log()"), &points, write);
        prop_assert_eq!(ran.lines, logged(".groupBy('h')", &wanted));
        let ran = run(&windowed(size, &node), &points, write);
        let keep = |points: &[Point]| points.iter().map(|point| is_multiple(point.time, every)).collect();
        prop_assert_eq!(ran.lines, logged_batches(&points, size, keep));
    }

    #[test]
    fn any_time_and_duration(time in any::<i64>(), every in any::<i64>()) {
        prop_assert_eq!(super::ByTime::new(every).passes(time), is_multiple(time, every));
    }
}
