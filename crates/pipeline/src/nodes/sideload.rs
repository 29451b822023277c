//! `|sideload()`: gives points fields and tags from files or an HTTP source, found by the points'
//! tags.
//!
//! The node reads nothing itself. What its source holds comes with the start of the task
//! ([`begin`]) and with each reload ([`Node::answer`]), at one place of the shard's log, so that a
//! replay finds the same.

mod content;
mod convert;
mod resolve;
mod source;
#[cfg(test)]
mod tests;

pub use content::{Content, Datum, of_object};
pub use source::{Sideload, Source};

use super::default::{self, check_fields};
use crate::edge::{Flow, Message, Run};
use crate::node::{Answer, AnyNode, Build, Cx, Definition, Kind, Node};
use crate::properties;
use crate::state::{AnyStates, CHUNK, States};
use model::{Column, Name, Rows, TagColumn, Value};
use resolve::{Memory, Resolved, Wanted};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The kind.
pub static KIND: Kind = Kind {
    name: "sideload",
    stem: "sideload",
    go: "SideloadNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: false,
    create: |a| {
        a.exactly(0)?;
        Ok(Box::new(Definer::default()))
    },
    properties: properties!(Definer {
        "source" => |d, a| d.source = a.set()?,
        "order" => |d, a| d.order = a.rest(0)?,
        "field" => |d, a| {
            a.exactly(2)?;
            d.fields.insert(a.get(0)?, a.values[1].clone())
        },
        "tag" => |d, a| {
            a.exactly(2)?;
            d.tags.insert(a.get(0)?, a.get(1)?)
        },
    }),
    counters: &[],
};

/// Where the state with the content is, and, in another chunk of the checkpoint, the one with what is
/// only remembered: that changes all the time, and the content may be large.
const CONTENT: u32 = 0;
const MEMORY: u32 = CHUNK as u32;

/// The definition.
#[derive(Debug, Default)]
pub struct Definer {
    source: String,
    order: Vec<String>,
    fields: BTreeMap<String, tick::Value>,
    tags: BTreeMap<String, String>,
}

/// A default value of the script as one of a field: those of `default`, and durations.
fn field_value(value: &tick::Value) -> Option<Value> {
    match value {
        tick::Value::Duration(v) => Some(Value::Duration(*v)),
        other => default::field_value(other),
    }
}

impl Definer {
    /// What its source is, and what it wants of it.
    pub fn sideload(&self, node: &Name, server: &crate::Server) -> Result<Sideload, String> {
        let source = Source::of(&self.source, server)?;
        let mut keys: Vec<String> =
            self.fields.keys().chain(self.tags.keys()).map(|key| content::clean(key)).collect();
        keys.sort();
        keys.dedup();
        Ok(Sideload { node: node.clone(), source, keys })
    }
}

impl Definition for Definer {
    fn validate(&self, _parents: usize) -> Result<(), String> {
        check_fields(&self.fields, field_value)
    }

    fn is_stateful(&self) -> bool {
        false
    }

    fn changes_tags(&self) -> Vec<String> {
        self.tags.keys().cloned().collect()
    }

    fn build(&self, cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        Source::of(&self.source, cx.server)?;
        let field = |(name, value): (&String, &tick::Value)| {
            let name: Name = name.as_str().into();
            Some(Wanted { key: content::clean(&name), name, default: field_value(value)? })
        };
        let tag = |(name, value): (&String, &String)| {
            let name: Name = name.as_str().into();
            Wanted { key: content::clean(&name), name, default: Value::str(value) }
        };
        Ok(Box::new(Operator(resolve::Rules {
            order: resolve::templates(&self.order)?,
            fields: self.fields.iter().filter_map(field).collect(),
            tags: self.tags.iter().map(tag).collect(),
        })))
    }
}

/// What the node keeps.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Kept {
    /// What the source held when it was last read.
    content: Option<Arc<Content>>,
    #[serde(skip)]
    memory: Memory,
}

/// Gives a node that just started what its source holds. False: these are not the states of such a
/// node.
pub(crate) fn begin(states: &mut dyn AnyStates, content: Arc<Content>) -> bool {
    let states: &mut dyn Any = states;
    let Some(states) = states.downcast_mut::<States<Kept>>() else { return false };
    states.get(CONTENT).content = Some(content);
    true
}

struct Operator(resolve::Rules);

impl Node for Operator {
    type State = Kept;

    const BY_GROUP: bool = false;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Kept>, inputs: &mut [Message]) -> Message {
        let content = states.peek(CONTENT).and_then(|kept| kept.content.clone()).unwrap_or_default();
        match std::mem::take(&mut inputs[0]) {
            Message::None => Message::None,
            Message::Stream(mut run) => {
                self.load(cx, states, &content, &mut run.rows);
                if !self.0.tags.is_empty() {
                    self.regroup(cx, &mut run);
                }
                Message::Stream(run)
            }
            Message::Batches(mut batches) => {
                for batch in &mut batches {
                    self.load(cx, states, &content, &mut batch.rows);
                }
                Message::Batches(batches)
            }
        }
    }

    fn answer(&self, cx: &mut Cx<'_>, states: &mut States<Kept>, answer: &Answer) -> Vec<Flow> {
        match Content::decode(&answer.bytes) {
            Ok(content) => {
                states.get(CONTENT).content = Some(Arc::new(content));
                states.get(MEMORY).memory = Memory::default();
            }
            Err(error) => cx.error(1, || format!("failed to reload the source: {error}")),
        }
        Vec::new()
    }
}

impl Operator {
    fn load(&self, cx: &mut Cx<'_>, states: &mut States<Kept>, content: &Content, rows: &mut Rows) {
        if rows.is_empty() {
            return;
        }
        let memory = &mut states.get(MEMORY).memory;
        let resolved = memory.resolve(&self.0, content, rows, cx.series);
        for (at, wanted) in self.0.fields.iter().enumerate() {
            let column = column(&resolved, at, rows.column(&wanted.name));
            rows.set_field(wanted.name.clone(), Arc::new(column));
        }
        if !self.0.tags.is_empty() {
            let tags = resolved.iter().map(|resolved| resolved.tags.clone()).collect();
            rows.tags = TagColumn::Sets(Arc::new(tags));
        }
        complain(cx, &resolved);
    }

    /// Points whose group-by tags have other values now are in other groups.
    fn regroup(&self, cx: &mut Cx<'_>, run: &mut Run) {
        let by = &cx.spaces[cx.space_in].by;
        let grouped = |wanted: &Wanted| by.all || by.tags.contains(&wanted.name);
        if cx.space_in == cx.space_out && !self.0.tags.iter().any(grouped) {
            return;
        }
        let groups: Vec<u32> = (0..run.rows.len())
            .map(|row| cx.regroup_changed(run.groups[row], run.rows.tags.get(row, cx.series)))
            .collect();
        run.groups_end = groups.iter().max().map_or(0, |max| max + 1);
        run.groups = Arc::new(groups);
    }
}

/// The values of one field; a point for which no place could be worked out keeps its own.
fn column(resolved: &[Arc<Resolved>], at: usize, own: Option<&Arc<Column>>) -> Column {
    let mut column = Column::default();
    for (row, resolved) in resolved.iter().enumerate() {
        match resolved.fields.get(at) {
            Some(Value::Float(value)) => column.push_float(*value),
            Some(Value::Int(value)) => column.push_int(*value),
            Some(value) => column.push(value.clone()),
            None => column.push_option(own.and_then(|own| own.get(row))),
        }
    }
    column
}

/// Counts what went wrong: once a point and value, as Kapacitor does.
fn complain(cx: &mut Cx<'_>, resolved: &[Arc<Resolved>]) {
    // Neighbours mostly have the same.
    for same in resolved.chunk_by(Arc::ptr_eq) {
        for (why, pairs) in &same[0].problems {
            cx.error_with(same.len() as u64, || why.clone(), || pairs.clone());
        }
    }
}
