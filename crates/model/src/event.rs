//! Alert events.

use crate::{Level, Name, Row, TagSet, Time, Value};
use serde::{Deserialize, Serialize};

/// What names an event for ever: replaying a shard's log makes the same event with the same
/// identity, and who has taken it once does not take it again (design: "an event has an identity").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Shard.
    pub shard: u32,
    /// Index of the entry in the shard's log.
    pub index: u64,
    /// Number of the event within the entry.
    pub sequence: u32,
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}-{}", self.shard, self.index, self.sequence)
    }
}

/// What a topic remembers of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventState {
    /// Rendered id.
    pub id: String,
    /// Rendered message.
    pub message: String,
    /// Rendered details.
    pub details: String,
    /// Event time.
    pub time: Time,
    /// Time since the alert left OK, nanoseconds.
    pub duration: i64,
    /// Level.
    pub level: Level,
}

/// What an event is there for. Stored by number: new ones go to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// To be handled.
    #[default]
    Alert,
    /// To change what the alert holds back ([`Event::inhibits`]), and nothing else.
    Inhibit,
    /// To bring the topics to one level of the event's id, after the alert has gone on from what
    /// they remember; and to change what it holds back.
    Restore,
}

/// Alerts that are held back: those of a category whose tags have these values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Inhibitor {
    /// Category.
    pub category: Name,
    /// Tags and their values; a tag that an alert does not have counts as empty.
    pub tags: Vec<(Name, Name)>,
}

/// An event as the alert node makes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its name.
    pub identity: Identity,
    /// The topics it goes to: the anonymous one first.
    pub topics: Vec<Name>,
    /// What the topics remember.
    pub state: EventState,
    /// Level before, as the node saw it.
    pub previous_level: Level,
    /// False when the alert never reports recoveries.
    pub recoverable: bool,
    /// Measurement.
    pub name: Name,
    /// Task.
    pub task: Name,
    /// Group id, empty when ungrouped.
    pub group: Name,
    /// Category, for inhibition.
    pub category: Name,
    /// Tags of the point (of the batch).
    pub tags: TagSet,
    /// Fields of the point (of the highest point of the batch), sorted by name.
    pub fields: Vec<(Name, Value)>,
    /// The data: one row for a point, the batch for a batch.
    pub data: Vec<Row>,
    /// The alert node; empty when an `aggregate` made the event.
    pub node: Name,
    /// What it is there for.
    pub purpose: Purpose,
    /// What the alert holds back from now on for its group, when that changes; empty for nothing any
    /// more.
    pub inhibits: Option<Vec<Inhibitor>>,
    /// The `aggregate` handlers that made it or what it was made of, as `topic/handler`.
    pub via: Vec<Name>,
}
