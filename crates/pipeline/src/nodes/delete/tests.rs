//! `delete` against a model, and its counters.

use crate::nodes::default::bed::{Point, logged, points, run, windowed};
use proptest::prelude::*;

/// The point without what is deleted, and how many fields and tags that were.
fn model(point: &Point) -> (Point, [u64; 2]) {
    let mut point = point.clone();
    let field = point.fields.remove("v").is_some();
    let tag = point.tags.remove("t").is_some();
    (point, [u64::from(field), u64::from(tag)])
}

const NODE: &str = "|delete().field('v').field('none').field('v').tag('t').tag('none')";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn it_does_what_the_model_does((points, write) in points()) {
        let (wanted, gone): (Vec<Point>, Vec<[u64; 2]>) = points.iter().map(model).unzip();
        for (before, behind) in [("'h','t'", "'h'"), ("'t'", ""), ("'h'", "'h'"), ("*", "*")] {
            let ran = run(&format!("stream|from().groupBy({before}){NODE}|log()"), &points, write);
            prop_assert_eq!(ran.lines, logged(&format!(".groupBy({behind})"), &wanted));
            let sums = [0, 1].map(|at| gone.iter().map(|gone| gone[at]).sum::<u64>());
            prop_assert_eq!(ran.counters, sums);
        }
    }

    /// Without groups a batch has no tags of its own, so that its head is as before.
    #[test]
    fn points_of_batches_lose_the_same((points, write) in points(), size in 1..5usize) {
        let ran = run(&windowed(size, NODE), &points, write);
        let wanted: Vec<Point> = points.iter().map(|point| model(point).0).collect();
        prop_assert_eq!(ran.lines, run(&windowed(size, ""), &wanted, 1).lines);
    }
}
