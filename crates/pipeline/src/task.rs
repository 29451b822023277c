//! A task that is ready to run: the script's graph with every node built.

use crate::edge::EdgeKind;
use crate::graph::Graph;
use crate::group::GroupBy;
use crate::node::{AnyNode, Build, Demand, Server};
use crate::nodes::from::Source;
use crate::nodes::window_fused::{self, Half};
use crate::nodes::{kapacitor_loopback, sideload};
use crate::partition::{Placement, placement};
use crate::stats::NodeStats;
use lambda::Lambda;
use model::{Level, Name, Origin, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// What an alert node finds in its topics when it sees a group for the first time: the level and
/// the time of each event that is not OK, by node name and event id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Restored(pub BTreeMap<String, BTreeMap<String, (Level, Time)>>);

/// A handler that a script attaches to an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct InlineHandler {
    /// `log`, `post`, ...
    pub kind: &'static str,
    /// Its options, in the form that topic handlers have them.
    pub options: serde_json::Map<String, serde_json::Value>,
}

/// Why a task takes no more points in a shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened.
    pub why: String,
    /// The clock of the entry with which it happened, nanoseconds.
    pub since: Time,
}

/// The topics that an alert node feeds.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertTopics {
    /// The node's name.
    pub node: String,
    /// `main:task:alert2`; only when the node has handlers of its own.
    pub anonymous: Option<String>,
    /// The topic that the script names.
    pub named: Option<String>,
    /// The handlers on the anonymous topic.
    pub handlers: Vec<InlineHandler>,
}

/// One node, built.
pub struct Operator {
    /// The node.
    pub node: Box<dyn AnyNode>,
    /// What it reads from.
    pub parents: Vec<usize>,
    /// Grouping of the first input.
    pub by_in: GroupBy,
    /// Grouping of the output.
    pub by_out: GroupBy,
    /// Its counters.
    pub stats: Arc<NodeStats>,
    /// Its errors are not logged.
    pub quiet: bool,
    /// The half of a fused pair that it is: what goes between the two the pair counts itself.
    pub half: Option<Half>,
}

/// A task, built, to be run in any number of shards.
pub struct Task {
    /// Its id.
    pub id: Name,
    /// The databases and retention policies that it reads.
    pub dbrps: Vec<(Name, Name)>,
    /// The graph, for DOT and statistics.
    pub graph: Graph,
    /// Names of the nodes.
    pub names: Vec<Name>,
    /// The nodes; `None` is the source, which does nothing itself.
    pub operators: Vec<Option<Operator>>,
    /// Counters of the source.
    pub source_stats: Arc<NodeStats>,
    /// The `from` nodes below the source.
    pub sources: Vec<Source>,
    /// By what its points are spread over shards.
    pub placement: Placement,
    /// How long its groups live after their last point, nanoseconds, if its script says so; 0 is for ever.
    pub group_ttl: Option<i64>,
    /// HTTP endpoints: name and node.
    pub endpoints: Vec<(String, usize)>,
    /// Topics of its alert nodes.
    pub alerts: Vec<AlertTopics>,
    /// Where its nodes write to in the server itself.
    pub loopbacks: Vec<kapacitor_loopback::Target>,
    /// Sources that must be read when it starts.
    pub sideloads: Vec<sideload::Sideload>,
    /// The first shard in which it failed, and why.
    failed: OnceLock<(u32, Failure)>,
}

impl Task {
    /// Builds a task for `shards` shards. The error is what Kapacitor calls a failure to start: the
    /// task is kept with it, and does not execute.
    pub fn build(
        id: Name,
        dbrps: Vec<(Name, Name)>,
        graph: Graph,
        server: &Server,
        shards: usize,
    ) -> Result<Task, String> {
        let names: Vec<Name> = graph.names().into_iter().map(Name::from).collect();
        check_edges(&graph, &names)?;
        let inputs = groupings(&graph);
        let placement = placement(&id, &graph, &inputs.of_parents);
        let mut operators = Vec::new();
        for (at, node) in graph.nodes.iter().enumerate() {
            let Some(&first) = node.parents.first() else {
                operators.push(None);
                continue;
            };
            let cx = Build {
                task: &id,
                name: &names[at],
                edge: graph.nodes[first].provides,
                parents: &inputs.of_parents[at],
                below_source: node.parents == [0],
                demand: &demand(&graph, at),
                server,
                dbrps: &dbrps,
            };
            let of_parent = operators[first].as_ref().map(|operator: &Operator| &operator.stats);
            let fused = of_parent.and_then(|stats| window_fused::build(&graph, at, stats));
            operators.push(Some(Operator {
                half: fused.as_ref().and_then(|_| window_fused::half(&graph, at)),
                node: fused.map_or_else(|| node.definition.build(&cx), Ok)?,
                parents: node.parents.clone(),
                by_in: inputs.of_parents[at][0].clone(),
                by_out: inputs.of_output[at].clone(),
                stats: Arc::new(NodeStats {
                    ungrouped: inputs.of_parents[at].iter().all(|by| *by == GroupBy::default()),
                    ..NodeStats::new(node.kind.counters.len(), shards)
                }),
                quiet: node.quiet,
            }));
        }
        let mut task = Task {
            source_stats: Arc::new(NodeStats::new(0, shards)),
            sources: Vec::new(),
            group_ttl: None,
            endpoints: Vec::new(),
            alerts: Vec::new(),
            loopbacks: Vec::new(),
            sideloads: Vec::new(),
            failed: OnceLock::new(),
            id,
            dbrps,
            graph,
            names,
            operators,
            placement,
        };
        task.collect(server)?;
        Ok(task)
    }

    /// Gathers what the definitions tell the rest of the server: sources, endpoints, topics.
    fn collect(&mut self, server: &Server) -> Result<(), String> {
        use crate::nodes::{alert, from, http_out};
        for (at, node) in self.graph.nodes.iter().enumerate() {
            let any: &dyn std::any::Any = &*node.definition;
            if let Some(from) = any.downcast_ref::<from::From>()
                && node.parents == [0]
            {
                self.group_ttl = agreed_ttl(self.group_ttl, from.group_ttl)?;
                self.sources.push(from.source(at)?);
            }
            if let Some(http) = any.downcast_ref::<http_out::HttpOut>() {
                if self.endpoints.iter().any(|(name, _)| *name == http.endpoint) {
                    return Err(format!(
                        "two httpOut nodes of task {} share the endpoint {:?}: give each its own",
                        self.id, http.endpoint
                    ));
                }
                self.endpoints.push((http.endpoint.clone(), at));
            }
            if let Some(alert) = any.downcast_ref::<alert::Alert>() {
                self.alerts.push(alert.topics(server, &self.id, &self.names[at]));
            }
            if let Some(loopback) = any.downcast_ref::<kapacitor_loopback::Loopback>() {
                self.loopbacks.push(loopback.target(&self.names[at]));
            }
            if let Some(definer) = any.downcast_ref::<sideload::Definer>() {
                self.sideloads.push(definer.sideload(&self.names[at], server)?);
            }
        }
        Ok(())
    }

    /// Whether points of that origin may matter to the task.
    pub fn reads(&self, origin: &Origin) -> bool {
        self.in_dbrps(origin) && self.sources.iter().any(|source| source.matches(origin))
    }

    /// Whether the task was given that database and retention policy.
    pub fn in_dbrps(&self, origin: &Origin) -> bool {
        self.dbrps.iter().any(|(db, rp)| *db == origin.db && *rp == origin.rp)
    }

    /// It takes no more points in a shard. The first failure is what is told.
    pub(crate) fn fail(&self, shard: u32, failure: Failure) {
        self.failed.get_or_init(|| (shard, failure));
    }

    /// The first shard in which it failed, and why.
    pub fn failure(&self) -> Option<&(u32, Failure)> {
        self.failed.get()
    }

    /// Counters of a node.
    pub fn stats(&self, node: usize) -> &Arc<NodeStats> {
        self.operators[node].as_ref().map_or(&self.source_stats, |operator| &operator.stats)
    }
}

/// The one time that the `from` nodes of a task say its groups live.
fn agreed_ttl(one: Option<i64>, other: Option<i64>) -> Result<Option<i64>, String> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => {
            Err("the from nodes of a task must agree on groupTTL: its groups are those of all of them".into())
        }
        _ => Ok(other.or(one)),
    }
}

/// How the inputs and the output of each node are grouped.
struct Groupings {
    of_parents: Vec<Vec<GroupBy>>,
    of_output: Vec<GroupBy>,
}

fn groupings(graph: &Graph) -> Groupings {
    let mut found = Groupings { of_parents: Vec::new(), of_output: Vec::new() };
    for node in &graph.nodes {
        let parents: Vec<GroupBy> =
            node.parents.iter().map(|&parent| found.of_output[parent].clone()).collect();
        found.of_output.push(node.definition.group_by(&parents));
        found.of_parents.push(parents);
    }
    found
}

/// What the children of a node need of points that it keeps: one field, when all want the same.
fn demand(graph: &Graph, node: usize) -> Demand {
    let mut demands = graph.nodes[node].children.iter().map(|&c| graph.nodes[c].definition.demand());
    let first = demands.next().unwrap_or(Demand::All);
    if demands.all(|demand| demand == first) { first } else { Demand::All }
}

/// Nodes with several parents need the same kind of edge from each.
fn check_edges(graph: &Graph, names: &[Name]) -> Result<(), String> {
    for (at, node) in graph.nodes.iter().enumerate() {
        let Some(&first) = node.parents.first() else { continue };
        let wanted = graph.nodes[first].provides;
        for &parent in &node.parents[1..] {
            let given: EdgeKind = graph.nodes[parent].provides;
            if given != wanted {
                return Err(format!(
                    "cannot add child mismatched edges: {}:{} -> {}:{}",
                    names[parent],
                    given.name(),
                    names[at],
                    wanted.name()
                ));
            }
        }
    }
    Ok(())
}

/// A lambda of a script, compiled. `what` opens the error as Kapacitor's does.
pub fn compile_lambda(expr: &tick::ast::Expr, what: &str) -> Result<Arc<Lambda>, String> {
    Lambda::compile(expr, lambda::FunctionSet::Task).map(Arc::new).map_err(|error| format!("{what}: {error}"))
}
