//! What the engine puts behind a group.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;

use super::ids::{Committed, Position};

/// The state machine of one group.
///
/// An error of [`Machine::apply`] or [`Machine::install`] stops the group for good (see
/// [`super::Status::fatal`]): what cannot be applied here must not be skipped.
pub trait Machine: Send + Sync + 'static {
    /// What its saved state contains; asked once at start. None: nothing yet.
    fn position(&self) -> Option<Position>;

    /// Takes committed entries, in order, each once per life of the process, from the position on.
    /// Gives one answer (it may be empty) per entry; a proposal's goes to who proposed it.
    fn apply(&mut self, entries: Vec<Committed>) -> BoxFuture<'_, io::Result<Vec<Bytes>>>;

    /// The saved state, for a member that lags behind the log, and its position. None: there is none
    /// yet. It must be at least as new as [`Machine::position`] and what [`Machine::install`] took.
    fn saved(&self) -> Option<(Position, Arc<dyn SnapshotSource>)>;

    /// Replaces everything by a snapshot that came from another member, a file to be read from its
    /// start. On return it is what [`Machine::position`] would find after a restart.
    fn install(&mut self, position: Position, snapshot: std::fs::File) -> BoxFuture<'_, io::Result<()>>;
}

/// Saved state that can be written down.
pub trait SnapshotSource: Send + Sync {
    /// Writes it, on a thread that may block, and only when a snapshot is really sent. Returns the
    /// position of what was written, which may be newer than when the source was handed out.
    ///
    /// # Errors
    /// Any; the snapshot is sent again later.
    fn write(&self, out: &mut dyn io::Write) -> io::Result<Position>;
}
