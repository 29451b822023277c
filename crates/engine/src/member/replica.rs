//! One member's replica of a shard: the group's log and the checkpoint; the pipeline only while the
//! member leads.

use super::intake::Intake;
use super::lead::{Chain, Header, POSITION, Run};
use crate::definition::Other;
use crate::outlet::{Change, Changes, Saved};
use crate::queue::{Job, Queue, Room};
use crate::recover::Prefixed;
use crate::submit::{group, kind};
use crate::worker::prefix;
use bytes::Bytes;
use cluster::raft::{
    Committed, Content, Group, Machine, Position, Proposal, ProposeError, SnapshotSource, read_committed,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use model::Time;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use store::{Batch, Family, Log, State};
use tokio::sync::watch;

/// Bytes of a checkpoint in one entry of the log: more would hold up the points behind it.
const PART_BYTES: usize = 512 * 1024;

/// Wait before a failed write is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// The answer to points that do not count.
const SKIPPED: Bytes = Bytes::from_static(b"skipped");

/// Longest key or value in a snapshot.
const VALUE_MAX: u32 = 1 << 30;

/// A replica.
pub struct Replica {
    /// The shard.
    pub shard: u32,
    /// Its Raft group.
    pub group: Group,
    /// Takes points while this member leads.
    pub intake: Intake,
    /// What the machine feeds.
    pub feed: Arc<Feed>,
    /// The catalog's index up to which the shard runs the tasks that it should, while leading.
    pub reconciled: watch::Sender<u64>,
    /// Held while a checkpoint is on its way through the group. The generation of the shard of which
    /// one was lost: what follows of it builds on what nobody has.
    saving: tokio::sync::Mutex<u64>,
}

/// The way from the group to the shard's thread.
pub struct Feed {
    shard: u32,
    queue: Arc<Queue>,
    room: Arc<Room>,
    fed: Mutex<Fed>,
    /// Entries and bytes that wait for the thread.
    queued: Queued,
    /// What the member's own checkpoint holds.
    saved: Mutex<SavedAt>,
    /// Bumped with every checkpoint that was taken.
    moved: watch::Sender<u64>,
}

/// What waits for the thread that runs a shard. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Queued(Arc<(AtomicU64, AtomicU64)>);

impl Queued {
    fn add(&self, bytes: usize) {
        self.0.0.fetch_add(1, Relaxed);
        self.0.1.fetch_add(bytes as u64, Relaxed);
    }

    /// An entry was run.
    pub fn done(&self, bytes: usize) {
        self.0.0.fetch_sub(1, Relaxed);
        self.0.1.fetch_sub(bytes as u64, Relaxed);
    }
}

#[derive(Default)]
struct Fed {
    leading: bool,
    applied: u64,
    chain: Chain,
    generation: u64,
}

#[derive(Default)]
struct SavedAt {
    position: Position,
    at: Option<Instant>,
}

/// The group's state machine: keeps the checkpoint, and feeds the pipeline while leading.
pub struct ShardMachine {
    feed: Arc<Feed>,
    log: Arc<Log>,
    state: Arc<State>,
}

/// One part of a checkpoint, as an entry of the log.
#[derive(Serialize, Deserialize)]
struct Part {
    /// The checkpoint that it belongs to.
    nonce: u64,
    changes: Changes,
}

/// The end of a checkpoint.
#[derive(Serialize, Deserialize)]
struct End {
    nonce: u64,
    /// Index of the first part.
    first: u64,
    parts: u32,
    /// The checkpoint that it builds on ends here.
    base: u64,
    /// This one ends here.
    index: u64,
}

impl Feed {
    /// Of a shard, to the thread that runs it.
    pub fn new(shard: u32, queue: Arc<Queue>, room: Arc<Room>, position: Position) -> Feed {
        let fed = Mutex::new(Fed { applied: position.id.index, ..Fed::default() });
        let saved = Mutex::new(SavedAt { position, at: None });
        Feed { shard, queue, room, fed, queued: Queued::default(), saved, moved: watch::Sender::new(0) }
    }

    /// Feeds the shard's thread from now on; it first brings the shard to what was applied.
    pub fn lead(&self) -> tokio::sync::oneshot::Receiver<Result<super::lead::Led, String>> {
        let (reply, led) = tokio::sync::oneshot::channel();
        let mut fed = self.fed.lock();
        fed.leading = true;
        fed.generation += 1;
        let (generation, upto) = (fed.generation, fed.applied);
        self.queue.push([Job::Lead { shard: self.shard, generation, upto, reply }]);
        led
    }

    /// Feeds it no more.
    pub fn unlead(&self) {
        let mut fed = self.fed.lock();
        if std::mem::take(&mut fed.leading) {
            self.queue.push([Job::Unlead { shard: self.shard }]);
        }
    }

    /// Bytes that wait for the threads: who offers more waits for room first.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// The member feeds the shard's thread.
    pub fn is_leading(&self) -> bool {
        self.fed.lock().leading
    }

    /// Index and age of the member's checkpoint; the age is unknown until one was made since the
    /// start.
    pub fn saved(&self) -> (u64, Option<Instant>) {
        let saved = self.saved.lock();
        (saved.position.id.index, saved.at)
    }

    /// Entries and bytes that wait for the shard's thread.
    pub fn queued(&self) -> (u64, u64) {
        (self.queued.0.0.load(Relaxed), self.queued.0.1.load(Relaxed))
    }

    /// Told of checkpoints.
    pub fn moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// Takes what was committed. True: it counts; false: it does not follow what the leader
    /// proposed before, and counts as never proposed. (Who has not seen the start of a leader's
    /// chain may say false to what follows; nobody asks it.)
    fn pass(&self, entry: Committed) -> bool {
        let mut fed = self.fed.lock();
        fed.applied = entry.id.index;
        let follows = match &entry.content {
            Content::Proposal(points) if points.kind == kind::POINTS => {
                Header::read(&points.bytes).is_some_and(|header| fed.chain.take(header.chain))
            }
            _ => true,
        };
        if !fed.leading {
            return follows;
        }
        let bytes = match &entry.content {
            Content::Proposal(Proposal { kind: kind::CHECKPOINT_PART | kind::CHECKPOINT, .. }) => 0,
            Content::Proposal(proposal) => proposal.bytes.len(),
            _ => 0,
        };
        self.room.take(bytes);
        self.queued.add(bytes);
        let queued = self.queued.clone();
        self.queue.push([Job::Committed { shard: self.shard, entry, bytes, queued }]);
        follows
    }

    fn set_saved(&self, position: Position) {
        *self.saved.lock() = SavedAt { position, at: Some(Instant::now()) };
        self.moved.send_modify(|moved| *moved += 1);
    }
}

impl ShardMachine {
    /// The machine of a shard, with what the member's checkpoint says.
    pub fn new(feed: Arc<Feed>, log: Arc<Log>, state: Arc<State>) -> ShardMachine {
        ShardMachine { feed, log, state }
    }

    /// Where a shard's checkpoint stands.
    pub fn position_of(state: &State, shard: u32) -> Result<Position, String> {
        match Prefixed::new(state, shard).value(POSITION).map_err(|error| error.to_string())? {
            Some(bytes) => Position::decode(&bytes).map_err(|error| error.to_string()),
            None => Ok(Position::default()),
        }
    }

    /// What a checkpoint changes, all whose parts are in the log by now. `None`: it was taken before.
    fn read_checkpoint(&self, end: &End, at: u64) -> Result<Option<Batch>, String> {
        let saved = self.feed.saved().0;
        if end.index <= saved {
            return Ok(None);
        }
        if end.base != saved {
            return Err(format!(
                "it follows the checkpoint at {}, this member has the one at {saved}",
                end.base
            ));
        }
        let shard = self.feed.shard;
        let (mut batch, mut parts) = (Batch::new(), 0);
        for entry in read_committed(&self.log, group(shard), end.first..at) {
            let entry = entry.map_err(|error| error.to_string())?;
            let Content::Proposal(proposal) = entry.content else { continue };
            if proposal.kind != kind::CHECKPOINT_PART {
                continue;
            }
            let part: Part = super::wire::decode(&proposal.bytes)?;
            if part.nonce == end.nonce {
                part.changes.into_batch(shard, &mut batch);
                parts += 1;
            }
        }
        if parts != end.parts {
            return Err(format!("it has {parts} parts of {}", end.parts));
        }
        Ok(Some(batch))
    }

    /// Takes a checkpoint. The disk is waited for, also when it is full: the next one builds on this.
    async fn take_checkpoint(&self, end: &End, at: u64) -> Result<(), String> {
        let shard = self.feed.shard;
        let Some(batch) = tokio::task::block_in_place(|| self.read_checkpoint(end, at))? else {
            return Ok(());
        };
        while let Err(error) = tokio::task::block_in_place(|| self.state.write(batch.clone(), true)) {
            tracing::error!(shard, %error, "cannot write a checkpoint; the shard waits on this member until it can be written");
            tokio::time::sleep(RETRY).await;
        }
        self.feed.set_saved(Self::position_of(&self.state, shard)?);
        Ok(())
    }

    async fn checkpoint(&self, entry: &Committed, proposal: &Proposal) {
        let taken = match super::wire::decode::<End>(&proposal.bytes) {
            Ok(end) => self.take_checkpoint(&end, entry.id.index).await,
            Err(why) => Err(why),
        };
        if let Err(why) = taken {
            let shard = self.feed.shard;
            tracing::error!(
                shard,
                index = entry.id.index,
                why,
                "cannot take a checkpoint; the log is kept until one can be taken"
            );
        }
    }
}

impl Machine for ShardMachine {
    fn position(&self) -> Option<Position> {
        let position = self.feed.saved.lock().position.clone();
        (position.id.index > 0).then_some(position)
    }

    fn apply(&mut self, entries: Vec<Committed>) -> BoxFuture<'_, io::Result<Vec<Bytes>>> {
        async move {
            let mut answers = Vec::with_capacity(entries.len());
            for entry in entries {
                if let Content::Proposal(proposal) = &entry.content
                    && proposal.kind == kind::CHECKPOINT
                {
                    self.checkpoint(&entry, proposal).await;
                }
                answers.push(if self.feed.pass(entry) { Bytes::new() } else { SKIPPED });
            }
            Ok(answers)
        }
        .boxed()
    }

    fn saved(&self) -> Option<(Position, Arc<dyn SnapshotSource>)> {
        let position = self.position()?;
        Some((position, Arc::new(CheckpointSource { shard: self.feed.shard, state: self.state.clone() })))
    }

    fn install(&mut self, position: Position, snapshot: std::fs::File) -> BoxFuture<'_, io::Result<()>> {
        async move {
            let shard = self.feed.shard;
            tokio::task::block_in_place(|| -> io::Result<()> {
                let mut batch = Batch::new();
                batch.delete_prefix(Family::Checkpoints, prefix(shard));
                let mut changes = Changes::default();
                read_pairs(BufReader::new(snapshot), |key, value| changes.0.push(Change::Put(key, value)))?;
                changes.into_batch(shard, &mut batch);
                self.state.write(batch, true).map_err(io::Error::other)
            })?;
            self.feed.fed.lock().applied = position.id.index;
            self.feed.set_saved(position);
            Ok(())
        }
        .boxed()
    }
}

/// A shard's checkpoint as a snapshot: pairs of keys and values.
struct CheckpointSource {
    shard: u32,
    state: Arc<State>,
}

impl SnapshotSource for CheckpointSource {
    fn write(&self, out: &mut dyn Write) -> io::Result<Position> {
        let prefix = prefix(self.shard);
        let mut out = BufWriter::new(out);
        let (mut written, mut position) = (Ok(()), Position::default());
        self.state
            .scan(Family::Checkpoints, &prefix, |key, value| {
                let key = &key[prefix.len()..];
                if key == POSITION {
                    position = Position::decode(value).unwrap_or_default();
                }
                if written.is_ok() {
                    written = write_pair(&mut out, key, value);
                }
            })
            .map_err(io::Error::other)?;
        written?;
        out.flush()?;
        Ok(position)
    }
}

/// Writes a key and a value, each behind its length.
pub fn write_pair(out: &mut impl Write, key: &[u8], value: &[u8]) -> io::Result<()> {
    for bytes in [key, value] {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(bytes)?;
    }
    Ok(())
}

/// Reads what [`write_pair`] wrote, to the end.
pub fn read_pairs(mut from: impl Read, mut each: impl FnMut(Vec<u8>, Vec<u8>)) -> io::Result<()> {
    fn next(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
        let mut length = [0; 4];
        match from.read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let length = u32::from_le_bytes(length);
        if length > VALUE_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a value of a snapshot is too long"));
        }
        let mut bytes = Vec::new();
        from.by_ref().take(length.into()).read_to_end(&mut bytes)?;
        if bytes.len() != length as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some(bytes))
    }
    while let Some(key) = next(&mut from)? {
        let value = next(&mut from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        each(key, value);
    }
    Ok(())
}

impl Replica {
    /// A replica over its group.
    pub fn new(shard: u32, group: Group, feed: Arc<Feed>, clock: Arc<crate::clock::Clock>) -> Replica {
        Replica {
            shard,
            group,
            intake: Intake::new(clock),
            feed,
            reconciled: watch::Sender::new(0),
            saving: tokio::sync::Mutex::new(0),
        }
    }

    /// Sends a checkpoint through the group, so that all its members have it. When that fails the
    /// changes since the last one are not saved anywhere, so the shard must be led anew.
    pub async fn save(&self, saved: Saved) {
        let mut broken = self.saving.lock().await;
        let (index, generation) = (saved.index, saved.generation);
        if generation <= *broken {
            return;
        }
        if let Err(error) = self.send(saved).await {
            tracing::info!(shard = self.shard, index, %error, "a checkpoint was not taken; the next leader makes its own");
            *broken = generation;
            self.intake.close();
        }
    }

    async fn send(&self, saved: Saved) -> Result<(), ProposeError> {
        let base = self.feed.saved().0;
        let nonce = uuid::Uuid::new_v4().as_u64_pair().0;
        let (mut first, mut parts, mut bytes) = (None, 0, 0);
        let mut changes = Changes::default();
        let mut left = saved.changes.0.into_iter().peekable();
        while let Some(change) = left.next() {
            bytes += change.bytes();
            changes.0.push(change);
            if bytes >= PART_BYTES || left.peek().is_none() {
                let part = Part { nonce, changes: std::mem::take(&mut changes) };
                let (id, _) = self.group.propose(proposal(kind::CHECKPOINT_PART, &part)).await?;
                first.get_or_insert(id.index);
                parts += 1;
                bytes = 0;
            }
        }
        let end = End { nonce, first: first.unwrap_or_default(), parts, base, index: saved.index };
        self.group.propose(proposal(kind::CHECKPOINT, &end)).await?;
        Ok(())
    }

    /// Logs that a task starts or stops.
    pub async fn log_task(&self, entry: Vec<u8>) -> Result<(), ProposeError> {
        self.group.propose(Proposal { kind: kind::TASK, bytes: entry.into() }).await.map(|_| ())
    }

    /// Logs something that is neither points nor a task, while this member leads the shard.
    pub async fn log_other(&self, other: impl FnOnce(Time) -> Other) -> Result<(), String> {
        let proposed =
            self.intake.with(|open| open.propose_other(other)).ok_or("this member does not lead")?;
        proposed.await.map(|_| ()).map_err(|error| error.to_string())
    }

    /// The tasks that the shard's log says are running, while this member leads it.
    pub fn running(&self) -> Option<std::collections::BTreeMap<String, Run>> {
        self.intake.with(|open| open.running.clone())
    }
}

fn proposal<T: Serialize>(kind: u8, value: &T) -> Proposal {
    Proposal { kind, bytes: super::wire::encode(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_read_as_they_were_written_and_cut_ones_are_an_error() {
        let mut bytes = Vec::new();
        write_pair(&mut bytes, b"key", b"").unwrap();
        write_pair(&mut bytes, b"", &[7; 70_000]).unwrap();
        let mut pairs = Vec::new();
        read_pairs(bytes.as_slice(), |key, value| pairs.push((key, value))).unwrap();
        assert_eq!(pairs, [(b"key".to_vec(), Vec::new()), (Vec::new(), vec![7; 70_000])]);
        assert!(read_pairs(&bytes[..bytes.len() - 1], |_, _| {}).is_err());
    }
}
