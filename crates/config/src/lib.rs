//! The configuration of a member: Kapacitor's TOML file and `KAPACITOR_*` variables, typed.
//!
//! [`Config::load`] finds the file, reads it over the defaults, applies the environment and the
//! server's flags, and checks the result. Everything wrong is reported at once, each with its
//! line or variable, the dotted key and, where a name is misspelt, the one that was meant.
//! [`to_toml`] prints a configuration so that it loads again; [`sample`] prints the annotated
//! defaults. All of this walks one declaration of each table, in `tables`.

mod collections;
mod duration;
mod environment;
mod file;
mod print;
mod problem;
mod scalars;
mod search;
mod setting;
mod size;
mod suggest;
pub mod tables;
mod validate;

pub use duration::{format_duration, parse_duration};
pub use environment::Environment;
pub use print::{sample, to_toml};
pub use problem::{Error, Origin, Problem};
pub use search::{Flags, Loaded, Search};
pub use setting::{Field, Retired, Setting, Shape, Table};
pub use size::Size;
pub use tables::Config;
