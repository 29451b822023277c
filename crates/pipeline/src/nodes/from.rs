//! `|from()`: selects the points of a measurement, and gives them their first grouping.

use crate::args::{Args, Refused};
use crate::dimensions::{dimensions, go_round, go_truncate};
use crate::edge::{EdgeKind, Message, Run};
use crate::group::GroupBy;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::properties;
use crate::rowwise::Predicate;
use crate::state::States;
use crate::task::compile_lambda;
use crate::view::{FILTER_FAILED, groups_of};
use lambda::Lambda;
use model::{Name, Origin};
use std::sync::Arc;
use tick::ast::{BinaryOp, Expr, ExprKind};

#[cfg(test)]
mod tests;

/// The kind.
pub static KIND: Kind = Kind {
    name: "from",
    stem: "from",
    go: "FromNode",
    wants: Some(EdgeKind::Stream),
    provides: Some(EdgeKind::Stream),
    joins: false,
    grouped: false,
    create: |a| {
        a.exactly(0)?;
        Ok(Box::new(From::default()))
    },
    properties: properties!(From {
        "database" => |d, a| d.database = a.set()?,
        "retentionPolicy" => |d, a| d.retention_policy = a.set()?,
        "measurement" => |d, a| d.measurement = a.set()?,
        "where" => |d, a| d.add_filter(a.one()?),
        "groupBy" => |d, a| d.set_dimensions(a)?,
        "groupByMeasurement" => |d, a| d.by.by_name = a.flag()?,
        "truncate" => |d, a| d.truncate = a.set::<crate::args::Duration>()?.0,
        "round" => |d, a| d.round = a.set::<crate::args::Duration>()?.0,
        "groupTTL" => |d, a| d.group_ttl = Some(a.set::<crate::args::Duration>()?.0),
    }),
    counters: &[],
};

/// The definition.
#[derive(Debug, Default)]
pub struct From {
    database: String,
    retention_policy: String,
    measurement: String,
    filter: Option<Arc<Expr>>,
    by: GroupBy,
    /// What is wrong with the tags that `by` should have.
    wrong: Option<String>,
    truncate: i64,
    round: i64,
    /// How long groups live after their last point, nanoseconds; 0 is for ever. Farad's own.
    pub group_ttl: Option<i64>,
}

impl From {
    /// Several `where`s are one, joined by `AND`.
    fn add_filter(&mut self, more: Arc<Expr>) {
        self.filter = Some(match self.filter.take() {
            None => more,
            Some(first) => and(first, more),
        });
    }

    /// Of several `groupBy`s the last counts, whatever is wrong with the others.
    fn set_dimensions(&mut self, args: &Args<'_>) -> Result<(), Refused> {
        self.wrong = None;
        match dimensions(args) {
            Ok(by) => self.by = GroupBy { by_name: self.by.by_name, ..by },
            Err(Refused::Script(why)) => self.wrong = Some(why),
            Err(here) => return Err(here),
        }
        Ok(())
    }

    fn compiled_filter(&self) -> Result<Option<Arc<Lambda>>, String> {
        let compile = |expr: &Arc<Expr>| compile_lambda(expr, "Failed to compile from expression");
        self.filter.as_ref().map(compile).transpose()
    }

    /// What the shard needs to know to feed the node, `node` being its place in the graph.
    pub fn source(&self, node: usize) -> Result<Source, String> {
        let text = |s: &str| (!s.is_empty()).then(|| Name::from(s));
        // A filter that remembers cannot be shared between tasks: the node itself applies it.
        let filter = self.compiled_filter()?.filter(|f| !f.is_stateful());
        Ok(Source {
            node,
            db: text(&self.database),
            rp: text(&self.retention_policy),
            measurement: text(&self.measurement),
            filter,
        })
    }
}

fn and(left: Arc<Expr>, right: Arc<Expr>) -> Arc<Expr> {
    let span = left.span.to(right.span);
    let kind = ExprKind::Binary {
        op: BinaryOp::And,
        op_span: span,
        left: Box::new((*left).clone()),
        right: Box::new((*right).clone()),
        parens: true,
        multiline: false,
    };
    Arc::new(Expr { span, comment: None, kind })
}

/// What points a `from` below the source wants.
pub struct Source {
    /// Its place in the graph.
    pub node: usize,
    db: Option<Name>,
    rp: Option<Name>,
    measurement: Option<Name>,
    /// Its `where`, when the shard can apply it for all tasks that ask the same.
    pub filter: Option<Arc<Lambda>>,
}

impl Source {
    /// Whether points of that origin reach the node.
    pub fn matches(&self, origin: &Origin) -> bool {
        let is = |wanted: &Option<Name>, got: &Name| wanted.as_ref().is_none_or(|w| w == got);
        is(&self.db, &origin.db) && is(&self.rp, &origin.rp) && is(&self.measurement, &origin.name)
    }
}

impl Definition for From {
    fn validate(&self, _parents: usize) -> Result<(), String> {
        self.wrong.clone().map_or(Ok(()), Err)
    }

    fn group_by(&self, _parents: &[GroupBy]) -> GroupBy {
        self.by.clone()
    }

    fn is_stateful(&self) -> bool {
        matches!(self.compiled_filter(), Ok(Some(filter)) if filter.is_stateful())
    }

    fn build(&self, cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        let filter = self.compiled_filter()?.filter(|f| f.is_stateful() || !cx.below_source);
        Ok(Box::new(Operator {
            source: self.source(0)?,
            below_source: cx.below_source,
            filter: filter.map(|f| Predicate::new(f).with_errors(FILTER_FAILED)),
            truncate: self.truncate,
            round: self.round,
        }))
    }
}

/// The operator. Below the source the shard has already selected and grouped the points.
struct Operator {
    source: Source,
    below_source: bool,
    /// What is left of the `where` for the node itself to do. It is one for all groups.
    filter: Option<Predicate>,
    truncate: i64,
    round: i64,
}

impl Node for Operator {
    type State = lambda::State;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<lambda::State>, inputs: &mut [Message]) -> Message {
        let Message::Stream(mut run) = std::mem::take(&mut inputs[0]) else { return Message::None };
        if !self.below_source {
            let rows = run.rows.len() as u32;
            let wanted: Vec<u32> =
                (0..rows).filter(|&row| self.source.matches(run.rows.origins.get(row as usize))).collect();
            run = run.gather(&wanted);
        }
        if let Some(filter) = &self.filter {
            let kept = filter.rows(cx, &run.rows, |_| 0, states);
            run = run.gather(&kept);
        }
        self.move_times(&mut run);
        if !self.below_source {
            let (groups, end) = groups_of(&run.rows, &mut cx.spaces[cx.space_out], cx.series);
            (run.groups, run.groups_end) = (groups, end);
        }
        if run.rows.is_empty() { Message::None } else { Message::Stream(run) }
    }
}

impl Operator {
    fn move_times(&self, run: &mut Run) {
        if self.truncate == 0 && self.round == 0 {
            return;
        }
        let moved = run.rows.times.iter().map(|&t| go_round(go_truncate(t, self.truncate), self.round));
        run.rows.times = Arc::new(moved.collect());
    }
}
