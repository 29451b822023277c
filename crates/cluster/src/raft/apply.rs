//! The engine's machine as openraft wants it.

use std::fs::File;
use std::io;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use openraft::storage::{ApplyResponder, RaftSnapshotBuilder, RaftStateMachine};
use tokio::sync::watch;

use super::codec::Torn;
use super::entries::Fault;
use super::ids::{Committed, Content, EntryId, Membership, Position};
use super::machine::{Machine, SnapshotSource};
use super::recent::{Budget, size};
use super::spool::Spool;
use super::types::{
    Answer, Entry, LogId, Payload, SnapshotMeta, StoredMembership, Types, from_log_id, membership_from,
    position_of, stored_membership, to_log_id,
};

/// Entries given to the machine at once, in bytes.
const APPLY_BYTES_MAX: usize = 4 << 20;
/// Entries given to the machine at once.
const APPLY_ENTRIES_MAX: usize = 1024;

/// A snapshot: on this member its source, from another one a file.
pub(crate) enum SnapshotData {
    Source(Arc<dyn SnapshotSource>),
    File(File),
}

type Snapshot = openraft::alias::SnapshotOf<Types, SnapshotData>;

/// The machine, and what openraft asks about it.
pub(crate) struct Applier {
    machine: Box<dyn Machine>,
    group: u64,
    fault: Fault,
    spool: Spool,
    applied: Option<LogId>,
    membership: StoredMembership,
    progress: watch::Sender<Option<u64>>,
}

impl Applier {
    pub(crate) fn new(
        machine: Box<dyn Machine>,
        group: u64,
        fault: Fault,
        spool: Spool,
    ) -> Result<Applier, super::Error> {
        let position = machine.position();
        let (applied, membership) = match &position {
            Some(position) => (Some(to_log_id(position.id)), membership_of(position)?),
            None => (None, StoredMembership::default()),
        };
        let progress = watch::Sender::new(applied.map(|id| id.index()));
        Ok(Applier { machine, group, fault, spool, applied, membership, progress })
    }

    /// Tells how far has been applied.
    pub(crate) fn progress(&self) -> watch::Receiver<Option<u64>> {
        self.progress.subscribe()
    }

    /// What the saved state contains.
    pub(crate) fn position(&self) -> Option<EntryId> {
        self.applied.map(from_log_id)
    }

    fn fault(&self, doing: &str, error: impl std::fmt::Display) -> io::Error {
        self.fault.note(self.group, doing, error)
    }

    async fn apply_batch(&mut self, batch: Batch) -> io::Result<()> {
        let Batch { entries, responders, last, membership } = batch;
        let Some(last) = last else {
            return Ok(());
        };
        let count = entries.len();
        let applied = self.machine.apply(entries).await;
        let answers = applied.map_err(|error| self.fault(&format!("apply entries up to {last}"), error))?;
        if answers.len() != count {
            let error = format!("the machine gave {} answers to {count} entries", answers.len());
            return Err(self.fault(&format!("apply entries up to {last}"), error));
        }
        self.applied = Some(last);
        if let Some(membership) = membership {
            self.membership = membership;
        }
        for (responder, answer) in responders.into_iter().zip(answers) {
            if let Some(responder) = responder {
                responder.send(Answer(answer));
            }
        }
        self.progress.send_replace(Some(last.index()));
        Ok(())
    }

    fn saved(&self) -> io::Result<Option<Snapshot>> {
        let Some((position, source)) = self.machine.saved() else {
            return Ok(None);
        };
        let meta =
            meta_of(&position).map_err(|error| self.fault("read the position of saved state", error))?;
        Ok(Some(Snapshot { meta, snapshot: SnapshotData::Source(source) }))
    }
}

/// Entries collected for the machine.
#[derive(Default)]
struct Batch {
    entries: Vec<Committed>,
    responders: Vec<Option<ApplyResponder<Types>>>,
    last: Option<LogId>,
    membership: Option<StoredMembership>,
}

impl Batch {
    fn push(&mut self, entry: Entry, responder: Option<ApplyResponder<Types>>) {
        let log_id = entry.log_id;
        if let Payload::Membership(membership) = &entry.payload {
            self.membership = Some(StoredMembership::new(Some(log_id), membership.clone()));
        }
        self.entries.push(committed(entry));
        self.responders.push(responder);
        self.last = Some(log_id);
    }
}

/// An entry in the words of those outside.
pub(crate) fn committed(entry: Entry) -> Committed {
    let log_id = entry.log_id;
    let content = match entry.payload {
        Payload::Blank => Content::Blank,
        Payload::Normal(data) => Content::Proposal(data.0),
        Payload::Membership(membership) => {
            Content::Membership(membership_from(Some(log_id), &membership).encode())
        }
    };
    Committed { id: from_log_id(log_id), content }
}

fn membership_of(position: &Position) -> Result<StoredMembership, super::Error> {
    let membership = Membership::decode(&position.membership)?;
    stored_membership(&membership).map_err(|torn: Torn| super::Error::Torn {
        what: "the membership of saved state",
        why: torn.to_string(),
    })
}

/// What openraft calls a position.
pub(crate) fn meta_of(position: &Position) -> Result<SnapshotMeta, super::Error> {
    let last_membership = membership_of(position)?;
    Ok(SnapshotMeta { last_log_id: Some(to_log_id(position.id)), last_membership })
}

impl RaftStateMachine<Types> for Applier {
    type SnapshotData = SnapshotData;
    type SnapshotBuilder = Saved;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        Ok((self.applied, self.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<(Entry, Option<ApplyResponder<Types>>)>> + Unpin + Send,
    {
        let mut batch = Batch::default();
        let mut budget = Budget::new(APPLY_BYTES_MAX);
        while let Some(item) = entries.next().await {
            let (entry, responder) = item?;
            if !budget.admit(size(&entry)) || batch.entries.len() == APPLY_ENTRIES_MAX {
                self.apply_batch(std::mem::take(&mut batch)).await?;
                budget = Budget::new(APPLY_BYTES_MAX);
                budget.admit(size(&entry));
            }
            batch.push(entry, responder);
        }
        self.apply_batch(batch).await
    }

    async fn try_create_snapshot_builder(&mut self, force: bool) -> Option<Saved> {
        let saved = self.saved();
        // Nothing is forced but at start, and only when the log was purged: then something is saved.
        (force || !matches!(saved, Ok(None))).then_some(Saved { saved })
    }

    async fn get_snapshot_builder(&mut self) -> Saved {
        Saved { saved: self.saved() }
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, data: SnapshotData) -> io::Result<()> {
        let Some(position) = position_of(meta) else {
            return Err(self.fault("install a snapshot", "it has no position"));
        };
        let file = match data {
            SnapshotData::File(file) => Ok(file),
            SnapshotData::Source(source) => {
                let spool = self.spool.clone();
                let written = tokio::task::spawn_blocking(move || spool.write(&*source)).await;
                written.map_err(io::Error::other).and_then(|written| written.map(|(_, file)| file))
            }
        };
        let file = file.map_err(|error| self.fault("spool a snapshot", error))?;
        let installed = self.machine.install(position, file).await;
        installed.map_err(|error| self.fault("install a snapshot", error))?;
        self.applied = meta.last_log_id;
        self.membership = meta.last_membership.clone();
        self.progress.send_replace(meta.last_log_id.map(|id| id.index()));
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<Snapshot>> {
        self.saved()
    }
}

/// "Builds" a snapshot: the machine has saved it already.
pub(crate) struct Saved {
    saved: io::Result<Option<Snapshot>>,
}

impl RaftSnapshotBuilder<Types> for Saved {
    type SnapshotData = SnapshotData;

    async fn build_snapshot(&mut self) -> io::Result<Snapshot> {
        let saved = std::mem::replace(&mut self.saved, Ok(None))?;
        let nothing = || SnapshotData::Source(Arc::new(Nothing));
        Ok(saved.unwrap_or_else(|| Snapshot { meta: SnapshotMeta::default(), snapshot: nothing() }))
    }
}

/// The saved state of a machine that has saved nothing. It has no position, so it is never sent.
struct Nothing;

impl SnapshotSource for Nothing {
    fn write(&self, _: &mut dyn io::Write) -> io::Result<Position> {
        Err(io::Error::other("the machine has saved nothing yet"))
    }
}
