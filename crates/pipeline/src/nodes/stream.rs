//! `stream`: the source of a stream task. It has no operator: the shard feeds the `from` nodes.

use crate::edge::EdgeKind;
use crate::group::GroupBy;
use crate::node::{AnyNode, Build, Definition, Kind};

/// The kind. Not in the list: `stream` is a name, not a chain method.
pub static KIND: Kind = Kind {
    name: "stream",
    stem: "stream",
    go: "StreamNode",
    wants: None,
    provides: Some(EdgeKind::Stream),
    joins: false,
    grouped: false,
    create: |_| Ok(Box::new(Stream)),
    properties: &[],
    counters: &[],
};

/// The definition: nothing to define.
#[derive(Debug)]
pub struct Stream;

impl Definition for Stream {
    fn group_by(&self, _parents: &[GroupBy]) -> GroupBy {
        GroupBy::default()
    }

    fn is_stateful(&self) -> bool {
        false
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        Err("the source of a task is fed by its shard".into())
    }
}
