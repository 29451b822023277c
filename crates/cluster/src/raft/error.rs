//! What can go wrong with a group.

use std::time::Duration;

use crate::carrier::MemberId;

/// Why something with a group did not work.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The disk.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Bytes that cannot be read.
    #[error("cannot read {what}: {why}; was it written by a newer version?")]
    Torn {
        /// What was being read.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The saved state is older than the log reaches back.
    #[error(
        "the saved state of group {group} ends at entry {saved:?}, but its log begins only at {first}: \
         restore the member from a backup, or remove it from the cluster and add it as a new one"
    )]
    Behind {
        /// The group.
        group: u64,
        /// The last index that the saved state contains.
        saved: Option<u64>,
        /// The first index that is still in the log.
        first: u64,
    },
    /// Another member leads the group.
    #[error("this member does not lead group {group}, ask member {leader:?}")]
    NotLeader {
        /// The group.
        group: u64,
        /// Who leads, if known.
        leader: Option<MemberId>,
    },
    /// The group was founded before.
    #[error("group {0} has members already and cannot be founded again")]
    Founded(u64),
    /// Not now.
    #[error("{0}; try again")]
    Retry(String),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Refused(String),
    /// It took too long.
    #[error("{what} took longer than {limit:?}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// For how long.
        limit: Duration,
    },
    /// The group has stopped.
    #[error("group {group} has stopped: {why}")]
    Stopped {
        /// The group.
        group: u64,
        /// Why.
        why: String,
    },
}

/// What became of a proposal that was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// This member does not lead the group. Certainly not taken.
    #[error("this member does not lead the group, member {leader:?} does")]
    NotLeader {
        /// Who leads, if known.
        leader: Option<MemberId>,
    },
    /// Certainly not taken; the same call may work in a moment.
    #[error("{0}; try again")]
    Retry(String),
    /// It is larger than an entry may be. Certainly not taken.
    #[error("a proposal of {bytes} bytes is larger than the {limit} bytes that an entry may have")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The largest size.
        limit: usize,
    },
    /// It was queued, then leadership was lost: it may or may not be committed.
    #[error("{0}; it may or may not have been taken")]
    Unknown(String),
    /// The group has stopped.
    #[error("the group has stopped")]
    Stopped,
}
