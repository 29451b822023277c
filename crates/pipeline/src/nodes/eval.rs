//! `|eval()`: adds fields (or tags) that lambdas work out. A point for which one of them fails is
//! dropped.

use super::influxql::go_kind;
use crate::args::Args;
use crate::edge::{Message, Run};
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::properties;
use crate::rowwise::Expression;
use crate::state::States;
use crate::task::compile_lambda;
use model::{Column, Field, Mask, Name, Rows, TagColumn, TagSet, Value};
use std::sync::Arc;
use tick::ast::Expr;

/// The kind.
pub static KIND: Kind = Kind {
    name: "eval",
    stem: "eval",
    go: "EvalNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: true,
    create: |a: &Args<'_>| Ok(Box::new(Eval { lambdas: a.rest(0)?, ..Eval::default() })),
    properties: properties!(Eval {
        "as" => |d, a| d.names = a.rest(0)?,
        "tags" => |d, a| d.tags = a.rest(0)?,
        "keep" => |d, a| d.keep = Some(a.rest(0)?),
    }),
    counters: &[],
};

/// The definition.
#[derive(Debug, Default)]
pub struct Eval {
    lambdas: Vec<Arc<Expr>>,
    names: Vec<String>,
    tags: Vec<String>,
    /// `None`: only what the lambdas give; empty: all fields as well; else exactly these.
    keep: Option<Vec<String>>,
}

impl Eval {
    fn compiled(&self) -> Result<Vec<Expression>, String> {
        let compile = |(at, expr): (usize, &Arc<Expr>)| {
            compile_lambda(expr, &format!("Failed to compile {at} expression")).map(Expression::new)
        };
        self.lambdas.iter().enumerate().map(compile).collect()
    }
}

impl Definition for Eval {
    fn validate(&self, _parents: usize) -> Result<(), String> {
        let (names, lambdas) = (self.names.len(), self.lambdas.len());
        if names != lambdas {
            return Err(format!(
                "must specify same number of expressions and .as() names: got {names} as names, and {lambdas} expressions."
            ));
        }
        match self.tags.iter().find(|tag| !self.names.contains(tag)) {
            Some(tag) => Err(format!("invalid tag name {tag:?}, name is not present is .as() names")),
            None => Ok(()),
        }
    }

    fn is_stateful(&self) -> bool {
        self.compiled().is_ok_and(|lambdas| lambdas.iter().any(Expression::is_stateful))
    }

    fn changes_tags(&self) -> Vec<String> {
        self.tags.clone()
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        let lambdas = self.compiled()?.into_iter().zip(&self.names);
        Ok(Box::new(Operator {
            lambdas: lambdas.map(|(lambda, name)| (Name::from(name.as_str()), lambda)).collect(),
            tags: self.tags.clone(),
            keep: self.keep.clone(),
        }))
    }
}

/// How the errors of an eval begin.
const WHAT_FAILED: &str = "error evaluating expression";

struct Operator {
    lambdas: Vec<(Name, Expression)>,
    tags: Vec<String>,
    keep: Option<Vec<String>>,
}

impl Node for Operator {
    /// One state a lambda.
    type State = Vec<lambda::State>;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Self::State>, inputs: &mut [Message]) -> Message {
        match std::mem::take(&mut inputs[0]) {
            Message::None => Message::None,
            Message::Stream(run) => {
                let (rows, kept) = self.eval(cx, &run.rows, |row| run.groups[row], states);
                let groups = match &kept {
                    None => run.groups,
                    Some(kept) => Arc::new(kept.iter().map(|&row| run.groups[row as usize]).collect()),
                };
                let run = Run { rows, groups, groups_end: run.groups_end };
                match run.rows.is_empty() {
                    true => Message::None,
                    false => Message::Stream(self.regroup(cx, run)),
                }
            }
            Message::Batches(mut batches) => {
                for batch in &mut batches {
                    batch.rows = self.eval(cx, &batch.rows, |_| batch.group, states).0;
                }
                Message::Batches(batches)
            }
        }
    }
}

/// Finds the state of lambda `at` of `lambdas`.
fn state_of(
    at: usize,
    lambdas: usize,
) -> impl for<'s> Fn(&'s mut Vec<lambda::State>) -> &'s mut lambda::State {
    move |states| {
        if states.len() < lambdas {
            states.resize_with(lambdas, lambda::State::default);
        }
        &mut states[at]
    }
}

/// An eval that is quiet does not even count its errors.
fn fail(cx: &mut Cx<'_>, points: u64, why: impl FnOnce() -> String) {
    if !cx.quiet {
        cx.error(points, || format!("{WHAT_FAILED}: {}", why()));
    }
}

impl Operator {
    /// The rows with their new fields and tags, and which of the old rows they are when some were
    /// dropped.
    fn eval(
        &self,
        cx: &mut Cx<'_>,
        rows: &Rows,
        group: impl Fn(usize) -> u32,
        states: &mut States<Vec<lambda::State>>,
    ) -> (Rows, Option<Vec<u32>>) {
        let mut active = Mask::all(rows.len());
        let mut results: Vec<Field> = Vec::with_capacity(self.lambdas.len());
        for (at, (name, lambda)) in self.lambdas.iter().enumerate() {
            let part = state_of(at, self.lambdas.len());
            let (column, failed) = lambda.column(cx, rows, &results, &mut active, &group, states, at, part);
            if let Some((points, first)) = failed {
                fail(cx, points, || first);
            }
            results.retain(|earlier| earlier.name != *name);
            results.push(Field { name: name.clone(), column: Arc::new(column) });
        }
        let mut seen = rows.clone();
        for Field { name, column } in results {
            let column =
                if self.is_read_again(&name) { self.as_read_again(cx, rows, &name, &column) } else { column };
            seen.set_field(name, column);
        }
        let mut out = self.kept_fields(cx, rows, &seen, &mut active);
        out.tags = self.new_tags(cx, &seen, &mut active);
        if active.is_full() || active.count() == rows.len() {
            return (out, None);
        }
        let kept: Vec<u32> = (0..rows.len() as u32).filter(|&row| active.get(row as usize)).collect();
        (out.gather(&kept), Some(kept))
    }

    /// Whether a lambda behind the last one that gives `name` reads `name`.
    fn is_read_again(&self, name: &Name) -> bool {
        let behind = self.lambdas.iter().rev().take_while(|(given, _)| given != name);
        behind.into_iter().any(|(_, lambda)| lambda.references(name))
    }

    /// Kapacitor has one variable for a result and for the point's own field or tag of that name,
    /// and sets it from the point before each lambda that reads it: the result is lost.
    fn as_read_again(&self, cx: &Cx<'_>, rows: &Rows, name: &Name, result: &Column) -> Arc<Column> {
        let mut column = Column::default();
        for row in 0..rows.len() {
            let tag = || rows.tags.get(row, cx.series).get(name).map(Value::str);
            column.push_option(rows.value(name, row).or_else(tag).or_else(|| result.get(row)));
        }
        Arc::new(column)
    }

    fn kept_fields(&self, cx: &mut Cx<'_>, rows: &Rows, seen: &Rows, active: &mut Mask) -> Rows {
        let mut out = seen.clone();
        match &self.keep {
            None => out.fields.retain(|field| {
                let made = self.lambdas.iter().any(|(name, _)| *name == field.name);
                made && !self.tags.iter().any(|tag| **tag == *field.name)
            }),
            Some(list) if list.is_empty() => {}
            Some(list) => {
                out.fields.clear();
                for name in list {
                    let column = match seen.column(name) {
                        Some(column) => column.clone(),
                        None => Arc::new(self.referenced_tag(cx, rows, name)),
                    };
                    self.drop_missing(cx, name, &column, active);
                    out.set_field(name.as_str().into(), column);
                }
            }
        }
        out.fields.retain(|Field { column, .. }| column.mask.count() > 0);
        out
    }

    /// Kapacitor can keep a tag as a field, if a lambda reads it.
    fn referenced_tag(&self, cx: &Cx<'_>, rows: &Rows, name: &str) -> Column {
        let read = self.lambdas.iter().any(|(_, lambda)| lambda.references(name));
        let mut column = Column::default();
        for row in 0..rows.len() {
            let tag = rows.tags.get(row, cx.series).get(name).filter(|_| read);
            column.push_option(tag.map(Value::str));
        }
        column
    }

    fn drop_missing(&self, cx: &mut Cx<'_>, name: &str, column: &Column, active: &mut Mask) {
        if column.mask.is_full() {
            return;
        }
        let mut missing = 0;
        for row in 0..column.len() {
            if active.get(row) && !column.mask.get(row) {
                active.set(row, false);
                missing += 1;
            }
        }
        if missing > 0 {
            fail(cx, missing, || format!("cannot keep field {name:?}, field does not exist"));
        }
    }

    fn new_tags(&self, cx: &mut Cx<'_>, seen: &Rows, active: &mut Mask) -> TagColumn {
        if self.tags.is_empty() {
            return seen.tags.clone();
        }
        let mut sets: Vec<TagSet> = Vec::with_capacity(seen.len());
        let (mut failed, mut first) = (0, "");
        for row in 0..seen.len() {
            let mut tags = seen.tags.get(row, cx.series).clone();
            for tag in &self.tags {
                match seen.value(tag, row) {
                    Some(Value::Str(text)) => tags = tags.with(tag, &text),
                    _ if !active.get(row) => {}
                    other => {
                        active.set(row, false);
                        failed += 1;
                        if failed == 1 {
                            first = other.map_or("<nil>", |value| go_kind(value.kind()));
                        }
                    }
                }
            }
            sets.push(tags);
        }
        if failed > 0 {
            fail(cx, failed, || format!("result of a tag expression must be of type string, got {first}"));
        }
        TagColumn::Sets(Arc::new(sets))
    }

    /// A tag that the points are grouped by moves them to another group.
    fn regroup(&self, cx: &mut Cx<'_>, mut run: Run) -> Run {
        if self.tags.is_empty() {
            return run;
        }
        let groups: Vec<u32> = (0..run.rows.len())
            .map(|row| cx.regroup_changed(run.groups[row], run.rows.tags.get(row, cx.series)))
            .collect();
        run.groups_end = groups.iter().max().map_or(0, |max| max + 1);
        run.groups = Arc::new(groups);
        run
    }
}
