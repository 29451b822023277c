//! The union node against a reading of Kapacitor's rules, one message at a time.

use super::Union;
use crate::edge::EdgeKind;
use crate::group::{Group, GroupBy};
use crate::merge::bed::{Bed, Out, Sent, Written};
use crate::merge::limit::Limit;
use crate::node::{Definition, Turn};
use model::Time;
use proptest::prelude::*;
use std::collections::VecDeque;

const SECOND: Time = 1_000_000_000;

/// What is tried.
#[derive(Clone, Debug)]
struct Setup {
    rename: String,
    parents: Vec<GroupBy>,
    edge: EdgeKind,
    limit: usize,
}

/// What happens.
#[derive(Clone, Debug)]
enum Step {
    /// A point or a batch comes.
    Point(Written),
    /// A mark comes from a parent of [`Written::parents`] for the group of the point.
    Mark(usize, Written, Option<Time>),
    /// The clock moves.
    Tick,
}

/// What waits in the model.
#[derive(Clone, Debug)]
enum Item {
    Data(Out),
    Barrier(String, Time),
    Delete(String),
}

struct Model<'a> {
    setup: &'a Setup,
    queues: Vec<VecDeque<(Time, Item)>>,
    lows: Vec<Option<Time>>,
    put_off: Vec<Sent>,
    /// What has come out since it was last asked for.
    sent: Vec<Sent>,
}

impl Model<'_> {
    fn group(&self, parent: usize, written: &Written) -> String {
        let by = &self.setup.parents[parent];
        let tags = if by.all { written.tags() } else { written.tags().project(&by.tags) };
        Group { tags, name: by.by_name.then(|| self.name(written).into()) }.id()
    }

    fn name(&self, written: &Written) -> String {
        if self.setup.rename.is_empty() { written.name() } else { self.setup.rename.clone() }
    }

    fn data(&self, parent: usize, written: &Written) -> Out {
        let by = &self.setup.parents[parent];
        let of_group = if by.all { written.tags() } else { written.tags().project(&by.tags) };
        let batch = self.setup.edge == EdgeKind::Batch;
        let rows = match batch {
            true => {
                let rows = (0..).zip(&written.rows);
                rows.map(|(at, (time, fields))| (*time, written.values(*fields, at))).collect()
            }
            false => vec![(written.time, written.values(written.fields, 0))],
        };
        Out {
            db: "db".into(),
            name: self.name(written),
            group: self.group(parent, written),
            tags: if batch { of_group } else { written.tags() },
            time: written.time,
            row_tags: vec![written.tags(); rows.len()],
            rows,
        }
    }

    fn weight(&self, item: &Item) -> usize {
        match item {
            Item::Data(out) if self.setup.edge == EdgeKind::Batch => 1 + out.rows.len(),
            _ => 1,
        }
    }

    /// What an entry begins with: as if silent parents had spoken, as often as it takes.
    fn begin(&mut self) {
        let waits = |model: &Model<'_>| -> usize {
            model.queues.iter().flatten().map(|(_, item)| model.weight(item)).sum()
        };
        let limit = self.setup.limit;
        if waits(self) > limit {
            while waits(self) > limit - limit / 16 {
                self.release_to(true, 1);
            }
        }
    }

    fn release(&mut self, drain: bool) {
        self.release_to(drain, usize::MAX);
    }

    fn release_to(&mut self, drain: bool, rounds: usize) {
        for _ in 0..rounds {
            let mut mark: Option<Time> = None;
            let mut valid = 0;
            for (queue, low) in self.queues.iter().zip(&mut self.lows) {
                if let Some((time, _)) = queue.front() {
                    mark = Some(mark.map_or(*time, |mark| mark.min(*time)));
                    *low = Some(*time);
                }
                if let Some(low) = *low {
                    valid += 1;
                    if !drain {
                        mark = Some(mark.map_or(low, |mark| mark.min(low)));
                    }
                }
            }
            if !drain && valid < self.queues.len() {
                return;
            }
            let mut emitted = false;
            for parent in (1..self.queues.len()).chain([0]) {
                let queue = &mut self.queues[parent];
                while queue.front().is_some_and(|(time, _)| mark.is_some_and(|mark| *time <= mark)) {
                    let Some((_, item)) = queue.pop_front() else { break };
                    emitted = true;
                    self.sent.push(match item {
                        Item::Data(out) => Sent::Data(out),
                        Item::Barrier(group, time) => Sent::Barrier(group, time),
                        Item::Delete(group) => Sent::Delete(group),
                    });
                }
            }
            if !emitted {
                return;
            }
        }
    }

    /// What points let go: marks wait for a walk, and a group that goes on is not over.
    fn fed(&mut self) -> Vec<Out> {
        let mut outs = Vec::new();
        for sent in std::mem::take(&mut self.sent) {
            match sent {
                Sent::Data(out) => {
                    self.put_off.retain(|mark| !matches!(mark, Sent::Delete(group) if *group == out.group));
                    outs.push(out);
                }
                mark => self.put_off.push(mark),
            }
        }
        outs
    }

    fn walked(&mut self) -> Vec<Sent> {
        let mut all = std::mem::take(&mut self.put_off);
        all.append(&mut self.sent);
        all
    }
}

fn check(setup: &Setup, steps: &[Step], cuts: &[bool], saves: &[bool]) {
    let union = Union { rename: setup.rename.clone(), limit: Limit(setup.limit) };
    let mut bed = Bed::new(&union, &setup.parents, setup.edge);
    let sources = setup.parents.len();
    let mut model = Model {
        setup,
        queues: vec![VecDeque::new(); sources],
        lows: vec![None; sources],
        put_off: Vec::new(),
        sent: Vec::new(),
    };
    let mut entry: Vec<Written> = Vec::new();
    let mut expected: Vec<Out> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        if saves[at % saves.len()] {
            bed.save_and_load();
        }
        if !matches!(step, Step::Point(_)) || cuts[at % cuts.len()] {
            if entry.is_empty() {
                model.begin();
                expected.extend(model.fed());
            }
            assert_eq!(bed.feed(&entry), std::mem::take(&mut expected));
            entry.clear();
        }
        match step {
            Step::Point(written) => {
                if entry.is_empty() {
                    model.begin();
                    expected.extend(model.fed());
                }
                for parent in (0..sources).filter(|&parent| written.reaches(parent)) {
                    let item = Item::Data(model.data(parent, written));
                    model.queues[parent].push_back((written.time, item));
                    model.release(false);
                }
                expected.extend(model.fed());
                entry.push(written.clone());
            }
            Step::Mark(parent, written, barrier) => {
                let parent = parent % sources;
                let group = model.group(parent, written);
                model.begin();
                match (barrier, model.queues[parent].back()) {
                    (Some(time), _) => {
                        model.queues[parent].push_back((*time, Item::Barrier(group, *time)));
                        model.release(false);
                    }
                    (None, Some((time, _))) => {
                        let time = *time;
                        model.queues[parent].push_back((time, Item::Delete(group)));
                    }
                    (None, None) => model.sent.push(Sent::Delete(group)),
                }
                assert_eq!(bed.mark(parent, written, *barrier), model.walked());
            }
            Step::Tick => assert_eq!(bed.turn(Turn::Tick), model.walked()),
        }
    }
    if entry.is_empty() {
        model.begin();
        expected.extend(model.fed());
    }
    assert_eq!(bed.feed(&entry), expected);
    model.release(true);
    assert_eq!(bed.turn(Turn::Finish), model.walked());
}

fn by(tags: &[&str]) -> GroupBy {
    GroupBy { tags: tags.iter().map(|&tag| tag.into()).collect(), ..GroupBy::default() }
}

fn setups(edge: EdgeKind) -> impl Strategy<Value = Setup> {
    let any = prop_oneof![
        Just(by(&[])),
        Just(by(&["h"])),
        Just(by(&["c", "h"])),
        Just(GroupBy { by_name: true, ..by(&["h"]) }),
        Just(GroupBy { all: true, ..by(&[]) }),
    ];
    let alike = (any.clone(), 1..4_usize).prop_map(|(by, sources)| vec![by; sources]);
    let mixed = prop::collection::vec(any, 2..4);
    let rename = prop_oneof![2 => Just(""), 1 => Just("u")];
    let limit = prop_oneof![2 => Just(1000), 1 => 0..20_usize];
    (prop_oneof![alike, mixed], rename, limit).prop_map(move |(parents, rename, limit)| Setup {
        rename: rename.into(),
        parents,
        edge,
        limit,
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let rows = prop::collection::vec((0..3_i64, 0..8_u8), 0..3);
    let step = (0..10_u8, 1..8_u8, 0..2_u8, 0..3_u8, -3..4_i64, 0..8_u8, rows);
    prop::collection::vec(step, 0..50).prop_map(|steps| {
        let step = |(at, (kind, parents, h, c, off, fields, rows)): (usize, _)| {
            let rows: Vec<(i64, u8)> = rows;
            let time = (at as i64 / 3 + off) * SECOND;
            let parents: u8 = if parents == 7 { 3 } else { 1_u8 << (parents % 3) };
            let rows = rows.into_iter().map(|(at, fields)| (time - at * SECOND, fields)).collect();
            let written = Written { parents, h, c, time, fields, at: at as i64, rows };
            match kind {
                0 => Step::Mark(usize::from(parents), written, Some(time)),
                1 => Step::Mark(usize::from(parents), written, None),
                2 => Step::Tick,
                _ => Step::Point(written),
            }
        };
        steps.into_iter().enumerate().map(step).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn unites_points_as_the_model_does_however_they_are_cut(
        setup in setups(EdgeKind::Stream),
        steps in steps(),
        cuts in prop::collection::vec(any::<bool>(), 1..12),
        saves in prop::collection::vec(any::<bool>(), 1..5),
    ) {
        check(&setup, &steps, &cuts, &saves);
    }

    #[test]
    fn unites_batches_as_the_model_does_however_they_are_cut(
        setup in setups(EdgeKind::Batch),
        steps in steps(),
        cuts in prop::collection::vec(any::<bool>(), 1..12),
        saves in prop::collection::vec(any::<bool>(), 1..5),
    ) {
        check(&setup, &steps, &cuts, &saves);
    }
}

#[test]
fn all_groups_of_a_task_meet_in_one_place() {
    assert!(Union::default().spans_groups(EdgeKind::Stream));
    assert!(Union::default().spans_groups(EdgeKind::Batch));
}

fn point(parents: u8, second: i64) -> Written {
    let time = second * SECOND;
    Written { parents, h: 0, c: 0, time, fields: 1, at: second, rows: vec![(time, 1), (time, 1)] }
}

fn of_two(limit: usize, edge: EdgeKind) -> Bed {
    let union = Union { limit: Limit(limit), ..Union::default() };
    Bed::new(&union, &vec![by(&[]); 2], edge)
}

fn seconds(outs: &[Out]) -> Vec<i64> {
    outs.iter().map(|out| out.time / SECOND).collect()
}

#[test]
fn of_too_many_points_the_oldest_go_on_and_none_is_lost() {
    let mut bed = of_two(32, EdgeKind::Stream);
    let entry = |seconds: std::ops::Range<i64>| -> Vec<Written> { seconds.map(|at| point(1, at)).collect() };
    assert_eq!(bed.feed(&entry(0..20)), []);
    assert_eq!(bed.feed(&entry(20..40)), []);
    assert_eq!(bed.take_logs(), [""; 0]);
    bed.save_and_load();
    // More than the limit of what waits is too much, and a sixteenth more goes.
    assert_eq!(seconds(&bed.feed(&entry(40..41))), (0..10).collect::<Vec<_>>());
    let told = "too many points wait for a parent that is silent: the oldest are sent on sent=10 limit=32";
    assert_eq!(bed.take_logs(), [told]);
    // The parent speaks: what it brings late goes on, the rest is in order again.
    assert_eq!(seconds(&bed.feed(&[point(2, 5), point(2, 12)])), [5, 10, 11, 12, 12]);
    assert_eq!(bed.turn(Turn::Finish).len(), 28);
    assert_eq!(bed.errors(), 0);
}

#[test]
fn marks_and_the_points_of_batches_count() {
    let mut bed = of_two(3, EdgeKind::Stream);
    for second in 1..5 {
        assert_eq!(bed.mark(0, &point(1, 0), Some(second * SECOND)), []);
    }
    assert_eq!(bed.mark(0, &point(1, 0), Some(5 * SECOND)), [Sent::Barrier(String::new(), SECOND)]);
    // Marks are no points: nothing is told.
    assert_eq!(bed.take_logs(), [""; 0]);

    let mut bed = of_two(5, EdgeKind::Batch);
    assert_eq!(bed.feed(&[point(1, 1), point(1, 2)]), []);
    assert_eq!(seconds(&bed.feed(&[])), [1]);
    assert_eq!(bed.feed(&[]), []);
}
