//! The log on a bad disk: full at any byte, refusing space, failing to flush.

use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::disk::Disk;
use super::{Log, Options, Record, Sync};
use crate::error::{Error, Result};

const OPTIONS: Options = Options { segment_bytes: 4096, sync: Sync::Interval(Duration::from_secs(3600)) };

fn open(dir: &Path, disk: &Disk) -> Log {
    Log::open_on(dir, OPTIONS, disk.clone()).unwrap().0
}

fn append(log: &Log, group: u64, indexes: std::ops::Range<u64>, len: usize) -> Result<()> {
    let payload = vec![group as u8; len];
    let parts = [payload.as_slice()];
    let record = |index| Record { group, index, kind: 0, parts: &parts };
    let records: Vec<_> = indexes.map(record).collect();
    log.append(&records).map(drop)
}

fn indexes(log: &Log, group: u64) -> Vec<u64> {
    let first = log.first_index(group).unwrap_or(0);
    log.read(group, first..u64::MAX).map(|entry| entry.unwrap().index).collect()
}

/// What the files hold, as a process that starts after a crash would see it.
fn reopened(dir: &Path, group: u64) -> Vec<u64> {
    let copied = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copied.path().join(path.file_name().unwrap())).unwrap();
    }
    indexes(&open(copied.path(), &Disk::default()), group)
}

#[test]
fn a_write_that_meets_a_full_disk_anywhere_leaves_no_trace() {
    for space in (0..500).step_by(7) {
        let (dir, disk) = (tempfile::tempdir().unwrap(), Disk::default());
        let log = open(dir.path(), &disk);
        append(&log, 1, 1..3, 100).unwrap();
        disk.faults.space.store(space, SeqCst);
        let refused = append(&log, 1, 3..7, 100);
        assert!(matches!(&refused, Err(error @ Error::DiskFull { .. }) if error.is_retriable()));
        assert_eq!(log.stats().disk_full, 1);
        assert_eq!(indexes(&log, 1), [1, 2]);
        disk.faults.space.store(i64::MAX, SeqCst);
        // One record as large as the first that was cut off: the second of them, which was written
        // whole, must not be found behind it.
        append(&log, 1, 3..4, 100).unwrap();
        assert_eq!(indexes(&log, 1), [1, 2, 3]);
        assert_eq!(reopened(dir.path(), 1), [1, 2, 3], "space for {space} bytes");
    }
}

#[test]
fn a_process_that_dies_right_after_a_failed_write_loses_nothing() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), Disk::default());
    let log = open(dir.path(), &disk);
    append(&log, 1, 1..10, 100).unwrap();
    disk.faults.space.store(333, SeqCst);
    append(&log, 1, 10..15, 100).unwrap_err();
    assert_eq!(reopened(dir.path(), 1), (1..10).collect::<Vec<_>>());
}

#[test]
fn without_space_for_a_segment_appends_fail_and_a_purge_gives_it_back() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), Disk::default());
    let log = open(dir.path(), &disk);
    let mut next = 1;
    while next < 60 {
        append(&log, 1, next..next + 1, 100).unwrap();
        next += 1;
    }
    disk.faults.no_allocation.store(true, SeqCst);
    while append(&log, 1, next..next + 1, 100).is_ok() {
        next += 1;
        assert!(next < 200, "the log ends where space ends");
    }
    let refused = append(&log, 1, next..next + 1, 100);
    assert!(matches!(refused, Err(Error::DiskFull { .. })), "{refused:?}");
    assert_eq!(indexes(&log, 1), (1..next).collect::<Vec<_>>());
    // Purges still have room, and what they free is used again although nothing can be allocated.
    log.purge(1, next - 1).unwrap();
    while log.stats().freed == 0 {
        std::thread::yield_now();
    }
    append(&log, 1, next..next + 1, 100).unwrap();
    assert_eq!(reopened(dir.path(), 1), [next]);
}

#[test]
fn the_log_goes_on_when_space_returns() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), Disk::default());
    let log = open(dir.path(), &disk);
    disk.faults.no_allocation.store(true, SeqCst);
    let mut next = 1;
    while append(&log, 1, next..next + 1, 100).is_ok() {
        next += 1;
    }
    append(&log, 2, 1..2, 9000).unwrap_err();
    disk.faults.no_allocation.store(false, SeqCst);
    append(&log, 1, next..next + 1, 100).unwrap();
    append(&log, 2, 1..2, 9000).unwrap();
    assert_eq!(indexes(&log, 1), (1..=next).collect::<Vec<_>>());
    drop(log);
    assert_eq!(reopened(dir.path(), 1), (1..=next).collect::<Vec<_>>());
}

#[test]
fn a_failed_call_does_not_fail_the_calls_that_fit() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), Disk::default());
    let log = std::sync::Arc::new(open(dir.path(), &disk));
    // Callers that queue behind a held writer are written together by the first of them.
    let held = log.writer.lock();
    let calls: Vec<_> = (0..6u64)
        .map(|group| {
            let log = std::sync::Arc::clone(&log);
            std::thread::spawn(move || {
                // Groups 4 and 5 repeat an index within the call, which is refused.
                let indexes = if group < 4 { 1..3 } else { u64::MAX - 1..u64::MAX };
                let result = append(&log, group, indexes.clone(), 50);
                let again = if group < 4 { Ok(()) } else { append(&log, group, indexes, 50) };
                result.and(again)
            })
        })
        .collect();
    drop(held);
    let results: Vec<_> = calls.into_iter().map(|call| call.join().unwrap()).collect();
    for (group, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), group < 4, "group {group}: {result:?}");
        assert_eq!(indexes(&log, group as u64).len(), if group < 4 { 2 } else { 1 });
    }
}

#[test]
fn after_a_failed_flush_nothing_is_accepted() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), Disk::default());
    let log = open(dir.path(), &disk);
    append(&log, 1, 1..2, 10).unwrap();
    let record = Record { group: 1, index: 2, kind: 0, parts: &[] };
    let position = log.append(&[record]).unwrap();
    disk.faults.no_sync.store(true, SeqCst);
    let waiting = log.durable(position);
    assert!(matches!(log.wait_durable(position), Err(Error::SyncFailed { .. })));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(matches!(runtime.block_on(waiting), Err(Error::SyncFailed { .. })));
    disk.faults.no_sync.store(false, SeqCst);
    // A later flush that succeeds would prove nothing about the pages of the failed one.
    assert!(matches!(append(&log, 1, 3..4, 10), Err(Error::SyncFailed { .. })));
    assert!(matches!(log.purge(1, 1), Err(Error::SyncFailed { .. })));
    assert!(matches!(log.wait_durable(position), Err(Error::SyncFailed { .. })));
    assert_eq!(indexes(&log, 1), [1, 2]);
}
