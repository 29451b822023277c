//! Reading a group's log beside Raft: for who replays what was committed before it came to lead.

use std::ops::Range;

use store::Log;

use super::apply::committed;
use super::error::Error;
use super::ids::Committed;
use super::record;

/// The entries of a group's log with indexes in `range`, in order. The caller knows that all of them
/// are committed; what is not may still be replaced. Ends with the first error.
pub fn read_committed(
    log: &Log,
    group: u64,
    range: Range<u64>,
) -> impl Iterator<Item = Result<Committed, Error>> {
    log.read(group, range).map(|entry| {
        let entry = record::read(entry?)
            .map_err(|torn| Error::Torn { what: "an entry of the log", why: torn.to_string() })?;
        Ok(committed(entry))
    })
}
