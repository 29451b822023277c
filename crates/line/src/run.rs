//! A run under construction: the points of one write for one lane and origin.

use crate::fields::Scalar;
use crate::number::Number;
use crate::shape::{NONE, Shape};
use crate::spare::Spare;
use model::{Column, Data, Kind, Mask, Origin, SourceRun, Time};
use std::sync::Arc;

/// A run may hold this many cells more than eight times the values it has.
const EMPTY_CELLS_FREE: usize = 4096;

/// Text from which a run is finished, in bytes: one column must stay below 4 GiB.
const TEXT_BYTES_MAX: usize = 1 << 30;

/// Columns and fields of a run that are kept allocated between writes.
const KEPT_MAX: usize = 1024;

/// Rows, and the columns that some row has.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) origin: Arc<Origin>,
    pub(crate) origin_number: u32,
    pub(crate) lane: u32,
    times: Vec<Time>,
    series: Vec<u32>,
    ordinals: Vec<u32>,
    /// By number of the field in the shape: place in `columns`, or `NONE`.
    places: Vec<u32>,
    /// A column, and the number of its field. Shorter than `times` when the last rows lack it.
    columns: Vec<(u32, Column)>,
    values: usize,
    text_bytes: usize,
    /// Rows to allocate for.
    rows_wanted: usize,
}

impl Run {
    pub(crate) fn new(origin: Arc<Origin>) -> Run {
        Run {
            origin,
            origin_number: NONE,
            lane: NONE,
            times: Vec::new(),
            series: Vec::new(),
            ordinals: Vec::new(),
            places: Vec::new(),
            columns: Vec::new(),
            values: 0,
            text_bytes: 0,
            rows_wanted: 0,
        }
    }

    /// Begins anew, with buffers for `rows`.
    pub(crate) fn start(&mut self, spare: &mut Spare, rows: usize) {
        self.rows_wanted = rows;
        self.times = spare.ints(rows);
        self.series = spare.numbers(rows);
        self.ordinals = spare.numbers(rows);
    }

    /// Number of finished rows.
    pub(crate) fn rows(&self) -> usize {
        self.times.len()
    }

    /// The column of field `id` for a value in the row under construction; `None` when the row
    /// already has one.
    #[inline]
    fn cell(&mut self, id: u32, kind: Kind, spare: &mut Spare) -> Option<&mut Column> {
        let row = self.times.len();
        let at = match self.places.get(id as usize) {
            Some(&at) if at != NONE => at as usize,
            _ => self.add_column(id, kind, spare),
        };
        let column = &mut self.columns[at].1;
        let len = column.len();
        if len != row {
            if len > row {
                return None;
            }
            column.pad(row);
        }
        Some(column)
    }

    #[cold]
    fn add_column(&mut self, id: u32, kind: Kind, spare: &mut Spare) -> usize {
        if self.places.len() <= id as usize {
            self.places.resize(id as usize + 1, NONE);
        }
        let at = self.columns.len();
        self.places[id as usize] = at as u32;
        let data = match kind {
            Kind::Float => Data::Float(spare.floats(self.rows_wanted)),
            Kind::Int => Data::Int(spare.ints(self.rows_wanted)),
            kind => Data::of(kind),
        };
        self.columns.push((id, Column { data, mask: Mask::default() }));
        at
    }

    #[inline]
    pub(crate) fn push_number(&mut self, id: u32, number: Number, spare: &mut Spare) -> Option<()> {
        match number {
            Number::Float(value) => self.cell(id, Kind::Float, spare)?.push_float(value),
            Number::Int(value) => self.cell(id, Kind::Int, spare)?.push_int(value),
        }
        Some(())
    }

    #[inline]
    pub(crate) fn push_bool(&mut self, id: u32, value: bool, spare: &mut Spare) -> Option<()> {
        self.cell(id, Kind::Bool, spare)?.push_bool(value);
        Some(())
    }

    #[inline]
    pub(crate) fn push_str(&mut self, id: u32, value: &str, spare: &mut Spare) -> Option<()> {
        self.cell(id, Kind::Str, spare)?.push_str(value);
        self.text_bytes += value.len();
        Some(())
    }

    pub(crate) fn push_scalar(&mut self, id: u32, value: &Scalar<'_>, spare: &mut Spare) -> Option<()> {
        match value {
            Scalar::Float(value) => self.push_number(id, Number::Float(*value), spare),
            Scalar::Int(value) => self.push_number(id, Number::Int(*value), spare),
            Scalar::Bool(value) => self.push_bool(id, *value, spare),
            Scalar::Str(value) => self.push_str(id, value, spare),
        }
    }

    /// Finishes the row under construction, of `values` fields.
    #[inline]
    pub(crate) fn end_row(&mut self, time: Time, series: u32, ordinal: u32, values: usize) {
        self.times.push(time);
        self.series.push(series);
        self.ordinals.push(ordinal);
        self.values += values;
    }

    /// Takes back the values of the row under construction.
    #[cold]
    pub(crate) fn undo_row(&mut self) {
        let rows = self.times.len();
        self.columns.iter_mut().for_each(|(_, column)| column.truncate(rows));
    }

    /// Copies the last row of `from`, a run of the same origin, for another lane.
    pub(crate) fn copy_last_row(&mut self, from: &Run, series: u32, spare: &mut Spare) {
        let Some(row) = from.times.len().checked_sub(1) else {
            return;
        };
        let mut values = 0;
        for (id, column) in &from.columns {
            let Some(kind) = column.kind_at(row) else {
                continue;
            };
            if let Some(to) = self.cell(*id, kind, spare) {
                to.push_from(column, row);
                values += 1;
            }
        }
        self.text_bytes = self.text_bytes.max(from.text_bytes);
        self.end_row(from.times[row], series, from.ordinals[row], values);
    }

    /// The run has grown so sparse, or so full of text, that the next rows belong into another.
    /// Without this, a line with many fields and many lines with one would fill memory with
    /// nothing.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        let cells = self.times.len() * self.columns.len();
        cells > self.values * 8 + EMPTY_CELLS_FREE || self.text_bytes > TEXT_BYTES_MAX
    }

    /// Takes the rows out as a source run; what is left is empty.
    pub(crate) fn finish(&mut self, shape: &Shape) -> SourceRun {
        let rows = self.times.len();
        let named = |(id, mut column): (u32, Column)| {
            column.pad(rows);
            (shape.name(id).clone(), column)
        };
        let fields = self.columns.drain(..).map(named).collect();
        self.forget_fields();
        SourceRun {
            origin: self.origin.clone(),
            times: std::mem::take(&mut self.times),
            series: std::mem::take(&mut self.series),
            ordinals: std::mem::take(&mut self.ordinals),
            fields,
        }
    }

    /// Throws the rows away.
    pub(crate) fn discard(&mut self, spare: &mut Spare) {
        spare.give_ints(std::mem::take(&mut self.times));
        spare.give_numbers(std::mem::take(&mut self.series));
        spare.give_numbers(std::mem::take(&mut self.ordinals));
        for (_, column) in self.columns.drain(..) {
            recycle(column, spare);
        }
        self.forget_fields();
    }

    fn forget_fields(&mut self) {
        self.places.clear();
        self.places.shrink_to(KEPT_MAX);
        self.columns.shrink_to(KEPT_MAX);
        (self.values, self.text_bytes) = (0, 0);
    }
}

/// Keeps the buffer of a column.
pub(crate) fn recycle(column: Column, spare: &mut Spare) {
    match column.data {
        Data::Float(values) => spare.give_floats(values),
        Data::Int(values) => spare.give_ints(values),
        Data::Bool(_) | Data::Str(_) | Data::Mixed(_) => {}
    }
}
