//! Tells the shards how late it is. Nodes that go by the clock (barriers, statistics, the end of idle
//! groups) see time only as entries of their shard's log; whoever leads the shard writes one when the
//! shard wants it.

use crate::clock::wall;
use crate::definition::{Other, Tick};
use crate::engine::Engine;
use crate::process::Process;
use crate::queue::Job;
use model::Time;
use std::sync::Weak;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How often the clock is compared with what the shards want: a tick comes at most so late.
const LOOK: Duration = Duration::from_millis(100);

/// How long a tick may be on its way before another one is sent.
const RING_MAX: Duration = Duration::from_secs(5);

/// How often the memory of the process is looked at, and how long it is left alone after groups had to
/// go: the allocator takes some seconds to give memory back.
const MEMORY_LOOK: Duration = Duration::from_secs(1);
const MEMORY_REST: Duration = Duration::from_secs(15);

/// The least part of all groups that go when memory is short.
const PART_MIN: f64 = 0.05;

/// Ticks until the engine is gone.
pub async fn tick(engine: Weak<Engine>) {
    let (mut looked, mut rests) = (Instant::now(), Instant::now());
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(engine) = engine.upgrade() else { return };
        if engine.stopping.load(Relaxed) {
            return;
        }
        for shard in engine.signs.due(wall()) {
            let engine = engine.clone();
            // Each for itself: one shard without a quorum must not stop the clock of the others.
            tokio::spawn(async move {
                let _ = tokio::time::timeout(RING_MAX, engine.ring(shard)).await;
                engine.signs.rung(shard);
            });
        }
        if engine.options.group_memory_max > 0 && looked.elapsed() >= MEMORY_LOOK && Instant::now() >= rests {
            looked = Instant::now();
            if engine.shrink().await {
                rests = Instant::now() + MEMORY_REST;
            }
        }
    }
}

impl Engine {
    async fn ring(&self, shard: u32) {
        self.log_tick(shard, None).await;
        // The entry must have been run before the shard knows what it wants next.
        let (done, wait) = tokio::sync::oneshot::channel();
        self.queues[shard as usize % self.queues.len()].push([Job::Passed { done }]);
        let _ = wait.await;
    }

    async fn log_tick(&self, shard: u32, idle: Option<i64>) {
        let tick = |clock| Other::Tick(Tick { clock, idle });
        if let Err(why) = self.log_other(shard, tick).await {
            tracing::debug!(shard, why, "the shard was not told how late it is; it is tried again");
        }
    }

    /// Logs something for a shard that this member runs.
    pub(crate) async fn log_other(
        &self,
        shard: u32,
        other: impl FnOnce(Time) -> Other,
    ) -> Result<(), String> {
        match self.member() {
            None => self.submit_other(shard, other).map_err(|error| error.to_string()),
            Some(member) => {
                let replica = member.replica(shard).ok_or("this member has no replica of the shard")?;
                replica.log_other(other).await
            }
        }
    }

    /// Ends the groups that are idle longest, if the process has more memory than it should. True: it
    /// had.
    async fn shrink(&self) -> bool {
        let max = self.options.group_memory_max;
        let used = Process::read().resident_bytes.unwrap_or(0);
        if used <= max {
            return false;
        }
        let part = PART_MIN + (used - max) as f64 / used as f64;
        for shard in 0..self.options.shards {
            let (reply, oldest) = tokio::sync::oneshot::channel();
            self.queues[shard as usize % self.queues.len()].push([Job::Oldest { shard, part, reply }]);
            if let Ok(Some(idle)) = oldest.await {
                self.log_tick(shard, Some(idle)).await;
            }
        }
        true
    }
}
