//! Methods of Go's `time.Time`, `time.Duration` and named integers that a template can call.

use crate::duration::{self, HOUR, MINUTE, SECOND};
use crate::layout;
use crate::number;
use crate::time::Time;
use crate::value::{MONTH, Value, WEEKDAY};

/// Type of a method's parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parameter {
    Text,
    Native,
    Duration,
    Time,
}

impl Parameter {
    pub fn type_name(self) -> &'static str {
        match self {
            Parameter::Text => "string",
            Parameter::Native => "int",
            Parameter::Duration => "time.Duration",
            Parameter::Time => "time.Time",
        }
    }
}

/// What a method returns. A template can only use methods with one result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Results {
    One,
    /// Two, of which the second is of this type, where Go would take an error.
    Two(&'static str),
    Three,
}

type Body = for<'a> fn(&Value<'a>, &[Value<'a>]) -> Option<Value<'a>>;

/// A method. Its body gives None only when the result is out of range.
pub(crate) struct Method {
    name: &'static str,
    pub parameters: &'static [Parameter],
    pub results: Results,
    pub call: Body,
}

const fn of(name: &'static str, parameters: &'static [Parameter], call: Body) -> Method {
    Method { name, parameters, results: Results::One, call }
}

const fn many(name: &'static str, results: Results) -> Method {
    Method { name, parameters: &[], results, call: |_, _| None }
}

/// The method `name` of `receiver`'s type.
pub(crate) fn find(receiver: &Value<'_>, name: &str) -> Option<&'static Method> {
    let methods = match receiver {
        Value::Time(_) => TIME,
        Value::Duration(_) => DURATION,
        Value::Named(..) => NAMED,
        _ => return None,
    };
    methods.iter().find(|method| method.name == name)
}

fn time(value: &Value<'_>) -> Time {
    match value {
        Value::Time(time) => *time,
        _ => Time::ZERO,
    }
}

fn nanos(value: &Value<'_>) -> i64 {
    value.integer().unwrap_or(0)
}

fn arg_time(args: &[Value<'_>]) -> Time {
    args.first().map_or(Time::ZERO, time)
}

fn arg_nanos(args: &[Value<'_>]) -> i64 {
    args.first().map_or(0, nanos)
}

fn native<'a>(value: impl Into<i64>) -> Option<Value<'a>> {
    Some(Value::Native(value.into()))
}

const TIME: &[Method] = &[
    of("Add", &[Parameter::Duration], |value, args| Some(Value::Time(time(value).add(arg_nanos(args))))),
    of("AddDate", &[Parameter::Native; 3], |value, args| {
        let part = |index: usize| args.get(index).map_or(0, nanos);
        time(value).add_date(part(0), part(1), part(2)).map(Value::Time)
    }),
    of("After", &[Parameter::Time], |value, args| Some(Value::Bool(time(value) > arg_time(args)))),
    of("Before", &[Parameter::Time], |value, args| Some(Value::Bool(time(value) < arg_time(args)))),
    many("Clock", Results::Three),
    of("Compare", &[Parameter::Time], |value, args| native(time(value).cmp(&arg_time(args)) as i64)),
    many("Date", Results::Three),
    of("Day", &[], |value, _| native(time(value).civil().day)),
    of("Equal", &[Parameter::Time], |value, args| Some(Value::Bool(time(value) == arg_time(args)))),
    of("Format", &[Parameter::Text], |value, args| {
        let mut out = String::new();
        layout::format(&mut out, time(value), args.first().and_then(Value::text).unwrap_or(""));
        Some(Value::owned(out))
    }),
    of("GoString", &[], |value, _| Some(Value::owned(go_string(time(value))))),
    of("Hour", &[], |value, _| native(time(value).civil().hour)),
    many("ISOWeek", Results::Two("int")),
    of("IsDST", &[], |_, _| Some(Value::Bool(false))),
    of("IsZero", &[], |value, _| Some(Value::Bool(time(value) == Time::ZERO))),
    // Times are kept in UTC, and so is the "local" zone: rendering does not read the machine's.
    of("Local", &[], |value, _| Some(value.clone())),
    of("Minute", &[], |value, _| native(time(value).civil().minute)),
    of("Month", &[], |value, _| Some(Value::Named(&MONTH, time(value).civil().month.into()))),
    of("Nanosecond", &[], |value, _| native(time(value).subsecond_nanos())),
    of("Round", &[Parameter::Duration], |value, args| Some(Value::Time(time(value).round(arg_nanos(args))))),
    of("Second", &[], |value, _| native(time(value).civil().second)),
    of("String", &[], |value, _| Some(Value::owned(time_string(time(value))))),
    of("Sub", &[Parameter::Time], |value, args| Some(Value::Duration(time(value).sub(arg_time(args))))),
    of("Truncate", &[Parameter::Duration], |value, args| {
        Some(Value::Time(time(value).truncate(arg_nanos(args))))
    }),
    of("UTC", &[], |value, _| Some(value.clone())),
    of("Unix", &[], |value, _| Some(Value::Int(time(value).unix()))),
    of("UnixMicro", &[], |value, _| Some(Value::Int(time(value).unix_in(1_000_000)))),
    of("UnixMilli", &[], |value, _| Some(Value::Int(time(value).unix_in(1_000)))),
    of("UnixNano", &[], |value, _| Some(Value::Int(time(value).unix_in(1_000_000_000)))),
    of("Weekday", &[], |value, _| Some(Value::Named(&WEEKDAY, time(value).weekday()))),
    of("Year", &[], |value, _| native(time(value).civil().year)),
    of("YearDay", &[], |value, _| native(time(value).year_day())),
    many("Zone", Results::Two("int")),
    many("ZoneBounds", Results::Two("time.Time")),
];

const DURATION: &[Method] = &[
    of("Abs", &[], |value, _| Some(Value::Duration(nanos(value).saturating_abs()))),
    of("Hours", &[], |value, _| Some(Value::Float(duration::in_units(nanos(value), HOUR)))),
    of("Microseconds", &[], |value, _| Some(Value::Int(nanos(value) / 1_000))),
    of("Milliseconds", &[], |value, _| Some(Value::Int(nanos(value) / 1_000_000))),
    of("Minutes", &[], |value, _| Some(Value::Float(duration::in_units(nanos(value), MINUTE)))),
    of("Nanoseconds", &[], |value, _| Some(Value::Int(nanos(value)))),
    of("Round", &[Parameter::Duration], |value, args| {
        Some(Value::Duration(duration::round(nanos(value), arg_nanos(args))))
    }),
    of("Seconds", &[], |value, _| Some(Value::Float(duration::in_units(nanos(value), SECOND)))),
    of("String", &[], |value, _| {
        let mut out = String::new();
        number::format_duration(&mut out, nanos(value));
        Some(Value::owned(out))
    }),
    of("Truncate", &[Parameter::Duration], |value, args| {
        Some(Value::Duration(duration::truncate(nanos(value), arg_nanos(args))))
    }),
];

const NAMED: &[Method] = &[of("String", &[], |value, _| match value {
    Value::Named(named, value) => Some(Value::owned(crate::format::named_text(named, *value))),
    _ => None,
})];

/// `Time.String`.
pub(crate) fn time_string(time: Time) -> String {
    let mut out = String::new();
    time.put_string(&mut out);
    out
}

/// `Time.GoString`: the expression that makes the time.
pub(crate) fn go_string(time: Time) -> String {
    let civil = time.civil();
    let month = MONTH.text(civil.month.into());
    format!(
        "time.Date({}, time.{month}, {}, {}, {}, {}, {}, time.UTC)",
        civil.year, civil.day, civil.hour, civil.minute, civil.second, civil.nanos
    )
}
