//! `shift` against a model.

use super::Shift;
use crate::nodes::default::bed::{Point, logged, points, run, windowed};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_point_moves((points, write) in points(), by in prop_oneof![-9..0i64, 1..9i64]) {
        let ran = run(&format!("stream|from().groupBy('h')|shift({by}s)|log()"), &points, write);
        let moved = |point: &Point| Point { time: point.time + by * 1_000_000_000, ..point.clone() };
        let wanted: Vec<Point> = points.iter().map(moved).collect();
        prop_assert_eq!(ran.lines, logged(".groupBy('h')", &wanted));
    }

    /// A window of points ends at its last one, so that points moved before it make the same batches.
    #[test]
    fn batches_move_with_their_points((points, write) in points(), size in 1..5usize) {
        let moved = |point: &Point| Point { time: point.time - 7_000_000_000, ..point.clone() };
        let wanted: Vec<Point> = points.iter().map(moved).collect();
        let ran = run(&windowed(size, "|shift(-7s)"), &points, write);
        prop_assert_eq!(ran.lines, run(&windowed(size, ""), &wanted, 1).lines);
    }
}

#[test]
fn times_stay_within_64_bits() {
    assert_eq!([Shift { by: 5 }.time(i64::MAX - 2), Shift { by: -5 }.time(i64::MIN)], [i64::MAX, i64::MIN]);
}
