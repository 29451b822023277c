//! What the index remembers of a series, and who decides it.

use model::{Origin, TagSet};
use std::sync::Arc;

/// The lane of a series that no task wants: its points are checked and counted, not stored.
pub const LANE_NONE: u32 = u32::MAX;

/// The list of a series that only one lane wants.
pub const MORE_NONE: u32 = u32::MAX;

/// Where the points of one series go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Number of the origin, for [`Router::origin`]; dense, counted from 0.
    pub origin: u32,
    /// Number of the routing plan, for [`crate::Builder::counts_by_plan`]; dense, counted from 0.
    pub plan: u32,
    /// Number of the shard, or [`LANE_NONE`]; dense, counted from 0.
    pub lane: u32,
    /// Number in that shard's series table.
    pub series: u32,
    /// Number of a list of further lanes, for [`Router::more`], or [`MORE_NONE`]. Only read when
    /// `lane` is not [`LANE_NONE`]; the list must not name a lane twice, nor `lane`.
    pub more: u32,
}

/// Decides where a series goes. The parser asks for each raw key once until
/// [`crate::SeriesIndex::clear`]; other spellings (order of tags, escapes) of the same series are
/// other keys, and must get an equal slot.
pub trait Router {
    /// The index was full and has started anew: lists given out so far are not asked for again.
    /// Numbers of origins, plans, lanes and series must stay what they were.
    fn cleared(&mut self) {}

    /// The slot of a series that the index does not know.
    fn resolve(&mut self, measurement: &str, tags: &TagSet) -> Slot;

    /// The further (lane, series) pairs of list `list`.
    fn more(&self, list: u32) -> &[(u32, u32)];

    /// The origin with that number.
    fn origin(&self, origin: u32) -> &Arc<Origin>;
}
