//! The statistics of a member in Kapacitor's form: objects with a name, tags and values.

use engine::stats::Ingress;
use engine::status::{ClusterStatus, MemberStatus, Role, State};
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
pub fn all(engine: &Engine, tasks: &[TaskView], taken: Vec<Ingress>) -> Vec<Stat> {
    let mut stats = ingress(taken);
    for (name, topic) in engine.catalog().topics() {
        stats.push(Stat::new("topics", [("id", name.to_string())]).with("collected", topic.collected()));
    }
    for view in tasks {
        let Some(task) = &view.running else { continue };
        edges(&mut stats, view, task);
        nodes(&mut stats, view, task);
    }
    stats.extend(cluster(&engine.local_status()));
    stats
}

/// What Kapacitor Enterprise tells of its membership, and what Farad has beyond that. Nothing for
/// a server that is alone.
fn cluster(status: &ClusterStatus) -> Option<Stat> {
    if status.state == State::Standalone {
        return None;
    }
    let gossip = status.gossip.clone().unwrap_or_default();
    let refused: u64 = gossip.rejected.values().sum();
    let members = |wanted: MemberStatus| status.members.iter().filter(|m| m.status == wanted).count();
    let leads = status.shards.iter().filter(|shard| shard.group.role == Role::Leader).count();
    let stat = Stat::new("cluster", [])
        .with("dropped_member_events", refused)
        // Nothing but membership is gossiped, so that nothing else can be dropped.
        .with("dropped_user_events", 0)
        .with("control_leader", i32::from(status.control.role == Role::Leader))
        .with("control_term", status.control.term)
        .with("control_applied_index", status.control.applied)
        .with("members_alive", members(MemberStatus::Alive))
        .with("members_down", members(MemberStatus::Down))
        .with("shards_led", leads)
        .with("gossip_packets_in", gossip.packets_in)
        .with("gossip_packets_out", gossip.packets_out);
    let refused = status.rpc.iter().flat_map(|rpc| rpc.rejected.values()).sum::<u64>();
    Some(stat.with("rpc_rejected", refused))
}

fn ingress(taken: Vec<Ingress>) -> Vec<Stat> {
    let mut total = 0;
    let mut stats = Vec::new();
    for ingress in taken {
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

fn edges(stats: &mut Vec<Stat>, view: &TaskView, task: &Task) {
    let graph = &task.graph;
    if let (Some(source), Some(name)) = (graph.nodes.first(), task.names.first()) {
        let taken = view.stats(task, 0).collected.load(Relaxed);
        stats.push(edge(&task.id, source.provides.name(), name, source.provides.name(), taken));
    }
    for (number, node) in graph.nodes.iter().enumerate() {
        let messages = view.stats(task, number).emitted.load(Relaxed);
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

fn nodes(stats: &mut Vec<Stat>, view: &TaskView, task: &Task) {
    for (number, node) in task.graph.nodes.iter().enumerate() {
        let counted = view.stats(task, number);
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
