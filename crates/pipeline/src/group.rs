//! Groups: points that share the values of the group-by tags, numbered densely so that a node
//! finds what it remembers of a group by indexing.

use crate::idle::Idle;
use hashbrown::HashTable;
use model::{Name, Origin, SeriesTable, TagSet, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
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

/// Groups in one chunk of a checkpoint.
pub const CHUNK: usize = 256;

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
    /// Numbers of groups that are over, to be given again, the lowest first.
    free: BTreeSet<u32>,
    /// Chunks that changed since the last checkpoint.
    dirty: BTreeSet<u32>,
    /// How long its groups live, where a script says so.
    pub(crate) ttl: Option<i64>,
    /// When groups were last seen, where somebody wants to know.
    pub(crate) idle: Option<Idle>,
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
            free: BTreeSet::new(),
            dirty: BTreeSet::new(),
            ttl: None,
            idle: None,
            hasher: foldhash::fast::FixedState::default(),
        }
    }

    /// One past the highest number that a group has had.
    pub fn end(&self) -> u32 {
        self.tags.len() as u32
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.tags.len() - self.free.len()
    }

    /// There are no groups.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The group at an index.
    pub fn get(&self, group: u32) -> Group {
        let at = group as usize;
        Group { tags: self.tags[at].clone(), name: self.names.get(at).cloned().flatten() }
    }

    /// The groups of the chunks that changed since this was last asked, `None` for those that are over.
    pub(crate) fn changed(&mut self) -> Vec<(u32, Vec<Option<Group>>)> {
        let chunks = std::mem::take(&mut self.dirty);
        let chunk = |chunk: u32| {
            let from = chunk * CHUNK as u32;
            let to = self.end().min(from + CHUNK as u32);
            let group = |group| (!self.free.contains(&group)).then(|| self.get(group));
            (chunk, (from..to).map(group).collect())
        };
        chunks.into_iter().map(chunk).collect()
    }

    /// Takes back a chunk that [`Self::changed`] gave; chunks come in their order.
    pub(crate) fn load(&mut self, groups: Vec<Option<Group>>) {
        for group in groups {
            match group {
                Some(group) => {
                    let hash = self.hash(&group);
                    let at = self.end();
                    self.index.insert_unique(spread(hash), (hash, at), |&(hash, _)| spread(hash));
                    self.push(group);
                }
                None => {
                    self.free.insert(self.end());
                    self.tags.push(TagSet::empty());
                }
            }
        }
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

    /// The number of a group, if it has one.
    pub fn find(&self, group: &Group) -> Option<u32> {
        let hash = self.hash(group);
        self.index.find(spread(hash), self.same(hash, group)).map(|&(_, at)| at)
    }

    /// The number of a group, given to it now if it is new.
    pub fn intern(&mut self, group: Group) -> u32 {
        if let Some(at) = self.find(&group) {
            return at;
        }
        let hash = self.hash(&group);
        let at = self.free.pop_first().unwrap_or(self.end());
        self.index.insert_unique(spread(hash), (hash, at), |&(hash, _)| spread(hash));
        self.dirty.insert(at / CHUNK as u32);
        if let Some(idle) = &mut self.idle {
            idle.touch(&[at], at + 1);
        }
        if at == self.end() {
            self.push(group);
        } else {
            self.tags[at as usize] = group.tags;
            self.set_name(at, group.name);
        }
        at
    }

    /// Ends groups: their numbers may be given to others. Nobody may hold anything of them any more.
    pub(crate) fn release(&mut self, groups: &[u32]) {
        for &group in groups {
            let hash = self.hash(&self.get(group));
            if let Ok(entry) = self.index.find_entry(spread(hash), |&(_, at)| at == group) {
                entry.remove();
                self.free.insert(group);
                self.dirty.insert(group / CHUNK as u32);
                self.tags[group as usize] = TagSet::empty();
                self.set_name(group, None);
            }
        }
        // One look at all series, however many groups are over.
        let mut over = vec![false; self.tags.len() + 1];
        groups.iter().for_each(|&group| over[group as usize + 1] = true);
        for known in &mut self.by_series {
            if over[*known as usize] {
                *known = 0;
            }
        }
    }

    /// The groups that no point has been in for at least `idle` nanoseconds, where that is known.
    pub(crate) fn idle_for(&mut self, now: Time, idle: i64) -> Vec<u32> {
        let end = self.end();
        let Some(known) = &mut self.idle else { return Vec::new() };
        known.set_now(now);
        let free = &self.free;
        known.not_seen_since(now.saturating_sub(idle), end).filter(|group| !free.contains(group)).collect()
    }

    fn push(&mut self, group: Group) {
        let at = self.end();
        self.tags.push(group.tags);
        self.set_name(at, group.name);
    }

    fn set_name(&mut self, group: u32, name: Option<Name>) {
        if name.is_some() && self.names.len() <= group as usize {
            self.names.resize(group as usize + 1, None);
        }
        if let Some(place) = self.names.get_mut(group as usize) {
            *place = name;
        }
    }

    fn hash(&self, group: &Group) -> u32 {
        self.hasher.hash_one((group.tags.as_bytes(), &group.name)) as u32
    }

    fn same<'a>(&'a self, hash: u32, group: &'a Group) -> impl Fn(&(u32, u32)) -> bool + 'a {
        move |&(known, at)| {
            let name = || self.names.get(at as usize).and_then(Option::as_ref);
            known == hash && self.tags[at as usize] == group.tags && name() == group.name.as_ref()
        }
    }
}

/// The hash table wants all 64 bits to be good, the stored hash has 32.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
