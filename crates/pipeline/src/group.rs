//! Groups: points that share the values of the group-by tags, numbered densely so that a node
//! finds what it remembers of a group by indexing.

use hashbrown::HashTable;
use model::{Name, Origin, SeriesTable, TagSet};
use serde::{Deserialize, Serialize};
use std::hash::BuildHasher;
use std::sync::Arc;

/// What points are grouped by.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupBy {
    /// Group by all tags but `exclude` (`*`).
    pub all: bool,
    /// The tags, sorted; empty with `all`.
    pub tags: Vec<Name>,
    /// Tags that `all` leaves out, sorted.
    pub exclude: Vec<Name>,
    /// The measurement is part of the group.
    pub by_name: bool,
}

impl GroupBy {
    /// The tags of the group that a point with `tags` belongs to.
    pub fn project(&self, tags: &TagSet) -> TagSet {
        if !self.all {
            return tags.project(&self.tags);
        }
        if self.exclude.is_empty() {
            return tags.clone();
        }
        TagSet::new(tags.iter().filter(|(key, _)| !self.exclude.iter().any(|x| **x == **key)))
    }
}

/// One group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The group-by tags, `""` for one that its points lack.
    pub tags: TagSet,
    /// The measurement, when it is part of the group.
    pub name: Option<Name>,
}

impl Group {
    /// Kapacitor's text form: `tag=value,tag=value` with `name\n` before it when the measurement
    /// is part of the group (and only `name` without tags); empty when ungrouped.
    pub fn id(&self) -> String {
        let mut id = String::new();
        if let Some(name) = &self.name {
            id.push_str(name);
            if !self.tags.is_empty() {
                id.push('\n');
            }
        }
        for (i, (key, value)) in self.tags.iter().enumerate() {
            if i > 0 {
                id.push(',');
            }
            id.push_str(key);
            id.push('=');
            id.push_str(value);
        }
        id
    }
}

/// The groups of one [`GroupBy`] in one shard, shared by every task that groups alike.
#[derive(Debug)]
pub struct GroupTable {
    /// What makes a group.
    pub by: GroupBy,
    tags: Vec<TagSet>,
    /// The measurement of each group up to the last that has one: as a rule none has.
    names: Vec<Option<Name>>,
    /// Hash and number of each group: growing need not look at the groups.
    index: HashTable<(u32, u32)>,
    /// Group of each series, plus one; 0 is not known yet.
    by_series: Vec<u32>,
    hasher: foldhash::fast::FixedState,
}

impl GroupTable {
    /// A table without groups.
    pub fn new(by: GroupBy) -> GroupTable {
        GroupTable {
            by,
            tags: Vec::new(),
            names: Vec::new(),
            index: HashTable::new(),
            by_series: Vec::new(),
            hasher: foldhash::fast::FixedState::default(),
        }
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.tags.len()
    }

    /// No groups yet.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// The group at an index.
    pub fn get(&self, group: u32) -> Group {
        let at = group as usize;
        Group { tags: self.tags[at].clone(), name: self.names.get(at).cloned().flatten() }
    }

    /// The groups from index `from` on: what a checkpoint has not seen yet.
    pub fn since(&self, from: usize) -> impl Iterator<Item = Group> {
        (from as u32..self.len() as u32).map(|group| self.get(group))
    }

    /// The group of a series of the shard.
    #[inline]
    pub fn of_series(&mut self, series: u32, table: &SeriesTable) -> u32 {
        match self.by_series.get(series as usize) {
            Some(&group) if group != 0 => group - 1,
            _ => self.first_sight(series, table),
        }
    }

    #[cold]
    fn first_sight(&mut self, series: u32, table: &SeriesTable) -> u32 {
        let entry = table.get(series);
        let group = self.of_tags(&entry.tags, &entry.origin);
        if self.by_series.len() <= series as usize {
            self.by_series.resize(series as usize + 1, 0);
        }
        self.by_series[series as usize] = group + 1;
        group
    }

    /// The group of a point with these tags.
    pub fn of_tags(&mut self, tags: &TagSet, origin: &Arc<Origin>) -> u32 {
        let name = self.by.by_name.then(|| origin.name.clone());
        self.intern(Group { tags: self.by.project(tags), name })
    }

    /// The index of a group, given to it now if it is new.
    pub fn intern(&mut self, group: Group) -> u32 {
        let hash = self.hasher.hash_one((group.tags.as_bytes(), &group.name)) as u32;
        let (tags, names) = (&self.tags, &self.names);
        let same = |&(known, at): &(u32, u32)| {
            let name = || names.get(at as usize).and_then(Option::as_ref);
            known == hash && tags[at as usize] == group.tags && name() == group.name.as_ref()
        };
        match self.index.entry(spread(hash), same, |&(hash, _)| spread(hash)) {
            hashbrown::hash_table::Entry::Occupied(found) => found.get().1,
            hashbrown::hash_table::Entry::Vacant(slot) => {
                let at = tags.len() as u32;
                slot.insert((hash, at));
                self.tags.push(group.tags);
                if group.name.is_some() {
                    self.names.resize(at as usize, None);
                    self.names.push(group.name);
                }
                at
            }
        }
    }
}

/// The hash table wants all 64 bits to be good, the stored hash has 32.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
