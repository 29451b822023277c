//! Handlers that are put on topics: defined, changed, taken away.

use super::{PREFIX, show_handler};
use crate::body;
use crate::call::Call;
use crate::go_json;
use crate::json_patch::{Patch, kind};
use crate::reply::Reply;
use crate::routes::member;
use alert::HandlerSpec;
use engine::{Engine, TaskError};
use http::StatusCode;
use serde_json::{Map, Value, json};

/// A request's handler, and the topic that it names, which only a patch may do.
struct Asked {
    spec: HandlerSpec,
    topic: String,
}

/// POST /alerts/topics/T/handlers
pub async fn create(call: Call) -> Reply {
    created(call).await.unwrap_or_else(|reply| reply)
}

async fn created(mut call: Call) -> Result<Reply, Reply> {
    let (topic, _) = names(&call);
    let body = body::bytes(&mut call).await?;
    let invalid = |why: String| Reply::bad_request(&format!("invalid handler json: {why}"));
    let asked = go_json::read(&body).and_then(|value| read(&value)).map_err(invalid)?;
    check(&topic, &asked.spec)?;
    let defined = call.server.engine.define_handler(&topic, asked.spec.clone()).await;
    defined.map_err(|error| failed("create", &error))?;
    Ok(Reply::json(&show_handler(&topic, &asked.spec)))
}

/// PUT /alerts/topics/T/handlers/H
pub async fn replace(call: Call) -> Reply {
    replaced(call).await.unwrap_or_else(|reply| reply)
}

async fn replaced(mut call: Call) -> Result<Reply, Reply> {
    let (topic, id) = names(&call);
    known(&call.server.engine, &topic, &id)?;
    let body = body::bytes(&mut call).await?;
    let invalid = |why: String| Reply::bad_request(&format!("failed to unmarshal JSON: {why}"));
    let asked = go_json::read(&body).and_then(|value| read(&value)).map_err(invalid)?;
    update(&call.server.engine, &topic, &id, asked.spec).await
}

/// PATCH /alerts/topics/T/handlers/H
pub async fn patch(call: Call) -> Reply {
    patched(call).await.unwrap_or_else(|reply| reply)
}

async fn patched(mut call: Call) -> Result<Reply, Reply> {
    let (topic, id) = names(&call);
    let before = known(&call.server.engine, &topic, &id)?;
    let body = body::bytes(&mut call).await?;
    let patch = go_json::read(&body).and_then(Patch::read);
    let patch = patch.map_err(|why| Reply::bad_request(&format!("invalid patch json: {why}")))?;
    let HandlerSpec { id: _, kind, options, matching } = &before;
    let mut document =
        json!({"id": id, "topic": topic, "kind": &**kind, "options": options, "match": matching});
    patch.apply(&mut document).map_err(|why| Reply::bad_request(&format!("failed to apply patch: {why}")))?;
    let internal = |why: String| Reply::error(StatusCode::INTERNAL_SERVER_ERROR, &why);
    let asked =
        read(&document).map_err(|why| internal(format!("failed to unmarshal patched json: {why}")))?;
    // One that is taken out stays as it was.
    let moved = !asked.topic.is_empty() && asked.topic != topic;
    if moved {
        check(&asked.topic, &asked.spec)?;
        return Err(internal("failed to update handler: cannot change topic in update".to_owned()));
    }
    update(&call.server.engine, &topic, &id, asked.spec).await
}

/// Takes a handler off its topic.
pub async fn delete(engine: &Engine, topic: &str, id: &str) -> Reply {
    match engine.delete_handler(topic, id).await {
        Ok(()) => Reply::no_content(),
        Err(error) => failed("delete", &error),
    }
}

async fn update(engine: &Engine, topic: &str, id: &str, spec: HandlerSpec) -> Result<Reply, Reply> {
    check(topic, &spec)?;
    let replaced = engine.replace_handler(topic, id, spec.clone()).await;
    replaced.map_err(|error| failed("update", &error))?;
    Ok(Reply::json(&show_handler(topic, &spec)))
}

/// The topic and the handler that a path names; empty for what it does not.
fn names(call: &Call) -> (String, String) {
    let rest = call.rest(PREFIX);
    let (topic, below) = rest.split_once('/').unwrap_or((rest, ""));
    let id = below.strip_prefix("handlers/").unwrap_or_default();
    (topic.to_owned(), id.to_owned())
}

fn known(engine: &Engine, topic: &str, id: &str) -> Result<HandlerSpec, Reply> {
    let catalog = engine.catalog();
    let found = super::specs(&catalog, topic).find(|spec| *spec.id == *id).cloned();
    found.ok_or_else(|| super::unknown_handler(id))
}

/// Checks what Kapacitor checks before anything else, with its status.
fn check(topic: &str, spec: &HandlerSpec) -> Result<(), Reply> {
    let invalid = |why: String| Reply::bad_request(&format!("invalid handler spec: {why}"));
    if alert::check_topic_name(topic).is_err() {
        // It names the handler, not the topic.
        let wrong = alert::Error::TopicName(spec.id.to_string());
        return Err(invalid(wrong.to_string()));
    }
    alert::check_handler_id(&spec.id).map_err(|error| invalid(error.to_string()))?;
    if spec.kind.is_empty() {
        return Err(invalid(alert::Error::NoKind.to_string()));
    }
    Ok(())
}

fn failed(what: &str, error: &TaskError) -> Reply {
    let status = match error {
        TaskError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Reply::error(status, &format!("failed to {what} handler: {error}"))
}

/// Reads a handler. Members that nobody knows do not count, null is as good as nothing.
fn read(value: &Value) -> Result<Asked, String> {
    if !value.is_object() && !value.is_null() {
        return Err(format!(
            "json: cannot unmarshal {} into Go value of type alert.HandlerSpec",
            kind(value)
        ));
    }
    let wrong = |name: &str, found: &Value, wanted: &str| {
        let found = kind(found);
        format!("json: cannot unmarshal {found} into Go struct field HandlerSpec.{name} of type {wanted}")
    };
    let text = |name: &str| match member(value, name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(wrong(name, other, "string")),
    };
    let options = match member(value, "options") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(options)) => options.clone(),
        Some(other) => return Err(wrong("options", other, "map[string]interface {}")),
    };
    let spec = HandlerSpec::new(&text("id")?, &text("kind")?, options);
    Ok(Asked { spec: HandlerSpec { matching: text("match")?, ..spec }, topic: text("topic")? })
}
