//! Why a command is refused, and why stored state cannot be read.

use model::Time;
use template::number::format_time_rfc3339nano;

/// A command that the catalog does not carry out. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A task with this id exists.
    #[error("task {0} already exists")]
    TaskExists(String),
    /// There is no such task.
    #[error("no task exists")]
    NoTask(String),
    /// A task, topic or handler has a name that is not allowed, or a match expression is wrong.
    #[error(transparent)]
    Invalid(#[from] alert::Error),
    /// Two handlers of one topic have the same id.
    #[error("cannot register handler, handler with ID {0:?} already exists")]
    HandlerExists(String),
    /// The topic has no such handler.
    #[error("unknown handler: {0:?}")]
    NoHandler(String),
    /// There is a cluster, and it has another id.
    #[error("this is cluster {0} already: wipe the data directory of a member that is to found another one")]
    Founded(String),
    /// A cluster needs an id, a shard and a replica.
    #[error(
        "cannot found a cluster with id {id:?}, {shards} shards and replication factor {replication}: \
         the id must not be empty, and both numbers must be at least 1"
    )]
    NoCluster {
        /// Its id.
        id: String,
        /// How many shards it was to have.
        shards: u32,
        /// How many replicas of each.
        replication: u32,
    },
    /// Nobody founded the cluster so far.
    #[error("the cluster is not founded yet: try again when its first members have found each other")]
    NotFounded,
    /// The member is gone for good.
    #[error(
        "member {name} was removed from this cluster on {}; wipe its data directory to join as a new member",
        date(*when)
    )]
    Removed {
        /// Its host name then.
        name: String,
        /// When it was removed.
        when: Time,
    },
    /// Two data directories got the same number.
    #[error(
        "the number of the new member belongs to member {name} (id {uuid}): wipe the new member's data directory to get another"
    )]
    MemberIdTaken {
        /// Host name of the member that has it.
        name: String,
        /// The id in its data directory.
        uuid: String,
    },
    /// There is no such member.
    #[error("no member has the number {0}: list the members to see who is there")]
    NoMember(u64),
    /// A cluster without members would be nothing.
    #[error("member {0} is the last one and cannot be removed: stop it, and wipe its data directory instead")]
    LastMember(String),
    /// A placement that does not know of the last one.
    #[error("the placement was worked out for epoch {epoch}, and now is epoch {current}: work it out again")]
    Stale {
        /// The epoch that it was worked out for.
        epoch: u64,
        /// The epoch that is.
        current: u64,
    },
    /// A placement that cannot be.
    #[error("the placement cannot be: {0}; work it out again")]
    BadPlacement(String),
    /// A shard that has no place.
    #[error("shard {0} has no place yet: place the shards first")]
    NoShard(u32),
}

fn date(when: Time) -> String {
    let mut text = String::new();
    format_time_rfc3339nano(&mut text, when);
    text
}

/// Bytes that are not a command, or stored state that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A record made by a newer version.
    #[error(
        "{what} has format {found}, this version reads formats up to {known}: start the newer version again"
    )]
    Version {
        /// What was read.
        what: &'static str,
        /// The format it says it has.
        found: u8,
        /// The newest format that we know.
        known: u8,
    },
    /// A damaged record.
    #[error(
        "cannot read {what}: {reason}; the control state is damaged, restore it from a backup or from another member"
    )]
    Damaged {
        /// What was read.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    pub(crate) fn damaged(what: &'static str, reason: impl ToString) -> Error {
        Error::Damaged { what, reason: reason.to_string() }
    }
}
