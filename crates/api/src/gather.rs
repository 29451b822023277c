//! The statistics of a member in Kapacitor's form: objects with a name, tags and values.

use engine::{Engine, TaskView};
use pipeline::Task;
use serde_json::{Map, Value, json};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering::Relaxed;
use template::number::format_duration;
use uuid::Uuid;

/// One statistic.
pub struct Stat {
    name: &'static str,
    tags: Vec<(&'static str, String)>,
    values: Map<String, Value>,
}

impl Stat {
    fn new(name: &'static str, tags: impl IntoIterator<Item = (&'static str, String)>) -> Stat {
        Stat { name, tags: tags.into_iter().collect(), values: Map::new() }
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Stat {
        self.values.insert(name.to_owned(), value.into());
        self
    }

    /// Its key: a UUID that stays the same as long as name and tags do.
    pub fn key(&self) -> String {
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, self.name, &self.tags).hash(&mut hasher);
            hasher.finish()
        };
        Uuid::from_u64_pair(half(0), half(1)).to_string()
    }

    /// As `/debug/vars` shows it.
    pub fn json(self, server: &pipeline::Server) -> Value {
        let own = [
            ("cluster_id", &server.cluster_id),
            ("server_id", &server.server_id),
            ("host", &server.hostname),
        ];
        let own = own.into_iter().map(|(key, value)| (key, value.clone()));
        let tags: Map<String, Value> =
            self.tags.into_iter().chain(own).map(|(key, value)| (key.to_owned(), json!(value))).collect();
        json!({"name": self.name, "tags": tags, "values": self.values})
    }
}

/// All statistics.
pub fn all(engine: &Engine, tasks: &[TaskView]) -> Vec<Stat> {
    let mut stats = ingress(engine);
    for (name, topic) in engine.catalog().topics() {
        stats.push(Stat::new("topics", [("id", name.to_string())]).with("collected", topic.collected()));
    }
    for task in tasks.iter().filter_map(|view| view.running.as_ref()) {
        edges(&mut stats, task);
        nodes(&mut stats, task);
    }
    stats
}

fn ingress(engine: &Engine) -> Vec<Stat> {
    let mut total = 0;
    let mut stats = Vec::new();
    for ingress in engine.ingress() {
        total += ingress.points;
        let tags = [
            ("task_master", "main".to_owned()),
            ("database", ingress.db),
            ("retention_policy", ingress.rp),
            ("measurement", ingress.measurement),
        ];
        stats.push(Stat::new("ingress", tags).with("points_received", ingress.points));
    }
    stats.push(edge("task_master:main", "write_points", "stream", "stream", total));
    stats
}

/// What goes along an edge is taken from it at once.
fn edge(task: &str, parent: &str, child: &str, kind: &str, messages: u64) -> Stat {
    let tags = [("task", task), ("parent", parent), ("child", child), ("type", kind)];
    let tags = tags.map(|(key, value)| (key, value.to_owned()));
    Stat::new("edges", tags).with("collected", messages).with("emitted", messages)
}

fn edges(stats: &mut Vec<Stat>, task: &Task) {
    let graph = &task.graph;
    if let (Some(source), Some(name)) = (graph.nodes.first(), task.names.first()) {
        let taken = task.source_stats.collected.load(Relaxed);
        stats.push(edge(&task.id, source.provides.name(), name, source.provides.name(), taken));
    }
    for (number, node) in graph.nodes.iter().enumerate() {
        let messages = task.stats(number).emitted.load(Relaxed);
        for &child in &node.children {
            stats.push(edge(
                &task.id,
                &task.names[number],
                &task.names[child],
                node.provides.name(),
                messages,
            ));
        }
    }
}

fn nodes(stats: &mut Vec<Stat>, task: &Task) {
    for (number, node) in task.graph.nodes.iter().enumerate() {
        let counted = task.stats(number);
        let mut time = String::new();
        format_duration(&mut time, i64::try_from(counted.avg_exec_ns()).unwrap_or(i64::MAX));
        let tags = [
            ("task", task.id.to_string()),
            ("node", task.names[number].to_string()),
            ("type", node.provides.name().to_owned()),
            ("kind", node.kind.stem.to_owned()),
        ];
        let mut stat = Stat::new("nodes", tags)
            .with("avg_exec_time_ns", time)
            .with("errors", counted.errors.load(Relaxed))
            .with("working_cardinality", counted.working_cardinality());
        for (name, counter) in node.kind.counters.iter().zip(&counted.counters) {
            stat = stat.with(name, counter.load(Relaxed));
        }
        stats.push(stat);
    }
}
