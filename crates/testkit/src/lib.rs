//! What tests of the pipeline are made of: cases in Markdown, a small server without log or network
//! that runs them, and the ways of running that must all give the same.
//!
//! A case says in [`cases`]'s format what a script makes of some lines. [`run`] runs it straight,
//! saved and loaded between the lines, as one write, and spread over shards. [`check`] does so for
//! a whole file, and rewrites its expectations when asked to.

pub mod cases;
pub mod check;
pub mod diff;
pub mod observed;
pub mod run;
pub mod server;
pub mod steps;
pub mod store;

pub use cases::{Case, CaseFile};
pub use check::{Checked, check_file};
pub use observed::Observed;
pub use run::{WAYS, Way};
pub use server::Server;
