//! Tasks as users define them.

use model::{Name, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a task's data comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskKind {
    /// Points as they are written.
    Stream,
    /// Queries on a schedule.
    Batch,
}

impl TaskKind {
    /// `stream` or `batch`.
    pub fn name(self) -> &'static str {
        match self {
            TaskKind::Stream => "stream",
            TaskKind::Batch => "batch",
        }
    }
}

/// Whether a task is to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It is defined only.
    #[default]
    Disabled,
    /// It runs, or would if it had not failed.
    Enabled,
}

impl Status {
    /// `disabled` or `enabled`.
    pub fn name(self) -> &'static str {
        match self {
            Status::Disabled => "disabled",
            Status::Enabled => "enabled",
        }
    }
}

/// A database and retention policy that a task may read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dbrp {
    /// Database.
    pub db: Name,
    /// Retention policy.
    pub rp: Name,
}

/// The type of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VarKind {
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `float`
    Float,
    /// `string`
    String,
    /// `regex`
    Regex,
    /// `duration`
    Duration,
    /// `lambda`
    Lambda,
    /// `list`
    List,
    /// `star`
    Star,
}

impl VarKind {
    /// All of them.
    pub const ALL: [VarKind; 9] = [
        VarKind::Bool,
        VarKind::Int,
        VarKind::Float,
        VarKind::String,
        VarKind::Regex,
        VarKind::Duration,
        VarKind::Lambda,
        VarKind::List,
        VarKind::Star,
    ];

    /// As the API names it.
    pub fn name(self) -> &'static str {
        match self {
            VarKind::Bool => "bool",
            VarKind::Int => "int",
            VarKind::Float => "float",
            VarKind::String => "string",
            VarKind::Regex => "regex",
            VarKind::Duration => "duration",
            VarKind::Lambda => "lambda",
            VarKind::List => "list",
            VarKind::Star => "star",
        }
    }

    /// From the name that the API uses.
    pub fn parse(name: &str) -> Option<VarKind> {
        VarKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A value that the user gave for a variable of the script, as the API brought it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Var {
    /// Its type.
    pub kind: VarKind,
    /// Its value in the API's JSON.
    #[serde(with = "json_text")]
    pub value: serde_json::Value,
    /// What it is for.
    pub description: String,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: Name,
    /// Stream or batch.
    pub kind: TaskKind,
    /// What it may read.
    pub dbrps: Vec<Dbrp>,
    /// The script as the user wrote it.
    pub script: String,
    /// Values for the script's variables.
    pub vars: BTreeMap<String, Var>,
    /// The template that it is made from.
    pub template_id: Option<Name>,
    /// Whether it is to run.
    pub status: Status,
    /// The last error while it was started or ran; empty without one.
    pub error: String,
    /// When it was defined, nanoseconds since the Unix epoch.
    pub created: Time,
    /// When its definition last changed.
    pub modified: Time,
    /// When it was last enabled; `None` when it never was.
    pub last_enabled: Option<Time>,
}

impl Task {
    /// The name of the anonymous topic of an alert node: `main:<task>:<node>`.
    pub fn anonymous_topic(id: &str, node: &str) -> String {
        format!("{}{node}", Task::topic_prefix(id))
    }

    /// What the names of all anonymous topics of a task start with. No id holds a colon, so no
    /// other task's topics start with it.
    pub fn topic_prefix(id: &str) -> String {
        format!("main:{id}:")
    }
}

/// JSON inside binary records: it describes itself, our binary encoding does not, so it travels
/// as its text.
mod json_text {
    use serde::{Deserialize, Deserializer, Serializer, de, ser};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(value).map_err(ser::Error::custom)?;
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text).map_err(de::Error::custom)
    }
}
