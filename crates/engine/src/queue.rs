//! What waits for a worker: jobs in order, bounded in bytes.

use crate::definition::{Other, Sources};
use crate::member::{Led, replica::Queued};
use parking_lot::{Condvar, Mutex};
use pipeline::endpoint::Shown;
use pipeline::task::{Restored, Task};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tokio::sync::{Notify, oneshot};

/// Something for a worker to do with one of its shards.
pub enum Job {
    /// Points, at an index of the shard's log.
    Entry {
        /// The shard.
        shard: u32,
        /// Index in its log.
        index: u64,
        /// The points.
        entry: model::Entry,
        /// What it counts for in the queue.
        bytes: usize,
        /// Sender and number of points that a task wrote.
        looped: Option<(u64, u64)>,
    },
    /// A task starts at an index of the log.
    Start {
        /// The shard.
        shard: u32,
        /// Index in its log.
        index: u64,
        /// The task.
        task: Arc<Task>,
        /// How to build it again.
        definition: Arc<[u8]>,
        /// What its alerts find in their topics.
        restored: Restored,
        /// What the sources of its nodes hold.
        sources: Sources,
    },
    /// A task stops at an index of the log.
    Stop {
        /// The shard.
        shard: u32,
        /// Index in its log.
        index: u64,
        /// The task's id.
        task: String,
    },
    /// Something else at an index of the log.
    Other {
        /// The shard.
        shard: u32,
        /// Index in its log.
        index: u64,
        /// What it is.
        other: Other,
    },
    /// How long the longest idle part of a shard's groups has been so.
    Oldest {
        /// The shard.
        shard: u32,
        /// The part of its groups.
        part: f64,
        /// Where to put it, nanoseconds.
        reply: oneshot::Sender<Option<i64>>,
    },
    /// A shard of a cluster is led by this member from now on: it is brought to where its group
    /// has committed to, and fed what follows.
    Lead {
        /// The shard.
        shard: u32,
        /// How often the shard was brought back on this member, this time included.
        generation: u64,
        /// The last entry that was committed when leading began; the next ones come as
        /// [`Job::Committed`].
        upto: u64,
        /// Told what the new leader must know.
        reply: oneshot::Sender<Result<Led, String>>,
    },
    /// An entry of a led shard, committed by its group.
    Committed {
        /// The shard.
        shard: u32,
        /// The entry.
        entry: cluster::raft::Committed,
        /// What it counts for in the queue.
        bytes: usize,
        /// What counts it.
        queued: Queued,
    },
    /// The shard is led by another member: its pipeline goes.
    Unlead {
        /// The shard.
        shard: u32,
    },
    /// What an endpoint shows.
    Show {
        /// The shard.
        shard: u32,
        /// The task.
        task: String,
        /// The node.
        node: usize,
        /// Where to put it.
        reply: oneshot::Sender<Option<Vec<Shown>>>,
    },
    /// Checkpoint the shards that have work since their last.
    Checkpoint {
        /// Which of how many parts of the shards; a part at a time spreads the work and memory that
        /// checkpoints take.
        part: (u32, u32),
        /// Told when the checkpoints are with the control thread.
        done: Option<oneshot::Sender<()>>,
    },
    /// Say when all that came before is done.
    Passed {
        /// Told then.
        done: oneshot::Sender<()>,
    },
    /// Nothing comes any more.
    End,
}

impl Job {
    /// The shard whose pipeline the job may change.
    pub fn shard(&self) -> Option<u32> {
        match self {
            Job::Entry { shard, .. }
            | Job::Start { shard, .. }
            | Job::Stop { shard, .. }
            | Job::Other { shard, .. }
            | Job::Lead { shard, .. }
            | Job::Committed { shard, .. }
            | Job::Unlead { shard } => Some(*shard),
            Job::Show { .. }
            | Job::Oldest { .. }
            | Job::Checkpoint { .. }
            | Job::Passed { .. }
            | Job::End => None,
        }
    }
}

/// The jobs of one worker.
#[derive(Default)]
pub struct Queue {
    jobs: Mutex<Jobs>,
    ready: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    /// Nobody takes jobs any more.
    closed: bool,
}

/// Bytes of entries that wait in all queues together.
pub struct Room {
    used: AtomicUsize,
    max: usize,
    freed: Notify,
}

impl Queue {
    /// Adds jobs behind what waits. A closed queue drops them, and with them whoever waits for an
    /// answer learns that none comes.
    pub fn push(&self, jobs: impl IntoIterator<Item = Job>) {
        let mut queue = self.jobs.lock();
        if queue.closed {
            return;
        }
        queue.waiting.extend(jobs);
        drop(queue);
        self.ready.notify_one();
    }

    /// Takes no more jobs, and drops those that wait.
    pub fn close(&self) {
        let mut queue = self.jobs.lock();
        queue.closed = true;
        queue.waiting.clear();
    }

    /// Takes all that waits, sleeping until there is something. `taken` is an empty queue that is
    /// swapped in, so that its memory is used again.
    pub fn take(&self, taken: &mut VecDeque<Job>) {
        let mut queue = self.jobs.lock();
        while queue.waiting.is_empty() {
            self.ready.wait(&mut queue);
        }
        std::mem::swap(&mut queue.waiting, taken);
    }
}

impl Room {
    /// Room for `max` bytes.
    pub fn new(max: usize) -> Room {
        Room { used: AtomicUsize::new(0), max, freed: Notify::new() }
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// Waits until less than the maximum is in use. One write may then go beyond it: a write
    /// larger than all the room must still get through. Whoever is let in takes its bytes before
    /// it waits for anything else, so that of many that wait only one a thread does.
    pub async fn wait(&self) {
        loop {
            let freed = self.freed.notified();
            if self.used() < self.max {
                return;
            }
            freed.await;
        }
    }

    /// Uses bytes.
    pub fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Relaxed);
    }

    /// Gives bytes back.
    pub fn give(&self, bytes: usize) {
        let before = self.used.fetch_sub(bytes, Relaxed);
        if before >= self.max && before - bytes < self.max {
            self.freed.notify_waiters();
        }
    }
}
