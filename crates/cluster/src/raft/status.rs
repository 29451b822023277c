//! How a group stands, as this member sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openraft::Instant as _;
use openraft::ServerState;
use openraft::async_runtime::watch::WatchReceiver as _;

use super::group::Group;
use super::types::Types;
use crate::carrier::MemberId;

/// What this member is in a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// It follows without a vote, or does not know of any membership yet.
    #[default]
    Learner,
    /// It follows.
    Follower,
    /// It stands for election.
    Candidate,
    /// It leads.
    Leader,
    /// The group has stopped here.
    Stopped,
}

impl Role {
    /// The role as a word.
    pub fn name(self) -> &'static str {
        match self {
            Role::Learner => "learner",
            Role::Follower => "follower",
            Role::Candidate => "candidate",
            Role::Leader => "leader",
            Role::Stopped => "stopped",
        }
    }
}

impl From<ServerState> for Role {
    fn from(state: ServerState) -> Role {
        match state {
            ServerState::Learner => Role::Learner,
            ServerState::Follower => Role::Follower,
            ServerState::Candidate => Role::Candidate,
            ServerState::Leader => Role::Leader,
            ServerState::Shutdown => Role::Stopped,
        }
    }
}

/// How a group stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The newest term seen.
    pub term: u64,
    /// What this member is.
    pub role: Role,
    /// Who leads, as far as known.
    pub leader: Option<MemberId>,
    /// Those who vote, of both sets while one changes into the other.
    pub voters: BTreeSet<MemberId>,
    /// Those who follow without a vote.
    pub learners: BTreeSet<MemberId>,
    /// The last entry of this member's log.
    pub last_index: Option<u64>,
    /// The last entry known to be committed.
    pub commit_index: Option<u64>,
    /// The last entry that the machine has taken.
    pub applied_index: Option<u64>,
    /// Up to where a snapshot is there to be sent.
    pub snapshot_index: Option<u64>,
    /// Up to where the log was purged.
    pub purged_index: Option<u64>,
    /// Elections since the start, as far as seen here.
    pub elections: u64,
    /// When leading: how far each other member is known to have the log.
    pub followers: BTreeMap<MemberId, Option<u64>>,
    /// When leading: since when no majority has answered.
    pub quorum_silence: Option<Duration>,
    /// What this member waits for before it goes on by itself: space on the disk.
    pub stalled: Option<String>,
    /// Why this member takes no more part in the group until it is restarted.
    pub fatal: Option<String>,
}

impl Status {
    /// Whether this member leads.
    pub fn leads(&self) -> bool {
        self.role == Role::Leader
    }
}

impl Group {
    /// How the group stands. Cheap: nobody is asked.
    pub fn status(&self) -> Status {
        let watch = self.raft().metrics();
        let metrics = watch.borrow_watched().clone();
        let index = |id: Option<super::types::LogId>| id.map(|id| id.index());
        let membership = metrics.membership_config.membership();
        let mut followers: BTreeMap<_, _> = metrics
            .replication
            .iter()
            .flatten()
            .map(|(member, matched)| (*member, index(*matched)))
            .collect();
        followers.remove(&self.me());
        let fatal = self.fault().or_else(|| match metrics.running_state {
            Err(openraft::errors::Fatal::Stopped) | Ok(()) => None,
            Err(error) => Some(error.to_string()),
        });
        Status {
            term: metrics.current_term,
            role: if self.is_stopped() || fatal.is_some() { Role::Stopped } else { metrics.state.into() },
            leader: metrics.current_leader,
            voters: membership.voter_ids().collect(),
            learners: membership.learner_ids().collect(),
            last_index: metrics.last_log_index,
            commit_index: index(metrics.local_committed),
            applied_index: self.applied(),
            snapshot_index: index(metrics.snapshot),
            purged_index: index(metrics.purged),
            elections: self.elections(),
            followers,
            quorum_silence: metrics.last_quorum_acked.map(|acked| acked.elapsed()),
            stalled: self.stalled(),
            fatal,
        }
    }

    /// To wait for changes of term, role, leader or membership, and for the end of the group.
    pub fn changes(&self) -> Changes {
        Changes { group: self.clone(), watch: self.raft().server_metrics(), ended: false }
    }
}

/// Changes of a group's term, role, leader or membership.
pub struct Changes {
    group: Group,
    watch: openraft::alias::WatchReceiverOf<Types, openraft::metrics::RaftServerMetrics<Types>>,
    ended: bool,
}

impl Changes {
    /// Waits for a change since the last call and gives what is then; several changes may be one. When
    /// the group has stopped it gives that once, and then none.
    pub async fn next(&mut self) -> Option<Status> {
        if self.ended {
            return None;
        }
        self.ended = self.watch.changed().await.is_err();
        let mut status = self.group.status();
        if self.ended {
            status.role = Role::Stopped;
        }
        Some(status)
    }
}
