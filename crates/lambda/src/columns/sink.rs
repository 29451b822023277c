//! Where the results of a run are put.

use super::buffer::{Buf, Col};
use super::select::Selection;
use crate::types::Val;
use model::{Column, Data, Value};

/// Takes the results of a run, in columns or row by row.
pub(crate) trait Sink {
    /// The results of the selected rows. `whole`: there are no others.
    fn part(&mut self, column: Col<'_>, rows: &Selection, whole: bool);

    /// The result of one row.
    fn row(&mut self, row: usize, value: Val<'_>);
}

/// Collects values in a column.
pub(crate) struct ValueSink<'o> {
    out: &'o mut Column,
    rows: usize,
    /// Results that come in parts, until all are there.
    scattered: Vec<Option<Value>>,
    done: bool,
}

impl<'o> ValueSink<'o> {
    pub(crate) fn new(out: &'o mut Column, rows: usize) -> ValueSink<'o> {
        ValueSink { out, rows, scattered: Vec::new(), done: false }
    }

    fn scatter(&mut self, row: usize, value: Option<Value>) {
        if self.scattered.is_empty() {
            self.scattered.resize(self.rows, None);
        }
        self.scattered[row] = value;
    }

    /// Writes what came in parts.
    pub(crate) fn finish(mut self) {
        if self.done {
            return;
        }
        *self.out = Column::default();
        if self.scattered.is_empty() {
            return self.out.pad(self.rows);
        }
        std::mem::take(&mut self.scattered).into_iter().for_each(|value| self.out.push_option(value));
    }
}

/// Nothing may remain of values in rows without one.
fn cleared<T: Default>(mut values: Vec<T>, rows: &Selection) -> Vec<T> {
    if !rows.is_all() {
        values
            .iter_mut()
            .enumerate()
            .filter(|(row, _)| !rows.contains(*row))
            .for_each(|(_, v)| *v = T::default());
    }
    values
}

impl Sink for ValueSink<'_> {
    fn part(&mut self, column: Col<'_>, rows: &Selection, whole: bool) {
        if !whole || rows.is_empty() {
            return rows.rows().for_each(|row| self.scatter(row, column.get(row).into_value()));
        }
        let all = self.rows;
        let data = match column {
            Col::Float(v) => Data::Float(cleared(v.into_vec(all), rows)),
            Col::Int(v) => Data::Int(cleared(v.into_vec(all), rows)),
            Col::Bool(v) => Data::Bool(cleared(v.into_vec(all), rows)),
            Col::Duration(v) => {
                let values = (0..all)
                    .map(|row| if rows.contains(row) { Value::Duration(v.get(row)) } else { Value::Null });
                Data::Mixed(values.collect())
            }
            Col::Str(v) if rows.is_all() => Data::Str(v.into_strings(all)),
            other => {
                return rows.rows().for_each(|row| self.scatter(row, other.get(row).into_value()));
            }
        };
        *self.out = Column { data, mask: rows.to_mask() };
        self.done = true;
    }

    fn row(&mut self, row: usize, value: Val<'_>) {
        self.scatter(row, value.into_value());
    }
}

/// Collects truths, one a row; false where there is none.
pub(crate) struct TruthSink<'o> {
    out: &'o mut Vec<bool>,
}

impl<'o> TruthSink<'o> {
    pub(crate) fn new(out: &'o mut Vec<bool>, rows: usize) -> TruthSink<'o> {
        out.clear();
        out.resize(rows, false);
        TruthSink { out }
    }
}

impl Sink for TruthSink<'_> {
    fn part(&mut self, column: Col<'_>, rows: &Selection, _: bool) {
        match column {
            Col::Bool(Buf::Owned(v)) if rows.is_all() => *self.out = v,
            Col::Bool(v) => rows.rows().for_each(|row| self.out[row] = v.get(row)),
            _ => {}
        }
    }

    fn row(&mut self, row: usize, value: Val<'_>) {
        self.out[row] = matches!(value, Val::Bool(true));
    }
}
