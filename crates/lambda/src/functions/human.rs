//! Numbers for people.

use super::{Body, Function, Signature};
use crate::error::CallError;
use crate::scope::Env;
use crate::types::{Ty, Val};
use tick::float_to_int;

pub(super) const FUNCTIONS: &[Function] = &[Function {
    name: "humanBytes",
    doc: "A number of bytes in a readable unit, such as '82 MB'.",
    signatures: &[
        Signature { args: &[Ty::Float], result: Ty::Str },
        Signature { args: &[Ty::Int], result: Ty::Str },
    ],
    body: Body::Any(human_bytes),
}];

const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

fn human_bytes<'a>(args: &mut [Val<'a>], _: &Env) -> Result<Val<'a>, CallError> {
    let bytes = match &args[0] {
        Val::Int(v) => *v as u64,
        Val::Float(v) => float_to_unsigned(*v),
        _ => 0,
    };
    Ok(Val::Str(readable(bytes).into()))
}

/// As amd64 converts: what is below zero wraps around, what is too large keeps the top bit alone.
fn float_to_unsigned(x: f64) -> u64 {
    const TOP: f64 = 9_223_372_036_854_775_808.0;
    if x < TOP { float_to_int(x) as u64 } else { float_to_int(x - TOP) as u64 | 1 << 63 }
}

fn readable(bytes: u64) -> String {
    if bytes < 10 {
        return format!("{bytes} B");
    }
    let exponent = (libm::log(bytes as f64) / libm::log(1000.0)).floor();
    let value = (bytes as f64 / libm::pow(1000.0, exponent) * 10.0 + 0.5).floor() / 10.0;
    let unit = UNITS.get(exponent as usize).unwrap_or(&"EB");
    if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}
