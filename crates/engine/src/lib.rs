//! The engine of one member: takes writes, keeps the shards' logs and checkpoints, runs the tasks
//! and hands their events to the topics and the handlers. It owns the clock, the threads and the
//! order of the stages; what happens inside a stage is the business of the crate it comes from.
//!
//! A write is parsed into runs by [`write`], routed by [`router`], appended to the log and queued
//! by [`submit`], and fed to the pipeline by the shard's thread in [`worker`]. Events and
//! checkpoints go to [`control`], which writes what must be agreed on; on a member of a cluster
//! [`member`] stands in the places of [`submit`], [`recover`] and [`control`]. [`tasks`] starts and stops
//! tasks; [`recover`] brings a shard back after a restart; [`ticker`] tells the shards how late it is.

mod adopt;
pub mod clock;
pub mod control;
pub mod definition;
mod directory;
mod engine;
pub mod error;
pub mod member;
mod membership;
pub mod options;
mod outlet;
mod outside;
pub mod process;
mod queue;
mod recover;
mod router;
mod signs;
pub mod stats;
pub mod status;
mod submit;
pub mod tasks;
mod ticker;
mod topics;
pub mod vars;
mod worker;
pub mod write;

pub use engine::Engine;
pub use error::{Error, TaskError, WriteError};
pub use member::ClusterOptions;
pub use options::Options;
pub use tasks::{NewTask, TaskChange, TaskView};
pub use write::Write;
