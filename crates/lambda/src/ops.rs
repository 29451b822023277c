//! The operators: which pairs of types each takes, what it gives, and how it works on two values.

use crate::error::EvalError;
use crate::types::{Ty, Val};
use std::borrow::Cow;
use std::cmp::Ordering;
use tick::ast::BinaryOp;

/// The most bytes that a text may grow to: an expression can multiply what it is given.
pub(crate) const TEXT_BYTES_MAX: usize = 16 << 20;

/// What an operator gives for these types, or `None` when it does not take them.
pub(crate) fn result(op: BinaryOp, left: Ty, right: Ty) -> Option<Ty> {
    use BinaryOp::*;
    use Ty::*;
    let numeric = |ty| matches!(ty, Int | Float);
    match op {
        And | Or => (left == Bool && right == Bool).then_some(Bool),
        Eq | Ne => {
            let same = left == right && matches!(left, Bool | Int | Float | Str | Duration);
            (same || (numeric(left) && numeric(right))).then_some(Bool)
        }
        Lt | Le | Gt | Ge => {
            let same = left == right && matches!(left, Str | Duration);
            (same || (numeric(left) && numeric(right))).then_some(Bool)
        }
        Match | NotMatch => (left == Str && right == Regex).then_some(Bool),
        Add => (left == right && matches!(left, Int | Float | Duration | Str)).then_some(left),
        Sub => (left == right && matches!(left, Int | Float | Duration)).then_some(left),
        Mul => match (left, right) {
            (Int, Int) => Some(Int),
            (Float, Float) => Some(Float),
            (Duration, Int | Float) | (Int | Float, Duration) => Some(Duration),
            _ => None,
        },
        Div => match (left, right) {
            (Int, Int) | (Duration, Duration) => Some(Int),
            (Float, Float) => Some(Float),
            (Duration, Int | Float) => Some(Duration),
            _ => None,
        },
        Mod => (left == Int && right == Int).then_some(Int),
    }
}

/// Whether some pair of types with this one among them suits the operator. Decides between
/// "invalid operator for that type" and "these two types do not go together".
pub(crate) fn takes(op: BinaryOp, ty: Ty) -> bool {
    const ALL: [Ty; 8] =
        [Ty::Float, Ty::Int, Ty::Str, Ty::Bool, Ty::Regex, Ty::Time, Ty::Duration, Ty::Missing];
    ALL.iter().any(|&other| result(op, ty, other).is_some() || result(op, other, ty).is_some())
}

/// The word for the operator's kind in errors.
pub(crate) fn kind(op: BinaryOp) -> &'static str {
    if is_math(op) {
        "math"
    } else if matches!(op, BinaryOp::And | BinaryOp::Or) {
        "logical"
    } else {
        "comparison"
    }
}

/// `+ - * / %`: the operators whose type depends on their operands. All others give a boolean.
pub(crate) fn is_math(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod)
}

/// Integer division; `None` when the divisor is zero. The one overflow wraps.
#[inline]
pub(crate) fn div(a: i64, b: i64) -> Option<i64> {
    (b != 0).then(|| a.wrapping_div(b))
}

/// Integer remainder; `None` when the divisor is zero.
#[inline]
pub(crate) fn rem(a: i64, b: i64) -> Option<i64> {
    (b != 0).then(|| a.wrapping_rem(b))
}

/// A duration times a float.
pub(crate) fn scale(a: i64, b: f64) -> i64 {
    tick::float_to_int(a as f64 * b)
}

/// A duration divided by a float.
pub(crate) fn unscale(a: i64, b: f64) -> i64 {
    tick::float_to_int(a as f64 / b)
}

/// One comparison on an ordering; an unordered pair (NaN) only ever answers `!=`.
pub(crate) fn holds(op: BinaryOp, ordering: Option<Ordering>) -> bool {
    match op {
        BinaryOp::Eq => ordering == Some(Ordering::Equal),
        BinaryOp::Ne => ordering != Some(Ordering::Equal),
        BinaryOp::Lt => ordering == Some(Ordering::Less),
        BinaryOp::Le => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
        BinaryOp::Gt => ordering == Some(Ordering::Greater),
        BinaryOp::Ge => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
        _ => false,
    }
}

/// Works out `left op right` for two values of any types. `AND` and `OR` are the caller's, because
/// they may not look at their right side.
pub(crate) fn apply<'a>(op: BinaryOp, left: Val<'a>, right: Val<'a>) -> Result<Val<'a>, EvalError> {
    if is_math(op) { math(op, left, right) } else { compare(op, &left, &right).map(Val::Bool) }
}

fn mismatch(op: BinaryOp, left: &Val<'_>, right: &Val<'_>) -> EvalError {
    EvalError::mismatch(op, left.ty(), right.ty())
}

fn compare(op: BinaryOp, left: &Val<'_>, right: &Val<'_>) -> Result<bool, EvalError> {
    if result(op, left.ty(), right.ty()).is_none() {
        return Err(mismatch(op, left, right));
    }
    let ordering = match (left, right) {
        (Val::Str(text), Val::Regex(regex)) => {
            return Ok(regex.is_match(text) == (op == BinaryOp::Match));
        }
        (Val::Float(a), Val::Float(b)) => a.partial_cmp(b),
        (Val::Float(a), Val::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Val::Int(a), Val::Float(b)) => (*a as f64).partial_cmp(b),
        (Val::Int(a), Val::Int(b)) | (Val::Duration(a), Val::Duration(b)) => Some(a.cmp(b)),
        (Val::Str(a), Val::Str(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Val::Bool(a), Val::Bool(b)) => Some(a.cmp(b)),
        _ => return Err(mismatch(op, left, right)),
    };
    Ok(holds(op, ordering))
}

fn math<'a>(op: BinaryOp, left: Val<'a>, right: Val<'a>) -> Result<Val<'a>, EvalError> {
    use BinaryOp::*;
    let zero = || EvalError::DivisionByZero;
    Ok(match (op, left, right) {
        (Add, Val::Float(a), Val::Float(b)) => Val::Float(a + b),
        (Sub, Val::Float(a), Val::Float(b)) => Val::Float(a - b),
        (Mul, Val::Float(a), Val::Float(b)) => Val::Float(a * b),
        (Div, Val::Float(a), Val::Float(b)) => Val::Float(a / b),
        (Add, Val::Int(a), Val::Int(b)) => Val::Int(a.wrapping_add(b)),
        (Sub, Val::Int(a), Val::Int(b)) => Val::Int(a.wrapping_sub(b)),
        (Mul, Val::Int(a), Val::Int(b)) => Val::Int(a.wrapping_mul(b)),
        (Div, Val::Int(a), Val::Int(b)) => Val::Int(div(a, b).ok_or_else(zero)?),
        (Mod, Val::Int(a), Val::Int(b)) => Val::Int(rem(a, b).ok_or_else(zero)?),
        (Add, Val::Duration(a), Val::Duration(b)) => Val::Duration(a.wrapping_add(b)),
        (Sub, Val::Duration(a), Val::Duration(b)) => Val::Duration(a.wrapping_sub(b)),
        (Div, Val::Duration(a), Val::Duration(b)) => Val::Int(div(a, b).ok_or_else(zero)?),
        (Div, Val::Duration(a), Val::Int(b)) => Val::Duration(div(a, b).ok_or_else(zero)?),
        (Mul, Val::Duration(a), Val::Int(b)) | (Mul, Val::Int(a), Val::Duration(b)) => {
            Val::Duration(a.wrapping_mul(b))
        }
        (Mul, Val::Duration(a), Val::Float(b)) | (Mul, Val::Float(b), Val::Duration(a)) => {
            Val::Duration(scale(a, b))
        }
        (Div, Val::Duration(a), Val::Float(b)) => Val::Duration(unscale(a, b)),
        (Add, Val::Str(a), Val::Str(b)) => {
            if a.len() + b.len() > TEXT_BYTES_MAX {
                return Err(EvalError::TooLong);
            }
            let mut text = a.into_owned();
            text.push_str(&b);
            Val::Str(Cow::Owned(text))
        }
        (op, left, right) => return Err(mismatch(op, &left, &right)),
    })
}
