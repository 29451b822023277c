//! Evaluation over the rows of a run: what the caller hands in and gets back.

mod arithmetic;
mod bind;
mod buffer;
mod calls;
mod compare;
mod errors;
mod exec;
mod run;
mod select;
mod shape;
mod sink;

pub use bind::Binding;
pub use errors::Errors;

pub(crate) use run::Runner;
pub(crate) use sink::{Sink, TruthSink, ValueSink};

use crate::scope::Env;
use crate::state::State;
use model::{Field, Mask, Rows, SeriesTable};

/// The rows that a lambda is evaluated over.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The points.
    pub rows: &'a Rows,
    /// The series that `rows.tags` numbers.
    pub table: &'a SeriesTable,
    /// Results of earlier lambdas of the same node, as long as `rows`: a reference that is neither
    /// a field nor a tag of a row is looked up here.
    pub results: &'a [Field],
    /// The rows to evaluate; all when `None`. Others keep their state and get no result.
    pub active: Option<&'a Mask>,
    /// Clock and time zone.
    pub env: &'a Env,
}

impl<'a> Input<'a> {
    /// All rows, without earlier results.
    pub fn new(rows: &'a Rows, table: &'a SeriesTable, env: &'a Env) -> Input<'a> {
        Input { rows, table, results: &[], active: None, env }
    }
}

/// Where the state of a row's group is kept. Asked only when the lambda is stateful.
pub trait States {
    /// The state of the group of row `row`.
    fn state(&mut self, row: usize) -> &mut State;
}

/// For lambdas known to have no state, and for filters that start anew with each run.
#[derive(Clone, Debug, Default)]
pub struct NoStates(State);

impl States for NoStates {
    fn state(&mut self, _: usize) -> &mut State {
        &mut self.0
    }
}

/// All rows belong to one group.
impl States for State {
    fn state(&mut self, _: usize) -> &mut State {
        self
    }
}

/// A state for each group, and the group of each row.
#[derive(Debug)]
pub struct ByGroup<'a> {
    /// By number of the group; every number in `groups` has one.
    pub states: &'a mut [State],
    /// One number a row.
    pub groups: &'a [u32],
}

impl States for ByGroup<'_> {
    #[inline]
    fn state(&mut self, row: usize) -> &mut State {
        &mut self.states[self.groups[row] as usize]
    }
}
