//! Before a group starts: the log, its marks and the machine's saved state are three places, and a
//! crash may leave each of them at another time. Here they are brought to agree.

use std::collections::BTreeSet;

use store::{Log, State};

use super::entries::id_at;
use super::error::Error;
use super::ids::{EntryId, Membership, Position};
use super::marks::{self, Marks};
use super::types::Vote;
use crate::carrier::MemberId;

/// Makes a log that was written without Raft the log of a group with one voter, whose saved state
/// contains everything up to `index`. To be called before [`super::Group::start`]; calling it again, as
/// after a crash in between, changes nothing. Blocks until the vote is on the platter. Returns the
/// position that [`super::Machine::position`] must give from then on; the old records go when the
/// group starts.
///
/// # Errors
/// [`Error::Store`] from the disk, [`Error::Founded`] when the group takes part in Raft already under
/// another vote.
pub fn adopt(state: &State, me: MemberId, group: u64, index: u64) -> Result<Position, Error> {
    let id = EntryId { term: 1, index };
    let membership =
        Membership { id: Some(id), voters: vec![BTreeSet::from([me])], learners: BTreeSet::new() };
    let vote = Vote::new_committed(1, me);
    let shared = marks::vote(state, group)?;
    match shared {
        Some(before) if before != vote => return Err(Error::Founded(group)),
        Some(_) => {}
        None => marks::save_vote(state, group, &vote)?,
    }
    Ok(Position { id, membership: membership.encode() })
}

/// Forgets a group of which this member is no longer part: its log and all its marks. The group must
/// be stopped. What the machine saved is the engine's to remove.
///
/// # Errors
/// [`Error::Store`] from the disk.
pub fn forget(log: &Log, state: &State, group: u64) -> Result<(), Error> {
    log.forget(group)?;
    marks::forget(state, group)
}

/// Brings the log and its marks in line with the saved state. Blocks for flushes where there is
/// something to mend.
///
/// What may be found after a crash, and what is done:
/// * purged according to the mark, but not in the log (or the other way round, after a power cut):
///   both are purged up to the saved state, which contains all of it;
/// * the saved state was installed from a snapshot, and the log still has what was there before, or
///   records from the time before Raft: the log begins anew behind the saved state;
/// * the log begins behind the end of the saved state: nothing helps, the group does not start.
pub(crate) fn settle(log: &Log, marks: &Marks, group: u64, position: Option<EntryId>) -> Result<(), Error> {
    let bounds = log.bounds(group);
    let mark = marks.purged()?;
    let purged = bounds.purged.max(mark.map(|id| id.index));
    let first = bounds.first.or(purged.map(|index| index.saturating_add(1)));
    let reached = match (purged, position) {
        (None, None) => true,
        (Some(_), None) => false,
        (_, Some(position)) => {
            let end = position.index.saturating_add(1);
            purged.is_none_or(|purged| purged <= position.index) && first.is_none_or(|first| first <= end)
        }
    };
    if !reached {
        let first = first.unwrap_or(0);
        return Err(Error::Behind { group, saved: position.map(|id| id.index), first });
    }
    let Some(position) = position else {
        return Ok(());
    };
    if !continues(log, group, position)? {
        tracing::info!(group, index = position.index, "the log begins anew behind the saved state");
        marks.save_purged(position)?;
        log.forget(group)?;
        log.purge(group, position.index)?;
    } else if bounds.purged != mark.map(|id| id.index) {
        marks.save_purged(position)?;
        log.purge(group, position.index)?;
    }
    Ok(())
}

/// Whether what the log holds is what led to the saved state and what follows it.
fn continues(log: &Log, group: u64, position: EntryId) -> Result<bool, Error> {
    let bounds = log.bounds(group);
    match (bounds.first, bounds.last) {
        (Some(first), Some(last)) if first <= position.index && position.index <= last => {
            // A record that is not Raft's has no place in a term: it is from the time before.
            match id_at(log, group, position.index) {
                Ok(id) => Ok(id == position),
                Err(Error::Torn { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        }
        (Some(first), _) => Ok(first > position.index),
        (None, _) => Ok(bounds.purged == Some(position.index)),
    }
}
