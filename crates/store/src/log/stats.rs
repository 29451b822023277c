//! Counters of the log, cheap enough to bump on every call.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What the log has done since it was opened, and what it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogStats {
    /// Append calls that succeeded.
    pub appends: u64,
    /// Records appended.
    pub records: u64,
    /// Bytes appended, headers and padding included.
    pub bytes: u64,
    /// Writes to the file; fewer than appends when callers were combined.
    pub writes: u64,
    /// Calls that failed for want of space.
    pub disk_full: u64,
    /// Segments on disk, the active one included.
    pub segments: u64,
    /// Bytes that the segments take on disk.
    pub segment_bytes: u64,
    /// Segments deleted or put aside for use again.
    pub freed: u64,
    /// Segments made out of freed ones.
    pub recycled: u64,
    /// Flushes to the platter.
    pub syncs: u64,
    /// The time that all flushes took.
    pub sync_time: Duration,
    /// The time that the longest flush took.
    pub sync_time_max: Duration,
    /// Bytes written and not yet flushed (a lower bound when they span segments).
    pub pending_bytes: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub appends: AtomicU64,
    pub records: AtomicU64,
    pub bytes: AtomicU64,
    pub writes: AtomicU64,
    pub disk_full: AtomicU64,
    pub freed: AtomicU64,
    pub recycled: AtomicU64,
    pub syncs: AtomicU64,
    pub sync_nanos: AtomicU64,
    pub sync_nanos_max: AtomicU64,
}

impl Counters {
    /// Counts one flush.
    pub(crate) fn synced(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.syncs.fetch_add(1, Relaxed);
        self.sync_nanos.fetch_add(nanos, Relaxed);
        self.sync_nanos_max.fetch_max(nanos, Relaxed);
    }

    /// The counters' part of the statistics.
    pub(crate) fn read(&self) -> LogStats {
        LogStats {
            appends: self.appends.load(Relaxed),
            records: self.records.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            writes: self.writes.load(Relaxed),
            disk_full: self.disk_full.load(Relaxed),
            freed: self.freed.load(Relaxed),
            recycled: self.recycled.load(Relaxed),
            syncs: self.syncs.load(Relaxed),
            sync_time: Duration::from_nanos(self.sync_nanos.load(Relaxed)),
            sync_time_max: Duration::from_nanos(self.sync_nanos_max.load(Relaxed)),
            ..LogStats::default()
        }
    }
}
