//! What the router knows of a shard: the numbers of its series, and where its log stands.

use hashbrown::HashTable;
use model::{Origin, Series, SeriesTable, TagSet};
use std::hash::BuildHasher;
use std::sync::Arc;

/// The series of a shard by what they are, and the next index of its log. Numbers are given in
/// the order of asking; the entry that is appended next defines those that the log lacks.
#[derive(Debug, Default)]
pub struct Directory {
    series: SeriesTable,
    index: HashTable<u32>,
    hasher: foldhash::fast::FixedState,
    /// Series that the log defines.
    pub logged: u32,
    /// Index of the next entry.
    pub next_index: u64,
}

impl Directory {
    /// The directory of a shard that was brought back.
    pub fn of(series: &SeriesTable, next_index: u64) -> Directory {
        let mut directory = Directory { next_index, logged: series.len(), ..Directory::default() };
        for one in series.since(0) {
            directory.number(&one.origin, &one.tags);
        }
        directory
    }

    /// The number of a series, given to it now if it is new.
    pub fn number(&mut self, origin: &Arc<Origin>, tags: &TagSet) -> u32 {
        let hash = hash(&self.hasher, origin, tags);
        let (series, hasher) = (&self.series, &self.hasher);
        let same = |&at: &u32| {
            let known = series.get(at);
            known.tags == *tags && (Arc::ptr_eq(&known.origin, origin) || known.origin == *origin)
        };
        let rehash = |&at: &u32| hash_series(hasher, series.get(at));
        match self.index.entry(hash, same, rehash) {
            hashbrown::hash_table::Entry::Occupied(found) => *found.get(),
            hashbrown::hash_table::Entry::Vacant(free) => {
                let number = series.len();
                free.insert(number);
                self.series.push(Series { origin: origin.clone(), tags: tags.clone() });
                number
            }
        }
    }

    /// The series that the log does not define yet.
    pub fn unlogged(&self) -> &[Series] {
        self.series.since(self.logged)
    }

    /// All series are defined by the log now.
    pub fn set_logged(&mut self) {
        self.logged = self.series.len();
    }

    /// Number of series.
    pub fn len(&self) -> u32 {
        self.series.len()
    }
}

fn hash(hasher: &foldhash::fast::FixedState, origin: &Origin, tags: &TagSet) -> u64 {
    hasher.hash_one((tags.as_bytes(), &origin.name))
}

fn hash_series(hasher: &foldhash::fast::FixedState, series: &Series) -> u64 {
    hash(hasher, &series.origin, &series.tags)
}
