//! A worker: a thread that runs some of the shards. Nothing else touches a shard's pipeline.

use crate::definition::{Other, Sources, TaskEntry};
use crate::member::Led;
use crate::member::lead::{Grouped, Loader, Taken};
use crate::outlet::{Changes, Outlet, Saved};
use crate::outside::Outside;
use crate::outside::looped::number;
use crate::queue::{Job, Queue, Room};
use crate::signs::Signs;
use model::{Event, Time};
use pipeline::Shard;
use pipeline::node::{Effects, Log, LogLevel, Write};
use pipeline::task::{Restored, Task};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Lines about errors of points that go to the server's log in one second, per worker. More are
/// counted.
const LINES_MAX: u32 = 200;

/// Calls of a replay that are made again.
const REPLAYED_CALLS_MAX: usize = 10_000;

/// Key of a shard's last applied index, within its own key space.
pub const APPLIED: &[u8] = b"i";

/// Key of the clock of its last entry: no later entry may have an earlier one.
pub const CLOCK: &[u8] = b"c";

/// Key of the points that the shard's tasks wrote and that are not logged yet.
pub const LOOPING: &[u8] = b"w";

/// A worker.
pub struct Worker {
    queue: Arc<Queue>,
    room: Arc<Room>,
    outlet: Outlet,
    outside: Arc<Outside>,
    /// Brings shards back that this member comes to lead; a member alone brought all back at the start.
    loader: Option<Arc<Loader>>,
    /// The shards that it runs, by number.
    shards: BTreeMap<u32, Held>,
    effects: Effects,
    lines: Lines,
    signs: Arc<Signs>,
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
    pub clock: Time,
    /// What only a shard of a cluster has.
    pub group: Option<Grouped>,
    /// The points that other shards' tasks wrote to a shard of a member alone.
    pub taken: Taken,
    /// Points that its tasks wrote and that may not be logged yet, in order.
    pub looping: VecDeque<Arc<Write>>,
    /// The last checkpoint has some of these.
    looping_saved: bool,
    failures: usize,
}

/// Bounds how much of the log tasks can fill.
pub struct Lines {
    since: Instant,
    written: u32,
    left_out: u64,
}

impl Worker {
    /// A worker for `shards`, and for those that `loader` brings back later.
    pub fn new(
        queue: Arc<Queue>,
        room: Arc<Room>,
        (outlet, outside): (Outlet, Arc<Outside>),
        loader: Option<Arc<Loader>>,
        shards: Vec<Held>,
        signs: Arc<Signs>,
    ) -> Worker {
        Worker {
            signs,
            queue,
            room,
            outlet,
            outside,
            loader,
            shards: shards.into_iter().map(|held| (held.number, held)).collect(),
            effects: Effects::default(),
            lines: Lines::new(),
        }
    }

    /// Works until the queue ends.
    pub fn run(mut self) {
        for held in self.shards.values_mut() {
            self.signs.set(held.number, &mut held.shard);
            held.looping.iter().for_each(|write| self.outside.write(held.number, write.clone()));
        }
        let mut jobs = VecDeque::new();
        loop {
            self.queue.take(&mut jobs);
            for job in jobs.drain(..) {
                if matches!(job, Job::End) {
                    self.queue.close();
                    return;
                }
                let shard = job.shard();
                self.work(job);
                if let Some(shard) = shard {
                    match self.shards.get_mut(&shard) {
                        Some(held) => self.signs.set(shard, &mut held.shard),
                        None => self.signs.gone(shard),
                    }
                }
            }
        }
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Entry { shard, index, entry, bytes, looped } => {
                if let Some(held) = self.shards.get_mut(&shard) {
                    if let Some((sender, number)) = looped {
                        held.taken.take(sender, number, entry.clock);
                    }
                    held.feed(index, entry, &mut self.effects);
                }
                self.carry_out();
                self.room.give(bytes);
            }
            Job::Start { shard, index, task, definition, restored, sources } => {
                if let Some(held) = self.shards.get_mut(&shard) {
                    held.start(index, task, definition, restored, &sources);
                }
            }
            Job::Stop { shard, index, task } => {
                if let Some(held) = self.shards.get_mut(&shard) {
                    held.finish(index, &task, &mut self.effects);
                }
                self.carry_out();
            }
            Job::Other { shard, index, other } => {
                if let Some(held) = self.shards.get_mut(&shard) {
                    held.other(index, other, &mut self.effects);
                }
                self.carry_out();
            }
            Job::Oldest { shard, part, reply } => {
                let held = self.shards.get(&shard);
                let _ = reply.send(held.and_then(|held| held.shard.oldest(crate::clock::wall(), part)));
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
                self.outside.unlead(shard);
            }
            Job::Show { shard, task, node, reply } => {
                let held = self.shards.get_mut(&shard);
                let _ = reply.send(held.and_then(|held| held.shard.show(&task, node)));
            }
            Job::Checkpoint { part: (part, parts), done } => {
                for held in self.shards.values_mut().filter(|held| held.number % parts == part) {
                    held.written(self.outside.written(held.number));
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
        let (held, calls) = loader.load(shard, generation, upto, &self.outlet)?;
        let led = held.led();
        self.outside.lead(shard, &held.looping, calls);
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
        if !self.effects.calls.is_empty() {
            self.outside.call(std::mem::take(&mut self.effects.calls));
        }
        for write in self.effects.writes.drain(..) {
            let shard = write.identity.shard;
            let Some(held) = self.shards.get_mut(&shard) else { continue };
            let write = Arc::new(write);
            held.written(self.outside.written(shard));
            held.looping.push_back(write.clone());
            self.outside.write(shard, write);
        }
        for line in self.effects.logs.drain(..) {
            self.lines.write(&line);
        }
    }
}

impl Held {
    /// A shard that has applied up to `applied`, and has a checkpoint of it up to `saved`.
    pub fn new(number: u32, shard: Shard, applied: u64, saved: u64) -> Held {
        Held {
            number,
            shard,
            applied,
            saved,
            clock: 0,
            group: None,
            taken: Taken::default(),
            looping: VecDeque::new(),
            looping_saved: false,
            failures: 0,
        }
    }

    /// Takes back the points that the checkpoint says were not logged.
    pub fn load_looping(&mut self, saved: Option<Vec<u8>>) -> Result<(), String> {
        if let Some(bytes) = saved {
            let writes: Vec<Write> = postcard::from_bytes(&bytes).map_err(|error| error.to_string())?;
            self.looping = writes.into_iter().map(Arc::new).collect();
            self.looping_saved = !self.looping.is_empty();
        }
        Ok(())
    }

    /// Takes what a replay asked for: points that tasks wrote wait anew. Of lines for the log and the
    /// like, nothing is left.
    pub fn take_replayed(&mut self, effects: &mut Effects) {
        self.looping.extend(effects.writes.drain(..).map(Arc::new));
        // Lines for the log were written when the points came.
        effects.logs.clear();
        effects.calls.truncate(REPLAYED_CALLS_MAX);
    }

    /// Points up to this number are logged.
    pub fn written(&mut self, upto: u64) {
        while self.looping.front().is_some_and(|write| number(write.identity) <= upto) {
            self.looping.pop_front();
        }
    }

    /// Starts a task.
    pub fn start(
        &mut self,
        index: u64,
        task: Arc<Task>,
        definition: Arc<[u8]>,
        restored: Restored,
        sources: &Sources,
    ) {
        let id = task.id.clone();
        self.shard.start(task, definition, restored);
        for (node, content) in sources {
            self.shard.set_source(&id, node, content.clone());
        }
        self.applied = index;
    }

    /// Runs points.
    pub fn feed(&mut self, index: u64, entry: model::Entry, effects: &mut Effects) {
        self.clock = entry.clock;
        self.shard.apply(index, entry, effects);
        self.applied = index;
        self.report_failures();
    }

    /// Ends a task.
    pub fn finish(&mut self, index: u64, task: &str, effects: &mut Effects) {
        self.shard.finish(index, self.clock, task, effects);
        self.applied = index;
    }

    /// Runs an entry that brings neither points nor a task.
    pub fn other(&mut self, index: u64, other: Other, effects: &mut Effects) {
        self.clock = other.clock();
        match other {
            Other::Tick(tick) => {
                let before = self.shard.groups();
                self.shard.tick(index, tick.clock, tick.idle, effects);
                if let Some(idle) = tick.idle {
                    let groups = before.saturating_sub(self.shard.groups());
                    let idle = Duration::from_nanos(idle.unsigned_abs());
                    tracing::warn!(
                        shard = self.number,
                        groups,
                        ?idle,
                        "memory is above farad.group-memory-max: the groups that were idle longest are forgotten"
                    );
                }
            }
            Other::Answered(answered) => {
                // In a replay: nobody has to ask again.
                let answer = &answered.answer;
                effects.calls.retain(|call| {
                    let same = (call.identity.index, call.identity.sequence) == answer.call;
                    !same || call.node != answer.node || call.task != answer.task
                });
                self.shard.answer(index, answered.clock, &answered.answer, effects);
            }
        }
        self.applied = index;
        self.report_failures();
    }

    /// Runs an entry of the log that is not points. The error says why it cannot be read.
    pub fn replay(
        &mut self,
        index: u64,
        (kind, bytes): (u8, &[u8]),
        build: &mut dyn FnMut(&[u8]) -> Option<Arc<Task>>,
        effects: &mut Effects,
    ) -> Result<(), String> {
        if kind != crate::submit::kind::TASK {
            let other = Other::decode(kind, bytes)?.ok_or_else(|| format!("unknown kind of entry {kind}"))?;
            self.other(index, other, effects);
            return Ok(());
        }
        match TaskEntry::decode(bytes)? {
            TaskEntry::Stop { task } => self.finish(index, &task, effects),
            TaskEntry::Start { definition, restored } => {
                if let Some(task) = build(&definition) {
                    self.start(index, task, definition.into(), restored, &Sources::new());
                }
                self.applied = index;
            }
            TaskEntry::StartWith { definition, restored, sources } => {
                if let Some(task) = build(&definition) {
                    self.start(index, task, definition.into(), restored, &sources);
                }
                self.applied = index;
            }
        }
        Ok(())
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
        match &self.group {
            Some(group) => group.save(&mut changes),
            None => self.taken.save(&mut changes),
        }
        if self.looping_saved || !self.looping.is_empty() {
            let waiting: Vec<&Write> = self.looping.iter().map(|write| &**write).collect();
            changes.set(LOOPING, postcard::to_allocvec(&waiting).expect("plain values always encode"));
            self.looping_saved = !self.looping.is_empty();
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
    /// None written yet.
    pub fn new() -> Lines {
        Lines { since: Instant::now(), written: 0, left_out: 0 }
    }

    /// Writes a line, if there were not too many.
    pub fn write(&mut self, line: &Log) {
        if self.since.elapsed() >= Duration::from_secs(1) {
            if self.left_out > 0 {
                tracing::warn!(
                    lines = self.left_out,
                    "log lines about errors of tasks left out: too many in a second"
                );
            }
            *self = Lines::new();
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
