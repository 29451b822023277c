//! Defining, changing and deleting tasks, with Kapacitor's rules for what a request must hold.

use crate::definition::compile_script;
use crate::engine::Engine;
use crate::error::TaskError;
use crate::member::wire::Applied;
use catalog::{Command, Dbrp, Status, TaskKind, TaskPatch, Var};
use std::collections::BTreeMap;
use std::sync::Arc;
use tick::TaskType;

/// A task as a request defines it.
#[derive(Clone, Debug, Default)]
pub struct NewTask {
    /// Its id; empty for one of the server's making.
    pub id: String,
    /// Stream or batch; the script decides if it is not said.
    pub kind: Option<TaskKind>,
    /// What it may read; here or in the script.
    pub dbrps: Vec<Dbrp>,
    /// The script.
    pub script: String,
    /// Values of its variables.
    pub vars: BTreeMap<String, Var>,
    /// Whether it is to run.
    pub status: Status,
}

/// What a request changes of a task; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct TaskChange {
    /// A new id.
    pub id: Option<String>,
    /// Stream or batch.
    pub kind: Option<TaskKind>,
    /// What it may read.
    pub dbrps: Option<Vec<Dbrp>>,
    /// The script.
    pub script: Option<String>,
    /// Values of its variables.
    pub vars: Option<BTreeMap<String, Var>>,
    /// Whether it is to run.
    pub status: Option<Status>,
}

/// A script that was checked, with what it says of the task.
struct Checked {
    kind: TaskKind,
    dbrps: Vec<Dbrp>,
}

impl Engine {
    /// Defines a task, and starts it if it is to run. A task that does not start is kept with its
    /// error.
    pub async fn create_task(&self, new: NewTask) -> Result<Arc<catalog::Task>, TaskError> {
        let _one = self.tasks.changing.lock().await;
        let id = if new.id.is_empty() { uuid::Uuid::new_v4().to_string() } else { new.id };
        check_id(&id)?;
        if self.catalog().task(&id).is_some() {
            return Err(TaskError::Invalid(format!("task {id} already exists")));
        }
        if new.script.is_empty() {
            return Err(TaskError::Invalid("must provide TICKscript".into()));
        }
        let checked = check(&new.script, &new.vars, &new.dbrps, "both implicitly and explicitly")?;
        let task = catalog::Task {
            id: id.as_str().into(),
            kind: checked.kind,
            dbrps: checked.dbrps,
            script: new.script,
            vars: new.vars,
            template_id: None,
            status: new.status,
            error: String::new(),
            created: 0,
            modified: 0,
            last_enabled: None,
        };
        let now = crate::clock::wall();
        let outcome = self.propose(Command::CreateTask { task, now }).await?;
        let task = stored(outcome)?;
        if task.status == Status::Enabled {
            self.start_task(&task).await?;
        }
        self.stored_task(&id)
    }

    /// Changes a task. A running one goes on with its old script until it is enabled anew, as in
    /// Kapacitor.
    pub async fn update_task(&self, id: &str, change: TaskChange) -> Result<Arc<catalog::Task>, TaskError> {
        let _one = self.tasks.changing.lock().await;
        let before = self.stored_task(id)?;
        let new_id = change.id.clone().filter(|new| !new.is_empty() && *new != *before.id);
        if let Some(new) = &new_id {
            check_id(new)?;
            // Found out now: further down the task is stopped already.
            if self.catalog().task(new).is_some() {
                return Err(TaskError::Invalid(format!("task {new} already exists")));
            }
        }
        let patch = patch(&before, change)?;
        let renamed = new_id.is_some();
        let runs = self.tasks.get(id).is_some();
        let stops = runs && (renamed || patch.status == Some(Status::Disabled));
        if stops {
            self.stop_task(id).await?;
        }
        let name = before.id.clone();
        let now = crate::clock::wall();
        let task = stored(self.propose(Command::UpdateTask { id: name, patch, now }).await?)?;
        let starts = task.status == Status::Enabled && (stops || before.status == Status::Disabled || !runs);
        if starts {
            self.start_task(&task).await?;
        } else if task.status == Status::Disabled && !task.error.is_empty() {
            self.propose(Command::SetTaskError { id: task.id.clone(), error: String::new() }).await?;
        }
        self.stored_task(&task.id)
    }

    /// Deletes a task; one that does not exist is no error.
    pub async fn delete_task(&self, id: &str) -> Result<(), TaskError> {
        let _one = self.tasks.changing.lock().await;
        self.stop_task(id).await?;
        self.propose(Command::DeleteTask { id: id.into() }).await.map(|_| ())
    }

    fn stored_task(&self, id: &str) -> Result<Arc<catalog::Task>, TaskError> {
        self.catalog().task(id).cloned().ok_or(TaskError::NoTask)
    }
}

fn stored(applied: Applied) -> Result<catalog::Task, TaskError> {
    applied.task.ok_or_else(|| {
        TaskError::Unavailable(
            "the change was made by someone else at the same time: look and try again".into(),
        )
    })
}

fn check_id(id: &str) -> Result<(), TaskError> {
    let allowed = |c: char| c.is_alphabetic() || c.is_ascii_digit() || "-._".contains(c);
    if !id.is_empty() && id.chars().all(allowed) {
        return Ok(());
    }
    Err(TaskError::Invalid(format!("task ID must contain only letters, numbers, '-', '.' and '_'. {id:?}")))
}

/// Checks a script with its variables, and finds out what it reads. `twice` is how the error says
/// that databases are named in two places: Kapacitor words it in two ways.
fn check(
    script: &str,
    vars: &BTreeMap<String, Var>,
    dbrps: &[Dbrp],
    twice: &str,
) -> Result<Checked, TaskError> {
    let refuse = |diagnostic: tick::Diagnostic| TaskError::Script {
        line: diagnostic.one_line(script),
        diagnostic: Box::new(diagnostic),
    };
    let program = tick::parse(script).map_err(refuse)?;
    let kind = match tick::task_type(&program).map_err(|d| TaskError::Invalid(d.message))? {
        TaskType::Stream => TaskKind::Stream,
        TaskType::Batch => {
            return Err(TaskError::Invalid(
                "batch tasks are not available in this version of Farad: it has no query nodes yet".into(),
            ));
        }
    };
    // What the script says is judged first, then what the request says of it.
    compile_script(script, TaskType::Stream, vars)?;
    let in_script: Vec<Dbrp> =
        tick::dbrps(&program).into_iter().map(|(db, rp)| Dbrp { db: db.into(), rp: rp.into() }).collect();
    let dbrps = match (in_script.is_empty(), dbrps.is_empty()) {
        (false, false) => {
            return Err(TaskError::Invalid(format!("cannot specify dbrp in {twice}")));
        }
        (true, true) => return Err(TaskError::Invalid("must specify dbrp".into())),
        (true, false) => dbrps.to_vec(),
        (false, true) => in_script,
    };
    Ok(Checked { kind, dbrps })
}

/// What changes in the catalog. What a task ends up with is checked as a whole.
fn patch(before: &catalog::Task, change: TaskChange) -> Result<TaskPatch, TaskError> {
    let mut patch = TaskPatch {
        id: change.id.filter(|id| !id.is_empty()).map(|id| id.as_str().into()),
        status: change.status,
        ..TaskPatch::default()
    };
    let script = change.script.filter(|script| !script.is_empty());
    if script.is_none() && change.vars.is_none() && change.dbrps.is_none() {
        return Ok(patch);
    }
    let text = script.as_deref().unwrap_or(&before.script);
    let vars = change.vars.as_ref().unwrap_or(&before.vars);
    let given = change.dbrps.filter(|dbrps| !dbrps.is_empty());
    let in_script = tick::parse(text).map(|program| !tick::dbrps(&program).is_empty()).unwrap_or(false);
    let dbrps = match (&given, in_script) {
        (Some(given), _) => given.clone(),
        (None, true) => Vec::new(),
        (None, false) => before.dbrps.clone(),
    };
    let checked = check(text, vars, &dbrps, "implicitly and explicitly")?;
    patch.kind = Some(checked.kind);
    patch.dbrps = Some(checked.dbrps);
    patch.vars = change.vars;
    patch.script = script;
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_in_two_places_are_refused_in_the_words_of_each_request() {
        let script = "dbrp \"d\".\"r\"\nstream|from()";
        let dbrps = [Dbrp { db: "x".into(), rp: "y".into() }];
        for twice in ["both implicitly and explicitly", "implicitly and explicitly"] {
            let error = check(script, &BTreeMap::new(), &dbrps, twice).err().expect("it is refused");
            assert_eq!(error.to_string(), format!("cannot specify dbrp in {twice}"));
        }
    }
}
