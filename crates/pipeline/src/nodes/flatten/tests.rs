//! The flatten node against a reading of its rules, one point at a time.

use super::Flatten;
use crate::dimensions::go_round;
use crate::edge::EdgeKind;
use crate::group::GroupBy;
use crate::merge::bed::{Bed, Out, Sent, Values, Written};
use crate::node::Turn;
use model::{TagSet, Time};
use proptest::prelude::*;
use std::collections::BTreeMap;

const SECOND: Time = 1_000_000_000;

/// What happens.
#[derive(Clone, Debug)]
enum Step {
    Point(Written),
    Mark(Written, Option<Time>),
}

#[derive(Default)]
struct Set {
    time: Option<Time>,
    points: Vec<(TagSet, Values)>,
}

struct Model<'a> {
    flatten: &'a Flatten,
    by: &'a GroupBy,
    sets: BTreeMap<TagSet, Set>,
    errors: u64,
}

impl Model<'_> {
    fn name(&self, tags: &TagSet, field: &str) -> Option<String> {
        let mut values = Vec::new();
        for tag in &self.flatten.on {
            values.push(tags.get(tag)?);
        }
        let prefix = values.join(&self.flatten.delimiter);
        Some(match (self.flatten.drop_name, prefix.is_empty()) {
            (true, _) => prefix,
            (false, true) => field.to_owned(),
            (false, false) => format!("{prefix}{}{field}", self.flatten.delimiter),
        })
    }

    fn values(&mut self, points: Vec<(TagSet, Values)>) -> Values {
        let mut flat = Values::new();
        for (tags, values) in points {
            if self.name(&tags, "").is_none() {
                self.errors += 1;
            }
            for (field, value) in values {
                if let Some(name) = self.name(&tags, &field) {
                    flat.insert(name, value);
                }
            }
        }
        flat
    }

    fn flush(&mut self, group: &TagSet, forced: bool) -> Option<Out> {
        let set = self.sets.get_mut(group)?;
        let (time, points) = (set.time?, std::mem::take(&mut set.points));
        if points.is_empty() {
            return None;
        }
        let values = self.values(points);
        (forced || !values.is_empty()).then(|| Out {
            db: String::new(),
            name: "m1".into(),
            group: crate::group::Group { tags: group.clone(), name: None }.id(),
            tags: group.clone(),
            time,
            rows: vec![(time, values)],
            row_tags: vec![group.clone()],
        })
    }

    fn point(&mut self, written: &Written) -> Option<Out> {
        let group = self.by.project(&written.tags());
        let time = go_round(written.time, self.flatten.tolerance);
        let before = self.sets.entry(group.clone()).or_default().time;
        let out = if before == Some(time) { None } else { self.flush(&group, false) };
        let set = self.sets.entry(group).or_default();
        set.time = Some(time);
        set.points.push((written.tags(), written.values(written.fields, 0)));
        out
    }

    fn mark(&mut self, written: &Written, barrier: Option<Time>) -> Vec<Sent> {
        let group = self.by.project(&written.tags());
        let id = crate::group::Group { tags: group.clone(), name: None }.id();
        match barrier {
            Some(time) => {
                let waits = self.sets.get(&group).and_then(|set| set.time);
                let out = waits.filter(|waits| time > *waits).and_then(|_| self.flush(&group, true));
                out.map(Sent::Data).into_iter().chain([Sent::Barrier(id, time)]).collect()
            }
            None => {
                let out = self.flush(&group, false);
                self.sets.remove(&group);
                out.map(Sent::Data).into_iter().chain([Sent::Delete(id)]).collect()
            }
        }
    }

    fn finish(&mut self) -> Vec<Sent> {
        let mut groups: Vec<(Option<Time>, TagSet)> =
            self.sets.iter().map(|(group, set)| (set.time, group.clone())).collect();
        groups.sort();
        groups.into_iter().filter_map(|(_, group)| self.flush(&group, false)).map(Sent::Data).collect()
    }

    fn batch(&mut self, written: &Written) -> Out {
        let group = self.by.project(&written.tags());
        self.sets.clear();
        let mut rows = Vec::new();
        for (at, &(time, fields)) in (0..).zip(&written.rows) {
            let time = go_round(time, self.flatten.tolerance);
            let before = self.sets.entry(group.clone()).or_default().time;
            if before != Some(time) {
                rows.extend(self.flush(&group, false).map(|out| out.rows[0].clone()));
            }
            let set = self.sets.entry(group.clone()).or_default();
            set.time = Some(time);
            set.points.push((written.tags(), written.values(fields, at)));
        }
        rows.extend(self.flush(&group, true).map(|out| out.rows[0].clone()));
        Out {
            db: "db".into(),
            name: "m1".into(),
            group: crate::group::Group { tags: group.clone(), name: None }.id(),
            tags: group.clone(),
            time: written.time,
            row_tags: vec![group; rows.len()],
            rows,
        }
    }
}

fn by(tags: &[&str]) -> GroupBy {
    GroupBy { tags: tags.iter().map(|&tag| tag.into()).collect(), ..GroupBy::default() }
}

fn setups() -> impl Strategy<Value = (Flatten, GroupBy)> {
    let on = prop_oneof![Just(vec![]), Just(vec!["c"]), Just(vec!["h", "c"]), Just(vec!["h"])];
    let tolerance = prop_oneof![2 => Just(0), 1 => Just(2 * SECOND), 1 => Just(-SECOND)];
    let groupings = prop_oneof![Just(by(&[])), Just(by(&["h"])), Just(GroupBy { all: true, ..by(&[]) })];
    let flatten = (on, prop_oneof![Just("."), Just("")], tolerance, prop::bool::weighted(0.3));
    (flatten, groupings).prop_map(|((on, delimiter, tolerance, drop_name), by)| {
        let on = on.into_iter().map(str::to_owned).collect();
        (Flatten { on, delimiter: delimiter.into(), tolerance, drop_name }, by)
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let rows = prop::collection::vec((0..4_i64, 0..8_u8), 0..6);
    let step = (0..12_u8, 0..2_u8, 0..3_u8, -2..3_i64, 0..8_u8, rows);
    prop::collection::vec(step, 0..60).prop_map(|steps| {
        let step = |(at, (kind, h, c, off, fields, rows)): (usize, _)| {
            let rows: Vec<(i64, u8)> = rows;
            let time = (at as i64 / 5 + off / 2) * SECOND;
            let rows = rows.into_iter().map(|(at, fields)| (time + at * SECOND, fields)).collect();
            let written = Written { parents: 1, h, c, time, fields, at: at as i64, rows };
            match kind {
                0 => Step::Mark(written, Some(time)),
                1 => Step::Mark(written, None),
                _ => Step::Point(written),
            }
        };
        steps.into_iter().enumerate().map(step).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn flattens_points_as_the_model_does_however_they_are_cut(
        (flatten, by) in setups(),
        steps in steps(),
        cuts in prop::collection::vec(any::<bool>(), 1..12),
        saves in prop::collection::vec(any::<bool>(), 1..5),
    ) {
        let mut model = Model { flatten: &flatten, by: &by, sets: BTreeMap::new(), errors: 0 };
        let mut bed = Bed::new(&flatten, std::slice::from_ref(&by), EdgeKind::Stream);
        let (mut entry, mut expected): (Vec<Written>, Vec<Out>) = (Vec::new(), Vec::new());
        for (at, step) in steps.iter().enumerate() {
            if saves[at % saves.len()] {
                bed.save_and_load();
            }
            if matches!(step, Step::Mark(..)) || cuts[at % cuts.len()] {
                prop_assert_eq!(bed.feed(&entry), std::mem::take(&mut expected));
                prop_assert_eq!(bed.errors(), model.errors);
                entry.clear();
            }
            match step {
                Step::Point(written) => {
                    expected.extend(model.point(written));
                    entry.push(written.clone());
                }
                Step::Mark(written, barrier) => {
                    prop_assert_eq!(bed.mark(0, written, *barrier), model.mark(written, *barrier));
                }
            }
        }
        prop_assert_eq!(bed.feed(&entry), expected);
        prop_assert_eq!(bed.turn(Turn::Finish), model.finish());
        prop_assert_eq!(bed.errors(), model.errors);
    }

    #[test]
    fn flattens_batches_as_the_model_does((flatten, by) in setups(), steps in steps()) {
        let mut model = Model { flatten: &flatten, by: &by, sets: BTreeMap::new(), errors: 0 };
        let mut bed = Bed::new(&flatten, std::slice::from_ref(&by), EdgeKind::Batch);
        let written: Vec<Written> = steps
            .into_iter()
            .filter_map(|step| match step {
                Step::Point(written) => Some(written),
                Step::Mark(..) => None,
            })
            .collect();
        let expected: Vec<Out> = written.iter().map(|written| model.batch(written)).collect();
        prop_assert_eq!(bed.feed(&written), expected);
        prop_assert_eq!(bed.errors(), model.errors);
    }
}
