//! Topics of alerts, their events and their handlers, to be read; and forgetting a topic.

pub mod handlers;

use super::BASE;
use crate::call::Call;
use crate::glob;
use crate::json::{link, time};
use crate::reply::Reply;
use alert::{HandlerSpec, Topic};
use catalog::Catalog;
use http::StatusCode;
use model::{EventState, Level};
use serde_json::{Value, json};
use template::number::format_duration;

const PREFIX: &str = "/kapacitor/v1/alerts/topics/";

/// GET /alerts/topics
pub async fn list(call: Call) -> Reply {
    listed(&call).unwrap_or_else(|reply| reply)
}

fn listed(call: &Call) -> Result<Reply, Reply> {
    let min_level = min_level(call)?;
    let pattern = call.param("pattern");
    let mut topics = Vec::new();
    for (name, topic) in call.server.engine.catalog().topics() {
        if matches(&pattern, name)? && topic.level() >= min_level {
            topics.push(show_topic(name, topic));
        }
    }
    // A mistake is told also when there is nothing to compare it with.
    matches(&pattern, "")?;
    Ok(Reply::json(&json!({"link": link("self", &own_url(call)), "topics": topics})))
}

/// GET below /alerts/topics/
pub async fn show(call: Call) -> Reply {
    let rest = call.rest(PREFIX);
    let (topic, below) = rest.split_once('/').unwrap_or((rest, ""));
    let (kind, id) = below.split_once('/').unwrap_or((below, ""));
    let catalog = call.server.engine.catalog();
    let shown = match (kind, id) {
        ("events", "") => events(&call, &catalog, topic),
        ("events", id) => event(&catalog, topic, id),
        ("handlers", "") => list_handlers(&call, &catalog, topic),
        ("handlers", id) => handler(&catalog, topic, id),
        // As in Kapacitor, what follows does not matter.
        _ => one(&catalog, topic),
    };
    shown.unwrap_or_else(|reply| reply)
}

/// DELETE /alerts/topics/T and /alerts/topics/T/handlers/H
pub async fn delete(call: Call) -> Reply {
    let topic = call.rest(PREFIX);
    if let Some((topic, id)) = topic.split_once("/handlers/") {
        return handlers::delete(&call.server.engine, topic, id).await;
    }
    if topic.is_empty() || topic.contains('/') {
        return Reply::not_found();
    }
    match call.server.engine.delete_topic(topic).await {
        Ok(()) => Reply::no_content(),
        Err(error) => Reply::error(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

fn one(catalog: &Catalog, name: &str) -> Result<Reply, Reply> {
    let unknown = || not_found(format!("unknown topic: {}", tick::quote(name)));
    let topic = open(catalog, name).ok_or_else(unknown)?;
    Ok(Reply::json(&show_topic(name, topic)))
}

fn events(call: &Call, catalog: &Catalog, name: &str) -> Result<Reply, Reply> {
    let min_level = min_level(call)?;
    let topic = open(catalog, name).ok_or_else(|| {
        // Kapacitor does not tell this failure from others.
        let text = format!("failed to get topic events: unknown topic {}", tick::quote(name));
        Reply::error(StatusCode::INTERNAL_SERVER_ERROR, &text)
    })?;
    let events: Vec<Value> = topic.events(min_level).map(|state| show_event(name, state)).collect();
    let href = format!("{PREFIX}{name}/events");
    Ok(Reply::json(&json!({"link": link("self", &href), "topic": name, "events": events})))
}

fn event(catalog: &Catalog, name: &str, id: &str) -> Result<Reply, Reply> {
    let unknown = || not_found(format!("unknown event {} in topic {}", tick::quote(id), tick::quote(name)));
    let state = open(catalog, name).and_then(|topic| topic.event(id)).ok_or_else(unknown)?;
    Ok(Reply::json(&show_event(name, state)))
}

fn list_handlers(call: &Call, catalog: &Catalog, name: &str) -> Result<Reply, Reply> {
    let pattern = call.param("pattern");
    let mut handlers = Vec::new();
    for spec in specs(catalog, name) {
        if matches(&pattern, &spec.id)? {
            handlers.push(show_handler(name, spec));
        }
    }
    matches(&pattern, "")?;
    Ok(Reply::json(&json!({"link": link("self", &own_url(call)), "topic": name, "handlers": handlers})))
}

fn handler(catalog: &Catalog, name: &str, id: &str) -> Result<Reply, Reply> {
    let found = specs(catalog, name).find(|spec| *spec.id == *id);
    Ok(Reply::json(&show_handler(name, found.ok_or_else(|| unknown_handler(id))?)))
}

fn unknown_handler(id: &str) -> Reply {
    not_found(format!("unknown handler: {}", tick::quote(id)))
}

/// A topic that is to be seen.
fn open<'c>(catalog: &'c Catalog, name: &str) -> Option<&'c Topic> {
    catalog.topic(name).filter(|topic| topic.is_open())
}

/// The handlers that somebody put on a topic, not those of a script.
fn specs<'c>(catalog: &'c Catalog, name: &str) -> impl Iterator<Item = &'c HandlerSpec> {
    let handlers = catalog.topic(name).into_iter().flat_map(Topic::handlers);
    handlers.filter(|handler| handler.defined).map(|handler| &*handler.spec)
}

fn show_topic(name: &str, topic: &Topic) -> Value {
    let href = format!("{PREFIX}{name}");
    json!({
        "link": link("self", &href),
        "id": name,
        "level": topic.level().name(),
        "collected": topic.collected(),
        "events-link": link("events", &format!("{href}/events")),
        "handlers-link": link("handlers", &format!("{href}/handlers")),
    })
}

fn show_event(topic: &str, state: &EventState) -> Value {
    let mut duration = String::new();
    format_duration(&mut duration, state.duration);
    json!({
        "link": link("self", &format!("{PREFIX}{topic}/events/{}", state.id)),
        "id": state.id,
        "state": {
            "message": state.message,
            "details": state.details,
            "time": time(Some(state.time)),
            "duration": duration,
            "level": state.level.name(),
        },
    })
}

fn show_handler(topic: &str, spec: &HandlerSpec) -> Value {
    json!({
        "link": link("self", &format!("{PREFIX}{topic}/handlers/{}", spec.id)),
        "id": &*spec.id,
        "kind": &*spec.kind,
        "options": sorted(&Value::Object(spec.options.clone())),
        "match": spec.matching,
    })
}

/// As Go writes maps: by their keys.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> =
                members.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        plain => plain.clone(),
    }
}

fn not_found(text: String) -> Reply {
    Reply::error(StatusCode::NOT_FOUND, &text)
}

fn min_level(call: &Call) -> Result<Level, Reply> {
    let given = call.param("min-level");
    let unknown = || Reply::bad_request(&format!("unknown alert level '{}'", given.to_uppercase()));
    Level::parse(&given).ok_or_else(unknown)
}

fn matches(pattern: &str, name: &str) -> Result<bool, Reply> {
    let bad = |_| Reply::bad_request("invalid pattern: syntax error in pattern");
    if pattern.is_empty() { Ok(true) } else { glob::matches(pattern, name).map_err(bad) }
}

/// The URL that was asked for, under Kapacitor's base.
fn own_url(call: &Call) -> String {
    debug_assert!(call.path.starts_with(BASE));
    match call.query() {
        "" => call.path.clone(),
        query => format!("{}?{query}", call.path),
    }
}
