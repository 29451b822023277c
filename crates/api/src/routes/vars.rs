//! GET /debug/vars: figures in the form of Go's expvar, a key a line.

use crate::call::Call;
use crate::reply::{Content, Reply};
use crate::{gather, json};
use engine::process::Process;
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// GET /debug/vars
pub async fn show(call: Call) -> Reply {
    let engine = &call.server.engine;
    let server = &call.server.settings.server;
    let (views, ingress) = tokio::join!(engine.task_views(), engine.ingress());
    let stats = gather::all(engine, &views, ingress).into_iter().map(|stat| (stat.key(), stat.json(server)));
    let (tasks, enabled) = engine.task_counts();
    let vars = BTreeMap::from([
        ("cluster_id", json!(server.cluster_id)),
        (
            "cmdline",
            json!(std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect::<Vec<_>>()),
        ),
        ("host", json!(server.hostname)),
        ("kapacitor", Value::Object(stats.collect::<Map<_, _>>())),
        ("memstats", memory()),
        ("num_enabled_tasks", json!(enabled)),
        ("num_subscriptions", json!(0)),
        ("num_tasks", json!(tasks)),
        ("platform", json!("OSS")),
        ("product", json!("kapacitor")),
        ("server_id", json!(server.server_id)),
        ("uptime", json!(engine.stats().uptime.as_secs_f64())),
        ("version", json!(call.server.settings.version)),
    ]);
    let mut out = b"{\n".to_vec();
    for (number, (name, value)) in vars.into_iter().enumerate() {
        if number > 0 {
            out.extend_from_slice(b",\n");
        }
        alert::json::string(&mut out, name);
        out.extend_from_slice(b": ");
        out.extend_from_slice(&json::compact(&value));
    }
    out.extend_from_slice(b"\n}\n");
    Reply::new(StatusCode::OK, Content::Json, out)
}

/// The figures of Go's `runtime.MemStats` that mean something here.
fn memory() -> Value {
    let process = Process::read();
    json!({
        "Alloc": process.resident_bytes,
        "Sys": process.virtual_bytes,
        "HeapAlloc": process.resident_bytes,
        "HeapSys": process.virtual_bytes,
    })
}
