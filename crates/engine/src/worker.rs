//! A worker: a thread that runs some of the shards. Nothing else touches a shard's pipeline.

use crate::member::Led;
use crate::member::lead::Grouped;
use crate::member::lead::Loader;
use crate::outlet::{Changes, Outlet, Saved};
use crate::queue::{Job, Queue, Room};
use model::Event;
use pipeline::Shard;
use pipeline::node::{Effects, Log, LogLevel};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Lines about errors of points that go to the server's log in one second, per worker. More are
/// counted.
const LINES_MAX: u32 = 200;

/// Key of a shard's last applied index, within its own key space.
pub const APPLIED: &[u8] = b"i";

/// Key of the clock of its last entry: no later entry may have an earlier one.
pub const CLOCK: &[u8] = b"c";

/// A worker.
pub struct Worker {
    queue: Arc<Queue>,
    room: Arc<Room>,
    outlet: Outlet,
    /// Brings shards back that this member comes to lead; a member alone brought all back at the start.
    loader: Option<Arc<Loader>>,
    /// The shards that it runs, by number.
    shards: BTreeMap<u32, Held>,
    effects: Effects,
    lines: Lines,
}

/// A shard that the worker runs.
pub struct Held {
    /// Its number.
    pub number: u32,
    /// Its pipeline.
    pub shard: Shard,
    /// The last entry applied.
    pub applied: u64,
    /// What the last checkpoint contains.
    pub saved: u64,
    /// The clock of the last entry with points; 0 before the first.
    pub clock: model::Time,
    /// What only a shard of a cluster has.
    pub group: Option<Grouped>,
    failures: usize,
}

/// Bounds how much of the log tasks can fill.
struct Lines {
    since: Instant,
    written: u32,
    left_out: u64,
}

impl Worker {
    /// A worker for `shards`, and for those that `loader` brings back later.
    pub fn new(
        queue: Arc<Queue>,
        room: Arc<Room>,
        outlet: Outlet,
        loader: Option<Arc<Loader>>,
        shards: Vec<Held>,
    ) -> Worker {
        Worker {
            queue,
            room,
            outlet,
            loader,
            shards: shards.into_iter().map(|held| (held.number, held)).collect(),
            effects: Effects::default(),
            lines: Lines { since: Instant::now(), written: 0, left_out: 0 },
        }
    }

    /// Works until the queue ends.
    pub fn run(mut self) {
        let mut jobs = VecDeque::new();
        loop {
            self.queue.take(&mut jobs);
            for job in jobs.drain(..) {
                if matches!(job, Job::End) {
                    self.queue.close();
                    return;
                }
                self.work(job);
            }
        }
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Entry { shard, index, entry, bytes } => {
                if let Some(held) = self.shards.get_mut(&shard) {
                    held.feed(index, entry, &mut self.effects);
                }
                self.carry_out();
                self.room.give(bytes);
            }
            Job::Start { shard, index, task, definition, restored } => {
                if let Some(held) = self.shards.get_mut(&shard) {
                    held.shard.start(task, definition, restored);
                    held.applied = index;
                }
            }
            Job::Stop { shard, index, task } => {
                if let Some(held) = self.shards.get_mut(&shard) {
                    held.shard.stop(&task);
                    held.applied = index;
                }
            }
            Job::Lead { shard, generation, upto, reply } => {
                let led = self.lead(shard, generation, upto);
                // Whoever asked may not lead any more, and has said so behind this job.
                let _ = reply.send(led);
            }
            Job::Committed { shard, entry, bytes, queued } => {
                self.committed(shard, entry);
                self.carry_out();
                self.room.give(bytes);
                queued.done(bytes);
            }
            Job::Unlead { shard } => {
                self.shards.remove(&shard);
            }
            Job::Show { shard, task, node, reply } => {
                let held = self.shards.get_mut(&shard);
                let _ = reply.send(held.and_then(|held| held.shard.show(&task, node)));
            }
            Job::Checkpoint { part: (part, parts), done } => {
                for held in self.shards.values_mut().filter(|held| held.number % parts == part) {
                    held.checkpoint(&self.outlet);
                }
                if let Some(done) = done {
                    let _ = done.send(());
                }
            }
            Job::Passed { done } => {
                // Who asked may have gone.
                let _ = done.send(());
            }
            Job::End => {}
        }
    }

    fn lead(&mut self, shard: u32, generation: u64, upto: u64) -> Result<Led, String> {
        self.shards.remove(&shard);
        let loader = self.loader.clone().ok_or("a member alone has no groups to lead")?;
        let held = loader.load(shard, generation, upto, &self.outlet)?;
        let led = held.led();
        self.shards.insert(shard, held);
        Ok(led)
    }

    fn committed(&mut self, shard: u32, entry: cluster::raft::Committed) {
        let (Some(held), Some(loader)) = (self.shards.get_mut(&shard), &self.loader) else { return };
        let index = entry.id.index;
        if let Err(why) = held.take(entry, loader, &mut self.effects) {
            // Every member would find the same: only this entry is lost, and it is said where.
            tracing::error!(
                shard,
                index,
                why,
                "an entry of a shard's log cannot be used; this is a bug of Farad, please report it"
            );
        }
    }

    fn carry_out(&mut self) {
        if !self.effects.events.is_empty() {
            let events: Vec<Event> = std::mem::take(&mut self.effects.events);
            self.outlet.events(events);
        }
        for line in self.effects.logs.drain(..) {
            self.lines.write(&line);
        }
    }
}

impl Held {
    /// A shard that has applied up to `applied`, and has a checkpoint of it up to `saved`.
    pub fn new(number: u32, shard: Shard, applied: u64, saved: u64) -> Held {
        Held { number, shard, applied, saved, clock: 0, group: None, failures: 0 }
    }

    /// Runs points.
    pub fn feed(&mut self, index: u64, entry: model::Entry, effects: &mut Effects) {
        self.clock = entry.clock;
        self.shard.apply(index, entry, effects);
        self.applied = index;
        self.report_failures();
    }

    /// Saves what changed since the last checkpoint, if anything was applied since.
    pub fn checkpoint(&mut self, outlet: &Outlet) {
        if self.applied == self.saved {
            return;
        }
        let mut changes = Changes::default();
        self.shard.save(&mut changes);
        changes.set(APPLIED, self.applied.to_be_bytes().to_vec());
        if self.clock > 0 {
            changes.set(CLOCK, self.clock.to_be_bytes().to_vec());
        }
        if let Some(group) = &self.group {
            group.save(&mut changes);
        }
        self.saved = self.applied;
        let generation = self.group.as_ref().map_or(0, |group| group.generation);
        let index = self.group.as_ref().map_or(self.applied, |group| group.position().id.index);
        outlet.checkpoint(Saved { shard: self.number, index, generation, changes });
    }

    fn report_failures(&mut self) {
        let failures = self.shard.failures().count();
        if failures > self.failures {
            for (task, why) in self.shard.failures() {
                tracing::error!(
                    task = &**task,
                    shard = self.number,
                    why,
                    "a task stopped working; this is a bug of Farad, please report it"
                );
            }
        }
        self.failures = failures;
    }
}

/// The key space of a shard's checkpoint.
pub fn prefix(shard: u32) -> Vec<u8> {
    shard.to_be_bytes().to_vec()
}

impl Lines {
    fn write(&mut self, line: &Log) {
        if self.since.elapsed() >= Duration::from_secs(1) {
            if self.left_out > 0 {
                tracing::warn!(
                    lines = self.left_out,
                    "log lines about errors of tasks left out: too many in a second"
                );
            }
            *self = Lines { since: Instant::now(), written: 0, left_out: 0 };
        }
        // Who attaches a log node wants every line; errors nobody asked for.
        if line.points > 0 {
            if self.written >= LINES_MAX {
                self.left_out += 1;
                return;
            }
            self.written += 1;
        }
        let (task, node) = (&*line.task, &*line.node);
        let (message, pairs) = line.parts();
        // The order of Kapacitor's lines, which people filter and parse.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(service = "kapacitor", task_master = "main", task, node, pairs, "{message}")
            };
        }
        match line.level {
            LogLevel::Debug => line!(debug),
            LogLevel::Info => line!(info),
            LogLevel::Warn => line!(warn),
            LogLevel::Error => line!(error),
        }
    }
}
