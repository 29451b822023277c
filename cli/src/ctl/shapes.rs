//! The cluster's JSON as far as it is shown as text. Everything may be missing, so that programs
//! of different versions understand each other.

use serde::Deserialize;
use std::collections::BTreeMap;

/// `GET /cluster`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Cluster {
    pub state: String,
    pub cluster_id: String,
    pub member_id: String,
    pub member_name: String,
    pub time_ms: i64,
    pub healthy: bool,
    pub problems: Vec<Problem>,
    pub members: Vec<Member>,
    pub control: Group,
    pub shards: Vec<Shard>,
    pub epoch: u64,
    pub replication_factor: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Problem {
    pub severity: String,
    pub what: String,
    pub advice: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Member {
    pub id: String,
    pub name: String,
    pub gossip_address: String,
    pub rpc_address: String,
    pub api_address: String,
    pub roles: Vec<String>,
    pub status: String,
    pub since: i64,
    pub version: String,
    pub voter: bool,
    pub replicas: u32,
    pub leads: u32,
    pub silent: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Group {
    pub term: u64,
    pub leader: Option<String>,
    pub voters: Vec<String>,
    pub learners: Vec<String>,
    pub last_index: u64,
    pub committed: u64,
    pub applied: u64,
    pub lag: BTreeMap<String, u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Shard {
    pub shard: u32,
    pub group: Group,
    pub wanted: Vec<String>,
    pub preferred_leader: String,
    pub queue_bytes: u64,
    pub log_bytes: u64,
    pub checkpoint_index: u64,
    pub checkpoint_age_seconds: u64,
    pub series: u64,
    pub behind: u64,
}

impl Cluster {
    /// Name of a member; its id when it has none.
    pub fn name<'c>(&'c self, id: &'c str) -> &'c str {
        let member = self.members.iter().find(|member| member.id == id && !member.name.is_empty());
        member.map_or(id, |member| &member.name)
    }

    /// Names of several, with commas; a dash for none.
    pub fn names(&self, ids: &[String]) -> String {
        let names: Vec<&str> = ids.iter().map(|id| self.name(id)).collect();
        if names.is_empty() { "-".to_owned() } else { names.join(",") }
    }

    /// Name of a leader; a dash for none.
    pub fn leader<'c>(&'c self, group: &'c Group) -> &'c str {
        group.leader.as_deref().map_or("-", |id| self.name(id))
    }
}

impl Shard {
    /// A replica is not where it should be.
    pub fn moves(&self) -> bool {
        !self.wanted.is_empty() && (self.to_come().next().is_some() || self.to_go().next().is_some())
    }

    /// Members that get a replica.
    pub fn to_come(&self) -> impl Iterator<Item = &String> {
        self.wanted.iter().filter(|id| !self.group.voters.contains(id))
    }

    /// Members that give theirs away.
    pub fn to_go(&self) -> impl Iterator<Item = &String> {
        self.group.voters.iter().filter(|id| !self.wanted.contains(id))
    }
}
