//! Tasks: define, list, show, change, delete; and what their endpoints show.

mod request;

use crate::body;
use crate::call::{Call, number, one_of};
use crate::glob;
use crate::query;
use crate::reply::{Content, Reply};
use crate::task_json::{FIELDS, Format, NODE_ERRORS, PLACEMENT, field, whole};
use engine::{Engine, TaskError, TaskView};
use http::StatusCode;
use model::Row;
use pipeline::graph::DotView;
use request::Request;
use serde_json::{Map, Value, json};

const PREFIX: &str = "/kapacitor/v1/tasks/";

/// Tasks in a list, unless the request says otherwise.
const LIMIT: i64 = 100;

/// GET /tasks
pub async fn list(call: Call) -> Reply {
    let engine = call.server.engine.clone();
    let views = engine.task_views().await;
    listed(&call, views).unwrap_or_else(|reply| reply)
}

fn listed(call: &Call, views: Vec<TaskView>) -> Result<Reply, Reply> {
    let format = format(call)?;
    let offset = number(call, "offset", 0)?;
    let limit = number(call, "limit", LIMIT)?;
    let fields = fields(call)?;
    let pattern = call.param("pattern");
    // As in Kapacitor, a pattern that is none matches nothing, and negative numbers do not limit.
    let wanted = |view: &TaskView| pattern.is_empty() || glob::matches(&pattern, &view.task.id) == Ok(true);
    let tasks: Vec<Value> = views
        .into_iter()
        .filter(wanted)
        .skip(usize::try_from(offset).unwrap_or(0))
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
        .map(|view| {
            let value = |name: &&str| Some(((*name).to_owned(), field(&view, name, format)?));
            Value::Object(fields.iter().filter_map(value).collect::<Map<_, _>>())
        })
        .collect();
    Ok(Reply::json(&json!({"tasks": tasks})))
}

/// The fields that are asked for, sorted; `id` and `link` are always there.
fn fields(call: &Call) -> Result<Vec<&'static str>, Reply> {
    let asked: Vec<_> = query::all(call.query(), "fields").collect();
    if asked.is_empty() {
        return Ok(FIELDS.to_vec());
    }
    let mut fields = vec!["id", "link"];
    for name in asked {
        let known = FIELDS.into_iter().chain([PLACEMENT, NODE_ERRORS]).find(|field| *field == name);
        let unknown = || Reply::bad_request(&format!("unsupported field {}", tick::quote(&name)));
        fields.push(known.ok_or_else(unknown)?);
    }
    fields.sort_unstable();
    fields.dedup();
    Ok(fields)
}

fn format(call: &Call) -> Result<Format, Reply> {
    let raw = one_of(call, "script-format", &["formatted", "raw"])? == "raw";
    let dot = match one_of(call, "dot-view", &["attributes", "labels"])? {
        "labels" => DotView::Labels,
        _ => DotView::Attributes,
    };
    Ok(Format { raw, dot })
}

/// GET /tasks/ID and /tasks/ID/ENDPOINT
pub async fn show(call: Call) -> Reply {
    let rest = call.rest(PREFIX).to_owned();
    match rest.split_once('/') {
        Some((id, endpoint)) => show_endpoint(&call.server.engine, id, endpoint).await,
        None => {
            let engine = call.server.engine.clone();
            let view = engine.task(&rest).await;
            show_one(&call, &rest, view).unwrap_or_else(|reply| reply)
        }
    }
}

fn show_one(call: &Call, id: &str, view: Option<TaskView>) -> Result<Reply, Reply> {
    if id.is_empty() {
        return Err(no_id());
    }
    let format = format(call)?;
    let view = view.ok_or_else(no_task)?;
    let replay = call.param("replay-id");
    if !replay.is_empty() {
        return Err(Reply::bad_request(&format!("no running replay with ID: {replay}")));
    }
    let reply = Reply::json(&whole(&view, format));
    Ok(reply.missing(view.missing))
}

async fn show_endpoint(engine: &Engine, id: &str, endpoint: &str) -> Reply {
    let mut rows = engine.endpoint(id, endpoint).await;
    if rows.is_none() && !endpoint.is_empty() {
        // A script may name it with the slash.
        rows = engine.endpoint(id, &format!("/{endpoint}")).await;
    }
    match rows {
        Some((rows, missing)) => Reply::new(StatusCode::OK, Content::Json, series(&rows)).missing(missing),
        None => no_task(),
    }
}

/// `{"series":[...]}`, a row a group; without groups the list is null, as Go writes it.
fn series(rows: &[Option<Row>]) -> Vec<u8> {
    let mut out = b"{\"series\":".to_vec();
    if rows.is_empty() {
        out.extend_from_slice(b"null}");
        return out;
    }
    for (number, row) in rows.iter().enumerate() {
        out.push(if number == 0 { b'[' } else { b',' });
        match row {
            Some(row) => alert::row_json(row, &mut out),
            None => out.extend_from_slice(b"null"),
        }
    }
    out.extend_from_slice(b"]}");
    out
}

/// POST /tasks
pub async fn create(mut call: Call) -> Reply {
    let request = match read(&mut call).await {
        Ok(request) => request,
        Err(reply) => return reply,
    };
    let engine = call.server.engine.clone();
    let created = async move {
        let task = engine.create_task(request.into_new()).await?;
        Ok(engine.task(&task.id).await)
    };
    defined(detached(created).await)
}

/// PATCH /tasks/ID
pub async fn update(mut call: Call) -> Reply {
    let id = call.rest(PREFIX).to_owned();
    if id.is_empty() {
        return no_id();
    }
    let request = match read(&mut call).await {
        Ok(request) => request,
        Err(reply) => return reply,
    };
    let engine = call.server.engine.clone();
    if engine.catalog().task(&id).is_none() {
        return Reply::error(StatusCode::NOT_FOUND, "task does not exist, cannot update");
    }
    if !request.id.is_empty() && request.id != id && engine.catalog().task(&request.id).is_some() {
        let text = "failed to create new task during ID change: object already exists";
        return Reply::error(StatusCode::INTERNAL_SERVER_ERROR, text);
    }
    let updated = async move {
        let task = engine.update_task(&id, request.into_change()).await?;
        Ok(engine.task(&task.id).await)
    };
    defined(detached(updated).await)
}

/// DELETE /tasks/ID
pub async fn delete(call: Call) -> Reply {
    let id = call.rest(PREFIX).to_owned();
    if id.is_empty() {
        return no_id();
    }
    let engine = call.server.engine.clone();
    match detached(async move { engine.delete_task(&id).await }).await {
        Ok(()) => Reply::no_content(),
        Err(error) => failed(&error),
    }
}

async fn read(call: &mut Call) -> Result<Request, Reply> {
    let body = body::json(call).await?.map_err(|_| Reply::bad_request("invalid JSON"))?;
    Request::read(&body)
}

/// Carries out a change to its end, even when the client does not wait for it.
async fn detached<T: Send + 'static>(
    change: impl Future<Output = Result<T, TaskError>> + Send + 'static,
) -> Result<T, TaskError> {
    tokio::spawn(change).await.unwrap_or_else(|_| {
        Err(TaskError::Unavailable("the change failed: the server's log has the details".into()))
    })
}

fn defined(result: Result<Option<TaskView>, TaskError>) -> Reply {
    match result {
        Ok(Some(view)) => Reply::json(&whole(&view, Format { raw: false, dot: DotView::Attributes })),
        // Somebody deleted it meanwhile.
        Ok(None) => no_task(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &TaskError) -> Reply {
    let status = match error {
        TaskError::Invalid(_) | TaskError::Script { .. } => StatusCode::BAD_REQUEST,
        TaskError::NoTask => return no_task(),
        TaskError::Start(_) => StatusCode::INTERNAL_SERVER_ERROR,
        TaskError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    Reply::error(status, &error.to_string())
}

fn no_task() -> Reply {
    Reply::error(StatusCode::NOT_FOUND, "no task exists")
}

fn no_id() -> Reply {
    Reply::bad_request("must specify task id on path")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::BASE;

    #[test]
    fn the_prefix_is_the_routes() {
        assert_eq!(PREFIX, format!("{BASE}/tasks/"));
    }

    #[test]
    fn groups_without_a_row_are_null() {
        assert_eq!(series(&[]), b"{\"series\":null}");
        let tags = model::TagSet::new::<&str, &str>([]);
        let row = Row { name: "m".into(), tags, columns: Vec::new(), values: Vec::new() };
        assert_eq!(series(&[None, Some(row)]), b"{\"series\":[null,{\"name\":\"m\"}]}");
    }
}
