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
    /// Hash and number of each series: growing need not look at the series.
    index: HashTable<(u32, u32)>,
    hasher: foldhash::fast::FixedState,
    /// Series that the log defines.
    pub logged: u32,
    /// Index of the next entry.
    pub next_index: u64,
    /// Points that tasks wrote and that the log has, on a member alone.
    pub taken: crate::member::lead::Taken,
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
        let hash = self.hasher.hash_one((tags.as_bytes(), &origin.name)) as u32;
        let series = &self.series;
        let same = |&(known, at): &(u32, u32)| {
            let one = || series.get(at);
            known == hash
                && one().tags == *tags
                && (Arc::ptr_eq(&one().origin, origin) || one().origin == *origin)
        };
        match self.index.entry(spread(hash), same, |&(hash, _)| spread(hash)) {
            hashbrown::hash_table::Entry::Occupied(found) => found.get().1,
            hashbrown::hash_table::Entry::Vacant(free) => {
                let number = series.len();
                free.insert((hash, number));
                self.series.push(Series { origin: origin.clone(), tags: tags.clone() });
                number
            }
        }
    }

    /// The series that the log does not define yet.
    pub fn unlogged(&self) -> &[Series] {
        self.series.since(self.logged)
    }

    /// The series with numbers from `from` up to, but without, `to`.
    pub fn series(&self, from: u32, to: u32) -> Vec<Series> {
        self.series.since(from)[..(to - from) as usize].to_vec()
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

/// The hash table wants all 64 bits to be good, the stored hash has 32.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
