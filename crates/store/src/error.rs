//! What can go wrong on a member's disk, each with what the operator can do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The result of every operation of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure of the disk, or a request that the store cannot carry out.
///
/// Errors are `Clone` because one failed write answers every caller whose records were in it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The operating system refused an operation on a file.
    #[error("cannot {operation} {}: {source}; check the disk and the permissions", path.display())]
    Io {
        /// What was tried, as a verb: "open", "write".
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: Arc<io::Error>,
    },
    /// No space (or no quota) is left. Nothing was written; the same call may succeed later.
    #[error(
        "no space left to write {needed} bytes to {}: free disk space or enlarge the volume; \
         writing resumes by itself",
        path.display()
    )]
    DiskFull {
        /// The file that could not grow.
        path: PathBuf,
        /// How many bytes were wanted.
        needed: u64,
    },
    /// Another process uses the data directory.
    #[error(
        "the data directory {} is in use by {}: stop that process, or give this member a data \
         directory of its own",
        path.display(), holder(*pid)
    )]
    Locked {
        /// The data directory.
        path: PathBuf,
        /// The process that holds the lock, where it could be read.
        pid: Option<u32>,
    },
    /// The folder holds files of something else.
    #[error(
        "{} is not a data directory of this server: it holds {entry:?}; name an empty folder, or \
         one that only Kapacitor has used",
        path.display()
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// One entry that does not belong.
        entry: String,
    },
    /// The files were written in a layout that this version cannot read.
    #[error(
        "{} has layout version {found}, this server reads version {wanted}: run the server version \
         that wrote it, or start with an empty data directory",
        path.display()
    )]
    Version {
        /// The file that names the version.
        path: PathBuf,
        /// The version found.
        found: String,
        /// The version this build reads and writes.
        wanted: u32,
    },
    /// Bytes that were safely on disk are no longer what they were.
    #[error(
        "{} is damaged at byte {offset}: {reason}; restore the data directory from a backup, or \
         move it away and let this member start anew",
        path.display()
    )]
    Corrupt {
        /// The damaged file.
        path: PathBuf,
        /// Where in it, in bytes from the start; 0 when unknown.
        offset: u64,
        /// What was found.
        reason: String,
    },
    /// An index that does not follow the last one of its group.
    #[error(
        "group {group}: index {index} does not follow, the next index is {expected}; truncate the \
         group first to write over its tail"
    )]
    OutOfOrder {
        /// The group.
        group: u64,
        /// The index that was given.
        index: u64,
        /// The index that would have been right (the smallest one, when several would).
        expected: u64,
    },
    /// A record that has been purged.
    #[error("group {group}: index {index} is purged, the log starts at {first}; load a checkpoint")]
    Purged {
        /// The group.
        group: u64,
        /// The index that was asked for.
        index: u64,
        /// The first index that is still there, or the next one to be written.
        first: u64,
    },
    /// More bytes than one call may append.
    #[error("cannot append {bytes} bytes at once, the limit is {limit}: split the write")]
    TooLarge {
        /// The size that was asked for, in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// `fdatasync` failed: what is on the platter is unknown, so nothing more is accepted.
    #[error("cannot flush {} to disk: {source}; replace the disk if it fails, then restart", path.display())]
    SyncFailed {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: Arc<io::Error>,
    },
    /// RocksDB refused an operation for a reason not listed above.
    #[error("cannot {operation} the state in {}: {message}", path.display())]
    State {
        /// What was tried, as a verb.
        operation: &'static str,
        /// RocksDB's folder.
        path: PathBuf,
        /// RocksDB's own words.
        message: String,
    },
    /// The log was closed while the caller waited.
    #[error("the log is closed; the member is stopping")]
    Closed,
}

impl Error {
    /// Whether the same call may succeed later without anybody changing the request.
    pub fn is_retriable(&self) -> bool {
        matches!(self, Error::DiskFull { .. })
    }

    /// Translates an operating system error; a full disk becomes [`Error::DiskFull`].
    pub(crate) fn io(operation: &'static str, path: &Path, needed: u64, source: io::Error) -> Self {
        if is_full(&source) {
            return Error::DiskFull { path: path.to_owned(), needed };
        }
        Error::Io { operation, path: path.to_owned(), source: Arc::new(source) }
    }

    /// Damage at a byte offset of a file.
    pub(crate) fn corrupt(path: &Path, offset: u64, reason: impl Into<String>) -> Self {
        Error::Corrupt { path: path.to_owned(), offset, reason: reason.into() }
    }
}

/// No space, no quota, or a file size limit: all of them mean that the disk takes no more.
fn is_full(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT | libc::EFBIG))
}

fn holder(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}
