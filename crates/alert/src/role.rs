//! What a handler does with an event: most carry it out into the world, `publish` and `aggregate`
//! give it, or many of them as one, to other topics. Those two are carried out where events are
//! agreed on, so that they happen once.

use crate::spec::Options;
use crate::{Error, HandlerSpec};
use model::Name;
use serde_json::Value;
use std::sync::Arc;
use template::{Object, Slot, Template};

/// Kind of the handlers that give events to other topics.
pub const PUBLISH: &str = "publish";

/// Kind of the handlers that make one event of many.
pub const AGGREGATE: &str = "aggregate";

/// Message of an aggregate that has none of its own.
const MESSAGE: &str = "Received {{ .Count }} events in the last {{.Interval}}.";

/// What a handler does with an event.
#[derive(Clone, Debug)]
pub enum Role {
    /// A delivery is made of it.
    Deliver,
    /// It goes to these topics too.
    Publish(Vec<Name>),
    /// It waits, and becomes one event with those that come in the same interval.
    Aggregate(Arc<Aggregate>),
}

/// How events become one.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// Id of the event.
    pub id: String,
    /// From the first event to the one that is made, nanoseconds.
    pub interval: i64,
    /// Where it goes.
    pub topic: Name,
    message: Template,
}

/// What the message can speak of.
struct Facts {
    count: i64,
    interval: i64,
}

impl Object for Facts {
    fn type_name(&self) -> &str {
        "alert.aggregateMessageData"
    }

    fn field(&self, name: &str) -> Option<template::Value<'_>> {
        match name {
            "Count" => Some(template::Value::Int(self.count)),
            "Interval" => Some(template::Value::Duration(self.interval)),
            _ => None,
        }
    }

    fn shape(&self) -> &'static [Slot] {
        &[Slot::Field("Count"), Slot::Field("Interval")]
    }
}

impl Aggregate {
    /// The message about so many events.
    pub fn message(&self, count: usize) -> String {
        let facts = Facts { count: i64::try_from(count).unwrap_or(i64::MAX), interval: self.interval };
        let mut text = String::new();
        // It was tried when the handler was defined; what was written before an error stays.
        let _ = self.message.render(&facts, &mut text);
        text
    }

    fn new(options: &Options) -> Result<Aggregate, Error> {
        let interval = duration(options, "interval")?.filter(|interval| *interval > 0);
        let interval = interval.ok_or_else(|| wrong(AGGREGATE, "interval", "a duration above zero"))?;
        let topic = text(options, AGGREGATE, "topic")?.filter(|topic| !topic.is_empty());
        let topic = topic.ok_or_else(|| wrong(AGGREGATE, "topic", "the name of a topic"))?;
        let source = text(options, AGGREGATE, "message")?.unwrap_or_else(|| MESSAGE.to_owned());
        let message =
            Template::text(&source, "message").map_err(|error| Error::Options(error.to_string()))?;
        message.render(&Facts { count: 0, interval: 0 }, &mut String::new()).map_err(|error| {
            Error::Options(format!(
                "failed to evaluate message template with aggregate message data: {error}"
            ))
        })?;
        let id = text(options, AGGREGATE, "id")?.unwrap_or_default();
        Ok(Aggregate { id, interval, topic: topic.as_str().into(), message })
    }
}

impl Role {
    /// The role that a definition asks for, its options checked.
    pub fn of(spec: &HandlerSpec) -> Result<Role, Error> {
        match &*spec.kind {
            PUBLISH => Ok(Role::Publish(topics(&spec.options)?)),
            AGGREGATE => Ok(Role::Aggregate(Arc::new(Aggregate::new(&spec.options)?))),
            _ => Ok(Role::Deliver),
        }
    }
}

fn topics(options: &Options) -> Result<Vec<Name>, Error> {
    let wrong = || wrong(PUBLISH, "topics", "a list of topics");
    let given = match option(options, "topics") {
        None => return Ok(Vec::new()),
        // One counts as a list of one.
        Some(Value::String(topic)) => vec![topic.as_str()],
        Some(given) => {
            let list = given.as_array().ok_or_else(wrong)?.iter();
            list.map(Value::as_str).collect::<Option<Vec<&str>>>().ok_or_else(wrong)?
        }
    };
    if given.iter().any(|topic| topic.is_empty()) {
        return Err(wrong());
    }
    Ok(given.into_iter().map(Name::from).collect())
}

/// An option by its name in any case, as Kapacitor reads them; null is as good as nothing.
fn option<'o>(options: &'o Options, name: &str) -> Option<&'o Value> {
    let found = options.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value).filter(|value| !value.is_null())
}

fn text(options: &Options, kind: &'static str, name: &'static str) -> Result<Option<String>, Error> {
    match option(options, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong(kind, name, "a string")),
    }
}

fn duration(options: &Options, name: &'static str) -> Result<Option<i64>, Error> {
    let wrong = || wrong(AGGREGATE, name, "a duration, in nanoseconds or as a string such as \"10s\"");
    match option(options, name) {
        None => Ok(None),
        Some(Value::String(text)) => tick::duration::parse_influx(text).map(Some).map_err(|_| wrong()),
        // JSON of other programs may bring a whole number as a float.
        Some(Value::Number(number)) => {
            let whole = number.as_i64().or_else(|| number.as_f64().map(|float| float as i64));
            whole.map(Some).ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}

fn wrong(kind: &'static str, option: &'static str, expected: &'static str) -> Error {
    Error::Options(format!("option {option:?} of handler kind {kind} must be {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn role(kind: &str, options: Value) -> Result<Role, String> {
        let options = options.as_object().expect("an object").clone();
        Role::of(&HandlerSpec::new("h", kind, options)).map_err(|error| error.to_string())
    }

    #[test]
    fn messages() {
        for (options, expected) in [
            (json!({"interval": 200_000_000, "topic": "t"}), "Received 3 events in the last 200ms."),
            (json!({"Interval": "1m", "topic": "t", "message": null}), "Received 3 events in the last 1m0s."),
            (json!({"interval": 1, "topic": "t", "message": "{{ .Count }}"}), "3"),
        ] {
            let Ok(Role::Aggregate(aggregate)) = role(AGGREGATE, options) else { panic!("{expected}") };
            assert_eq!(aggregate.message(3), expected);
        }
    }

    #[test]
    fn publishes_to_a_list_or_to_one() {
        for (options, expected) in [
            (json!({"topics": ["a", "b"]}), vec!["a", "b"]),
            (json!({"Topics": "a"}), vec!["a"]),
            (json!({}), vec![]),
        ] {
            let Ok(Role::Publish(topics)) = role(PUBLISH, options) else { panic!("{expected:?}") };
            assert_eq!(topics, expected.into_iter().map(Name::from).collect::<Vec<_>>());
        }
    }

    #[test]
    fn wrong_options() {
        for (kind, options, part) in [
            (AGGREGATE, json!({"topic": "t"}), "interval"),
            (AGGREGATE, json!({"topic": "t", "interval": 0}), "above zero"),
            (AGGREGATE, json!({"topic": "t", "interval": "-1s"}), "interval"),
            (AGGREGATE, json!({"topic": "t", "interval": "soon"}), "a duration"),
            (AGGREGATE, json!({"interval": 1}), "topic"),
            (AGGREGATE, json!({"interval": 1, "topic": 1}), "a string"),
            (AGGREGATE, json!({"interval": 1, "topic": "t", "message": "{{"}), "message"),
            (AGGREGATE, json!({"interval": 1, "topic": "t", "message": "{{ .No }}"}), "failed to evaluate"),
            (PUBLISH, json!({"topics": [1]}), "topics"),
            (PUBLISH, json!({"topics": [""]}), "topics"),
            (PUBLISH, json!({"topics": 1}), "topics"),
        ] {
            let error = role(kind, options.clone()).err().unwrap_or_default();
            assert!(error.contains(part), "{options}: {error}");
        }
        assert!(matches!(role("log", json!({"topics": 1})), Ok(Role::Deliver)));
    }
}
