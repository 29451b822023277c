//! The log after crashes and damage: nothing that was written is lost, nothing is invented, and
//! damage is reported instead of being cut away.

mod support;

use std::fs;
use std::path::Path;

use store::{Error, Log, Record};
use support::{
    append, check, copy, entries, fill, open, open_with, options, payload, pretend_restart, segments,
};

/// Opens the copy of a log and returns the highest index of group 1, having checked every entry.
fn survivors(dir: &Path, len: usize) -> u64 {
    let (log, recovery) = open_with(dir, 64 << 10);
    let read = entries(&log, 1);
    assert_eq!(recovery.entries as usize, read.len());
    for (place, (index, bytes)) in read.iter().enumerate() {
        assert_eq!(*index, place as u64 + 1);
        assert_eq!(*bytes, payload(1, *index, len), "entry {index}");
    }
    // And the log goes on from there.
    let next = read.len() as u64 + 1;
    append(&log, 1, next, b"after").unwrap();
    drop(log);
    let log = open(dir, 64 << 10);
    assert_eq!(entries(&log, 1).last(), Some(&(next, b"after".to_vec())));
    read.len() as u64
}

#[test]
fn a_file_cut_anywhere_near_its_end_keeps_every_whole_entry() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 64 << 10);
    let len = 21;
    fill(&log, 1, 1..=20, len);
    let end = 64 + 40 + log.stats().bytes - 40;
    let size = (end - 64 - 40) / 20;
    for cut in end - size - 5..=end + 3 {
        let copied = tempfile::tempdir().unwrap();
        copy(dir.path(), copied.path());
        let last = segments(copied.path()).pop().unwrap();
        fs::OpenOptions::new().write(true).open(&last).unwrap().set_len(cut).unwrap();
        if cut % 2 == 0 {
            pretend_restart(copied.path());
        }
        let whole = 20 - (end.saturating_sub(cut)).div_ceil(size).min(20);
        assert_eq!(survivors(copied.path(), len), whole, "cut at {cut} of {end}");
    }
}

#[test]
fn zeros_in_place_of_the_tail_are_a_torn_tail() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 64 << 10);
    fill(&log, 1, 1..=20, 100);
    let end = 64 + log.stats().bytes;
    for lost in (1..300u64).step_by(3) {
        let copied = tempfile::tempdir().unwrap();
        copy(dir.path(), copied.path());
        let last = segments(copied.path()).pop().unwrap();
        let mut bytes = fs::read(&last).unwrap();
        bytes[(end - lost) as usize..end as usize].fill(0);
        fs::write(&last, &bytes).unwrap();
        // The payload of 100 bytes is followed by 4 bytes of padding, which may well be lost.
        let whole = 20 - (lost.saturating_sub(4)).div_ceil(144).min(20);
        assert_eq!(survivors(copied.path(), 100), whole, "{lost} bytes lost");
    }
}

#[test]
fn a_call_is_whole_or_absent() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 64 << 10);
    fill(&log, 1, 1..=5, 10);
    let bytes: Vec<_> = (6..=9).map(|index| payload(1, index, 10)).collect();
    let parts: Vec<[&[u8]; 1]> = bytes.iter().map(|bytes| [bytes.as_slice()]).collect();
    let records: Vec<_> =
        (6..=9).zip(&parts).map(|(index, parts)| Record { group: 1, index, kind: 0, parts }).collect();
    let start = 64 + log.stats().bytes;
    log.append(&records).unwrap();
    let end = 64 + log.stats().bytes;
    for cut in (start..=end).step_by(4) {
        let copied = tempfile::tempdir().unwrap();
        copy(dir.path(), copied.path());
        let last = segments(copied.path()).pop().unwrap();
        fs::OpenOptions::new().write(true).open(&last).unwrap().set_len(cut).unwrap();
        assert_eq!(survivors(copied.path(), 10), if cut == end { 9 } else { 5 }, "cut at {cut}");
    }
}

/// Opens a log that may be damaged and reads all of it; whatever is read must be right.
fn examine(dir: &Path, count: u64, len: usize) -> Result<u64, Error> {
    let (log, _) = Log::open(dir, options(4096))?;
    let mut read = 0;
    for entry in log.read(1, 1..u64::MAX) {
        let entry = entry?;
        read += 1;
        assert_eq!(entry.index, read);
        assert_eq!(entry.bytes, payload(1, entry.index, len));
    }
    assert!(read <= count);
    Ok(read)
}

#[test]
fn no_flipped_byte_passes_unnoticed() {
    let (dir, len, count) = (tempfile::tempdir().unwrap(), 150, 40);
    let log = open(dir.path(), 4096);
    fill(&log, 1, 1..=count, len);
    drop(log);
    let paths = segments(dir.path());
    assert!(paths.len() >= 3);
    for restarted in [false, true] {
        for (number, path) in paths.iter().enumerate() {
            for at in (0..4096).step_by(53) {
                let copied = tempfile::tempdir().unwrap();
                copy(dir.path(), copied.path());
                if restarted {
                    pretend_restart(copied.path());
                }
                let target = copied.path().join(path.file_name().unwrap());
                let mut bytes = fs::read(&target).unwrap();
                let Some(byte) = bytes.get_mut(at) else {
                    continue;
                };
                *byte ^= 0x10;
                fs::write(&target, &bytes).unwrap();
                // The log was closed, so all of it was flushed: either the byte does not matter
                // (padding, the unused rest of a segment), or there is an error that names the file.
                match examine(copied.path(), count, len) {
                    Ok(read) => assert_eq!(read, count, "segment {number} byte {at}"),
                    Err(Error::Corrupt { path, .. }) => assert_eq!(path, target),
                    Err(error) => panic!("segment {number} byte {at}: {error}"),
                }
            }
        }
    }
}

/// Damages the header of entry `index` of a log with one segment and entries of 96 bytes a record.
fn damage(dir: &Path, index: u64) {
    let path = segments(dir).pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let start = 64 + 40 + (index - 1) * 96;
    bytes[start as usize + 30] ^= 1;
    fs::write(&path, &bytes).unwrap();
}

#[test]
fn a_hole_is_damage_unless_a_power_cut_explains_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 64 << 10);
    fill(&log, 1, 1..=10, 56);
    let position = append(&log, 1, 11, &payload(1, 11, 56)).unwrap();
    log.wait_durable(position).unwrap();
    fill(&log, 1, 12..=20, 56);
    let crash = |index, restarted| {
        let copied = tempfile::tempdir().unwrap();
        copy(dir.path(), copied.path());
        damage(copied.path(), index);
        if restarted {
            pretend_restart(copied.path());
        }
        let opened = Log::open(copied.path(), options(64 << 10));
        opened.map(|(log, recovery)| (log.last_index(1), recovery.torn.is_some()))
    };
    // Flushed: damage in any case. Entry 12 was written after the flush and speaks of it.
    for restarted in [false, true] {
        assert!(matches!(crash(5, restarted), Err(Error::Corrupt { offset: 488, .. })));
    }
    // Not flushed: a restart of the machine explains the hole, the death of the process does not.
    assert!(matches!(crash(15, false), Err(Error::Corrupt { .. })));
    assert_eq!(crash(15, true).unwrap(), (Some(14), true));
    // The last entry may be torn in either case.
    assert_eq!(crash(20, false).unwrap(), (Some(19), true));
    assert_eq!(crash(20, true).unwrap(), (Some(19), true));
}

#[test]
fn what_was_cut_off_never_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 64 << 10);
    fill(&log, 1, 1..=20, 56);
    let copied = tempfile::tempdir().unwrap();
    copy(dir.path(), copied.path());
    damage(copied.path(), 15);
    pretend_restart(copied.path());
    let log = open(copied.path(), 64 << 10);
    // An entry of the same size as the hole: entry 16 of old stands right behind it.
    append(&log, 1, 15, &payload(1, 15, 56)).unwrap();
    let again = tempfile::tempdir().unwrap();
    copy(copied.path(), again.path());
    check(&open(again.path(), 64 << 10), 1, 1..=15, 56);
}

#[test]
fn a_hole_in_an_earlier_unflushed_segment_cuts_the_later_ones() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 4096);
    fill(&log, 1, 1..=100, 100);
    let copied = tempfile::tempdir().unwrap();
    copy(dir.path(), copied.path());
    let paths = segments(copied.path());
    let mut bytes = fs::read(&paths[1]).unwrap();
    bytes[2000..2400].fill(0);
    fs::write(&paths[1], &bytes).unwrap();
    let refused = Log::open(copied.path(), options(4096));
    assert!(matches!(refused, Err(Error::Corrupt { path, .. }) if path == paths[1]));
    pretend_restart(copied.path());
    let (log, recovery) = open_with(copied.path(), 4096);
    let torn = recovery.torn.unwrap();
    assert_eq!(torn.path, paths[1]);
    assert!(torn.segments_removed >= 1);
    let last = log.last_index(1).unwrap();
    check(&log, 1, 1..=last, 100);
    fill(&log, 1, last + 1..=last + 100, 100);
    drop(log);
    check(&open(copied.path(), 4096), 1, 1..=last + 100, 100);
}

#[test]
fn a_missing_segment_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 4096);
    fill(&log, 1, 1..=100, 100);
    drop(log);
    let missing = segments(dir.path()).swap_remove(1);
    fs::remove_file(&missing).unwrap();
    let opened = Log::open(dir.path(), options(4096));
    assert!(matches!(opened, Err(Error::Corrupt { path, .. }) if path == missing));
}

#[test]
fn a_record_crafted_inside_a_payload_is_not_taken_for_one() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 64 << 10);
    append(&log, 1, 1, &payload(1, 1, 56)).unwrap();
    let own = fs::read(segments(dir.path()).pop().unwrap()).unwrap();
    // A client that knows another log's bytes replays them in its payload.
    let other = tempfile::tempdir().unwrap();
    let victim = open(other.path(), 64 << 10);
    append(&victim, 1, 1, &own[..1000]).unwrap();
    let end = (64 + victim.stats().bytes) as usize;
    let path = segments(other.path()).pop().unwrap();
    let copied = tempfile::tempdir().unwrap();
    copy(other.path(), copied.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[end - 100] ^= 1;
    fs::write(copied.path().join(path.file_name().unwrap()), bytes).unwrap();
    let (log, recovery) = open_with(copied.path(), 64 << 10);
    assert_eq!((log.last_index(1), recovery.torn.is_some()), (None, true));
}

#[test]
fn another_version_of_the_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path(), 4096));
    let path = segments(dir.path()).pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 2;
    let crc = crc32fast::hash(&[&bytes[..12], &bytes[16..64]].concat());
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let refused = Log::open(dir.path(), options(4096));
    assert!(matches!(refused, Err(Error::Version { found, wanted: 1, .. }) if found == "2"));
}
