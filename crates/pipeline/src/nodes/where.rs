//! `|where()`: passes the points for which a lambda is TRUE.

use crate::edge::Message;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::rowwise::Predicate;
use crate::state::States;
use crate::task::compile_lambda;
use std::sync::Arc;
use tick::ast::Expr;

/// The kind.
pub static KIND: Kind = Kind {
    name: "where",
    stem: "where",
    go: "WhereNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: true,
    create: |a| Ok(Box::new(Where { filter: a.one()? })),
    properties: &[],
    counters: &[],
};

/// The definition.
#[derive(Debug)]
pub struct Where {
    filter: Arc<Expr>,
}

impl Where {
    fn compiled(&self) -> Result<Predicate, String> {
        compile_lambda(&self.filter, "Failed to compile expression in where clause").map(Predicate::new)
    }
}

impl Definition for Where {
    fn is_stateful(&self) -> bool {
        self.compiled().is_ok_and(|filter| filter.is_stateful())
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        Ok(Box::new(Operator { filter: self.compiled()? }))
    }
}

struct Operator {
    filter: Predicate,
}

impl Node for Operator {
    type State = lambda::State;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<lambda::State>, inputs: &mut [Message]) -> Message {
        match std::mem::take(&mut inputs[0]) {
            Message::None => Message::None,
            Message::Stream(run) => {
                let kept = self.filter.rows(cx, &run.rows, |row| run.groups[row], states);
                match kept.len() {
                    0 => Message::None,
                    n if n == run.rows.len() => Message::Stream(run),
                    _ => Message::Stream(run.gather(&kept)),
                }
            }
            Message::Batches(mut batches) => {
                for batch in &mut batches {
                    let kept = self.filter.rows(cx, &batch.rows, |_| batch.group, states);
                    if kept.len() < batch.rows.len() {
                        batch.rows = batch.rows.gather(&kept);
                    }
                }
                Message::Batches(batches)
            }
        }
    }
}
