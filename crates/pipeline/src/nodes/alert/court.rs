//! What the expressions of an alert say of the points of one run or batch. Those without a memory
//! are asked of all points at once; what counts as an error is decided point by point, for an
//! expression that a point's level does not need cannot fail for it.

use super::levels::{SLOTS, enters};
use super::memory::Memory;
use super::scope::RowScope;
use crate::node::Cx;
use crate::rowwise::{Predicate, Verdicts};
use crate::state::States;
use crate::task::compile_lambda;
use lambda::Lambda;
use model::{Level, Rows};
use std::sync::Arc;
use tick::ast::Expr;

/// The expressions of an alert, by their places.
pub(super) struct Rules {
    rules: [Option<Rule>; SLOTS],
    /// An expression that enters a level has a memory: every point has to be looked at.
    remembers: bool,
}

struct Rule {
    lambda: Arc<Lambda>,
    predicate: Predicate,
}

/// What a script calls the expressions.
const NAMES: [&str; SLOTS] = ["info", "warn", "crit", "infoReset", "warnReset", "critReset"];

impl Rules {
    /// Compiles the expressions. One that leaves a level counts only if one enters it.
    pub fn compile(enter: &[Option<Arc<Expr>>; 3], leave: &[Option<Arc<Expr>>; 3]) -> Result<Rules, String> {
        let mut rules: [Option<Rule>; SLOTS] = Default::default();
        for at in 0..enter.len() {
            let Some(entering) = &enter[at] else { continue };
            rules[at] = Some(Rule::compile(entering, at)?);
            if let Some(leaving) = &leave[at] {
                rules[at + 3] = Some(Rule::compile(leaving, at + 3)?);
            }
        }
        let remembers = rules[..3].iter().flatten().any(|rule| rule.lambda.is_stateful());
        Ok(Rules { rules, remembers })
    }
}

impl Rule {
    fn compile(expr: &Expr, slot: usize) -> Result<Rule, String> {
        let lambda =
            compile_lambda(expr, &format!("Failed to compile stateful expression for {}", NAMES[slot]))?;
        Ok(Rule { predicate: Predicate::new(lambda.clone()), lambda })
    }

    fn judge(&self, cx: &Cx<'_>, states: &mut States<Memory>, rows: &Rows, slot: usize) -> Verdicts {
        self.predicate.judge(cx, rows, |_| 0, states, slot, |memory| memory.lambda(slot))
    }
}

/// The errors of one expression.
#[derive(Default)]
struct Failures {
    count: u64,
    first: String,
}

/// What the expressions say of the points of one run or batch.
pub(super) struct Court<'a> {
    rules: &'a Rules,
    rows: &'a Rows,
    columns: [Option<Verdicts>; SLOTS],
    failures: [Failures; SLOTS],
    /// No expression that enters a level is true or fails anywhere.
    silent: bool,
}

impl<'a> Court<'a> {
    /// Asks what can be asked of all points at once.
    pub fn new(rules: &'a Rules, rows: &'a Rows, cx: &mut Cx<'_>, states: &mut States<Memory>) -> Court<'a> {
        let mut court =
            Court { rules, rows, columns: Default::default(), failures: Default::default(), silent: true };
        for slot in Level::ALL.into_iter().filter_map(enters) {
            let Some(rule) = &rules.rules[slot] else { continue };
            if rule.lambda.is_stateful() {
                court.silent = false;
                continue;
            }
            let column = rule.judge(cx, states, rows, slot);
            court.silent &= column.none() && !column.any_failed();
            court.columns[slot] = Some(column);
        }
        court
    }

    /// All points of groups that are OK stay OK, and nothing is to be noted of them.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// A point of a group that is OK stays OK, and nothing is to be noted of it.
    #[inline]
    pub fn is_calm(&self, row: usize) -> bool {
        let stirs = |column: &Verdicts| column.passed(row as u32) || column.failed(row as u32);
        self.silent || (!self.rules.remembers && !self.columns.iter().flatten().any(stirs))
    }

    /// What the expression at `slot` says of a point of `group`; `None` when there is none, or it
    /// fails.
    pub fn ask(
        &mut self,
        cx: &mut Cx<'_>,
        states: &mut States<Memory>,
        group: u32,
        slot: usize,
        row: usize,
    ) -> Option<bool> {
        let rules = self.rules;
        let rule = rules.rules[slot].as_ref()?;
        let scope = RowScope { rows: self.rows, row, series: cx.series };
        if rule.lambda.is_stateful() {
            let state = states.get(group).lambda(slot);
            let truth = rule.lambda.eval_bool(&scope, state, cx.env);
            return truth.map_err(|error| self.failures[slot].note(|| error.to_string())).ok();
        }
        let rows = self.rows;
        let column = self.columns[slot].get_or_insert_with(|| rule.judge(cx, states, rows, slot));
        if !column.failed(row as u32) {
            return Some(column.passed(row as u32));
        }
        self.failures[slot].note(|| {
            let truth = rule.lambda.eval_bool(&scope, &mut lambda::State::default(), cx.env);
            truth.err().map(|error| error.to_string()).unwrap_or_default()
        });
        None
    }

    /// Counts and logs what failed, the worst level first.
    pub fn report(self, cx: &mut Cx<'_>) {
        for (slot, failures) in self.failures.into_iter().enumerate().rev() {
            if failures.count > 0 {
                let level = Level::ALL[slot % 3 + 1];
                let pairs = || format!(" level={level}");
                cx.error_with(failures.count, || describe(slot, &failures.first), pairs);
            }
        }
    }
}

fn describe(slot: usize, error: &str) -> String {
    let what = if slot < 3 {
        "error evaluating expression for level"
    } else {
        "error evaluating reset expression for current level"
    };
    format!("{what}: {error}")
}

impl Failures {
    fn note(&mut self, error: impl FnOnce() -> String) {
        self.count += 1;
        if self.count == 1 {
            self.first = error();
        }
    }
}
