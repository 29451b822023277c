//! Rows as columns: the content of a run on a stream edge, and of a batch on a batch edge.

use crate::{Column, Name, Origin, SeriesTable, TagSet, Time, Value};
use std::sync::Arc;

/// Many points as columns. Every part is shared, so that a node that changes one column passes the
/// others on for the price of a reference count per *run*.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Where each point comes from.
    pub origins: OriginColumn,
    /// Time of each point.
    pub times: Arc<Vec<Time>>,
    /// Place of each point in the order in which the shard took them, within one entry. Empty on
    /// a batch edge, where the order is the rows' own.
    pub ordinals: Arc<Vec<u32>>,
    /// Tags of each point.
    pub tags: TagColumn,
    /// Fields, sorted by name.
    pub fields: Vec<Field>,
}

/// Origin of each row: nearly always one for all.
#[derive(Clone, Debug)]
pub enum OriginColumn {
    /// All rows have this one.
    One(Arc<Origin>),
    /// Rows of several measurements: `from()` without a measurement, `union`.
    Many(Arc<Vec<Arc<Origin>>>),
}

impl OriginColumn {
    /// The origin of row `row`.
    #[inline]
    pub fn get(&self, row: usize) -> &Arc<Origin> {
        match self {
            OriginColumn::One(origin) => origin,
            OriginColumn::Many(origins) => &origins[row],
        }
    }

    fn gather(&self, rows: &[u32]) -> OriginColumn {
        match self {
            OriginColumn::One(origin) => OriginColumn::One(origin.clone()),
            OriginColumn::Many(v) => {
                OriginColumn::Many(Arc::new(rows.iter().map(|&r| v[r as usize].clone()).collect()))
            }
        }
    }
}

/// A field: its name and its column.
#[derive(Clone, Debug)]
pub struct Field {
    /// Name.
    pub name: Name,
    /// Values, one a row.
    pub column: Arc<Column>,
}

/// Tags of each row.
#[derive(Clone, Debug)]
pub enum TagColumn {
    /// Rows as they were written: an index into the shard's [`SeriesTable`].
    Series(Arc<Vec<u32>>),
    /// Rows whose tags a node made.
    Sets(Arc<Vec<TagSet>>),
}

impl TagColumn {
    /// The tags of row `row`.
    #[inline]
    pub fn get<'a>(&'a self, row: usize, table: &'a SeriesTable) -> &'a TagSet {
        match self {
            TagColumn::Series(ids) => &table.get(ids[row]).tags,
            TagColumn::Sets(sets) => &sets[row],
        }
    }

    /// Rows.
    pub fn len(&self) -> usize {
        match self {
            TagColumn::Series(ids) => ids.len(),
            TagColumn::Sets(sets) => sets.len(),
        }
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn gather(&self, rows: &[u32]) -> TagColumn {
        match self {
            TagColumn::Series(v) => {
                TagColumn::Series(Arc::new(rows.iter().map(|&r| v[r as usize]).collect()))
            }
            TagColumn::Sets(v) => {
                TagColumn::Sets(Arc::new(rows.iter().map(|&r| v[r as usize].clone()).collect()))
            }
        }
    }
}

impl Rows {
    /// No rows, of that origin.
    pub fn empty(origin: Arc<Origin>) -> Rows {
        Rows {
            origins: OriginColumn::One(origin),
            times: Arc::default(),
            ordinals: Arc::default(),
            tags: TagColumn::Sets(Arc::default()),
            fields: Vec::new(),
        }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// The measurement of row `row`.
    pub fn name(&self, row: usize) -> &Name {
        &self.origins.get(row).name
    }

    /// No points.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The column of a field.
    pub fn column(&self, name: &str) -> Option<&Arc<Column>> {
        self.fields.iter().find(|f| &*f.name == name).map(|f| &f.column)
    }

    /// The value of a field at a row; `None` where it is missing.
    pub fn value(&self, name: &str, row: usize) -> Option<Value> {
        self.column(name)?.get(row)
    }

    /// The fields that row `row` has, sorted by name.
    pub fn values(&self, row: usize) -> impl Iterator<Item = (&Name, Value)> {
        self.fields.iter().filter_map(move |f| Some((&f.name, f.column.get(row)?)))
    }

    /// Puts a field in (or in the place of the one with its name), keeping the order of names.
    pub fn set_field(&mut self, name: Name, column: Arc<Column>) {
        debug_assert_eq!(column.len(), self.len());
        match self.fields.binary_search_by(|f| (*f.name).cmp(&name)) {
            Ok(at) => self.fields[at].column = column,
            Err(at) => self.fields.insert(at, Field { name, column }),
        }
    }

    /// The points at `rows`, in that order.
    pub fn gather(&self, rows: &[u32]) -> Rows {
        let ordinals = if self.ordinals.is_empty() {
            Arc::default()
        } else {
            Arc::new(rows.iter().map(|&r| self.ordinals[r as usize]).collect())
        };
        Rows {
            origins: self.origins.gather(rows),
            times: Arc::new(rows.iter().map(|&r| self.times[r as usize]).collect()),
            ordinals,
            tags: self.tags.gather(rows),
            fields: self
                .fields
                .iter()
                .map(|f| Field { name: f.name.clone(), column: Arc::new(f.column.gather(rows)) })
                .collect(),
        }
    }
}
