//! Functions that remember, for each group and each lambda.

use super::{Body, Function, Signature};
use crate::state::Stateful;
use crate::types::Ty;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "sigma",
        doc: "How many standard deviations the value is away from the running mean.",
        signatures: &[Signature { args: &[Ty::Float], result: Ty::Float }],
        body: Body::Stateful(Stateful::Sigma),
    },
    Function {
        name: "count",
        doc: "How many points the expression has seen.",
        signatures: &[Signature { args: &[], result: Ty::Int }],
        body: Body::Stateful(Stateful::Count),
    },
    Function {
        name: "spread",
        doc: "The largest value so far less the smallest.",
        signatures: &[Signature { args: &[Ty::Float], result: Ty::Float }],
        body: Body::Stateful(Stateful::Spread),
    },
    Function {
        name: "rand",
        doc: "A random integer that is not negative, or one below the argument; a replay draws the same.",
        signatures: &[
            Signature { args: &[], result: Ty::Int },
            Signature { args: &[Ty::Int], result: Ty::Int },
        ],
        body: Body::Stateful(Stateful::Rand),
    },
];
