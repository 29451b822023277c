//! Changing what the cluster agrees on, from any member: the control group's leader is found, asked,
//! and asked again, within a bounded time.

use super::Member;
use super::agreement::proposal;
use super::wire::{self, Applied, Proposed, ReadIndex};
use crate::status::ClusterError;
use bytes::Bytes;
use catalog::Command;
use cluster::raft::ProposeError;
use cluster::{Carrier, CarryError, MemberId, Topic, carrier::kind};
use std::time::{Duration, Instant};

/// How long a change may take before whoever asks is told that it cannot be made.
pub const LIMIT: Duration = Duration::from_secs(10);

/// Wait before the leader is looked for again.
const PAUSE: Duration = Duration::from_millis(30);

/// Longest wait for one answer of the leader.
const ANSWER: Duration = Duration::from_secs(5);

/// How long a leader that hears of no majority still counts as one.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// Longest wait for the read index, which is asked for again without harm.
const READ: Duration = Duration::from_secs(1);

/// The control group as a topic of messages.
fn control(kind: u32) -> Topic {
    Topic { kind, group: 0 }
}

/// Why a change was not made.
#[derive(Clone, Debug)]
pub enum ChangeError {
    /// The catalog rejects it.
    Rejected(String),
    /// There is no leader, and why.
    NoQuorum(String),
    /// It may have been made.
    Unknown(String),
}

impl From<ChangeError> for ClusterError {
    fn from(error: ChangeError) -> ClusterError {
        match error {
            ChangeError::Rejected(text) => ClusterError::Invalid(text),
            ChangeError::NoQuorum(text) | ChangeError::Unknown(text) => ClusterError::Unavailable(text),
        }
    }
}

impl Member {
    /// Makes a change, and waits until this member has it too.
    pub async fn change(&self, command: &Command) -> Result<Applied, ChangeError> {
        let begun = Instant::now();
        let mut last = String::new();
        while begun.elapsed() < LIMIT {
            match self.propose_once(command).await {
                Proposed::Done(Ok(applied)) => {
                    self.wait_applied(applied.index, ANSWER).await;
                    return Ok(applied);
                }
                Proposed::Done(Err(rejection)) => return Err(ChangeError::Rejected(rejection)),
                Proposed::Unknown(why) => {
                    return Err(ChangeError::Unknown(format!(
                        "the leader was lost while it made the change ({why}): it may have been made, look before you try again"
                    )));
                }
                Proposed::Retry(why) => last = why,
                Proposed::NotLeader(_) => {}
            }
            self.leader_changed(PAUSE).await;
        }
        Err(ChangeError::NoQuorum(self.no_quorum().unwrap_or(last)))
    }

    /// Makes a change that may be made twice without harm, however long it takes.
    pub async fn change_surely(&self, command: &Command) -> Result<Applied, String> {
        loop {
            let leader = self.control_leader();
            tokio::select! {
                proposed = self.propose_once(command) => if let Proposed::Done(done) = proposed {
                    return done;
                },
                // A leader that fell silent is replaced long before its answer is given up.
                () = self.replaced_leader(leader) => {}
            }
            self.leader_changed(PAUSE).await;
        }
    }

    async fn propose_once(&self, command: &Command) -> Proposed {
        let Some(leader) = self.control_leader() else {
            return Proposed::Retry("the control group has no leader".into());
        };
        if leader == self.me() {
            return self.propose_here(command.encode().into()).await;
        }
        let body: Bytes = command.encode().into();
        match self.carrier().call(leader, control(kind::PROPOSE), body, ANSWER).await {
            Ok(answer) => wire::decode(&answer).unwrap_or_else(Proposed::Unknown),
            Err(
                error @ (CarryError::Unreachable { .. } | CarryError::Denied { .. } | CarryError::Refused(_)),
            ) => Proposed::Retry(error.to_string()),
            Err(error @ CarryError::Timeout { .. }) => Proposed::Unknown(error.to_string()),
        }
    }

    /// Proposes to the control group of this member, if it leads it.
    pub async fn propose_here(&self, command: Bytes) -> Proposed {
        match self.control().propose(proposal(command)).await {
            Ok((_, answer)) => match wire::decode(&answer) {
                Ok(done) => Proposed::Done(done),
                Err(why) => Proposed::Unknown(why),
            },
            Err(ProposeError::NotLeader { leader }) => Proposed::NotLeader(leader),
            Err(ProposeError::Unknown(why)) => Proposed::Unknown(why),
            Err(error @ ProposeError::TooLarge { .. }) => Proposed::Done(Err(error.to_string())),
            Err(error) => Proposed::Retry(error.to_string()),
        }
    }

    /// Waits until this member has applied all that was committed when it was called: what it reads
    /// after that is not older than anything that anybody was told before.
    pub async fn linearizable(&self) -> Result<(), ClusterError> {
        let begun = Instant::now();
        while begun.elapsed() < LIMIT {
            if let ReadIndex::At(index) = self.read_index().await
                && self.wait_applied(index, LIMIT.saturating_sub(begun.elapsed())).await
            {
                return Ok(());
            }
            self.leader_changed(PAUSE).await;
        }
        let why = self.no_quorum().unwrap_or_else(|| "the control group did not answer in time".into());
        Err(ClusterError::Unavailable(why))
    }

    async fn read_index(&self) -> ReadIndex {
        let Some(leader) = self.control_leader() else { return ReadIndex::NotLeader(None) };
        if leader == self.me() {
            return self.read_index_here().await;
        }
        match self.carrier().call(leader, control(kind::READ_INDEX), Bytes::new(), READ).await {
            Ok(answer) => wire::decode(&answer).unwrap_or_else(ReadIndex::Retry),
            Err(error) => ReadIndex::Retry(error.to_string()),
        }
    }

    /// The read index of the control group of this member, if it leads it.
    pub async fn read_index_here(&self) -> ReadIndex {
        match self.control().read_index().await {
            Ok(index) => ReadIndex::At(index),
            Err(ProposeError::NotLeader { leader }) => ReadIndex::NotLeader(leader),
            Err(error) => ReadIndex::Retry(error.to_string()),
        }
    }

    /// Who leads the control group, as far as this member knows.
    pub fn control_leader(&self) -> Option<MemberId> {
        self.control().status().leader
    }

    /// Waits until another member than `leader` leads the control group.
    async fn replaced_leader(&self, leader: Option<MemberId>) {
        let mut changes = self.control().changes();
        while self.control_leader().is_none_or(|now| Some(now) == leader) {
            if changes.next().await.is_none() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until the control group's leader may be another one, no longer than `limit`.
    async fn leader_changed(&self, limit: Duration) {
        let mut changes = self.control().changes();
        let _ = tokio::time::timeout(limit, changes.next()).await;
        // A storm of changes must not become a storm of questions.
        tokio::time::sleep(PAUSE / 10).await;
    }

    /// Waits until this member has applied the control group's log up to `index`.
    pub async fn wait_applied(&self, index: u64, limit: Duration) -> bool {
        let mut applied = self.agreed().applied.subscribe();
        let waited = tokio::time::timeout(limit, applied.wait_for(|applied| *applied >= index)).await;
        matches!(waited, Ok(Ok(_)))
    }

    /// Why nothing can be agreed on at the moment, and who is missing; `None` when it can.
    pub fn no_quorum(&self) -> Option<String> {
        let status = self.control().status();
        if let Some(fatal) = status.fatal {
            return Some(format!("the control group of this member has stopped: {fatal}"));
        }
        // A leader that is its own majority has nobody to hear of.
        let others = status.leads() && status.voters.len() > 1;
        let silent = others && status.quorum_silence.is_some_and(|silence| silence > SILENCE_MAX);
        if status.leader.is_some() && !silent {
            return None;
        }
        if status.voters.is_empty() {
            return Some(self.waiting_for());
        }
        let catalog = self.agreed().catalog.read_recursive();
        let seen = self.gossip().seen();
        let alive = |id: MemberId| id == self.me() || seen.iter().any(|s| s.about.id == id && s.alive);
        let name = |id: MemberId| match catalog.member(id) {
            Some(member) => member.name.to_string(),
            None => format!("member {id:x}"),
        };
        let missing: Vec<String> = status.voters.iter().copied().filter(|id| !alive(*id)).map(name).collect();
        let needed = status.voters.len() / 2 + 1;
        Some(match missing.is_empty() {
            true => "the control group is choosing a leader; try again in a moment".to_owned(),
            false => format!(
                "no quorum: {} of {} voting members are needed, missing {}; start them again, their data is not lost",
                needed,
                status.voters.len(),
                missing.join(", ")
            ),
        })
    }
}
