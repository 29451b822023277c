//! A machine that records what is applied, saves it now and then, and tells the oracle.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use cluster::MemberId;
use cluster::raft::{Committed, Content, EntryId, Machine, Membership, Position, SnapshotSource};
use futures::future::BoxFuture;
use parking_lot::Mutex;

use crate::oracle::{Oracle, Said};

type Entry = (EntryId, Said);

/// What survives a crash.
#[derive(Clone, Default)]
pub struct Disk {
    inner: Arc<DiskInner>,
}

#[derive(Default)]
struct DiskInner {
    saved: Mutex<Option<(Position, Vec<Entry>)>>,
    /// Something was saved and the group does not know yet.
    news: AtomicBool,
    installed: AtomicBool,
}

impl Disk {
    pub fn take_news(&self) -> bool {
        self.inner.news.swap(false, Ordering::AcqRel)
    }

    pub fn was_installed(&self) -> bool {
        self.inner.installed.load(Ordering::Acquire)
    }

    fn save(&self, position: Position, entries: Vec<Entry>) {
        *self.inner.saved.lock() = Some((position, entries));
        self.inner.news.store(true, Ordering::Release);
    }

    fn load(&self) -> Option<(Position, Vec<Entry>)> {
        self.inner.saved.lock().clone()
    }
}

impl SnapshotSource for Disk {
    /// Writes what is saved now, which may be newer than when the source was handed out.
    fn write(&self, out: &mut dyn Write) -> io::Result<Position> {
        let (position, entries) = self.load().ok_or_else(|| io::Error::other("nothing is saved"))?;
        for (id, said) in entries {
            for number in [id.term, id.index, u64::from(said.is_some()), said.unwrap_or(0)] {
                out.write_all(&number.to_le_bytes())?;
            }
        }
        Ok(position)
    }
}

fn read(mut file: File) -> io::Result<Vec<Entry>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    let (records, rest) = bytes.as_chunks::<32>();
    assert!(rest.is_empty(), "a torn snapshot");
    let entry = |record: &[u8; 32]| {
        let id = EntryId { term: number(&record[..8]), index: number(&record[8..16]) };
        (id, (number(&record[16..24]) == 1).then(|| number(&record[24..])))
    };
    Ok(records.iter().map(entry).collect())
}

/// What a member has applied, to be looked at from outside.
pub type Applied = Arc<Mutex<Vec<Entry>>>;

pub struct Recorder {
    me: MemberId,
    oracle: Oracle,
    disk: Disk,
    applied: Applied,
    membership: Bytes,
    save_every: u64,
}

impl Recorder {
    pub fn new(me: MemberId, oracle: Oracle, disk: Disk, save_every: u64) -> Recorder {
        let (membership, entries) = match disk.load() {
            Some((position, entries)) => (position.membership, entries),
            None => (Membership::default().encode(), Vec::new()),
        };
        let applied = Arc::new(Mutex::new(entries));
        Recorder { me, oracle, disk, applied, membership, save_every }
    }

    pub fn applied(&self) -> Applied {
        Arc::clone(&self.applied)
    }

    fn take(&mut self, entry: Committed) -> Bytes {
        let said = match entry.content {
            Content::Blank => None,
            Content::Proposal(proposal) => {
                let value = proposal.bytes.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
                assert_eq!(proposal.kind, 7);
                value
            }
            Content::Membership(membership) => {
                Membership::decode(&membership).unwrap();
                self.membership = membership;
                None
            }
        };
        self.oracle.applied(self.me, entry.id, said);
        let mut applied = self.applied.lock();
        if applied.len() as u64 != entry.id.index {
            let count = applied.len();
            self.oracle.violated(format!("member {} applies {:?} after {count} entries", self.me, entry.id));
        }
        applied.push((entry.id, said));
        if entry.id.index % self.save_every == self.save_every - 1 {
            let position = Position { id: entry.id, membership: self.membership.clone() };
            self.disk.save(position, applied.clone());
        }
        Bytes::copy_from_slice(&entry.id.index.to_le_bytes())
    }
}

impl Machine for Recorder {
    fn position(&self) -> Option<Position> {
        self.disk.load().map(|(position, _)| position)
    }

    fn apply(&mut self, entries: Vec<Committed>) -> BoxFuture<'_, io::Result<Vec<Bytes>>> {
        Box::pin(async move { Ok(entries.into_iter().map(|entry| self.take(entry)).collect()) })
    }

    fn saved(&self) -> Option<(Position, Arc<dyn SnapshotSource>)> {
        let (position, _) = self.disk.load()?;
        Some((position, Arc::new(self.disk.clone())))
    }

    fn install(&mut self, position: Position, snapshot: File) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            let entries = read(snapshot)?;
            if entries.last().map(|(id, _)| *id) != Some(position.id) {
                self.oracle.violated(format!("a snapshot for {:?} ends elsewhere", position.id));
            }
            self.membership = position.membership.clone();
            self.applied.lock().clone_from(&entries);
            self.disk.inner.installed.store(true, Ordering::Release);
            self.disk.save(position, entries);
            Ok(())
        })
    }
}
