//! The segment log: one per member, shared by the logs of all its groups.
//!
//! Every record belongs to a group and has an index that follows the group's last one. Records are
//! appended to files of (usually) 64 MiB, preallocated and used again when nobody needs them, in
//! the format described in `log/format.rs`. An append returns once the bytes are in the kernel,
//! where the death of the process cannot reach them; [`Log::durable`] waits for the platter.
//!
//! * One append call is whole or absent after a crash, and its records lie side by side.
//! * Callers never hand over to a thread: whoever holds the writer writes what all have queued.
//! * A full disk refuses the call and leaves the log as it was; it goes on when space returns.
//! * Purges, truncations and removals of groups are records too, so their order is never in doubt.
//! * Segments are freed from the oldest on: an idle group can pin many, see [`Log::pinned_by`].

mod call;
mod disk;
mod format;
mod index;
mod read;
mod recover;
mod scan;
mod segment;
mod stats;
mod supply;
mod sync;
mod writer;

#[cfg(test)]
mod fault_tests;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

pub use self::index::Bounds;
pub use self::read::{Entry, Reader};
pub use self::recover::{Recovery, Torn};
pub use self::stats::LogStats;

use self::call::{Call, Queue, STAGE_MAX};
use self::disk::Disk;
use self::format::{CALL_MAX, Op};
use self::supply::Supply;
use self::sync::Syncer;
use self::writer::{Surroundings, Writer};
use crate::error::{Error, Result};

/// When appended bytes are flushed to the platter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// As soon as they are written; concurrent writes share a flush.
    Always,
    /// At most this long after they were written. [`Log::durable`] still flushes at once.
    Interval(Duration),
}

/// How the log is kept.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The size of a segment in bytes (4 KiB to 1 GiB; other values are brought into that range).
    pub segment_bytes: u64,
    /// When to flush.
    pub sync: Sync,
}

impl Default for Options {
    fn default() -> Self {
        Options { segment_bytes: 64 << 20, sync: Sync::Interval(Duration::from_secs(1)) }
    }
}

/// A record to append.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The log it belongs to.
    pub group: u64,
    /// Its index there: one more than the last, or any (above what was purged) in an empty group.
    pub index: u64,
    /// A byte for the caller's own use.
    pub kind: u8,
    /// The payload, in pieces that are written one behind the other.
    pub parts: &'a [&'a [u8]],
}

/// A place in the log, ordered as the log is written. Not stable across reopening.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    fn new(segment: u32, offset: u64) -> Position {
        Position(u64::from(segment) << 32 | offset)
    }

    fn segment(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn offset(self) -> u32 {
        self.0 as u32
    }
}

/// A group that keeps segments from being freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// The group.
    pub group: u64,
    /// Its first index: purge it (and what follows it in the same segment) to let go.
    pub first: u64,
    /// Bytes on disk from the segment of that index up to the active one.
    pub bytes: u64,
}

/// An open log. Dropping it flushes what is written and stops its threads.
pub struct Log {
    around: Arc<Surroundings>,
    writer: Arc<Mutex<Writer>>,
    queue: Queue,
    threads: Vec<(Thread, JoinHandle<()>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Thread {
    Sync,
    Supply,
}

impl Log {
    /// Opens the log in the folder `dir`, creating it when missing, and says what was found. The
    /// caller sees to it that no other process has it open (see [`crate::DataDir`]).
    ///
    /// # Errors
    /// [`Error::Corrupt`] when flushed bytes do not read back, [`Error::Version`] for files of
    /// another version, [`Error::Io`] and [`Error::DiskFull`] from the operating system.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<(Log, Recovery)> {
        Log::open_on(dir.as_ref(), options, Disk::default())
    }

    fn open_on(dir: &Path, options: Options, disk: Disk) -> Result<(Log, Recovery)> {
        let segment_bytes = options.segment_bytes.clamp(4096, CALL_MAX);
        let found = recover::recover(dir, segment_bytes, &disk)?;
        if let Some(torn) = &found.recovery.torn {
            tracing::warn!(path = %torn.path.display(), offset = torn.offset, "cut off a torn tail");
        }
        let position = Position::new(found.active.number, found.offset);
        let around = Arc::new(Surroundings {
            dir: dir.to_owned(),
            disk,
            segment_bytes,
            index: Mutex::new(found.index),
            syncer: Syncer::new(options.sync, Arc::clone(&found.active), position),
            supply: Supply::default(),
            counters: Default::default(),
        });
        let writer = Writer::new(Arc::clone(&around), found.active, found.offset, found.size);
        let writer = Arc::new(Mutex::new(writer));
        let mut log = Log { around, writer, queue: Queue::default(), threads: Vec::new() };
        log.start_threads()?;
        log.release(log.writer.lock().active(), position);
        Ok((log, found.recovery))
    }

    fn start_threads(&mut self) -> Result<()> {
        let around = Arc::clone(&self.around);
        let writer = Arc::clone(&self.writer);
        let sync = move || {
            // Never waits for the writer: the writer may be waiting, through the supply, for us.
            let note = || {
                if let Some(mut writer) = writer.try_lock() {
                    writer.note_durable();
                }
            };
            let flushed = || around.supply.look();
            around.syncer.run(&around.disk, &around.counters, flushed, note);
        };
        let around = Arc::clone(&self.around);
        let supply = move || {
            let Surroundings { dir, disk, segment_bytes, syncer, counters, .. } = &*around;
            around.supply.run(dir, *segment_bytes, disk, syncer, counters);
        };
        self.start(Thread::Sync, "log-sync", sync)?;
        self.start(Thread::Supply, "log-supply", supply)
    }

    fn start(&mut self, thread: Thread, name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
        let handle = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map_err(|source| Error::io("start the thread of", &self.around.dir, 0, source))?;
        self.threads.push((thread, handle));
        Ok(())
    }

    /// Appends the records, in order and as one: after a crash all of them are there, or none. On
    /// return the bytes are in the kernel. Returns the position to wait for.
    ///
    /// # Errors
    /// [`Error::OutOfOrder`], [`Error::TooLarge`] and [`Error::DiskFull`] leave the log as it was;
    /// after [`Error::SyncFailed`] nothing more is accepted until the member is restarted.
    pub fn append(&self, records: &[Record<'_>]) -> Result<Position> {
        self.around.syncer.check()?;
        if records.is_empty() {
            return Ok(self.around.syncer.written());
        }
        let call = Call::new(records)?;
        if let Some(mut writer) = self.writer.try_lock() {
            return self.write_with(&mut writer, call);
        }
        if call.size > STAGE_MAX {
            return self.write_with(&mut self.writer.lock(), call);
        }
        let answer = self.queue.stage(&call);
        let mut writer = self.writer.lock();
        if answer.lock().is_none() {
            self.write_queued(&mut writer);
        }
        let result = answer.lock().take();
        result.unwrap_or(Err(Error::Closed))
    }

    /// Writes what is queued and one more call behind it.
    fn write_with(&self, writer: &mut MutexGuard<'_, Writer>, call: Call<'_>) -> Result<Position> {
        self.write_queued(writer);
        let mut answer = Err(Error::Closed);
        writer.write(std::slice::from_ref(&call), |_, result| answer = result);
        answer
    }

    fn write_queued(&self, writer: &mut MutexGuard<'_, Writer>) {
        let staged = self.queue.take();
        if staged.is_empty() {
            return;
        }
        let payloads: Vec<_> = staged.iter().map(|staged| staged.payloads()).collect();
        let calls: Vec<_> = staged.iter().zip(&payloads).map(|(s, p)| s.call(p)).collect();
        writer.write(&calls, |number, result| staged[number].answer(result));
    }

    fn change(&self, op: Op, group: u64, index: u64) -> Result<Position> {
        self.around.syncer.check()?;
        let mut writer = self.writer.lock();
        self.write_queued(&mut writer);
        let position = writer.change(op, group, index)?;
        self.release(writer.active(), position);
        Ok(position)
    }

    fn release(&self, active: u32, position: Position) {
        let freed = self.around.index.lock().release(active);
        if !freed.is_empty() {
            self.around.supply.free(freed, position);
            // A flush that fails is reported to the next caller; the segments then simply stay.
            let _ = self.around.syncer.request(position);
        }
    }

    /// Forgets the group's entries up to and including `index`, also those not yet written. Segments
    /// that nobody needs any more are removed in the background. Purging less than was purged
    /// before does nothing.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn purge(&self, group: u64, index: u64) -> Result<Position> {
        if self.bounds(group).purged.is_some_and(|purged| purged >= index) {
            return Ok(self.around.syncer.written());
        }
        self.change(Op::Purge, group, index)
    }

    /// Forgets the group's entries after `index`; the next one to append is `index + 1`.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn truncate_after(&self, group: u64, index: u64) -> Result<Position> {
        if self.bounds(group).last.is_none_or(|last| last <= index) {
            return Ok(self.around.syncer.written());
        }
        self.change(Op::Truncate, group, index)
    }

    /// Forgets the group and its purge mark, as if it had never been written.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn forget(&self, group: u64) -> Result<Position> {
        if self.bounds(group) == Bounds::default() {
            return Ok(self.around.syncer.written());
        }
        self.change(Op::Forget, group, 0)
    }

    /// Completes once everything up to `position` is on the platter. Asks for the flush when called,
    /// not when first polled. The future does not borrow the log.
    ///
    /// # Errors
    /// [`Error::SyncFailed`], or [`Error::Closed`] when the log is dropped first.
    pub fn durable(&self, position: Position) -> impl Future<Output = Result<()>> + Send + use<> {
        self.around.syncer.wait(position)
    }

    /// Blocks until everything up to `position` is on the platter. Not for async workers.
    ///
    /// # Errors
    /// As [`Log::durable`].
    pub fn wait_durable(&self, position: Position) -> Result<()> {
        self.around.syncer.wait_blocking(position)
    }

    /// How far the log is on the platter.
    pub fn durable_position(&self) -> Position {
        self.around.syncer.durable()
    }

    /// The group's entries with indexes in `range`, as they are when the reader gets to them. The
    /// first item is [`Error::Purged`] when the start of the range is no longer there.
    pub fn read(&self, group: u64, range: Range<u64>) -> Reader {
        Reader::new(Arc::clone(&self.around), group, range)
    }

    /// The first index of the group that can be read.
    pub fn first_index(&self, group: u64) -> Option<u64> {
        self.bounds(group).first
    }

    /// The last index of the group that can be read.
    pub fn last_index(&self, group: u64) -> Option<u64> {
        self.bounds(group).last
    }

    /// Purge mark, first and last index of the group at one moment.
    pub fn bounds(&self, group: u64) -> Bounds {
        self.around.index.lock().bounds(group)
    }

    /// All groups, ascending.
    pub fn groups(&self) -> Vec<u64> {
        let mut groups: Vec<_> = self.around.index.lock().all().map(|(group, _)| group).collect();
        groups.sort_unstable();
        groups
    }

    /// The groups that need segments before the active one, those that need the oldest first. When
    /// the log is too large, checkpoint and purge them in this order.
    pub fn pinned_by(&self) -> Vec<Pin> {
        let index = self.around.index.lock();
        let Some((&active, _)) = index.segments.last_key_value() else {
            return Vec::new();
        };
        let mut fronts: Vec<_> = index.fronts().filter(|front| front.2 < active).collect();
        fronts.sort_unstable_by_key(|(group, _, segment)| (*segment, *group));
        let bytes = |from| index.segments.range(from..active).map(|(_, facts)| facts.bytes).sum();
        fronts
            .into_iter()
            .map(|(group, first, segment)| Pin { group, first, bytes: bytes(segment) })
            .collect()
    }

    /// What the log has done and what it holds.
    pub fn stats(&self) -> LogStats {
        let (written, durable) = (self.around.syncer.written(), self.around.syncer.durable());
        let pending_bytes = match written.segment() == durable.segment() {
            true => u64::from(written.offset().saturating_sub(durable.offset())),
            false => u64::from(written.offset()),
        };
        let index = self.around.index.lock();
        LogStats {
            segments: index.segments.len() as u64,
            segment_bytes: index.segments.values().map(|facts| facts.bytes).sum(),
            pending_bytes,
            ..self.around.counters.read()
        }
    }

    fn join(&mut self, which: Thread) {
        let (stopped, kept) = self.threads.drain(..).partition(|(thread, _)| *thread == which);
        self.threads = kept;
        let stopped: Vec<(Thread, JoinHandle<()>)> = stopped;
        for (_, handle) in stopped {
            if handle.join().is_err() {
                tracing::error!("a thread of the log ended by a panic");
            }
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // The supply waits for flushes, so it goes first.
        self.around.supply.stop();
        self.join(Thread::Supply);
        self.around.syncer.stop();
        self.join(Thread::Sync);
    }
}
