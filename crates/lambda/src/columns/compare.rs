//! Comparisons of columns.

use super::buffer::{Buf, Col, Texts, zip};
use super::select::Selection;
use crate::ops::holds;
use tick::ast::BinaryOp;

/// Compares two columns. Texts are compared for the selected rows only, numbers for all: that is
/// cheaper than asking which are selected. `None` when the types do not go together.
pub(crate) fn compare<'o>(
    op: BinaryOp,
    left: &Col<'_>,
    right: &Col<'_>,
    rows: &Selection,
) -> Option<Buf<'o, bool>> {
    Some(match (left, right) {
        (Col::Float(a), Col::Float(b)) => numbers(op, a, b, |a| a, |b| b),
        (Col::Float(a), Col::Int(b)) => numbers(op, a, b, |a| a, |b| b as f64),
        (Col::Int(a), Col::Float(b)) => numbers(op, a, b, |a| a as f64, |b| b),
        (Col::Int(a), Col::Int(b)) | (Col::Duration(a), Col::Duration(b)) => {
            numbers(op, a, b, |a| a, |b| b)
        }
        (Col::Bool(a), Col::Bool(b)) => numbers(op, a, b, |a| a, |b| b),
        (Col::Str(a), Col::Str(b)) => texts(op, a, b, rows),
        (Col::Str(a), Col::Regex(regex)) => {
            let wanted = op == BinaryOp::Match;
            each(rows, |row| regex.is_match(a.get(row)) == wanted)
        }
        _ => return None,
    })
}

/// Both sides as the same type, then one loop for each operator.
fn numbers<'o, A: Copy, B: Copy, X: PartialOrd>(
    op: BinaryOp,
    a: &Buf<'_, A>,
    b: &Buf<'_, B>,
    left: impl Fn(A) -> X,
    right: impl Fn(B) -> X,
) -> Buf<'o, bool> {
    match op {
        BinaryOp::Eq => zip(a, b, |a, b| left(a) == right(b)),
        BinaryOp::Ne => zip(a, b, |a, b| left(a) != right(b)),
        BinaryOp::Lt => zip(a, b, |a, b| left(a) < right(b)),
        BinaryOp::Le => zip(a, b, |a, b| left(a) <= right(b)),
        BinaryOp::Gt => zip(a, b, |a, b| left(a) > right(b)),
        _ => zip(a, b, |a, b| left(a) >= right(b)),
    }
}

fn texts<'o>(op: BinaryOp, a: &Texts<'_>, b: &Texts<'_>, rows: &Selection) -> Buf<'o, bool> {
    match op {
        // Equality needs no order, and unequal lengths settle it.
        BinaryOp::Eq => each(rows, |row| a.get(row) == b.get(row)),
        BinaryOp::Ne => each(rows, |row| a.get(row) != b.get(row)),
        op => each(rows, |row| {
            holds(op, Some(a.get(row).as_bytes().cmp(b.get(row).as_bytes())))
        }),
    }
}

fn each<'o>(rows: &Selection, f: impl Fn(usize) -> bool) -> Buf<'o, bool> {
    Buf::Owned(
        (0..rows.len())
            .map(|row| rows.contains(row) && f(row))
            .collect(),
    )
}
