//! Lambdas over rows, for nodes: the state of each row's group, and what becomes of errors.

use crate::node::Cx;
use crate::state::{GroupState, States};
use lambda::{Binding, Errors, Input, Lambda, State};
use model::{Column, Field, Mask, Rows};
use std::sync::Arc;

/// A lambda that answers TRUE or FALSE.
pub struct Predicate {
    lambda: Arc<Lambda>,
    /// How its errors begin.
    what_failed: &'static str,
}

/// What a predicate says of each row.
pub struct Verdicts {
    truth: Vec<bool>,
    errors: Errors,
}

/// The lambda states of rows, found through the groups.
struct Grouped<'a, S, G, P> {
    states: &'a mut States<S>,
    group: G,
    part: P,
}

impl<S, G, P> lambda::States for Grouped<'_, S, G, P>
where
    S: GroupState,
    G: Fn(usize) -> u32,
    P: Fn(&mut S) -> &mut State,
{
    #[inline]
    fn state(&mut self, row: usize) -> &mut State {
        (self.part)(self.states.get((self.group)(row)))
    }
}

impl Predicate {
    /// Of a compiled lambda.
    pub fn new(lambda: Arc<Lambda>) -> Predicate {
        Predicate { lambda, what_failed: "error while evaluating expression" }
    }

    /// The same with errors that begin in another way.
    pub fn with_errors(self, what_failed: &'static str) -> Predicate {
        Predicate { what_failed, ..self }
    }

    /// See [`Lambda::is_stateful`].
    pub fn is_stateful(&self) -> bool {
        self.lambda.is_stateful()
    }

    /// What it says of each row. Rows on which it fails are counted as errors of the node. `slot`
    /// numbers the lambdas of a node; `part` finds the lambda's state in the node's.
    pub fn verdicts<S: GroupState>(
        &self,
        cx: &mut Cx<'_>,
        rows: &Rows,
        group: impl Fn(usize) -> u32,
        states: &mut States<S>,
        slot: usize,
        part: impl Fn(&mut S) -> &mut State,
    ) -> Verdicts {
        let verdicts = self.judge(cx, rows, group, states, slot, part);
        if let Some((_, first)) = verdicts.errors.kept().first() {
            cx.error(verdicts.errors.count() as u64, || format!("{}: {first}", self.what_failed));
        }
        verdicts
    }

    /// The same, without counting or logging the rows on which it fails.
    pub fn judge<S: GroupState>(
        &self,
        cx: &Cx<'_>,
        rows: &Rows,
        group: impl Fn(usize) -> u32,
        states: &mut States<S>,
        slot: usize,
        part: impl Fn(&mut S) -> &mut State,
    ) -> Verdicts {
        let mut verdicts = Verdicts { truth: Vec::new(), errors: Errors::new() };
        let mut binding = states.take_binding(slot);
        let mut grouped = Grouped { states, group, part };
        let input = Input::new(rows, cx.series, cx.env);
        self.lambda.predicate_rows(
            &input,
            &mut binding,
            &mut grouped,
            &mut verdicts.truth,
            &mut verdicts.errors,
        );
        states.put_binding(slot, binding);
        verdicts
    }

    /// The rows for which it is TRUE, for a node whose state is the lambda's.
    pub fn rows(
        &self,
        cx: &mut Cx<'_>,
        rows: &Rows,
        group: impl Fn(usize) -> u32,
        states: &mut States<State>,
    ) -> Vec<u32> {
        let verdicts = self.verdicts(cx, rows, group, states, 0, |state| state);
        (0..rows.len() as u32).filter(|&row| verdicts.passed(row)).collect()
    }
}

impl Verdicts {
    /// It is TRUE for the row.
    pub fn passed(&self, row: u32) -> bool {
        self.truth[row as usize]
    }

    /// It failed on the row.
    pub fn failed(&self, row: u32) -> bool {
        self.errors.failed(row as usize)
    }

    /// It failed on some row.
    pub fn any_failed(&self) -> bool {
        !self.errors.is_empty()
    }

    /// It is TRUE for no row.
    pub fn none(&self) -> bool {
        !self.truth.contains(&true)
    }

    /// The rows on which it did not fail.
    pub fn decided(&self) -> Vec<u32> {
        (0..self.truth.len() as u32).filter(|&row| !self.errors.failed(row as usize)).collect()
    }
}

/// A lambda that gives a value.
pub struct Expression(Arc<Lambda>);

impl Expression {
    /// Of a compiled lambda.
    pub fn new(lambda: Arc<Lambda>) -> Expression {
        Expression(lambda)
    }

    /// See [`Lambda::is_stateful`].
    pub fn is_stateful(&self) -> bool {
        self.0.is_stateful()
    }

    /// Whether it reads a field or tag of that name.
    pub fn references(&self, name: &str) -> bool {
        self.0.references().iter().any(|reference| **reference == *name)
    }

    /// Its values for the active rows. Rows on which it fails are no longer active: how many, and why
    /// the first.
    #[allow(clippy::too_many_arguments)] // One call of a lambda needs all of this, at one place.
    pub fn column<S: GroupState>(
        &self,
        cx: &Cx<'_>,
        rows: &Rows,
        results: &[Field],
        active: &mut Mask,
        group: impl Fn(usize) -> u32,
        states: &mut States<S>,
        slot: usize,
        part: impl Fn(&mut S) -> &mut State,
    ) -> (Column, Option<(u64, String)>) {
        let mut errors = Errors::new();
        let mut column = Column::default();
        let mut binding = states.take_binding(slot);
        let mut grouped = Grouped { states, group, part };
        let some = (!active.is_full()).then_some(&*active);
        let input = Input { rows, table: cx.series, results, active: some, env: cx.env };
        self.0.eval_rows(&input, &mut binding, &mut grouped, &mut column, &mut errors);
        states.put_binding(slot, binding);
        if !errors.is_empty() {
            (0..rows.len()).filter(|&row| errors.failed(row)).for_each(|row| active.set(row, false));
        }
        let first = errors.kept().first();
        (column, first.map(|(_, first)| (errors.count() as u64, first.to_string())))
    }
}

/// What lambdas learn of a shard's series; no part of the saved state.
#[derive(Debug, Default)]
pub struct Bindings(Vec<Binding>);

impl<S> States<S> {
    fn take_binding(&mut self, slot: usize) -> Binding {
        self.bindings.0.get_mut(slot).map(std::mem::take).unwrap_or_default()
    }

    fn put_binding(&mut self, slot: usize, binding: Binding) {
        if self.bindings.0.len() <= slot {
            self.bindings.0.resize_with(slot + 1, Binding::default);
        }
        self.bindings.0[slot] = binding;
    }
}
