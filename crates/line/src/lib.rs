//! Line protocol: bytes to points, written directly into columns.
//!
//! A [`Parser`] takes the body of one write in chunks. For each line it asks the [`SeriesIndex`]
//! which series the raw key bytes name (the [`Router`] is asked once per key), and writes the
//! fields into the columns of a [`Builder`], one run per lane (shard) and origin. What it accepts,
//! what it refuses and the texts of its errors are those of Kapacitor 1.5.7.
//!
//! Two readers share the work: `fast` handles lines as agents write them and gives up, without a
//! verdict, on anything else; `strict` is the definition of the language.

mod ahead;
pub mod builder;
pub mod error;
mod fast;
mod fields;
mod index;
mod key;
mod number;
pub mod parser;
mod precision;
mod run;
mod scan;
mod shape;
mod slot;
mod spare;
mod stamp;
mod strict;
mod text;

pub use builder::{Builder, Taken};
pub use error::{Error, Limits};
pub use index::SeriesIndex;
pub use parser::{Parser, Summary};
pub use precision::Precision;
pub use slot::{LANE_NONE, MORE_NONE, Router, Slot};
