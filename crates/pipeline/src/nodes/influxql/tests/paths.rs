//! The same points give the same results however they come: in entries of any size, and as columns of
//! one kind or value by value.

use super::bed::{Layout, Point, build, observe, points};
use proptest::prelude::*;
use proptest::sample::select;

/// All methods of this folder, of a field `v`.
const METHODS: [&str; 22] = [
    "count('v')",
    "distinct('v')",
    "mean('v')",
    "median('v')",
    "mode('v').usePointTimes()",
    "spread('v')",
    "sum('v')",
    "first('v')",
    "last('v').as('v').usePointTimes()",
    "min('v')",
    "max('v').as('w')",
    "percentile('v', 75.0)",
    "top(3, 'v', 'w')",
    "bottom(2, 'v').usePointTimes()",
    "stddev('v')",
    "elapsed('v', 2s)",
    "difference('v')",
    "movingAverage('v', 3)",
    "cumulativeSum('v')",
    "holtWinters('v', 2, 0, 5s)",
    "holtWintersWithFit('v', 1, 3, 5s)",
    "stddev('w')",
];

/// Nodes that work on points one by one, before the method.
const BEFORE: [&str; 9] = [
    "",
    "",
    "|where(lambda: \"v\" > 1.0)",
    "|where(lambda: count() % 3 != 1)",
    "|eval(lambda: float(\"v\") / 2.0, lambda: \"e\" + 1.0).as('e', 'v').keep()",
    "|eval(lambda: \"v\", lambda: string(\"v\")).as('v', 's').tags('s')",
    "|derivative('v').unit(10s)",
    "|stateCount(lambda: \"v\" > 1).as('v')",
    "|stateDuration(lambda: \"v\" > 1.0)",
];

const WINDOWS: [&str; 6] = [
    "",
    "",
    "|window().period(10s).every(10s)",
    "|window().period(20s).every(7s).align()",
    "|window().period(6s)",
    "|window().periodCount(5).everyCount(3)",
];

fn script() -> impl Strategy<Value = String> {
    let parts = (select(&WINDOWS[..]), select(&BEFORE[..]), select(&METHODS[..]), any::<bool>());
    parts.prop_map(|(window, before, method, outside)| {
        // Points are worked on before they are in the window, or in it.
        let (first, second) = if outside { (before, window) } else { (window, before) };
        format!("stream|from().measurement('m').groupBy('h'){first}{second}|{method}|log()")
    })
}

/// The same points, each or none of them starting an entry.
fn cut(points: &[Point], each: bool) -> Vec<Point> {
    points.iter().map(|(step, group, value, _)| (*step, *group, value.clone(), each)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn entries_of_any_size_give_the_same(script in script(), points in points()) {
        let seen = observe(&build(&script), &points, Layout::Typed);
        for each in [false, true] {
            let other = observe(&build(&script), &cut(&points, each), Layout::Typed);
            prop_assert_eq!(&seen.lines, &other.lines);
            prop_assert_eq!(&seen.counters, &other.counters);
        }
    }

    #[test]
    fn columns_of_one_kind_give_the_same_as_single_values(script in script(), points in points()) {
        let typed = observe(&build(&script), &points, Layout::Typed);
        prop_assert_eq!(typed, observe(&build(&script), &points, Layout::Mixed));
    }
}
