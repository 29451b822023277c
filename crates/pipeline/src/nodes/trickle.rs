//! `|trickle()`: the points of batches as points of a stream.

use crate::edge::{Batch, EdgeKind, Message, Run};
use crate::group::Group;
use crate::merge::merge;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::state::States;
use model::{Name, Origin, OriginColumn, Rows};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// The kind.
pub static KIND: Kind = Kind {
    name: "trickle",
    stem: "trickle",
    go: "TrickleNode",
    wants: Some(EdgeKind::Batch),
    provides: Some(EdgeKind::Stream),
    joins: false,
    grouped: false,
    create: |a| {
        a.exactly(0)?;
        Ok(Box::new(Trickle))
    },
    properties: &[],
    counters: &[],
};

/// The definition, which is the operator as well.
#[derive(Clone, Copy, Debug)]
pub struct Trickle;

impl Definition for Trickle {
    fn is_stateful(&self) -> bool {
        false
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        Ok(Box::new(*self))
    }
}

impl Node for Trickle {
    type State = ();

    fn feed(&self, cx: &mut Cx<'_>, _states: &mut States<()>, inputs: &mut [Message]) -> Message {
        let Message::Batches(mut batches) = std::mem::take(&mut inputs[0]) else { return Message::None };
        batches.retain(|batch| !batch.rows.is_empty());
        // Points of a stream stand in the order of their ordinals.
        batches.sort_by_key(|batch| batch.ordinal);
        let groups: Vec<u32> = batches.iter().flat_map(|batch| groups(cx, batch)).collect();
        let mut parts: Vec<Rows> = batches.into_iter().map(points).collect();
        let rows = match parts.len() {
            0 => return Message::None,
            1 => parts.remove(0),
            _ => merge(&parts, cx.series),
        };
        let groups_end = groups.iter().max().map_or(0, |max| max + 1);
        Message::Stream(Run { rows, groups: Arc::new(groups), groups_end })
    }
}

/// The points have the batch's name, and no database.
fn points(batch: Batch) -> Rows {
    let mut rows = batch.rows;
    let (db, rp) = (Name::from(""), Name::from(""));
    rows.origins = OriginColumn::One(Arc::new(Origin { db, rp, name: batch.origin.name.clone() }));
    rows.ordinals = Arc::new(vec![batch.ordinal; rows.len()]);
    rows
}

/// Points are grouped by the tags that their batch is grouped by. As a rule their own tags have the
/// values of the batch's; where a node has given a point another one, it goes to another group.
fn groups(cx: &mut Cx<'_>, batch: &Batch) -> Vec<u32> {
    let group = cx.group(batch.group);
    let keys: Vec<&str> = group.tags.iter().map(|(key, _)| key).collect();
    let of_row = |row: usize| {
        let tags = batch.rows.tags.get(row, cx.series);
        if tags.with_projection(&keys, |bytes| bytes == group.tags.as_bytes()) {
            return batch.group;
        }
        let other = Group { tags: tags.project(&keys), name: group.name.clone() };
        cx.spaces[cx.space_out].intern(other)
    };
    (0..batch.rows.len()).map(of_row).collect()
}
