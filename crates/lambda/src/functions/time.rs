//! Parts of a time, as a clock on the server's wall would show it.

use super::{Body, Function, Signature};
use crate::scope::Env;
use crate::types::{Ty, Val};
use jiff::Timestamp;
use jiff::civil::DateTime;

/// `name(time) -> int`.
macro_rules! part {
    ($name:literal, $body:expr, $doc:literal) => {
        Function {
            name: $name,
            doc: $doc,
            signatures: &[Signature { args: &[Ty::Time], result: Ty::Int }],
            body: Body::Time1($body),
        }
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    part!("unixNano", |ns, _| ns, "Nanoseconds since the beginning of 1970, UTC."),
    part!("minute", |ns, env| i64::from(local(ns, env).minute()), "The minute of the hour, 0 to 59."),
    part!("hour", |ns, env| i64::from(local(ns, env).hour()), "The hour of the day, 0 to 23."),
    part!(
        "weekday",
        |ns, env| i64::from(local(ns, env).weekday().to_sunday_zero_offset()),
        "The day of the week, 0 (Sunday) to 6."
    ),
    part!("day", |ns, env| i64::from(local(ns, env).day()), "The day of the month, 1 to 31."),
    part!("month", |ns, env| i64::from(local(ns, env).month()), "The month of the year, 1 to 12."),
    part!("year", |ns, env| i64::from(local(ns, env).year()), "The year, such as 2026."),
    Function {
        name: "now",
        doc: "The present time.",
        signatures: &[Signature { args: &[], result: Ty::Time }],
        body: Body::Any(|_, env| Ok(Val::Time(env.now))),
    },
];

fn local(ns: i64, env: &Env) -> DateTime {
    // 64 bits of nanoseconds end in 2262, far within what a timestamp can hold.
    let at = Timestamp::from_nanosecond(i128::from(ns)).unwrap_or(Timestamp::UNIX_EPOCH);
    env.zone.to_datetime(at)
}
