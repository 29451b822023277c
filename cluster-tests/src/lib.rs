//! Starts real members on loopback addresses, feeds them, does them harm, and compares what they say
//! with what one member says of the same points.
//!
//! A scenario (`tests/scenarios/`) is a function over a [`run::Run`]: it reads as a timeline. The
//! [`runner`] gives each scenario a process in its own network, mount and process namespaces, so that
//! ports never clash, faults of the network touch nobody else, and nothing outlives the scenario.

pub mod binary;
pub mod bulk;
pub mod catalogs;
pub mod clock;
pub mod cluster;
pub mod disk;
pub mod failure;
pub mod feeder;
pub mod figures;
pub mod http;
pub mod isolation;
pub mod member;
pub mod network;
pub mod oracle;
pub mod parting;
pub mod points;
pub mod random;
pub mod receiver;
pub mod roles;
pub mod run;
pub mod runner;
pub mod sockets;
pub mod tasks;
pub mod timeline;
pub mod wait;

pub use failure::{Failure, Outcome};
