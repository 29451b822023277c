//! `+ - * / %` on columns.

use super::buffer::{Buf, COLUMN_BYTES_MAX, Col, Texts, zip};
use super::select::Selection;
use crate::error::EvalError;
use crate::ops::{TEXT_BYTES_MAX, div, rem, scale, unscale};
use model::Strings;
use tick::ast::BinaryOp;

/// Works out two columns. Rows that divide by zero are handed to `fail`, which drops them.
/// `None` when the types do not go together.
pub(crate) fn math<'o>(
    op: BinaryOp,
    left: Col<'o>,
    right: Col<'o>,
    rows: &mut Selection,
    fail: &mut dyn FnMut(usize, EvalError),
) -> Option<Col<'o>> {
    use BinaryOp::{Add, Div, Mod, Mul, Sub};
    Some(match (op, left, right) {
        (Add, Col::Float(a), Col::Float(b)) => Col::Float(a.combine(b, |a, b| a + b)),
        (Sub, Col::Float(a), Col::Float(b)) => Col::Float(a.combine(b, |a, b| a - b)),
        (Mul, Col::Float(a), Col::Float(b)) => Col::Float(a.combine(b, |a, b| a * b)),
        (Div, Col::Float(a), Col::Float(b)) => Col::Float(a.combine(b, |a, b| a / b)),
        (Add, Col::Int(a), Col::Int(b)) => Col::Int(a.combine(b, i64::wrapping_add)),
        (Sub, Col::Int(a), Col::Int(b)) => Col::Int(a.combine(b, i64::wrapping_sub)),
        (Mul, Col::Int(a), Col::Int(b)) => Col::Int(a.combine(b, i64::wrapping_mul)),
        (Add, Col::Duration(a), Col::Duration(b)) => Col::Duration(a.combine(b, i64::wrapping_add)),
        (Sub, Col::Duration(a), Col::Duration(b)) => Col::Duration(a.combine(b, i64::wrapping_sub)),
        (Mul, Col::Duration(a), Col::Int(b)) | (Mul, Col::Int(a), Col::Duration(b)) => {
            Col::Duration(a.combine(b, i64::wrapping_mul))
        }
        (Mul, Col::Duration(a), Col::Float(b)) | (Mul, Col::Float(b), Col::Duration(a)) => {
            Col::Duration(zip(&a, &b, scale))
        }
        (Div, Col::Duration(a), Col::Float(b)) => Col::Duration(zip(&a, &b, unscale)),
        (Div, Col::Int(a), Col::Int(b)) => Col::Int(divide(&a, &b, div, rows, fail)),
        (Mod, Col::Int(a), Col::Int(b)) => Col::Int(divide(&a, &b, rem, rows, fail)),
        (Div, Col::Duration(a), Col::Duration(b)) => Col::Int(divide(&a, &b, div, rows, fail)),
        (Div, Col::Duration(a), Col::Int(b)) => Col::Duration(divide(&a, &b, div, rows, fail)),
        (Add, Col::Str(a), Col::Str(b)) => Col::Str(Texts::Owned(concat(&a, &b, rows, fail))),
        _ => return None,
    })
}

fn divide<'o>(
    a: &Buf<'_, i64>,
    b: &Buf<'_, i64>,
    f: fn(i64, i64) -> Option<i64>,
    rows: &mut Selection,
    fail: &mut dyn FnMut(usize, EvalError),
) -> Buf<'o, i64> {
    if let Buf::Scalar(divisor) = b
        && *divisor != 0
    {
        return zip(a, b, |a, b| f(a, b).unwrap_or(0));
    }
    let mut out = vec![0; rows.len()];
    rows.retain(|row| match f(a.get(row), b.get(row)) {
        Some(v) => {
            out[row] = v;
            true
        }
        None => {
            fail(row, EvalError::DivisionByZero);
            false
        }
    });
    Buf::Owned(out)
}

fn concat(
    a: &Texts<'_>,
    b: &Texts<'_>,
    rows: &mut Selection,
    fail: &mut dyn FnMut(usize, EvalError),
) -> Strings {
    let mut out = Strings::default();
    let mut text = String::new();
    for row in 0..rows.len() {
        text.clear();
        if rows.contains(row) {
            let (a, b) = (a.get(row), b.get(row));
            let bytes = a.len() + b.len();
            if bytes > TEXT_BYTES_MAX || out.parts().0.len() + bytes > COLUMN_BYTES_MAX {
                fail(row, EvalError::TooLong);
                rows.drop_row(row);
            } else {
                text.push_str(a);
                text.push_str(b);
            }
        }
        out.push(&text);
    }
    out
}
