//! The log against a plain model: any sequence of appends, purges, truncations, removals, crashes
//! and reopenings leaves what the model says.

mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use store::{Error, Log, Record};
use support::{copy, open, payload, pretend_restart};

#[derive(Debug, Clone)]
enum Step {
    Append { group: u64, lens: Vec<usize> },
    Mixed { groups: Vec<u64> },
    Gap { group: u64 },
    Purge { group: u64, back: u64 },
    PurgeAhead { group: u64 },
    Truncate { group: u64, back: u64 },
    Forget { group: u64 },
    Flush,
    Reopen,
    Crash,
    PowerCut,
}

#[derive(Debug, Default, Clone, PartialEq)]
struct Group {
    purged: Option<u64>,
    entries: BTreeMap<u64, usize>,
}

impl Group {
    fn next(&self) -> u64 {
        let last = self.entries.last_key_value().map(|(index, _)| *index);
        last.or(self.purged).map_or(1, |index| index + 1)
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let group = 0..4u64;
    let len = prop_oneof![4 => 0..300usize, 1 => 3000..9000usize];
    let step = prop_oneof![
        8 => (group.clone(), prop::collection::vec(len, 1..6))
            .prop_map(|(group, lens)| Step::Append { group, lens }),
        4 => prop::collection::vec(group.clone(), 1..8).prop_map(|groups| Step::Mixed { groups }),
        1 => group.clone().prop_map(|group| Step::Gap { group }),
        3 => (group.clone(), 0..6u64).prop_map(|(group, back)| Step::Purge { group, back }),
        1 => group.clone().prop_map(|group| Step::PurgeAhead { group }),
        2 => (group.clone(), 0..6u64).prop_map(|(group, back)| Step::Truncate { group, back }),
        1 => group.prop_map(|group| Step::Forget { group }),
        1 => Just(Step::Flush),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
        1 => Just(Step::PowerCut),
    ];
    prop::collection::vec(step, 1..60)
}

fn append(log: &Log, model: &mut BTreeMap<u64, Group>, wanted: &[(u64, usize)]) {
    let mut placed = Vec::new();
    for (group, len) in wanted {
        let known = model.entry(*group).or_default();
        let index = known.next();
        known.entries.insert(index, *len);
        placed.push((*group, index, payload(*group, index, *len)));
    }
    let parts: Vec<[&[u8]; 1]> = placed.iter().map(|(_, _, bytes)| [bytes.as_slice()]).collect();
    let records: Vec<_> = placed
        .iter()
        .zip(&parts)
        .map(|((group, index, _), parts)| Record { group: *group, index: *index, kind: 1, parts })
        .collect();
    log.append(&records).unwrap();
}

fn compare(log: &Log, model: &BTreeMap<u64, Group>) {
    for (id, group) in model {
        let bounds = log.bounds(*id);
        assert_eq!(bounds.purged, group.purged, "purge mark of {id}");
        assert_eq!(bounds.first, group.entries.first_key_value().map(|(index, _)| *index));
        assert_eq!(bounds.last, group.entries.last_key_value().map(|(index, _)| *index));
        let read = log.read(*id, bounds.first.unwrap_or(u64::MAX)..u64::MAX);
        let read: Vec<_> = read.map(Result::unwrap).map(|e| (e.index, e.bytes.to_vec())).collect();
        let expected = group.entries.iter();
        let expected: Vec<_> = expected.map(|(index, len)| (*index, payload(*id, *index, *len))).collect();
        assert_eq!(read, expected, "group {id}");
    }
}

fn run(steps: &[Step]) {
    let mut dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path(), 4096);
    let mut model: BTreeMap<u64, Group> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Append { group, lens } => {
                let wanted: Vec<_> = lens.iter().map(|len| (*group, *len)).collect();
                append(&log, &mut model, &wanted);
            }
            Step::Mixed { groups } => {
                let wanted: Vec<_> = groups.iter().map(|group| (*group, 40)).collect();
                append(&log, &mut model, &wanted);
            }
            Step::Gap { group } => {
                let known = model.entry(*group).or_default();
                let record = Record { group: *group, index: known.next() + 1, kind: 0, parts: &[] };
                if !known.entries.is_empty() {
                    let refused = log.append(&[record]);
                    assert!(matches!(refused, Err(Error::OutOfOrder { .. })));
                }
            }
            Step::Purge { group, back } => {
                let known = model.entry(*group).or_default();
                let index = (known.next() - 1).saturating_sub(*back);
                log.purge(*group, index).unwrap();
                known.purged = Some(known.purged.unwrap_or(0).max(index));
                known.entries.retain(|entry, _| *entry > index);
            }
            Step::PurgeAhead { group } => {
                let known = model.entry(*group).or_default();
                let index = known.next() + 5;
                log.purge(*group, index).unwrap();
                *known = Group { purged: Some(index), entries: BTreeMap::new() };
            }
            Step::Truncate { group, back } => {
                let known = model.entry(*group).or_default();
                let index = (known.next() - 1).saturating_sub(*back);
                log.truncate_after(*group, index).unwrap();
                known.entries.retain(|entry, _| *entry <= index);
            }
            Step::Forget { group } => {
                log.forget(*group).unwrap();
                model.insert(*group, Group::default());
            }
            Step::Flush => {
                let position = log.append(&[]).unwrap();
                log.wait_durable(position).unwrap();
            }
            Step::Reopen => {
                drop(log);
                log = open(dir.path(), 4096);
            }
            Step::Crash | Step::PowerCut => {
                // Copied while it is open and nothing is flushed. All the bytes are there, so a
                // power cut (one that was kind) must lose nothing either.
                let copied = tempfile::tempdir().unwrap();
                copy(dir.path(), copied.path());
                drop(log);
                if matches!(step, Step::PowerCut) {
                    pretend_restart(copied.path());
                }
                dir = copied;
                log = open(dir.path(), 4096);
            }
        }
        compare(&log, &model);
    }
    drop(log);
    compare(&open(dir.path(), 4096), &model);
}

/// Few by default, since each case writes files; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]
    #[test]
    fn the_log_does_what_the_model_does(steps in steps()) {
        run(&steps);
    }
}
