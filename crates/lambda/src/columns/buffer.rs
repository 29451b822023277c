//! Columns while an expression is worked out: borrowed from the run, made on the way, or one value
//! for all rows.

use crate::types::{Ty, Val};
use model::{Data, Strings};
use regex::Regex;
use std::borrow::Cow;

/// The most bytes that the texts of one column may have together.
pub(crate) const COLUMN_BYTES_MAX: usize = 1 << 30;

/// A column of plain values.
#[derive(Clone, Debug)]
pub(crate) enum Buf<'a, T> {
    Scalar(T),
    Slice(&'a [T]),
    Owned(Vec<T>),
}

impl<T: Copy> Buf<'_, T> {
    #[inline]
    pub(crate) fn get(&self, row: usize) -> T {
        match self {
            Buf::Scalar(v) => *v,
            Buf::Slice(v) => v[row],
            Buf::Owned(v) => v[row],
        }
    }

    /// The values, unless one stands for all.
    pub(crate) fn slice(&self) -> Result<&[T], T> {
        match self {
            Buf::Scalar(v) => Err(*v),
            Buf::Slice(v) => Ok(v),
            Buf::Owned(v) => Ok(v),
        }
    }

    /// As a vector of `rows` values.
    pub(crate) fn into_vec(self, rows: usize) -> Vec<T> {
        match self {
            Buf::Scalar(v) => vec![v; rows],
            Buf::Slice(v) => v.to_vec(),
            Buf::Owned(v) => v,
        }
    }

    /// One value for another, in place where the column is ours.
    pub(crate) fn map(self, f: impl Fn(T) -> T) -> Self {
        match self {
            Buf::Scalar(v) => Buf::Scalar(f(v)),
            Buf::Slice(v) => Buf::Owned(v.iter().map(|&v| f(v)).collect()),
            Buf::Owned(mut v) => {
                v.iter_mut().for_each(|v| *v = f(*v));
                Buf::Owned(v)
            }
        }
    }

    /// As [`zip`], in place where one of the columns is ours.
    pub(crate) fn combine<'o>(self, other: Buf<'_, T>, f: impl Fn(T, T) -> T) -> Buf<'o, T> {
        match (self, other) {
            (Buf::Owned(mut a), b) => {
                match b.slice() {
                    Ok(b) => a.iter_mut().zip(b).for_each(|(a, &b)| *a = f(*a, b)),
                    Err(b) => a.iter_mut().for_each(|a| *a = f(*a, b)),
                }
                Buf::Owned(a)
            }
            (a, Buf::Owned(mut b)) => {
                match a.slice() {
                    Ok(a) => a.iter().zip(&mut b).for_each(|(&a, b)| *b = f(a, *b)),
                    Err(a) => b.iter_mut().for_each(|b| *b = f(a, *b)),
                }
                Buf::Owned(b)
            }
            (a, b) => zip(&a, &b, f),
        }
    }
}

/// Works two columns out to a third, row by row.
pub(crate) fn zip<'o, A: Copy, B: Copy, O>(
    a: &Buf<'_, A>,
    b: &Buf<'_, B>,
    f: impl Fn(A, B) -> O,
) -> Buf<'o, O> {
    match (a.slice(), b.slice()) {
        (Err(a), Err(b)) => Buf::Scalar(f(a, b)),
        (Ok(a), Err(b)) => Buf::Owned(a.iter().map(|&a| f(a, b)).collect()),
        (Err(a), Ok(b)) => Buf::Owned(b.iter().map(|&b| f(a, b)).collect()),
        (Ok(a), Ok(b)) => Buf::Owned(a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()),
    }
}

/// The values of a tag. Rows of one series share one, so that what is worked out of a value is
/// worked out once a series rather than once a row.
#[derive(Clone, Debug)]
pub(crate) struct Tags<'a> {
    /// One place in `values` a row.
    pub codes: Vec<u32>,
    /// Each is the value of some row; equal ones can occur several times.
    pub values: Vec<Option<&'a str>>,
}

impl<'a> Tags<'a> {
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<&'a str> {
        self.values[self.codes[row] as usize]
    }
}

/// A column of texts.
#[derive(Clone, Debug)]
pub(crate) enum Texts<'a> {
    Scalar(&'a str),
    Column(&'a Strings),
    Tags(&'a Tags<'a>),
    Owned(Strings),
}

impl Texts<'_> {
    #[inline]
    pub(crate) fn get(&self, row: usize) -> &str {
        match self {
            Texts::Scalar(v) => v,
            Texts::Column(v) => v.get(row),
            Texts::Tags(v) => v.get(row).unwrap_or(""),
            Texts::Owned(v) => v.get(row),
        }
    }

    pub(crate) fn into_strings(self, rows: usize) -> Strings {
        match self {
            Texts::Owned(v) => v,
            Texts::Column(v) => v.clone(),
            other => {
                let mut out = Strings::default();
                (0..rows).for_each(|row| out.push(other.get(row)));
                out
            }
        }
    }
}

/// A column of any type. Values of rows that are not in play mean nothing.
#[derive(Clone, Debug)]
pub(crate) enum Col<'a> {
    Float(Buf<'a, f64>),
    Int(Buf<'a, i64>),
    Bool(Buf<'a, bool>),
    Duration(Buf<'a, i64>),
    Time(Buf<'a, i64>),
    Str(Texts<'a>),
    Regex(&'a Regex),
}

impl<'a> Col<'a> {
    /// Some column of that type, for rows that all failed.
    pub(crate) fn nothing(ty: Ty) -> Col<'a> {
        match ty {
            Ty::Float => Col::Float(Buf::Scalar(0.0)),
            Ty::Int => Col::Int(Buf::Scalar(0)),
            Ty::Duration => Col::Duration(Buf::Scalar(0)),
            Ty::Time => Col::Time(Buf::Scalar(0)),
            Ty::Str | Ty::Regex => Col::Str(Texts::Scalar("")),
            Ty::Bool | Ty::Missing => Col::Bool(Buf::Scalar(false)),
        }
    }

    /// The column of a field; `None` when its values are of several types.
    pub(crate) fn of_data(data: &'a Data) -> Option<Col<'a>> {
        Some(match data {
            Data::Float(v) => Col::Float(Buf::Slice(v)),
            Data::Int(v) => Col::Int(Buf::Slice(v)),
            Data::Bool(v) => Col::Bool(Buf::Slice(v)),
            Data::Str(v) => Col::Str(Texts::Column(v)),
            Data::Mixed(_) => return None,
        })
    }

    /// The value of a row.
    pub(crate) fn get(&self, row: usize) -> Val<'_> {
        match self {
            Col::Float(v) => Val::Float(v.get(row)),
            Col::Int(v) => Val::Int(v.get(row)),
            Col::Bool(v) => Val::Bool(v.get(row)),
            Col::Duration(v) => Val::Duration(v.get(row)),
            Col::Time(v) => Val::Time(v.get(row)),
            Col::Str(v) => Val::Str(Cow::Borrowed(v.get(row))),
            Col::Regex(v) => Val::Regex(v),
        }
    }
}
