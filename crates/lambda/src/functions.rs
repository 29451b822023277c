//! The functions of lambda expressions: one list, one file a family. To add one, write it in its
//! family's list; checking, errors and the manual come from there.

mod condition;
mod convert;
mod human;
pub(crate) mod matching;
mod math;
mod math_go;
mod presence;
mod regex;
mod stateful;
mod strings;
mod strings_go;
mod time;

use crate::error::CallError;
use crate::scope::{Env, MatchCall};
use crate::state::Stateful;
use crate::types::{Ty, Val};
use std::borrow::Cow;
use std::fmt;

/// The families, in the order of the manual.
const FAMILIES: [&[Function]; 9] = [
    convert::FUNCTIONS,
    math::FUNCTIONS,
    strings::FUNCTIONS,
    regex::FUNCTIONS,
    presence::FUNCTIONS,
    time::FUNCTIONS,
    human::FUNCTIONS,
    condition::FUNCTIONS,
    stateful::FUNCTIONS,
];

/// The most arguments that a call may have.
pub(crate) const MAX_ARGS: usize = 4;

/// Every function that a script can call, family by family.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// The functions that only match expressions have.
pub(crate) fn match_functions() -> impl Iterator<Item = &'static Function> {
    matching::FUNCTIONS.iter()
}

/// A function: what it is called, what it takes, what it gives.
#[derive(Clone)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// One sentence for the manual.
    pub doc: &'static str,
    /// The arguments it takes, and what it then gives.
    pub signatures: &'static [Signature],
    pub(crate) body: Body,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// One list of arguments, and the type of the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// Types of the arguments.
    pub args: &'static [Ty],
    /// Type of the result.
    pub result: Ty,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, ty) in self.args.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            f.write_str(ty.name())?;
        }
        f.write_str(")")
    }
}

/// How a function works. The narrow forms exist so that columns of numbers need no [`Val`].
#[derive(Clone, Copy)]
pub(crate) enum Body {
    Float1(fn(f64) -> f64),
    Float2(fn(f64, f64) -> f64),
    Int1(fn(i64) -> f64),
    IntFloat(fn(i64, f64) -> f64),
    Time1(fn(i64, &Env) -> i64),
    StrBool(fn(&str, &str) -> bool),
    StrInt(fn(&str, &str) -> i64),
    /// Gives a part of its first argument.
    Part(for<'a> fn(&'a str, &str) -> &'a str),
    Any(Any),
    /// Answers for a missing argument too.
    IsPresent,
    Stateful(Stateful),
    Match(MatchCall),
}

/// A function of any arguments. They fit one of its signatures, and it may take them over.
pub(crate) type Any = for<'a> fn(&mut [Val<'a>], &Env) -> Result<Val<'a>, CallError>;

impl Function {
    /// What the function gives for arguments of these types.
    pub(crate) fn result(&self, types: &[Ty]) -> Option<Ty> {
        self.signatures.iter().find(|s| s.args == types).map(|s| s.result)
    }
}

impl Body {
    /// Calls a function that has no state and needs no event. The arguments fit a signature.
    pub(crate) fn call<'a>(self, args: &mut [Val<'a>], env: &Env) -> Result<Val<'a>, CallError> {
        Ok(match self {
            Body::Float1(f) => Val::Float(f(float(args, 0))),
            Body::Float2(f) => Val::Float(f(float(args, 0), float(args, 1))),
            Body::Int1(f) => Val::Float(f(int(args, 0))),
            Body::IntFloat(f) => Val::Float(f(int(args, 0), float(args, 1))),
            Body::Time1(f) => Val::Int(f(int(args, 0), env)),
            Body::StrBool(f) => Val::Bool(f(&text(args, 0), &text(args, 1))),
            Body::StrInt(f) => Val::Int(f(&text(args, 0), &text(args, 1))),
            Body::Part(f) => {
                let cut = text(args, 1);
                Val::Str(match text(args, 0) {
                    Cow::Borrowed(whole) => Cow::Borrowed(f(whole, &cut)),
                    Cow::Owned(whole) => Cow::Owned(f(&whole, &cut).to_owned()),
                })
            }
            Body::Any(f) => return f(args, env),
            Body::IsPresent => Val::Bool(!matches!(args.first(), None | Some(Val::Missing))),
            Body::Stateful(_) | Body::Match(_) => return Err(CallError::NoEvent),
        })
    }
}

/// The float at `at`. Signatures are checked before a call, so nothing else can be there.
pub(crate) fn float(args: &[Val<'_>], at: usize) -> f64 {
    match args.get(at) {
        Some(Val::Float(v)) => *v,
        _ => 0.0,
    }
}

/// The integer, time or duration at `at`.
pub(crate) fn int(args: &[Val<'_>], at: usize) -> i64 {
    match args.get(at) {
        Some(Val::Int(v) | Val::Time(v) | Val::Duration(v)) => *v,
        _ => 0,
    }
}

/// The text at `at`, taken out.
pub(crate) fn text<'a>(args: &mut [Val<'a>], at: usize) -> Cow<'a, str> {
    match args.get_mut(at) {
        Some(Val::Str(v)) => std::mem::take(v),
        _ => Cow::Borrowed(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_list_holds_every_function_of_kapacitor_once() {
        let names: BTreeSet<_> = functions().map(|f| f.name).collect();
        assert_eq!(names.len(), functions().count());
        assert_eq!(names.len(), 83);
        assert_eq!(match_functions().count(), 5);
    }

    #[test]
    fn every_function_is_documented_and_within_the_limit() {
        for function in functions().chain(match_functions()) {
            assert!(function.doc.ends_with('.') && function.doc.len() > 10, "{}", function.name);
            assert!(!function.signatures.is_empty(), "{}", function.name);
            assert!(function.signatures.iter().all(|s| s.args.len() <= MAX_ARGS), "{}", function.name);
        }
    }
}
