//! The API's JSON as far as the client reads it. Everything may be missing: a list that asked for
//! a few fields gets only those.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::dbrp::Dbrp;

/// Where a resource is found.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Link {
    /// Path on the server.
    #[serde(default)]
    pub href: String,
}

/// A task.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Task {
    pub link: Link,
    pub id: String,
    pub template_id: String,
    pub r#type: String,
    pub dbrps: Option<Vec<Dbrp>>,
    pub script: String,
    pub vars: Option<BTreeMap<String, Var>>,
    pub dot: String,
    pub status: String,
    pub executing: bool,
    pub error: String,
    pub created: String,
    pub modified: String,
    pub last_enabled: String,
    /// By node; Kapacitor does not say.
    pub node_errors: BTreeMap<String, Vec<NodeError>>,
}

/// Points that a node could not use.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeError {
    pub reason: String,
    pub points: u64,
    pub last: String,
    pub at: String,
}

/// A variable of a task.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Var {
    pub r#type: String,
    pub value: Value,
}

/// An answer with tasks.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tasks {
    pub tasks: Vec<Task>,
}

/// A topic.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Topic {
    pub id: String,
    pub level: String,
    pub collected: i64,
    pub events_link: Link,
    pub handlers_link: Link,
}

/// An answer with topics.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Topics {
    pub topics: Vec<Topic>,
}

/// An event of a topic.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TopicEvent {
    pub id: String,
    pub state: EventState,
}

/// The last state of an event.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EventState {
    pub message: String,
    pub time: String,
    pub level: String,
}

/// An answer with events.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TopicEvents {
    pub events: Option<Vec<TopicEvent>>,
}

/// A handler of a topic.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TopicHandler {
    pub id: String,
    pub kind: String,
}

/// An answer with handlers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TopicHandlers {
    pub handlers: Option<Vec<TopicHandler>>,
}

/// The server's variables.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DebugVars {
    pub cluster_id: String,
    pub server_id: String,
    pub host: String,
    pub kapacitor: BTreeMap<String, Stat>,
    pub num_enabled_tasks: i64,
    pub num_subscriptions: i64,
    pub num_tasks: i64,
    pub version: String,
    pub platform: String,
}

/// One statistic among the server's variables.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Stat {
    pub name: String,
    pub tags: BTreeMap<String, String>,
    pub values: BTreeMap<String, Value>,
}
