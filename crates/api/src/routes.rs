//! The routes: one list. A path belongs to the longest pattern of its method; a pattern that ends
//! in a slash takes everything below it.

mod admin;
mod metrics;
mod tasks;
mod topics;
mod vars;
mod write;

use crate::call::Call;
use crate::reply::Reply;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::pin::Pin;

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
    route!(DELETE "/kapacitor/v1/alerts/topics/" topics::delete),
    route!(GET "/health" admin::health),
    route!(GET "/metrics" metrics::show),
];

/// The handler of a path, and the path as the handler knows it.
pub fn find(method: &Method, path: String) -> Option<(Handler, String)> {
    if let Some(route) = longest(method, &path) {
        return Some((route.handler, path));
    }
    let rewritten = format!("{BASE}{}", path.strip_prefix(PREVIEW).filter(|rest| rest.starts_with('/'))?);
    longest(method, &rewritten).map(|route| (route.handler, rewritten))
}

fn longest(method: &Method, path: &str) -> Option<&'static Route> {
    let matching = ROUTES.iter().filter(|route| {
        let pattern = route.pattern;
        let below = pattern.ends_with('/') && path.starts_with(pattern);
        (below || path == pattern) && route.method == *method
    });
    matching.max_by_key(|route| route.pattern.len())
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
    fn paths_find_their_routes() {
        for (method, path, expected) in [
            (Method::GET, "/kapacitor/v1/ping", Some("/kapacitor/v1/ping")),
            (Method::GET, "/kapacitor/v1/ping/", None),
            (Method::POST, "/kapacitor/v1/ping", None),
            (Method::GET, "/kapacitor/v1preview/ping", Some("/kapacitor/v1/ping")),
            (Method::GET, "/kapacitor/v1previewping", None),
            (Method::GET, "/kapacitor/v1/tasks", Some("/kapacitor/v1/tasks")),
            (Method::GET, "/kapacitor/v1/tasks/", Some("/kapacitor/v1/tasks/")),
            (Method::GET, "/kapacitor/v1/tasks/a/b", Some("/kapacitor/v1/tasks/a/b")),
            (Method::PUT, "/kapacitor/v1/tasks/a", None),
            (Method::POST, "/write", Some("/write")),
            (Method::GET, "/write", None),
            (Method::GET, "/", None),
        ] {
            let found = find(&method, path.to_owned()).map(|(_, path)| path);
            assert_eq!(found.as_deref(), expected, "{method} {path}");
        }
    }
}
