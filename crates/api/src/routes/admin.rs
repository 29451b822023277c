//! Whether the member is there and well, what it can be asked, and how much it logs.

use super::listing;
use crate::body;
use crate::call::Call;
use crate::reply::{Content, Reply};
use crate::{json, routes};
use http::StatusCode;
use serde_json::{Value, json};

/// GET, HEAD /ping
pub async fn ping(_: Call) -> Reply {
    Reply::no_content()
}

/// GET /:routes
pub async fn routes(_: Call) -> Reply {
    Reply::json(&listing())
}

/// GET /health: for load balancers and operators.
pub async fn health(call: Call) -> Reply {
    let mut reasons = call.server.health.reasons();
    reasons.extend(call.server.engine.no_quorum());
    let (status, word) = match reasons.is_empty() {
        true => (StatusCode::OK, "pass"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "fail"),
    };
    let version = &call.server.settings.version;
    let state = json!({"name": "kapacitor", "status": word, "reasons": reasons, "version": version});
    Reply::new(status, Content::Json, json::pretty(&state))
}

/// POST /loglevel
pub async fn log_level(mut call: Call) -> Reply {
    let given = match body::json(&mut call).await {
        Ok(Ok(given)) => given,
        Ok(Err(error)) => return Reply::bad_request(&format!("invalid json: {error}")),
        Err(reply) => return reply,
    };
    let level =
        routes::member(&given, "level").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
    // Kapacitor knows more levels, but does not let itself be set to them.
    let allowed = ["DEBUG", "INFO", "ERROR"].contains(&level.as_str());
    if allowed && call.server.log.set(&level) {
        return Reply::no_content();
    }
    Reply::bad_request("invalid log level")
}
