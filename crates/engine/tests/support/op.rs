//! Operations on a member as data, and what is seen of it from outside.

use super::Member;
use engine::TaskChange;
use model::Level;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Something that a client does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Op {
    /// Writes lines, times in seconds.
    Write(String),
    /// Defines and enables a task.
    Define(String, String),
    /// Gives a task another script; a running one goes on with its old one.
    Redefine(String, String),
    /// Enables or disables a task.
    Enable(String, bool),
    /// Gives a task another id.
    Rename(String, String),
    /// Deletes a task.
    Delete(String),
    /// Saves every shard. Nobody may see a difference.
    Checkpoint,
}

/// What a member shows once everything that it took is run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The rows of each endpoint by `task/endpoint`.
    pub rows: BTreeMap<String, Vec<String>>,
    /// The events of each topic that are not OK.
    pub topics: BTreeMap<String, Vec<String>>,
    /// Status and error of each task.
    pub tasks: BTreeMap<String, String>,
}

impl Member {
    /// Does it; a refusal is a failure of the test.
    pub async fn apply(&self, op: &Op) {
        let change = |change: TaskChange, id: &str| {
            let id = id.to_owned();
            async move {
                let done = self.engine.update_task(&id, change).await;
                done.unwrap_or_else(|error| panic!("task {id}: {error}"));
            }
        };
        match op {
            Op::Write(lines) => self.write(lines).await,
            Op::Define(id, script) => self.define(id, script).await,
            Op::Redefine(id, script) => {
                let script = Some(format!("dbrp \"db\".\"rp\"\n{script}"));
                change(TaskChange { script, ..TaskChange::default() }, id).await;
            }
            Op::Enable(id, enabled) => {
                let status = if *enabled { catalog::Status::Enabled } else { catalog::Status::Disabled };
                change(TaskChange { status: Some(status), ..TaskChange::default() }, id).await;
            }
            Op::Rename(id, new) => {
                change(TaskChange { id: Some(new.clone()), ..TaskChange::default() }, id).await;
            }
            Op::Delete(id) => self.engine.delete_task(id).await.expect("deleting"),
            Op::Checkpoint => self.checkpoint().await,
        }
    }

    /// Looks at everything.
    pub async fn seen(&self) -> Seen {
        self.engine.settle().await;
        let mut seen = Seen::default();
        for view in self.engine.local_task_views() {
            let task = &view.task;
            seen.tasks.insert(task.id.to_string(), format!("{:?} {:?}", task.status, task.error));
            for (endpoint, _) in view.running.iter().flat_map(|running| &running.endpoints) {
                let rows = self.rows(&task.id, endpoint).await;
                seen.rows.insert(format!("{}/{endpoint}", task.id), rows);
            }
        }
        let catalog = self.engine.catalog();
        for (name, topic) in catalog.topics().filter(|(_, topic)| topic.level() > Level::Ok) {
            let states = topic.events(Level::Info).map(|state| format!("{state:?}"));
            seen.topics.insert(name.to_string(), states.collect());
        }
        seen
    }
}
