//! What the HTTP endpoint of a node shows: a row a group.

use model::Row;
use serde::{Deserialize, Serialize};

/// The row of one group, with what puts the rows of all shards in one order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// When the group was first seen: the entry's clock and the point's ordinal in it.
    pub since: (i64, u32),
    /// The row; `None` where the group has nothing to show yet.
    pub row: Option<Row>,
}
