//! What waits for answers, in its order.

use crate::buffer::{Buffer, Wanted};
use crate::edge::Batch;
use crate::group::Group;
use model::{Name, Origin, Rows, SeriesTable, TagSet, Time};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// Points, batches and marks that wait.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Pending(VecDeque<Waiting>);

#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    /// Index and sequence of the call whose answer it waits for; `None` once that is known, or when
    /// there was nothing to ask.
    call: Option<(u64, u32)>,
    /// Status of the answer; 0 for none.
    code: i64,
    /// It goes on without an answer then.
    deadline: Time,
    what: What,
}

/// What waits.
#[derive(Debug, Serialize, Deserialize)]
pub enum What {
    /// One point.
    Point(Kept),
    /// A batch.
    Batch {
        /// Its points.
        kept: Kept,
        /// Its tags.
        tags: TagSet,
        /// Its end.
        time: Time,
    },
    /// A mark behind what waits.
    Mark {
        /// Of this group.
        group: Group,
        /// The time of a barrier; none is the end of the group.
        barrier: Option<Time>,
    },
}

/// Points of one origin in one group.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    /// Their group.
    pub group: Group,
    origin: (Name, Name, Name),
    points: Buffer,
}

impl Kept {
    fn new(origin: &Origin, group: Group) -> Kept {
        let origin = (origin.db.clone(), origin.rp.clone(), origin.name.clone());
        Kept { group, origin, points: Buffer::default() }
    }

    /// Where they come from.
    pub fn origin(&self) -> Arc<Origin> {
        let (db, rp, name) = self.origin.clone();
        Arc::new(Origin { db, rp, name })
    }

    /// The points.
    pub fn rows(&self) -> Rows {
        self.points.rows(&self.origin())
    }
}

impl What {
    /// A row of a stream.
    pub fn point(rows: &Rows, row: usize, group: Group, series: &SeriesTable) -> What {
        let mut kept = Kept::new(rows.origins.get(row), group);
        kept.points.push(rows, row, series, &Wanted::All);
        What::Point(kept)
    }

    /// A batch.
    pub fn batch(batch: &Batch, group: Group, series: &SeriesTable) -> What {
        let mut kept = Kept::new(&batch.origin, group);
        for row in 0..batch.rows.len() {
            kept.points.push(&batch.rows, row, series, &Wanted::All);
        }
        What::Batch { kept, tags: batch.tags.clone(), time: batch.time }
    }
}

impl Pending {
    /// How much waits.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds something that waits for a call's answer, or only for what stands before it.
    pub fn push(&mut self, call: Option<(u64, u32)>, deadline: Time, what: What) {
        self.0.push_back(Waiting { call, code: 0, deadline, what });
    }

    /// Notes the status of an answer. False: nobody waits for it.
    pub fn answer(&mut self, call: (u64, u32), code: i64) -> bool {
        let waiting = self.0.iter_mut().find(|waiting| waiting.call == Some(call));
        let Some(waiting) = waiting else { return false };
        (waiting.call, waiting.code) = (None, code);
        true
    }

    /// Waits no longer for what should have been there by now. Gives how much that is.
    pub fn give_up(&mut self, now: Time) -> u64 {
        let late = self.0.iter_mut().filter(|waiting| waiting.call.is_some() && waiting.deadline <= now);
        late.map(|waiting| waiting.call = None).count() as u64
    }

    /// The first deadline.
    pub fn due(&self) -> Time {
        let unanswered = self.0.iter().filter(|waiting| waiting.call.is_some());
        unanswered.map(|waiting| waiting.deadline).min().unwrap_or(Time::MAX)
    }

    /// The first, with its code, if it waits for nothing more.
    pub fn pop(&mut self) -> Option<(i64, What)> {
        if self.0.front()?.call.is_some() {
            return None;
        }
        self.0.pop_front().map(|first| (first.code, first.what))
    }
}
