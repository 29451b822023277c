//! A fused pair gives what the two nodes give. A second child of the window keeps it from being
//! fused.

use super::Half;
use crate::Task;
use crate::nodes::influxql::tests::bed::{Layout, Seen, build, observe, points};
use proptest::prelude::*;

fn halves(task: &Task) -> Vec<Option<Half>> {
    task.operators[2..4].iter().map(|operator| operator.as_ref().and_then(|operator| operator.half)).collect()
}

/// What is seen of the pair and of what it sends on.
fn of_the_pair(seen: Seen) -> Seen {
    Seen {
        lines: seen.lines.into_iter().filter(|(node, _)| node == "log4").collect(),
        errors: seen.errors,
        counters: seen.counters[2..4].to_vec(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn fused_is_unfused(
        points in points(),
        function in prop::sample::select(vec![
            "mean('v')",
            "sum('v')",
            "count('v')",
            "mean('v').usePointTimes()",
            "sum('v').usePointTimes()",
            "count('v').as('v').usePointTimes()",
        ]),
        window in prop::sample::select(vec![
            "period(10s).every(10s)",
            "period(10s).every(10s).align()",
            "period(3s).every(3s)",
            "period(7s).every(7s).align()",
        ]),
    ) {
        let above = format!("stream|from().measurement('m').groupBy('h')|window().{window}");
        let fused = build(&format!("{above}|{function}|log()"));
        let unfused = build(&format!("var w = {above}\nw|{function}|log()\nw|log()"));
        prop_assert_eq!(halves(&fused), [Some(Half::Window), Some(Half::Function)]);
        prop_assert_eq!(halves(&unfused), [None, None]);
        for layout in [Layout::Typed, Layout::Mixed] {
            let [fused, unfused] = [&fused, &unfused].map(|task| of_the_pair(observe(task, &points, layout)));
            prop_assert_eq!(fused, unfused);
        }
    }
}

#[test]
fn only_tumbling_windows_over_one_plain_function_are_fused() {
    let of = |chain: &str| halves(&build(&format!("stream|from().measurement('m')|{chain}")));
    let whole = [Some(Half::Window), Some(Half::Function)];
    assert_eq!(of("window().period(10s).every(10s)|count('v')"), whole);
    assert_eq!(of("window().period(10s).every(10s).align()|mean('v').as('x')|max('x')"), whole);
    for chain in [
        "window().period(10s).every(5s)|mean('v')",
        "window().period(10s).every(10s).fillPeriod()|mean('v')",
        "window().periodCount(10).everyCount(10)|mean('v')",
        "window().period(10s).every(10s)|max('v')",
        "window().period(10s).every(10s)|spread('v')",
    ] {
        assert_eq!(of(chain), [None, None], "{chain}");
    }
}
