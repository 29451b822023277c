//! One request on its way to its route.

use crate::query;
use crate::reply::Reply;
use crate::server::Server;
use axum::body::Body;
use http::request::Parts;
use std::borrow::Cow;
use std::sync::Arc;

/// A request, and the server that it is for.
pub struct Call {
    /// The server.
    pub server: Arc<Server>,
    /// Method, path, headers.
    pub parts: Parts,
    /// The path, decoded and without what the router rewrote.
    pub path: String,
    /// The body, not read yet.
    pub body: Body,
}

impl Call {
    /// The query as it was sent.
    pub fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// A parameter; empty when it is not there.
    pub fn param(&self, key: &str) -> Cow<'_, str> {
        query::get(self.query(), key).unwrap_or_default()
    }

    /// A header as text; empty when it is not there or is no text.
    pub fn header(&self, name: http::HeaderName) -> &str {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// What follows a route's prefix.
    pub fn rest(&self, prefix: &str) -> &str {
        self.path.strip_prefix(prefix).unwrap_or_default()
    }
}

/// A parameter that must be one of a few words; empty counts as the first.
pub fn one_of<'w>(call: &Call, key: &str, words: &[&'w str]) -> Result<&'w str, Reply> {
    let given = call.param(key);
    if given.is_empty() {
        return Ok(words[0]);
    }
    let found = words.iter().find(|word| **word == given);
    found
        .copied()
        .ok_or_else(|| Reply::bad_request(&format!("invalid {key} parameter {}", tick::quote(&given))))
}

/// A parameter that must be a whole number.
pub fn number(call: &Call, key: &str, default: i64) -> Result<i64, Reply> {
    let given = call.param(key);
    if given.is_empty() {
        return Ok(default);
    }
    given.parse().map_err(|error: std::num::ParseIntError| {
        use std::num::IntErrorKind::{NegOverflow, PosOverflow};
        let why = match error.kind() {
            PosOverflow | NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        let quoted = tick::quote(&given);
        Reply::bad_request(&format!(
            "invalid {key} parameter {quoted} must be an integer: strconv.ParseInt: parsing {quoted}: {why}"
        ))
    })
}
