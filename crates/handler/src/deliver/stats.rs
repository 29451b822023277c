//! What is known of a lane.

use model::Name;
use std::time::Duration;

/// The state of one lane: one handler of one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneStats {
    /// The topic.
    pub topic: Name,
    /// The handler's id.
    pub handler: Name,
    /// Its kind.
    pub kind: Name,
    /// Deliveries that arrived.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Attempts that were not the first.
    pub retried: u64,
    /// Deliveries that were given up.
    pub dropped: u64,
    /// Deliveries in the lane, those under way included.
    pub queued: usize,
    /// Bytes of their events.
    pub queued_bytes: u64,
    /// Attempts under way.
    pub in_flight: usize,
    /// Age of the oldest delivery in the lane; `None` when it is empty.
    pub oldest: Option<Duration>,
    /// The last failure; empty when the last attempt succeeded.
    pub last_error: String,
}
