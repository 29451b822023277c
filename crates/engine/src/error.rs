//! What can go wrong, by who must do something about it.

use std::time::Duration;

/// The engine cannot be opened or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The control state does not read.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// A checkpoint does not read.
    #[error("shard {shard}: {source}")]
    Checkpoint {
        /// The shard.
        shard: u32,
        /// Why not.
        source: pipeline::checkpoint::Error,
    },
    /// An entry of a shard's log does not read.
    #[error(
        "shard {shard}, entry {index}: {why}; the data directory is damaged or was written by another version of Farad"
    )]
    Entry {
        /// The shard.
        shard: u32,
        /// The entry.
        index: u64,
        /// Why not.
        why: String,
    },
    /// The data directory was made for another number of shards.
    #[error(
        "the data directory has {found} shards, the configuration says {wanted}: set [cluster] shards = {found}"
    )]
    Shards {
        /// What it has.
        found: u32,
        /// What is wanted.
        wanted: u32,
    },
    /// The member cannot take part in its cluster.
    #[error("{0}")]
    Cluster(String),
    /// A thread does not start.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// A write is not taken.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The body is not line protocol.
    #[error(transparent)]
    Line(#[from] line::Error),
    /// The tasks do not keep up, and there is no room to queue more.
    #[error(
        "timeout: tasks have been behind for {0:?}, their queues hold {1} bytes; slow down, or look for the slow task with kapacitor show"
    )]
    Busy(Duration, usize),
    /// The log does not take it.
    #[error("cannot log the write: {0}")]
    Log(#[from] store::Error),
    /// A shard has no leader, or it does not answer.
    #[error(
        "timeout: the cluster did not confirm the write within {0:?}: {1}; it may have been taken, writing it again may count points twice"
    )]
    Unconfirmed(Duration, String),
    /// The member cannot route writes now.
    #[error("{0}; nothing was taken, write again to another member, or later")]
    NotReady(String),
    /// The server is stopping.
    #[error("the server is stopping: write again to another member, or later")]
    Stopping,
}

/// A task is not defined, changed or started.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The request is wrong.
    #[error("{0}")]
    Invalid(String),
    /// The script is wrong; the diagnostic says where.
    #[error("invalid TICKscript: {line}")]
    Script {
        /// Kapacitor's one-line form.
        line: String,
        /// All of it.
        diagnostic: Box<tick::Diagnostic>,
    },
    /// There is no such task.
    #[error("no task exists")]
    NoTask,
    /// It is stored, but does not start.
    #[error("{0}")]
    Start(String),
    /// The server cannot do it now.
    #[error("{0}")]
    Unavailable(String),
}
