//! Runs a typed program over columns. Expressions that cannot fail and remember nothing are worked
//! out for all rows; the others see exactly the rows that the plain evaluator would bring to them.

use super::arithmetic::math;
use super::buffer::{Buf, Col, Texts};
use super::compare::compare;
use super::select::Selection;
use super::{Errors, States};
use crate::error::EvalError;
use crate::ops;
use crate::scope::Env;
use crate::state::Stateful;
use crate::typed::{Kind, Typed};
use crate::types::Ty;
use model::Time;
use tick::ast::BinaryOp;

/// One program over one selection of the rows of a run.
pub(super) struct Exec<'b, 's> {
    /// The column of each reference; `None` where it is missing.
    pub columns: &'b [Option<Col<'b>>],
    pub times: &'b [Time],
    pub env: &'b Env,
    pub layout: &'b [Stateful],
    pub states: &'s mut dyn States,
    pub failures: Failures<'s>,
}

/// Where errors go, and the arguments being worked out, which errors tell from the outside in.
pub(super) struct Failures<'s> {
    pub errors: &'s mut Errors,
    pub arguments: Vec<usize>,
}

impl Failures<'_> {
    #[cold]
    pub(super) fn record(&mut self, row: usize, error: impl FnOnce() -> EvalError) {
        let arguments = &self.arguments;
        self.errors
            .record(row, || arguments.iter().rev().fold(error(), |error, &number| error.in_argument(number)));
    }
}

impl<'b> Exec<'b, '_> {
    /// The column of an expression. Rows that fail leave the selection.
    pub(super) fn eval(&mut self, typed: &'b Typed, rows: &mut Selection) -> Col<'b> {
        if rows.is_empty() {
            return Col::nothing(typed.ty);
        }
        match &typed.kind {
            Kind::Fail(error) => {
                rows.retain(|row| {
                    self.failures.record(row, || error.clone());
                    false
                });
                Col::nothing(typed.ty)
            }
            Kind::Float(v) => Col::Float(Buf::Scalar(*v)),
            Kind::Int(v) => Col::Int(Buf::Scalar(*v)),
            Kind::Bool(v) => Col::Bool(Buf::Scalar(*v)),
            Kind::Duration(v) => Col::Duration(Buf::Scalar(*v)),
            Kind::Str(v) => Col::Str(Texts::Scalar(v)),
            Kind::Regex(v) => Col::Regex(v),
            Kind::Time => Col::Time(Buf::Slice(self.times)),
            Kind::Ref(slot) => match self.columns.get(*slot) {
                Some(Some(column)) => column.clone(),
                _ => Col::nothing(typed.ty),
            },
            Kind::Neg(operand) => match self.eval(operand, rows) {
                Col::Float(v) => Col::Float(v.map(|v| -v)),
                Col::Int(v) => Col::Int(v.map(i64::wrapping_neg)),
                Col::Duration(v) => Col::Duration(v.map(i64::wrapping_neg)),
                other => other,
            },
            Kind::Not(operand) => Col::Bool(self.boolean(operand, rows).map(|v| !v)),
            Kind::Binary(op, left, right) => self.binary(typed.ty, *op, left, right, rows),
            Kind::Call(function, args, slot) => self.call(typed.ty, function, args, *slot, rows),
        }
    }

    fn boolean(&mut self, typed: &'b Typed, rows: &mut Selection) -> Buf<'b, bool> {
        match self.eval(typed, rows) {
            Col::Bool(v) => v,
            _ => Buf::Scalar(false),
        }
    }

    fn binary(
        &mut self,
        ty: Ty,
        op: BinaryOp,
        left: &'b Typed,
        right: &'b Typed,
        rows: &mut Selection,
    ) -> Col<'b> {
        if matches!(op, BinaryOp::And | BinaryOp::Or) {
            return Col::Bool(self.logical(op == BinaryOp::And, left, right, rows));
        }
        let left = self.eval(left, rows);
        let right = self.eval(right, rows);
        let result = if ops::is_math(op) {
            let failures = &mut self.failures;
            math(op, left, right, rows, &mut |row, error| failures.record(row, || error))
        } else {
            compare(op, &left, &right, rows).map(Col::Bool)
        };
        result.unwrap_or_else(|| Col::nothing(ty))
    }

    /// `AND` and `OR`: the right side is worked out only where the left one does not settle it.
    fn logical(
        &mut self,
        and: bool,
        left: &'b Typed,
        right: &'b Typed,
        rows: &mut Selection,
    ) -> Buf<'b, bool> {
        let left = self.boolean(left, rows);
        match left {
            Buf::Scalar(v) if v != and => return Buf::Scalar(v),
            Buf::Scalar(_) => return self.boolean(right, rows),
            _ if right.free => {
                let right = self.boolean(right, rows);
                // Two closures, not one chosen: a pointer to either would be called for each row.
                return if and {
                    left.combine(right, |a, b| a & b)
                } else {
                    left.combine(right, |a, b| a | b)
                };
            }
            _ => {}
        }
        let open = rows.narrowed(|row| left.get(row), and);
        let mut answered = open.clone();
        let right = self.boolean(right, &mut answered);
        rows.retain(|row| !open.contains(row) || answered.contains(row));
        let settled = |row: usize| {
            if open.contains(row) { right.get(row) } else { !and }
        };
        Buf::Owned((0..rows.len()).map(|row| rows.contains(row) && settled(row)).collect())
    }
}
