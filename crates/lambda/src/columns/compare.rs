//! Comparisons of columns.

use super::buffer::{Buf, Col, Texts, zip};
use super::select::Selection;
use crate::ops::holds;
use tick::ast::BinaryOp;

/// Compares two columns. Rows that are not selected may be compared too: with numbers that is
/// cheaper than asking. `None` when the types do not go together.
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
        (Col::Int(a), Col::Int(b)) | (Col::Duration(a), Col::Duration(b)) => numbers(op, a, b, |a| a, |b| b),
        (Col::Bool(a), Col::Bool(b)) => numbers(op, a, b, |a| a, |b| b),
        (Col::Str(a), Col::Str(b)) => texts(op, a, b, rows),
        (Col::Str(a), Col::Regex(regex)) => {
            let wanted = op == BinaryOp::Match;
            each_text(a, rows, |text| regex.is_match(text) == wanted)
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
    match (a, b) {
        (a, Texts::Scalar(b)) => each_text(a, rows, |a| text(op, a, b)),
        (Texts::Scalar(a), b) => each_text(b, rows, |b| text(op, a, b)),
        (a, b) => each(rows, |row| text(op, a.get(row), b.get(row))),
    }
}

#[inline]
fn text(op: BinaryOp, a: &str, b: &str) -> bool {
    match op {
        // Equality needs no order, and unequal lengths settle it.
        BinaryOp::Eq => a == b,
        BinaryOp::Ne => a != b,
        op => holds(op, Some(a.as_bytes().cmp(b.as_bytes()))),
    }
}

/// Asks of each text; of a tag only once a series, unless few rows are wanted.
fn each_text<'o>(texts: &Texts<'_>, rows: &Selection, f: impl Fn(&str) -> bool) -> Buf<'o, bool> {
    match texts {
        Texts::Tags(tags) if tags.values.len() <= rows.count() => {
            let answers: Vec<bool> = tags.values.iter().map(|value| f(value.unwrap_or(""))).collect();
            Buf::Owned(tags.codes.iter().map(|&code| answers[code as usize]).collect())
        }
        texts => each(rows, |row| f(texts.get(row))),
    }
}

fn each<'o>(rows: &Selection, f: impl Fn(usize) -> bool) -> Buf<'o, bool> {
    Buf::Owned((0..rows.len()).map(|row| rows.contains(row) && f(row)).collect())
}
