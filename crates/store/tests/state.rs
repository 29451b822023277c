//! RocksDB behind its few operations.

use std::ops::ControlFlow;

use proptest::prelude::*;
use store::{Batch, Error, Family, State};

fn keys(state: &State, family: Family, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    state.scan(family, prefix, |k, v| found.push((k.to_vec(), v.to_vec()))).unwrap();
    found
}

#[test]
fn batches_apply_in_order_and_survive_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let state = State::open(dir.path()).unwrap();
    let mut batch = Batch::new();
    assert!(batch.is_empty());
    batch.put(Family::Control, "a", "old");
    batch.put(Family::Control, "b", "gone");
    batch.delete(Family::Control, "b");
    batch.put(Family::Control, "a", "1");
    batch.put(Family::Checkpoints, "a", vec![0u8; 100_000]);
    assert_eq!((batch.len(), batch.bytes()), (5, 1 + 3 + 1 + 4 + 1 + 1 + 1 + 1 + 100_000));
    state.write(batch, true).unwrap();
    let mut unsynced = Batch::new();
    unsynced.put(Family::Control, "c", "2");
    state.write(unsynced, false).unwrap();
    state.flush().unwrap();
    drop(state);
    let state = State::open(dir.path()).unwrap();
    assert_eq!(state.get(Family::Control, b"a").unwrap().as_deref(), Some(b"1".as_slice()));
    assert_eq!(state.get(Family::Control, b"b").unwrap(), None);
    assert_eq!(state.get(Family::Control, b"c").unwrap().as_deref(), Some(b"2".as_slice()));
    let large = state.get(Family::Checkpoints, b"a").unwrap().unwrap();
    assert_eq!(large.len(), 100_000);
}

#[test]
fn a_scan_can_start_in_the_middle_and_end_early() {
    let dir = tempfile::tempdir().unwrap();
    let state = State::open(dir.path()).unwrap();
    let mut batch = Batch::new();
    for key in ["p1", "p2", "p3", "q1", "o9"] {
        batch.put(Family::Control, key, key);
    }
    state.write(batch, false).unwrap();
    let mut seen = Vec::new();
    let each = |key: &[u8], _: &[u8]| {
        seen.push(String::from_utf8_lossy(key).into_owned());
        if seen.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    state.scan_from(Family::Control, b"p", b"p2", each).unwrap();
    assert_eq!(seen, ["p2", "p3"]);
    assert_eq!(keys(&state, Family::Control, b"p").len(), 3);
    assert_eq!(keys(&state, Family::Checkpoints, b"").len(), 0);
    assert!(state.memory_bytes() < 64 << 20);
}

#[test]
fn an_open_state_is_locked() {
    let dir = tempfile::tempdir().unwrap();
    let _state = State::open(dir.path()).unwrap();
    assert!(matches!(State::open(dir.path()).map(drop), Err(Error::Locked { .. })));
}

#[test]
fn damaged_files_are_reported_as_damage() {
    let dir = tempfile::tempdir().unwrap();
    let state = State::open(dir.path()).unwrap();
    let mut batch = Batch::new();
    batch.put(Family::Control, "a", "1");
    state.write(batch, true).unwrap();
    drop(state);
    std::fs::write(dir.path().join("CURRENT"), "MANIFEST-nonsense").unwrap();
    let refused = State::open(dir.path()).map(drop).unwrap_err();
    assert!(matches!(refused, Error::Corrupt { .. }), "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_deleted_prefix_takes_exactly_its_keys(
        found in prop::collection::btree_set(prop::collection::vec(0xfd_u8.., 0..4), 0..20),
        prefix in prop::collection::vec(0xfd_u8.., 0..3),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).unwrap();
        let mut batch = Batch::new();
        for key in &found {
            batch.put(Family::Control, key.clone(), "");
        }
        state.write(batch, false).unwrap();
        let inside = |key: &Vec<u8>| key.starts_with(&prefix);
        let scanned: Vec<_> = keys(&state, Family::Control, &prefix).into_iter().map(|e| e.0).collect();
        let expected: Vec<_> = found.iter().filter(|key| inside(key)).cloned().collect();
        prop_assert_eq!(scanned, expected);
        state.delete_prefix(Family::Control, &prefix, false).unwrap();
        let left: Vec<_> = keys(&state, Family::Control, b"").into_iter().map(|e| e.0).collect();
        let expected: Vec<_> = found.iter().filter(|key| !inside(key)).cloned().collect();
        prop_assert_eq!(left, expected);
    }
}
