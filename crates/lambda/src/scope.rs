//! What a lambda reads when it is evaluated over one point.

use jiff::tz::TimeZone;
use model::{Column, Data, Rows, SeriesTable, TagSet, Time, Value};

/// What surrounds an evaluation besides the point.
#[derive(Clone, Debug)]
pub struct Env {
    /// What `now()` answers.
    pub now: Time,
    /// The zone in which `hour()`, `day()` and their like read a time: the server's.
    pub zone: TimeZone,
}

impl Env {
    /// Times are read in UTC.
    pub fn utc(now: Time) -> Env {
        Env { now, zone: TimeZone::UTC }
    }
}

/// What a name stands for in a [`Scope`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lookup<'a> {
    /// Neither a field nor a tag.
    Missing,
    /// A field without content; using it is an error.
    Null,
    /// Both a field and a tag; using it is an error.
    Ambiguous,
    /// A float.
    Float(f64),
    /// An integer.
    Int(i64),
    /// A boolean.
    Bool(bool),
    /// A text; every tag is one.
    Str(&'a str),
    /// Nanoseconds since the epoch.
    Time(i64),
    /// Nanoseconds.
    Duration(i64),
}

impl<'a> From<&'a Value> for Lookup<'a> {
    fn from(value: &'a Value) -> Lookup<'a> {
        match value {
            Value::Null => Lookup::Null,
            Value::Float(v) => Lookup::Float(*v),
            Value::Int(v) => Lookup::Int(*v),
            Value::Bool(v) => Lookup::Bool(*v),
            Value::Str(v) => Lookup::Str(v),
            Value::Time(v) => Lookup::Time(*v),
            Value::Duration(v) => Lookup::Duration(*v),
        }
    }
}

/// The functions that only a match expression has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchCall {
    /// `changed()`: a boolean, whether the event's level differs from the one before.
    Changed,
    /// `level()`: an integer, 0 for OK to 3 for CRITICAL.
    Level,
    /// `name()`: a text, the measurement.
    Name,
    /// `taskName()`: a text.
    TaskName,
    /// `alertDuration()`: a duration, since the alert left OK.
    AlertDuration,
}

/// One point (or, for a match expression, one event).
pub trait Scope {
    /// What a name stands for. Never asked for `time`, except by a match expression.
    fn get(&self, name: &str) -> Lookup<'_>;

    /// The point's time.
    fn time(&self) -> Time;

    /// The answer of a match function, of the type that [`MatchCall`] states.
    fn call(&self, call: MatchCall) -> Lookup<'_> {
        let _ = call;
        Lookup::Missing
    }
}

/// A scope of tags alone.
#[derive(Clone, Copy, Debug)]
pub struct TagScope<'a> {
    /// The tags.
    pub tags: &'a TagSet,
    /// The point's time.
    pub time: Time,
}

impl Scope for TagScope<'_> {
    fn get(&self, name: &str) -> Lookup<'_> {
        self.tags.get(name).map_or(Lookup::Missing, Lookup::Str)
    }

    fn time(&self) -> Time {
        self.time
    }
}

/// One row of a run, for nodes that look at single points.
#[derive(Clone, Copy, Debug)]
pub struct RowScope<'a> {
    /// The run.
    pub rows: &'a Rows,
    /// The series that its tags number.
    pub table: &'a SeriesTable,
    /// The row, below the number of rows.
    pub row: usize,
}

impl Scope for RowScope<'_> {
    fn get(&self, name: &str) -> Lookup<'_> {
        let field = self.rows.column(name).and_then(|column| field_at(column, self.row));
        let tag = self.rows.tags.get(self.row, self.table).get(name);
        match (field, tag) {
            (Some(_), Some(_)) => Lookup::Ambiguous,
            (Some(value), None) => value,
            (None, tag) => tag.map_or(Lookup::Missing, Lookup::Str),
        }
    }

    fn time(&self) -> Time {
        self.rows.times[self.row]
    }
}

/// The value of a field at a row, without copying its text; `None` where it is missing.
pub(crate) fn field_at(column: &Column, row: usize) -> Option<Lookup<'_>> {
    column.mask.get(row).then(|| match &column.data {
        Data::Float(v) => Lookup::Float(v[row]),
        Data::Int(v) => Lookup::Int(v[row]),
        Data::Bool(v) => Lookup::Bool(v[row]),
        Data::Str(v) => Lookup::Str(v.get(row)),
        Data::Mixed(v) => Lookup::from(&v[row]),
    })
}
