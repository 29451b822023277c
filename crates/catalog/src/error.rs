//! Why a command is refused, and why stored state cannot be read.

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
