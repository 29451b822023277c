//! What a group keeps beside its log: its vote, up to where the log was purged, and a lower bound of
//! what is committed. Small, keyed by group, in the state's family `Raft`.

use std::sync::Arc;

use store::{Batch, Family, State};

use super::codec::{Decode, Encode, Reader, Torn};
use super::error::Error;
use super::ids::EntryId;
use super::types::Vote;

const FORMAT: u8 = 1;

/// Which mark. The letter stands behind the group in the key and is never used for anything else.
#[derive(Clone, Copy)]
enum Mark {
    Vote = b'v' as isize,
    Purged = b'p' as isize,
    Committed = b'c' as isize,
}

/// The marks of one group.
#[derive(Clone)]
pub(crate) struct Marks {
    state: Arc<State>,
    group: u64,
}

impl Marks {
    pub(crate) fn new(state: Arc<State>, group: u64) -> Marks {
        Marks { state, group }
    }

    pub(crate) fn vote(&self) -> Result<Option<Vote>, Error> {
        vote(&self.state, self.group)
    }

    pub(crate) fn purged(&self) -> Result<Option<EntryId>, Error> {
        get(&self.state, self.group, Mark::Purged, "a purge mark")
    }

    pub(crate) fn committed(&self) -> Result<Option<EntryId>, Error> {
        get(&self.state, self.group, Mark::Committed, "a commit mark")
    }

    /// Saves the vote. Blocks until it is on the platter.
    pub(crate) fn save_vote(&self, vote: &Vote) -> Result<(), Error> {
        save_vote(&self.state, self.group, vote)
    }

    /// Saves up to where the log is about to be purged. Blocks until it is on the platter, because the
    /// log does not keep the term of what it purged.
    pub(crate) fn save_purged(&self, id: EntryId) -> Result<(), Error> {
        Ok(put(&self.state, self.group, Mark::Purged, &id, true)?)
    }

    /// Saves a lower bound of what is committed. Survives the process, not a power cut.
    pub(crate) fn save_committed(&self, id: EntryId) -> Result<(), Error> {
        Ok(put(&self.state, self.group, Mark::Committed, &id, false)?)
    }
}

fn get<T: Decode>(state: &State, group: u64, mark: Mark, what: &'static str) -> Result<Option<T>, Error> {
    let Some(value) = state.get(Family::Raft, &key(group, mark))? else {
        return Ok(None);
    };
    let read = || -> Result<T, Torn> {
        let mut reader = Reader::new(value.into());
        reader.version(FORMAT)?;
        let value = T::decode_from(&mut reader)?;
        reader.end()?;
        Ok(value)
    };
    read().map(Some).map_err(|torn| Error::Torn { what, why: torn.to_string() })
}

/// Saves a vote. Blocks until it is on the platter.
pub(crate) fn save_vote(state: &State, group: u64, vote: &Vote) -> Result<(), Error> {
    Ok(put(state, group, Mark::Vote, vote, true)?)
}

/// The vote of a group.
pub(crate) fn vote(state: &State, group: u64) -> Result<Option<Vote>, Error> {
    get(state, group, Mark::Vote, "a vote")
}

/// Forgets all marks of a group.
pub(crate) fn forget(state: &State, group: u64) -> Result<(), Error> {
    Ok(state.delete_prefix(Family::Raft, &group.to_be_bytes(), true)?)
}

fn put(state: &State, group: u64, mark: Mark, value: &impl Encode, durable: bool) -> store::Result<()> {
    let mut bytes = vec![FORMAT];
    value.put(&mut bytes);
    let mut batch = Batch::new();
    batch.put(Family::Raft, key(group, mark), bytes);
    state.write(batch, durable)
}

fn key(group: u64, mark: Mark) -> Vec<u8> {
    let mut key = group.to_be_bytes().to_vec();
    key.push(mark as u8);
    key
}
