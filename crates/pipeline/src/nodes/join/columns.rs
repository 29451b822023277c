//! The columns of joined rows: each parent's fields under its prefix, and what fills the gaps.

use model::{Column, Field, Name, Value};
use std::sync::Arc;

/// The fields of joined rows, sorted by name.
#[derive(Default)]
pub struct Fields(Vec<Field>);

impl Fields {
    /// Adds a parent's column. Two parents' columns can have the same name under prefixes that a
    /// delimiter does not tell apart: then the later parent's values count.
    pub fn put(&mut self, prefix: &str, name: &str, column: Arc<Column>) {
        if column.mask.count() == 0 {
            return;
        }
        let name = Name::from([prefix, name].concat());
        match self.0.binary_search_by(|field| (*field.name).cmp(&name)) {
            Err(at) => self.0.insert(at, Field { name, column }),
            Ok(at) => {
                let below = std::mem::take(&mut self.0[at].column);
                self.0[at].column = Arc::new(overlay(&below, &column));
            }
        }
    }

    /// Adds columns that were grown, up to `rows` rows.
    pub fn put_grown(&mut self, prefix: &str, grown: Grown, rows: usize) {
        for (name, mut column) in grown.0 {
            column.pad(rows);
            self.put(prefix, &name, Arc::new(column));
        }
    }

    /// The fields.
    pub fn finish(self) -> Vec<Field> {
        self.0
    }
}

fn overlay(below: &Column, above: &Column) -> Column {
    let mut column = Column::default();
    for row in 0..above.len() {
        column.push_from(if above.mask.get(row) { above } else { below }, row);
    }
    column
}

/// Columns that are written row by row; rows in between are missing.
#[derive(Default)]
pub struct Grown(Vec<(Name, Column)>);

impl Grown {
    /// The column of a field, with `row` rows.
    pub fn at(&mut self, name: &Name, row: usize) -> &mut Column {
        let same = |other: &Name| Arc::ptr_eq(other, name) || other == name;
        let at = self.0.iter().position(|(other, _)| same(other)).unwrap_or_else(|| {
            self.0.push((name.clone(), Column::default()));
            self.0.len() - 1
        });
        let column = &mut self.0[at].1;
        column.pad(row);
        column
    }

    /// Takes over row `from` of some fields.
    pub fn copy(&mut self, fields: &[Field], from: usize, row: usize) {
        for Field { name, column } in fields {
            if column.mask.get(from) {
                self.at(name, row).push_from(column, from);
            }
        }
    }

    /// Writes a value.
    pub fn push(&mut self, name: &Name, value: Value, row: usize) {
        self.at(name, row).push(value);
    }
}
