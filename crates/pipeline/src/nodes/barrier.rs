//! `|barrier()`: says of each group, by the wall clock, that no older points will come, so that nodes
//! below go on when no data does. Can forget groups that have fallen silent.
//!
//! Each group has a timer in its state: a time of the entries' clock. The node is woken at a time that
//! no timer runs out before, and only then looks at all groups: points move their group's timer on
//! without looking at others.

use crate::args::Duration;
use crate::edge::{Batch, Flow, Mark, Message, Run};
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::properties;
use crate::state::States;
use model::Time;
use serde::{Deserialize, Serialize};

/// The kind.
pub static KIND: Kind = Kind {
    name: "barrier",
    stem: "barrier",
    go: "BarrierNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: true,
    create: |a| {
        a.exactly(0)?;
        Ok(Box::new(Barrier::default()))
    },
    properties: properties!(Barrier {
        "idle" => |d, a| d.idle = a.set::<Duration>()?.0,
        "period" => |d, a| d.period = a.set::<Duration>()?.0,
        "delete" => |d, a| d.delete = a.set()?,
    }),
    counters: &[],
};

/// The definition.
#[derive(Clone, Debug, Default)]
pub struct Barrier {
    idle: i64,
    period: i64,
    delete: bool,
}

impl Definition for Barrier {
    fn validate(&self, _parents: usize) -> Result<(), String> {
        if self.idle != 0 && self.period != 0 {
            return Err("cannot specify both idle and period".into());
        }
        if self.period == 0 && self.idle <= 0 {
            return Err("idle must be greater than zero".into());
        }
        if self.period <= 0 && self.idle == 0 {
            return Err("period must be greater than zero".into());
        }
        Ok(())
    }

    fn is_stateful(&self) -> bool {
        true
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        let timer = if self.idle > 0 { Timer::Idle(self.idle) } else { Timer::Period(self.period) };
        Ok(Box::new(Operator { timer, delete: self.delete }))
    }
}

/// What makes a barrier; nanoseconds.
#[derive(Clone, Copy, Debug)]
enum Timer {
    /// So long after the last point.
    Idle(i64),
    /// So long after the last barrier or the first point.
    Period(i64),
}

/// More groups than this are not all looked at whenever one timer runs out.
const MANY: i64 = 4096;
/// With many groups, nanoseconds a group from one look at them to the next: a look takes about a
/// hundredth of that.
const REST: i64 = 100;

struct Operator {
    timer: Timer,
    delete: bool,
}

/// What is known of a group.
#[derive(Debug, Serialize, Deserialize)]
pub struct Timed {
    /// When the timer runs out; `Time::MAX` in a group that has none yet.
    deadline: Time,
    /// Time of the newest message that was let through: what an idle barrier counts from.
    last: Time,
    /// Time of the last barrier: older points are dropped.
    barrier: Time,
}

impl Default for Timed {
    fn default() -> Timed {
        Timed { deadline: Time::MAX, last: 0, barrier: Time::MIN }
    }
}

impl Operator {
    /// When a timer that starts now runs out.
    fn start(&self, now: Time) -> Time {
        let (Timer::Idle(time) | Timer::Period(time)) = self.timer;
        // The end of time is the mark of a group without a timer.
        now.saturating_add(time).min(Time::MAX - 1)
    }

    /// Gives a group its timer when it is new.
    #[inline]
    fn meet(&self, timed: &mut Timed, now: Time) {
        if timed.deadline == Time::MAX {
            *timed = Timed { deadline: self.start(now), last: now, barrier: Time::MIN };
        }
    }

    /// Whether a point of that time goes through.
    #[inline]
    fn pass(&self, timed: &mut Timed, time: Time, now: Time) -> bool {
        if time < timed.barrier {
            return false;
        }
        if let Timer::Idle(_) = self.timer {
            timed.last = time;
            timed.deadline = self.start(now);
        }
        true
    }

    fn stream(&self, now: Time, states: &mut States<Timed>, run: Run) -> Message {
        let mut dropped = Vec::new();
        let rows = run.rows.times.iter().zip(run.groups.iter());
        for (row, (&time, &group)) in rows.enumerate() {
            let timed = states.get(group);
            self.meet(timed, now);
            if !self.pass(timed, time, now) {
                dropped.push(row as u32);
            }
        }
        if dropped.is_empty() {
            return Message::Stream(run);
        }
        let kept: Vec<u32> =
            (0..run.rows.len() as u32).filter(|row| dropped.binary_search(row).is_err()).collect();
        if kept.is_empty() { Message::None } else { Message::Stream(run.gather(&kept)) }
    }

    fn batch(&self, now: Time, states: &mut States<Timed>, batch: &mut Batch) {
        let timed = states.get(batch.group);
        self.meet(timed, now);
        let rows = 0..batch.rows.len();
        let kept: Vec<u32> =
            rows.filter(|&row| self.pass(timed, batch.rows.times[row], now)).map(|row| row as u32).collect();
        if kept.len() < batch.rows.len() {
            batch.rows = batch.rows.gather(&kept);
        }
    }

    /// Lets a timer that has run out start again. Gives the time of the barrier.
    fn run_out(&self, timed: &mut Timed, now: Time) -> Time {
        match self.timer {
            Timer::Idle(idle) => {
                timed.last = timed.last.saturating_add(idle);
                timed.barrier = timed.last;
                timed.deadline = self.start(now);
            }
            Timer::Period(period) => {
                timed.barrier = now;
                // One barrier stands for all whose time has passed, as with Go's tickers.
                let missed = now.saturating_sub(timed.deadline) / period;
                let next = missed.saturating_add(1).saturating_mul(period);
                timed.deadline = timed.deadline.saturating_add(next).min(Time::MAX - 1);
            }
        }
        timed.barrier
    }
}

impl Node for Operator {
    type State = Timed;

    const TIMED: bool = true;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Timed>, inputs: &mut [Message]) -> Message {
        let now = cx.now;
        // Timers only move on, so this holds for those that are there already, too.
        states.wake_by(self.start(now));
        match std::mem::take(&mut inputs[0]) {
            Message::None => Message::None,
            Message::Stream(run) => self.stream(now, states, run),
            Message::Batches(mut batches) => {
                batches.iter_mut().for_each(|batch| self.batch(now, states, batch));
                Message::Batches(batches)
            }
        }
    }

    fn mark(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<Timed>,
        _input: usize,
        marks: Vec<Mark>,
    ) -> Vec<Flow> {
        let now = cx.now;
        let mut passed = Vec::new();
        for mark in marks {
            match mark {
                Mark::Barrier { group, time } => {
                    cx.seen.add_all([group]);
                    let timed = states.get(group);
                    self.meet(timed, now);
                    states.wake_by(self.start(now));
                    let timed = states.get(group);
                    if self.pass(timed, time, now) {
                        if let Timer::Idle(_) = self.timer {
                            timed.barrier = time;
                        }
                        passed.push(mark);
                    }
                }
                Mark::Delete { group } => {
                    // A group that it does not know is none of its business, as upstream.
                    if states.peek(group).is_some_and(|timed| timed.deadline != Time::MAX) {
                        passed.push(mark);
                    }
                    self.forget_marked(cx, states, &[mark]);
                }
            }
        }
        if passed.is_empty() { Vec::new() } else { vec![Flow::Marks(passed)] }
    }

    fn tick(&self, cx: &mut Cx<'_>, states: &mut States<Timed>) -> Vec<Flow> {
        let now = cx.now;
        let (mut out, mut next, mut groups) = (Vec::new(), Time::MAX, 0_i64);
        for (group, timed) in states.iter() {
            groups += 1;
            if timed.deadline <= now {
                out.push((timed.deadline, cx.group(group), group));
            } else {
                next = next.min(timed.deadline);
            }
        }
        // The numbers of groups depend on how the points came in; their tags do not.
        out.sort_by(|(due, a, _), (other, b, _)| {
            (due, &a.name, a.tags.as_bytes()).cmp(&(other, &b.name, b.tags.as_bytes()))
        });
        let mut marks = Vec::with_capacity(out.len());
        for (_, _, group) in out {
            let timed = states.get(group);
            marks.push(Mark::Barrier { group, time: self.run_out(timed, now) });
            if self.delete {
                let over = Mark::Delete { group };
                marks.push(over);
                self.forget_marked(cx, states, &[over]);
            } else {
                next = next.min(timed.deadline);
            }
        }
        if groups > MANY {
            next = next.max(now.saturating_add(groups * REST));
        }
        states.set_due(next);
        if marks.is_empty() { Vec::new() } else { vec![Flow::Marks(marks)] }
    }
}
