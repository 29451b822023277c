//! `|window()`: makes batches of the last points of a group, by time or by count.
//!
//! The order of evaluation is Kapacitor's: with `every`, the point that reaches the emission time
//! is *not* part of the batch it triggers, a gap of many intervals gives one batch, and the next
//! emission counts from that point. Points are purged in the order of their arrival: a late point
//! behind one that stays, stays too. With `lateness`, which is Farad's own, points are first put in the
//! order of their times.

mod late;
pub(crate) mod marks;

use crate::args::Duration;
use crate::buffer::{Buffer, Wanted};
use crate::dimensions::go_truncate;
use crate::edge::{Batch, EdgeKind, Flow, Mark, Message};
use crate::node::{AnyNode, Build, Cx, Definition, Demand, Kind, Node};
use crate::properties;
use crate::state::States;
use model::{Name, Origin, Time};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The kind.
pub static KIND: Kind = Kind {
    name: "window",
    stem: "window",
    go: "WindowNode",
    wants: Some(EdgeKind::Stream),
    provides: Some(EdgeKind::Batch),
    joins: false,
    grouped: true,
    create: |a| {
        a.exactly(0)?;
        Ok(Box::new(Window::default()))
    },
    properties: properties!(Window {
        "period" => |d, a| d.period = a.set::<Duration>()?.0,
        "every" => |d, a| d.every = a.set::<Duration>()?.0,
        "align" => |d, a| d.align = a.flag()?,
        "fillPeriod" => |d, a| d.fill_period = a.flag()?,
        "periodCount" => |d, a| d.period_count = a.set()?,
        "everyCount" => |d, a| d.every_count = a.set()?,
        "lateness" => |d, a| d.lateness = a.set::<Duration>()?.0,
    }),
    counters: &[],
};

/// The definition.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Length in time, nanoseconds.
    pub period: i64,
    /// Time from one batch to the next; 0 emits with every point.
    pub every: i64,
    /// Emission times are multiples of `every`.
    pub align: bool,
    /// No batch before a whole period has passed.
    pub fill_period: bool,
    /// Length in points.
    pub period_count: i64,
    /// Points from one batch to the next.
    pub every_count: i64,
    /// Points that are up to so much older than the newest are put where their time belongs,
    /// nanoseconds; 0 takes points as they come.
    pub lateness: i64,
}

/// Most points that a count window may hold for each group: a wrong script must not eat the memory.
const PERIOD_COUNT_MAX: i64 = 10_000_000;

impl Window {
    /// Each point is in exactly one batch, in the order of arrival: the window need not keep its
    /// points for an aggregate that can be kept up to date instead.
    pub fn is_tumbling(&self) -> bool {
        self.period > 0
            && self.period == self.every
            && !self.fill_period
            && self.period_count == 0
            && self.lateness == 0
    }

    /// When the first batch of a group is due, its first point having the time `t`.
    pub fn first_emit(&self, t: Time) -> Time {
        if !self.fill_period {
            let due = t.saturating_add(self.every);
            return if self.align { go_truncate(due, self.every) } else { due };
        }
        let full = t.saturating_add(self.period);
        if !self.align {
            return full;
        }
        let due = go_truncate(full, self.every);
        if due > full { due } else { due.saturating_add(self.every) }
    }

    /// When the next batch is due, the point that triggered the last having the time `t`.
    pub fn next_emit(&self, t: Time) -> Time {
        let due = t.saturating_add(self.every);
        if self.align { go_truncate(due, self.every) } else { due }
    }
}

impl Definition for Window {
    fn validate(&self, _parents: usize) -> Result<(), String> {
        if self.period != 0 && self.period_count != 0 {
            return Err("cannot specify both period and periodCount".into());
        }
        if self.period_count != 0 && self.align {
            return Err("can only align windows based off time, not count".into());
        }
        if self.period_count != 0 && self.every_count <= 0 {
            return Err("everyCount must be greater than zero".into());
        }
        if self.lateness < 0 {
            return Err("lateness must not be negative".into());
        }
        if self.lateness > 0 && (self.period <= 0 || self.every <= 0) {
            return Err("lateness is for windows by time: give a period and every, too".into());
        }
        Ok(())
    }

    fn is_stateful(&self) -> bool {
        true
    }

    fn build(&self, cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        if self.period == 0 && self.period_count == 0 {
            return Err("window node must have either a non zero period or non zero period count".into());
        }
        if !(0..=PERIOD_COUNT_MAX).contains(&self.period_count) {
            return Err(format!(
                "window periodCount {} is out of range: use 1 to {PERIOD_COUNT_MAX}",
                self.period_count
            ));
        }
        let wanted = match cx.demand {
            Demand::Field(field) => Wanted::Field(field.clone()),
            Demand::All => Wanted::All,
        };
        Ok(if self.lateness > 0 {
            Box::new(late::ByLateTime { window: self.clone(), wanted })
        } else if self.period_count > 0 {
            Box::new(ByCount { window: self.clone(), wanted })
        } else {
            Box::new(ByTime { window: self.clone(), wanted })
        })
    }
}

/// What a group's window remembers.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Held {
    /// Where the group's first point came from: the name of its batches.
    origin: Option<(Name, Name, Name)>,
    /// When the next batch is due: a time, or a count of points.
    next_emit: i64,
    /// Points seen, by count only.
    count: i64,
    buffer: Buffer,
}

impl Held {
    fn started(&mut self, origin: &Origin) -> bool {
        let started = self.origin.is_some();
        self.origin.get_or_insert_with(|| (origin.db.clone(), origin.rp.clone(), origin.name.clone()));
        started
    }

    fn batch(&self, cx: &Cx<'_>, group: u32, ordinal: u32, time: Time) -> Batch {
        let (db, rp, name) = self.origin.clone().expect("a window that emits was started");
        let origin = Arc::new(Origin { db, rp, name });
        let tags = cx.group(group).tags.clone();
        Batch { group, ordinal, tags, time, rows: self.buffer.rows(&origin), origin }
    }
}

struct ByTime {
    window: Window,
    wanted: Wanted,
}

impl Node for ByTime {
    type State = Held;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Held>, inputs: &mut [Message]) -> Message {
        let Message::Stream(run) = &inputs[0] else { return Message::None };
        let mut batches = Vec::new();
        for (row, &group) in run.groups.iter().enumerate() {
            let held = states.get(group);
            let t = run.rows.times[row];
            if !held.started(run.rows.origins.get(row)) {
                held.next_emit = self.window.first_emit(t);
            }
            let due = if self.window.every == 0 {
                held.buffer.push(&run.rows, row, cx.series, &self.wanted);
                self.every_point(held, t)
            } else {
                self.interval(held, t)
            };
            if let Some(time) = due {
                batches.push(held.batch(cx, group, run.rows.ordinals[row], time));
            }
            if self.window.every != 0 {
                held.buffer.push(&run.rows, row, cx.series, &self.wanted);
            }
        }
        if batches.is_empty() { Message::None } else { Message::Batches(batches) }
    }

    fn mark(&self, cx: &mut Cx<'_>, states: &mut States<Held>, _input: usize, marks: Vec<Mark>) -> Vec<Flow> {
        marks::each(self, cx, states, marks, |cx, states, group, time| {
            let held = states.get(group);
            if !held.started(&marks::origin()) {
                held.next_emit = self.window.first_emit(time);
            }
            let due = match self.window.every {
                0 => self.every_point(held, time),
                _ => self.interval(held, time),
            };
            due.map(|due| held.batch(cx, group, 0, due)).into_iter().collect()
        })
    }
}

impl ByTime {
    /// A batch with each point: the window is `(t - period, t]`.
    fn every_point(&self, held: &mut Held, t: Time) -> Option<Time> {
        if t < held.next_emit {
            return None;
        }
        let oldest = t.saturating_sub(self.window.period);
        held.buffer.drop_until(|time| time > oldest);
        held.next_emit = t;
        Some(t)
    }

    /// A batch each interval: the window is `[due - period, due)`, and `t` is not in it.
    fn interval(&self, held: &mut Held, t: Time) -> Option<Time> {
        let due = held.next_emit;
        if t < due {
            return None;
        }
        let oldest = due.saturating_sub(self.window.period);
        held.buffer.drop_until(|time| time >= oldest);
        held.next_emit = self.window.next_emit(t);
        Some(due)
    }
}

struct ByCount {
    window: Window,
    wanted: Wanted,
}

impl Node for ByCount {
    type State = Held;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Held>, inputs: &mut [Message]) -> Message {
        let Message::Stream(run) = &inputs[0] else { return Message::None };
        let mut batches = Vec::new();
        for (row, &group) in run.groups.iter().enumerate() {
            let held = states.get(group);
            if !held.started(run.rows.origins.get(row)) {
                let first =
                    if self.window.fill_period { self.window.period_count } else { self.window.every_count };
                held.next_emit = first;
            }
            held.buffer.push(&run.rows, row, cx.series, &self.wanted);
            held.buffer.keep_last(self.window.period_count as usize);
            held.count += 1;
            if held.count == held.next_emit {
                held.next_emit += self.window.every_count;
                batches.push(held.batch(cx, group, run.rows.ordinals[row], run.rows.times[row]));
            }
        }
        if batches.is_empty() { Message::None } else { Message::Batches(batches) }
    }
}
