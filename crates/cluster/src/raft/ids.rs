//! Places in a group's log and what stands there, in words that the engine may keep and store.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::codec::{Decode, Encode, Reader, Torn};
use super::error::Error;
use crate::carrier::MemberId;

/// Place in a group's log. Ordered as the log is. There is at most one leader in a term, so these two
/// numbers name an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// The term of the leader that proposed the entry.
    pub term: u64,
    /// The index: the first entry of a group has 0.
    pub index: u64,
}

/// Who belonged to a group as of some entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// The entry that says so. None: nobody said yet.
    pub id: Option<EntryId>,
    /// One set of voters, or two while the change from one to the other is under way.
    pub voters: Vec<BTreeSet<MemberId>>,
    /// Those that follow without a vote.
    pub learners: BTreeSet<MemberId>,
}

impl Membership {
    /// The bytes that [`Position::membership`] and [`Content::Membership`] carry.
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(64);
        out.push(FORMAT);
        self.put(&mut out);
        out.into()
    }

    /// Reads what [`Membership::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::Torn`] for anything else.
    pub fn decode(bytes: &Bytes) -> Result<Membership, Error> {
        decode("a membership", bytes)
    }
}

/// Where a machine stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The last entry that its saved state contains.
    pub id: EntryId,
    /// The membership as of that entry: the bytes of the last [`Content::Membership`] up to there.
    pub membership: Bytes,
}

impl Position {
    /// The position as bytes to be saved beside what it is the position of.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(24 + self.membership.len());
        out.push(FORMAT);
        self.put(&mut out);
        out
    }

    /// Reads what [`Position::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::Torn`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Position, Error> {
        decode("a position", &Bytes::copy_from_slice(bytes))
    }
}

/// What somebody wants to have agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What it is, in the caller's own numbering.
    pub kind: u8,
    /// The content.
    pub bytes: Bytes,
}

/// An entry that is agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its place.
    pub id: EntryId,
    /// What it says.
    pub content: Content,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing: a new leader writes one to find out what is committed.
    Blank,
    /// What somebody proposed. Entries read together share a buffer: copy what is kept for long.
    Proposal(Proposal),
    /// The membership from here on, encoded as in [`Position::membership`].
    Membership(Bytes),
}

/// The version of the encodings in this file.
const FORMAT: u8 = 1;

fn decode<T: Decode>(what: &'static str, bytes: &Bytes) -> Result<T, Error> {
    let mut reader = Reader::new(bytes.clone());
    let read = |reader: &mut Reader| -> Result<T, Torn> {
        reader.version(FORMAT)?;
        let value = T::decode_from(reader)?;
        reader.end()?;
        Ok(value)
    };
    read(&mut reader).map_err(|torn| Error::Torn { what, why: torn.to_string() })
}

impl Encode for EntryId {
    fn put(&self, out: &mut Vec<u8>) {
        self.term.put(out);
        self.index.put(out);
    }
}

impl Decode for EntryId {
    fn decode_from(reader: &mut Reader) -> Result<EntryId, Torn> {
        Ok(EntryId { term: u64::decode_from(reader)?, index: u64::decode_from(reader)? })
    }
}

impl Encode for Membership {
    fn put(&self, out: &mut Vec<u8>) {
        self.id.put(out);
        self.voters.put(out);
        self.learners.put(out);
    }
}

impl Decode for Membership {
    fn decode_from(reader: &mut Reader) -> Result<Membership, Torn> {
        let id = Option::decode_from(reader)?;
        let voters: Vec<BTreeSet<MemberId>> = Vec::decode_from(reader)?;
        let learners = BTreeSet::decode_from(reader)?;
        Ok(Membership { id, voters, learners })
    }
}

impl Encode for Position {
    fn put(&self, out: &mut Vec<u8>) {
        self.id.put(out);
        self.membership.put(out);
    }
}

impl Decode for Position {
    fn decode_from(reader: &mut Reader) -> Result<Position, Torn> {
        Ok(Position { id: EntryId::decode_from(reader)?, membership: Bytes::decode_from(reader)? })
    }
}
