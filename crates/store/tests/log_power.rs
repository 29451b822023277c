//! Power cuts: of what was not flushed, any sectors may have reached the disk and any may not.

mod support;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use store::Record;
use support::{check, copy, fill, open, payload, pretend_restart, segments};

const SECTOR: usize = 512;
const SEGMENT: u64 = 8192;

/// Of each sector, keeps what `before` (the disk at the last flush) or `after` (what was written
/// since) has, as the bits say.
fn cut_power(before: &Path, after: &Path, mut kept: impl FnMut() -> bool) {
    for path in segments(after) {
        let mut bytes = fs::read(&path).unwrap();
        let old = fs::read(before.join(path.file_name().unwrap())).unwrap_or_default();
        for (number, sector) in bytes.chunks_mut(SECTOR).enumerate() {
            // The header of a segment is flushed before the segment gets its name.
            if (number == 0 && old.is_empty()) || kept() {
                continue;
            }
            let start = number * SECTOR;
            let old = old.get(start..start + sector.len());
            match old {
                Some(old) => sector.copy_from_slice(old),
                None => sector.fill(0),
            }
        }
        fs::write(&path, bytes).unwrap();
    }
    pretend_restart(after);
}

fn append_pairs(log: &store::Log, from: u64, to: u64, len: usize) {
    for index in (from..=to).step_by(2) {
        let bytes = [payload(1, index, len), payload(1, index + 1, len)];
        let parts: [[&[u8]; 1]; 2] = [[&bytes[0]], [&bytes[1]]];
        let record = |n: usize| Record { group: 1, index: index + n as u64, kind: 0, parts: &parts[n] };
        log.append(&[record(0), record(1)]).unwrap();
    }
}

/// Few by default, since each case writes files; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]
    #[test]
    fn what_was_flushed_survives_and_the_rest_is_a_prefix(
        flushed in 0..40u64,
        more in 1..60u64,
        len in prop_oneof![0..100usize, 300..2000usize],
        kept in prop::collection::vec(prop::bool::weighted(0.8), 1..64),
    ) {
        let (flushed, more) = (flushed * 2, more * 2);
        let dir = tempfile::tempdir().unwrap();
        let log = open(dir.path(), SEGMENT);
        append_pairs(&log, 1, flushed, len);
        log.wait_durable(log.append(&[]).unwrap()).unwrap();
        let before = tempfile::tempdir().unwrap();
        copy(dir.path(), before.path());
        append_pairs(&log, flushed + 1, flushed + more, len);
        let after = tempfile::tempdir().unwrap();
        copy(dir.path(), after.path());
        drop(log);

        let mut bits = kept.iter().cycle();
        cut_power(before.path(), after.path(), || *bits.next().unwrap());
        let log = open(after.path(), SEGMENT);
        let last = log.last_index(1).unwrap_or(0);
        prop_assert!(last >= flushed, "{last} of {flushed}");
        prop_assert!(last <= flushed + more && last.is_multiple_of(2), "{last}");
        check(&log, 1, 1..=last, len);
        // What was lost never comes back, however the log goes on.
        fill(&log, 1, last + 1..=last + 20, len);
        drop(log);
        check(&open(after.path(), SEGMENT), 1, 1..=last + 20, len);
    }
}
