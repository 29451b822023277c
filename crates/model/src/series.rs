//! Series: what a shard knows of the points that reach it, and the entry that brings them.

use crate::{Column, Name, TagSet, Time};
use std::sync::Arc;

/// Where points come from: database, retention policy, measurement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Database.
    pub db: Name,
    /// Retention policy.
    pub rp: Name,
    /// Measurement.
    pub name: Name,
}

/// One series: an origin and tags.
#[derive(Clone, Debug)]
pub struct Series {
    /// Where its points come from.
    pub origin: Arc<Origin>,
    /// Their tags.
    pub tags: TagSet,
}

/// The series of one shard, numbered in the order in which the shard first saw them. Only grows:
/// a number in the log always means the same series.
#[derive(Clone, Debug, Default)]
pub struct SeriesTable {
    series: Vec<Series>,
}

impl SeriesTable {
    /// The series with that number. A number that the table does not hold is a bug of the caller
    /// (entries are checked when they are decoded).
    #[inline]
    pub fn get(&self, id: u32) -> &Series {
        &self.series[id as usize]
    }

    /// Number of series; also the next number.
    pub fn len(&self) -> u32 {
        self.series.len() as u32
    }

    /// No series yet.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Adds a series under the next number.
    pub fn push(&mut self, series: Series) {
        self.series.push(series);
    }

    /// The series from number `from` on.
    pub fn since(&self, from: u32) -> &[Series] {
        &self.series[(from as usize).min(self.series.len())..]
    }
}

/// The points of one origin in one entry.
#[derive(Clone, Debug)]
pub struct SourceRun {
    /// Where they come from.
    pub origin: Arc<Origin>,
    /// Time of each.
    pub times: Vec<Time>,
    /// Series number of each.
    pub series: Vec<u32>,
    /// Line number of each within the write, so that the order over all runs can be restored.
    pub ordinals: Vec<u32>,
    /// Fields in any order, each column as long as `times`.
    pub fields: Vec<(Name, Column)>,
}

/// The points that one write brings to one shard, and the series that they are the first of.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// Wall clock of the member that took the write: what `now()` reads.
    pub clock: Time,
    /// Number of the first of `new_series`.
    pub first_series: u32,
    /// Series that the shard has not seen yet.
    pub new_series: Vec<Series>,
    /// The points.
    pub runs: Vec<SourceRun>,
}

impl Entry {
    /// Number of points.
    pub fn points(&self) -> usize {
        self.runs.iter().map(|run| run.times.len()).sum()
    }
}
