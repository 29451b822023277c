//! Conversions from one type to another.

use super::{Body, Function, Signature, float, int, text};
use crate::error::CallError;
use crate::scope::Env;
use crate::text::{NotNumber, parse_float, parse_int, plain_float};
use crate::types::{Ty, Val};
use std::borrow::Cow;
use tick::duration::{format_influx, parse_influx};
use tick::float_to_int;

/// One signature for each type of a single argument.
macro_rules! each {
    ($result:ident: $($arg:ident)*) => {
        &[$(Signature { args: &[Ty::$arg], result: Ty::$result }),*]
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "bool",
        doc: "Converts to a boolean: 0 and 1 of the numbers, and texts such as 'true', 'F' or '1'.",
        signatures: each!(Bool: Bool Str Int Float),
        body: Body::Any(boolean),
    },
    Function {
        name: "int",
        doc: "Converts to an integer; a float loses its fraction, a text is read in base ten.",
        signatures: each!(Int: Bool Str Int Float),
        body: Body::Any(integer),
    },
    Function {
        name: "float",
        doc: "Converts to a float.",
        signatures: each!(Float: Bool Str Int Float),
        body: Body::Any(real),
    },
    Function {
        name: "string",
        doc: "Converts to a text; a float has no exponent, a duration is in its largest whole unit.",
        signatures: each!(Str: Bool Str Int Float Duration),
        body: Body::Any(string),
    },
    Function {
        name: "duration",
        doc: "Converts to a duration: a number of units, or a text such as '1h30m' (its unit is not used).",
        signatures: &[
            Signature { args: &[Ty::Duration], result: Ty::Duration },
            Signature { args: &[Ty::Int, Ty::Duration], result: Ty::Duration },
            Signature { args: &[Ty::Float, Ty::Duration], result: Ty::Duration },
            Signature { args: &[Ty::Str, Ty::Duration], result: Ty::Duration },
        ],
        body: Body::Any(duration),
    },
];

fn not_number(name: &'static str, why: NotNumber, text: &str) -> CallError {
    match why {
        NotNumber::Syntax => CallError::Syntax(name, text.into()),
        NotNumber::Range => CallError::Range(name, text.into()),
    }
}

fn boolean<'a>(args: &mut [Val<'a>], _: &Env) -> Result<Val<'a>, CallError> {
    Ok(Val::Bool(match &args[0] {
        Val::Bool(v) => *v,
        Val::Int(v @ (0 | 1)) => *v == 1,
        Val::Int(v) => return Err(CallError::NotBoolean(*v)),
        Val::Float(v) if *v == 0.0 || *v == 1.0 => *v == 1.0,
        Val::Float(v) => return Err(CallError::FloatNotBoolean(*v)),
        _ => {
            let text = text(args, 0);
            match text.as_ref() {
                "1" | "t" | "T" | "TRUE" | "true" | "True" => true,
                "0" | "f" | "F" | "FALSE" | "false" | "False" => false,
                other => return Err(CallError::Syntax("ParseBool", other.into())),
            }
        }
    }))
}

fn integer<'a>(args: &mut [Val<'a>], _: &Env) -> Result<Val<'a>, CallError> {
    Ok(Val::Int(match &args[0] {
        Val::Bool(v) => i64::from(*v),
        Val::Float(v) => float_to_int(*v),
        Val::Int(v) => *v,
        _ => {
            let text = text(args, 0);
            parse_int(&text).map_err(|why| not_number("ParseInt", why, &text))?
        }
    }))
}

fn real<'a>(args: &mut [Val<'a>], _: &Env) -> Result<Val<'a>, CallError> {
    Ok(Val::Float(match &args[0] {
        Val::Bool(v) => f64::from(u8::from(*v)),
        Val::Float(v) => *v,
        Val::Int(v) => *v as f64,
        _ => {
            let text = text(args, 0);
            parse_float(&text).map_err(|why| not_number("ParseFloat", why, &text))?
        }
    }))
}

fn string<'a>(args: &mut [Val<'a>], _: &Env) -> Result<Val<'a>, CallError> {
    Ok(Val::Str(match &args[0] {
        Val::Bool(v) => Cow::Borrowed(if *v { "true" } else { "false" }),
        Val::Int(v) => v.to_string().into(),
        Val::Float(v) => plain_float(*v).into(),
        Val::Duration(v) => format_influx(*v).into(),
        _ => text(args, 0),
    }))
}

fn duration<'a>(args: &mut [Val<'a>], _: &Env) -> Result<Val<'a>, CallError> {
    Ok(Val::Duration(match &args[0] {
        Val::Duration(v) => *v,
        Val::Int(v) => v.wrapping_mul(int(args, 1)),
        Val::Float(_) => float_to_int(float(args, 0) * int(args, 1) as f64),
        _ => {
            let text = text(args, 0);
            parse_influx(&text).map_err(|_| CallError::Duration(text.as_ref().into()))?
        }
    }))
}
