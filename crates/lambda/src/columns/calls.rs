//! Calls of functions over columns.

use super::buffer::{Buf, COLUMN_BYTES_MAX, Col, Texts, zip};
use super::exec::Exec;
use super::select::Selection;
use crate::error::{CallError, EvalError};
use crate::functions::{Body, Function, MAX_ARGS};
use crate::state::Stateful;
use crate::typed::Typed;
use crate::types::{Ty, Val};
use model::Strings;

impl<'b> Exec<'b, '_> {
    pub(super) fn call(
        &mut self,
        ty: Ty,
        function: &'static Function,
        args: &'b [Typed],
        slot: usize,
        rows: &mut Selection,
    ) -> Col<'b> {
        let mut columns = Vec::with_capacity(args.len());
        for (i, arg) in args.iter().enumerate() {
            self.failures.arguments.push(i + 1);
            columns.push(self.eval(arg, rows));
            self.failures.arguments.pop();
        }
        if rows.is_empty() {
            return Col::nothing(ty);
        }
        match (function.body, columns.as_slice()) {
            (Body::Stateful(stateful), args) => self.stateful(stateful, args.first(), slot, rows),
            (Body::IsPresent, _) => Col::Bool(Buf::Scalar(true)),
            (Body::Float1(f), [Col::Float(_)]) => match columns.swap_remove(0) {
                Col::Float(x) => Col::Float(x.map(f)),
                other => other,
            },
            (Body::Float2(f), [Col::Float(a), Col::Float(b)]) => Col::Float(zip(a, b, f)),
            (Body::StrBool(f), [Col::Str(a), Col::Str(b)]) => {
                Col::Bool(each(rows, |row| f(a.get(row), b.get(row))))
            }
            (Body::StrInt(f), [Col::Str(a), Col::Str(b)]) => {
                Col::Int(each(rows, |row| f(a.get(row), b.get(row))))
            }
            (Body::Time1(f), [Col::Time(t)]) => Col::Int(each(rows, |row| f(t.get(row), self.env))),
            (body, args) => match shortcut(function, args) {
                Some(column) => column,
                None => self.rowwise(ty, function.name, body, args, rows),
            },
        }
    }

    fn stateful(
        &mut self,
        stateful: Stateful,
        arg: Option<&Col<'_>>,
        slot: usize,
        rows: &Selection,
    ) -> Col<'b> {
        let layout = self.layout;
        let states = &mut *self.states;
        match (stateful, arg) {
            (Stateful::Sigma, Some(Col::Float(x))) => {
                Col::Float(each(rows, |row| states.state(row).slot(layout, slot).sigma(x.get(row))))
            }
            (Stateful::Spread, Some(Col::Float(x))) => {
                Col::Float(each(rows, |row| states.state(row).slot(layout, slot).spread(x.get(row))))
            }
            (Stateful::Rand, Some(Col::Int(n))) => {
                Col::Int(each(rows, |row| states.state(row).slot(layout, slot).rand(Some(n.get(row)))))
            }
            (Stateful::Rand, _) => {
                Col::Int(each(rows, |row| states.state(row).slot(layout, slot).rand(None)))
            }
            _ => Col::Int(each(rows, |row| states.state(row).slot(layout, slot).count())),
        }
    }

    /// Any function, a row at a time.
    fn rowwise(
        &mut self,
        ty: Ty,
        name: &'static str,
        body: Body,
        args: &[Col<'_>],
        rows: &mut Selection,
    ) -> Col<'b> {
        let mut out = Out::of(ty, rows.len());
        let width = args.len().min(MAX_ARGS);
        for row in 0..rows.len() {
            let mut value = None;
            if rows.contains(row) {
                let mut values = [const { Val::Missing }; MAX_ARGS];
                values.iter_mut().zip(args).for_each(|(value, arg)| *value = arg.get(row));
                match body.call(&mut values[..width], self.env) {
                    Ok(Val::Str(text)) if !out.has_room(&text) => {
                        self.failures.record(row, || EvalError::Call(name, CallError::TooLong));
                        rows.drop_row(row);
                    }
                    Ok(result) => value = Some(result),
                    Err(error) => {
                        self.failures.record(row, || EvalError::Call(name, error));
                        rows.drop_row(row);
                    }
                }
            }
            out.push(value);
        }
        out.finish()
    }
}

/// The value of each selected row, in order: functions that remember see them so.
#[inline]
fn each<'o, T: Copy + Default>(rows: &Selection, mut f: impl FnMut(usize) -> T) -> Buf<'o, T> {
    Buf::Owned((0..rows.len()).map(|row| if rows.contains(row) { f(row) } else { T::default() }).collect())
}

/// Calls common enough for a loop of their own.
fn shortcut<'o>(function: &Function, args: &[Col<'_>]) -> Option<Col<'o>> {
    Some(match (function.name, args) {
        ("float", [Col::Int(v)]) => Col::Float(zip(v, &Buf::Scalar(()), |v, ()| v as f64)),
        ("int", [Col::Float(v)]) => Col::Int(zip(v, &Buf::Scalar(()), |v, ()| tick::float_to_int(v))),
        ("if", [Col::Bool(c), Col::Float(a), Col::Float(b)]) => Col::Float(choose(c, a, b)?),
        ("if", [Col::Bool(c), Col::Int(a), Col::Int(b)]) => Col::Int(choose(c, a, b)?),
        ("if", [Col::Bool(c), Col::Bool(a), Col::Bool(b)]) => Col::Bool(choose(c, a, b)?),
        _ => return None,
    })
}

fn choose<'o, T: Copy>(conditions: &Buf<'_, bool>, a: &Buf<'_, T>, b: &Buf<'_, T>) -> Option<Buf<'o, T>> {
    let conditions = conditions.slice().ok()?.iter().enumerate();
    Some(Buf::Owned(conditions.map(|(row, &taken)| if taken { a.get(row) } else { b.get(row) }).collect()))
}

/// A column being written, a value for every row of the run.
enum Out {
    Float(Vec<f64>),
    Int(Vec<i64>),
    Bool(Vec<bool>),
    Duration(Vec<i64>),
    Time(Vec<i64>),
    Str(Strings),
}

impl Out {
    fn of(ty: Ty, rows: usize) -> Out {
        match ty {
            Ty::Float => Out::Float(Vec::with_capacity(rows)),
            Ty::Int => Out::Int(Vec::with_capacity(rows)),
            Ty::Duration => Out::Duration(Vec::with_capacity(rows)),
            Ty::Time => Out::Time(Vec::with_capacity(rows)),
            Ty::Str => Out::Str(Strings::default()),
            Ty::Bool | Ty::Regex | Ty::Missing => Out::Bool(Vec::with_capacity(rows)),
        }
    }

    fn has_room(&self, text: &str) -> bool {
        match self {
            Out::Str(out) => out.parts().0.len() + text.len() <= COLUMN_BYTES_MAX,
            _ => true,
        }
    }

    /// Adds a value of the column's type; anything else counts as none.
    fn push(&mut self, value: Option<Val<'_>>) {
        match (self, value) {
            (Out::Float(out), Some(Val::Float(v))) => out.push(v),
            (Out::Float(out), _) => out.push(0.0),
            (Out::Int(out), Some(Val::Int(v)))
            | (Out::Duration(out), Some(Val::Duration(v)))
            | (Out::Time(out), Some(Val::Time(v))) => out.push(v),
            (Out::Int(out) | Out::Duration(out) | Out::Time(out), _) => out.push(0),
            (Out::Bool(out), Some(Val::Bool(v))) => out.push(v),
            (Out::Bool(out), _) => out.push(false),
            (Out::Str(out), Some(Val::Str(v))) => out.push(&v),
            (Out::Str(out), _) => out.push(""),
        }
    }

    fn finish<'o>(self) -> Col<'o> {
        match self {
            Out::Float(v) => Col::Float(Buf::Owned(v)),
            Out::Int(v) => Col::Int(Buf::Owned(v)),
            Out::Bool(v) => Col::Bool(Buf::Owned(v)),
            Out::Duration(v) => Col::Duration(Buf::Owned(v)),
            Out::Time(v) => Col::Time(Buf::Owned(v)),
            Out::Str(v) => Col::Str(Texts::Owned(v)),
        }
    }
}
