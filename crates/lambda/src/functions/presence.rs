//! Whether a point has a field or tag.

use super::{Body, Function, Signature};
use crate::types::Ty;

pub(super) const FUNCTIONS: &[Function] = &[Function {
    name: "isPresent",
    doc: "Whether the point has a field or tag of that name; never an error.",
    signatures: &[
        Signature { args: &[Ty::Missing], result: Ty::Bool },
        Signature { args: &[Ty::Bool], result: Ty::Bool },
        Signature { args: &[Ty::Str], result: Ty::Bool },
        Signature { args: &[Ty::Int], result: Ty::Bool },
        Signature { args: &[Ty::Float], result: Ty::Bool },
    ],
    body: Body::IsPresent,
}];
