//! The members of a cluster: who they are, how to reach them, who left for good.

use crate::key::Key;
use crate::{Catalog, Outcome, Rejection};
use model::{Name, Time};
use serde::{Deserialize, Serialize};

/// Number of a member, never used again for another one. Made from the id in its data directory.
pub type MemberId = u64;

/// A server of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its number.
    pub id: MemberId,
    /// The id in its data directory, from which the number is made.
    pub uuid: String,
    /// Its host name: unique, and what users know it by.
    pub name: Name,
    /// Where it gossips: `host:port`.
    pub gossip: String,
    /// Where other members call it: `host:port`.
    pub rpc: String,
    /// Where users call it: `host:port`.
    pub api: String,
    /// What it is there for, such as `worker`.
    pub roles: Vec<String>,
    /// The version that it runs.
    pub version: String,
    /// When it joined first.
    pub joined: Time,
    /// What is known of its health.
    pub status: MemberStatus,
    /// Since when it has this status.
    pub status_since: Time,
}

/// Whether a member can do its part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MemberStatus {
    /// It takes part.
    #[default]
    Alive,
    /// It does not answer.
    Down,
    /// It said that it stops.
    Leaving,
}

impl MemberStatus {
    /// All of them.
    pub const ALL: [MemberStatus; 3] = [MemberStatus::Alive, MemberStatus::Down, MemberStatus::Leaving];

    /// `alive`, `down` or `left`.
    pub fn name(self) -> &'static str {
        match self {
            MemberStatus::Alive => "alive",
            MemberStatus::Down => "down",
            MemberStatus::Leaving => "left",
        }
    }
}

/// What does not change of a cluster, and how often its shards were placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its id.
    pub id: String,
    /// How many shards it has.
    pub shards: u32,
    /// How many members are to keep each shard.
    pub replication: u32,
    /// How often shards were placed: a placement is worked out for one epoch and makes the next.
    pub epoch: u64,
    /// When it was founded.
    pub founded: Time,
}

/// A member that is gone for good. It is remembered so that its data never comes back: what it
/// agreed to before, it has not heard of since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Its number.
    pub id: MemberId,
    /// The id in its data directory.
    pub uuid: String,
    /// Its host name.
    pub name: Name,
    /// When it was removed.
    pub when: Time,
}

impl Catalog {
    /// The cluster, once it was founded.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// The members in order of their numbers.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// One member.
    pub fn member(&self, id: MemberId) -> Option<&Member> {
        self.members.get(&id)
    }

    /// The member with this host name.
    pub fn member_named(&self, name: &str) -> Option<&Member> {
        self.members.values().find(|member| &*member.name == name)
    }

    /// What is known of a member that is gone for good.
    pub fn removed(&self, id: MemberId) -> Option<&Removed> {
        self.removed.get(&id)
    }

    /// Who carries out the deliveries of a topic: the living member that ranks highest for it, so
    /// that a member that comes or goes moves only its own topics. When none is known to live, all
    /// are asked; `None` without members.
    pub fn topic_owner(&self, topic: &str) -> Option<MemberId> {
        let rank =
            |member: &&Member| (xxhash_rust::xxh3::xxh3_64_with_seed(topic.as_bytes(), member.id), member.id);
        let living = self.members.values().filter(|member| member.status == MemberStatus::Alive);
        let owner = living.max_by_key(rank).or_else(|| self.members.values().max_by_key(rank));
        owner.map(|member| member.id)
    }

    pub(crate) fn found(
        &mut self,
        id: &str,
        (shards, replication): (u32, u32),
        member: &Member,
        now: Time,
    ) -> Result<Outcome, Rejection> {
        if let Some(cluster) = &self.cluster {
            // Whoever proposed it may not have heard that it was done.
            let same = cluster.id == id;
            return if same { Ok(Outcome::Done) } else { Err(Rejection::Founded(cluster.id.clone())) };
        }
        if id.is_empty() || shards == 0 || replication == 0 {
            return Err(Rejection::NoCluster { id: id.to_owned(), shards, replication });
        }
        let id = id.to_owned();
        self.cluster = Some(Cluster { id, shards, replication, epoch: 0, founded: now });
        self.dirty.insert(Key::Cluster);
        self.take_in(member, now);
        Ok(Outcome::Done)
    }

    pub(crate) fn put_member(&mut self, member: &Member, now: Time) -> Result<Outcome, Rejection> {
        if self.cluster.is_none() {
            return Err(Rejection::NotFounded);
        }
        if let Some(removed) = self.removed.get(&member.id) {
            return Err(Rejection::Removed { name: removed.name.to_string(), when: removed.when });
        }
        if let Some(known) = self.members.get(&member.id).filter(|known| known.uuid != member.uuid) {
            return Err(Rejection::MemberIdTaken { name: known.name.to_string(), uuid: known.uuid.clone() });
        }
        let replaced =
            self.members.values().filter(|known| known.name == member.name && known.id != member.id);
        for id in replaced.map(|known| known.id).collect::<Vec<_>>() {
            self.bury(id, now);
        }
        self.take_in(member, now);
        Ok(Outcome::Done)
    }

    pub(crate) fn set_member_status(
        &mut self,
        id: MemberId,
        status: MemberStatus,
        now: Time,
    ) -> Result<Outcome, Rejection> {
        let member = self.members.get_mut(&id).ok_or(Rejection::NoMember(id))?;
        if member.status != status {
            member.status = status;
            member.status_since = now;
            self.dirty.insert(Key::Member(id));
        }
        Ok(Outcome::Done)
    }

    pub(crate) fn remove_member(&mut self, id: MemberId, now: Time) -> Result<Outcome, Rejection> {
        let member = self.members.get(&id).ok_or(Rejection::NoMember(id))?;
        if self.members.len() == 1 {
            return Err(Rejection::LastMember(member.name.to_string()));
        }
        self.bury(id, now);
        Ok(Outcome::Done)
    }

    /// Makes it a living member with these addresses; one that was here before keeps its dates.
    fn take_in(&mut self, member: &Member, now: Time) {
        let mut member =
            Member { joined: now, status: MemberStatus::Alive, status_since: now, ..member.clone() };
        if let Some(before) = self.members.get(&member.id) {
            member.joined = before.joined;
            if before.status == member.status {
                member.status_since = before.status_since;
            }
            if *before == member {
                return;
            }
        }
        self.dirty.insert(Key::Member(member.id));
        self.members.insert(member.id, member);
    }

    fn bury(&mut self, id: MemberId, now: Time) {
        if let Some(Member { id, uuid, name, .. }) = self.members.remove(&id) {
            self.removed.insert(id, Removed { id, uuid, name, when: now });
            self.dirty.extend([Key::Member(id), Key::Removed(id)]);
        }
    }
}
