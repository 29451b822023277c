//! Who belongs to a group, and who leads it.

use std::collections::BTreeSet;
use std::time::Duration;

use openraft::ChangeMembers;
use openraft::Instant as _;
use openraft::async_runtime::watch::WatchReceiver as _;
use openraft::errors::{ChangeMembershipError, ClientWriteError, ForwardReason, RaftError};
use tokio::time::{Instant, timeout_at};

use super::error::Error;
use super::group::Group;
use super::types::Types;
use crate::carrier::MemberId;

/// A member that lacks no more than so many entries follows closely: leadership can be handed to it
/// without a pause that anybody notices.
const CLOSE: u64 = 64;

impl Group {
    /// Takes a member in as a learner and waits until it has all that the log had when this was called.
    /// A member that belongs to the group already is only waited for.
    ///
    /// # Errors
    /// [`Error::NotLeader`], [`Error::Retry`] while another change is under way, [`Error::Timeout`] (it
    /// is a learner then and goes on catching up), [`Error::Stopped`].
    pub async fn add_learner(&self, id: MemberId, limit: Duration) -> Result<(), Error> {
        let end = Instant::now() + limit;
        let late = || Error::Timeout { what: format!("for member {id} to catch up"), limit };
        if !self.belongs(id) {
            let added = timeout_at(end, self.raft().add_learner(id, (), false)).await.map_err(|_| late())?;
            added.map_err(|error| self.not_changed(error))?;
        }
        let mut watch = self.raft().metrics();
        let wanted = watch.borrow_watched().last_log_index;
        loop {
            {
                let metrics = watch.borrow_and_update();
                let Some(followers) = &metrics.replication else {
                    return Err(self.elsewhere());
                };
                let matched = followers.get(&id).copied().flatten();
                if id == self.me() || matched.map(|matched| matched.index()) >= wanted {
                    return Ok(());
                }
            }
            let changed = timeout_at(end, watch.changed()).await.map_err(|_| late())?;
            changed.map_err(|_| self.ended())?;
        }
    }

    /// Makes these members the voters, by joint consensus. Each must have been a voter or a learner;
    /// former voters that are not among them leave the group.
    ///
    /// # Errors
    /// [`Error::NotLeader`], [`Error::Retry`] while another change is under way or when leadership was
    /// lost (the change may then be half or wholly made: look at the status and call again),
    /// [`Error::Refused`] for a set that is empty or names strangers, [`Error::Stopped`].
    pub async fn set_voters(&self, voters: BTreeSet<MemberId>) -> Result<(), Error> {
        self.change(ChangeMembers::ReplaceAllVoters(voters)).await
    }

    /// Removes a learner from the group. One that is not there is fine.
    ///
    /// # Errors
    /// As [`Group::set_voters`]; [`Error::Refused`] for a voter.
    pub async fn remove_learner(&self, id: MemberId) -> Result<(), Error> {
        if self.status().voters.contains(&id) {
            return Err(Error::Refused(format!("member {id} is a voter of group {}", self.number())));
        }
        if !self.belongs(id) {
            return Ok(());
        }
        self.change(ChangeMembers::RemoveNodes(BTreeSet::from([id]))).await
    }

    async fn change(&self, change: ChangeMembers<MemberId, ()>) -> Result<(), Error> {
        match self.raft().change_membership(change, false).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.not_changed(error)),
        }
    }

    fn not_changed(&self, error: RaftError<Types, ClientWriteError<Types>>) -> Error {
        match error {
            RaftError::Fatal(fatal) => self.stopped_by(fatal),
            RaftError::APIError(ClientWriteError::ForwardToLeader(forward)) => match forward.reason {
                ForwardReason::NotLeader => {
                    Error::NotLeader { group: self.number(), leader: forward.leader_id }
                }
                _ => Error::Retry(format!("group {} has no settled leader", self.number())),
            },
            RaftError::APIError(ClientWriteError::ChangeMembershipError(error)) => match error {
                ChangeMembershipError::InProgress(_) | ChangeMembershipError::UncommittedLeaderLog(_) => {
                    Error::Retry(error.to_string())
                }
                error => Error::Refused(error.to_string()),
            },
            RaftError::APIError(error) => Error::Retry(error.to_string()),
        }
    }

    /// Hands leadership to another voter and waits until it leads. Until then proposals are to be tried
    /// again. A member that is silent or far behind is not asked to lead.
    ///
    /// # Errors
    /// [`Error::NotLeader`] when this member does not lead, [`Error::Refused`] for one that is no voter,
    /// [`Error::Timeout`] (somebody may lead later), [`Error::Stopped`].
    pub async fn hand_over(&self, to: MemberId, limit: Duration) -> Result<(), Error> {
        let end = Instant::now() + limit;
        let late = || Error::Timeout { what: format!("for member {to} to lead"), limit };
        let status = self.status();
        if !status.leads() {
            return Err(self.elsewhere());
        }
        if to == self.me() {
            return Ok(());
        }
        if !status.voters.contains(&to) {
            return Err(Error::Refused(format!("member {to} is no voter of group {}", self.number())));
        }
        timeout_at(end, self.follows_closely(to)).await.map_err(|_| late())??;
        let asked = self.raft().trigger().transfer_leader(to).await;
        asked.map_err(|fatal| self.stopped_by(fatal))?;
        let mut watch = self.raft().server_metrics();
        loop {
            match watch.borrow_and_update().current_leader {
                Some(leader) if leader == to => return Ok(()),
                // Somebody else was faster; the caller looks who it is.
                Some(leader) if leader != self.me() => return Err(self.elsewhere()),
                _ => {}
            }
            let changed = timeout_at(end, watch.changed()).await.map_err(|_| late())?;
            changed.map_err(|_| self.ended())?;
        }
    }

    /// Waits until a follower has answered lately and lacks little of the log.
    async fn follows_closely(&self, to: MemberId) -> Result<(), Error> {
        let patience = self.timing().election.start;
        let mut watch = self.raft().metrics();
        loop {
            {
                let metrics = watch.borrow_and_update();
                let (Some(followers), Some(heard)) = (&metrics.replication, &metrics.heartbeat) else {
                    return Err(self.elsewhere());
                };
                let matched = followers.get(&to).copied().flatten().map_or(0, |id| id.index() + 1);
                let last = metrics.last_log_index.map_or(0, |index| index + 1);
                let heard = heard.get(&to).copied().flatten();
                let recent = heard.is_some_and(|heard| heard.elapsed() < patience);
                if recent && last.saturating_sub(matched) <= CLOSE {
                    return Ok(());
                }
            }
            watch.changed().await.map_err(|_| self.ended())?;
        }
    }

    fn belongs(&self, id: MemberId) -> bool {
        let watch = self.raft().server_metrics();
        let metrics = watch.borrow_watched();
        metrics.membership_config.membership().get_node(&id).is_some()
    }

    fn elsewhere(&self) -> Error {
        Error::NotLeader { group: self.number(), leader: self.leader() }
    }

    fn ended(&self) -> Error {
        let why = self.fault().unwrap_or_else(|| "it was told to".to_owned());
        Error::Stopped { group: self.number(), why }
    }
}
