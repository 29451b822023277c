//! The routes: one list. A path belongs to the longest pattern of its method; a pattern that ends
//! in a slash takes everything below it.

mod admin;
mod cluster;
mod metrics;
mod sideload;
mod tasks;
mod topics;
mod vars;
mod write;

use crate::call::Call;
use crate::consistency;
use crate::query::unescape;
use crate::reply::Reply;
use crate::server::Server;
use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{MethodFilter, on};
use futures::FutureExt;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

pub use cluster::refusal;

/// What a handler returns.
pub type Answer = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// Answers the requests of a route.
pub type Handler = fn(Call) -> Answer;

/// One route.
struct Route {
    method: Method,
    pattern: &'static str,
    handler: Handler,
}

/// Base of Kapacitor's paths.
pub const BASE: &str = "/kapacitor/v1";

/// Paths under this base are also looked for under [`BASE`].
const PREVIEW: &str = "/kapacitor/v1preview";

/// Methods that Kapacitor routes, in the order in which `/:routes` names them.
const METHODS: [&str; 7] = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"];

macro_rules! route {
    ($method:ident $pattern:literal $handler:path) => {
        Route { method: Method::$method, pattern: $pattern, handler: |call| Box::pin($handler(call)) }
    };
}

static ROUTES: &[Route] = &[
    route!(POST "/kapacitor/v1/write" write::write),
    route!(POST "/write" write::write),
    route!(GET "/kapacitor/v1/ping" admin::ping),
    route!(HEAD "/kapacitor/v1/ping" admin::ping),
    route!(GET "/kapacitor/v1/:routes" admin::routes),
    route!(POST "/kapacitor/v1/loglevel" admin::log_level),
    route!(GET "/kapacitor/v1/debug/vars" vars::show),
    route!(GET "/kapacitor/v1/tasks" tasks::list),
    route!(POST "/kapacitor/v1/tasks" tasks::create),
    route!(GET "/kapacitor/v1/tasks/" tasks::show),
    route!(PATCH "/kapacitor/v1/tasks/" tasks::update),
    route!(DELETE "/kapacitor/v1/tasks/" tasks::delete),
    route!(GET "/kapacitor/v1/alerts/topics" topics::list),
    route!(GET "/kapacitor/v1/alerts/topics/" topics::show),
    route!(POST "/kapacitor/v1/alerts/topics/" topics::handlers::create),
    route!(PATCH "/kapacitor/v1/alerts/topics/" topics::handlers::patch),
    route!(PUT "/kapacitor/v1/alerts/topics/" topics::handlers::replace),
    route!(DELETE "/kapacitor/v1/alerts/topics/" topics::delete),
    route!(POST "/kapacitor/v1/sideload/reload" sideload::reload),
    route!(GET "/kapacitor/v1/cluster" cluster::show),
    route!(GET "/kapacitor/v1/cluster/members" cluster::members),
    route!(POST "/kapacitor/v1/cluster/members" cluster::add),
    route!(DELETE "/kapacitor/v1/cluster/members/" cluster::remove),
    route!(GET "/kapacitor/v1/cluster/shards" cluster::shards),
    route!(POST "/kapacitor/v1/cluster/leader" cluster::leader),
    route!(GET "/health" admin::health),
    route!(GET "/metrics" metrics::show),
];

/// The router over the list. Kapacitor answers 404 where the method is not one of the path's.
pub fn router(server: Arc<Server>) -> Router {
    let mut router = Router::new().without_v07_checks();
    for route in ROUTES {
        let handle = move |State(server): State<Arc<Server>>, request: Request| run(route, server, request);
        let methods = on(filter(&route.method), handle);
        router = router.route(route.pattern, methods.clone());
        if route.pattern.ends_with('/') {
            router = router.route(&format!("{}{{*below}}", route.pattern), methods);
        }
    }
    let not_found = || async { Reply::not_found() };
    router.fallback(not_found).method_not_allowed_fallback(not_found).with_state(server)
}

fn filter(method: &Method) -> MethodFilter {
    MethodFilter::try_from(method.clone()).expect("the list has methods that axum knows")
}

/// The path under which a request is looked for; `None` when that is its own.
pub fn rewritten(path: &str) -> Option<String> {
    let below = path.strip_prefix(PREVIEW).filter(|below| below.starts_with('/'))?;
    Some(format!("{BASE}{below}"))
}

/// Runs a route. A panic in it is a mistake of this program, and ends this request only.
async fn run(route: &'static Route, server: Arc<Server>, request: Request) -> Reply {
    // axum lets GET routes answer HEAD; Kapacitor does not.
    if *request.method() != route.method {
        return Reply::not_found();
    }
    let (parts, body) = request.into_parts();
    let Some(path) = unescape(parts.uri.path(), false).map(Cow::into_owned) else {
        return Reply::not_found();
    };
    let call = Call { server, parts, path, body };
    let answered = async {
        if consistency::linearizable(&call)? {
            consistency::reached(&call.server.engine).await?;
        }
        Ok((route.handler)(call).await)
    };
    match AssertUnwindSafe(answered).catch_unwind().await {
        Ok(Ok(reply) | Err(reply)) => reply,
        Err(_) => {
            tracing::error!(
                "a request failed because of a mistake in this program; please report it with this log"
            );
            let text = "internal error: the server's log has the details";
            Reply::error(StatusCode::INTERNAL_SERVER_ERROR, text).closing()
        }
    }
}

/// A member of a JSON object by its name in any case, the last one of several, as Go reads them.
pub fn member<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    let members = object.as_object()?;
    members.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// All patterns with their methods, as `/:routes` shows them.
fn listing() -> Value {
    let mut patterns: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for route in ROUTES {
        patterns.entry(route.pattern).or_default().push(route.method.as_str());
    }
    for pattern in ["/", "/kapacitor/v1preview/"] {
        patterns.insert(pattern, METHODS.to_vec());
    }
    json!(patterns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preview_paths_are_those_of_the_base() {
        for (path, expected) in [
            ("/kapacitor/v1preview/ping", Some("/kapacitor/v1/ping")),
            ("/kapacitor/v1previewping", None),
            ("/kapacitor/v1/ping", None),
        ] {
            assert_eq!(rewritten(path).as_deref(), expected, "{path}");
        }
    }
}
