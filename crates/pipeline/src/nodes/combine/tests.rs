//! The combine node against a reading of its rules, one point at a time.

use super::Combine;
use super::choose::{combinations, each};
use crate::dimensions::go_round;
use crate::edge::EdgeKind;
use crate::group::{Group, GroupBy};
use crate::merge::bed::{Bed, Out, Sent, Values, Written};
use crate::node::Turn;
use model::{TagSet, Time, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;

const SECOND: Time = 1_000_000_000;

/// The lambdas that are tried: their text, and what they say of the tags and fields of a point, and
/// of how many points they have seen.
type Said = fn(&TagSet, &Values, &mut u64) -> Option<bool>;
const LAMBDAS: [(&str, Said); 5] = [
    ("TRUE", |_, _, _| Some(true)),
    ("\"h\" == 'h0'", |tags, _, _| Some(tags.get("h") == Some("h0"))),
    ("isPresent(\"w\")", |_, values, _| Some(values.contains_key("w"))),
    ("count() % 2 == 0", |_, _, seen| {
        *seen += 1;
        Some(seen.is_multiple_of(2))
    }),
    // An error where the field is missing.
    ("\"v\" % 3 != 0", |_, values, _| match values.get("v")? {
        Value::Int(v) => Some(v % 3 != 0),
        _ => None,
    }),
];

#[derive(Clone, Debug)]
struct Setup {
    lambdas: Vec<usize>,
    tolerance: i64,
    max: i64,
    by: GroupBy,
}

impl Setup {
    fn definition(&self) -> Combine {
        let expr = |&at: &usize| tick::parse_lambda(LAMBDAS[at].0).expect("a lambda");
        Combine {
            lambdas: self.lambdas.iter().map(expr).collect(),
            names: (0..self.lambdas.len()).map(|at| format!("n{at}")).collect(),
            delimiter: ".".into(),
            tolerance: self.tolerance,
            max: self.max,
        }
    }
}

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
    seen: Vec<u64>,
}

struct Model<'a> {
    setup: &'a Setup,
    sets: BTreeMap<TagSet, Set>,
    errors: u64,
}

impl Model<'_> {
    fn flush(&mut self, group: &TagSet) -> Vec<Out> {
        let lambdas = &self.setup.lambdas;
        let Some(set) = self.sets.get_mut(group) else { return Vec::new() };
        let points = std::mem::take(&mut set.points);
        set.seen.resize(lambdas.len(), 0);
        let Some(time) = set.time else { return Vec::new() };
        let choices = combinations(points.len() as u64, lambdas.len() as u64);
        if choices > self.setup.max as u128 {
            self.errors += points.len() as u64;
            return Vec::new();
        }
        let mut matches = vec![Vec::new(); lambdas.len()];
        for (tags, values) in &points {
            for (at, &lambda) in lambdas.iter().enumerate() {
                let said = (LAMBDAS[lambda].1)(tags, values, &mut set.seen[at]);
                self.errors += u64::from(said.is_none());
                matches[at].push(said == Some(true));
            }
        }
        let mut outs = Vec::new();
        for choice in choices_of(points.len(), lambdas.len()) {
            let mut rest = choice;
            let mut taken = Vec::new();
            for of_lambda in &matches {
                if let Some(at) = rest.iter().position(|&point| of_lambda[point]) {
                    taken.push(rest.remove(at));
                }
            }
            if taken.len() == lambdas.len() {
                let taken: Vec<&(TagSet, Values)> = taken.iter().map(|&point| &points[point]).collect();
                outs.push(out(group, time, &taken));
            }
        }
        outs
    }

    fn add(&mut self, group: &TagSet, time: Time, point: (TagSet, Values)) -> Vec<Out> {
        let time = go_round(time, self.setup.tolerance);
        let before = self.sets.entry(group.clone()).or_default().time;
        let outs = if before == Some(time) { Vec::new() } else { self.flush(group) };
        let set = self.sets.entry(group.clone()).or_default();
        set.time = Some(time);
        set.points.push(point);
        outs
    }

    fn point(&mut self, written: &Written) -> Vec<Out> {
        let group = self.setup.by.project(&written.tags());
        self.add(&group, written.time, (written.tags(), written.values(written.fields, 0)))
    }

    fn batch(&mut self, written: &Written) -> Vec<Out> {
        let group = self.setup.by.project(&written.tags());
        let mut outs = Vec::new();
        for (at, &(time, fields)) in (0..).zip(&written.rows) {
            outs.extend(self.add(&group, time, (written.tags(), written.values(fields, at))));
        }
        outs.extend(self.flush(&group));
        outs
    }

    fn mark(&mut self, written: &Written, barrier: Option<Time>) -> Vec<Sent> {
        let group = self.setup.by.project(&written.tags());
        let id = Group { tags: group.clone(), name: None }.id();
        let waits = self.sets.get(&group).and_then(|set| set.time);
        let over = barrier.is_none_or(|time| waits.is_some_and(|waits| time > waits));
        let outs = if over { self.flush(&group) } else { Vec::new() };
        let mark = match barrier {
            Some(time) => Sent::Barrier(id, time),
            None => {
                self.sets.remove(&group);
                Sent::Delete(id)
            }
        };
        outs.into_iter().map(Sent::Data).chain([mark]).collect()
    }

    fn finish(&mut self) -> Vec<Sent> {
        let mut groups: Vec<(Option<Time>, TagSet)> =
            self.sets.iter().map(|(group, set)| (set.time, group.clone())).collect();
        groups.sort();
        groups.into_iter().flat_map(|(_, group)| self.flush(&group)).map(Sent::Data).collect()
    }
}

/// All choices of `k` of `n`, in the order of their places.
fn choices_of(n: usize, k: usize) -> Vec<Vec<usize>> {
    if k == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for choice in choices_of(n, k - 1) {
        let from = choice.last().map_or(0, |last| last + 1);
        all.extend((from..n).map(|next| [&choice[..], &[next]].concat()));
    }
    all
}

fn out(group: &TagSet, time: Time, taken: &[&(TagSet, Values)]) -> Out {
    let mut values = Values::new();
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    for (at, (own, fields)) in taken.iter().enumerate() {
        values.extend(fields.iter().map(|(name, value)| (format!("n{at}.{name}"), value.clone())));
        for (key, value) in own.iter().filter(|(key, _)| group.get(key).is_none()) {
            tags.insert(format!("n{at}.{key}"), value.to_owned());
        }
    }
    let own = group.iter().filter(|(_, value)| !value.is_empty());
    tags.extend(own.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let tags = TagSet::new(tags);
    Out {
        db: String::new(),
        name: "m1".into(),
        group: Group { tags: group.clone(), name: None }.id(),
        tags: tags.clone(),
        time,
        rows: vec![(time, values)],
        row_tags: vec![tags],
    }
}

fn by(tags: &[&str]) -> GroupBy {
    GroupBy { tags: tags.iter().map(|&tag| tag.into()).collect(), ..GroupBy::default() }
}

fn setups() -> impl Strategy<Value = Setup> {
    let groupings = prop_oneof![Just(by(&[])), Just(by(&["c"])), Just(GroupBy { all: true, ..by(&[]) })];
    let max = prop_oneof![3 => Just(1_000_000_i64), 1 => 0..12_i64];
    let tolerance = prop_oneof![2 => Just(0), 1 => Just(2 * SECOND)];
    (prop::collection::vec(0..LAMBDAS.len(), 1..4), tolerance, max, groupings)
        .prop_map(|(lambdas, tolerance, max, by)| Setup { lambdas, tolerance, max, by })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let rows = prop::collection::vec((0..3_i64, 0..8_u8), 0..8);
    let step = (0..14_u8, 0..2_u8, 0..3_u8, -2..3_i64, 0..8_u8, rows);
    prop::collection::vec(step, 0..50).prop_map(|steps| {
        let step = |(at, (kind, h, c, off, fields, rows)): (usize, _)| {
            let rows: Vec<(i64, u8)> = rows;
            let time = (at as i64 / 8 + off / 2) * SECOND;
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
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn combines_points_as_the_model_does_however_they_are_cut(
        setup in setups(),
        steps in steps(),
        cuts in prop::collection::vec(any::<bool>(), 1..12),
        saves in prop::collection::vec(any::<bool>(), 1..5),
    ) {
        let mut model = Model { setup: &setup, sets: BTreeMap::new(), errors: 0 };
        let mut bed = Bed::new(&setup.definition(), std::slice::from_ref(&setup.by), EdgeKind::Stream);
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
    fn combines_batches_as_the_model_does(setup in setups(), steps in steps()) {
        let mut model = Model { setup: &setup, sets: BTreeMap::new(), errors: 0 };
        let mut bed = Bed::new(&setup.definition(), std::slice::from_ref(&setup.by), EdgeKind::Batch);
        let written: Vec<Written> = steps
            .into_iter()
            .filter_map(|step| match step {
                Step::Point(written) => Some(written),
                Step::Mark(..) => None,
            })
            .collect();
        let expected: Vec<Out> = written.iter().flat_map(|written| model.batch(written)).collect();
        prop_assert_eq!(bed.feed(&written), expected);
        prop_assert_eq!(bed.errors(), model.errors);
    }
}

#[test]
fn choices_are_counted_without_overflow() {
    assert_eq!(combinations(5, 2), 10);
    assert_eq!(combinations(3, 4), 0);
    assert_eq!(combinations(1_000_000, 1), 1_000_000);
    assert_eq!(combinations(1_000_000, 999_999), 1_000_000);
    assert_eq!(combinations(u64::MAX, 64), u128::MAX);
    assert_eq!(combinations(200, 100), u128::MAX);
}

#[test]
fn a_point_that_no_lambda_wants_costs_nothing() {
    let mut made = 0;
    each(5000, 3, |_, point| point % 1000 == 0, |_| made += 1);
    assert_eq!(made, 10);
}
