//! The figures of a task as they travel between members and add up.

use pipeline::reasons::Reasons;
use pipeline::stats::NodeStats;
use pipeline::task::{Failure, Task};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering::Relaxed;

/// The figures of one task on one member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskFigures {
    /// Points a second.
    pub throughput: f64,
    /// By node, in the order of the graph.
    pub nodes: Vec<NodeNumbers>,
    /// The first shard in which it failed, and why.
    pub failed: Option<(u32, Failure)>,
}

/// The figures of one node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeNumbers {
    collected: u64,
    emitted: u64,
    errors: u64,
    exec_ns: u64,
    exec_count: u64,
    cardinality: u64,
    counters: Vec<u64>,
    reasons: Reasons,
}

impl TaskFigures {
    /// Of a task of this member, with its points a second.
    pub fn of(task: &Task, throughput: f64) -> TaskFigures {
        let nodes = (0..task.names.len()).map(|node| NodeNumbers::of(task.stats(node)));
        TaskFigures { throughput, nodes: nodes.collect(), failed: task.failure().cloned() }
    }

    /// As the statistics of nodes, empty ones for those that are missing.
    pub fn into_stats(self, nodes: usize) -> Vec<NodeStats> {
        let mut stats: Vec<NodeStats> = self.nodes.into_iter().map(NodeNumbers::into_stats).collect();
        stats.resize_with(nodes, NodeStats::default);
        stats
    }

    /// Adds the figures of another member.
    pub fn add(&mut self, other: &TaskFigures) {
        self.throughput += other.throughput;
        let failed = self.failed.iter().chain(&other.failed).min_by_key(|(shard, why)| (why.since, *shard));
        self.failed = failed.cloned();
        if self.nodes.len() < other.nodes.len() {
            self.nodes.resize_with(other.nodes.len(), NodeNumbers::default);
        }
        for (mine, others) in self.nodes.iter_mut().zip(&other.nodes) {
            mine.add(others);
        }
    }
}

impl NodeNumbers {
    fn of(stats: &NodeStats) -> NodeNumbers {
        NodeNumbers {
            collected: stats.collected.load(Relaxed),
            emitted: stats.emitted.load(Relaxed),
            errors: stats.errors.load(Relaxed),
            exec_ns: stats.exec_ns.load(Relaxed),
            exec_count: stats.exec_count.load(Relaxed),
            cardinality: stats.working_cardinality(),
            counters: stats.counters.iter().map(|counter| counter.load(Relaxed)).collect(),
            reasons: stats.reasons().clone(),
        }
    }

    fn into_stats(self) -> NodeStats {
        let stats = NodeStats::new(self.counters.len(), 1);
        stats.collected.store(self.collected, Relaxed);
        stats.emitted.store(self.emitted, Relaxed);
        stats.errors.store(self.errors, Relaxed);
        stats.exec_ns.store(self.exec_ns, Relaxed);
        stats.exec_count.store(self.exec_count, Relaxed);
        stats.groups[0].store(self.cardinality, Relaxed);
        *stats.reasons() = self.reasons;
        for (counter, number) in stats.counters.iter().zip(self.counters) {
            counter.store(number, Relaxed);
        }
        stats
    }

    fn add(&mut self, other: &NodeNumbers) {
        self.collected += other.collected;
        self.emitted += other.emitted;
        self.errors += other.errors;
        self.exec_ns += other.exec_ns;
        self.exec_count += other.exec_count;
        self.cardinality += other.cardinality;
        self.reasons.merge(&other.reasons);
        self.counters.resize(self.counters.len().max(other.counters.len()), 0);
        for (mine, others) in self.counters.iter_mut().zip(&other.counters) {
            *mine += others;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_members_add_up() {
        let one = NodeNumbers {
            collected: 3,
            cardinality: 2,
            counters: vec![5],
            exec_ns: 10,
            exec_count: 1,
            ..NodeNumbers::default()
        };
        let mut all = TaskFigures::default();
        let failed = |shard, since| Some((shard, Failure { why: "a bug".into(), since }));
        all.add(&TaskFigures { throughput: 1.5, nodes: vec![one.clone()], failed: failed(1, 20) });
        all.add(&TaskFigures { throughput: 0.5, nodes: vec![one.clone(), one], failed: failed(2, 10) });
        assert_eq!(all.failed, failed(2, 10));
        let stats = all.clone().into_stats(3);
        assert_eq!(all.throughput, 2.0);
        assert_eq!(NodeNumbers::of(&stats[0]), all.nodes[0]);
        assert_eq!(stats[0].working_cardinality(), 4);
        assert_eq!((stats[1].avg_exec_ns(), stats.len()), (10, 3));
    }
}
