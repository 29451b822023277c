//! Leading a shard: bringing its pipeline to where its group is, then feeding it what the group
//! commits. Runs on the shard's thread.

use crate::clock::Clock;
use crate::definition::Definition;
use crate::directory::Directory;
use crate::options::Options;
use crate::outlet::{Changes, Outlet};
use crate::outside::looped::is_shard;
use crate::recover::{Prefixed, open_checkpoint};
use crate::submit::{group, kind};
use crate::worker::Held;
use bytes::Bytes;
use catalog::Catalog;
use cluster::raft::{Committed, Content, EntryId, Position, Proposal, read_committed};
use model::codec::Decoder;
use parking_lot::{Mutex, RwLock};
use pipeline::Server;
use pipeline::node::{Call, Effects};
use pipeline::task::Task;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use store::{Log, State};

/// Key of a checkpoint's [`Position`] in its group's log.
pub const POSITION: &[u8] = b"p";

/// Key of the writes that were taken.
pub const TAKEN: &[u8] = b"o";

/// Senders of which is remembered what was taken: each start of each member is one, and each
/// client's `Idempotency-Key`.
const SENDERS_MAX: usize = 8192;

/// Events that are handed over together while a log is replayed.
const EVENTS_TOGETHER: usize = 1000;

/// What stands before the encoded entry in a proposal of points: sender, number, epoch, link.
const HEADER: usize = 32;

/// Begins a [`Run`]; no definition of a task without one begins so.
const RUN: [u8; 5] = *b"\xff\xffRUN";

/// What a shard's thread needs to bring a shard back.
pub struct Loader {
    /// Options of the engine that tasks are built by.
    pub options: Arc<Options>,
    /// The logs.
    pub log: Arc<Log>,
    /// The checkpoints.
    pub state: Arc<State>,
    /// Must not give a time that a log holds.
    pub clock: Arc<Clock>,
    /// What is agreed on.
    pub catalog: Arc<RwLock<Catalog>>,
    /// The tasks.
    pub built: Built,
}

/// Tasks by their encoded definitions: router, shards and statistics share them.
#[derive(Default)]
pub struct Built(Mutex<BTreeMap<Vec<u8>, Arc<Task>>>);

/// A task that is to run, as the shards' logs and checkpoints name it: the same script enabled
/// anew is another run, with empty state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The place in the control group's log from which on it is to run; 0 for a task that ran
    /// before the member became one of a cluster.
    pub revision: u64,
    /// The encoded [`Definition`].
    pub definition: Vec<u8>,
}

/// What a leader has proposed is a chain, an epoch of its own each time it begins to take points.
/// Raft may refuse one proposal and take the next, whose series may build on the refused one: a
/// link that does not follow the one before counts as never proposed, on every member alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    epoch: u64,
    link: u64,
}

/// What stands before the points in a proposal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Header {
    /// The sender.
    pub sender: u64,
    /// The sender's number of the write.
    pub number: u64,
    /// The place in the leader's chain.
    pub chain: Chain,
}

/// What each sender's last taken write was: its number, and its clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Taken(BTreeMap<u64, (u64, i64)>);

/// What a led shard knows beyond what a member alone does.
#[derive(Debug)]
pub struct Grouped {
    /// How often the shard was brought back on this member, this time included.
    pub generation: u64,
    last: EntryId,
    membership: Bytes,
    taken: Taken,
    chain: Chain,
    decoder: Decoder,
}

/// What a new leader must know of its shard.
pub struct Led {
    /// Its series.
    pub directory: Directory,
    /// The writes that it has.
    pub taken: Taken,
    /// The tasks that run in it.
    pub running: BTreeMap<String, Run>,
    /// The clock of its last entry.
    pub clock: i64,
}

impl Run {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = RUN.to_vec();
        bytes.extend(postcard::to_allocvec(self).expect("plain values always encode"));
        bytes
    }

    /// From [`Self::encode`], or from the definition of a task of a member alone.
    pub fn decode(bytes: &[u8]) -> Result<Run, String> {
        match bytes.strip_prefix(&RUN) {
            Some(run) => postcard::from_bytes(run).map_err(|error| error.to_string()),
            None => Ok(Run { revision: 0, definition: bytes.to_vec() }),
        }
    }

    /// Both are the same start of the same task. A run that is older than the cluster is the run of
    /// whatever has its definition.
    pub fn is(&self, other: &Run) -> bool {
        let same = self.revision == other.revision || self.revision == 0 || other.revision == 0;
        same && self.definition == other.definition
    }
}

impl Taken {
    /// The last write taken of a sender; 0 before the first.
    pub fn last(&self, sender: u64) -> u64 {
        self.0.get(&sender).map_or(0, |&(number, _)| number)
    }

    /// Adds what the checkpoint of a shard of a member alone must hold: the same as that of a cluster,
    /// which the shard may become a part of.
    pub fn save(&self, changes: &mut Changes) {
        if !self.0.is_empty() {
            changes.set(TAKEN, super::wire::encode(&(self, Chain::default())).to_vec());
        }
    }

    /// From [`Self::save`].
    pub fn decode(bytes: &[u8]) -> Result<Taken, String> {
        super::wire::decode::<(Taken, Chain)>(bytes).map(|(taken, _)| taken)
    }

    /// Notes a write. Of too many senders those that were silent longest are forgotten, half of them
    /// at once.
    pub fn take(&mut self, sender: u64, number: u64, clock: i64) {
        self.0.insert(sender, (number, clock));
        if self.0.len() > SENDERS_MAX {
            let mut clocks: Vec<i64> = self.0.values().map(|&(_, clock)| clock).collect();
            let (_, &mut middle, _) = clocks.select_nth_unstable(SENDERS_MAX / 2);
            // Shards are few, and what they sent must not be taken again however long ago it was.
            self.0.retain(|&sender, &mut (_, clock)| clock > middle || is_shard(sender));
        }
    }
}

impl Built {
    /// The task of a run, built now if it is new.
    pub fn task(&self, server: &Server, shards: u32, encoded: &[u8]) -> Result<Arc<Task>, String> {
        if let Some(task) = self.0.lock().get(encoded) {
            return Ok(task.clone());
        }
        let definition = Definition::decode(&Run::decode(encoded)?.definition)?;
        let built =
            definition.build(server, shards).map_err(|error| format!("{}: {error}", definition.id))?;
        // Another thread may have been faster: one object serves all.
        Ok(self.0.lock().entry(encoded.to_vec()).or_insert(built).clone())
    }

    /// Forgets all but these.
    pub fn keep(&self, wanted: impl Fn(&[u8]) -> bool) {
        self.0.lock().retain(|encoded, _| wanted(encoded));
    }
}

impl Chain {
    /// The beginning of an epoch.
    pub fn begin(epoch: u64) -> Chain {
        Chain { epoch, link: 0 }
    }

    /// The next link.
    pub fn next(self) -> Chain {
        Chain { link: self.link + 1, ..self }
    }

    /// Takes a link if it follows. False: it counts as never proposed.
    pub fn take(&mut self, link: Chain) -> bool {
        let before = if link.epoch == self.epoch { *self } else { Chain::begin(link.epoch) };
        let follows = before.next() == link;
        if follows {
            *self = link;
        }
        follows
    }
}

impl Header {
    /// Of a proposal of points.
    pub fn read(bytes: &[u8]) -> Option<Header> {
        let word = |at: usize| Some(u64::from_le_bytes(*bytes.get(at * 8..)?.first_chunk()?));
        let chain = Chain { epoch: word(2)?, link: word(3)? };
        Some(Header { sender: word(0)?, number: word(1)?, chain })
    }
}

/// A proposal of points.
pub fn propose_points(header: Header, entry: &model::Entry) -> Proposal {
    let mut bytes = Vec::with_capacity(HEADER + 64 + entry.points() * 48);
    for word in [header.sender, header.number, header.chain.epoch, header.chain.link] {
        bytes.extend(word.to_le_bytes());
    }
    model::codec::encode(entry, &mut bytes);
    Proposal { kind: kind::POINTS, bytes: bytes.into() }
}

impl Grouped {
    /// Adds what a checkpoint must hold.
    pub fn save(&self, changes: &mut Changes) {
        changes.set(POSITION, self.position().encode().to_vec());
        changes.set(TAKEN, super::wire::encode(&(&self.taken, self.chain)).to_vec());
    }

    /// Where the shard stands in its group's log.
    pub fn position(&self) -> Position {
        Position { id: self.last, membership: self.membership.clone() }
    }
}

impl Loader {
    /// Facts that templates may name: those of this member, in its cluster.
    pub fn server(&self) -> Server {
        let mut server = self.options.server.clone();
        if let Some(cluster) = self.catalog.read_recursive().cluster() {
            server.cluster_id.clone_from(&cluster.id);
        }
        server
    }

    /// Folder for snapshots on their way.
    pub fn spool(&self) -> PathBuf {
        self.options.data_dir.join("snapshots")
    }

    /// Loads a shard's checkpoint and replays its log up to `upto`. Events of the replay go out
    /// again; those that were taken before are not taken twice. Gives the calls of it that nobody answered.
    pub fn load(
        &self,
        shard: u32,
        generation: u64,
        upto: u64,
        outlet: &Outlet,
    ) -> Result<(Held, Vec<Call>), String> {
        let source = Prefixed::new(&self.state, shard);
        let mut build = |saved: &pipeline::checkpoint::SavedTask| self.task_or_log(&saved.definition);
        let mut held =
            open_checkpoint(&self.options, &source, shard, &mut build).map_err(|error| error.to_string())?;
        let value = |key| source.value(key).map_err(|error| error.to_string());
        let position = match value(POSITION)? {
            Some(bytes) => Some(Position::decode(&bytes).map_err(|error| error.to_string())?),
            None => None,
        };
        // The first entry of a group has index 0.
        let from = position.as_ref().map_or(0, |position| position.id.index + 1);
        let position = position.unwrap_or_default();
        let (taken, chain) = match value(TAKEN)? {
            Some(bytes) => super::wire::decode(&bytes)?,
            None => (Taken::default(), Chain::default()),
        };
        let decoder = Decoder::new();
        held.saved = position.id.index;
        held.applied = position.id.index;
        let (last, membership) = (position.id, position.membership);
        held.group = Some(Grouped { generation, last, membership, taken, chain, decoder });
        let mut effects = Effects::default();
        for entry in read_committed(&self.log, group(shard), from..upto + 1) {
            held.take(entry.map_err(|error| error.to_string())?, self, &mut effects)?;
            held.take_replayed(&mut effects);
            if effects.events.len() >= EVENTS_TOGETHER {
                outlet.events(std::mem::take(&mut effects.events));
            }
        }
        if !effects.events.is_empty() {
            outlet.events(std::mem::take(&mut effects.events));
        }
        self.clock.after(held.clock);
        Ok((held, effects.calls))
    }

    fn task_or_log(&self, encoded: &[u8]) -> Option<Arc<Task>> {
        self.built
            .task(&self.server(), self.options.shards, encoded)
            .inspect_err(|error| {
                tracing::error!(
                    error,
                    "a task of the cluster does not build on this member; are all of one version?"
                )
            })
            .ok()
    }
}

impl Held {
    /// Takes an entry that the group committed.
    pub fn take(&mut self, entry: Committed, loader: &Loader, effects: &mut Effects) -> Result<(), String> {
        let Some(group) = &mut self.group else { return Err("the shard belongs to no group".into()) };
        let index = entry.id.index;
        group.last = entry.id;
        let proposal = match entry.content {
            Content::Proposal(proposal) => proposal,
            Content::Membership(membership) => {
                group.membership = membership;
                return Ok(());
            }
            Content::Blank => return Ok(()),
        };
        match proposal.kind {
            kind::POINTS => {
                let header = Header::read(&proposal.bytes).ok_or("it is too short")?;
                if !group.chain.take(header.chain) {
                    return Ok(());
                }
                let entry = group
                    .decoder
                    .decode(&proposal.bytes[HEADER..], self.shard.series().len())
                    .map_err(|error| error.to_string())?;
                group.taken.take(header.sender, header.number, entry.clock);
                self.feed(index, entry, effects);
            }
            // Checkpoints are the business of the replica, not of the pipeline.
            kind::CHECKPOINT_PART | kind::CHECKPOINT => {}
            other => {
                let mut build = |definition: &[u8]| loader.task_or_log(definition);
                self.replay(index, (other, &proposal.bytes), &mut build, effects)?;
            }
        }
        Ok(())
    }

    /// What a new leader must know.
    pub fn led(&self) -> Led {
        let running = self
            .shard
            .definitions()
            .filter_map(|(id, definition)| Some((id.to_string(), Run::decode(definition).ok()?)));
        Led {
            directory: Directory::of(self.shard.series(), 0),
            taken: self.group.as_ref().map(|group| group.taken.clone()).unwrap_or_default(),
            running: running.collect(),
            clock: self.clock,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_told_from_definitions_without_one() {
        let run = Run { revision: 7, definition: b"\x03cpu".to_vec() };
        assert_eq!(Run::decode(&run.encode()), Ok(run.clone()));
        let old = Run::decode(&run.definition).expect("it decodes");
        assert_eq!(old.revision, 0);
        assert!(old.is(&run) && run.is(&old));
        assert!(!run.is(&Run { revision: 8, ..run.clone() }));
    }

    #[test]
    fn links_that_do_not_follow_are_not_taken() {
        let first = Chain::begin(5).next();
        let mut chain = Chain::default();
        assert!(chain.take(first));
        assert!(!chain.take(first.next().next()));
        assert!(chain.take(first.next()));
        let other = Chain::begin(6);
        assert!(!chain.take(other.next().next()));
        assert!(chain.take(other.next()));
    }

    #[test]
    fn of_too_many_senders_the_silent_ones_are_forgotten() {
        let mut taken = Taken::default();
        for sender in 0..=SENDERS_MAX as u64 {
            taken.take(sender, 1, sender as i64);
        }
        let newest = SENDERS_MAX as u64;
        assert_eq!((taken.last(0), taken.last(newest)), (0, 1));
        assert!(taken.0.len() < SENDERS_MAX && taken.0.len() >= SENDERS_MAX / 2 - 1);
    }
}
