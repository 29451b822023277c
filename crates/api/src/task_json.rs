//! Tasks as the API shows them.

use crate::json::{link, time};
use crate::routes::BASE;
use crate::var_json;
use engine::TaskView;
use engine::definition::Definition;
use pipeline::graph::DotView;
use pipeline::partition::Placement;
use serde_json::{Map, Value, json};

/// How the parts of a task are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The script as its author wrote it.
    pub raw: bool,
    /// The form of the graph.
    pub dot: DotView,
}

/// Fields of lists, in the order in which Go sorts them.
pub const FIELDS: [&str; 15] = [
    "created",
    "dbrps",
    "dot",
    "error",
    "executing",
    "id",
    "last-enabled",
    "link",
    "modified",
    "script",
    "stats",
    "status",
    "template-id",
    "type",
    "vars",
];

/// A field that is our own: by what the task is spread over shards. Lists have it when asked.
pub const PLACEMENT: &str = "placement";

/// A field that is our own: why nodes could not use points. Lists have it when asked.
pub const NODE_ERRORS: &str = "node-errors";

/// One field; `None` when there is no such field, or the task has nothing there.
pub fn field(view: &TaskView, name: &str, format: Format) -> Option<Value> {
    let task = &view.task;
    Some(match name {
        "link" => link("self", &format!("{BASE}/tasks/{}", task.id)),
        "id" => json!(&*task.id),
        "type" => json!(task.kind.name()),
        "dbrps" => task.dbrps.iter().map(|dbrp| json!({"db": &*dbrp.db, "rp": &*dbrp.rp})).collect(),
        "script" => json!(script(view, format)),
        "vars" => var_json::write(&task.vars),
        "dot" => json!(view.dot(format.dot)),
        "status" => json!(task.status.name()),
        "executing" => json!(view.executing()),
        "error" => json!(view.error()),
        "stats" => stats(view).unwrap_or(Value::Null),
        "created" => time(Some(task.created)),
        "modified" => time(Some(task.modified)),
        "last-enabled" => time(task.last_enabled),
        "template-id" => json!(&**task.template_id.as_ref()?),
        PLACEMENT => placement(view),
        NODE_ERRORS => node_errors(view)?,
        _ => return None,
    })
}

/// One task with all it has, in Kapacitor's order.
pub fn whole(view: &TaskView, format: Format) -> Value {
    let order = [
        "link",
        "id",
        "template-id",
        "type",
        "dbrps",
        "script",
        "vars",
        "dot",
        "status",
        "executing",
        "error",
        "stats",
        "created",
        "modified",
        "last-enabled",
        PLACEMENT,
        NODE_ERRORS,
    ];
    let one = |name: &str| match (name, field(view, name, format)) {
        ("template-id", None) => Some(json!("")),
        ("stats", None | Some(Value::Null)) => Some(json!({})),
        (NODE_ERRORS, value) => value,
        (_, value) => Some(value.unwrap_or(Value::Null)),
    };
    let all = order.into_iter().filter_map(|name| Some((name.to_owned(), one(name)?)));
    Value::Object(all.collect::<Map<_, _>>())
}

fn script(view: &TaskView, format: Format) -> String {
    let script = &view.task.script;
    match tick::parse(script) {
        Ok(program) if !format.raw => tick::format(&program),
        // A script of another version must still be seen.
        _ => script.clone(),
    }
}

fn stats(view: &TaskView) -> Option<Value> {
    let nodes = view.node_stats()?;
    Some(json!({"task-stats": {"throughput": view.throughput}, "node-stats": nodes}))
}

/// `None`: all points could be used.
fn node_errors(view: &TaskView) -> Option<Value> {
    let reasons = view.reasons().into_iter().map(|(node, reasons)| {
        let reasons = reasons.iter().map(|reason| {
            json!({
                "reason": reason.what, "points": reason.points, "last": reason.last, "at": time(Some(reason.at)),
            })
        });
        (node, reasons.collect())
    });
    let reasons: Map<String, Value> = reasons.collect();
    (!reasons.is_empty()).then_some(Value::Object(reasons))
}

fn placement(view: &TaskView) -> Value {
    match &view.running {
        Some(running) => show(&running.placement),
        None => built(view).unwrap_or(Value::Null),
    }
}

/// Where a task that does not run would go; `None` when it cannot be built.
fn built(view: &TaskView) -> Option<Value> {
    let task = &view.task;
    let definition = Definition {
        id: task.id.clone(),
        dbrps: task.dbrps.iter().map(|dbrp| (dbrp.db.clone(), dbrp.rp.clone())).collect(),
        script: task.script.clone(),
        vars: task.vars.clone(),
        deadman: Default::default(),
    };
    let built = definition.build(&pipeline::Server::default(), 1).ok()?;
    Some(show(&built.placement))
}

fn show(placement: &Placement) -> Value {
    let names = |names: &[model::Name]| -> Value { names.iter().map(|name| json!(&**name)).collect() };
    match placement {
        Placement::Whole(_) => json!("whole"),
        Placement::Tags(tags) => json!({"by": names(tags)}),
        Placement::AllBut(tags) => json!({"all-but": names(tags)}),
    }
}
