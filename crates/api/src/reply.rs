//! Answers, before they get the headers that all answers have.

use crate::json;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

/// What the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// JSON, and for Kapacitor's sake the plain texts of `/write`.
    Json,
    /// A link for those who do not follow a redirect.
    Html,
    /// Prometheus' text format.
    Metrics,
    /// Nothing at all: not even a content type or the version.
    Bare,
}

/// An answer. It goes through the router as it is; the server makes the response of it, because
/// headers and compression are the same for all.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Body.
    pub body: Bytes,
    /// What the body is.
    pub content: Content,
    /// Seconds after which it is worth to try again.
    pub retry_after: Option<u32>,
    /// Where the resource is.
    pub location: Option<String>,
    /// Members of the cluster whose part of the answer is missing.
    pub missing: Vec<String>,
    /// The connection cannot be used again: the request was not read to its end.
    pub close: bool,
}

impl Reply {
    /// A status and a body.
    pub fn new(status: StatusCode, content: Content, body: impl Into<Bytes>) -> Reply {
        Reply {
            status,
            body: body.into(),
            content,
            retry_after: None,
            location: None,
            missing: Vec::new(),
            close: false,
        }
    }

    /// 204.
    pub fn no_content() -> Reply {
        Reply::new(StatusCode::NO_CONTENT, Content::Json, Bytes::new())
    }

    /// 200 with indented JSON.
    pub fn json(value: &Value) -> Reply {
        Reply::new(StatusCode::OK, Content::Json, json::pretty(value))
    }

    /// An error in JSON, its text under both names that Kapacitor uses.
    pub fn error(status: StatusCode, text: &str) -> Reply {
        Reply::new(status, Content::Json, json::pretty(&json!({"error": text, "message": text})))
    }

    /// 400 in JSON.
    pub fn bad_request(text: &str) -> Reply {
        Reply::error(StatusCode::BAD_REQUEST, text)
    }

    /// The 404 of a path that is no route.
    pub fn not_found() -> Reply {
        Reply::error(StatusCode::NOT_FOUND, "Not Found")
    }

    /// An error of `/write`: the bare text and a newline.
    pub fn text(status: StatusCode, text: &str) -> Reply {
        Reply::new(status, Content::Json, format!("{text}\n"))
    }

    /// 301 to another path.
    pub fn moved(location: String) -> Reply {
        let escaped =
            location.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;");
        let body = format!("<a href=\"{escaped}\">Moved Permanently</a>.\n\n");
        Reply { location: Some(location), ..Reply::new(StatusCode::MOVED_PERMANENTLY, Content::Html, body) }
    }

    /// The same, with advice when to try again.
    pub fn retry_after(self, seconds: u32) -> Reply {
        Reply { retry_after: Some(seconds), ..self }
    }

    /// The same, with a note which members' parts are missing.
    pub fn missing(self, missing: Vec<String>) -> Reply {
        Reply { missing, ..self }
    }

    /// The same, and the connection is closed.
    pub fn closing(self) -> Reply {
        Reply { close: true, ..self }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}
