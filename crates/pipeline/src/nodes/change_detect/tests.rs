//! `changeDetect` against a model.

use crate::nodes::default::bed::{Point, logged, logged_batches, points, run, windowed};
use model::Value;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The last point that was passed, as Kapacitor's map of fields: what it lacks reads as null.
type Before = Option<Point>;

/// Whether a point passes, and how many fields it was found to lack before that was known.
fn model(before: &mut Before, point: &Point) -> (bool, u64) {
    let mut missing = 0;
    for name in ["v", "w"] {
        let was = before.as_ref().and_then(|before| before.fields.get(name)).cloned().unwrap_or_default();
        match point.fields.get(name) {
            None => missing += 1,
            Some(Value::Null) if was == Value::Null => {}
            Some(now) if *now == was => {}
            Some(_) => {
                *before = Some(point.clone());
                return (true, missing);
            }
        }
    }
    (false, missing)
}

proptest! {
    #[test]
    fn it_does_what_the_model_does((points, write) in points()) {
        let ran = run("stream|from().groupBy('h')|changeDetect('v','w')|log()", &points, write);
        let mut groups: BTreeMap<&str, Before> = BTreeMap::new();
        let (mut wanted, mut errors) = (Vec::new(), 0);
        for point in &points {
            let (passed, missing) = model(groups.entry(point.tag("h")).or_default(), point);
            errors += missing;
            wanted.extend(passed.then(|| point.clone()));
        }
        prop_assert_eq!(ran.lines, logged(".groupBy('h')", &wanted));
        prop_assert_eq!(ran.errors, errors);
    }

    #[test]
    fn each_batch_starts_afresh((points, write) in points(), size in 1..6usize) {
        let ran = run(&windowed(size, "|changeDetect('v','w')"), &points, write);
        let wanted = logged_batches(&points, size, |points| {
            let mut before = None;
            points.iter().map(|point| model(&mut before, point).0).collect()
        });
        prop_assert_eq!(ran.lines, wanted);
    }
}
