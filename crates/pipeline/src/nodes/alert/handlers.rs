//! Handlers that a script attaches to an alert: `.log('/tmp/x').mode(0644)`. They become handlers
//! of the node's anonymous topic, with the options that topic handlers have.

use crate::args::{Args, Refused, upper_first};
use crate::task::InlineHandler;
use serde_json::{Map, Value};

/// What the next property of a script speaks of. Kapacitor's errors tell them apart, and only a
/// handler has a handler's properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receiver {
    /// The node.
    Node,
    /// The node, after one of the properties that Kapacitor implements as methods.
    Data,
    /// The handler that was opened last.
    Handler,
}

/// A kind of handler.
#[derive(Debug, PartialEq)]
struct Kind {
    /// Its name, in scripts and for topics.
    name: &'static str,
    /// What Kapacitor's errors call it.
    go: &'static str,
    /// The properties that only it has.
    properties: &'static [&'static str],
    /// How Kapacitor opens the error when the handler cannot be made.
    failed: &'static str,
}

const LOG: usize = 0;
const EXEC: usize = 1;
const TCP: usize = 2;
const POST: usize = 3;

/// The kinds that a script can open.
static KINDS: [Kind; 4] = [
    Kind {
        name: "log",
        go: "LogHandler",
        properties: &["mode"],
        failed: "failed to create log alert handler",
    },
    Kind { name: "exec", go: "ExecHandler", properties: &[], failed: "failed to create exec alert handler" },
    Kind { name: "tcp", go: "TcpHandler", properties: &[], failed: "failed to create tcp alert handler" },
    Kind {
        name: "post",
        go: "AlertHTTPPostHandler",
        properties: &["endpoint", "header", "captureResponse", "timeout", "skipSSLVerification"],
        failed: "failed to create HTTPPostService.Handler",
    },
];

/// Why a task does not start whose inline handler of that kind cannot be made, in Kapacitor's
/// words: for whoever makes the handlers of [`crate::task::AlertTopics`].
pub fn failed_to_create(kind: &str, why: impl std::fmt::Display) -> String {
    match KINDS.iter().find(|known| known.name == kind) {
        Some(known) => format!("{}: {why}", known.failed),
        None => format!("failed to create {kind} alert handler: {why}"),
    }
}

/// Refuses a handler of Kapacitor that Farad does not have yet.
pub(super) fn not_available(a: &Args<'_>) -> Result<(), Refused> {
    Err(Refused::Here(format!("alert handler {:?} is not available in this version of Farad", a.name)))
}

/// Whether a property can be used while the script speaks of `handler`.
pub(super) fn opens(handler: Option<&Inline>, property: &str) -> bool {
    let has = |kind: &Kind| kind.properties.iter().any(|p| upper_first(p) == upper_first(property));
    !KINDS.iter().any(has) || handler.is_some_and(|handler| has(handler.kind))
}

/// A handler as the script describes it.
#[derive(Clone, Debug)]
pub(super) struct Inline {
    kind: &'static Kind,
    options: Map<String, Value>,
}

impl Inline {
    fn new(kind: usize) -> Inline {
        Inline { kind: &KINDS[kind], options: Map::new() }
    }

    fn with(mut self, option: &str, value: impl Into<Value>) -> Inline {
        self.put(option, value);
        self
    }

    /// Appends events to a file.
    pub fn log(path: String) -> Inline {
        Inline::new(LOG).with("path", path)
    }

    /// Runs a program.
    pub fn exec(prog: String, args: Vec<String>) -> Inline {
        Inline::new(EXEC).with("prog", prog).with("args", args)
    }

    /// Sends events over TCP.
    pub fn tcp(address: String) -> Inline {
        Inline::new(TCP).with("address", address)
    }

    /// Sends events over HTTP, to the first URL; without one, an endpoint has to be named.
    pub fn post(urls: Vec<String>) -> Inline {
        let handler = Inline::new(POST);
        match urls.into_iter().next() {
            Some(url) => handler.with("url", url),
            None => handler,
        }
    }

    /// Sets an option.
    pub fn put(&mut self, option: &str, value: impl Into<Value>) {
        self.options.insert(option.to_owned(), value.into());
    }

    /// Adds a header to the requests.
    pub fn put_header(&mut self, name: String, value: String) {
        let headers = self.options.entry("headers").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(headers) = headers {
            headers.insert(name, value.into());
        }
    }

    /// What Kapacitor's errors call it.
    pub fn go(&self) -> &'static str {
        self.kind.go
    }

    /// What is wrong with it once the script is read.
    pub fn validate(&self) -> Result<(), String> {
        let headers = self.options.get("headers").and_then(Value::as_object);
        if headers.is_some_and(|headers| headers.keys().any(|name| name.to_uppercase() == "AUTHENTICATE")) {
            return Err("invalid post: cannot set 'authenticate' header".into());
        }
        Ok(())
    }

    /// What keeps the task from starting, as far as the node can tell.
    pub fn check(&self) -> Result<(), String> {
        let empty = |option| self.options.get(option).and_then(Value::as_str).unwrap_or("").is_empty();
        if self.kind.name == KINDS[POST].name && empty("url") && empty("endpoint") {
            return Err("Either URL or endpoint must be non-empty".into());
        }
        Ok(())
    }

    /// As a handler of the node's topic.
    pub fn definition(&self) -> InlineHandler {
        InlineHandler { kind: self.kind.name, options: self.options.clone() }
    }
}
