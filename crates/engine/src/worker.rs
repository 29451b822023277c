//! A worker: a thread that runs some of the shards. Nothing else touches a shard's pipeline.

use crate::control::{Control, Message};
use crate::queue::{Job, Queue, Room};
use crate::submit::group;
use model::Event;
use pipeline::Shard;
use pipeline::checkpoint::Sink;
use pipeline::node::{Effects, Log, LogLevel};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Batch, Family};

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
    control: Control,
    /// The shards that it runs, by number, with what each has applied.
    shards: Vec<Held>,
    workers: u32,
    effects: Effects,
    lines: Lines,
}

struct Held {
    number: u32,
    shard: Shard,
    applied: u64,
    /// What the last checkpoint contains.
    saved: u64,
    clock: model::Time,
    failures: usize,
}

/// Bounds how much of the log tasks can fill.
struct Lines {
    since: Instant,
    written: u32,
    left_out: u64,
}

impl Worker {
    /// A worker for `shards`, of which each has applied the index beside it and has it saved up to
    /// the next.
    pub fn new(
        queue: Arc<Queue>,
        room: Arc<Room>,
        control: Control,
        shards: Vec<(u32, Shard, u64, u64)>,
        workers: u32,
    ) -> Worker {
        let held =
            |(number, shard, applied, saved)| Held { number, shard, applied, saved, clock: 0, failures: 0 };
        Worker {
            queue,
            room,
            control,
            shards: shards.into_iter().map(held).collect(),
            workers,
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

    fn held(&mut self, shard: u32) -> &mut Held {
        &mut self.shards[(shard / self.workers) as usize]
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Entry { shard, index, entry, bytes } => {
                let mut effects = std::mem::take(&mut self.effects);
                let held = self.held(shard);
                held.clock = entry.clock;
                held.shard.apply(index, entry, &mut effects);
                held.applied = index;
                held.report_failures();
                self.effects = effects;
                self.carry_out();
                self.room.give(bytes);
            }
            Job::Start { shard, index, task, definition, restored } => {
                let held = self.held(shard);
                held.shard.start(task, definition, restored);
                held.applied = index;
            }
            Job::Stop { shard, index, task } => {
                let held = self.held(shard);
                held.shard.stop(&task);
                held.applied = index;
            }
            Job::Show { shard, task, node, reply } => {
                let _ = reply.send(self.held(shard).shard.show(&task, node));
            }
            Job::Checkpoint { part: (part, parts), done } => {
                for held in self.shards.iter_mut().filter(|held| held.number % parts == part) {
                    held.checkpoint(&self.control);
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

    fn carry_out(&mut self) {
        if !self.effects.events.is_empty() {
            let events: Vec<Event> = std::mem::take(&mut self.effects.events);
            self.control.send_blocking(Message::Events(events));
        }
        for line in self.effects.logs.drain(..) {
            self.lines.write(&line);
        }
    }
}

impl Held {
    /// Saves what changed since the last checkpoint, if anything was applied since.
    fn checkpoint(&mut self, control: &Control) {
        if self.applied == self.saved {
            return;
        }
        let mut sink = BatchSink { prefix: prefix(self.number), batch: Batch::new() };
        self.shard.save(&mut sink);
        sink.put(APPLIED.to_vec(), self.applied.to_be_bytes().to_vec());
        if self.clock > 0 {
            sink.put(CLOCK.to_vec(), self.clock.to_be_bytes().to_vec());
        }
        self.saved = self.applied;
        let message =
            Message::Checkpoint { group: group(self.number), index: self.applied, batch: sink.batch };
        control.send_blocking(message);
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

/// Collects a checkpoint into a batch.
struct BatchSink {
    prefix: Vec<u8>,
    batch: Batch,
}

impl BatchSink {
    fn key(&self, key: &[u8]) -> Vec<u8> {
        [&self.prefix, key].concat()
    }
}

impl Sink for BatchSink {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.batch.put(Family::Checkpoints, self.key(&key), value);
    }

    fn delete_prefix(&mut self, prefix: Vec<u8>) {
        self.batch.delete_prefix(Family::Checkpoints, self.key(&prefix));
    }
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
