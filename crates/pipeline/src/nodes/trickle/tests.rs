//! `trickle` against a model.

use crate::nodes::default::bed::{Point, logged, points, run};
use proptest::prelude::*;
use std::collections::BTreeMap;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Each group's window gives its points when it is full.
    #[test]
    fn windows_come_out_point_by_point((points, write) in points(), size in 1..5usize) {
        let window = format!("window().periodCount({size}).everyCount({size})");
        let ran = run(&format!("stream|from().groupBy('h')|{window}|trickle()|log()"), &points, write);
        let mut groups: BTreeMap<&str, Vec<Point>> = BTreeMap::new();
        let mut wanted = Vec::new();
        for point in &points {
            let group = groups.entry(point.tag("h")).or_default();
            group.push(point.clone());
            if group.len() == size {
                wanted.append(group);
            }
        }
        let wanted = logged(".groupBy('h')", &wanted);
        let nowhere = |line: &String| line.replace("db=db rp=rp", "db= rp=");
        prop_assert_eq!(ran.lines, wanted.iter().map(nowhere).collect::<Vec<String>>());
    }
}
