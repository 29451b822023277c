//! One member's part in one group.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use openraft::async_runtime::watch::WatchReceiver as _;
use openraft::errors::{
    ClientWriteError, Fatal, ForwardReason, ForwardToLeader, InitializeError, LinearizableReadError,
    RaftError,
};
use openraft::impls::ProgressResponder;
use openraft::{Config, ReadPolicy, SnapshotPolicy};
use store::{Log, State};
use tokio::sync::watch;

use super::apply::Applier;
use super::entries::{Entries, Fault};
use super::error::{Error, ProposeError};
use super::ids::{EntryId, Proposal};
use super::machine::Machine;
use super::marks::Marks;
use super::network::Network;
use super::settle::settle;
use super::spool::Spool;
use super::types::{Raft, Types, from_log_id};
use crate::carrier::{Carrier, MemberId};

/// The largest proposal in bytes: an entry travels in one message, and a message has at most 64 MiB.
pub const PROPOSAL_BYTES_MAX: usize = 32 << 20;
/// Entries behind the saved state that stay in the log, for followers that are a little late.
const KEEP_ENTRIES: u64 = 128;
/// Entries in one message.
const MESSAGE_ENTRIES_MAX: u64 = 256;
/// Proposals that wait for openraft to take them.
const QUEUE_MAX: u64 = 4096;

/// When a group acts by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How often a leader makes itself heard.
    pub heartbeat: Duration,
    /// After which silence of the leader a follower stands for election: a random time of this range.
    pub election: Range<Duration>,
    /// How long followers may wait to hear what is committed, so that the next entries tell them. Zero
    /// tells them at once, with a message of its own.
    pub patience: Duration,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            heartbeat: Duration::from_millis(200),
            election: Duration::from_millis(600)..Duration::from_millis(1000),
            patience: Duration::ZERO,
        }
    }
}

/// How a group is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// This member.
    pub me: MemberId,
    /// The number of the group.
    pub group: u64,
    /// When it acts by itself.
    pub timing: Timing,
    /// Entries count only when they are on the platter. Otherwise when they are in the kernel, and the
    /// log's own policy says when they get to the platter.
    pub sync: bool,
    /// A folder for snapshots on their way; groups may share it.
    pub spool: PathBuf,
}

/// One member's part in one group. Clones are the same. It goes on until it is stopped, also when the
/// last clone is dropped.
#[derive(Clone)]
pub struct Group {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    raft: Raft,
    entries: Entries,
    applied: watch::Receiver<Option<u64>>,
    spool: Spool,
    fault: Fault,
    stopped: AtomicBool,
}

impl Group {
    /// Brings log, marks and saved state in line, applies again what is known to be committed, and takes
    /// part in the group. It answers others only once it is added to [`super::Groups`].
    ///
    /// # Errors
    /// [`Error::Behind`] when the log no longer reaches back to the saved state, [`Error::Torn`] for
    /// bytes of another version, [`Error::Store`] from the disk, [`Error::Refused`] for times that make
    /// no sense, [`Error::Stopped`] when the machine fails.
    pub async fn start(
        options: Options,
        log: Arc<Log>,
        state: Arc<State>,
        carrier: Arc<dyn Carrier>,
        machine: impl Machine,
    ) -> Result<Group, Error> {
        let group = options.group;
        let config = Arc::new(config(&options)?);
        let fault = Fault::default();
        let spool = Spool::new(options.spool.clone(), group);
        let applier = Applier::new(Box::new(machine), group, fault.clone(), spool.clone())?;
        let marks = Marks::new(state, group);
        let position = applier.position();
        let (settled_log, settled_marks) = (Arc::clone(&log), marks.clone());
        let settled =
            tokio::task::spawn_blocking(move || settle(&settled_log, &settled_marks, group, position));
        settled.await.map_err(|error| Error::Stopped { group, why: error.to_string() })??;
        let entries = Entries::open(log, marks, group, options.sync, fault.clone())?;
        let network = Network {
            carrier,
            me: options.me,
            group,
            spool: spool.clone(),
            silence: options.timing.election.end * 4,
            patience: options.timing.patience,
            pause_max: options.timing.election.end.min(Duration::from_secs(1)),
        };
        let applied = applier.progress();
        let raft = Raft::new(options.me, config, network, entries.clone(), applier);
        let raft = raft.await.map_err(|error| Error::Stopped { group, why: error.to_string() })?;
        let stopped = AtomicBool::new(false);
        let inner = Inner { options, raft, entries, applied, spool, fault, stopped };
        let group = Group { inner: Arc::new(inner) };
        group.elect_when_alone().await?;
        Ok(group)
    }

    /// Nobody else can lead, so there is nothing to wait for.
    async fn elect_when_alone(&self) -> Result<(), Error> {
        let me = self.me();
        let alone = move |state: &openraft::RaftState<Types>| {
            let membership = state.membership_state.effective();
            membership.voter_ids().eq([me])
        };
        if self.raft().with_raft_state(alone).await.map_err(|fatal| self.stopped_by(fatal))? {
            let elected = self.raft().trigger().elect(false).await;
            elected.map_err(|fatal| self.stopped_by(fatal))?;
        }
        Ok(())
    }

    /// Founds the group with these voters. To be called once for a group, on one member; the others
    /// learn of it from that one.
    ///
    /// # Errors
    /// [`Error::Founded`] when the group has members already, [`Error::Refused`] when this member is not
    /// among the voters, [`Error::Stopped`].
    pub async fn found(&self, voters: BTreeSet<MemberId>) -> Result<(), Error> {
        match self.raft().initialize(voters).await {
            Ok(()) => Ok(()),
            Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Err(Error::Founded(self.number())),
            Err(RaftError::APIError(error)) => Err(Error::Refused(error.to_string())),
            Err(RaftError::Fatal(fatal)) => Err(self.stopped_by(fatal)),
        }
    }

    /// Proposes an entry. It is queued when this is called: entries of calls that one task makes one after
    /// the other stand in the log in that order, also when the answers are awaited later. The answer is
    /// that of the machine, once it has applied the entry here.
    pub fn propose(
        &self,
        proposal: Proposal,
    ) -> impl Future<Output = Result<(EntryId, Bytes), ProposeError>> + Send + 'static {
        let queued = self.queue(proposal);
        let group = Arc::downgrade(&self.inner);
        async move {
            match queued?.await {
                Ok(Ok(written)) => Ok((from_log_id(written.log_id), written.data.0)),
                Ok(Err(error)) => Err(write_failed(error)),
                Err(_) => {
                    // The core has ended. What it had queued may have reached others.
                    let fault = group.upgrade().and_then(|inner| inner.fault.text());
                    Err(ProposeError::Unknown(fault.unwrap_or_else(|| "the group has stopped".to_owned())))
                }
            }
        }
    }

    fn queue(
        &self,
        proposal: Proposal,
    ) -> Result<tokio::sync::oneshot::Receiver<openraft::raft::ClientWriteResult<Types>>, ProposeError> {
        let bytes = proposal.bytes.len();
        if bytes > PROPOSAL_BYTES_MAX {
            return Err(ProposeError::TooLarge { bytes, limit: PROPOSAL_BYTES_MAX });
        }
        if self.is_stopped() {
            return Err(ProposeError::Stopped);
        }
        let (responder, answer) = ProgressResponder::complete_only();
        let sending = self.raft().client_write_ff(proposal.into(), Some(responder));
        // Polled once, and not subject to the task's budget: either there is room in the queue, or the
        // proposal is dropped with the future.
        match tokio::task::unconstrained(sending).now_or_never() {
            Some(Ok(())) => Ok(answer),
            Some(Err(_)) => Err(ProposeError::Stopped),
            None => Err(ProposeError::Retry(format!("{QUEUE_MAX} proposals wait already"))),
        }
    }

    /// The index up to which a linearizable read must have applied. Only the leader knows; it asks a
    /// majority whether it still is. Wait for it with [`Group::wait_applied`].
    ///
    /// # Errors
    /// [`ProposeError::NotLeader`], [`ProposeError::Retry`] or [`ProposeError::Stopped`].
    pub async fn read_index(&self) -> Result<u64, ProposeError> {
        // A leader that hears nobody would wait for as long.
        let limit = self.timing().election.end * 2;
        let asked = self.raft().get_read_linearizer(ReadPolicy::ReadIndex);
        match tokio::time::timeout(limit, asked).await {
            Ok(Ok(linearizer)) => Ok(linearizer.read_log_id().log_id().index()),
            Ok(Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(forward)))) => {
                Err(forwarded(&forward))
            }
            Ok(Err(RaftError::APIError(error))) => Err(ProposeError::Retry(error.to_string())),
            Ok(Err(RaftError::Fatal(_))) => Err(ProposeError::Stopped),
            Err(_) => Err(ProposeError::Retry("no majority has answered the leader lately".to_owned())),
        }
    }

    /// Waits until the machine has taken the entry at `index`; false when that takes longer than `limit`,
    /// or the group stops.
    pub async fn wait_applied(&self, index: u64, limit: Duration) -> bool {
        let mut applied = self.inner.applied.clone();
        let reached = applied.wait_for(|applied| applied.is_some_and(|applied| applied >= index));
        matches!(tokio::time::timeout(limit, reached).await, Ok(Ok(_)))
    }

    /// The machine has saved its state: the log up to there is purged, but for a few entries.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub async fn snapshot_saved(&self) -> Result<(), Error> {
        self.raft().trigger().snapshot().await.map_err(|fatal| self.stopped_by(fatal))
    }

    /// Takes no more part in the group. What is committed stays; the group can be started again.
    pub async fn stop(&self) {
        self.inner.stopped.store(true, Ordering::Release);
        self.inner.fault.stop();
        // It only fails when the core has panicked, which status has told already.
        let _ = self.raft().shutdown().await;
        if let Err(error) = self.inner.entries.save_committed_now() {
            tracing::warn!(group = self.number(), %error, "cannot note what is committed");
        }
    }

    /// The number of the group.
    pub fn number(&self) -> u64 {
        self.inner.options.group
    }

    /// This member.
    pub fn me(&self) -> MemberId {
        self.inner.options.me
    }

    /// The last entry that the machine has taken.
    pub fn applied(&self) -> Option<u64> {
        *self.inner.applied.borrow()
    }

    pub(crate) fn raft(&self) -> &Raft {
        &self.inner.raft
    }

    pub(crate) fn spool(&self) -> &Spool {
        &self.inner.spool
    }

    pub(crate) fn timing(&self) -> &Timing {
        &self.inner.options.timing
    }

    pub(crate) fn fault(&self) -> Option<String> {
        self.inner.fault.text()
    }

    pub(crate) fn stalled(&self) -> Option<String> {
        self.inner.fault.stalled()
    }

    pub(crate) fn elections(&self) -> u64 {
        self.inner.entries.elections()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.inner.stopped.load(Ordering::Acquire)
    }

    pub(crate) fn leader(&self) -> Option<MemberId> {
        self.raft().server_metrics().borrow_watched().current_leader
    }

    pub(crate) fn stopped_by(&self, fatal: Fatal<Types>) -> Error {
        Error::Stopped { group: self.number(), why: self.fault().unwrap_or_else(|| fatal.to_string()) }
    }
}

fn config(options: &Options) -> Result<Config, Error> {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (heartbeat, election) = (millis(options.timing.heartbeat).max(1), &options.timing.election);
    let election = millis(election.start)..millis(election.end);
    // A follower that has just answered needs no heartbeat, as long as that cannot make it lose patience.
    let quiet = if heartbeat.saturating_mul(3) < election.start { heartbeat } else { 0 };
    let config = Config {
        cluster_name: format!("group {}", options.group),
        heartbeat_interval: heartbeat,
        heartbeat_min_interval: Some(quiet),
        election_timeout_min: election.start,
        election_timeout_max: election.end,
        max_payload_entries: MESSAGE_ENTRIES_MAX,
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: KEEP_ENTRIES,
        purge_batch_size: 1,
        api_channel_size: Some(QUEUE_MAX),
        enable_pre_vote: Some(true),
        // A leader whose log lost its end in a power cut must not go on in the same term.
        enable_leader_restore: Some(false),
        ..Config::default()
    };
    config.validate().map_err(|error| Error::Refused(format!("the times of a Raft group: {error}")))
}

fn forwarded(forward: &ForwardToLeader<Types>) -> ProposeError {
    match forward.reason {
        ForwardReason::NotLeader => ProposeError::NotLeader { leader: forward.leader_id },
        ForwardReason::LeadershipTransfer => {
            ProposeError::Retry("leadership is being handed over".to_owned())
        }
        ForwardReason::LeaseExpired => {
            ProposeError::Retry("no majority has answered the leader lately".to_owned())
        }
    }
}

fn write_failed(error: ClientWriteError<Types>) -> ProposeError {
    match error {
        ClientWriteError::ForwardToLeader(forward) => forwarded(&forward),
        ClientWriteError::LogEntryDiscarded(_) => {
            ProposeError::Unknown("leadership was lost before the entry was committed here".to_owned())
        }
        other => ProposeError::Unknown(other.to_string()),
    }
}
