//! Where each entry of each group lies: eight bytes an entry, in memory.

use std::collections::{BTreeMap, VecDeque};

use hashbrown::HashMap;

use crate::error::{Error, Result};

/// Where one record starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub segment: u32,
    pub offset: u32,
}

/// What is known of a segment besides its number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SegmentFacts {
    pub salt: u64,
    /// Bytes that the file takes on disk.
    pub bytes: u64,
}

/// What a group's log holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Everything up to here was purged.
    pub purged: Option<u64>,
    /// The first index that can be read.
    pub first: Option<u64>,
    /// The last index that can be read.
    pub last: Option<u64>,
}

#[derive(Debug, Default)]
struct Group {
    purged: Option<u64>,
    /// The index of the front slot.
    first: u64,
    slots: VecDeque<Slot>,
}

/// The index of the whole log.
#[derive(Debug, Default)]
pub(crate) struct Index {
    groups: HashMap<u64, Group>,
    pub segments: BTreeMap<u32, SegmentFacts>,
}

/// A group gives memory back when it uses less than a quarter of more than this many slots.
const SLOTS_KEPT: usize = 1024;

impl Group {
    fn end(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    fn bounds(&self) -> Bounds {
        let held = !self.slots.is_empty();
        Bounds { purged: self.purged, first: held.then_some(self.first), last: held.then(|| self.end() - 1) }
    }

    fn shrink(&mut self) {
        if self.slots.capacity() > SLOTS_KEPT && self.slots.len() < self.slots.capacity() / 4 {
            self.slots.shrink_to(self.slots.len() * 2);
        }
    }
}

impl Index {
    /// Whether `index` may be appended to `group`, which ends at `end` when records of the group
    /// are on their way to the disk.
    pub(crate) fn check(&self, group: u64, index: u64, end: Option<u64>) -> Result<()> {
        let known = self.groups.get(&group);
        let end = end.or(known.filter(|g| !g.slots.is_empty()).map(Group::end));
        let expected = match end {
            // The very last number is never used, so that "one past the end" always exists.
            _ if index == u64::MAX => end.unwrap_or(0),
            Some(end) if index == end => return Ok(()),
            Some(end) => end,
            // A group without entries may start anywhere above what was purged.
            None => match known.and_then(|g| g.purged) {
                Some(purged) if index <= purged => purged.saturating_add(1),
                _ => return Ok(()),
            },
        };
        Err(Error::OutOfOrder { group, index, expected })
    }

    /// Adds an entry that [`Index::check`] allowed.
    pub(crate) fn push(&mut self, group: u64, index: u64, slot: Slot) {
        let group = self.groups.entry(group).or_default();
        if group.slots.is_empty() {
            group.first = index;
        }
        group.slots.push_back(slot);
    }

    /// Drops the entries up to and including `index`, and remembers the mark.
    pub(crate) fn purge(&mut self, group: u64, index: u64) {
        let group = self.groups.entry(group).or_default();
        if group.purged.is_some_and(|purged| purged >= index) {
            return;
        }
        group.purged = Some(index);
        if !group.slots.is_empty() && index >= group.first {
            let count = (index - group.first).saturating_add(1).min(group.slots.len() as u64);
            group.slots.drain(..count as usize);
            group.first += count;
        }
        group.shrink();
    }

    /// Drops the entries after `index`.
    pub(crate) fn truncate(&mut self, group: u64, index: u64) {
        if let Some(group) = self.groups.get_mut(&group) {
            let keep = index.saturating_add(1).saturating_sub(group.first).min(group.slots.len() as u64);
            group.slots.truncate(keep as usize);
            group.shrink();
        }
    }

    /// Drops all that is known of the group.
    pub(crate) fn forget(&mut self, group: u64) {
        self.groups.remove(&group);
    }

    /// What the group holds; nothing at all for a group that was never written.
    pub(crate) fn bounds(&self, group: u64) -> Bounds {
        self.groups.get(&group).map(Group::bounds).unwrap_or_default()
    }

    /// All groups and what they hold, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u64, Bounds)> + '_ {
        self.groups.iter().map(|(id, group)| (*id, group.bounds()))
    }

    /// All purge marks, in the order of the groups.
    pub(crate) fn marks(&self) -> Vec<(u64, u64)> {
        let marks = self.groups.iter().filter_map(|(id, group)| Some((*id, group.purged?)));
        let mut marks: Vec<_> = marks.collect();
        marks.sort_unstable();
        marks
    }

    /// Each group with its first index and the segment that index lies in.
    pub(crate) fn fronts(&self) -> impl Iterator<Item = (u64, u64, u32)> + '_ {
        self.groups.iter().filter_map(|(id, group)| Some((*id, group.first, group.slots.front()?.segment)))
    }

    /// Takes out the segments before the first one that a group needs, and before `active`.
    pub(crate) fn release(&mut self, active: u32) -> Vec<u32> {
        let needed = self.fronts().map(|(_, _, segment)| segment).min().unwrap_or(active);
        let kept = self.segments.split_off(&needed.min(active));
        let freed = std::mem::replace(&mut self.segments, kept);
        freed.into_keys().collect()
    }

    /// Appends up to `count` slots of the group to `slots`, from `from` on or from its first index
    /// when it starts later. Returns the index of the first of them.
    ///
    /// # Errors
    /// [`Error::Purged`] when `from` was purged.
    pub(crate) fn slots(&self, id: u64, from: u64, count: usize, slots: &mut VecDeque<Slot>) -> Result<u64> {
        let Some(group) = self.groups.get(&id) else {
            return Ok(from);
        };
        if group.purged.is_some_and(|purged| from <= purged) {
            let purged = group.purged.unwrap_or(0).saturating_add(1);
            let first = if group.slots.is_empty() { purged } else { group.first };
            return Err(Error::Purged { group: id, index: from, first });
        }
        if group.slots.is_empty() {
            return Ok(from);
        }
        let from = from.max(group.first);
        let skip = (from - group.first).min(group.slots.len() as u64) as usize;
        let end = skip.saturating_add(count).min(group.slots.len());
        slots.extend(group.slots.range(skip..end));
        Ok(from)
    }

    /// Whether the entry is (still) readable.
    pub(crate) fn holds(&self, group: u64, index: u64) -> bool {
        self.groups
            .get(&group)
            .is_some_and(|group| !group.slots.is_empty() && index >= group.first && index < group.end())
    }
}
