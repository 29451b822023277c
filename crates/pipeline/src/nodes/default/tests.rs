//! `default` against a model, and its counters.

use super::bed::{Point, logged, points, run, windowed};
use super::retag::{Memory, REMEMBERED};
use model::{Origin, OriginColumn, Rows, Series, SeriesTable, TagColumn, TagSet, Value};
use proptest::prelude::*;
use std::sync::Arc;

const NODE: &str = "|default().field('v', 7.0).field('w', 'é').field('n', 1).tag('h', 'dh').tag('t', 'dt')";

/// The point with defaults, and how many fields and tags it lacked.
fn model(point: &Point) -> (Point, [u64; 2]) {
    let mut point = point.clone();
    let mut lacked = [0, 0];
    for (name, value) in [("v", Value::Float(7.0)), ("w", Value::str("é")), ("n", Value::Int(1))] {
        if matches!(point.fields.get(name), None | Some(Value::Null)) {
            point.fields.insert(name, value);
            lacked[0] += 1;
        }
    }
    for (name, value) in [("h", "dh"), ("t", "dt")] {
        if point.tag(name).is_empty() {
            point.tags.insert(name, value);
            lacked[1] += 1;
        }
    }
    (point, lacked)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn it_does_what_the_model_does((points, write) in points()) {
        let ran = run(&format!("stream|from().groupBy('h'){NODE}|log()"), &points, write);
        let (wanted, lacked): (Vec<Point>, Vec<[u64; 2]>) = points.iter().map(model).unzip();
        prop_assert_eq!(ran.lines, logged(".groupBy('h')", &wanted));
        prop_assert_eq!(ran.counters, [0, 1].map(|at| lacked.iter().map(|lacked| lacked[at]).sum::<u64>()));
    }

    #[test]
    fn fields_of_batches_are_filled_like_those_of_streams((points, write) in points(), size in 1..5usize) {
        let node = "|default().field('v', 7.0).field('w', 'é').field('n', 1)";
        let ran = run(&windowed(size, node), &points, write);
        let wanted: Vec<Point> = points.iter().map(|point| Point { tags: point.tags.clone(), ..model(point).0 }).collect();
        prop_assert_eq!(ran.lines, run(&windowed(size, ""), &wanted, 1).lines);
    }
}

/// Kapacitor counts the heads of batches as if they lacked every field.
#[test]
fn heads_of_batches_count() {
    let point = |tags: &[(&'static str, &'static str)], time| Point {
        tags: tags.iter().copied().collect(),
        fields: [("w", Value::Int(1))].into(),
        time,
    };
    let points = [point(&[], 1), point(&[("t", "own")], 2)];
    let node = "|default().field('v', 1).field('w', 1).tag('t', 'x')";
    let ran = run(&windowed(1, node), &points, 2);
    let head = |line: &&String| line.starts_with("begin batch prefix= name=m group=t=x tag_t=x");
    assert_eq!(ran.lines.iter().filter(head).count(), 2);
    assert_eq!(ran.counters, [2 * 2 + 2, 2 + 1]);
}

/// Numbers of series that are remembered and of some that are not; then the same numbers for others.
#[test]
fn what_is_remembered_of_a_series_is_checked() {
    let origin = Arc::new(Origin { db: "db".into(), rp: "rp".into(), name: "m".into() });
    let ids = Arc::new(vec![1, REMEMBERED as u32 + 1, 1, 0]);
    let rows = Rows {
        origins: OriginColumn::One(origin.clone()),
        times: Arc::new(vec![0; 4]),
        ordinals: Arc::default(),
        tags: TagColumn::Series(ids.clone()),
        fields: Vec::new(),
    };
    let mut memory = Memory::default();
    for round in 0..2 {
        let mut table = SeriesTable::default();
        for id in 0..REMEMBERED + 2 {
            let tags = TagSet::new([("id", format!("{id} of {round}"))]);
            table.push(Series { origin: origin.clone(), tags });
        }
        let change = |tags: &TagSet| Some((tags.with("t", "x"), 1));
        let (tags, changes) = memory.retag(&rows, &table, change).expect("all change");
        let wanted = ids.iter().map(|&id| table.get(id).tags.with("t", "x"));
        assert_eq!(
            (0..4).map(|row| tags.get(row, &table).clone()).collect::<Vec<_>>(),
            wanted.collect::<Vec<_>>()
        );
        assert_eq!(changes, 4);
    }
}
