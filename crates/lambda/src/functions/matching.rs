//! What a match expression of a topic handler asks of an event.

use super::{Body, Function, Signature};
use crate::scope::MatchCall;
use crate::types::Ty;

macro_rules! ask {
    ($name:literal, $result:ident, $call:ident, $doc:literal) => {
        Function {
            name: $name,
            doc: $doc,
            signatures: &[Signature { args: &[], result: Ty::$result }],
            body: Body::Match(MatchCall::$call),
        }
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    ask!("changed", Bool, Changed, "Whether the level differs from that of the event before."),
    ask!("level", Int, Level, "The level: OK, INFO, WARNING or CRITICAL."),
    ask!("name", Str, Name, "The measurement of the event's data."),
    ask!("taskName", Str, TaskName, "The task that made the event."),
    ask!("alertDuration", Duration, AlertDuration, "How long the alert has not been OK."),
];

/// The names of the levels, as integers that compare with `level()`.
pub(crate) const LEVELS: [(&str, i64); 4] = [("OK", 0), ("INFO", 1), ("WARNING", 2), ("CRITICAL", 3)];
