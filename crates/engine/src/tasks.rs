//! The task master: defines, starts, stops and shows tasks. The catalog says what should run; the
//! shards' logs say from which point on it does.

mod change;
mod figures;
mod sources;
mod view;

pub use change::{NewTask, TaskChange};
pub use figures::TaskFigures;
pub use view::TaskView;

use crate::control::decided::Running;
use crate::definition::{Definition, TaskEntry};
use crate::engine::{Agreement, Engine};
use crate::error::TaskError;
use crate::member::ChangeError;
use crate::member::follow::Wanted;
use crate::member::wire::Applied;
use crate::queue::Job;
use crate::router::Tasks;
use alert::HandlerSpec;
use catalog::{Catalog, Command, Outcome, Status};
use model::Level;
use pipeline::nodes::alert::handlers::failed_to_create;
use pipeline::task::{Restored, Task};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The tasks that run, by id.
#[derive(Default)]
pub struct RunningTasks {
    running: Running,
    /// Held while tasks change: one change at a time.
    pub(crate) changing: tokio::sync::Mutex<()>,
}

impl RunningTasks {
    /// The tasks that were running when the shards were brought back.
    pub(crate) fn found(&self, tasks: Vec<Arc<Task>>) {
        *self.running.write() = tasks.into_iter().map(|task| (task.id.to_string(), task)).collect();
    }

    /// One of them.
    pub fn get(&self, id: &str) -> Option<Arc<Task>> {
        self.running.read().get(id).cloned()
    }

    /// All of them, for the router.
    pub(crate) fn routed(&self) -> Tasks {
        self.running.read().values().cloned().collect()
    }

    /// Exactly these run from now on.
    pub(crate) fn set(&self, tasks: BTreeMap<String, Arc<Task>>) {
        *self.running.write() = tasks;
    }

    fn ids(&self) -> Vec<String> {
        self.running.read().keys().cloned().collect()
    }
}

impl From<ChangeError> for TaskError {
    fn from(error: ChangeError) -> TaskError {
        match error {
            ChangeError::Rejected(text) => TaskError::Invalid(text),
            ChangeError::NoQuorum(text) | ChangeError::Unknown(text) => TaskError::Unavailable(text),
        }
    }
}

impl Engine {
    /// Makes what runs what the catalog says should run: after a start, where the process may have
    /// died between the two.
    ///
    /// In a cluster the members do that all the time; only tasks that a member alone had are left to
    /// be made theirs.
    pub async fn reconcile(&self) {
        let _one = self.tasks.changing.lock().await;
        self.route_by(self.tasks.routed());
        if let Agreement::Alone(control) = &self.agreement {
            control.correct(self.tasks.running.clone());
        }
        let wanted: Vec<Arc<catalog::Task>> = self.catalog().tasks().cloned().collect();
        if self.member().is_some() {
            return;
        }
        for id in self.tasks.ids() {
            let enabled = wanted.iter().any(|task| *task.id == *id && task.status == Status::Enabled);
            if !enabled && let Err(error) = self.stop_task(&id).await {
                tracing::error!(task = id, %error, "cannot stop a task that is not enabled any more");
            }
        }
        for task in wanted.iter().filter(|task| task.status == Status::Enabled) {
            match self.tasks.get(&task.id) {
                Some(running) => self.open_topics(&running).await,
                None => {
                    if let Err(error) = self.start_task(task).await {
                        tracing::error!(task = &*task.id, %error, "an enabled task does not start");
                    }
                }
            }
        }
    }

    /// Makes a change that must be agreed on, and waits until it is in force.
    pub(crate) async fn propose(&self, command: Command) -> Result<Applied, TaskError> {
        let control = match &self.agreement {
            Agreement::Alone(control) => control,
            Agreement::Cluster(member) => return Ok(member.change(&command).await?),
        };
        match control.command(command).await {
            Some(Ok(Outcome::Task(task))) => {
                Ok(Applied { task: Some(catalog::Task::clone(&task)), ..Applied::default() })
            }
            Some(Ok(_)) => Ok(Applied::default()),
            Some(Err(rejection)) => Err(TaskError::Invalid(rejection.to_string())),
            None => Err(TaskError::Unavailable("the server is stopping".into())),
        }
    }

    /// Starts a task in every shard, with empty state. A failure is noted with the task.
    pub(crate) async fn start_task(&self, task: &catalog::Task) -> Result<(), TaskError> {
        let started = self.try_start(task).await;
        let error = started.as_ref().err().map(ToString::to_string).unwrap_or_default();
        if task.error != error {
            self.propose(Command::SetTaskError { id: task.id.clone(), error }).await?;
        }
        started
    }

    async fn try_start(&self, task: &catalog::Task) -> Result<(), TaskError> {
        let definition = Definition {
            id: task.id.clone(),
            dbrps: task.dbrps.iter().map(|dbrp| (dbrp.db.clone(), dbrp.rp.clone())).collect(),
            script: task.script.clone(),
            vars: task.vars.clone(),
            deadman: self.options.deadman.clone(),
        };
        let built =
            definition.build(&self.options.server, self.options.shards).map_err(|error| match error {
                TaskError::Script { line, .. } => TaskError::Start(line),
                other => other,
            })?;
        self.check_handlers(&built)?;
        self.refuse_circle(&built)?;
        // In a cluster each shard's leader reads its own copy; here it is only found out whether there is one.
        let sources = self.read_sources(&built).await.map_err(TaskError::Start)?;
        if let Some(member) = self.member() {
            let topics = topics(&built).map(|(name, handlers)| (name.into(), handlers)).collect();
            let (id, definition) = (task.id.clone(), definition.encode());
            let applied = self.propose(Command::StartTask { id, definition, topics }).await?;
            member.settle(applied.index).await;
            return self.break_circle(&built).await;
        }
        self.release_inhibited(&task.id).await?;
        self.open_topics(&built).await;
        let restored = restored(&self.catalog(), &built);
        let definition: Arc<[u8]> = definition.encode().into();
        let entry = TaskEntry::start(definition.to_vec(), restored.clone(), sources.clone());
        let job = |shard, index| Job::Start {
            shard,
            index,
            task: built.clone(),
            definition: definition.clone(),
            restored: restored.clone(),
            sources: sources.clone(),
        };
        self.log_task(&entry, job).await?;
        self.tasks.running.write().insert(task.id.to_string(), built);
        self.route_by(self.tasks.routed());
        Ok(())
    }

    /// Stops a task in every shard; its state is forgotten, its topics are closed.
    pub(crate) async fn stop_task(&self, id: &str) -> Result<(), TaskError> {
        let Some(task) = self.tasks.get(id) else { return Ok(()) };
        // Events that are still on their way must find the topics open, and whoever starts the
        // task again must find the levels that they leave.
        match self.member() {
            Some(member) => {
                let applied = self.propose(Command::StopTask { id: id.into() }).await?;
                member.settle(applied.index).await;
            }
            None => {
                let entry = TaskEntry::Stop { task: id.to_owned() };
                self.log_task(&entry, |shard, index| Job::Stop { shard, index, task: id.to_owned() }).await?;
                self.tasks.running.write().remove(id);
                self.route_by(self.tasks.routed());
                self.throughput.forget(id);
                self.settle().await;
            }
        }
        self.release_inhibited(&task.id).await?;
        for alert in &task.alerts {
            if let Some(topic) = &alert.anonymous {
                let topic: model::Name = topic.as_str().into();
                self.propose(Command::CloseTopic { topic: topic.clone() }).await?;
                self.deliverer.retire(&topic);
            }
        }
        Ok(())
    }

    /// Lets go of what the alerts of a task hold back that does not run. In a cluster what was on its
    /// way when the task stopped may have held something back anew.
    async fn release_inhibited(&self, task: &model::Name) -> Result<(), TaskError> {
        let holds = self.catalog().inhibitors().of_task(task).next().is_some();
        if holds {
            self.propose(Command::StopTask { id: task.clone() }).await?;
        }
        Ok(())
    }

    /// Routes writes to these tasks, and shows them as running.
    pub(crate) fn run_only(&self, wanted: &Wanted) {
        for id in self.tasks.ids().iter().filter(|id| !wanted.contains_key(*id)) {
            self.throughput.forget(id);
        }
        self.tasks.set(wanted.iter().map(|(id, (_, task))| (id.clone(), task.clone())).collect());
        self.route_by(self.tasks.routed());
    }

    /// Starts the tasks that are enabled and do not run, as those of a member that was alone until
    /// it founded a cluster.
    pub(crate) async fn start_enabled(&self) {
        let _one = self.tasks.changing.lock().await;
        let waiting: Vec<Arc<catalog::Task>> = {
            let catalog = self.catalog();
            let enabled =
                catalog.tasks().filter(|task| task.status == Status::Enabled && task.error.is_empty());
            enabled.filter(|task| catalog.run(&task.id).is_none()).cloned().collect()
        };
        for task in waiting {
            if let Err(error) = self.start_task(&task).await {
                tracing::error!(task = &*task.id, %error, "an enabled task does not start");
            }
        }
    }

    async fn log_task(&self, entry: &TaskEntry, job: impl Fn(u32, u64) -> Job) -> Result<(), TaskError> {
        let unavailable =
            |error: String| TaskError::Unavailable(format!("cannot log the task's change: {error}"));
        let position =
            self.submit_task(&entry.encode(), job).map_err(|error| unavailable(error.to_string()))?;
        // The catalog is flushed, so the log must be: a task must not come back without its start.
        self.log.durable(position).await.map_err(|error| unavailable(error.to_string()))
    }

    fn check_handlers(&self, task: &Task) -> Result<(), TaskError> {
        for spec in task.alerts.iter().flat_map(specs) {
            let failed = |error| TaskError::Start(failed_to_create(&spec.kind, error));
            self.deliverer.check(&spec).map_err(failed)?;
        }
        Ok(())
    }

    /// Gives the task's anonymous topics their handlers.
    async fn open_topics(&self, task: &Task) {
        for (topic, handlers) in topics(task) {
            let command = Command::SetTopicHandlers { topic: topic.into(), handlers };
            if let Err(error) = self.propose(command).await {
                tracing::error!(topic, %error, "cannot open an alert's topic");
            }
        }
    }
}

/// The task's anonymous topics with their handlers.
fn topics(task: &Task) -> impl Iterator<Item = (&str, Vec<HandlerSpec>)> {
    task.alerts.iter().filter_map(|alert| Some((alert.anonymous.as_deref()?, specs(alert).collect())))
}

/// What the task's alerts find in their topics. The anonymous topic goes before the named one.
pub(crate) fn restored(catalog: &Catalog, task: &Task) -> Restored {
    let mut restored = Restored::default();
    for alert in &task.alerts {
        let topics = [alert.named.as_deref(), alert.anonymous.as_deref()];
        let mut events = BTreeMap::new();
        for topic in topics.into_iter().flatten().filter_map(|name| catalog.topic(name)) {
            let bad = topic.events(Level::Info);
            events.extend(bad.map(|state| (state.id.clone(), (state.level, state.time))));
        }
        if !events.is_empty() {
            restored.0.insert(alert.node.clone(), events);
        }
    }
    restored
}

/// The handlers of an alert's anonymous topic: numbered, for a script may attach two of a kind.
fn specs(alert: &pipeline::task::AlertTopics) -> impl Iterator<Item = HandlerSpec> {
    alert.handlers.iter().enumerate().map(|(number, handler)| {
        HandlerSpec::new(&format!("{}{number}", handler.kind), handler.kind, handler.options.clone())
    })
}
