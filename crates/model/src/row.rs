//! A row of a result: what httpOut, httpPost and an alert's data show of points.

use crate::{Name, TagSet, Value};
use serde::{Deserialize, Serialize};

/// One series of a result, in InfluxDB's shape. `columns[0]` is `time`, whose values are
/// [`Value::Time`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Measurement.
    pub name: Name,
    /// Tags; left out of the JSON when empty.
    pub tags: TagSet,
    /// Names of the columns; left out of the JSON when empty.
    pub columns: Vec<Name>,
    /// One list a point, as long as `columns`; `None` is a missing cell, JSON null.
    pub values: Vec<Vec<Option<Value>>>,
}
