//! What a node counts. Counters are shared by the node's instances in all shards and read by the
//! API while they run; they start at zero with the process and are no part of the state.

use crate::reasons::Reasons;
use model::Time;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The counters of one node of one task.
#[derive(Debug, Default)]
pub struct NodeStats {
    /// Messages that came in.
    pub collected: AtomicU64,
    /// Messages that went out, over all edges.
    pub emitted: AtomicU64,
    /// Points that the node could not use.
    pub errors: AtomicU64,
    /// Why it could not.
    pub reasons: Mutex<Reasons>,
    /// Sampled nanoseconds spent in the node.
    pub exec_ns: AtomicU64,
    /// Messages that `exec_ns` was spent on.
    pub exec_count: AtomicU64,
    /// Counters that only this kind of node has, in the order of [`crate::node::Kind::counters`].
    pub counters: Vec<AtomicU64>,
    /// Groups the node has seen, by shard.
    pub groups: Vec<AtomicU64>,
    /// There is one group, in however many shards its points are.
    pub ungrouped: bool,
}

impl NodeStats {
    /// Zeros: `counters` of the kind's own, `shards` instances.
    pub fn new(counters: usize, shards: usize) -> NodeStats {
        let zeros = |n| (0..n).map(|_| AtomicU64::new(0)).collect();
        NodeStats { counters: zeros(counters), groups: zeros(shards), ..NodeStats::default() }
    }

    /// Mean nanoseconds per message, of the sampled ones.
    pub fn avg_exec_ns(&self) -> u64 {
        self.exec_ns.load(Relaxed).checked_div(self.exec_count.load(Relaxed)).unwrap_or(0)
    }

    /// Groups over all shards.
    pub fn working_cardinality(&self) -> u64 {
        let groups: u64 = self.groups.iter().map(|g| g.load(Relaxed)).sum();
        if self.ungrouped { groups.min(1) } else { groups }
    }

    /// Counts points that the node could not use. The message reads `what failed: why`; `at` is the
    /// clock of the entry that brought them.
    pub fn error(&self, points: u64, message: &str, at: Time) {
        self.errors.fetch_add(points, Relaxed);
        self.reasons().add(message, points, at);
    }

    /// Why the node could not use points.
    pub fn reasons(&self) -> MutexGuard<'_, Reasons> {
        // Whoever panicked with it left whole reasons behind.
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to one of the kind's own counters.
    pub fn count(&self, counter: usize, n: u64) {
        self.counters[counter].fetch_add(n, Relaxed);
    }
}
