//! Lambda expressions: `lambda: "usage" > 90.0 AND sigma("usage") > 3.0`.
//!
//! [`Lambda::compile`] checks a syntax tree once, when a task starts. After that a lambda is
//! evaluated in one of two ways, which always agree:
//!
//! * over columns ([`Lambda::eval_rows`], [`Lambda::predicate_rows`]): the types of the referenced
//!   fields decide, once per run, on a typed program that works a column at a time;
//! * over one point ([`Lambda::eval`], [`Lambda::eval_bool`]): a plain walk of the tree, for match
//!   expressions, for tags alone, and for the rows of a run whose fields keep changing type.
//!
//! What a stateful function remembers is a [`State`], a plain value that the caller keeps for each
//! group; a lambda itself never changes.

mod columns;
mod compile;
mod display;
mod error;
mod fold;
mod functions;
mod infer;
mod lambda;
mod node;
mod ops;
mod row;
mod scope;
mod specialise;
mod state;
mod text;
mod typed;
mod types;

pub use columns::{Binding, ByGroup, Errors, Input, NoStates, States};
pub use compile::{FunctionSet, codes};
pub use error::{CallError, EvalError};
pub use functions::{Function, Signature, functions};
pub use lambda::Lambda;
pub use scope::{Env, Lookup, MatchCall, RowScope, Scope, TagScope};
pub use state::State;
pub use types::Ty;
