//! What goes along an edge of the pipeline.

use model::{Origin, Rows, TagSet, Time};
use std::sync::Arc;

/// The type of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeKind {
    /// Single points.
    Stream,
    /// Bounded groups of points.
    Batch,
}

impl EdgeKind {
    /// `stream` or `batch`.
    pub fn name(self) -> &'static str {
        match self {
            EdgeKind::Stream => "stream",
            EdgeKind::Batch => "batch",
        }
    }
}

/// What one entry of the shard's log sends along one edge. At most one run on a stream edge: rows
/// of several measurements are merged in the order of their ordinals.
#[derive(Clone, Debug, Default)]
pub enum Message {
    /// Nothing.
    #[default]
    None,
    /// Points.
    Stream(Run),
    /// Batches in the order in which they were completed.
    Batches(Vec<Batch>),
}

/// Points on a stream edge, sorted by ordinal, each with its group.
#[derive(Clone, Debug)]
pub struct Run {
    /// The points.
    pub rows: Rows,
    /// Index of each point's group in the edge's [`crate::group::GroupTable`].
    pub groups: Arc<Vec<u32>>,
    /// One past the highest of them.
    pub groups_end: u32,
}

/// A batch on a batch edge.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Index of its group.
    pub group: u32,
    /// Ordinal of the point that completed it.
    pub ordinal: u32,
    /// Origin: the batch's name, and the database its points came from.
    pub origin: Arc<Origin>,
    /// The group's tags and what nodes added to them.
    pub tags: TagSet,
    /// End of the batch.
    pub time: Time,
    /// The points; their tags are their own.
    pub rows: Rows,
}

/// What goes along an edge when no points came: a clock tick, an answer from outside or the end of
/// the task can let data go, and can send marks behind it.
#[derive(Clone, Debug)]
pub enum Flow {
    /// Points or batches.
    Data(Message),
    /// Marks, which speak of the time after all data that came before them.
    Marks(Vec<Mark>),
}

/// Something that is known of a group without a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// No point before this time will come.
    Barrier {
        /// Index of the group.
        group: u32,
        /// The time, nanoseconds.
        time: Time,
    },
    /// The group is over: nodes forget it.
    Delete {
        /// Index of the group.
        group: u32,
    },
}

impl Mark {
    /// The group that it speaks of.
    pub fn group(self) -> u32 {
        match self {
            Mark::Barrier { group, .. } | Mark::Delete { group } => group,
        }
    }
}

impl From<Message> for Flow {
    fn from(message: Message) -> Flow {
        Flow::Data(message)
    }
}

impl Message {
    /// One past the highest group that the message speaks of; 0 for none.
    pub fn groups_end(&self) -> u32 {
        match self {
            Message::None => 0,
            Message::Stream(run) => run.groups_end,
            Message::Batches(batches) => batches.iter().map(|b| b.group + 1).max().unwrap_or(0),
        }
    }

    /// Number of messages as Kapacitor counts them: points, or batches.
    pub fn count(&self) -> u64 {
        match self {
            Message::None => 0,
            Message::Stream(run) => run.rows.len() as u64,
            Message::Batches(batches) => batches.len() as u64,
        }
    }
}

impl Run {
    /// The points at `rows`, in that order.
    pub fn gather(&self, rows: &[u32]) -> Run {
        Run {
            rows: self.rows.gather(rows),
            groups: Arc::new(rows.iter().map(|&r| self.groups[r as usize]).collect()),
            groups_end: self.groups_end,
        }
    }
}
