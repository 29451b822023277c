//! A task as the shards' logs and checkpoints hold it: all that is needed to build it again, even
//! after the catalog has another version.

use crate::error::TaskError;
use crate::submit::kind;
use model::{Name, Time};
use pipeline::Server;
use pipeline::compile::{Compiled, compile, compile_with};
use pipeline::node::Answer;
use pipeline::nodes::deadman;
use pipeline::nodes::sideload::Content;
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
    /// What the configuration said of `deadman` when the task was started: wherever its entries are
    /// read, they must build the same nodes.
    pub deadman: deadman::Settings,
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
    /// It stops: what its nodes hold and can send on goes its way, the rest of its state is forgotten.
    Stop {
        /// Its id.
        task: String,
    },
    /// It starts with empty state, and some of its nodes have sources.
    StartWith {
        /// The encoded [`Definition`].
        definition: Vec<u8>,
        /// What its alerts find in their topics.
        restored: Restored,
        /// What the sources hold.
        sources: Sources,
    },
}

/// What the sources of a task's nodes hold, by node.
pub type Sources = BTreeMap<String, Arc<Content>>;

/// An entry of a shard's log that brings neither points nor a task.
#[derive(Clone, Debug, PartialEq)]
pub enum Other {
    /// How late it is.
    Tick(Tick),
    /// What came back from outside.
    Answered(Answered),
}

/// How late it is, for the nodes that go by the clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    /// The clock, nanoseconds since the Unix epoch.
    pub clock: Time,
    /// Groups that have been idle for so many nanoseconds have to go: memory is short.
    pub idle: Option<i64>,
}

/// What came back for a call that a node made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The clock, nanoseconds since the Unix epoch.
    pub clock: Time,
    /// What came back.
    pub answer: Answer,
}

impl Other {
    /// The kind of its record.
    pub fn kind(&self) -> u8 {
        match self {
            Other::Tick(_) => kind::TICK,
            Other::Answered(_) => kind::ANSWER,
        }
    }

    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Other::Tick(tick) => postcard::to_allocvec(tick),
            Other::Answered(answered) => postcard::to_allocvec(answered),
        }
        .expect("plain values always encode")
    }

    /// From a record of that kind; `None` for a kind that is none of these.
    pub fn decode(kind: u8, bytes: &[u8]) -> Result<Option<Other>, String> {
        let other = match kind {
            kind::TICK => postcard::from_bytes(bytes).map(Other::Tick),
            kind::ANSWER => postcard::from_bytes(bytes).map(Other::Answered),
            _ => return Ok(None),
        };
        other.map(Some).map_err(|error| error.to_string())
    }

    /// The clock that it carries.
    pub fn clock(&self) -> Time {
        match self {
            Other::Tick(tick) => tick.clock,
            Other::Answered(answered) => answered.clock,
        }
    }
}

/// Parses and compiles a script.
pub fn compile_script(
    script: &str,
    task_type: TaskType,
    vars: &BTreeMap<String, catalog::Var>,
) -> Result<Compiled, TaskError> {
    let program = tick::parse(script).map_err(|diagnostic| refused(script, diagnostic))?;
    let supplied = crate::vars::values(vars)?;
    compile(&program, task_type, &supplied, Mode::Task).map_err(|diagnostic| refused(script, diagnostic))
}

fn refused(script: &str, diagnostic: tick::Diagnostic) -> TaskError {
    TaskError::Script { line: diagnostic.one_line(script), diagnostic: Box::new(diagnostic) }
}

impl Definition {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("plain values always encode")
    }

    /// From [`Self::encode`], also of versions that did not have `deadman`.
    pub fn decode(bytes: &[u8]) -> Result<Definition, String> {
        let unreadable = |error: postcard::Error| error.to_string();
        let ((id, dbrps, script, vars), rest) = postcard::take_from_bytes(bytes).map_err(unreadable)?;
        let deadman = match rest {
            [] => deadman::Settings::default(),
            rest => postcard::from_bytes(rest).map_err(unreadable)?,
        };
        Ok(Definition { id, dbrps, script, vars, deadman })
    }

    /// Builds the task.
    pub fn build(&self, server: &Server, shards: u32) -> Result<Arc<Task>, TaskError> {
        let refused = |diagnostic| refused(&self.script, diagnostic);
        let program = tick::parse(&self.script).map_err(refused)?;
        let supplied = crate::vars::values(&self.vars)?;
        let compiled = compile_with(&program, TaskType::Stream, &supplied, Mode::Task, &self.deadman);
        let compiled = compiled.map_err(refused)?;
        let task = Task::build(self.id.clone(), self.dbrps.clone(), compiled.graph, server, shards as usize);
        task.map(Arc::new).map_err(TaskError::Start)
    }
}

impl TaskEntry {
    /// That a task starts. Only one whose nodes have sources needs a record that older versions of
    /// Farad cannot read.
    pub fn start(definition: Vec<u8>, restored: Restored, sources: Sources) -> TaskEntry {
        if sources.is_empty() {
            return TaskEntry::Start { definition, restored };
        }
        TaskEntry::StartWith { definition, restored, sources }
    }

    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("plain values always encode")
    }

    /// From [`Self::encode`].
    pub fn decode(bytes: &[u8]) -> Result<TaskEntry, String> {
        postcard::from_bytes(bytes).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_read_as_they_were_written() {
        let vars = BTreeMap::new();
        let dbrps = vec![("db".into(), "rp".into())];
        let script = "stream|from()|log()".to_owned();
        let old = postcard::to_allocvec(&("T", &dbrps, &script, &vars)).expect("it encodes");
        let deadman = deadman::Settings { global: true, threshold: 2.5, ..deadman::Settings::default() };
        let new = Definition { id: "T".into(), dbrps, script, vars, deadman };
        assert_eq!(Definition::decode(&new.encode()), Ok(new.clone()));
        assert_eq!(
            Definition::decode(&old),
            Ok(Definition { deadman: deadman::Settings::default(), ..new.clone() })
        );
        assert!(Definition::decode(&new.encode()[..10]).is_err());
        let task = new.build(&Server::default(), 1).expect("it builds");
        let names: Vec<&str> = task.names.iter().map(|name| &**name).collect();
        assert_eq!(names, ["stream0", "from1", "log2", "stats3", "derivative4", "alert5"]);
    }
}
