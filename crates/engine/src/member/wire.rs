//! What members' engines say to each other, beyond Raft and points: bodies of calls, in postcard.

use crate::stats::Ingress;
use crate::status::ClusterStatus;
use crate::tasks::TaskFigures;
use catalog::Task;
use cluster::MemberId;
use pipeline::endpoint::Shown;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a command did to the catalog, for whoever proposed it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Applied {
    /// Its place in the control group's log.
    pub index: u64,
    /// The task as it is now, if the command was about one.
    pub task: Option<Task>,
    /// Which of the command's events were held back by other alerts, by their places.
    pub inhibited: Vec<u32>,
}

/// The answer to a forwarded command.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Proposed {
    /// It was applied, or rejected by the catalog.
    Done(Result<Applied, String>),
    /// Another member leads, maybe this one.
    NotLeader(Option<MemberId>),
    /// It was not taken; try again.
    Retry(String),
    /// Leadership was lost before it was committed: it may be applied or not.
    Unknown(String),
}

/// The answer to a question for the read index.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ReadIndex {
    /// All that is committed up to here.
    At(u64),
    /// Another member leads, maybe this one.
    NotLeader(Option<MemberId>),
    /// It cannot be said now; try again.
    Retry(String),
}

/// A member wants to belong, or an operator wants it to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Join {
    /// Take this member in.
    TakeIn {
        /// The member.
        member: catalog::Member,
        /// Shards that its data directory has.
        shards: u32,
    },
    /// Ask that cluster to take you in: the RPC address of a member of it.
    Ask {
        /// Who to ask.
        address: String,
    },
}

/// The answer to [`Join`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Joined {
    /// It belongs to this cluster now; or, for [`Join::Ask`], this is the member that will ask.
    Welcome {
        /// The cluster's id.
        cluster: String,
        /// The id of the member, as text.
        uuid: String,
    },
    /// There is no cluster here yet, or no leader at the moment.
    NotNow(String),
    /// Never, and why.
    Refused(String),
}

/// What a member is asked about itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Question {
    /// The figures of tasks, of all when none is named, and of what came in.
    Figures {
        /// Ids.
        tasks: Vec<String>,
    },
    /// What an endpoint shows, of the shards that the member leads.
    Endpoint {
        /// The task.
        task: String,
        /// The node.
        node: usize,
    },
    /// Its view of the cluster.
    Status,
    /// Not a question: have the sources of the tasks read again in the shards that the member leads.
    ReadSources,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// Figures by task.
    pub figures: BTreeMap<String, TaskFigures>,
    /// Points that clients wrote to this member.
    pub ingress: Vec<Ingress>,
    /// What the endpoint shows.
    pub shown: Vec<Shown>,
    /// Its view of the cluster.
    pub status: Option<ClusterStatus>,
    /// What went wrong with the sources.
    pub problem: Option<String>,
}

/// An order to the leader of a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Order {
    /// Hand leadership over.
    HandOver {
        /// To whom; to the best follower when nobody is named.
        to: Option<MemberId>,
    },
}

/// The version of the encoding, before everything.
const VERSION: u8 = 1;

/// As bytes.
pub fn encode<T: Serialize>(value: &T) -> bytes::Bytes {
    postcard::to_extend(value, vec![VERSION]).expect("plain values always encode").into()
}

/// From [`encode`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let plain = match bytes.split_first() {
        Some((&VERSION, plain)) => plain,
        Some((other, _)) => {
            return Err(format!(
                "a message of another member has version {other}, this member reads {VERSION}: upgrade all to one version"
            ));
        }
        None => return Err("a message of another member is empty".to_owned()),
    };
    postcard::from_bytes(plain).map_err(|error| format!("cannot read a message of another member: {error}"))
}
