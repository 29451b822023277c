//! Entries as bytes: what a shard's log holds.
//!
//! One byte of version, then the clock, a dictionary of origins, the new series and the runs.
//! Columns are copied as they are, little-endian, except where a glance shows that they shrink:
//! repeated values (the times of a write), small offsets from a base (series), small steps
//! (ordinals). No part of an entry can stand for more than some sixty times its bytes in memory,
//! so that damaged or hostile bytes cannot make the decoder allocate without bound.

mod column;
mod pack;
mod read;
mod write;

pub use read::{Decoder, decode};
pub use write::encode;

/// The version that is written, and the only one that is read.
const VERSION: u8 = 1;

/// Why bytes are not an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Another version's bytes.
    #[error("entry has version {0}, this program reads version {VERSION}; upgrade this member first")]
    Version(u8),
    /// The bytes end too early.
    #[error("entry ends in the middle; its bytes are damaged")]
    Truncated,
    /// Bytes behind the end.
    #[error("entry has {0} bytes behind its end; its bytes are damaged")]
    Trailing(usize),
    /// A part that cannot be.
    #[error("entry has an impossible {0}; its bytes are damaged")]
    Invalid(&'static str),
    /// The entry's new series do not follow the ones that are known.
    #[error(
        "entry begins its series at number {found}, but {expected} come before it; an entry was skipped or read twice"
    )]
    SeriesGap {
        /// Number of series known.
        expected: u32,
        /// Number of the entry's first new series.
        found: u32,
    },
}
