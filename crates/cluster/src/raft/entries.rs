//! A group's log for openraft, on the segment log that all groups of the member share.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, Range, RangeBounds};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::Stream;
use openraft::storage::{IOFlushed, LogState, RaftLogReader, RaftLogStorage};
use parking_lot::Mutex;
use store::Log;
use tokio::sync::{mpsc, watch};

use super::error::Error;
use super::ids::EntryId;
use super::marks::Marks;
use super::recent::{Budget, Recent};
use super::record::{self, Parts};
use super::types::{Entry, LogId, Types, Vote, from_log_id, to_log_id};

/// Entries of one read for replication or for the machine, in bytes.
const READ_BYTES_MAX: usize = 2 << 20;
/// Entries of one read.
const READ_ENTRIES_MAX: u64 = 1024;
/// Records that are written to the log with one call, in bytes.
const WRITE_BYTES_MAX: usize = 16 << 20;
/// How often a group whose entries need not be durable notes what is committed.
const COMMITTED_INTERVAL: Duration = Duration::from_millis(100);

/// How long a full disk is left alone before it is tried again.
const SPACE_PAUSE: Duration = Duration::from_millis(500);

/// Where everybody who holds a piece of the group finds out that it is broken, or that it waits.
#[derive(Clone, Default)]
pub(crate) struct Fault {
    broken: Arc<OnceLock<String>>,
    stalled: Arc<Mutex<Option<String>>>,
    stopping: watch::Sender<bool>,
}

impl Fault {
    /// Takes note of an error that stops the group, and passes it on in openraft's terms.
    pub(crate) fn note(&self, group: u64, doing: &str, error: impl std::fmt::Display) -> io::Error {
        let text = format!("cannot {doing}: {error}");
        if self.broken.set(text.clone()).is_ok() {
            tracing::error!(
                group,
                "{text}; this member takes no more part in the group until it is restarted: \
                 check the disk, then restart it"
            );
        }
        io::Error::other(text)
    }

    /// Why the group is broken.
    pub(crate) fn text(&self) -> Option<String> {
        self.broken.get().cloned()
    }

    /// What the group waits for.
    pub(crate) fn stalled(&self) -> Option<String> {
        self.stalled.lock().clone()
    }

    /// The group is told to stop: nobody waits for space any more.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Tries until there is space: a full disk is not a broken one, and the group goes on without a
    /// restart. Meanwhile it does nothing else, so that others take over.
    pub(crate) async fn patiently<T, F>(
        &self,
        group: u64,
        doing: &str,
        mut attempt: impl FnMut() -> F,
    ) -> io::Result<T>
    where
        F: Future<Output = Result<T, Error>>,
    {
        loop {
            match attempt().await {
                Ok(done) => {
                    if self.stalled.lock().take().is_some() {
                        tracing::info!(group, "there is space again, the group goes on");
                    }
                    return Ok(done);
                }
                Err(Error::Store(error @ store::Error::DiskFull { .. })) => {
                    let text = format!("cannot {doing}: {error}");
                    if self.stalled.lock().replace(text.clone()).is_none() {
                        tracing::error!(group, "{text}; the group waits until there is space");
                    }
                    let mut stopping = self.stopping.subscribe();
                    let stopped = tokio::time::timeout(SPACE_PAUSE, stopping.wait_for(|stop| *stop)).await;
                    if stopped.is_ok() {
                        return Err(io::Error::other(text));
                    }
                }
                Err(error) => return Err(self.note(group, doing, error)),
            }
        }
    }
}

/// An append that is not on the platter yet.
type Flush = (store::Position, IOFlushed<Types>);

/// The log of one group; clones are the same log.
#[derive(Clone)]
pub(crate) struct Entries {
    shared: Arc<Shared>,
}

struct Shared {
    log: Arc<Log>,
    marks: Marks,
    group: u64,
    fault: Fault,
    elections: AtomicU64,
    /// Where appends wait to be durable; none when they count at once.
    flushes: Option<mpsc::UnboundedSender<Flush>>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    vote: Option<Vote>,
    purged: Option<EntryId>,
    last: Option<EntryId>,
    committed: Option<EntryId>,
    committed_saved: Option<Instant>,
    written: Option<store::Position>,
    recent: Recent,
}

impl Entries {
    /// The log of a group whose log and marks agree (see `settle`). With `sync`, entries count only
    /// when they are on the platter; must be called inside a runtime then.
    pub(crate) fn open(
        log: Arc<Log>,
        marks: Marks,
        group: u64,
        sync: bool,
        fault: Fault,
    ) -> Result<Entries, Error> {
        let purged = marks.purged()?;
        let last = match log.last_index(group) {
            Some(index) => Some(id_at(&log, group, index)?),
            None => purged,
        };
        // After a power cut the log may end before what was noted.
        let committed = marks.committed()?.filter(|id| last.is_some_and(|last| id.index <= last.index));
        let inner = Inner { vote: marks.vote()?, purged, last, committed, ..Inner::default() };
        let flushes = sync.then(|| {
            let (flushes, waiting) = mpsc::unbounded_channel();
            tokio::spawn(flush(Arc::clone(&log), group, fault.clone(), waiting));
            flushes
        });
        let elections = AtomicU64::new(0);
        let inner = Mutex::new(inner);
        Ok(Entries { shared: Arc::new(Shared { log, marks, group, fault, elections, flushes, inner }) })
    }

    /// How often a member of the group has stood for election since the start, as far as seen here.
    pub(crate) fn elections(&self) -> u64 {
        self.shared.elections.load(Ordering::Relaxed)
    }

    /// Notes what is committed, if that was put off.
    pub(crate) fn save_committed_now(&self) -> Result<(), Error> {
        let committed = self.shared.inner.lock().committed;
        committed.map_or(Ok(()), |id| self.shared.marks.save_committed(id))
    }

    fn fault(&self, doing: &str, error: impl std::fmt::Display) -> io::Error {
        self.shared.fault.note(self.shared.group, doing, error)
    }

    /// Runs what waits for the disk where it may.
    async fn blocking(
        &self,
        doing: &'static str,
        work: impl Fn(&Shared) -> Result<(), Error> + Clone + Send + 'static,
    ) -> io::Result<()> {
        let attempt = || {
            let (shared, work) = (Arc::clone(&self.shared), work.clone());
            let done = tokio::task::spawn_blocking(move || work(&shared));
            async {
                let failed = |error: tokio::task::JoinError| Error::Refused(error.to_string());
                done.await.map_err(failed).flatten()
            }
        };
        self.shared.fault.patiently(self.shared.group, doing, attempt).await
    }

    /// Entries from `start` up to, not including, `end`: the first there is, and more until
    /// `bytes_max`. None when `start` is no longer or not yet in the log.
    fn read(&self, start: u64, end: u64, bytes_max: usize) -> io::Result<Vec<Entry>> {
        let recent = self.shared.inner.lock().recent.read(start, end, bytes_max);
        if let Some(entries) = recent {
            return Ok(entries);
        }
        let mut budget = Budget::new(bytes_max);
        let mut entries = Vec::new();
        for record in self.shared.log.read(self.shared.group, start..end) {
            let record = match record {
                Ok(record) => record,
                // It was purged meanwhile; openraft takes what is absent at the start for just that.
                Err(store::Error::Purged { .. }) if entries.is_empty() => return Ok(entries),
                Err(error) => return Err(self.fault("read the log", error)),
            };
            let index = record.index;
            if !budget.admit(record.bytes.len()) {
                break;
            }
            let entry = record::read(record);
            entries.push(entry.map_err(|torn| self.fault(&format!("read entry {index} of the log"), torn))?);
        }
        Ok(entries)
    }

    /// Writes entries behind the last one.
    async fn write(&self, entries: Vec<Entry>) -> io::Result<Option<store::Position>> {
        let parts: Vec<Parts> = entries.iter().map(record::parts).collect();
        let mut written = None;
        let mut rest = parts.as_slice();
        while !rest.is_empty() {
            let mut budget = Budget::new(WRITE_BYTES_MAX);
            let count = rest.iter().take_while(|parts| budget.admit(parts.body.len())).count();
            let (now, later) = rest.split_at(count);
            let attempt = || std::future::ready(self.write_call(now));
            let (fault, group) = (&self.shared.fault, self.shared.group);
            written = Some(fault.patiently(group, "append to the log", attempt).await?);
            rest = later;
        }
        let mut inner = self.shared.inner.lock();
        inner.last = entries.last().map(|entry| from_log_id(entry.log_id)).or(inner.last);
        inner.written = written.or(inner.written);
        for entry in entries {
            inner.recent.push(entry);
        }
        Ok(written)
    }

    fn write_call(&self, parts: &[Parts]) -> Result<store::Position, Error> {
        let pieces: Vec<[&[u8]; 2]> = parts.iter().map(|p| [p.header.as_slice(), p.body.as_ref()]).collect();
        let records: Vec<store::Record<'_>> = parts
            .iter()
            .zip(&pieces)
            .map(|(parts, pieces)| store::Record {
                group: self.shared.group,
                index: parts.index,
                kind: parts.kind,
                parts: pieces,
            })
            .collect();
        Ok(self.shared.log.append(&records)?)
    }
}

/// Reports appends as durable, in the order in which they were written.
async fn flush(log: Arc<Log>, group: u64, fault: Fault, mut waiting: mpsc::UnboundedReceiver<Flush>) {
    while let Some((position, done)) = waiting.recv().await {
        let result = log.durable(position).await;
        done.io_completed(result.map_err(|error| fault.note(group, "flush the log", error)));
    }
}

/// The place of the entry at `index`, which the log holds.
pub(crate) fn id_at(log: &Log, group: u64, index: u64) -> Result<EntryId, Error> {
    let torn = |why: String| Error::Torn { what: "an entry of the log", why };
    match log.read(group, index..index.saturating_add(1)).next() {
        Some(record) => record::read_id(record?).map_err(|error| torn(error.to_string())),
        None => Err(torn(format!("entry {index} of group {group} is not there"))),
    }
}

/// Any range of indexes, with its end excluded.
fn half_open(range: &impl RangeBounds<u64>) -> Range<u64> {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(last) => last.saturating_add(1),
        Bound::Excluded(end) => *end,
        Bound::Unbounded => u64::MAX,
    };
    start..end
}

impl RaftLogReader<Types> for Entries {
    async fn try_get_log_entries<R>(&mut self, range: R) -> io::Result<Vec<Entry>>
    where
        R: RangeBounds<u64> + Clone + Debug + Send,
    {
        let bounds = self.shared.log.bounds(self.shared.group);
        let (Some(first), Some(last)) = (bounds.first, bounds.last) else {
            return Ok(Vec::new());
        };
        let Range { start, end } = half_open(&range);
        let (mut next, end) = (start.max(first), end.min(last.saturating_add(1)));
        let mut entries = Vec::new();
        while next < end {
            let more = self.read(next, end, usize::MAX)?;
            let Some(last) = more.last() else { break };
            next = last.log_id.index() + 1;
            entries.extend(more);
        }
        Ok(entries)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<Entry>> {
        self.read(start, end, READ_BYTES_MAX)
    }

    /// What is to be applied, read piece by piece: a member that catches up applies more than fits
    /// into memory.
    async fn entries_stream<R>(&mut self, range: R) -> impl Stream<Item = io::Result<Entry>> + Send
    where
        R: RangeBounds<u64> + Clone + Debug + Send,
    {
        let Range { start, end } = half_open(&range);
        Pieces { entries: self.clone(), next: start, end, piece: Vec::new().into_iter() }
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        Ok(self.shared.inner.lock().vote)
    }
}

/// Entries of a range, read piece by piece.
struct Pieces {
    entries: Entries,
    next: u64,
    end: u64,
    piece: std::vec::IntoIter<Entry>,
}

impl Stream for Pieces {
    type Item = io::Result<Entry>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<io::Result<Entry>>> {
        if self.piece.as_slice().is_empty() && self.next < self.end {
            let end = self.end.min(self.next.saturating_add(READ_ENTRIES_MAX));
            match self.entries.read(self.next, end, READ_BYTES_MAX) {
                Ok(piece) => self.piece = piece.into_iter(),
                Err(error) => {
                    self.next = self.end;
                    return std::task::Poll::Ready(Some(Err(error)));
                }
            }
        }
        let entry = self.piece.next();
        self.next = entry.as_ref().map_or(self.end, |entry| entry.log_id.index() + 1);
        std::task::Poll::Ready(entry.map(Ok))
    }
}

impl RaftLogStorage<Types> for Entries {
    type LogReader = Entries;

    async fn get_log_state(&mut self) -> io::Result<LogState<Types>> {
        let inner = self.shared.inner.lock();
        Ok(LogState {
            last_purged_log_id: inner.purged.map(to_log_id),
            last_log_id: inner.last.map(to_log_id),
        })
    }

    async fn get_log_reader(&mut self) -> Entries {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        // A vote that is durable tells openraft that everything before it is, too.
        if self.shared.flushes.is_some() {
            let written = self.shared.inner.lock().written;
            if let Some(written) = written {
                let durable = self.shared.log.durable(written).await;
                durable.map_err(|error| self.fault("flush the log", error))?;
            }
        }
        let vote = *vote;
        self.blocking("save a vote", move |shared| shared.marks.save_vote(&vote)).await?;
        let before = self.shared.inner.lock().vote.replace(vote);
        if before.is_none_or(|before| before.leader_id.term < vote.leader_id.term) {
            self.shared.elections.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        let Some(id) = committed.map(from_log_id) else {
            return Ok(());
        };
        let due = {
            let mut inner = self.shared.inner.lock();
            inner.committed = Some(id);
            let saved = inner.committed_saved;
            let due = self.shared.flushes.is_some()
                || saved.is_none_or(|saved| saved.elapsed() >= COMMITTED_INTERVAL);
            if due {
                inner.committed_saved = Some(Instant::now());
            }
            due
        };
        if due {
            // It is a lower bound: where it cannot be saved, more is applied only later.
            if let Err(error) = self.shared.marks.save_committed(id) {
                tracing::warn!(group = self.shared.group, %error, "cannot note what is committed");
            }
        }
        Ok(())
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        Ok(self.shared.inner.lock().committed.map(to_log_id))
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + Send,
        I::IntoIter: Send,
    {
        let written = self.write(entries.into_iter().collect()).await?;
        match (&self.shared.flushes, written) {
            (Some(flushes), Some(position)) => {
                // The task ends only with the last sender, so this cannot fail while we are here.
                flushes.send((position, callback)).map_err(|_| self.fault("flush the log", "nobody does"))
            }
            _ => {
                callback.io_completed(Ok(()));
                Ok(())
            }
        }
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        let last = last.map(from_log_id);
        let purged = {
            let mut inner = self.shared.inner.lock();
            inner.recent.truncate_after(last.map(|id| id.index));
            inner.purged
        };
        let (log, group) = (&self.shared.log, self.shared.group);
        let attempt = || {
            let done = match last.or(purged) {
                Some(id) => log.truncate_after(group, id.index),
                None => log.forget(group),
            };
            std::future::ready(done.map_err(Error::from))
        };
        let written = self.shared.fault.patiently(group, "cut the log", attempt).await?;
        let mut inner = self.shared.inner.lock();
        inner.last = inner.last.min(last.or(purged));
        inner.written = Some(written);
        Ok(())
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        let id = from_log_id(upto);
        self.blocking("purge the log", move |shared| {
            shared.marks.save_purged(id)?;
            shared.log.purge(shared.group, id.index)?;
            Ok(())
        })
        .await?;
        let mut inner = self.shared.inner.lock();
        inner.purged = inner.purged.max(Some(id));
        inner.last = inner.last.max(Some(id));
        inner.recent.purge(id.index);
        Ok(())
    }
}
