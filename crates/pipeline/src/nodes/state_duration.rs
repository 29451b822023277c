//! `|stateDuration()`: how long the points have been in a state; -1 when the last is not.

use crate::args::Duration;
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
    name: "stateDuration",
    stem: "state_duration",
    go: "StateDurationNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: true,
    create: |a| {
        Ok(Box::new(StateDuration { state: a.one()?, as_: "state_duration".into(), unit: 1_000_000_000 }))
    },
    properties: properties!(StateDuration {
        "as" => |d, a| d.as_ = a.set()?,
        "unit" => |d, a| d.unit = a.set::<Duration>()?.0,
    }),
    counters: &[],
};

/// The definition.
#[derive(Debug)]
pub struct StateDuration {
    state: Arc<Expr>,
    as_: String,
    unit: i64,
}

impl Definition for StateDuration {
    fn is_stateful(&self) -> bool {
        true
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        let state = Predicate::new(compile_lambda(&self.state, "Failed to compile state expression")?);
        let track = Since { unit: self.unit };
        Ok(Box::new(Tracking { state, field: self.as_.as_str().into(), track }))
    }
}

struct Since {
    unit: i64,
}

impl Track for Since {
    /// Time of the first point in the state.
    type Memory = Option<Time>;
    type Out = f64;

    fn track(&self, since: &mut Option<Time>, time: Time, inside: bool) -> f64 {
        if !inside {
            *since = None;
            return -1.0;
        }
        time.wrapping_sub(*since.get_or_insert(time)) as f64 / self.unit as f64
    }

    fn column(values: Vec<f64>) -> Column {
        values.into()
    }
}
