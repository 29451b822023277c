//! A compiled lambda.

use crate::columns::{Binding, Errors, Input, Runner, States, TruthSink, ValueSink};
use crate::compile::{Compiled, FunctionSet, compile};
use crate::error::EvalError;
use crate::row::{Evaluation, Point};
use crate::scope::{Env, Lookup, MatchCall, Scope};
use crate::specialise::Goal;
use crate::state::State;
use model::{Column, Name, Time, Value};
use std::fmt;
use std::sync::Arc;
use tick::Diagnostic;
use tick::ast::Expr;

/// A lambda expression, checked and ready. Immutable and cheap to clone: what it remembers is in a
/// [`State`], what it learns of a shard's series in a [`Binding`], and both are the caller's.
#[derive(Clone)]
pub struct Lambda {
    compiled: Arc<Compiled>,
    set: FunctionSet,
    source: Arc<str>,
}

impl fmt::Debug for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lambda({})", self.source)
    }
}

/// The expression as a script writes it, without `lambda:`.
impl fmt::Display for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl Lambda {
    /// Checks an expression, whose variables are already replaced by their values.
    ///
    /// # Errors
    /// What is wrong whatever the points are: an unknown function, operators between constants or
    /// results that never go together, a bad regular expression, something that is no expression.
    pub fn compile(expr: &Expr, set: FunctionSet) -> Result<Lambda, Diagnostic> {
        let compiled = Arc::new(compile(expr, set)?);
        Ok(Lambda { compiled, set, source: tick::format_expr(expr).into() })
    }

    /// The names of the fields and tags it reads, sorted, each once, without `time`.
    pub fn references(&self) -> &[Name] {
        &self.compiled.references
    }

    /// It reads the point's time.
    pub fn reads_time(&self) -> bool {
        self.compiled.reads_time
    }

    /// It calls `sigma`, `count`, `spread` or `rand`: the caller keeps a [`State`] for each group.
    pub fn is_stateful(&self) -> bool {
        !self.compiled.layout.is_empty()
    }

    /// It reads no field or tag but these.
    pub fn reads_only<N: AsRef<str>>(&self, names: &[N]) -> bool {
        self.references().iter().all(|name| names.iter().any(|n| n.as_ref() == &**name))
    }

    /// Its result depends on tags alone: not on the time, the clock or earlier points.
    pub(crate) fn is_timeless(&self) -> bool {
        !self.is_stateful() && !self.compiled.reads_time && !self.compiled.reads_now
    }

    /// The value for one point.
    ///
    /// # Errors
    /// The point has no value; the state keeps what functions saw before that turned out.
    pub fn eval(&self, scope: &dyn Scope, state: &mut State, env: &Env) -> Result<Value, EvalError> {
        self.check(scope)?;
        let point = self.point(scope);
        let value = self.evaluation(&point, env).value(&self.compiled.root, state)?;
        let ty = value.ty();
        value.into_value().ok_or(EvalError::Unexpected(ty.name()))
    }

    /// The truth for one point; for a match expression, one event.
    ///
    /// # Errors
    /// As [`Self::eval`], and when the value is not a boolean.
    pub fn eval_bool(&self, scope: &dyn Scope, state: &mut State, env: &Env) -> Result<bool, EvalError> {
        self.check(scope)?;
        let point = self.point(scope);
        self.evaluation(&point, env).truth(&self.compiled.root, self.set == FunctionSet::Task, state)
    }

    fn point<'a>(&'a self, scope: &'a dyn Scope) -> ScopePoint<'a> {
        ScopePoint { scope, references: &self.compiled.references }
    }

    fn evaluation<'a>(&'a self, point: &'a ScopePoint<'a>, env: &'a Env) -> Evaluation<'a> {
        Evaluation { point, env, names: &self.compiled.names, layout: &self.compiled.layout }
    }

    /// What Kapacitor finds out while it gathers the names of an expression, before anything else.
    fn check(&self, scope: &dyn Scope) -> Result<(), EvalError> {
        for name in self.references() {
            match scope.get(name) {
                Lookup::Ambiguous => return Err(EvalError::Ambiguous(name.clone())),
                Lookup::Missing if self.set == FunctionSet::Match => {
                    return Err(EvalError::NoTag(name.clone()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The value for every active row of a run. `out` becomes a column as long as the run; rows
    /// without a value are missing in it, and those that failed are noted in `errors` (which is not
    /// cleared first, so that the lambdas of one node can share it).
    pub fn eval_rows(
        &self,
        input: &Input<'_>,
        binding: &mut Binding,
        states: &mut dyn States,
        out: &mut Column,
        errors: &mut Errors,
    ) {
        let mut sink = ValueSink::new(out, input.rows.len());
        self.run(Goal::Value, input, binding, states, errors, &mut sink);
        sink.finish();
    }

    /// The truth of every active row of a run. `out` becomes one flag a row, false where the row is
    /// not active or failed; failures are noted in `errors`, which is not cleared first.
    pub fn predicate_rows(
        &self,
        input: &Input<'_>,
        binding: &mut Binding,
        states: &mut dyn States,
        out: &mut Vec<bool>,
        errors: &mut Errors,
    ) {
        let mut sink = TruthSink::new(out, input.rows.len());
        self.run(Goal::Truth, input, binding, states, errors, &mut sink);
    }

    fn run(
        &self,
        goal: Goal,
        input: &Input<'_>,
        binding: &mut Binding,
        states: &mut dyn States,
        errors: &mut Errors,
        sink: &mut dyn crate::columns::Sink,
    ) {
        Runner { lambda: &self.compiled, goal, input: *input, states, errors, sink }.run(binding);
    }
}

/// A scope whose names are numbered.
struct ScopePoint<'a> {
    scope: &'a dyn Scope,
    references: &'a [Name],
}

impl Point for ScopePoint<'_> {
    fn get(&self, slot: usize) -> Lookup<'_> {
        self.references.get(slot).map_or(Lookup::Missing, |name| self.scope.get(name))
    }

    fn time(&self) -> Time {
        self.scope.time()
    }

    fn call(&self, call: MatchCall) -> Lookup<'_> {
        self.scope.call(call)
    }
}
