//! The command line: `kapacitor`, the client of the HTTP API, and `tickfmt`, the formatter.
//!
//! Both are functions of their arguments, the environment and two writers, so that tests run them
//! without a process. Texts, columns and exit codes are Kapacitor's: scripts read them.

mod client;
pub mod commands;
mod dbrp;
mod excerpt;
pub mod flags;
mod go;
mod session;
mod shapes;
mod surroundings;
mod tickfmt;
mod vars;

pub use commands::kapacitor;
pub use surroundings::Surroundings;
pub use tickfmt::{Input, tickfmt};
