//! What must be true, whatever happens.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cluster::MemberId;
use cluster::raft::EntryId;
use parking_lot::Mutex;

/// What an entry says, as far as it matters: the number that somebody proposed, if any.
pub type Said = Option<u64>;

/// Sees everything, and notes what must not be.
#[derive(Clone, Default)]
pub struct Oracle {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    applied: BTreeMap<u64, (EntryId, Said)>,
    leaders: HashMap<u64, MemberId>,
    acknowledged: HashMap<u64, EntryId>,
    violations: Vec<String>,
}

impl Oracle {
    pub fn violated(&self, what: String) {
        self.inner.lock().violations.push(what);
    }

    /// A member applies an entry: every other one must apply the same there.
    pub fn applied(&self, member: MemberId, id: EntryId, said: Said) {
        let mut inner = self.inner.lock();
        let before = *inner.applied.entry(id.index).or_insert((id, said));
        if before != (id, said) {
            let what = format!("member {member} applies {id:?} {said:?}, another one {before:?}");
            inner.violations.push(what);
        }
    }

    /// A member leads a term.
    pub fn leads(&self, member: MemberId, term: u64) {
        let mut inner = self.inner.lock();
        let leader = *inner.leaders.entry(term).or_insert(member);
        if leader != member {
            inner.violations.push(format!("members {leader} and {member} lead in term {term}"));
        }
    }

    /// A proposal was answered.
    pub fn acknowledged(&self, value: u64, id: EntryId) {
        self.inner.lock().acknowledged.insert(value, id);
    }

    pub fn acknowledged_count(&self) -> usize {
        self.inner.lock().acknowledged.len()
    }

    /// Up to where a read that starts now must see.
    pub fn acknowledged_index(&self) -> Option<u64> {
        self.inner.lock().acknowledged.values().map(|id| id.index).max()
    }

    /// Compares the final state of a member with all that was promised.
    pub fn judge(&self, member: MemberId, state: &[(EntryId, Said)]) {
        let mut inner = self.inner.lock();
        let mut wrong = Vec::new();
        let held: HashMap<u64, EntryId> =
            state.iter().filter_map(|(id, said)| Some(((*said)?, *id))).collect();
        for (value, id) in &inner.acknowledged {
            if held.get(value) != Some(id) {
                wrong.push(format!("member {member} lacks {value:x}, acknowledged as {id:?}"));
            }
        }
        for (place, (id, said)) in (0..).zip(state) {
            if id.index != place || inner.applied.get(&place) != Some(&(*id, *said)) {
                wrong.push(format!("member {member} has {id:?} {said:?} at place {place}"));
            }
        }
        // The upper half of a value is its proposer, the lower half counts up.
        let mut latest: HashMap<u64, u64> = HashMap::new();
        for value in state.iter().filter_map(|(_, said)| *said) {
            let before = latest.insert(value >> 32, value);
            if before.is_some_and(|before| before >= value) {
                wrong.push(format!("member {member} has {value:x} behind {before:x?}"));
            }
        }
        inner.violations.append(&mut wrong);
    }

    pub fn violations(&self) -> Vec<String> {
        self.inner.lock().violations.clone()
    }
}
