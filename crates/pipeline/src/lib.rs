//! The pipeline: nodes, the graph that a script describes, and the shard that runs it. Pure: no
//! clock, I/O, thread or random number. Entries go in, effects come out.
//!
//! Read [`node`] first, then any file of [`nodes`], then [`shard`].

pub mod args;
pub mod buffer;
pub mod checkpoint;
pub mod compile;
pub mod dimensions;
pub mod edge;
pub mod endpoint;
pub mod graph;
pub mod group;
pub mod idle;
mod lifetime;
pub mod logfmt;
pub mod merge;
pub mod node;
pub mod nodes;
pub mod partition;
pub mod reasons;
pub mod rowshape;
pub mod rowwise;
pub mod seen;
pub mod shard;
pub mod state;
pub mod stats;
pub mod task;
pub mod tracking;
pub mod view;
mod walk;

pub use idle::Lifetimes;
pub use node::{Effects, Server};
pub use shard::Shard;
pub use task::Task;
