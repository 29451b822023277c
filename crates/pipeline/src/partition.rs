//! Placement: which shard a point goes to, for one task.
//!
//! All points of a group must meet in one shard at every node that remembers something. So the
//! tags that decide the shard are those by which *every* such node groups; any superset of groups
//! then stays together. An empty set sends the whole task to one shard.

use crate::graph::Graph;
use crate::group::GroupBy;
use model::{Name, TagSet};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// By what the points of a task are spread over shards.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Placement {
    /// Not at all: every point goes to the shard of the task's id.
    Whole(Name),
    /// By the values of these tags.
    Tags(Vec<Name>),
    /// By the values of all tags but these.
    AllBut(Vec<Name>),
}

impl Placement {
    /// The shard, of `shards`, that takes a point with these tags.
    pub fn shard(&self, tags: &TagSet, shards: u32) -> u32 {
        if shards == 1 {
            return 0;
        }
        let hash = match self {
            Placement::Whole(task) => xxh3_64(task.as_bytes()),
            Placement::Tags(keys) => tags.with_projection(keys, xxh3_64),
            Placement::AllBut(keys) if keys.is_empty() => xxh3_64(tags.as_bytes()),
            Placement::AllBut(keys) => {
                let kept = tags.iter().filter(|(key, _)| !keys.iter().any(|k| **k == **key));
                xxh3_64(TagSet::new(kept).as_bytes())
            }
        };
        (hash % u64::from(shards)) as u32
    }

    fn narrow(self, by: &GroupBy, changed: &[String]) -> Placement {
        let usable = |tag: &Name| !changed.iter().any(|c| **c == **tag);
        match self {
            Placement::AllBut(out) if by.all => {
                let more = by.exclude.iter().cloned().chain(changed.iter().map(|c| c.as_str().into()));
                let mut out: Vec<Name> = out.into_iter().chain(more).collect();
                out.sort();
                out.dedup();
                Placement::AllBut(out)
            }
            Placement::AllBut(out) => {
                let kept = by.tags.iter().filter(|tag| usable(tag) && !out.contains(tag));
                Placement::Tags(kept.cloned().collect())
            }
            Placement::Tags(tags) if by.all => {
                Placement::Tags(tags.into_iter().filter(|t| usable(t) && !by.exclude.contains(t)).collect())
            }
            Placement::Tags(tags) => {
                Placement::Tags(tags.into_iter().filter(|t| usable(t) && by.tags.contains(t)).collect())
            }
            whole @ Placement::Whole(_) => whole,
        }
    }
}

/// The placement of a task, from how the inputs of its nodes are grouped (`inputs[node]` has one
/// grouping a parent).
pub fn placement(task: &Name, graph: &Graph, inputs: &[Vec<GroupBy>]) -> Placement {
    let mut changed: Vec<Vec<String>> = Vec::with_capacity(graph.nodes.len());
    let mut placement = Placement::AllBut(Vec::new());
    for (at, node) in graph.nodes.iter().enumerate() {
        let mut above: Vec<String> = node.parents.iter().flat_map(|&p| changed[p].clone()).collect();
        if node.definition.is_stateful() {
            for by in &inputs[at] {
                placement = placement.narrow(by, &above);
            }
        }
        if let Some(by) = node.definition.meets_by() {
            placement = placement.narrow(&by, &above);
        }
        let edge = node.parents.first().map(|&parent| graph.nodes[parent].provides);
        if edge.is_some_and(|edge| node.definition.spans_groups(edge)) {
            placement = placement.narrow(&GroupBy::default(), &above);
        }
        above.extend(node.definition.changes_tags());
        changed.push(above);
    }
    match placement {
        Placement::Tags(tags) if tags.is_empty() => Placement::Whole(task.clone()),
        other => other,
    }
}
