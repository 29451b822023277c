//! What the API shows of a task: its definition, whether it runs, its graph and its figures.

use crate::engine::Engine;
use crate::queue::Job;
use catalog::Status;
use model::Row;
use pipeline::endpoint::Shown;
use pipeline::graph::{DotView, Figures};
use pipeline::task::Task;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::oneshot;

/// A task as it is now.
pub struct TaskView {
    /// As the catalog has it.
    pub task: Arc<catalog::Task>,
    /// The task that runs, which may have an older script.
    pub running: Option<Arc<Task>>,
    /// Points a second over the last seconds.
    pub throughput: f64,
}

/// The figures of one node, by Kapacitor's names, all of them integers.
pub type NodeFigures = BTreeMap<&'static str, u64>;

impl TaskView {
    /// It runs.
    pub fn executing(&self) -> bool {
        self.running.is_some()
    }

    /// The graph in DOT: with figures when it runs.
    pub fn dot(&self, view: DotView) -> String {
        if let Some(running) = &self.running {
            let figures = OfRunning { task: running, throughput: self.throughput };
            return running.graph.running_dot(&self.task.id, &figures, view);
        }
        match crate::definition::compile_script(&self.task.script, tick::TaskType::Stream, &self.task.vars) {
            Ok(compiled) => compiled.graph.dot(&self.task.id),
            Err(_) => String::new(),
        }
    }

    /// The figures of every node by its name, when it runs.
    pub fn node_stats(&self) -> Option<BTreeMap<String, NodeFigures>> {
        let task = self.running.as_ref()?;
        let named = (0..task.names.len()).map(|node| {
            let mut figures = node_figures(task, node);
            let stats = task.stats(node);
            figures.insert("collected", stats.collected.load(Relaxed));
            let children = task.graph.nodes[node].children.len() as u64;
            figures.insert("emitted", stats.emitted.load(Relaxed) * children);
            (task.names[node].to_string(), figures)
        });
        Some(named.collect())
    }
}

/// What the DOT and the statistics have in common.
fn node_figures(task: &Task, node: usize) -> NodeFigures {
    let stats = task.stats(node);
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
    task: &'a Task,
    throughput: f64,
}

impl Figures for OfRunning<'_> {
    fn throughput(&self) -> String {
        format!("{:.2} points/s", self.throughput)
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
        node_figures(self.task, node).into_iter().map(text).collect()
    }

    fn edge(&self, parent: usize, _child: usize) -> u64 {
        self.task.stats(parent).emitted.load(Relaxed)
    }
}

impl Engine {
    /// One task.
    pub fn task(&self, id: &str) -> Option<TaskView> {
        let task = self.catalog().task(id).cloned()?;
        Some(self.view(task))
    }

    /// All tasks, in order of their ids.
    pub fn task_views(&self) -> Vec<TaskView> {
        let tasks: Vec<Arc<catalog::Task>> = self.catalog().tasks().cloned().collect();
        tasks.into_iter().map(|task| self.view(task)).collect()
    }

    fn view(&self, task: Arc<catalog::Task>) -> TaskView {
        let running = self.tasks.get(&task.id);
        let throughput = running.as_ref().map_or(0.0, |running| self.throughput.of(running));
        TaskView { task, running, throughput }
    }

    /// Number of tasks, and of those that are enabled.
    pub fn task_counts(&self) -> (usize, usize) {
        let catalog = self.catalog();

        let all = catalog.tasks().count();
        (all, catalog.tasks().filter(|task| task.status == Status::Enabled).count())
    }

    /// What an endpoint of a running task shows, gathered from all shards: a row a group, `None`
    /// for a group without one, in the order in which the groups were first seen. `None`: there is
    /// no such endpoint.
    pub async fn endpoint(&self, task: &str, endpoint: &str) -> Option<Vec<Option<Row>>> {
        let running = self.tasks.get(task)?;
        let node = running.endpoints.iter().find(|(name, _)| name == endpoint)?.1;
        let mut waits = Vec::new();
        for shard in 0..self.options.shards {
            let (reply, wait) = oneshot::channel();
            let job = Job::Show { shard, task: task.to_owned(), node, reply };
            self.queues[shard as usize % self.queues.len()].push([job]);
            waits.push(wait);
        }
        let mut shown: Vec<Shown> = Vec::new();
        for wait in waits {
            shown.extend(wait.await.ok().flatten().unwrap_or_default());
        }
        shown.sort_by_key(|row| row.since);
        Some(shown.into_iter().map(|row| row.row).collect())
    }
}
