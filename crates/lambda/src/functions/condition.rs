//! A choice between two values.

use super::{Body, Function, Signature};
use crate::error::CallError;
use crate::scope::Env;
use crate::types::{Ty, Val};

/// One signature for each type that the two branches may have.
macro_rules! branches {
    ($($ty:ident)*) => {
        &[$(Signature { args: &[Ty::Bool, Ty::$ty, Ty::$ty], result: Ty::$ty }),*]
    };
}

pub(super) const FUNCTIONS: &[Function] = &[Function {
    name: "if",
    doc: "The second argument when the first is true, the third otherwise; both are worked out.",
    signatures: branches!(Float Int Str Bool Regex Time Duration),
    body: Body::Any(choose),
}];

fn choose<'a>(args: &mut [Val<'a>], _: &Env) -> Result<Val<'a>, CallError> {
    let taken = if matches!(args[0], Val::Bool(true)) { 1 } else { 2 };
    Ok(std::mem::replace(&mut args[taken], Val::Missing))
}
