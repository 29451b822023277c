//! The deliverer: a lane for each handler of each topic, so that a slow or dead receiver fills
//! its own lane only. Deliveries of one event id keep their order in a lane (no OK before its
//! CRITICAL); failed ones are tried again with growing waits. What becomes of each is reported,
//! and whoever keeps the outbox must read the reports.

mod lane;
mod queue;
mod runner;
mod stats;

pub use stats::LaneStats;

use crate::Handlers;
use alert::{Delivery, DeliveryId, DropReason, HandlerSpec};
use lane::Lane;
use model::{Name, Time};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Bounds and waits, for every lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Deliveries that wait in a lane; beyond it the oldest is dropped.
    pub entries_max: usize,
    /// Bytes of the events that wait in a lane; beyond it the oldest is dropped.
    pub bytes_max: u64,
    /// A delivery older than this is not tried again.
    pub age_max: Duration,
    /// Wait after the first failed attempt.
    pub backoff_min: Duration,
    /// Longest wait between two attempts.
    pub backoff_max: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            entries_max: 100_000,
            bytes_max: 64 << 20,
            age_max: Duration::from_secs(24 * 3600),
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(60),
        }
    }
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// It arrived.
    Delivered {
        /// Its number.
        id: DeliveryId,
    },
    /// An attempt failed; another one follows.
    Failed {
        /// Its number.
        id: DeliveryId,
        /// Attempts so far.
        attempts: u32,
        /// When the next one follows, nanoseconds since the Unix epoch.
        next_at: Time,
        /// What failed.
        error: String,
    },
    /// It is given up.
    Dropped {
        /// Its number.
        id: DeliveryId,
        /// Why.
        reason: DropReason,
        /// The last failure; empty without one.
        error: String,
    },
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Deliveries that were not made: they wait for their next attempt, or time ran out.
    pub left: usize,
}

/// The name of a lane: topic, handler id.
type LaneName = (Name, Name);

/// Carries deliveries out. Cheap to clone; all methods but [`Deliverer::drain`] return at once.
#[derive(Clone)]
pub struct Deliverer {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    handlers: Handlers,
    reports: mpsc::Sender<Report>,
    runtime: Handle,
    lanes: Mutex<BTreeMap<LaneName, Arc<Lane>>>,
    runners: Mutex<JoinSet<()>>,
    closing: AtomicBool,
}

impl Deliverer {
    /// Reports go to `reports`; while nobody reads them the lanes pause. Attempts run on
    /// `runtime`.
    pub fn new(
        settings: Settings,
        handlers: Handlers,
        reports: mpsc::Sender<Report>,
        runtime: Handle,
    ) -> Deliverer {
        let (lanes, runners) = (Mutex::default(), Mutex::default());
        let closing = AtomicBool::new(false);
        Deliverer {
            shared: Arc::new(Shared { settings, handlers, reports, runtime, lanes, runners, closing }),
        }
    }

    /// Says what is wrong with a handler's definition, if anything.
    pub fn check(&self, spec: &HandlerSpec) -> Result<(), crate::Error> {
        self.shared.handlers.build(spec).map(|_| ())
    }

    /// Takes a delivery. Those of one handler must come in the order of their numbers; one that
    /// the lane holds already is ignored. False while draining: it must stay in the outbox.
    pub fn submit(&self, delivery: Delivery) -> bool {
        if self.shared.closing.load(Ordering::Acquire) {
            return false;
        }
        let name = (delivery.topic.clone(), delivery.handler.id.clone());
        let mut lanes = self.shared.lanes.lock();
        let new = || Arc::new(Lane::new(&delivery.topic, &delivery.handler, &self.shared.handlers));
        let lane = lanes.entry(name).or_insert_with(new).clone();
        // Under the lock: a lane that is being forgotten must not get what a new one should.
        let start = lane.push(delivery, &self.shared);
        drop(lanes);
        if start {
            self.run(lane);
        }
        true
    }

    /// Uses a new definition for what waits in a handler's lane, too: who mends a URL wants the
    /// waiting deliveries to go there.
    pub fn redefine(&self, topic: &Name, spec: &Arc<HandlerSpec>) {
        let lane = self.shared.lanes.lock().get(&(topic.clone(), spec.id.clone())).cloned();
        if let Some(lane) = lane {
            lane.redefine(spec, &self.shared.handlers);
        }
    }

    /// Lets go of deliveries that the outbox has dropped. An attempt under way is not stopped.
    pub fn cancel<'a>(&self, dropped: impl IntoIterator<Item = (&'a Name, &'a Name, DeliveryId)>) {
        for (topic, handler, id) in dropped {
            let lane = self.shared.lanes.lock().get(&(topic.clone(), handler.clone())).cloned();
            if let Some(lane) = lane {
                lane.cancel(id);
            }
        }
    }

    /// Forgets the lanes of a topic, with their statistics, once they are empty.
    pub fn retire(&self, topic: &Name) {
        let mut lanes = self.shared.lanes.lock();
        lanes.retain(|(name, _), lane| name != topic || !lane.retire());
    }

    /// The same for the lane of one handler.
    pub fn retire_handler(&self, topic: &Name, handler: &Name) {
        let mut lanes = self.shared.lanes.lock();
        lanes.retain(|(name, id), lane| name != topic || id != handler || !lane.retire());
    }

    /// A line of statistics for each lane.
    pub fn stats(&self) -> Vec<LaneStats> {
        let now = wall_clock();
        self.shared.lanes.lock().values().map(|lane| lane.stats(now)).collect()
    }

    /// Takes no more deliveries, makes those that are due and returns when that is done or the
    /// time is up; attempts under way are stopped then. What is left is still in the outbox.
    pub async fn drain(&self, limit: Duration) -> Drained {
        self.shared.closing.store(true, Ordering::Release);
        let lanes: Vec<Arc<Lane>> = self.shared.lanes.lock().values().cloned().collect();
        lanes.iter().for_each(|lane| lane.wake());
        let mut runners = std::mem::take(&mut *self.shared.runners.lock());
        let all = async { while runners.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, all).await.is_err() {
            runners.shutdown().await;
        }
        Drained { left: lanes.iter().map(|lane| lane.queued()).sum() }
    }

    fn run(&self, lane: Arc<Lane>) {
        let mut runners = self.shared.runners.lock();
        while runners.try_join_next().is_some() {}
        runners.spawn_on(runner::run(self.shared.clone(), lane), &self.shared.runtime);
    }
}

impl std::fmt::Debug for Deliverer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deliverer").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

/// Nanoseconds since the Unix epoch.
fn wall_clock() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// From one time to a later one; zero when it is not later.
fn span(from: Time, to: Time) -> Duration {
    Duration::from_nanos(u64::try_from(to.saturating_sub(from)).unwrap_or(0))
}
