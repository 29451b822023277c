//! A task as the shards' logs and checkpoints hold it: all that is needed to build it again, even
//! after the catalog has another version.

use crate::error::TaskError;
use model::Name;
use pipeline::Server;
use pipeline::compile::{Compiled, compile};
use pipeline::task::{Restored, Task};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use tick::{Mode, TaskType};

/// What runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// The task's id.
    pub id: Name,
    /// Databases and retention policies.
    pub dbrps: Vec<(Name, Name)>,
    /// The script.
    pub script: String,
    /// Values of its variables.
    pub vars: BTreeMap<String, catalog::Var>,
}

/// What the log says of a task.
#[derive(Serialize, Deserialize)]
pub enum TaskEntry {
    /// It starts with empty state.
    Start {
        /// The encoded [`Definition`].
        definition: Vec<u8>,
        /// What its alerts find in their topics.
        restored: Restored,
    },
    /// It stops, and its state is forgotten.
    Stop {
        /// Its id.
        task: String,
    },
}

/// Parses and compiles a script.
pub fn compile_script(
    script: &str,
    task_type: TaskType,
    vars: &BTreeMap<String, catalog::Var>,
) -> Result<Compiled, TaskError> {
    let refuse = |diagnostic: tick::Diagnostic| TaskError::Script {
        line: diagnostic.one_line(script),
        diagnostic: Box::new(diagnostic),
    };
    let program = tick::parse(script).map_err(refuse)?;
    let supplied = crate::vars::values(vars)?;
    compile(&program, task_type, &supplied, Mode::Task).map_err(refuse)
}

impl Definition {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("plain values always encode")
    }

    /// From [`Self::encode`].
    pub fn decode(bytes: &[u8]) -> Result<Definition, String> {
        postcard::from_bytes(bytes).map_err(|error| error.to_string())
    }

    /// Builds the task.
    pub fn build(&self, server: &Server, shards: u32) -> Result<Arc<Task>, TaskError> {
        let compiled = compile_script(&self.script, TaskType::Stream, &self.vars)?;
        let task = Task::build(self.id.clone(), self.dbrps.clone(), compiled.graph, server, shards as usize);
        task.map(Arc::new).map_err(TaskError::Start)
    }
}

impl TaskEntry {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("plain values always encode")
    }

    /// From [`Self::encode`].
    pub fn decode(bytes: &[u8]) -> Result<TaskEntry, String> {
        postcard::from_bytes(bytes).map_err(|error| error.to_string())
    }
}
