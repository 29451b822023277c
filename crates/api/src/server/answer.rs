//! From a request to its response: finds the route, runs it, and adds the headers that all
//! answers have.

use super::Server;
use crate::access::Access;
use crate::path;
use crate::query::unescape;
use crate::reply::{Content, Reply};
use crate::routes;
use axum::Router;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, LOCATION, ORIGIN, RETRY_AFTER,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use tower::Service;

/// Names the members of the cluster that did not tell their part of an answer in time.
const MISSING: HeaderName = HeaderName::from_static("x-farad-missing");

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const VERSION: HeaderName = HeaderName::from_static("x-kapacitor-version");

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const METRICS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Kapacitor's lists for browsers.
const CORS_METHODS: HeaderValue = HeaderValue::from_static("DELETE, GET, OPTIONS, POST, PATCH");
const CORS_HEADERS: HeaderValue = HeaderValue::from_static(
    "Accept, Accept-Encoding, Authorization, Content-Length, Content-Type, X-CSRF-Token, X-HTTP-Method-Override",
);

/// Answers a request.
pub async fn answer(
    server: Arc<Server>,
    router: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Response<Full<Bytes>> {
    let access = server.settings.log_enabled.then(|| Access::of(&request, peer));
    let origin = request.headers().get(ORIGIN).cloned();
    let gzip = accepts_gzip(request.headers());
    let id = request_id(server.node);
    let reply = reply(router, request).await;
    let status = reply.status;
    let mut response = respond(reply, gzip, &server.version);
    let headers = response.headers_mut();
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, CORS_METHODS);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, CORS_HEADERS);
    }
    if let Some(access) = access {
        access.log(status, &id);
    }
    if let Ok(id) = HeaderValue::from_maybe_shared(Bytes::from(id)) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// What comes before the routes, then the route.
async fn reply(mut router: Router, mut request: Request<Incoming>) -> Reply {
    let Some(decoded) = unescape(request.uri().path(), false) else {
        return Reply::error(StatusCode::BAD_REQUEST, "the path is not properly escaped");
    };
    if let Some(clean) = path::cleaned(&decoded) {
        return Reply::moved(location(&clean, request.uri().query()));
    }
    if request.method() == Method::OPTIONS {
        return Reply::new(StatusCode::OK, Content::Bare, Bytes::new());
    }
    if let Some(path) = routes::rewritten(&decoded)
        && let Ok(uri) = location(&path, request.uri().query()).parse()
    {
        *request.uri_mut() = uri;
    }
    let answered = router.call(request).await;
    // The router cannot fail, and all its handlers answer with a `Reply`.
    let reply = answered.ok().and_then(|mut response| response.extensions_mut().remove::<Reply>());
    reply.unwrap_or_else(Reply::not_found)
}

/// The path as a header can hold it, with the query.
fn location(path: &str, query: Option<&str>) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~$&+,/:;=@*'()!".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    if let Some(query) = query {
        out.push('?');
        out.push_str(query);
    }
    out
}

fn respond(reply: Reply, gzip: bool, version: &HeaderValue) -> Response<Full<Bytes>> {
    let Reply { status, body, content, retry_after, location, missing, close } = reply;
    let (body, compressed) = if gzip && !body.is_empty() { compress(body) } else { (body, false) };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(8);
    match content {
        Content::Json => drop(headers.insert(CONTENT_TYPE, JSON)),
        Content::Html => drop(headers.insert(CONTENT_TYPE, HTML)),
        Content::Metrics => drop(headers.insert(CONTENT_TYPE, METRICS)),
        Content::Bare => {}
    }
    if matches!(content, Content::Json | Content::Metrics) {
        headers.insert(VERSION, version.clone());
    }
    if compressed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    let missing = Some(missing.join(", ")).filter(|names| !names.is_empty());
    if let Some(names) = missing.and_then(|names| HeaderValue::try_from(names).ok()) {
        headers.insert(MISSING, names);
    }
    if let Some(location) = location.and_then(|location| HeaderValue::try_from(location).ok()) {
        headers.insert(LOCATION, location);
    }
    if close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The body in gzip, unless that fails, which memory never does.
fn compress(body: Bytes) -> (Bytes, bool) {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4 + 64), Compression::fast());
    match encoder.write_all(&body).and_then(|()| encoder.finish()) {
        Ok(compressed) => (compressed.into(), true),
        Err(_) => (body, false),
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.split(',').any(is_gzip))
}

/// `gzip`, and not `gzip;q=0`.
fn is_gzip(coding: &str) -> bool {
    let mut parts = coding.split(';').map(str::trim);
    let refused = |quality: &str| quality.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
    parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip")) && !parts.any(refused)
}

/// A time-based UUID, as Kapacitor's are.
fn request_id(node: [u8; 6]) -> String {
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    uuid::Uuid::now_v1(&node).hyphenated().encode_lower(&mut text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_codings() {
        for (value, expected) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("br", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(accepts_gzip(&headers), expected, "{value}");
        }
    }

    #[test]
    fn locations() {
        assert_eq!(location("/a/ö b", Some("x=1")), "/a/%C3%B6%20b?x=1");
        assert_eq!(location("/kapacitor/v1/tasks", None), "/kapacitor/v1/tasks");
    }
}
