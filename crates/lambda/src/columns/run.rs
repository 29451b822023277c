//! One evaluation of a lambda over a run: sorts the rows by the types of what they reference, and
//! runs the program of each kind.

use super::bind::{Binding, Bound, ambiguous};
use super::buffer::Col;
use super::exec::{Exec, Failures};
use super::select::Selection;
use super::shape::{Code, ShapeTypes};
use super::sink::Sink;
use super::{Errors, Input, States};
use crate::compile::Compiled;
use crate::error::EvalError;
use crate::row::{Evaluation, Point};
use crate::scope::{Lookup, MatchCall};
use crate::specialise::{Goal, specialise};
use crate::state::State;
use crate::typed::Program;
use model::Time;
use std::sync::Arc;

/// Kinds of rows that are worth a program each; beyond, rows are taken one by one.
const SHAPES_MAX: usize = 8;

/// Runs this short cost less row by row than setting up columns does.
const SHORT: usize = 2;

/// A lambda, a run, and where everything goes.
pub(crate) struct Runner<'a, 's> {
    pub lambda: &'a Compiled,
    pub goal: Goal,
    pub input: Input<'a>,
    pub states: &'s mut dyn States,
    pub errors: &'s mut Errors,
    pub sink: &'s mut dyn Sink,
}

/// The rows of one kind.
struct Shape {
    codes: Box<[Code]>,
    rows: Selection,
    program: Arc<Program>,
}

impl Runner<'_, '_> {
    pub(crate) fn run(&mut self, binding: &mut Binding) {
        let all = Selection::of(self.input.rows.len(), self.input.active);
        if all.is_empty() {
            return;
        }
        let bounds = binding.bind(&self.lambda.references, &self.input);
        if all.len() <= SHORT {
            return self.rowwise(&bounds, &all);
        }
        match self.shapes(binding, &bounds, &all) {
            Some(mut shapes) => {
                let whole = shapes.len() == 1;
                for shape in &mut shapes {
                    self.shape(&bounds, shape, whole);
                }
            }
            None => self.rowwise(&bounds, &all),
        }
    }

    /// The rows by kind; `None` when they must be taken one by one, in order.
    fn shapes(&self, binding: &mut Binding, bounds: &[Bound<'_>], all: &Selection) -> Option<Vec<Shape>> {
        let uniform: Option<Box<[Code]>> = bounds.iter().map(Bound::uniform).collect();
        let groups = match uniform {
            Some(codes) => vec![(codes, all.clone())],
            None => sort(bounds, all)?,
        };
        let shapes: Vec<Shape> = groups
            .into_iter()
            .map(|(codes, rows)| {
                let program = binding.program(&codes, self.goal, |types| self.program(types));
                Shape { codes, rows, program }
            })
            .collect();
        // Rows of one group must change its state in their order: only one kind may touch it.
        let touching = shapes.iter().filter(|shape| self.touches_state(&shape.program)).count();
        (touching <= 1).then_some(shapes)
    }

    fn touches_state(&self, program: &Program) -> bool {
        match program {
            Program::Fail(_) => false,
            Program::Columns(typed) => typed.stateful,
            Program::Rows => !self.lambda.layout.is_empty(),
        }
    }

    fn program(&self, codes: &[Code]) -> Program {
        if let Some(name) = ambiguous(&self.lambda.references, codes.iter().copied()) {
            return Program::Fail(EvalError::Ambiguous(name.clone()));
        }
        let types = ShapeTypes { codes, names: &self.lambda.names };
        match specialise(&self.lambda.root, self.goal, &types) {
            // Two calls that share their memory take turns within each row.
            Program::Columns(typed) if typed.stateful && self.lambda.shares_slots => Program::Rows,
            program => program,
        }
    }

    fn shape(&mut self, bounds: &[Bound<'_>], shape: &mut Shape, whole: bool) {
        match &*shape.program {
            Program::Fail(error) => {
                shape.rows.rows().for_each(|row| self.errors.record(row, || error.clone()));
            }
            Program::Rows => self.rowwise(bounds, &shape.rows),
            Program::Columns(typed) => {
                let columns: Vec<Option<Col<'_>>> =
                    bounds.iter().zip(&shape.codes).map(|(bound, code)| bound.column(*code)).collect();
                let mut exec = Exec {
                    columns: &columns,
                    times: &self.input.rows.times,
                    env: self.input.env,
                    layout: &self.lambda.layout,
                    states: &mut *self.states,
                    failures: Failures { errors: &mut *self.errors, arguments: Vec::new() },
                };
                let column = exec.eval(typed, &mut shape.rows);
                self.sink.part(column, &shape.rows, whole);
            }
        }
    }

    fn rowwise(&mut self, bounds: &[Bound<'_>], rows: &Selection) {
        let mut nothing = State::default();
        for row in rows.rows() {
            let codes = bounds.iter().map(|bound| bound.code(row));
            if let Some(name) = ambiguous(&self.lambda.references, codes) {
                self.errors.record(row, || EvalError::Ambiguous(name.clone()));
                continue;
            }
            let point = RunPoint { bounds, row, time: self.input.rows.times[row] };
            let evaluation = Evaluation {
                point: &point,
                env: self.input.env,
                names: &self.lambda.names,
                layout: &self.lambda.layout,
            };
            let state = if self.lambda.layout.is_empty() { &mut nothing } else { self.states.state(row) };
            let result = match self.goal {
                Goal::Value => evaluation.value(&self.lambda.root, state),
                Goal::Truth => evaluation.truth(&self.lambda.root, true, state).map(crate::types::Val::Bool),
            };
            match result {
                Ok(value) => self.sink.row(row, value),
                Err(error) => self.errors.record(row, || error),
            }
        }
    }
}

/// Sorts rows by the types of their references.
fn sort(bounds: &[Bound<'_>], all: &Selection) -> Option<Vec<(Box<[Code]>, Selection)>> {
    if !bounds.iter().all(Bound::is_typed) {
        return None;
    }
    let mut shapes: Vec<(Box<[Code]>, Vec<bool>)> = Vec::new();
    let mut codes = Vec::with_capacity(bounds.len());
    let mut last = 0;
    for row in all.rows() {
        codes.clear();
        codes.extend(bounds.iter().map(|bound| bound.code(row)));
        let known = |shape: &(Box<[Code]>, Vec<bool>)| *shape.0 == *codes;
        if !shapes.get(last).is_some_and(known) {
            last = match shapes.iter().position(known) {
                Some(at) => at,
                None if shapes.len() == SHAPES_MAX => return None,
                None => {
                    shapes.push((codes.as_slice().into(), vec![false; all.len()]));
                    shapes.len() - 1
                }
            };
        }
        shapes[last].1[row] = true;
    }
    Some(shapes.into_iter().map(|(codes, live)| (codes, Selection::from_live(live))).collect())
}

/// One row of a run.
struct RunPoint<'a> {
    bounds: &'a [Bound<'a>],
    row: usize,
    time: Time,
}

impl Point for RunPoint<'_> {
    fn get(&self, slot: usize) -> Lookup<'_> {
        self.bounds.get(slot).map_or(Lookup::Missing, |bound| bound.lookup(self.row))
    }

    fn time(&self) -> Time {
        self.time
    }

    fn call(&self, _: MatchCall) -> Lookup<'_> {
        Lookup::Missing
    }
}
