//! Points that tasks write to the server itself. Each shard's are written one write after another,
//! and each is a write of a sender (the shard) with a number (its place in the shard's log): whatever
//! is replayed, the shards that it goes to take it once. What is not written yet is part of the
//! shard's checkpoint.

use super::Outside;
use crate::engine::Engine;
use crate::error::WriteError;
use crate::queue::Room;
use line::Precision;
use model::Identity;
use parking_lot::Mutex;
use pipeline::node::Write;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The senders that are shards: `SENDERS + shard`. No start of a member has such a number.
const SENDERS: u64 = 0x4c4f_4f50_0000_0000;

/// Shards that there can be.
const SHARDS_MAX: u64 = 1 << 16;

/// Bits of a number that say which write of an entry it is.
const SEQUENCE_BITS: u32 = 26;

/// Wait before a write that was not taken is tried again: first, and after that at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// Fewest seconds between two lines of the log about one shard.
const SAY: Duration = Duration::from_secs(10);

/// By what a write is taken once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A client's name for it: of writes with one name the first is taken.
    Client(u64),
    /// Of a sender whose numbers ascend: one that is not above the last is not taken.
    Looped {
        /// The sender.
        sender: u64,
        /// The number.
        number: u64,
    },
}

impl Key {
    /// Sender and number.
    pub fn identity(self) -> (u64, u64) {
        match self {
            Key::Client(name) => (name, 1),
            Key::Looped { sender, number } => (sender, number),
        }
    }
}

/// A sender is a shard.
pub fn is_shard(sender: u64) -> bool {
    (SENDERS..SENDERS + SHARDS_MAX).contains(&sender)
}

/// The number of a write among those of its shard.
pub fn number(identity: Identity) -> u64 {
    let sequence = u64::from(identity.sequence).min((1 << SEQUENCE_BITS) - 1);
    identity.index << SEQUENCE_BITS | sequence
}

/// The writes of one shard that wait.
#[derive(Default)]
pub struct Loop {
    waiting: Mutex<Waiting>,
    /// The number of the last that was written.
    written: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    writes: VecDeque<Arc<Write>>,
    running: bool,
}

impl Loop {
    /// Drops what waits.
    pub fn forget(&self, room: &Room) {
        let writes = std::mem::take(&mut self.waiting.lock().writes);
        writes.iter().for_each(|write| room.give(write.lines.len()));
        self.written.store(0, Relaxed);
    }
}

impl Outside {
    /// Writes points, behind those of the shard that wait.
    pub fn write(self: &Arc<Outside>, shard: u32, write: Arc<Write>) {
        self.room.take(write.lines.len());
        self.loops[shard as usize].waiting.lock().writes.push_back(write);
        self.begin_loop(shard);
    }

    /// Writes of a shard up to this number are logged.
    pub fn written(&self, shard: u32) -> u64 {
        self.loops[shard as usize].written.load(Relaxed)
    }

    pub(super) fn begin_loop(self: &Arc<Outside>, shard: u32) {
        let mut waiting = self.loops[shard as usize].waiting.lock();
        if self.engine.get().is_some() && !waiting.running && !waiting.writes.is_empty() {
            waiting.running = true;
            self.runtime.spawn(work(self.clone(), shard));
        }
    }

    fn first(&self, shard: u32) -> Option<Arc<Write>> {
        let mut waiting = self.loops[shard as usize].waiting.lock();
        waiting.running = !waiting.writes.is_empty();
        waiting.writes.front().cloned()
    }

    /// A write is done with; the shard may have been given up meanwhile.
    fn done(&self, shard: u32, write: &Arc<Write>) {
        let one = &self.loops[shard as usize];
        let mut waiting = one.waiting.lock();
        if waiting.writes.front().is_some_and(|first| Arc::ptr_eq(first, write)) {
            waiting.writes.pop_front();
            self.room.give(write.lines.len());
            one.written.store(number(write.identity), Relaxed);
        }
    }
}

async fn write_one(engine: &Engine, write: &Write, key: Key) -> Result<(), WriteError> {
    engine.ready().await?;
    let mut taking = engine.write(&write.db, &write.rp, Precision::Nano);
    taking.keyed(key);
    taking.feed(&write.lines);
    taking.finish().await.map(drop)
}

/// Writes what waits of a shard.
async fn work(outside: Arc<Outside>, shard: u32) {
    let (mut pause, mut said) = (RETRY.0, None);
    while let Some(write) = outside.first(shard) {
        // What is left is in the checkpoint that the engine makes when it stops.
        let Some(engine) = outside.engine().filter(|engine| !engine.stopping.load(Relaxed)) else { return };
        let key = Key::Looped { sender: SENDERS + u64::from(shard), number: number(write.identity) };
        match write_one(&engine, &write, key).await {
            Ok(()) => {
                outside.done(shard, &write);
                pause = RETRY.0;
            }
            Err(error @ WriteError::Line(_)) => {
                let (task, node) = (&*write.task, &*write.node);
                tracing::error!(task, node, %error, "points that a task writes back cannot be read; this is a bug of Farad, please report it");
                outside.done(shard, &write);
            }
            Err(error) => {
                if said.is_none_or(|said: std::time::Instant| said.elapsed() > SAY) {
                    said = Some(std::time::Instant::now());
                    let (task, node) = (&*write.task, &*write.node);
                    tracing::warn!(shard, task, node, %error, "points that a task writes back are not taken yet; it is tried again until they are");
                }
                drop(engine);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY.1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_with_the_place_in_the_log() {
        let at = |index, sequence| number(Identity { shard: 3, index, sequence });
        let places = [at(0, 0), at(0, 1), at(1, 0), at(1, u32::MAX), at(2, 0), at(1 << 37, 0)];
        assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
        assert!(is_shard(SENDERS) && is_shard(SENDERS + 1023) && !is_shard(1));
    }
}
