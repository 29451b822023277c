//! `|delete()`: takes fields and tags away. Points are no longer grouped by a tag that is gone.

use super::default::retag::Memory;
use crate::edge::{Batch, Message};
use crate::group::{Group, GroupBy};
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::properties;
use crate::state::States;
use model::{Name, Rows, TagSet};

#[cfg(test)]
mod tests;

/// The kind.
pub static KIND: Kind = Kind {
    name: "delete",
    stem: "delete",
    go: "DeleteNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: false,
    create: |a| {
        a.exactly(0)?;
        Ok(Box::new(Delete::default()))
    },
    properties: properties!(Delete {
        "field" => |d, a| add(&mut d.fields, a.one()?),
        "tag" => |d, a| add(&mut d.tags, a.one()?),
    }),
    counters: &["fields_deleted", "tags_deleted"],
};

/// Places in [`Kind::counters`].
const FIELDS_DELETED: usize = 0;
const TAGS_DELETED: usize = 1;

/// The definition.
#[derive(Clone, Debug, Default)]
pub struct Delete {
    fields: Vec<String>,
    tags: Vec<String>,
}

/// What is named twice is there to be taken away once.
fn add(names: &mut Vec<String>, name: String) {
    if !names.contains(&name) {
        names.push(name);
    }
}

impl Definition for Delete {
    fn group_by(&self, parents: &[GroupBy]) -> GroupBy {
        let mut by = parents.first().cloned().unwrap_or_default();
        by.tags.retain(|tag| !self.takes(tag));
        if by.all {
            by.exclude.extend(self.tags.iter().map(|tag| Name::from(tag.as_str())));
            by.exclude.sort();
            by.exclude.dedup();
        }
        by
    }

    fn is_stateful(&self) -> bool {
        false
    }

    fn changes_tags(&self) -> Vec<String> {
        self.tags.clone()
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        Ok(Box::new(self.clone()))
    }
}

impl Node for Delete {
    /// One state for all: what it has worked out of series.
    type State = Memory;

    const BY_GROUP: bool = false;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Memory>, inputs: &mut [Message]) -> Message {
        match std::mem::take(&mut inputs[0]) {
            Message::None => Message::None,
            Message::Stream(mut run) => {
                self.rows(cx, states, &mut run.rows);
                if !self.tags.is_empty() {
                    states.get(0).regroup(cx, &mut run, |group| self.group(group));
                }
                Message::Stream(run)
            }
            Message::Batches(mut batches) => {
                for batch in &mut batches {
                    self.rows(cx, states, &mut batch.rows);
                    if !self.tags.is_empty() {
                        self.begin(cx, batch);
                    }
                }
                Message::Batches(batches)
            }
        }
    }
}

impl Delete {
    fn takes(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }

    fn rows(&self, cx: &Cx<'_>, states: &mut States<Memory>, rows: &mut Rows) {
        let mut gone = 0;
        rows.fields.retain(|field| {
            let kept = !self.fields.iter().any(|own| **own == *field.name);
            gone += if kept { 0 } else { field.column.mask.count() as u64 };
            kept
        });
        cx.stats.count(FIELDS_DELETED, gone);
        if !self.tags.is_empty()
            && let Some((tags, gone)) = states.get(0).retag(rows, cx.series, |tags| self.less(tags))
        {
            rows.tags = tags;
            cx.stats.count(TAGS_DELETED, gone);
        }
    }

    /// The tags that are left, and how many are gone; `None` when all are left.
    fn less(&self, tags: &TagSet) -> Option<(TagSet, u32)> {
        let gone = tags.iter().filter(|(tag, _)| self.takes(tag)).count();
        let left = || TagSet::from_sorted(tags.iter().filter(|(tag, _)| !self.takes(tag)));
        if gone == 0 { None } else { Some((left()?, gone as u32)) }
    }

    fn group(&self, group: &Group) -> Option<Group> {
        let (tags, _) = self.less(&group.tags)?;
        Some(Group { tags, name: group.name.clone() })
    }

    /// The tags of a batch are those it is grouped by.
    fn begin(&self, cx: &mut Cx<'_>, batch: &mut Batch) {
        let changed = self.less(&batch.tags);
        if changed.is_none() && cx.space_in == cx.space_out {
            return;
        }
        let (tags, gone) = changed.unwrap_or_else(|| (batch.tags.clone(), 0));
        cx.stats.count(TAGS_DELETED, u64::from(gone));
        let name = cx.group(batch.group).name;
        batch.group = cx.spaces[cx.space_out].intern(Group { tags: tags.clone(), name });
        batch.tags = tags;
    }
}
