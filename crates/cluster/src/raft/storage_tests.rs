//! openraft's own suite for storage, on the real log and the real state.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use store::{Log, State};
use tempfile::TempDir;

use super::apply::Applier;
use super::entries::{Entries, Fault};
use super::ids::{Committed, Content, EntryId, Membership, Position};
use super::machine::{Machine, SnapshotSource};
use super::marks::Marks;
use super::settle::settle;
use super::spool::Spool;
use super::types::Types;

const GROUP: u64 = 7;

/// A machine that keeps nothing but where it stands, and has always saved that.
struct Place {
    position: Option<Position>,
    membership: Bytes,
}

impl Default for Place {
    fn default() -> Place {
        Place { position: None, membership: Membership::default().encode() }
    }
}

struct PlaceSource(Position);

impl SnapshotSource for PlaceSource {
    fn write(&self, out: &mut dyn Write) -> io::Result<Position> {
        out.write_all(&self.0.encode())?;
        Ok(self.0.clone())
    }
}

impl Machine for Place {
    fn position(&self) -> Option<Position> {
        self.position.clone()
    }

    fn apply(&mut self, entries: Vec<Committed>) -> BoxFuture<'_, io::Result<Vec<Bytes>>> {
        let answers = entries.iter().map(|_| Bytes::new()).collect();
        for entry in entries {
            if let Content::Membership(membership) = entry.content {
                self.membership = membership;
            }
            self.position = Some(Position { id: entry.id, membership: self.membership.clone() });
        }
        Box::pin(async { Ok(answers) })
    }

    fn saved(&self) -> Option<(Position, Arc<dyn SnapshotSource>)> {
        let position = self.position.clone()?;
        Some((position.clone(), Arc::new(PlaceSource(position))))
    }

    fn install(&mut self, position: Position, mut snapshot: File) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            let mut bytes = Vec::new();
            snapshot.read_to_end(&mut bytes)?;
            let written = Position::decode(&bytes).map_err(io::Error::other)?;
            assert_eq!(written, position);
            self.membership = position.membership.clone();
            self.position = Some(position);
            Ok(())
        })
    }
}

/// A folder in memory, where there is one: what is tested is not the disk.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn open(dir: &TempDir) -> (Arc<Log>, Arc<State>) {
    let options = store::Options { segment_bytes: 1 << 20, ..store::Options::default() };
    let (log, _) = Log::open(dir.path().join("log"), options).unwrap();
    (Arc::new(log), Arc::new(State::open(dir.path().join("state")).unwrap()))
}

struct Builder {
    sync: bool,
}

impl StoreBuilder<Types, Entries, Applier, TempDir> for Builder {
    async fn build(&self) -> Result<(TempDir, Entries, Applier), StorageError<Types>> {
        let dir = folder();
        let (log, state) = open(&dir);
        let fault = Fault::default();
        let marks = Marks::new(state, GROUP);
        let entries = Entries::open(log, marks, GROUP, self.sync, fault.clone()).unwrap();
        let spool = Spool::new(dir.path().join("spool"), GROUP);
        let applier = Applier::new(Box::new(Place::default()), GROUP, fault, spool).unwrap();
        Ok((dir, entries, applier))
    }
}

#[tokio::test]
async fn openraft_is_content_with_entries_that_count_at_once() {
    Suite::test_all(Builder { sync: false }).await.unwrap();
}

#[tokio::test]
async fn openraft_is_content_with_entries_that_count_when_durable() {
    Suite::test_all(Builder { sync: true }).await.unwrap();
}

type After = (Option<u64>, Option<u64>, Option<(u64, u64)>);

/// What the log, its marks and the saved state may hold when a group starts.
struct Found {
    name: &'static str,
    /// Terms of the entries from index 0 on; 0: a record from before Raft.
    entries: &'static [u64],
    /// Up to where the log itself was purged.
    purged: Option<u64>,
    mark: Option<(u64, u64)>,
    saved: Option<(u64, u64)>,
    /// First and last index of the log and the purge mark afterwards; none when the group must not start.
    after: Option<After>,
}

const FOUND: &[Found] = &[
    Found {
        name: "nothing yet",
        entries: &[],
        purged: None,
        mark: None,
        saved: None,
        after: Some((None, None, None)),
    },
    Found {
        name: "nothing saved yet",
        entries: &[1, 1],
        purged: None,
        mark: None,
        saved: None,
        after: Some((Some(0), Some(1), None)),
    },
    Found {
        name: "saved and not purged",
        entries: &[1, 1, 2],
        purged: None,
        mark: None,
        saved: Some((1, 1)),
        after: Some((Some(0), Some(2), None)),
    },
    Found {
        name: "purged as it should be",
        entries: &[1, 1, 2, 2],
        purged: Some(1),
        mark: Some((1, 1)),
        saved: Some((2, 2)),
        after: Some((Some(2), Some(3), Some((1, 1)))),
    },
    Found {
        name: "marked, then died before the purge",
        entries: &[1, 1, 2, 2],
        purged: None,
        mark: Some((1, 1)),
        saved: Some((2, 2)),
        after: Some((Some(3), Some(3), Some((2, 2)))),
    },
    Found {
        name: "purged, but the mark is lost",
        entries: &[1, 1, 2, 2],
        purged: Some(1),
        mark: None,
        saved: Some((2, 2)),
        after: Some((Some(3), Some(3), Some((2, 2)))),
    },
    Found {
        name: "installed a snapshot behind the end of the log",
        entries: &[1, 1],
        purged: None,
        mark: None,
        saved: Some((3, 9)),
        after: Some((None, None, Some((3, 9)))),
    },
    Found {
        name: "installed a snapshot, and the log has other entries",
        entries: &[1, 1, 1, 1],
        purged: None,
        mark: None,
        saved: Some((3, 2)),
        after: Some((None, None, Some((3, 2)))),
    },
    Found {
        name: "installed a snapshot into nothing",
        entries: &[],
        purged: None,
        mark: None,
        saved: Some((3, 9)),
        after: Some((None, None, Some((3, 9)))),
    },
    Found {
        name: "adopted",
        entries: &[0, 0, 0],
        purged: None,
        mark: None,
        saved: Some((1, 2)),
        after: Some((None, None, Some((1, 2)))),
    },
    Found {
        name: "adopted, purged before",
        entries: &[0, 0, 0],
        purged: Some(1),
        mark: None,
        saved: Some((1, 2)),
        after: Some((None, None, Some((1, 2)))),
    },
    Found {
        name: "purged and saved nothing",
        entries: &[1, 1],
        purged: Some(0),
        mark: Some((1, 0)),
        saved: None,
        after: None,
    },
    Found {
        name: "purged beyond what is saved",
        entries: &[1, 1, 1, 1],
        purged: Some(2),
        mark: Some((1, 2)),
        saved: Some((1, 1)),
        after: None,
    },
];

fn id((term, index): (u64, u64)) -> EntryId {
    EntryId { term, index }
}

#[test]
fn log_marks_and_saved_state_are_brought_to_agree() {
    for found in FOUND {
        let dir = folder();
        let (log, state) = open(&dir);
        let marks = Marks::new(state, GROUP);
        for (index, term) in (0..).zip(found.entries) {
            let mut header = [0u8; super::record::HEADER];
            header[0] = 1;
            header[4..].copy_from_slice(&term.to_le_bytes());
            let kind = if *term == 0 { 1 } else { super::RECORD_KIND };
            log.append(&[store::Record { group: GROUP, index, kind, parts: &[&header] }]).unwrap();
        }
        if let Some(index) = found.purged {
            log.purge(GROUP, index).unwrap();
        }
        if let Some(mark) = found.mark {
            marks.save_purged(id(mark)).unwrap();
        }
        let outcome = settle(&log, &marks, GROUP, found.saved.map(id)).ok().map(|()| {
            let bounds = log.bounds(GROUP);
            (bounds.first, bounds.last, marks.purged().unwrap().map(|id| (id.term, id.index)))
        });
        assert_eq!(outcome, found.after, "{}", found.name);
        if outcome.is_some() {
            // Mended once is mended: a second look finds nothing to do, and openraft can start.
            settle(&log, &marks, GROUP, found.saved.map(id)).unwrap();
            assert_eq!(log.bounds(GROUP).last, found.after.unwrap().1, "{}", found.name);
            let next = found.after.unwrap().1.or(found.saved.map(|saved| saved.1));
            let index = next.map_or(0, |index| index + 1);
            let record = store::Record { group: GROUP, index, kind: super::RECORD_KIND, parts: &[] };
            log.append(&[record]).unwrap();
        }
    }
}

#[test]
fn a_group_is_adopted_once() {
    let dir = folder();
    let (_, state) = open(&dir);
    let position = super::adopt(&state, 3, GROUP, 41).unwrap();
    assert_eq!(position.id, EntryId { term: 1, index: 41 });
    assert_eq!(super::adopt(&state, 3, GROUP, 41).unwrap(), position);
    assert!(matches!(super::adopt(&state, 4, GROUP, 41), Err(super::Error::Founded(GROUP))));
}

#[tokio::test]
async fn a_full_disk_is_waited_for_and_a_broken_one_is_not() {
    let fault = Fault::default();
    let full = || store::Error::DiskFull { path: "/full".into(), needed: 1 }.into();
    let mut attempts = 0;
    let attempt = || {
        attempts += 1;
        std::future::ready(if attempts < 2 { Err(full()) } else { Ok(attempts) })
    };
    assert_eq!(fault.patiently(GROUP, "try", attempt).await.unwrap(), 2);
    assert_eq!((fault.stalled(), fault.text()), (None, None));
    let broken: Result<(), _> =
        fault.patiently(GROUP, "try", || std::future::ready(Err(store::Error::Closed.into()))).await;
    assert!(broken.is_err());
    assert!(fault.text().unwrap().starts_with("cannot try: "));
    // One that is told to stop does not wait for space.
    fault.stop();
    let stopped: Result<(), _> = fault.patiently(GROUP, "try", || std::future::ready(Err(full()))).await;
    assert!(stopped.is_err());
    assert!(fault.stalled().unwrap().contains("/full"));
}
