//! Windows by time that wait for late points (`lateness`). The batches are those of a plain window over
//! the points in the order of their times, those that come too late left out. A batch goes as soon as
//! its contents are known: when the newest point is `lateness` past its end.
//!
//! The points stay in the order of arrival, and are sorted when a batch is made of them.

use super::{Held, Window, marks};
use crate::buffer::Wanted;
use crate::edge::{Batch, Flow, Mark, Message};
use crate::node::{Cx, Node};
use crate::state::States;
use model::Time;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub struct ByLateTime {
    pub window: Window,
    pub wanted: Wanted,
}

/// What a group's window remembers.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Waiting {
    held: Held,
    /// Time of the newest point, or what a barrier says.
    newest: Time,
    phase: Phase,
}

/// What the window waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Phase {
    /// The first point.
    #[default]
    New,
    /// That no point before `next` can come: it tells when the first batch is due.
    First { next: Time },
    /// That no point before `due` can come: then the batch goes.
    Batch { due: Time },
    /// The same for the first point at or after `from`, the end of the last batch: it tells when the
    /// next batch is due. `next` is the earliest so far, `Time::MAX` for none.
    Next { from: Time, next: Time },
}

impl Node for ByLateTime {
    type State = Waiting;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Waiting>, inputs: &mut [Message]) -> Message {
        let Message::Stream(run) = &inputs[0] else { return Message::None };
        let (mut batches, mut late) = (Vec::new(), 0);
        for (row, &group) in run.groups.iter().enumerate() {
            let waiting = states.get(group);
            let time = run.rows.times[row];
            if waiting.phase == Phase::New {
                waiting.held.started(run.rows.origins.get(row));
                waiting.newest = time;
                waiting.phase = Phase::First { next: time };
            } else if time < self.certain(waiting) {
                late += 1;
                continue;
            }
            waiting.held.buffer.push(&run.rows, row, cx.series, &self.wanted);
            waiting.meet(time);
            let certain = self.certain(waiting);
            self.advance(cx, waiting, group, run.rows.ordinals[row], certain, &mut batches);
        }
        if late > 0 {
            cx.error(late, || "late point dropped: older than the window's lateness allows".into());
        }
        if batches.is_empty() { Message::None } else { Message::Batches(batches) }
    }

    fn mark(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<Waiting>,
        _input: usize,
        marks: Vec<Mark>,
    ) -> Vec<Flow> {
        marks::each(self, cx, states, marks, |cx, states, group, time| {
            let mut batches = Vec::new();
            self.barrier(cx, states.get(group), group, time, &mut batches);
            batches
        })
    }
}

impl ByLateTime {
    /// No point before this time will be taken.
    fn certain(&self, waiting: &Waiting) -> Time {
        waiting.newest.saturating_sub(self.window.lateness)
    }

    /// No point before `certain` comes: goes as far as that leads.
    fn advance(
        &self,
        cx: &Cx<'_>,
        waiting: &mut Waiting,
        group: u32,
        ordinal: u32,
        certain: Time,
        batches: &mut Vec<Batch>,
    ) {
        loop {
            match waiting.phase {
                Phase::First { next } if next <= certain => {
                    waiting.phase = after(next, self.window.first_emit(next));
                }
                Phase::Next { next, .. } if next <= certain => {
                    waiting.phase = after(next, self.window.next_emit(next));
                }
                Phase::Batch { due } if due <= certain => {
                    let (batch, next) = self.batch(cx, waiting, group, ordinal, due);
                    batches.push(batch);
                    if due == Time::MAX {
                        return;
                    }
                    waiting.phase = Phase::Next { from: due, next };
                }
                _ => return,
            }
        }
    }

    /// The points up to `due`, in the order of their times; those of one time in that of arrival. With
    /// the time of the earliest point that is not before `due`, `Time::MAX` for none.
    fn batch(
        &self,
        cx: &Cx<'_>,
        waiting: &mut Waiting,
        group: u32,
        ordinal: u32,
        due: Time,
    ) -> (Batch, Time) {
        let oldest = due.saturating_sub(self.window.period);
        waiting.held.buffer.drop_until(|time| time >= oldest);
        let mut batch = waiting.held.batch(cx, group, ordinal, due);
        let times = Arc::clone(&batch.rows.times);
        let mut rows: Vec<u32> =
            (0..times.len() as u32).filter(|&row| (oldest..due).contains(&times[row as usize])).collect();
        rows.sort_by_key(|&row| times[row as usize]);
        batch.rows = batch.rows.gather(&rows);
        let next = times.iter().copied().filter(|time| *time >= due).min();
        (batch, next.unwrap_or(Time::MAX))
    }

    fn barrier(&self, cx: &Cx<'_>, waiting: &mut Waiting, group: u32, time: Time, batches: &mut Vec<Batch>) {
        let newest = time.saturating_add(self.window.lateness);
        if waiting.phase == Phase::New {
            waiting.held.started(&marks::origin());
            waiting.newest = newest;
        }
        waiting.newest = waiting.newest.max(newest);
        self.advance(cx, waiting, group, 0, time, batches);
        // A barrier stands for a point of its time.
        match waiting.phase {
            Phase::New | Phase::First { .. } => {
                waiting.phase = after(time, self.window.first_emit(time));
            }
            Phase::Next { from, .. } if from <= time => {
                waiting.phase = after(time, self.window.next_emit(time));
            }
            _ => {}
        }
    }
}

impl Waiting {
    /// A point was taken.
    fn meet(&mut self, time: Time) {
        self.newest = self.newest.max(time);
        match &mut self.phase {
            Phase::First { next } => *next = time.min(*next),
            Phase::Next { from, next } if time >= *from => *next = time.min(*next),
            _ => {}
        }
    }
}

/// The next batch is due at `due`, which at the end of time may not be after the point that says so.
fn after(point: Time, due: Time) -> Phase {
    Phase::Batch { due: due.max(point.saturating_add(1)) }
}
