//! `|changeDetect()`: passes a point only when one of some fields differs from the last point that
//! was passed.

use crate::args::Args;
use crate::edge::Message;
use crate::logfmt::pair;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::state::States;
use model::{Column, Data, Rows, Value};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The kind.
pub static KIND: Kind = Kind {
    name: "changeDetect",
    stem: "changeDetect",
    go: "ChangeDetectNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: true,
    create: |a: &Args<'_>| Ok(Box::new(ChangeDetect { fields: a.rest(0)? })),
    properties: &[],
    counters: &[],
};

/// The definition.
#[derive(Clone, Debug)]
pub struct ChangeDetect {
    fields: Vec<String>,
}

impl Definition for ChangeDetect {
    fn is_stateful(&self) -> bool {
        true
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        Ok(Box::new(self.clone()))
    }
}

/// The fields of the last point that was passed, null for those that it lacked. Before the first
/// point all are null.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Passed {
    /// Nearly always there is one field, which then needs no memory of its own.
    first: Value,
    others: Vec<Value>,
}

impl Node for ChangeDetect {
    type State = Passed;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Passed>, inputs: &mut [Message]) -> Message {
        let mut missing = Missing::default();
        let message = match std::mem::take(&mut inputs[0]) {
            Message::None => Message::None,
            Message::Stream(run) => {
                let detector = Detector::of(&self.fields, &run.rows);
                let mut kept = Vec::new();
                for row in 0..run.rows.len() {
                    if detector.passes(row, states.get(run.groups[row]), &mut missing) {
                        kept.push(row as u32);
                    }
                }
                match kept.len() {
                    0 => Message::None,
                    n if n == run.rows.len() => Message::Stream(run),
                    _ => Message::Stream(run.gather(&kept)),
                }
            }
            Message::Batches(mut batches) => {
                for batch in &mut batches {
                    // Each batch starts afresh.
                    let mut passed = Passed::default();
                    let detector = Detector::of(&self.fields, &batch.rows);
                    let rows = 0..batch.rows.len() as u32;
                    let kept: Vec<u32> = rows
                        .filter(|&row| detector.passes(row as usize, &mut passed, &mut missing))
                        .collect();
                    if kept.len() < batch.rows.len() {
                        batch.rows = batch.rows.gather(&kept);
                    }
                }
                Message::Batches(batches)
            }
        };
        missing.report(cx, &self.fields);
        message
    }
}

/// The columns of the fields.
struct Detector<'a>(Vec<Option<&'a Column>>);

impl<'a> Detector<'a> {
    fn of(fields: &[String], rows: &'a Rows) -> Detector<'a> {
        Detector(fields.iter().map(|field| rows.column(field).map(|column| &**column)).collect())
    }

    /// Whether the row is to be passed; then it is the last that was.
    #[inline]
    fn passes(&self, row: usize, passed: &mut Passed, missing: &mut Missing) -> bool {
        for (at, column) in self.0.iter().enumerate() {
            let before = match at.checked_sub(1) {
                None => &passed.first,
                Some(at) => passed.others.get(at).unwrap_or(&Value::Null),
            };
            match column {
                Some(column) if column.mask.get(row) => {
                    if !equal(column, row, before) {
                        self.keep(row, passed);
                        return true;
                    }
                }
                _ => missing.add(at),
            }
        }
        false
    }

    fn keep(&self, row: usize, passed: &mut Passed) {
        let Some((first, others)) = self.0.split_first() else { return };
        match (first.map(|column| &column.data), &mut passed.first) {
            // In place, where that is all there is to do.
            (Some(Data::Float(values)), Value::Float(before)) if first.is_some_and(|c| c.mask.get(row)) => {
                *before = values[row];
            }
            (_, before) => *before = value(*first, row),
        }
        passed.others.clear();
        passed.others.extend(others.iter().map(|column| value(*column, row)));
    }
}

/// The value of a row, null where there is none.
fn value(column: Option<&Column>, row: usize) -> Value {
    column.and_then(|column| column.get(row)).unwrap_or_default()
}

/// The field of a row has that type and value. NaN equals nothing, itself neither.
#[inline]
fn equal(column: &Column, row: usize, value: &Value) -> bool {
    match (&column.data, value) {
        (Data::Float(values), Value::Float(value)) => values[row] == *value,
        (Data::Int(values), Value::Int(value)) => values[row] == *value,
        (Data::Bool(values), Value::Bool(value)) => values[row] == *value,
        (Data::Str(values), Value::Str(value)) => *values.get(row) == **value,
        (Data::Mixed(values), value) => values[row] == *value,
        _ => false,
    }
}

/// How many points lacked a field, by its place: the field that was missed first comes first.
#[derive(Debug, Default)]
struct Missing(Vec<(usize, u64)>);

impl Missing {
    #[cold]
    fn add(&mut self, field: usize) {
        match self.0.iter_mut().find(|(at, _)| *at == field) {
            Some((_, points)) => *points += 1,
            None => self.0.push((field, 1)),
        }
    }

    fn report(self, cx: &mut Cx<'_>, fields: &[String]) {
        for (at, points) in self.0 {
            let field = &fields[at];
            let pairs = || {
                let mut pairs = String::new();
                pair(&mut pairs, "field", field);
                pairs
            };
            let why = || format!("Invalid field in change detect: expected field {field} not found");
            cx.error_with(points, why, pairs);
        }
    }
}
