//! A row as a lambda sees it that is asked of one point at a time.

use lambda::{Lookup, Scope};
use model::{Data, Rows, SeriesTable, Time};

/// One row.
pub(super) struct RowScope<'a> {
    /// The points.
    pub rows: &'a Rows,
    /// Which of them.
    pub row: usize,
    /// The series that `rows.tags` numbers.
    pub series: &'a SeriesTable,
}

impl RowScope<'_> {
    fn field(&self, name: &str) -> Option<Lookup<'_>> {
        let column = self.rows.column(name)?;
        if !column.mask.get(self.row) {
            return None;
        }
        Some(match &column.data {
            Data::Float(v) => Lookup::Float(v[self.row]),
            Data::Int(v) => Lookup::Int(v[self.row]),
            Data::Bool(v) => Lookup::Bool(v[self.row]),
            Data::Str(v) => Lookup::Str(v.get(self.row)),
            Data::Mixed(v) => Lookup::from(&v[self.row]),
        })
    }
}

impl Scope for RowScope<'_> {
    fn get(&self, name: &str) -> Lookup<'_> {
        let tag = self.rows.tags.get(self.row, self.series).get(name);
        match (self.field(name), tag) {
            (Some(_), Some(_)) => Lookup::Ambiguous,
            (Some(field), None) => field,
            (None, Some(tag)) => Lookup::Str(tag),
            (None, None) => Lookup::Missing,
        }
    }

    fn time(&self) -> Time {
        self.rows.times[self.row]
    }
}
