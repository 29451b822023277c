//! What a member keeps on its disk: the data directory, the segment log that all shards share, and
//! RocksDB for small keyed state. The only crate that names `rocksdb`.
//!
//! Everything here works on bytes and knows nothing of points, tasks or Raft.
//!
//! * [`DataDir`] owns the folder: lock, layout version, identity files.
//! * [`Log`] is one append-only log for many groups; see [`mod@log`] for what is on disk.
//! * [`State`] is RocksDB with a column family for each kind of it.

pub mod data_dir;
mod error;
mod files;
pub mod log;
pub mod state;

pub use data_dir::DataDir;
pub use error::{Error, Result};
pub use log::{Bounds, Entry, Log, LogStats, Options, Pin, Position, Reader, Record, Recovery, Sync, Torn};
pub use state::{Batch, Family, State};
