//! From runs to the log and the queues: where a write gets its place in the order of each shard.

use crate::definition::Other;
use crate::engine::Engine;
use crate::error::WriteError;
use crate::member::Member;
use crate::outside::looped::Key;
use crate::queue::Job;
use line::Builder;
use model::{Entry, SourceRun, Time, codec};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use store::{Position, Record};

/// Kinds of record in a shard's log.
pub mod kind {
    /// Points: a [`model::Entry`].
    pub const POINTS: u8 = 1;
    /// A task starts or stops: a [`crate::definition::TaskEntry`].
    pub const TASK: u8 = 2;
    /// Some of a checkpoint's changes, in a cluster.
    pub const CHECKPOINT_PART: u8 = 3;
    /// The end of a checkpoint, in a cluster: it is to be taken.
    pub const CHECKPOINT: u8 = 4;
    /// How late it is: a [`crate::definition::Tick`].
    pub const TICK: u8 = 5;
    /// What came back from outside: an [`crate::definition::Answered`].
    pub const ANSWER: u8 = 6;
    /// Points that a task wrote, on a member alone: sender, number, and a [`model::Entry`].
    pub const LOOPED: u8 = 7;
}

/// Sender, number and points of a record of kind [`kind::LOOPED`].
pub fn read_looped(bytes: &[u8]) -> Option<(u64, u64, &[u8])> {
    let (sender, rest) = bytes.split_first_chunk()?;
    let (number, points) = rest.split_first_chunk()?;
    Some((u64::from_le_bytes(*sender), u64::from_le_bytes(*number), points))
}

/// How long a write waits for a member that does not know yet what is agreed on.
const READY: Duration = Duration::from_secs(10);

/// The log group of a shard. Group 0 is the control group's.
pub fn group(shard: u32) -> u64 {
    u64::from(shard) + 1
}

impl Engine {
    /// Waits until writes can be routed. A member of a cluster that does not know which tasks there
    /// are would lose points without anybody noticing.
    pub async fn ready(&self) -> Result<(), WriteError> {
        let Some(member) = self.member() else { return Ok(()) };
        let limit = self.options.write_timeout.min(READY);
        if member.wait_current(limit).await {
            return Ok(());
        }
        let why = member.no_quorum().unwrap_or_else(|| "this member is catching up with the others".into());
        Err(WriteError::NotReady(why))
    }

    /// Waits for room, then logs and queues what a builder has collected. `None`: there was
    /// nothing that a task wants.
    pub(crate) async fn admit(
        &self,
        builder: &mut Builder,
        key: Option<Key>,
    ) -> Result<Option<Position>, WriteError> {
        if self.stopping.load(Relaxed) {
            return Err(WriteError::Stopping);
        }
        let limit = self.options.write_timeout;
        // What tasks write makes room where it comes from: to wait here would be to wait for itself.
        let looped = matches!(key, Some(Key::Looped { .. }));
        let room = async {
            if !looped {
                self.outside.wait().await;
                self.room.wait().await;
            }
        };
        if tokio::time::timeout(limit, room).await.is_err() {
            builder.clear();
            self.refused.fetch_add(1, Relaxed);
            return Err(WriteError::Busy(limit, self.room.used()));
        }
        if self.stopping.load(Relaxed) {
            return Err(WriteError::Stopping);
        }
        let lanes: Vec<(u32, Vec<SourceRun>)> = builder.take().collect();
        if lanes.is_empty() {
            return Ok(None);
        }
        match self.member() {
            None => {
                let looped = key.filter(|_| looped).map(Key::identity);
                self.submit(lanes, looped)
            }
            Some(member) => self.send(member, lanes, key).await.map(|()| None),
        }
    }

    /// Sends runs to the leaders of their shards, and waits until all have them.
    async fn send(
        &self,
        member: &Member,
        lanes: Vec<(u32, Vec<SourceRun>)>,
        key: Option<Key>,
    ) -> Result<(), WriteError> {
        let (clock, limit) = (self.clock.now(), self.options.write_timeout);
        let sent = lanes
            .into_iter()
            .map(|(shard, runs)| (shard, member.sender(shard).send(clock, runs, key.map(Key::identity))));
        let deadline = tokio::time::Instant::now() + limit;
        for (shard, taken) in sent.collect::<Vec<_>>() {
            match tokio::time::timeout_at(deadline, taken).await {
                Ok(Ok(taken)) => taken?,
                Ok(Err(_)) => return Err(WriteError::Unconfirmed(limit, "the server is stopping".into())),
                Err(_) => return Err(WriteError::Unconfirmed(limit, member.why_silent(shard))),
            }
        }
        Ok(())
    }

    /// Logs runs, by shard in ascending order, and queues them. The shards' directories are held
    /// until the entries are queued: the order of the log is the order of the queue.
    fn submit(
        &self,
        mut lanes: Vec<(u32, Vec<SourceRun>)>,
        looped: Option<(u64, u64)>,
    ) -> Result<Option<Position>, WriteError> {
        let numbers = lanes.iter().map(|(lane, _)| *lane).collect::<Vec<u32>>();
        let mut held: Vec<_> = numbers.iter().map(|&lane| self.directories[lane as usize].lock()).collect();
        if let Some((sender, number)) = looped {
            // Some shards may have had it before a crash, others not.
            let fresh: Vec<bool> = held.iter().map(|one| one.taken.last(sender) < number).collect();
            let mut each = fresh.iter();
            held.retain(|_| *each.next().unwrap_or(&true));
            let mut each = fresh.iter();
            lanes.retain(|_| *each.next().unwrap_or(&true));
        }
        if lanes.is_empty() {
            return Ok(None);
        }
        let numbers = lanes.iter().map(|(lane, _)| *lane).collect::<Vec<u32>>();
        let clock = self.clock.now();
        let mut entries = Vec::with_capacity(lanes.len());
        let mut bytes = Vec::with_capacity(lanes.len());
        for ((_, runs), directory) in lanes.into_iter().zip(&held) {
            let new_series = directory.unlogged().to_vec();
            let entry = Entry { clock, first_series: directory.logged, new_series, runs };
            let mut encoded = Vec::with_capacity(64 + entry.points() * 48);
            if let Some((sender, number)) = looped {
                encoded.extend(sender.to_le_bytes());
                encoded.extend(number.to_le_bytes());
            }
            codec::encode(&entry, &mut encoded);
            entries.push(entry);
            bytes.push(encoded);
        }
        let parts: Vec<[&[u8]; 1]> = bytes.iter().map(|b| [b.as_slice()]).collect();
        let records: Vec<Record<'_>> = numbers
            .iter()
            .zip(&held)
            .zip(&parts)
            .map(|((&lane, directory), parts)| Record {
                group: group(lane),
                index: directory.next_index,
                kind: if looped.is_some() { kind::LOOPED } else { kind::POINTS },
                parts,
            })
            .collect();
        let position = self.log.append(&records)?;
        let mut jobs: Vec<Vec<Job>> = Vec::new();
        jobs.resize_with(self.queues.len(), Vec::new);
        for (((&shard, directory), entry), encoded) in numbers.iter().zip(&mut held).zip(entries).zip(&bytes)
        {
            directory.set_logged();
            if let Some((sender, number)) = looped {
                directory.taken.take(sender, number, entry.clock);
            }
            let (index, bytes) = (directory.next_index, encoded.len());
            directory.next_index += 1;
            self.room.take(bytes);
            jobs[shard as usize % self.queues.len()].push(Job::Entry { shard, index, entry, bytes, looped });
        }
        for (queue, jobs) in self.queues.iter().zip(jobs) {
            if !jobs.is_empty() {
                queue.push(jobs);
            }
        }
        Ok(Some(position))
    }

    /// Logs and queues something for one shard of a member alone that is neither points nor a task.
    pub(crate) fn submit_other(
        &self,
        shard: u32,
        other: impl FnOnce(Time) -> Other,
    ) -> Result<(), store::Error> {
        let mut directory = self.directories[shard as usize].lock();
        let other = other(self.clock.now());
        let bytes = other.encode();
        let index = directory.next_index;
        self.log.append(&[Record { group: group(shard), index, kind: other.kind(), parts: &[&bytes] }])?;
        directory.next_index += 1;
        self.queues[shard as usize % self.queues.len()].push([Job::Other { shard, index, other }]);
        Ok(())
    }

    /// Logs and queues a task's start or stop in every shard, at one place of each log. `job`
    /// makes the shard's job.
    pub(crate) fn submit_task(
        &self,
        entry: &[u8],
        job: impl Fn(u32, u64) -> Job,
    ) -> Result<Position, store::Error> {
        let mut held: Vec<_> = self.directories.iter().map(|directory| directory.lock()).collect();
        let parts = [entry];
        let records: Vec<Record<'_>> = held
            .iter()
            .enumerate()
            .map(|(shard, directory)| Record {
                group: group(shard as u32),
                index: directory.next_index,
                kind: kind::TASK,
                parts: &parts,
            })
            .collect();
        let position = self.log.append(&records)?;
        for (shard, directory) in held.iter_mut().enumerate() {
            let index = directory.next_index;
            directory.next_index += 1;
            self.queues[shard % self.queues.len()].push([job(shard as u32, index)]);
        }
        Ok(position)
    }
}
