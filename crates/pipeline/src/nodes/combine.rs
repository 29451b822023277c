//! `|combine()`: puts points of one group and time together, as many as there are lambdas. Of every
//! choice of that many points each lambda takes the first that it is TRUE for and that no earlier
//! one took; a choice in which a lambda finds none gives nothing.
//!
//! A set of points is combined when a point of another time comes, when a barrier is later, or when
//! the group or the task is over; those of a batch when it ends. [`choose`] makes the choices.

mod choose;
mod made;
#[cfg(test)]
mod tests;

use crate::args::Duration;
use crate::dimensions::go_round;
use crate::edge::{Batch, EdgeKind, Flow, Mark, Message};
use crate::merge::kept::Kept;
use crate::merge::{Pick, gather};
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::properties;
use crate::rowwise::Predicate;
use crate::state::States;
use crate::task::compile_lambda;
use choose::combinations;
use made::Made;
use model::{Name, Rows, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use tick::ast::Expr;

/// The kind.
pub static KIND: Kind = Kind {
    name: "combine",
    stem: "combine",
    go: "CombineNode",
    wants: None,
    provides: Some(EdgeKind::Stream),
    joins: false,
    grouped: true,
    create: |a| {
        Ok(Box::new(Combine {
            lambdas: a.rest(0)?,
            names: Vec::new(),
            delimiter: ".".into(),
            tolerance: 0,
            max: 1_000_000,
        }))
    },
    properties: properties!(Combine {
        "as" => |d, a| d.names = a.rest(0)?,
        "delimiter" => |d, a| d.delimiter = a.set()?,
        "tolerance" => |d, a| d.tolerance = a.set::<Duration>()?.0,
        "max" => |d, a| d.max = a.set()?,
    }),
    counters: &[],
};

/// The definition.
#[derive(Clone, Debug)]
pub struct Combine {
    lambdas: Vec<Arc<Expr>>,
    names: Vec<String>,
    delimiter: String,
    /// Nanoseconds.
    tolerance: i64,
    /// Most choices of points that may be looked at for one set.
    max: i64,
}

/// A script's `max` counts only up to here: a wrong one must not eat memory and time.
const MAX: i64 = 10_000_000;

impl Definition for Combine {
    fn validate(&self, _parents: usize) -> Result<(), String> {
        if self.names.is_empty() {
            return Err("a call to combine.as() is required to specify the output stream prefixes.".into());
        }
        if self.names.len() != self.lambdas.len() {
            return Err(
                "number of prefixes specified by combine.as() must match the number of combine expressions"
                    .into(),
            );
        }
        for name in &self.names {
            if name.is_empty() {
                return Err(
                    "must provide a prefix name for the combine node, see .as() property method".into()
                );
            }
            // An empty delimiter is in every name.
            if name.contains(&self.delimiter) {
                return Err(format!(
                    "cannot use name {name} as field prefix, it contains the delimiter character {}",
                    self.delimiter
                ));
            }
        }
        if self.names.iter().collect::<BTreeSet<_>>().len() < self.names.len() {
            return Err("cannot use the same prefix name see .as() property method".into());
        }
        Ok(())
    }

    fn is_stateful(&self) -> bool {
        true
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        let lambda = |(at, expr): (usize, &Arc<Expr>)| {
            let lambda = compile_lambda(expr, &format!("Failed to compile {at} expression"))?;
            Ok(Predicate::new(lambda).with_errors("error evaluating lambda expression"))
        };
        Ok(Box::new(Operator {
            lambdas: self.lambdas.iter().enumerate().map(lambda).collect::<Result<_, String>>()?,
            prefixes: self.names.iter().map(|name| format!("{name}{}", self.delimiter)).collect(),
            tolerance: self.tolerance,
            max: self.max.min(MAX),
        }))
    }
}

struct Operator {
    lambdas: Vec<Predicate>,
    /// Name and delimiter, by lambda.
    prefixes: Vec<String>,
    tolerance: i64,
    max: i64,
}

/// The points of a group that wait.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Set {
    /// The name of the group's first point: that of all that come out.
    name: Option<Name>,
    /// The rounded time of the last point.
    time: Option<Time>,
    /// How many points wait.
    count: u64,
    /// Those that came with earlier entries; none if they are more than can be combined.
    kept: Kept,
    /// Rows of the entry that is being fed.
    #[serde(skip)]
    rows: Vec<u32>,
    lambdas: Vec<lambda::State>,
}

/// A set whose turn has come: points `from..to` of all that are to be combined.
struct Due {
    group: u32,
    name: Name,
    time: Time,
    ordinal: u32,
    from: usize,
    to: usize,
}

/// The sets whose turn has come, and where their points are: part 0 is the entry's run.
#[derive(Default)]
struct Dues {
    sets: Vec<Due>,
    kept: Vec<Rows>,
    picks: Vec<Pick>,
}

impl Node for Operator {
    type State = Set;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Set>, inputs: &mut [Message]) -> Message {
        match std::mem::take(&mut inputs[0]) {
            Message::None => Message::None,
            Message::Stream(run) => {
                let mut dues = Dues::default();
                let mut open: Vec<u32> = Vec::new();
                for (row, &group) in run.groups.iter().enumerate() {
                    let time = go_round(run.rows.times[row], self.tolerance);
                    let set = states.get(group);
                    if set.time != Some(time) {
                        self.due(cx, set, &mut dues, group, run.rows.ordinals[row]);
                        set.time = Some(time);
                    }
                    if set.name.is_none() {
                        set.name = Some(run.rows.name(row).clone());
                    }
                    if set.rows.is_empty() {
                        open.push(group);
                    }
                    set.rows.push(row as u32);
                    set.count += 1;
                }
                let message = self.combine(cx, states, dues, Some(&run.rows));
                for group in open {
                    self.settle(cx, states.get(group), &run.rows);
                }
                message
            }
            Message::Batches(batches) => {
                let mut parts = Vec::new();
                for batch in batches {
                    let dues = self.of_batch(cx, &batch);
                    parts.push(self.combine(cx, states, dues, Some(&batch.rows)));
                }
                made::joined(parts, cx.series)
            }
        }
    }

    fn mark(&self, cx: &mut Cx<'_>, states: &mut States<Set>, _input: usize, marks: Vec<Mark>) -> Vec<Flow> {
        let mut dues = Dues::default();
        for mark in &marks {
            let over = states.peek(mark.group()).is_some_and(|set| match *mark {
                Mark::Barrier { time, .. } => set.count > 0 && set.time.is_some_and(|waits| time > waits),
                Mark::Delete { .. } => set.count > 0,
            });
            if over {
                self.due(cx, states.get(mark.group()), &mut dues, mark.group(), 0);
            }
        }
        let data = self.combine(cx, states, dues, None);
        self.forget_marked(cx, states, &marks);
        let some = !matches!(data, Message::None);
        some.then_some(data.into()).into_iter().chain([Flow::Marks(marks)]).collect()
    }

    fn finish(&self, cx: &mut Cx<'_>, states: &mut States<Set>) -> Vec<Flow> {
        let waiting = |&group: &u32| states.peek(group).is_some_and(|set| set.count > 0);
        let mut groups: Vec<u32> = states.used().into_iter().filter(waiting).collect();
        // By group where the times are equal: numbers depend on what other tasks do.
        groups.sort_by_cached_key(|&group| {
            let of = cx.group(group);
            (states.peek(group).and_then(|set| set.time), of.name, of.tags)
        });
        let mut dues = Dues::default();
        for group in groups {
            self.due(cx, states.get(group), &mut dues, group, 0);
        }
        match self.combine(cx, states, dues, None) {
            Message::None => Vec::new(),
            data => vec![data.into()],
        }
    }
}

impl Operator {
    /// The choices of `count` points, and whether they are too many.
    fn choices(&self, count: u64) -> (u128, bool) {
        let choices = combinations(count, self.lambdas.len() as u64);
        let max = u128::try_from(self.max).unwrap_or(0);
        (choices, choices > max)
    }

    /// A set's turn has come.
    fn due(&self, cx: &mut Cx<'_>, set: &mut Set, dues: &mut Dues, group: u32, ordinal: u32) {
        let count = std::mem::take(&mut set.count);
        let kept = std::mem::take(&mut set.kept);
        let rows = std::mem::take(&mut set.rows);
        let (Some(time), Some(name)) = (set.time, set.name.clone()) else { return };
        let (choices, too_many) = self.choices(count);
        if too_many {
            refuse(cx, count, choices, self.max);
            return;
        }
        let from = dues.picks.len();
        if !kept.is_empty() {
            let part = dues.kept.len() as u32 + 1;
            let kept = kept.into_rows();
            dues.picks.extend((0..kept.len() as u32).map(|row| Pick { part, row }));
            dues.kept.push(kept);
        }
        dues.picks.extend(rows.iter().map(|&row| Pick { part: 0, row }));
        if dues.picks.len() > from {
            dues.sets.push(Due { group, name, time, ordinal, from, to: dues.picks.len() });
        }
    }

    /// The sets of a batch: its points do not wait for others.
    fn of_batch(&self, cx: &mut Cx<'_>, batch: &Batch) -> Dues {
        let mut dues = Dues::default();
        let mut set = Set { name: Some(batch.origin.name.clone()), ..Set::default() };
        for (row, &time) in batch.rows.times.iter().enumerate() {
            let time = go_round(time, self.tolerance);
            if set.time != Some(time) {
                self.due(cx, &mut set, &mut dues, batch.group, batch.ordinal);
                set.time = Some(time);
            }
            set.rows.push(row as u32);
            set.count += 1;
        }
        self.due(cx, &mut set, &mut dues, batch.group, batch.ordinal);
        dues
    }

    /// Keeps a set's points for a later entry, unless they are too many already.
    fn settle(&self, cx: &Cx<'_>, set: &mut Set, rows: &Rows) {
        let picked = std::mem::take(&mut set.rows);
        if self.choices(set.count).1 {
            set.kept = Kept::default();
        } else if !picked.is_empty() {
            set.kept.append(rows, &picked, cx.series);
        }
    }

    fn combine(&self, cx: &mut Cx<'_>, states: &mut States<Set>, dues: Dues, rows: Option<&Rows>) -> Message {
        if dues.sets.is_empty() {
            return Message::None;
        }
        let none = Kept::default();
        let parts: Vec<&Rows> =
            std::iter::once(rows.unwrap_or(none.rows())).chain(dues.kept.iter()).collect();
        let mut points = gather(&parts, &dues.picks, cx.series);
        let count = |due: &Due| due.to - due.from;
        let times = dues.sets.iter().flat_map(|due| std::iter::repeat_n(due.time, count(due)));
        points.times = Arc::new(times.collect());
        let groups: Vec<u32> =
            dues.sets.iter().flat_map(|due| std::iter::repeat_n(due.group, count(due))).collect();
        let matches: Vec<_> = self
            .lambdas
            .iter()
            .enumerate()
            .map(|(at, lambda)| {
                lambda.verdicts(cx, &points, |row| groups[row], states, at, |set| part(&mut set.lambdas, at))
            })
            .collect();
        let mut made = Made::new(&points, &self.prefixes);
        for due in &dues.sets {
            let matched = |lambda: usize, point: usize| matches[lambda].passed((due.from + point) as u32);
            choose::each(count(due), self.lambdas.len(), matched, |chosen| {
                made.push(cx, due, chosen);
            });
        }
        made.finish(&points)
    }
}

/// The state of one lambda. Each has its own.
fn part(states: &mut Vec<lambda::State>, at: usize) -> &mut lambda::State {
    if states.len() <= at {
        states.resize_with(at + 1, lambda::State::default);
    }
    &mut states[at]
}

#[cold]
fn refuse(cx: &mut Cx<'_>, points: u64, choices: u128, max: i64) {
    cx.error(points, || {
        format!(
            "refusing to perform combination: total combinations {choices} exceeds max combinations {max}"
        )
    });
}
