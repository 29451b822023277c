//! Functions that follow a series and give a result with each point: elapsed, difference,
//! movingAverage, cumulativeSum. On a stream they go on for ever; in each batch they start afresh.
//!
//! As with Kapacitor, a point that cannot be used makes the last result appear once more.

use super::function::{Function, Method};
use super::number::Num;
use super::points::{Among, Unused};
use super::sent::{Place, Sent};
use crate::edge::{Batch, Message, Run};
use crate::node::{Cx, Node};
use crate::state::States;
use model::{Column, Kind, Name, Time, Value};
use serde::{Deserialize, Serialize};

/// The operator.
pub struct Transform {
    /// The function.
    pub function: Function,
    /// The field of the result.
    pub as_: Name,
}

/// What is remembered of a group on a stream.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Followed {
    /// The measurement of the group's first point: of all results, too.
    name: Option<Name>,
    series: Series,
}

/// A series as far as it was followed.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Series {
    /// The kind of its field.
    latch: Option<Kind>,
    memory: Memory,
}

/// What the function needs of the points so far.
#[derive(Debug, Default, Serialize, Deserialize)]
enum Memory {
    /// No points.
    #[default]
    Empty,
    /// The last point, and the time of the one before.
    Elapsed { before: Option<Time>, last: Time },
    /// The last point, and the value of the one before until the difference is read.
    Difference { before: Option<Num>, last: (Time, Num) },
    /// The last points in a ring: `next` is the place of the oldest once it is full.
    Ring { values: Vec<Num>, next: usize, sum: Num, time: Time },
    /// The sum so far.
    Sum { sum: Num, time: Time },
}

impl Node for Transform {
    type State = Followed;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Followed>, inputs: &mut [Message]) -> Message {
        let among = if matches!(inputs[0], Message::Batches(_)) { Among::Followed } else { Among::Stream };
        let mut unused = Unused::new(among);
        let message = match std::mem::take(&mut inputs[0]) {
            Message::None => Message::None,
            Message::Stream(run) => self.stream(cx, states, &run, &mut unused),
            Message::Batches(batches) => {
                let each = |batch| self.batch(batch, &mut unused);
                Message::Batches(batches.into_iter().map(each).collect())
            }
        };
        unused.report(cx);
        message
    }
}

impl Transform {
    fn stream(&self, cx: &Cx<'_>, states: &mut States<Followed>, run: &Run, unused: &mut Unused) -> Message {
        let column = run.rows.column(&self.function.field).map(|column| &**column);
        let mut sent = Sent::default();
        for (row, &group) in run.groups.iter().enumerate() {
            let followed = states.get(group);
            let name = followed.name.get_or_insert_with(|| run.rows.name(row).clone());
            let result = followed.series.follow(&self.function, run.rows.times[row], column, row, unused);
            if let Some((time, value)) = result {
                let tags = cx.group(group).tags.clone();
                let ordinal = run.rows.ordinals[row];
                sent.push(Place { group, ordinal, name, tags, time }, &self.as_, value);
            }
        }
        sent.into_message()
    }

    fn batch(&self, batch: Batch, unused: &mut Unused) -> Batch {
        let column = batch.rows.column(&self.function.field).map(|column| &**column);
        let mut series = Series::default();
        let mut sent = Sent::default();
        for row in 0..batch.rows.len() {
            let result = series.follow(&self.function, batch.rows.times[row], column, row, unused);
            if let Some((time, value)) = result {
                let Batch { group, ordinal, tags, origin, .. } = &batch;
                let (name, tags) = (&origin.name, tags.clone());
                sent.push(Place { group: *group, ordinal: *ordinal, name, tags, time }, &self.as_, value);
            }
        }
        let rows = sent.into_batch(batch.origin.clone());
        Batch { rows, ..batch }
    }
}

impl Series {
    /// Goes on to the next point, and gives the result.
    fn follow(
        &mut self,
        function: &Function,
        time: Time,
        column: Option<&Column>,
        row: usize,
        unused: &mut Unused,
    ) -> Option<(Time, Value)> {
        let kind = column.and_then(|column| column.kind_at(row));
        if function.uses(&mut self.latch, kind, unused) {
            let value = column.and_then(|column| column.get(row));
            // Texts and booleans only count as points; elapsed looks at nothing else.
            let number = value.as_ref().and_then(Num::of).unwrap_or(Num::Int(0));
            self.memory.go_on(function.method, time, number);
        }
        self.memory.result(function.method)
    }
}

impl Memory {
    fn go_on(&mut self, method: Method, now: Time, value: Num) {
        match self {
            Memory::Empty => *self = Memory::start(method, now, value),
            Memory::Elapsed { before, last } => {
                *before = Some(*last);
                *last = now;
            }
            Memory::Difference { before, last } => {
                // Of several points at one time the first counts.
                if last.0 != now {
                    *before = Some(last.1);
                    *last = (now, value);
                }
            }
            Memory::Ring { values, next, sum, time } => {
                let Method::MovingAverage(window) = method else { return };
                if (values.len() as i64) < window {
                    values.push(value);
                } else {
                    *sum = sum.minus(values[*next]);
                    values[*next] = value;
                }
                *sum = sum.plus(value);
                *time = now;
                *next = if (*next as i64) + 1 >= window { 0 } else { *next + 1 };
            }
            Memory::Sum { sum, time } => {
                *sum = sum.plus(value);
                *time = now;
            }
        }
    }

    fn start(method: Method, now: Time, value: Num) -> Memory {
        // A sum starts from zero: a first value of -0 gives 0.
        let sum = value.zero().plus(value);
        match method {
            Method::Elapsed(_) => Memory::Elapsed { before: None, last: now },
            Method::Difference => Memory::Difference { before: None, last: (now, value) },
            Method::MovingAverage(window) => {
                Memory::Ring { values: vec![value], next: usize::from(window > 1), sum, time: now }
            }
            _ => Memory::Sum { sum, time: now },
        }
    }

    fn result(&mut self, method: Method) -> Option<(Time, Value)> {
        match (self, method) {
            (Memory::Elapsed { before, last }, Method::Elapsed(unit)) => {
                let elapsed = last.wrapping_sub((*before)?);
                Some((*last, Value::Int(elapsed.wrapping_div(unit))))
            }
            (Memory::Difference { before, last }, _) => {
                let difference = last.1.minus(before.take()?);
                Some((last.0, difference.value()))
            }
            (Memory::Ring { values, sum, time, .. }, Method::MovingAverage(window)) => {
                let full = values.len() as i64 == window;
                full.then(|| (*time, Value::Float(sum.float() / values.len() as f64)))
            }
            (Memory::Sum { sum, time }, _) => Some((*time, sum.value())),
            _ => None,
        }
    }
}
