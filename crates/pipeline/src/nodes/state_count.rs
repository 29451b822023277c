//! `|stateCount()`: how many points in a row have been in a state; -1 when the last is not.

use crate::node::{AnyNode, Build, Definition, Kind};
use crate::properties;
use crate::rowwise::Predicate;
use crate::task::compile_lambda;
use crate::tracking::{Track, Tracking};
use model::{Column, Time};
use std::sync::Arc;
use tick::ast::Expr;

/// The kind.
pub static KIND: Kind = Kind {
    name: "stateCount",
    stem: "state_count",
    go: "StateCountNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: true,
    create: |a| Ok(Box::new(StateCount { state: a.one()?, as_: "state_count".into() })),
    properties: properties!(StateCount {
        "as" => |d, a| d.as_ = a.set()?,
    }),
    counters: &[],
};

/// The definition.
#[derive(Debug)]
pub struct StateCount {
    state: Arc<Expr>,
    as_: String,
}

impl Definition for StateCount {
    fn is_stateful(&self) -> bool {
        true
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        let state = Predicate::new(compile_lambda(&self.state, "Failed to compile state expression")?);
        Ok(Box::new(Tracking { state, field: self.as_.as_str().into(), track: Count }))
    }
}

struct Count;

impl Track for Count {
    /// Points in a row.
    type Memory = i64;
    type Out = i64;

    fn track(&self, count: &mut i64, _time: Time, inside: bool) -> i64 {
        *count = if inside { *count + 1 } else { 0 };
        if inside { *count } else { -1 }
    }

    fn column(values: Vec<i64>) -> Column {
        values.into()
    }
}
