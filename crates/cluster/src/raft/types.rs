//! The types that openraft is used with, and the way from ours to its and back.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::codec::Torn;
use super::ids::{EntryId, Membership, Position, Proposal};
use crate::carrier::MemberId;

openraft::declare_raft_types!(
    /// Standard Raft: one leader in a term. A member is a number; who it is, others know.
    pub(crate) Types:
        D = Data,
        R = Answer,
        NodeId = MemberId,
        Node = (),
        LeaderId = openraft::impls::leader_id_std::LeaderId<u64, MemberId>,
);

pub(crate) type LogId = openraft::alias::LogIdOf<Types>;
pub(crate) type Vote = openraft::alias::VoteOf<Types>;
pub(crate) type Entry = openraft::alias::EntryOf<Types>;
pub(crate) type Payload = openraft::alias::PayloadOf<Types>;
pub(crate) type StoredMembership = openraft::alias::StoredMembershipOf<Types>;
pub(crate) type SnapshotMeta = openraft::alias::SnapshotMetaOf<Types>;
pub(crate) type Raft = openraft::Raft<Types, super::apply::Applier>;
pub(crate) type RpcError = openraft::errors::RPCError<Types>;
pub(crate) type AppendRequest = openraft::raft::AppendEntriesRequest<Types>;
pub(crate) type AppendResult = openraft::raft::StreamAppendResult<Types>;

/// A proposal inside openraft.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Data(pub Proposal);

/// A machine's answer inside openraft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer(pub Bytes);

impl From<Proposal> for Data {
    fn from(proposal: Proposal) -> Data {
        Data(proposal)
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kind {} with {} bytes", self.0.kind, self.0.bytes.len())
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

// openraft wants these with its feature `serde`; nothing on disk or on the wire uses them.
impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0.kind, self.0.bytes.as_ref()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Data, D::Error> {
        let (kind, bytes) = <(u8, Vec<u8>)>::deserialize(deserializer)?;
        Ok(Data(Proposal { kind, bytes: bytes.into() }))
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Answer, D::Error> {
        Vec::<u8>::deserialize(deserializer).map(|bytes| Answer(bytes.into()))
    }
}

pub(crate) fn entry(id: EntryId, payload: Payload) -> Entry {
    Entry { log_id: to_log_id(id), payload }
}

pub(crate) fn to_log_id(id: EntryId) -> LogId {
    LogId::new_term_index(id.term, id.index)
}

pub(crate) fn from_log_id(id: LogId) -> EntryId {
    EntryId { term: id.committed_leader_id().term, index: id.index() }
}

pub(crate) fn membership_from(
    id: Option<LogId>,
    membership: &openraft::Membership<MemberId, ()>,
) -> Membership {
    Membership {
        id: id.map(from_log_id),
        voters: membership.get_joint_config().clone(),
        learners: membership.learner_ids().collect(),
    }
}

pub(crate) fn membership_to(membership: &Membership) -> Result<openraft::Membership<MemberId, ()>, Torn> {
    // openraft's default, before anything was agreed on, has no voters and is not valid otherwise.
    if membership.voters.is_empty() && membership.learners.is_empty() {
        return Ok(openraft::Membership::default());
    }
    let voters = membership.voters.iter().flatten();
    let all: BTreeSet<MemberId> = membership.learners.iter().chain(voters).copied().collect();
    openraft::Membership::new(membership.voters.clone(), all)
        .map_err(|_| Torn::Wrong("a membership has no voters"))
}

pub(crate) fn stored_membership(membership: &Membership) -> Result<StoredMembership, Torn> {
    Ok(StoredMembership::new(membership.id.map(to_log_id), membership_to(membership)?))
}

pub(crate) fn position_of(meta: &SnapshotMeta) -> Option<Position> {
    let stored = &meta.last_membership;
    let membership = membership_from(*stored.log_id(), stored.membership());
    Some(Position { id: from_log_id(meta.last_log_id?), membership: membership.encode() })
}
