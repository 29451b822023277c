//! Joining single points.
//!
//! While an entry is fed, a point is the number of its row. Only a point that still waits when the
//! entry ends is copied into the state. The rows that come out are gathered column by column.

use super::Rules;
use super::columns::{Fields, Grown};
use super::ends::State;
use super::on::{Piece, Sent, Waiting};
use super::sets::Set;
use crate::edge::{Flow, Mark, Message, Run};
use crate::merge::order::InOrder;
use crate::node::{Cx, Node};
use crate::state::States;
use model::{Name, OriginColumn, Rows, TagColumn, Time, Value};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The operator.
pub struct OfStreams {
    pub(super) rules: Rules,
}

/// A point that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Point {
    /// A point in the state.
    Held(Arc<Held>),
    /// A row of the entry that is being fed. Behind the other, for a skipped variant has no number
    /// of its own.
    #[serde(skip)]
    Row(u32),
}

/// A point in the state. Its time is the set's, its tags are the group's.
#[derive(Debug, Serialize, Deserialize)]
pub struct Held {
    name: Name,
    fields: Vec<(Name, Value)>,
}

impl Held {
    fn of(rows: &Rows, row: usize) -> Arc<Held> {
        let fields = rows.values(row).map(|(name, value)| (name.clone(), value)).collect();
        Arc::new(Held { name: rows.name(row).clone(), fields })
    }
}

impl Piece for Point {
    fn adopted(&self, _specific: &Point) -> Point {
        self.clone()
    }

    fn weight(&self) -> usize {
        1
    }
}

impl Node for OfStreams {
    type State = State<Point>;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<State<Point>>, inputs: &mut [Message]) -> Message {
        let runs: Vec<Option<&Run>> = inputs.iter().map(as_run).collect();
        let rows: usize = runs.iter().flatten().map(|run| run.rows.len()).sum();
        let mut joined = Joined::new(self.rules.sources(), self.rules.fill.is_none(), rows);
        self.rules.shed(cx, states, |_, set, group| joined.take(set, group, 0));
        let came = if self.rules.on.is_empty() {
            self.collect(cx, states, &runs, &mut joined);
            rows
        } else {
            self.collect_on(cx, states, &runs, &mut joined)
        };
        self.rules.came(states, came);
        self.message(cx, &runs, joined)
    }

    fn mark(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<State<Point>>,
        input: usize,
        marks: Vec<Mark>,
    ) -> Vec<Flow> {
        let mut joined = self.nothing();
        self.rules.mark(cx, states, input, &marks, |_, set, group| joined.take(set, group, 0));
        let data = self.flow(cx, joined);
        data.into_iter().chain(self.rules.passed(cx, input, marks)).collect()
    }

    fn finish(&self, cx: &mut Cx<'_>, states: &mut States<State<Point>>) -> Vec<Flow> {
        let mut joined = self.nothing();
        self.rules.end(cx, states).into_iter().for_each(|(set, group)| joined.take(set, group, 0));
        self.flow(cx, joined).into_iter().collect()
    }
}

fn as_run(message: &Message) -> Option<&Run> {
    match message {
        Message::Stream(run) => Some(run),
        _ => None,
    }
}

fn in_order<'a>(runs: &'a [Option<&Run>]) -> InOrder<'a> {
    InOrder::new(runs.iter().map(|run| run.map_or(&[][..], |run| &run.rows.ordinals)))
}

impl OfStreams {
    fn nothing(&self) -> Joined {
        Joined::new(self.rules.sources(), self.rules.fill.is_none(), 0)
    }

    /// What is joined of points that wait.
    fn flow(&self, cx: &mut Cx<'_>, joined: Joined) -> Option<Flow> {
        let runs = vec![None; self.rules.sources()];
        match self.message(cx, &runs, joined) {
            Message::None => None,
            message => Some(message.into()),
        }
    }

    fn collect(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<State<Point>>,
        runs: &[Option<&Run>],
        joined: &mut Joined,
    ) {
        let sources = self.rules.sources();
        let spaces = self.rules.spaces(cx, |source| runs[source].is_some());
        let mut left: Vec<Left> = Vec::new();
        // Most points have the time of the one before.
        let mut rounded = (0, self.rules.round(0));
        for (source, row) in in_order(runs) {
            let Some(run) = runs[source] else { continue };
            let group = self.rules.group(cx, spaces[source], run.groups[row]);
            let time = run.rows.times[row];
            if time != rounded.0 {
                rounded = (time, self.rules.round(time));
            }
            let (time, ordinal) = (rounded.1, run.rows.ordinals[row]);
            let sets = &mut states.get(group).sets;
            let send = |set| joined.take(set, group, ordinal);
            sets.collect(sources, source, time, Point::Row(row as u32), send);
            if !sets.is_empty() {
                left.push(Left { group, source: source as u32, row: row as u32, time });
            }
        }
        for Left { group, source, row, time } in left {
            let sets = &mut states.get(group).sets;
            let earlier =
                |point: &Point| matches!(point, Point::Held(_)) || matches!(point, Point::Row(r) if *r < row);
            if let Some(point) = sets.find(source as usize, time, earlier)
                && matches!(point, Point::Row(r) if *r == row)
                && let Some(run) = runs[source as usize]
            {
                *point = Point::Held(Held::of(&run.rows, row as usize));
            }
        }
    }

    /// How many points came in all: one that waits can also meet many.
    fn collect_on(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<State<Point>>,
        runs: &[Option<&Run>],
        joined: &mut Joined,
    ) -> usize {
        let sources = self.rules.sources();
        let spaces = self.rules.spaces(cx, |source| runs[source].is_some());
        let mut came = 0;
        for (source, row) in in_order(runs) {
            let Some(run) = runs[source] else { continue };
            let group = self.rules.group(cx, spaces[source], run.groups[row]);
            let group = cx.spaces[cx.space_in].get(group);
            let (on, specific) = self.rules.on_group(cx, &group);
            let piece = Point::Held(Held::of(&run.rows, row));
            let time = self.rules.round(run.rows.times[row]);
            let new = Sent { group, source: source as u32, time, piece };
            let waiting = states.get(on).on.get_or_insert_with(|| Box::new(Waiting::new(sources)));
            came += 1;
            for Sent { group, source, time, piece } in waiting.arrive(new, specific) {
                came += 1;
                let group = cx.spaces[cx.space_in].intern(group);
                let send = |set| joined.take(set, group, run.rows.ordinals[row]);
                states.get(group).sets.collect(sources, source as usize, time, piece, send);
            }
        }
        came
    }

    fn message(&self, cx: &mut Cx<'_>, runs: &[Option<&Run>], joined: Joined) -> Message {
        if joined.times.is_empty() {
            return Message::None;
        }
        let fields = self.fields(runs, &joined);
        let origins = self.origins(runs, &joined);
        let Joined { mut groups, times, ordinals, .. } = joined;
        let table = &cx.spaces[cx.space_in];
        let tags = groups.iter().map(|&group| table.get(group).tags).collect();
        for (row, group) in groups.iter_mut().enumerate() {
            *group = self.rules.out(cx, *group, &origins.get(row).name);
        }
        let rows = Rows {
            origins,
            times: Arc::new(times),
            ordinals: Arc::new(ordinals),
            tags: TagColumn::Sets(Arc::new(tags)),
            fields,
        };
        let groups_end = groups.iter().max().map_or(0, |max| max + 1);
        Message::Stream(Run { rows, groups: Arc::new(groups), groups_end })
    }

    fn origins(&self, runs: &[Option<&Run>], joined: &Joined) -> OriginColumn {
        if let Some(name) = &self.rules.stream_name {
            return OriginColumn::One(self.rules.origin(name));
        }
        let name = |row: usize| match joined.first(row) {
            (source, Pick::Row(at)) => runs[source].map_or(&self.rules.empty, |run| run.rows.name(at)),
            (_, Pick::Held(held)) => &held.name,
            (_, Pick::Missing) => &self.rules.empty,
        };
        let rows = joined.times.len();
        let mut last = self.rules.origin(name(0));
        let same = |last: &Name, row: usize| Arc::ptr_eq(last, name(row)) || last == name(row);
        if (1..rows).all(|row| same(&last.name, row)) {
            return OriginColumn::One(last);
        }
        let origins = (0..rows).map(|row| {
            if !same(&last.name, row) {
                last = self.rules.origin(name(row));
            }
            last.clone()
        });
        OriginColumn::Many(Arc::new(origins.collect()))
    }

    fn fields(&self, runs: &[Option<&Run>], joined: &Joined) -> Vec<model::Field> {
        let mut fields = Fields::default();
        for (source, prefix) in self.rules.prefixes.iter().enumerate() {
            match runs[source] {
                Some(run) if joined.picks[source].only_rows => {
                    let rows = &joined.picks[source].codes;
                    let whole =
                        rows.len() == run.rows.len() && rows.iter().zip(0..).all(|(&row, at)| row == at);
                    for field in &run.rows.fields {
                        let column = match whole {
                            true => field.column.clone(),
                            false => Arc::new(field.column.gather(rows)),
                        };
                        fields.put(prefix, &field.name, column);
                    }
                }
                _ => fields.put_grown(prefix, self.grown(source, runs, joined), joined.times.len()),
            }
        }
        fields.finish()
    }

    /// A parent's fields where some points come from the state, or from nowhere.
    fn grown(&self, source: usize, runs: &[Option<&Run>], joined: &Joined) -> Grown {
        let mut grown = Grown::default();
        let fields_of = |source: usize| runs[source].map_or(&[][..], |run| &run.rows.fields);
        for row in 0..joined.times.len() {
            match joined.pick(source, row) {
                Pick::Row(from) => grown.copy(fields_of(source), from, row),
                Pick::Held(held) => {
                    held.fields.iter().for_each(|(name, value)| grown.push(name, value.clone(), row));
                }
                Pick::Missing => {
                    let Some(fill) = &self.rules.fill else { continue };
                    match joined.first(row) {
                        (first, Pick::Row(from)) => {
                            let there = fields_of(first).iter().filter(|field| field.column.mask.get(from));
                            there.for_each(|field| grown.push(&field.name, fill.clone(), row));
                        }
                        (_, Pick::Held(held)) => {
                            held.fields.iter().for_each(|(name, _)| grown.push(name, fill.clone(), row));
                        }
                        (_, Pick::Missing) => {}
                    }
                }
            }
        }
        grown
    }
}

/// A row after which its group still had sets that wait.
struct Left {
    group: u32,
    source: u32,
    row: u32,
    time: Time,
}

/// The sets that an entry completes, in order.
struct Joined {
    /// Sets that are not complete are dropped.
    inner: bool,
    groups: Vec<u32>,
    times: Vec<Time>,
    ordinals: Vec<u32>,
    /// By parent.
    picks: Vec<Picks>,
    held: Vec<Arc<Held>>,
}

/// A parent's part in the sets.
struct Picks {
    /// All are rows of the entry.
    only_rows: bool,
    /// A row of the entry's run; with [`HELD`] a place in `held`; or [`MISSING`].
    codes: Vec<u32>,
}

const HELD: u32 = 1 << 31;
const MISSING: u32 = u32::MAX;

/// One of [`Picks`].
enum Pick<'a> {
    Row(usize),
    Held(&'a Held),
    Missing,
}

impl Joined {
    fn new(sources: usize, inner: bool, rows: usize) -> Joined {
        let likely = rows / sources.max(1) + 1;
        let picks = || Picks { only_rows: true, codes: Vec::with_capacity(likely) };
        Joined {
            inner,
            groups: Vec::with_capacity(likely),
            times: Vec::with_capacity(likely),
            ordinals: Vec::with_capacity(likely),
            picks: (0..sources).map(|_| picks()).collect(),
            held: Vec::new(),
        }
    }

    #[inline]
    fn take(&mut self, set: Set<Point>, group: u32, ordinal: u32) {
        if self.inner && !set.is_complete() {
            return;
        }
        self.groups.push(group);
        self.times.push(set.time);
        self.ordinals.push(ordinal);
        for (point, picks) in set.points.into_iter().zip(&mut self.picks) {
            picks.only_rows &= matches!(point, Some(Point::Row(_)));
            picks.codes.push(match point {
                Some(Point::Row(row)) => row,
                Some(Point::Held(held)) => {
                    self.held.push(held);
                    HELD | (self.held.len() - 1) as u32
                }
                None => MISSING,
            });
        }
    }

    fn pick(&self, source: usize, row: usize) -> Pick<'_> {
        match self.picks[source].codes[row] {
            MISSING => Pick::Missing,
            code if code & HELD != 0 => Pick::Held(&self.held[(code & !HELD) as usize]),
            code => Pick::Row(code as usize),
        }
    }

    /// The first parent's point that is there. A set has at least one.
    fn first(&self, row: usize) -> (usize, Pick<'_>) {
        let there = (0..self.picks.len()).find(|&source| self.picks[source].codes[row] != MISSING);
        let source = there.unwrap_or(0);
        (source, self.pick(source, row))
    }
}
