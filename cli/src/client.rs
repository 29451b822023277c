//! The HTTP client: URLs, credentials, time-outs, errors in words.

use std::time::Duration;

use reqwest::blocking::{self, RequestBuilder};
use reqwest::{Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::shapes::{
    DebugVars, Task, Tasks, Topic, TopicEvent, TopicEvents, TopicHandler, TopicHandlers, Topics,
};

/// Where the API begins.
const BASE: &str = "/kapacitor/v1";

/// Tasks asked for in one request.
const PAGE: usize = 100;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an answer may take: enabling a task waits for its start.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL cannot be used.
    #[error("{0}")]
    Url(String),
    /// No client could be made.
    #[error("cannot prepare TLS: {0}; check the system's certificates")]
    Tls(String),
    /// The server was not reached or did not answer.
    #[error("{0}")]
    Transport(String),
    /// The server refused; the text is its own.
    #[error("{message}")]
    Refused {
        /// The answer's status.
        status: StatusCode,
        /// The answer's error text.
        message: String,
    },
    /// The answer is not what the route promises.
    #[error("failed to decode JSON: {0}")]
    Decode(serde_json::Error),
}

/// A client of one server.
#[derive(Debug)]
pub struct Client {
    http: blocking::Client,
    base: Url,
    /// How long an answer may take.
    limit: Duration,
}

impl Client {
    /// A client of the server at `url`; credentials may stand in it.
    pub fn new(url: &str, skip_verify: bool) -> Result<Self, ClientError> {
        Self::with_limit(url, skip_verify, ANSWER_TIMEOUT)
    }

    /// The same, with another limit for answers.
    pub fn with_limit(url: &str, skip_verify: bool, limit: Duration) -> Result<Self, ClientError> {
        let base = Url::parse(url).map_err(|error| {
            ClientError::Url(format!("cannot use {url:?} as a URL: {error}; write it as http://host:port"))
        })?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(ClientError::Url(format!(
                "Unsupported protocol scheme: {}, your address must start with http:// or https://",
                base.scheme()
            )));
        }
        let mut builder = blocking::Client::builder()
            .user_agent("KapacitorClient")
            .connect_timeout(CONNECT_TIMEOUT.min(limit))
            .timeout(limit)
            .tls_danger_accept_invalid_certs(skip_verify);
        if base.scheme() == "http" {
            // Without TLS a machine that has no certificates must not be an obstacle.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| ClientError::Tls(causes(&error)))?;
        Ok(Self { http, base, limit })
    }

    /// All tasks whose id matches the pattern (all for an empty one), with the fields named.
    pub fn tasks(&self, pattern: &str, fields: &[&str]) -> Result<Vec<Task>, ClientError> {
        let mut all = Vec::new();
        loop {
            let offset = all.len().to_string();
            let limit = PAGE.to_string();
            let mut query = vec![("pattern", pattern), ("offset", &offset), ("limit", &limit)];
            query.extend(fields.iter().map(|field| ("fields", *field)));
            let page: Tasks = self.get(&format!("{BASE}/tasks"), &query)?;
            let count = page.tasks.len();
            all.extend(page.tasks);
            if count < PAGE {
                return Ok(all);
            }
        }
    }

    /// One task, in the context of a replay if one is named.
    pub fn task(&self, id: &str, replay: &str) -> Result<Task, ClientError> {
        let mut query = vec![("dot-view", "attributes"), ("script-format", "formatted")];
        if !replay.is_empty() {
            query.push(("replay-id", replay));
        }
        self.get(&task_path(id), &query)
    }

    /// Makes a task.
    pub fn create_task(&self, task: &Value) -> Result<(), ClientError> {
        self.send(Method::POST, &format!("{BASE}/tasks"), task)
    }

    /// Changes a task.
    pub fn update_task(&self, path: &str, change: &Value) -> Result<(), ClientError> {
        self.send(Method::PATCH, path, change)
    }

    /// Deletes what lies at a path.
    pub fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.answer(self.http.request(Method::DELETE, self.url(path))).map(|_| ())
    }

    /// The topics whose id matches the pattern.
    pub fn topics(&self, pattern: &str) -> Result<Vec<Topic>, ClientError> {
        let query = [("pattern", pattern), ("min-level", "OK")];
        let topics: Topics = self.get(&format!("{BASE}/alerts/topics"), &query)?;
        Ok(topics.topics)
    }

    /// One topic.
    pub fn topic(&self, id: &str) -> Result<Topic, ClientError> {
        self.get(&format!("{BASE}/alerts/topics/{}", escape(id)), &[])
    }

    /// The events of a topic, by the link that it gives.
    pub fn topic_events(&self, path: &str) -> Result<Vec<TopicEvent>, ClientError> {
        let events: TopicEvents = self.get(path, &[("min-level", "OK")])?;
        Ok(events.events.unwrap_or_default())
    }

    /// The handlers of a topic whose id matches the pattern, by the link that the topic gives.
    pub fn topic_handlers(&self, path: &str, pattern: &str) -> Result<Vec<TopicHandler>, ClientError> {
        let handlers: TopicHandlers = self.get(path, &[("pattern", pattern)])?;
        Ok(handlers.handlers.unwrap_or_default())
    }

    /// The server's variables.
    pub fn debug_vars(&self) -> Result<DebugVars, ClientError> {
        self.get(&format!("{BASE}/debug/vars"), &[])
    }

    /// The server's variables as they come.
    pub fn debug_vars_raw(&self) -> Result<Vec<u8>, ClientError> {
        self.answer(self.http.get(self.url(&format!("{BASE}/debug/vars"))))
    }

    /// Reads what lies at a path.
    pub fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, ClientError> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let body = self.answer(self.http.get(url))?;
        serde_json::from_slice(&body).map_err(ClientError::Decode)
    }

    /// Sends an order, and reads the answer; JSON null when it has no body.
    pub fn order(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        let answer = self.answer(self.http.request(Method::POST, self.url(path)).json(body))?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).map_err(ClientError::Decode)
    }

    fn send(&self, method: Method, path: &str, body: &Value) -> Result<(), ClientError> {
        self.answer(self.http.request(method, self.url(path)).json(body)).map(|_| ())
    }

    /// The base URL with another path: links are absolute on their server.
    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.set_path(path);
        url
    }

    /// Sends, and returns the body of a good answer.
    fn answer(&self, request: RequestBuilder) -> Result<Vec<u8>, ClientError> {
        let response = request.send().map_err(|error| self.transport(&error))?;
        let status = response.status();
        let body = response.bytes().map_err(|error| self.transport(&error))?;
        if status.is_success() {
            return Ok(body.to_vec());
        }
        let text = serde_json::from_slice::<Value>(&body).ok().and_then(|answer| {
            answer.get("error")?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
        });
        let message = text.unwrap_or_else(|| {
            format!("invalid response: code {}: body: {}", status.as_u16(), String::from_utf8_lossy(&body))
        });
        Err(ClientError::Refused { status, message })
    }

    /// The server as it may be shown: the password must not end up in a log.
    pub fn server(&self) -> String {
        let mut server = self.base.clone();
        let _ = server.set_username("");
        let _ = server.set_password(None);
        server.set_query(None);
        server.as_str().trim_end_matches('/').to_owned()
    }

    /// What went wrong on the way, and what to do.
    fn transport(&self, error: &reqwest::Error) -> ClientError {
        let server = self.server();
        let cause = causes(error);
        let text = if cause.contains("certificate") {
            format!(
                "cannot trust {server}: {cause}; install its certificate authority, or skip the check with -skipVerify"
            )
        } else if error.is_connect() {
            format!(
                "cannot connect to {server}: {cause}; check that kapacitord runs there, or name another server with -url or KAPACITOR_URL"
            )
        } else if error.is_timeout() {
            format!("no answer from {server} within {:?}; look at the server's log", self.limit)
        } else {
            format!("no answer from {server}: {cause}; check that it is a kapacitord")
        };
        ClientError::Transport(text)
    }
}

/// The path of a task.
pub fn task_path(id: &str) -> String {
    format!("{BASE}/tasks/{}", escape(id))
}

/// The innermost cause in words; the outer ones only say that a request failed.
fn causes(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Escapes what has a meaning of its own in a path; the URL type does the rest.
pub fn escape(id: &str) -> String {
    id.replace('%', "%25").replace('/', "%2F").replace('?', "%3F").replace('#', "%23")
}
