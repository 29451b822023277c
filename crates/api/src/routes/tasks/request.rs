//! What a client may say of a task: the body of POST and PATCH.

use crate::reply::Reply;
use crate::routes::member;
use crate::var_json::{self, Wrong};
use catalog::{Dbrp, Status, TaskKind, Var};
use engine::{NewTask, TaskChange};
use serde_json::Value;
use std::collections::BTreeMap;

/// A request to define or to change a task. Empty and null mean that nothing is said.
#[derive(Debug, Default)]
pub struct Request {
    /// The id.
    pub id: String,
    kind: Option<TaskKind>,
    dbrps: Vec<Dbrp>,
    script: String,
    vars: BTreeMap<String, Var>,
    status: Option<Status>,
}

impl Request {
    /// Reads it. Members that nobody knows do not count, as in Kapacitor.
    pub fn read(body: &Value) -> Result<Request, Reply> {
        if !body.is_object() && !body.is_null() {
            return Err(invalid());
        }
        let template = text(body, "template-id")?;
        let request = Request {
            id: text(body, "id")?,
            kind: word(body, "type", &[("stream", TaskKind::Stream), ("batch", TaskKind::Batch)])?,
            dbrps: dbrps(body)?,
            script: text(body, "script")?,
            vars: vars(body)?,
            status: word(body, "status", &[("enabled", Status::Enabled), ("disabled", Status::Disabled)])?,
        };
        if !template.is_empty() {
            return Err(Reply::bad_request(
                "templates are not available in this version of Farad: send the script and its vars instead of template-id",
            ));
        }
        Ok(request)
    }

    /// As a definition.
    pub fn into_new(self) -> NewTask {
        let Request { id, kind, dbrps, script, vars, status } = self;
        NewTask { id, kind, dbrps, script, vars, status: status.unwrap_or_default() }
    }

    /// As a change.
    pub fn into_change(self) -> TaskChange {
        let Request { id, kind, dbrps, script, vars, status } = self;
        TaskChange {
            id: Some(id).filter(|id| !id.is_empty()),
            kind,
            dbrps: Some(dbrps).filter(|dbrps| !dbrps.is_empty()),
            script: Some(script).filter(|script| !script.is_empty()),
            vars: Some(vars).filter(|vars| !vars.is_empty()),
            status,
        }
    }
}

fn invalid() -> Reply {
    Reply::bad_request("invalid JSON")
}

fn text(object: &Value, name: &str) -> Result<String, Reply> {
    match member(object, name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(invalid()),
    }
}

fn word<T: Copy>(object: &Value, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Reply> {
    match member(object, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(given)) => {
            let found = words.iter().find(|(word, _)| word == given);
            found.map(|(_, value)| Some(*value)).ok_or_else(invalid)
        }
        Some(_) => Err(invalid()),
    }
}

fn dbrps(object: &Value) -> Result<Vec<Dbrp>, Reply> {
    let list = match member(object, "dbrps") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(invalid()),
    };
    let read = list.iter().map(|dbrp| {
        if !dbrp.is_object() && !dbrp.is_null() {
            return Err(invalid());
        }
        Ok(Dbrp { db: text(dbrp, "db")?.as_str().into(), rp: text(dbrp, "rp")?.as_str().into() })
    });
    read.collect()
}

fn vars(object: &Value) -> Result<BTreeMap<String, Var>, Reply> {
    match member(object, "vars") {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(given) => var_json::read(given).map_err(|wrong| match wrong {
            Wrong::Shape => invalid(),
            Wrong::Value(text) => Reply::bad_request(&text),
        }),
    }
}
