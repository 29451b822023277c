//! The vocabulary of Farad: values, columns, rows, tags, groups, levels, events, ids. Pure data:
//! every crate may use it, it uses none of them.

pub mod codec;
pub mod column;
pub mod event;
pub mod level;
pub mod mask;
pub mod row;
pub mod rows;
pub mod series;
pub mod tags;
mod thin;
pub mod value;

pub use column::{Column, Data, Strings};
pub use event::{Event, EventState, Identity, Inhibitor, Purpose};
pub use level::Level;
pub use mask::Mask;
pub use row::Row;
pub use rows::{Field, OriginColumn, Rows, TagColumn};
pub use series::{Entry, Origin, Series, SeriesTable, SourceRun};
pub use tags::TagSet;
pub use value::{Kind, Value};

/// A point in time: nanoseconds since the Unix epoch, UTC.
pub type Time = i64;

/// A name that many values share: a measurement, a field, a tag key.
pub type Name = std::sync::Arc<str>;
