//! What the tests of the log share: small logs, and payloads that can be told apart.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use store::{Error, Log, Options, Position, Record, Recovery, Sync};

/// A flush interval that no test reaches: what is flushed is flushed because it was asked for.
pub const NEVER: Sync = Sync::Interval(Duration::from_secs(3600));

pub fn options(segment_bytes: u64) -> Options {
    Options { segment_bytes, sync: NEVER }
}

pub fn open(dir: &Path, segment_bytes: u64) -> Log {
    open_with(dir, segment_bytes).0
}

pub fn open_with(dir: &Path, segment_bytes: u64) -> (Log, Recovery) {
    Log::open(dir, options(segment_bytes)).expect("the log opens")
}

/// A payload that says whose it is: `len` bytes made of group and index.
pub fn payload(group: u64, index: u64, len: usize) -> Vec<u8> {
    let seed = (group.wrapping_mul(31).wrapping_add(index)).to_le_bytes();
    // Never zeros only: some tests take zeros for what was lost.
    seed.iter().map(|byte| byte ^ 0xa5).cycle().take(len).collect()
}

pub fn append(log: &Log, group: u64, index: u64, bytes: &[u8]) -> Result<Position, Error> {
    log.append(&[Record { group, index, kind: (index % 251) as u8, parts: &[bytes] }])
}

/// Appends entries of `len` bytes with the payloads that [`check`] expects.
pub fn fill(log: &Log, group: u64, indexes: std::ops::RangeInclusive<u64>, len: usize) {
    for index in indexes {
        append(log, group, index, &payload(group, index, len)).expect("an append");
    }
}

/// Reads the whole group.
pub fn entries(log: &Log, group: u64) -> Vec<(u64, Vec<u8>)> {
    let first = log.first_index(group).unwrap_or(0);
    log.read(group, first..u64::MAX)
        .map(|entry| entry.map(|entry| (entry.index, entry.bytes.to_vec())))
        .collect::<Result<_, _>>()
        .expect("the group reads back")
}

/// Checks that the group holds exactly these indexes, each with its own payload.
pub fn check(log: &Log, group: u64, indexes: std::ops::RangeInclusive<u64>, len: usize) {
    let expected: Vec<_> = indexes.map(|index| (index, payload(group, index, len))).collect();
    assert_eq!(entries(log, group), expected, "group {group}");
}

/// The segments in the folder, oldest first.
pub fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    paths.sort();
    paths
}

/// Copies the files of a log that may be open, as a crash would leave them. The newest first: the
/// log may be freeing old segments, and a crash never leaves an older one without a newer.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    let entries = std::fs::read_dir(from).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths.iter().rev() {
        match std::fs::copy(path, to.join(path.file_name().expect("a name"))) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
}

/// Makes the log believe that the machine was restarted since it was last open.
pub fn pretend_restart(dir: &Path) {
    std::fs::write(dir.join("boot"), "another run of the machine").expect("a note");
}
