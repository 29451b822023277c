//! The command line: `kapacitor`, the client of the HTTP API, `kapacitorctl`, which looks after a
//! cluster, and `tickfmt`, the formatter.
//!
//! All are functions of their arguments, the environment and two writers, so that tests run them
//! without a process. Texts, columns and exit codes are Kapacitor's: scripts read them.

mod client;
pub mod commands;
pub mod ctl;
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
pub use ctl::kapacitorctl;
pub use surroundings::Surroundings;
pub use tickfmt::{Input, tickfmt};
