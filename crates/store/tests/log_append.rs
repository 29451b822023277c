//! The log in ordinary life: order, reading, reopening, purging, many callers, flushing.

mod support;

use std::sync::Arc;

use store::{Error, Log, Options, Record, Sync};
use support::{append, check, entries, fill, open, open_with, payload, segments};

#[test]
fn entries_read_back_before_and_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 1 << 20);
    fill(&log, 1, 1..=50, 100);
    fill(&log, 2, 7..=9, 0);
    fill(&log, u64::MAX, 0..=3, 30_000);
    for reopened in [false, true] {
        let log = if reopened { &open(dir.path(), 1 << 20) } else { &log };
        check(log, 1, 1..=50, 100);
        check(log, 2, 7..=9, 0);
        check(log, u64::MAX, 0..=3, 30_000);
        assert_eq!(log.groups(), [1, 2, u64::MAX]);
        assert_eq!((log.first_index(2), log.last_index(2)), (Some(7), Some(9)));
        assert_eq!((log.first_index(3), log.last_index(3)), (None, None));
        assert_eq!(log.read(1, 10..12).map(|e| e.unwrap().index).collect::<Vec<_>>(), [10, 11]);
        // A group that starts late was not purged.
        assert_eq!(log.read(2, 0..9).map(|e| e.unwrap().index).collect::<Vec<_>>(), [7, 8]);
        assert_eq!(log.read(2, 0..7).count(), 0);
        assert_eq!(log.read(1, 51..u64::MAX).count(), 0);
        assert_eq!(log.read(3, 0..u64::MAX).count(), 0);
    }
}

#[test]
fn kind_and_parts_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 1 << 20);
    let large = vec![9u8; 50_000];
    let parts: [&[u8]; 4] = [b"head", &large, b"", b"tail"];
    let records = [
        Record { group: 1, index: 1, kind: 255, parts: &parts },
        Record { group: 1, index: 2, kind: 0, parts: &[] },
    ];
    log.append(&records).unwrap();
    let entries: Vec<_> = log.read(1, 1..3).map(Result::unwrap).collect();
    assert_eq!((entries[0].kind, entries[1].kind), (255, 0));
    assert_eq!(entries[0].bytes, parts.concat());
    assert!(entries[1].bytes.is_empty());
}

#[test]
fn an_index_must_follow_the_last_one() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 1 << 20);
    fill(&log, 1, 5..=7, 10);
    let expected = |result: Result<_, Error>| match result {
        Err(Error::OutOfOrder { expected, .. }) => Some(expected),
        _ => None,
    };
    assert_eq!(expected(append(&log, 1, 7, b"")), Some(8));
    assert_eq!(expected(append(&log, 1, 9, b"")), Some(8));
    assert_eq!(expected(append(&log, 2, u64::MAX, b"")), Some(0));
    let record = |index| Record { group: 3, index, kind: 0, parts: &[] };
    // A call with one wrong record leaves nothing behind.
    assert_eq!(expected(log.append(&[record(1), record(2), record(4)])), Some(3));
    assert_eq!(log.last_index(3), None);
    log.append(&[record(1), record(2), record(3)]).unwrap();
    log.purge(4, 10).unwrap();
    assert_eq!(expected(append(&log, 4, 10, b"")), Some(11));
    append(&log, 4, 11, b"").unwrap();
}

#[test]
fn an_empty_call_writes_nothing_and_a_huge_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 1 << 20);
    log.append(&[]).unwrap();
    assert_eq!(log.stats().bytes, 0);
    let chunk = vec![0u8; 64 << 20];
    let parts = vec![chunk.as_slice(); 17];
    let result = log.append(&[Record { group: 1, index: 1, kind: 0, parts: &parts }]);
    assert!(matches!(result, Err(Error::TooLarge { .. })), "{result:?}");
}

#[test]
fn segments_follow_each_other_and_a_large_call_gets_the_room_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 4096);
    fill(&log, 1, 1..=100, 200);
    append(&log, 1, 101, &payload(1, 101, 50_000)).unwrap();
    fill(&log, 1, 102..=110, 200);
    assert!(segments(dir.path()).len() > 5);
    drop(log);
    let log = open(dir.path(), 4096);
    let read = entries(&log, 1);
    assert_eq!(read.len(), 110);
    assert_eq!(read[100].1, payload(1, 101, 50_000));
}

#[test]
fn a_purge_frees_segments_and_is_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 4096);
    fill(&log, 1, 1..=200, 200);
    fill(&log, 2, 1..=1, 10);
    let before = log.stats().segments;
    log.purge(1, 195).unwrap();
    assert!(log.stats().segments < before, "{:?}", log.stats());
    log.purge(1, 3).unwrap();
    assert!(matches!(log.read(1, 195..200).next(), Some(Err(Error::Purged { first: 196, .. }))));
    check(&log, 1, 196..=200, 200);
    log.purge(1, 300).unwrap();
    drop(log);
    // The background work is done when the log is closed.
    assert!(segments(dir.path()).len() < 4);
    let log = open(dir.path(), 4096);
    assert_eq!(log.bounds(1).purged, Some(300));
    assert_eq!(log.last_index(1), None);
    check(&log, 2, 1..=1, 10);
    assert!(matches!(log.read(1, 300..301).next(), Some(Err(Error::Purged { first: 301, .. }))));
    append(&log, 1, 301, b"next").unwrap();
}

#[test]
fn freed_segments_are_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 4096);
    let mut recycled = 0;
    for index in 1..=2000 {
        let position = append(&log, 1, index, &payload(1, index, 200)).unwrap();
        if index % 20 == 0 {
            log.purge(1, index - 10).unwrap();
            log.wait_durable(position).unwrap();
            recycled = log.stats().recycled;
        }
    }
    assert!(recycled > 0, "{:?}", log.stats());
    let first = log.first_index(1).unwrap();
    check(&log, 1, first..=2000, 200);
    drop(log);
    check(&open(dir.path(), 4096), 1, first..=2000, 200);
}

#[test]
fn an_idle_group_is_named_as_what_pins_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 4096);
    fill(&log, 9, 1..=1, 10);
    fill(&log, 1, 1..=100, 200);
    log.purge(1, 99).unwrap();
    let pins = log.pinned_by();
    assert_eq!(pins.iter().map(|pin| (pin.group, pin.first)).collect::<Vec<_>>(), [(9, 1)]);
    assert!(pins[0].bytes >= 4096);
    log.purge(9, 1).unwrap();
    assert_eq!(log.pinned_by(), []);
    assert_eq!(log.stats().segments, 1);
}

#[test]
fn truncation_and_removal_survive_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 4096);
    fill(&log, 1, 1..=60, 200);
    fill(&log, 2, 1..=20, 200);
    log.truncate_after(1, 30).unwrap();
    log.truncate_after(1, 90).unwrap();
    append(&log, 1, 31, b"other").unwrap();
    log.forget(2).unwrap();
    fill(&log, 3, 1..=60, 200);
    log.truncate_after(3, 0).unwrap();
    drop(log);
    let log = open(dir.path(), 4096);
    assert_eq!(log.last_index(1), Some(31));
    assert_eq!(entries(&log, 1)[30], (31, b"other".to_vec()));
    assert_eq!(log.bounds(2), Default::default());
    assert_eq!(log.last_index(3), None);
    fill(&log, 2, 1..=3, 5);
    check(&log, 2, 1..=3, 5);
}

#[test]
fn callers_are_combined_and_each_group_keeps_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(open(dir.path(), 256 << 10));
    let threads: Vec<_> = (0..8u64)
        .map(|group| {
            let log = Arc::clone(&log);
            std::thread::spawn(move || {
                for index in 1..=400 {
                    // Some calls are too large for the queue.
                    let len = if index % 50 == 0 { 40_000 } else { (index * 7 % 300) as usize };
                    append(&log, group, index, &payload(group, index, len)).unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let verify = |log: &Log| {
        for group in 0..8 {
            let read = entries(log, group);
            assert_eq!(read.len(), 400);
            for (index, bytes) in read {
                assert_eq!(bytes, payload(group, index, bytes.len()), "{group}/{index}");
            }
        }
    };
    verify(&log);
    assert_eq!(log.stats().records, 8 * 400);
    assert!(log.stats().writes <= log.stats().appends);
    drop(log);
    verify(&open(dir.path(), 256 << 10));
}

#[test]
fn a_reader_and_a_purge_do_not_disturb_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(open(dir.path(), 4096));
    fill(&log, 1, 1..=100, 100);
    let writer = Arc::clone(&log);
    let thread = std::thread::spawn(move || {
        for index in 101..=3000u64 {
            let position = append(&writer, 1, index, &payload(1, index, 100)).unwrap();
            if index % 50 == 0 {
                writer.purge(1, index - 60).unwrap();
                writer.wait_durable(position).unwrap();
            }
        }
    });
    while !thread.is_finished() {
        let Some(first) = log.first_index(1) else {
            continue;
        };
        for entry in log.read(1, first..u64::MAX) {
            match entry {
                Ok(entry) => assert_eq!(entry.bytes, payload(1, entry.index, 100)),
                Err(Error::Purged { .. }) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    thread.join().unwrap();
}

#[tokio::test]
async fn durable_completes_in_either_policy() {
    for sync in [Sync::Always, support::NEVER] {
        let dir = tempfile::tempdir().unwrap();
        let (log, _) = Log::open(dir.path(), Options { segment_bytes: 4096, sync }).unwrap();
        let mut positions = Vec::new();
        for index in 1..=50 {
            positions.push(append(&log, 1, index, &payload(1, index, 200)).unwrap());
        }
        assert!(positions.is_sorted());
        let last = *positions.last().unwrap();
        log.durable(last).await.unwrap();
        assert!(log.durable_position() >= last);
        log.wait_durable(positions[3]).unwrap();
        let stats = log.stats();
        assert!(stats.syncs > 0 && stats.sync_time_max <= stats.sync_time, "{stats:?}");
        assert_eq!(stats.pending_bytes, 0);
    }
}

#[test]
fn a_short_interval_flushes_without_being_asked() {
    let dir = tempfile::tempdir().unwrap();
    let sync = Sync::Interval(std::time::Duration::from_millis(1));
    let (log, _) = Log::open(dir.path(), Options { segment_bytes: 4096, sync }).unwrap();
    let position = append(&log, 1, 1, b"entry").unwrap();
    while log.durable_position() < position {
        std::thread::yield_now();
    }
    assert!(log.stats().syncs >= 1);
}

#[test]
fn a_reader_outlives_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let (log, recovery) = open_with(dir.path(), 4096);
    assert_eq!((recovery.entries, recovery.torn), (0, None));
    fill(&log, 1, 1..=20, 300);
    let reader = log.read(1, 1..u64::MAX);
    drop(log);
    assert_eq!(reader.map(Result::unwrap).count(), 20);
}
