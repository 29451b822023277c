//! Raft: the members of a group agree on one log. The only module that names openraft.
//!
//! * [`Group`] is one member's part in one group; the engine proposes to it and waits for it.
//! * [`Machine`] is what the engine puts behind a group: it applies what is agreed on.
//! * [`Groups`] answers what other members' groups send.
//!
//! Entries lie in the segment log that all groups share, marked with [`RECORD_KIND`]; votes, purge
//! marks and commit marks in the state's family `Raft`. What is on disk and on the wire is encoded by
//! ourselves (`raft/codec.rs`), because openraft does not promise to keep its own encoding.

mod apply;
mod codec;
mod entries;
mod error;
mod follow;
mod group;
mod groups;
mod ids;
mod link;
mod machine;
mod marks;
mod members;
mod network;
mod read;
mod recent;
mod record;
mod settle;
mod spool;
mod status;
mod stream;
mod types;
mod wire;

#[cfg(test)]
mod storage_tests;
#[cfg(test)]
mod wire_tests;

pub use error::{Error, ProposeError};
pub use group::{Group, Options, PROPOSAL_BYTES_MAX, Timing};
pub use groups::Groups;
pub use ids::{Committed, Content, EntryId, Membership, Position, Proposal};
pub use machine::{Machine, SnapshotSource};
pub use read::read_committed;
pub use record::RECORD_KIND;
pub use settle::{adopt, forget};
pub use status::{Changes, Role, Status};
