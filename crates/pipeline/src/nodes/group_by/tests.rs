//! Batches that are grouped anew, against a reading of the rules.

use super::Regroup;
use crate::edge::EdgeKind;
use crate::group::{Group, GroupBy};
use crate::merge::bed::{Bed, Out, Sent, Values, Written};
use crate::node::{Definition, Turn};
use model::{Name, TagSet, Time};
use proptest::prelude::*;

const SECOND: Time = 1_000_000_000;

/// What happens.
#[derive(Clone, Debug)]
enum Step {
    Batch(Written),
    Mark(Written, Option<Time>),
}

/// The points of a new group.
struct Points {
    group: Group,
    name: String,
    points: Vec<(Time, TagSet, Values)>,
}

struct Model {
    by: GroupBy,
    parent: GroupBy,
    time: Option<Time>,
    groups: Vec<Points>,
}

fn group(by: &GroupBy, written: &Written) -> Group {
    Group { tags: by.project(&written.tags()), name: by.by_name.then(|| Name::from(written.name())) }
}

impl Model {
    fn send(&mut self) -> Vec<Out> {
        let Some(time) = self.time else { return Vec::new() };
        let out = |mut points: Points| {
            points.points.sort_by_key(|point| point.0);
            Out {
                db: "db".into(),
                name: points.name,
                group: points.group.id(),
                tags: points.group.tags,
                time,
                row_tags: points.points.iter().map(|point| point.1.clone()).collect(),
                rows: points.points.into_iter().map(|point| (point.0, point.2)).collect(),
            }
        };
        std::mem::take(&mut self.groups).into_iter().map(out).collect()
    }

    fn reach(&mut self, time: Time) -> Vec<Out> {
        let out = if self.time == Some(time) { Vec::new() } else { self.send() };
        self.time = Some(time);
        out
    }

    fn batch(&mut self, written: &Written) -> Vec<Out> {
        let out = self.reach(written.time);
        let group = group(&self.by, written);
        for (at, &(time, fields)) in (0..).zip(&written.rows) {
            let known = self.groups.iter().position(|points| points.group == group);
            let known = known.unwrap_or_else(|| {
                self.groups.push(Points { group: group.clone(), name: written.name(), points: Vec::new() });
                self.groups.len() - 1
            });
            self.groups[known].points.push((time, written.tags(), written.values(fields, at)));
        }
        out
    }

    fn mark(&mut self, written: &Written, barrier: Option<Time>) -> Vec<Sent> {
        let group = group(&self.parent, written);
        let out = match barrier {
            Some(time) => self.reach(time),
            None => {
                self.groups.retain(|points| points.group != group);
                Vec::new()
            }
        };
        let mark = match barrier {
            Some(time) => Sent::Barrier(group.id(), time),
            None => Sent::Delete(group.id()),
        };
        let passed = (self.by == self.parent).then_some(mark);
        out.into_iter().map(Sent::Data).chain(passed).collect()
    }
}

fn groupings() -> impl Strategy<Value = GroupBy> {
    let by =
        |tags: &[&str]| GroupBy { tags: tags.iter().map(|&tag| tag.into()).collect(), ..GroupBy::default() };
    let all = GroupBy { all: true, ..GroupBy::default() };
    prop_oneof![
        Just(by(&[])),
        Just(by(&["h"])),
        Just(by(&["c", "h"])),
        Just(GroupBy { by_name: true, ..by(&["c"]) }),
        Just(all.clone()),
        Just(GroupBy { exclude: vec!["h".into()], ..all }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let rows = prop::collection::vec((-3..3_i64, 0..8_u8), 0..5);
    let step = (0..10_u8, 0..2_u8, 0..3_u8, 0..2_i64, rows);
    prop::collection::vec(step, 0..40).prop_map(|steps| {
        let step = |(at, (kind, h, c, off, rows)): (usize, _)| {
            let rows: Vec<(i64, u8)> = rows;
            let time = (at as i64 / 4 + off) * SECOND;
            let rows = rows.into_iter().map(|(at, fields)| (time + at * SECOND, fields)).collect();
            let written = Written { parents: 1, h, c, time, fields: 0, at: at as i64, rows };
            match kind {
                0 => Step::Mark(written, Some(time)),
                1 => Step::Mark(written, None),
                _ => Step::Batch(written),
            }
        };
        steps.into_iter().enumerate().map(step).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn collects_batches_as_the_model_does_however_they_are_cut(
        by in groupings(),
        parent in groupings(),
        steps in steps(),
        cuts in prop::collection::vec(any::<bool>(), 1..12),
        saves in prop::collection::vec(any::<bool>(), 1..5),
    ) {
        let regroup = Regroup { by };
        let by = regroup.group_by(std::slice::from_ref(&parent));
        let mut bed = Bed::new(&regroup, std::slice::from_ref(&parent), EdgeKind::Batch);
        let mut model = Model { by, parent, time: None, groups: Vec::new() };
        let (mut entry, mut expected): (Vec<Written>, Vec<Out>) = (Vec::new(), Vec::new());
        for (at, step) in steps.iter().enumerate() {
            if saves[at % saves.len()] {
                bed.save_and_load();
            }
            if matches!(step, Step::Mark(..)) || cuts[at % cuts.len()] {
                prop_assert_eq!(bed.feed(&entry), std::mem::take(&mut expected));
                entry.clear();
            }
            match step {
                Step::Batch(written) => {
                    expected.extend(model.batch(written));
                    entry.push(written.clone());
                }
                Step::Mark(written, barrier) => {
                    prop_assert_eq!(bed.mark(0, written, *barrier), model.mark(written, *barrier));
                }
            }
        }
        prop_assert_eq!(bed.feed(&entry), expected);
        let ended: Vec<Sent> = model.send().into_iter().map(Sent::Data).collect();
        prop_assert_eq!(bed.turn(Turn::Finish), ended);
    }
}
