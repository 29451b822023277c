//! `|derivative()`: the change of a field per unit of time, from one point of a group to the next.

use super::influxql::go_kind;
use crate::args::Duration;
use crate::edge::{Message, Run};
use crate::logfmt::pair;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::properties;
use crate::state::States;
use model::{Column, Rows, Time, Value};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The kind.
pub static KIND: Kind = Kind {
    name: "derivative",
    stem: "derivative",
    go: "DerivativeNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: true,
    create: |a| {
        let field: String = a.one()?;
        Ok(Box::new(Derivative { as_: field.clone(), field, unit: 1_000_000_000, non_negative: false }))
    },
    properties: properties!(Derivative {
        "as" => |d, a| d.as_ = a.set()?,
        "unit" => |d, a| d.unit = a.set::<Duration>()?.0,
        "nonNegative" => |d, a| d.non_negative = a.flag()?,
    }),
    counters: &[],
};

/// The definition.
#[derive(Clone, Debug)]
pub struct Derivative {
    field: String,
    as_: String,
    unit: i64,
    non_negative: bool,
}

impl Definition for Derivative {
    fn is_stateful(&self) -> bool {
        true
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        Ok(Box::new(self.clone()))
    }
}

/// The point before: its time and value.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Before(Option<(Time, f64)>);

impl Node for Derivative {
    type State = Before;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Before>, inputs: &mut [Message]) -> Message {
        match std::mem::take(&mut inputs[0]) {
            Message::None => Message::None,
            Message::Stream(run) => {
                let (kept, values) =
                    self.rows(cx, &run.rows, |row, point| states.get(run.groups[row]).0.replace(point));
                let mut run: Run = run.gather(&kept);
                run.rows.set_field(self.as_.as_str().into(), Arc::new(Column::from(values)));
                if kept.is_empty() { Message::None } else { Message::Stream(run) }
            }
            Message::Batches(mut batches) => {
                for batch in &mut batches {
                    // Each batch starts afresh.
                    let mut before = None;
                    let (kept, values) = self.rows(cx, &batch.rows, |_, point| before.replace(point));
                    batch.rows = batch.rows.gather(&kept);
                    batch.rows.set_field(self.as_.as_str().into(), Arc::new(Column::from(values)));
                }
                Message::Batches(batches)
            }
        }
    }
}

impl Derivative {
    /// The rows that have a derivative, and what it is.
    fn rows(
        &self,
        cx: &mut Cx<'_>,
        rows: &Rows,
        mut replace: impl FnMut(usize, (Time, f64)) -> Option<(Time, f64)>,
    ) -> (Vec<u32>, Vec<f64>) {
        let (mut kept, mut values) = (Vec::new(), Vec::new());
        let mut unused = Unused::default();
        let column = rows.column(&self.field);
        for row in 0..rows.len() {
            let now = match column.and_then(|column| column.get(row)) {
                Some(Value::Float(v)) => v,
                Some(Value::Int(v)) => v as f64,
                other => {
                    unused.add(Why::Kind(other.map_or("<nil>", |value| go_kind(value.kind()))));
                    continue;
                }
            };
            let time = rows.times[row];
            let Some((last, was)) = replace(row, (time, now)) else { continue };
            let elapsed = time.wrapping_sub(last) as f64;
            if elapsed == 0.0 {
                unused.add(Why::NoTime);
                continue;
            }
            let change = now - was;
            if self.non_negative && change < 0.0 {
                continue;
            }
            kept.push(row as u32);
            values.push(change / (elapsed / self.unit as f64));
        }
        unused.report(cx, &self.field);
        (kept, values)
    }
}

/// Why a point has no derivative.
#[derive(Clone, Copy, Debug)]
enum Why {
    /// Its field is no number but of this type.
    Kind(&'static str),
    /// The point before has the same time.
    NoTime,
}

/// Points without a derivative: how many, and why the first.
#[derive(Debug, Default)]
struct Unused(u64, Option<Why>);

impl Unused {
    fn add(&mut self, why: Why) {
        self.0 += 1;
        self.1.get_or_insert(why);
    }

    fn report(self, cx: &mut Cx<'_>, field: &str) {
        let Unused(points, Some(why)) = self else { return };
        let what = || "cannot perform derivative: ".to_string();
        let Why::Kind(kind) = why else {
            return cx.error(points, || what() + "elapsed time was 0");
        };
        let pairs = || {
            let mut pairs = String::new();
            pair(&mut pairs, "field", field);
            pair(&mut pairs, "type", kind);
            pairs
        };
        cx.error_with(points, || what() + "field is the wrong type", pairs);
    }
}
