//! What the API shows of a task: its definition, whether it runs, its graph and its figures.

use crate::engine::Engine;
use crate::member::wire::Question;
use crate::tasks::TaskFigures;
use catalog::Status;
use model::Row;
use pipeline::graph::{DotView, Figures};
use pipeline::reasons::Reason;
use pipeline::stats::NodeStats;
use pipeline::task::{Failure, Task};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A task as it is now.
pub struct TaskView {
    /// As the catalog has it.
    pub task: Arc<catalog::Task>,
    /// The task that runs, which may have an older script.
    pub running: Option<Arc<Task>>,
    /// Points a second over the last seconds.
    pub throughput: f64,
    /// Members that did not tell their part of the figures in time.
    pub missing: Vec<String>,
    /// The figures of its nodes over all members; those of `running` on a member alone.
    gathered: Option<Vec<NodeStats>>,
    /// The first shard in which it failed, and why.
    failed: Option<(u32, Failure)>,
}

/// The figures of one node, by Kapacitor's names, all of them integers.
pub type NodeFigures = BTreeMap<&'static str, u64>;

/// The figures of tasks by their ids, and the members that did not tell theirs.
type AllFigures = (BTreeMap<String, TaskFigures>, Vec<String>);

impl TaskView {
    /// It runs.
    pub fn executing(&self) -> bool {
        self.running.is_some() && self.failed.is_none()
    }

    /// Why it does not start, or why and since when it takes no more points.
    pub fn error(&self) -> String {
        let Some((shard, failure)) = &self.failed else { return self.task.error.clone() };
        let since = jiff::Timestamp::from_nanosecond(failure.since.into()).unwrap_or_default();
        format!(
            "{} (shard {shard}, since {since}); this is a bug of Farad, please report it; disable and enable the task to go on",
            failure.why
        )
    }

    /// The graph in DOT: with figures when it runs.
    pub fn dot(&self, view: DotView) -> String {
        if let Some(running) = &self.running {
            let figures = OfRunning { view: self, task: running };
            return running.graph.running_dot(&self.task.id, &figures, view);
        }
        match crate::definition::compile_script(&self.task.script, tick::TaskType::Stream, &self.task.vars) {
            Ok(compiled) => compiled.graph.dot(&self.task.id),
            Err(_) => String::new(),
        }
    }

    /// The figures of a node, when it runs.
    pub fn stats<'a>(&'a self, running: &'a Task, node: usize) -> &'a NodeStats {
        let gathered = self.gathered.as_ref().and_then(|gathered| gathered.get(node));
        gathered.unwrap_or_else(|| running.stats(node))
    }

    /// The figures of every node by its name, when it runs.
    pub fn node_stats(&self) -> Option<BTreeMap<String, NodeFigures>> {
        let task = self.running.as_ref()?;
        let named = (0..task.names.len()).map(|node| {
            let stats = self.stats(task, node);
            let mut figures = node_figures(task, node, stats);
            // Kapacitor hands each `from` all points of the task, also those that it does not want.
            let below_source = task.operators[node].as_ref().is_some_and(|one| one.parents == [0]);
            let stats_in = if below_source { self.stats(task, 0) } else { stats };
            figures.insert("collected", stats_in.collected.load(Relaxed));
            let children = task.graph.nodes[node].children.len() as u64;
            figures.insert("emitted", stats.emitted.load(Relaxed) * children);
            (task.names[node].to_string(), figures)
        });
        Some(named.collect())
    }

    /// Why nodes could not use points, of those that could not, when it runs.
    pub fn reasons(&self) -> Vec<(String, Vec<Reason>)> {
        let Some(task) = &self.running else { return Vec::new() };
        let of_node = |node: usize| -> (String, Vec<Reason>) {
            (task.names[node].to_string(), self.stats(task, node).reasons().iter().cloned().collect())
        };
        (0..task.names.len()).map(of_node).filter(|(_, reasons)| !reasons.is_empty()).collect()
    }
}

/// What the DOT and the statistics have in common.
fn node_figures(task: &Task, node: usize, stats: &NodeStats) -> NodeFigures {
    let mut figures = NodeFigures::from([
        ("avg_exec_time_ns", stats.avg_exec_ns()),
        ("errors", stats.errors.load(Relaxed)),
        ("working_cardinality", stats.working_cardinality()),
    ]);
    let own = task.graph.nodes[node].kind.counters.iter().zip(&stats.counters);
    figures.extend(own.map(|(name, counter)| (*name, counter.load(Relaxed))));
    figures
}

struct OfRunning<'a> {
    view: &'a TaskView,
    task: &'a Task,
}

impl Figures for OfRunning<'_> {
    fn throughput(&self) -> String {
        format!("{:.2} points/s", self.view.throughput)
    }

    fn node(&self, node: usize) -> Vec<(&'static str, String)> {
        let text = |(name, value): (&'static str, u64)| match name {
            "avg_exec_time_ns" => {
                let mut text = String::new();
                template::number::format_duration(&mut text, value as i64);
                (name, text)
            }
            _ => (name, value.to_string()),
        };
        node_figures(self.task, node, self.view.stats(self.task, node)).into_iter().map(text).collect()
    }

    fn edge(&self, parent: usize, _child: usize) -> u64 {
        self.view.stats(self.task, parent).emitted.load(Relaxed)
    }
}

impl Engine {
    /// One task.
    pub async fn task(&self, id: &str) -> Option<TaskView> {
        let task = self.catalog().task(id).cloned()?;
        let figures = self.figures(&[id.to_owned()]).await;
        Some(self.view(task, figures.as_ref()))
    }

    /// All tasks, in order of their ids.
    pub async fn task_views(&self) -> Vec<TaskView> {
        let figures = self.figures(&[]).await;
        self.views(figures.as_ref())
    }

    /// All tasks, in order of their ids, with the figures of this member alone.
    pub fn local_task_views(&self) -> Vec<TaskView> {
        self.views(None)
    }

    fn views(&self, figures: Option<&AllFigures>) -> Vec<TaskView> {
        let tasks: Vec<Arc<catalog::Task>> = self.catalog().tasks().cloned().collect();
        tasks.into_iter().map(|task| self.view(task, figures)).collect()
    }

    fn view(&self, task: Arc<catalog::Task>, figures: Option<&AllFigures>) -> TaskView {
        let running = self.tasks.get(&task.id);
        let throughput = running.as_ref().map_or(0.0, |running| self.throughput.of(running));
        let failed = running.as_ref().and_then(|running| running.failure().cloned());
        let mut view = TaskView { task, running, throughput, missing: Vec::new(), gathered: None, failed };
        if let (Some(running), Some((figures, missing))) = (&view.running, figures) {
            view.missing.clone_from(missing);
            let figures = figures.get(&*view.task.id).cloned().unwrap_or_default();
            view.throughput = figures.throughput;
            view.failed.clone_from(&figures.failed);
            view.gathered = Some(figures.into_stats(running.names.len()));
        }
        view
    }

    /// The figures of tasks over all members; `None` on a member alone.
    async fn figures(&self, tasks: &[String]) -> Option<AllFigures> {
        let member = self.member()?;
        let question = Question::Figures { tasks: tasks.to_vec() };
        let mut all = member.say(&question).await.figures;
        let (answers, missing) = member.ask_all(&question).await;
        for (_, answer) in answers {
            for (id, figures) in answer.figures {
                all.entry(id).or_default().add(&figures);
            }
        }
        Some((all, missing))
    }

    /// Number of tasks, and of those that are enabled.
    pub fn task_counts(&self) -> (usize, usize) {
        let catalog = self.catalog();

        let all = catalog.tasks().count();
        (all, catalog.tasks().filter(|task| task.status == Status::Enabled).count())
    }

    /// What an endpoint of a running task shows, gathered from all shards: a row a group, `None`
    /// for a group without one, in the order in which the groups were first seen; and the members
    /// whose part is missing. `None`: there is no such endpoint.
    pub async fn endpoint(&self, task: &str, endpoint: &str) -> Option<(Vec<Option<Row>>, Vec<String>)> {
        let running = self.tasks.get(task)?;
        let node = running.endpoints.iter().find(|(name, _)| name == endpoint)?.1;
        let mut missing = Vec::new();
        let mut shown = match self.member() {
            None => self.shown((0..self.options.shards).collect(), task, node).await,
            Some(member) => {
                let question = Question::Endpoint { task: task.to_owned(), node };
                let mut shown = member.say(&question).await.shown;
                let answers;
                (answers, missing) = member.ask_all(&question).await;
                shown.extend(answers.into_iter().flat_map(|(_, answer)| answer.shown));
                shown
            }
        };
        shown.sort_by_key(|row| row.since);
        Some((shown.into_iter().map(|row| row.row).collect(), missing))
    }
}
