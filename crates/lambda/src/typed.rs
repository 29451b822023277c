//! A lambda for one combination of types: what the columnar evaluator runs.

use crate::error::EvalError;
use crate::functions::Function;
use crate::types::Ty;
use regex::Regex;
use std::sync::Arc;
use tick::ast::BinaryOp;

/// One expression of known type.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub ty: Ty,
    /// May be worked out for rows that nobody asked for: cheap, never fails, changes no state.
    pub free: bool,
    /// Reads or writes the group's state.
    pub stateful: bool,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Fails for every row that gets here.
    Fail(EvalError),
    Float(f64),
    Int(i64),
    Bool(bool),
    Str(Arc<str>),
    Duration(i64),
    Regex(Regex),
    Ref(usize),
    Time,
    Neg(Box<Typed>),
    Not(Box<Typed>),
    Binary(BinaryOp, Box<Typed>, Box<Typed>),
    Call(&'static Function, Vec<Typed>, usize),
}

impl Typed {
    /// An expression that always fails where a value of that type is needed.
    pub(crate) fn fail(ty: Ty, error: EvalError) -> Typed {
        Typed { ty, free: false, stateful: false, kind: Kind::Fail(error) }
    }

    /// A literal, a reference or the time.
    pub(crate) fn leaf(ty: Ty, kind: Kind) -> Typed {
        Typed { ty, free: true, stateful: false, kind }
    }
}

/// What to do with the rows whose references have one combination of types.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// Every row fails with the same error, and changes no state.
    Fail(EvalError),
    /// Work it out column by column.
    Columns(Typed),
    /// Row by row: something in it has no columnar form.
    Rows,
}
