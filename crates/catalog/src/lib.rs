//! What a cluster agrees on: its members and who keeps what, tasks and which of them run, topics
//! with their events, and the outbox of deliveries. A deterministic state machine: [`Command`]s
//! go in, the same on every member and in the same order; [`Outcome`]s and changed keys come out.
//! No clock, no I/O, no randomness.

mod aggregates;
mod alerts;
pub mod catalog;
mod codec;
pub mod command;
pub mod error;
mod handlers;
pub mod key;
mod load;
pub mod members;
pub mod outbox;
pub mod placement;
pub mod runs;
pub mod task;
mod tasks;

pub use aggregates::Window;
pub use catalog::{Catalog, Outcome, Published};
pub use command::{Command, TaskPatch};
pub use error::{Error, Rejection};
pub use members::{Cluster, Member, MemberId, MemberStatus, Removed};
pub use outbox::{Dropped, LaneState, OutboxLimits};
pub use placement::ShardPlace;
pub use runs::Run;
pub use task::{Dbrp, Status, Task, TaskKind, Var, VarKind};

/// A key of the control state and its new value; `None` deletes it.
pub type Change = (Vec<u8>, Option<Vec<u8>>);
