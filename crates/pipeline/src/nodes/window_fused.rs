//! `|window()|mean()` as one: a tumbling window below which a single function stands that can be
//! kept up to date point by point need not keep its points.
//!
//! The window's node hands its points through, and the function's node does the work of both and
//! counts what went between them. The results are those of the two nodes, because each point of a
//! tumbling window is in exactly one batch: it is added after the batch that its own time may
//! complete, and a late point stays where it arrived.

mod marks;

use super::influxql::{Acc, Among, Fold, InfluxQl, Place, Sent, why_not};
use super::window::Window;
use crate::edge::{Flow, Mark, Message, Run};
use crate::graph::Graph;
use crate::node::{AnyNode, Cx, Node};
use crate::state::States;
use crate::stats::NodeStats;
use model::{Column, Data, Kind, Name, Time};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Which half of a fused pair a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The window.
    Window,
    /// The function.
    Function,
}

/// The half that a node of the graph is, when it belongs to a pair.
pub fn half(graph: &Graph, at: usize) -> Option<Half> {
    if pair(graph, at).is_some() {
        return Some(Half::Window);
    }
    let [parent] = graph.nodes[at].parents[..] else { return None };
    pair(graph, parent).map(|_| Half::Function)
}

/// The window at a node of the graph, with the function below it.
fn pair(graph: &Graph, at: usize) -> Option<(&Window, &InfluxQl)> {
    let definition = |at: usize| -> &dyn Any { &*graph.nodes[at].definition };
    let window: &Window = definition(at).downcast_ref()?;
    let [child] = graph.nodes[at].children[..] else { return None };
    if !graph.nodes[at].taps.is_empty() {
        // Whoever counts the window's batches needs them.
        return None;
    }
    let function: &InfluxQl = definition(child).downcast_ref()?;
    (window.is_tumbling() && function.fusable().is_some()).then_some((window, function))
}

/// The operator of a node that is half of a pair. `of_window` are the counters of the pair's window.
pub fn build(graph: &Graph, at: usize, of_window: &Arc<NodeStats>) -> Option<Box<dyn AnyNode>> {
    match half(graph, at)? {
        Half::Window => Some(Box::new(HandThrough)),
        Half::Function => {
            let (window, function) = pair(graph, *graph.nodes[at].parents.first()?)?;
            let function = function.fusable()?;
            Some(Box::new(Fused {
                window: window.clone(),
                fold: function.fold,
                function: function.name,
                field: function.field.into(),
                as_: function.as_.into(),
                point_times: function.point_times,
                of_window: of_window.clone(),
            }))
        }
    }
}

/// The window's operator.
struct HandThrough;

impl Node for HandThrough {
    type State = ();

    fn feed(&self, _cx: &mut Cx<'_>, _states: &mut States<()>, inputs: &mut [Message]) -> Message {
        std::mem::take(&mut inputs[0])
    }

    fn mark(&self, cx: &mut Cx<'_>, states: &mut States<()>, _: usize, marks: Vec<Mark>) -> Vec<Flow> {
        marks::hand_through(self, cx, states, marks)
    }
}

/// The function's operator.
struct Fused {
    window: Window,
    fold: Fold,
    /// What errors call the function.
    function: &'static str,
    field: String,
    as_: Name,
    point_times: bool,
    of_window: Arc<NodeStats>,
}

/// What a group's window remembers.
#[derive(Debug, Serialize, Deserialize)]
struct Held {
    /// The measurement of the group's first point; `None` before it.
    name: Option<Name>,
    /// When the next batch is due. The time before all times in a new group.
    next_emit: Time,
    /// The sum of the usable points: an `f64`'s bits, or an `i64`.
    sum: u64,
    /// Number of usable points.
    count: u32,
    /// In the two top bits the kind of the usable points; in the next four what was wrong with the
    /// first unusable one (its field's kind counted from one, and whether there were usable points
    /// before it); in the others the number of unusable ones. Zero is at once "floats" and "none
    /// yet".
    kind_and_unused: u32,
}

// One cache line must hold more than one group: 200,000 of them are a common load.
const _: () = assert!(size_of::<Held>() == 40);

const KIND: u32 = 0b11 << 30;
const FLOATS: u32 = 0;
const INTS: u32 = 1 << 30;
const BOOLS: u32 = 2 << 30;
const TEXTS: u32 = 3 << 30;
const UNUSED: u32 = (1 << 26) - 1;
const LATCHED: u32 = 8;
/// What the field of a point can be. The second to fifth are in the order of the top bits.
const KINDS: [Option<Kind>; 8] = [
    None,
    Some(Kind::Float),
    Some(Kind::Int),
    Some(Kind::Bool),
    Some(Kind::Str),
    Some(Kind::Null),
    Some(Kind::Time),
    Some(Kind::Duration),
];

impl Default for Held {
    fn default() -> Held {
        Held { name: None, next_emit: Time::MIN, sum: 0, count: 0, kind_and_unused: FLOATS }
    }
}

impl Held {
    #[inline]
    fn float(&mut self, value: f64) {
        if self.is(FLOATS) {
            self.sum = (f64::from_bits(self.sum) + value).to_bits();
            self.count = self.count.saturating_add(1);
        }
    }

    #[inline]
    fn int(&mut self, value: i64) {
        if self.is(INTS) {
            self.sum = self.sum.wrapping_add(value as u64);
            self.count = self.count.saturating_add(1);
        }
    }

    fn other(&mut self, kind: u32) {
        if self.is(kind) {
            self.count = self.count.saturating_add(1);
        }
    }

    /// Whether a point of that kind is used; it is counted if not.
    #[inline]
    fn is(&mut self, kind: u32) -> bool {
        if self.kind_and_unused & KIND == kind {
            // Also when there is no point yet and the kind is floats.
            return true;
        }
        self.becomes(kind)
    }

    #[cold]
    fn becomes(&mut self, kind: u32) -> bool {
        if self.count == 0 {
            self.kind_and_unused = kind | (self.kind_and_unused & !KIND);
            return true;
        }
        self.unusable(KINDS[(kind >> 30) as usize + 1]);
        false
    }

    /// A point whose field has that kind, or that lacks it, cannot be used.
    #[cold]
    fn unusable(&mut self, got: Option<Kind>) {
        let unused = self.kind_and_unused & UNUSED;
        if unused == 0 {
            let got = KINDS.iter().position(|kind| *kind == got).unwrap_or(0) as u32;
            let latched = if self.count > 0 { LATCHED } else { 0 };
            self.kind_and_unused |= (got | latched) << 26;
        }
        if unused < UNUSED {
            self.kind_and_unused += 1;
        }
    }

    /// How many points could not be used; of the first, the kind that was expected of its field and
    /// the kind that the field had.
    fn unused(&self) -> Unused {
        let first = self.kind_and_unused >> 26 & 0b1111;
        let latched = KINDS[(self.kind_and_unused >> 30) as usize + 1];
        Unused {
            points: u64::from(self.kind_and_unused & UNUSED),
            expected: latched.filter(|_| first & LATCHED > 0),
            got: KINDS.get((first & !LATCHED) as usize).copied().flatten(),
        }
    }

    /// What is known of the window, which starts afresh.
    fn take(&mut self, fold: Fold) -> (Option<Acc>, Unused) {
        let count = u64::from(self.count);
        let ints = self.kind_and_unused & KIND == INTS;
        let unused = self.unused();
        let (float, int) = (f64::from_bits(self.sum), self.sum as i64);
        let acc = match fold {
            _ if count == 0 => Acc::of_nothing(fold),
            Fold::Sum if ints => Some(Acc::SumInt(int)),
            Fold::Sum => Some(Acc::SumFloat(float)),
            Fold::Mean if ints => Some(Acc::MeanInt(int, count)),
            Fold::Mean => Some(Acc::MeanFloat(float, count)),
            Fold::Count | Fold::Spread => Some(Acc::Count(count)),
        };
        self.sum = 0;
        self.count = 0;
        self.kind_and_unused = FLOATS;
        (acc, unused)
    }
}

/// Points that could not be used.
#[derive(Clone, Copy, Debug, Default)]
struct Unused {
    points: u64,
    /// What the field of the first should have been, if that was decided.
    expected: Option<Kind>,
    /// What it was.
    got: Option<Kind>,
}

impl Unused {
    fn add(&mut self, more: Unused) {
        let before = if self.points > 0 { *self } else { more };
        *self = Unused { points: self.points + more.points, ..before };
    }
}

/// What one entry completes.
#[derive(Default)]
struct Completed {
    points: Sent,
    batches: u64,
    /// The group of each batch.
    groups: Vec<u32>,
    unused: Unused,
}

impl Node for Fused {
    type State = Held;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Held>, inputs: &mut [Message]) -> Message {
        let Message::Stream(run) = &inputs[0] else { return Message::None };
        let mut done = Completed::default();
        let column = run.rows.column(&self.field).map(|column| &**column);
        match column.map(|column| (column.floats(), column.ints(), column)) {
            Some((Some(floats), _, _)) => {
                self.each(cx, states, run, floats, &mut done, |held, &v| held.float(v))
            }
            Some((_, Some(ints), _)) => self.each(cx, states, run, ints, &mut done, |held, &v| held.int(v)),
            Some((_, _, column)) => {
                self.each(cx, states, run, 0..run.rows.len(), &mut done, |held, row| {
                    self.any(held, column, row)
                });
            }
            None => self.each(cx, states, run, 0..run.rows.len(), &mut done, |held, _| held.unusable(None)),
        }
        self.count(cx, &mut done);
        done.points.into_message()
    }

    fn mark(&self, cx: &mut Cx<'_>, states: &mut States<Held>, _: usize, marks: Vec<Mark>) -> Vec<Flow> {
        self.take_marks(cx, states, marks)
    }
}

impl Fused {
    #[inline]
    fn each<V>(
        &self,
        cx: &Cx<'_>,
        states: &mut States<Held>,
        run: &Run,
        values: impl IntoIterator<Item = V>,
        done: &mut Completed,
        add: impl Fn(&mut Held, V),
    ) {
        let rows = run.rows.times.iter().zip(run.groups.iter()).zip(values);
        for (row, ((&time, &group), value)) in rows.enumerate() {
            let held = states.get(group);
            if time >= held.next_emit {
                self.due(cx, held, run, row, done);
            }
            add(held, value);
        }
    }

    /// The group is new, or its window is complete.
    #[cold]
    fn due(&self, cx: &Cx<'_>, held: &mut Held, run: &Run, row: usize, done: &mut Completed) {
        let time = run.rows.times[row];
        if held.name.is_none() {
            self.start(held, run.rows.name(row).clone(), time);
            if time < held.next_emit {
                return;
            }
        }
        self.complete(cx, held, run.groups[row], run.rows.ordinals[row], time, done);
    }

    /// The group's first message has this measurement and time.
    fn start(&self, held: &mut Held, name: Name, time: Time) {
        held.name = Some(name);
        held.next_emit = self.window.first_emit(time);
    }

    /// The window is complete, by a message of this ordinal and time.
    fn complete(
        &self,
        cx: &Cx<'_>,
        held: &mut Held,
        group: u32,
        ordinal: u32,
        time: Time,
        done: &mut Completed,
    ) {
        let end = std::mem::replace(&mut held.next_emit, self.window.next_emit(time));
        let (acc, unused) = held.take(self.fold);
        done.batches += 1;
        done.groups.push(group);
        done.unused.add(unused);
        if let (Some(answer), Some(name)) = (acc.map(Acc::answer), &held.name) {
            let time = if self.point_times { answer.time.unwrap_or(end) } else { end };
            let tags = cx.group(group).tags.clone();
            let place = Place { group, ordinal, name, tags, time };
            done.points.push(place, &self.as_, answer.value);
        }
    }

    /// A row of a column that is not all floats or all integers.
    fn any(&self, held: &mut Held, column: &Column, row: usize) {
        let numbers_only = self.fold != Fold::Count;
        match column.kind_at(row) {
            Some(Kind::Float) => match &column.data {
                Data::Float(v) => held.float(v[row]),
                _ => {
                    if let Some(model::Value::Float(v)) = column.get(row) {
                        held.float(v)
                    }
                }
            },
            Some(Kind::Int) => match &column.data {
                Data::Int(v) => held.int(v[row]),
                _ => {
                    if let Some(model::Value::Int(v)) = column.get(row) {
                        held.int(v)
                    }
                }
            },
            Some(Kind::Bool) if !numbers_only => held.other(BOOLS),
            Some(Kind::Str) if !numbers_only => held.other(TEXTS),
            kind => held.unusable(kind),
        }
    }

    /// Counts what would have gone from the window to the function.
    fn count(&self, cx: &mut Cx<'_>, done: &mut Completed) {
        self.of_window.emitted.fetch_add(done.batches, Relaxed);
        cx.stats.collected.fetch_add(done.batches, Relaxed);
        cx.seen.add_all(done.groups.drain(..));
        cx.stats.groups[cx.identity.shard as usize].store(cx.seen.count(), Relaxed);
        let Unused { points, expected, got } = done.unused;
        if points > 0 {
            cx.error(points, || why_not(self.function, &self.field, Among::Batch, expected, got));
        }
    }
}

#[cfg(test)]
mod tests;
