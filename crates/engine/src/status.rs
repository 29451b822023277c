//! What operators see of a cluster: plain data, gathered by the engine, shown by the API and by
//! `kapacitorctl`. Members are named by their UUID in text form, as in the data directory.

mod gather;
mod problems;

pub use gather::gathered;
pub use problems::problems;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Least characters of a UUID that may stand for all of it.
const ABBREVIATED_MIN: usize = 4;

/// The cluster as one member sees it, or as all its members together do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ClusterStatus {
    /// How far the member that tells is with belonging to a cluster.
    pub state: State,
    /// UUID of the cluster; empty when there is none yet.
    pub cluster_id: String,
    /// UUID of the member that tells.
    pub member_id: String,
    /// Its name.
    pub member_name: String,
    /// Its clock when it told, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// No problem is critical.
    pub healthy: bool,
    /// What is wrong, the worst first.
    pub problems: Vec<Problem>,
    /// All members, also those that are down.
    pub members: Vec<MemberView>,
    /// The control group.
    pub control: GroupView,
    /// The shards, by number.
    pub shards: Vec<ShardView>,
    /// Version of the placement of the shards.
    pub epoch: u64,
    /// Replicas that each shard should have.
    pub replication_factor: u32,
    /// Gossip of the member that tells; `None` when it does not gossip.
    pub gossip: Option<GossipView>,
    /// Peer traffic of the member that tells; `None` when it opens no peer port.
    pub rpc: Option<RpcView>,
}

/// How far a member is with belonging to a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is not meant to be in one.
    #[default]
    Standalone,
    /// It has not found or founded one yet.
    Uninitialized,
    /// It is in one.
    Initialized,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Standalone => "standalone",
            State::Uninitialized => "uninitialized",
            State::Initialized => "initialized",
        })
    }
}

/// Something that is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// One sentence without a full stop.
    pub what: String,
    /// What to do, with the command to run.
    pub advice: String,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something does not work, or will not after the next failure although it should.
    Critical,
    /// Everything works as it is set up, but somebody should know.
    Warning,
}

/// One member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct MemberView {
    /// UUID.
    pub id: String,
    /// Host name.
    pub name: String,
    /// host:port of its gossip.
    pub gossip_address: String,
    /// host:port of its RPC.
    pub rpc_address: String,
    /// host:port of its API.
    pub api_address: String,
    /// What it does: always `worker`, as in Kapacitor Enterprise.
    pub roles: Vec<String>,
    /// Whether it is there.
    pub status: MemberStatus,
    /// Since when it has this status, in seconds since the Unix epoch; 0 when nobody knows.
    pub since: i64,
    /// Version of its program.
    pub version: String,
    /// It votes in the control group.
    pub voter: bool,
    /// Shards of which it keeps a replica.
    pub replicas: u32,
    /// Shards that it leads.
    pub leads: u32,
    /// It is alive, but did not answer when it was asked.
    pub silent: bool,
    /// How far its clock is ahead of the clock of the member that tells, in milliseconds.
    pub clock_ahead_ms: Option<i64>,
    /// It is the member that tells.
    pub this: bool,
}

/// Whether a member is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberStatus {
    /// It answers.
    Alive,
    /// It does not.
    #[default]
    Down,
    /// It said that it stops.
    Left,
    /// It is being taken in.
    Joining,
}

impl MemberStatus {
    /// All of them.
    pub const ALL: [MemberStatus; 4] =
        [MemberStatus::Alive, MemberStatus::Down, MemberStatus::Left, MemberStatus::Joining];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            MemberStatus::Alive => "alive",
            MemberStatus::Down => "down",
            MemberStatus::Left => "left",
            MemberStatus::Joining => "joining",
        }
    }
}

/// What a member does in a Raft group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It is not in the group.
    #[default]
    None,
    /// It is told everything, and does not vote.
    Learner,
    /// It follows the leader.
    Follower,
    /// It wants to lead.
    Candidate,
    /// It leads.
    Leader,
}

/// A Raft group as one of its members sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct GroupView {
    /// Raft's term.
    pub term: u64,
    /// UUID of the leader.
    pub leader: Option<String>,
    /// What the member that tells does in it.
    pub role: Role,
    /// UUIDs of those who vote.
    pub voters: Vec<String>,
    /// UUIDs of those who only listen.
    pub learners: Vec<String>,
    /// Index of the last entry.
    pub last_index: u64,
    /// Index up to which entries are committed.
    pub committed: u64,
    /// Index up to which entries are applied.
    pub applied: u64,
    /// Elections since the member that tells started.
    pub elections: u64,
    /// Why the group has stopped on a member, for good.
    pub fatal: Option<String>,
    /// Entries that each follower still misses, by UUID. Only the leader knows.
    pub lag: BTreeMap<String, u64>,
}

/// One shard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ShardView {
    /// Its number, from 0.
    pub shard: u32,
    /// Its Raft group.
    pub group: GroupView,
    /// UUIDs of the members that should keep a replica.
    pub wanted: Vec<String>,
    /// UUID of the member that should lead it.
    pub preferred_leader: String,
    /// Bytes of entries that wait for its pipelines.
    pub queue_bytes: u64,
    /// Bytes of its log.
    pub log_bytes: u64,
    /// Index up to which its checkpoint reaches.
    pub checkpoint_index: u64,
    /// Age of its checkpoint in seconds.
    pub checkpoint_age_seconds: u64,
    /// Series that tasks read.
    pub series: u64,
    /// Entries that are committed and not yet run by its leader.
    pub behind: u64,
}

/// Gossip since the member started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct GossipView {
    /// Packets received.
    pub packets_in: u64,
    /// Packets sent.
    pub packets_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Packets refused, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Probes that nobody answered.
    pub probes_failed: u64,
    /// Names that could not be resolved.
    pub resolve_failures: u64,
}

/// Peer traffic since the member started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RpcView {
    /// Calls and streams refused, by reason.
    pub rejected: BTreeMap<String, u64>,
}

/// An order to the cluster is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// The server is alone by its configuration.
    #[error("this server is not clustered: set [cluster] enabled = true and a shared-secret, and restart it")]
    NotClustered,
    /// Nobody has this id or name.
    #[error("no member has the id or name {0:?}: kapacitorctl member list shows all")]
    NoMember(String),
    /// The order makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The cluster cannot do it now; the text says who is missing.
    #[error("{0}")]
    Unavailable(String),
}

impl ClusterStatus {
    /// The member with this UUID or name, or the only one whose UUID begins like this.
    pub fn member(&self, text: &str) -> Option<&MemberView> {
        let named = |member: &&MemberView| member.id == text || member.name == text;
        self.members.iter().find(named).or_else(|| {
            let mut begun = self.members.iter().filter(|member| member.id.starts_with(text));
            begun.next().filter(|_| text.len() >= ABBREVIATED_MIN && begun.next().is_none())
        })
    }

    /// Name of a member; its UUID when it has none.
    pub fn name<'s>(&'s self, id: &'s str) -> &'s str {
        let member = self.members.iter().find(|member| member.id == id && !member.name.is_empty());
        member.map_or(id, |member| &member.name)
    }

    /// The same, with what follows from the rest: how many shards each member keeps and leads,
    /// what is wrong, and whether all is well.
    pub fn concluded(mut self) -> ClusterStatus {
        for member in &mut self.members {
            let keeps = |shard: &&ShardView| shard.group.voters.contains(&member.id);
            let leads = |shard: &&ShardView| shard.group.leader.as_ref() == Some(&member.id);
            member.replicas = self.shards.iter().filter(keeps).count() as u32;
            member.leads = self.shards.iter().filter(leads).count() as u32;
            member.voter = self.control.voters.contains(&member.id);
        }
        self.problems = problems(&self);
        self.healthy = self.problems.iter().all(|problem| problem.severity != Severity::Critical);
        self
    }
}

impl GroupView {
    /// How many voters must be there.
    pub fn quorum(&self) -> usize {
        self.voters.len() / 2 + 1
    }
}
