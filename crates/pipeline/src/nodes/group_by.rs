//! `|groupBy()`: groups the points anew. Points of a stream change their group at once. Batches of
//! one time are collected by their new groups and sent on when a batch of another time comes, at a
//! barrier of another time, or when the task ends.

use crate::args::Args;
use crate::dimensions::dimensions;
use crate::edge::{Batch, EdgeKind, Flow, Mark, Message, Run};
use crate::group::{Group, GroupBy};
use crate::merge::kept::Kept;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::properties;
use crate::state::States;
use crate::view::groups_of;
use hashbrown::HashMap;
use model::{Name, Origin, TagSet, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The kind.
pub static KIND: Kind = Kind {
    name: "groupBy",
    stem: "groupby",
    go: "GroupByNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: false,
    create: |a: &Args<'_>| Ok(Box::new(Regroup { by: dimensions(a)? })),
    properties: properties!(Regroup {
        "byMeasurement" => |d, a| d.by.by_name = a.flag()?,
        "exclude" => |d, a| d.exclude(a.rest(0)?),
    }),
    counters: &[],
};

/// The definition.
#[derive(Debug)]
pub struct Regroup {
    by: GroupBy,
}

impl Regroup {
    fn exclude(&mut self, tags: Vec<String>) {
        self.by.exclude.extend(tags.into_iter().map(Name::from));
        self.by.exclude.sort();
        self.by.exclude.dedup();
    }
}

impl Definition for Regroup {
    fn validate(&self, _parents: usize) -> Result<(), String> {
        if !self.by.all && !self.by.exclude.is_empty() {
            return Err("exclude requires '*'".into());
        }
        Ok(())
    }

    fn group_by(&self, parents: &[GroupBy]) -> GroupBy {
        let mut by = self.by.clone();
        by.by_name |= parents.first().is_some_and(|parent| parent.by_name);
        by
    }

    fn is_stateful(&self) -> bool {
        false
    }

    fn spans_groups(&self, edge: EdgeKind) -> bool {
        edge == EdgeKind::Batch
    }

    fn build(&self, cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        Ok(match cx.edge {
            EdgeKind::Stream => Box::new(OfStream),
            EdgeKind::Batch => Box::new(OfBatches),
        })
    }
}

struct OfStream;

impl Node for OfStream {
    type State = ();

    fn feed(&self, cx: &mut Cx<'_>, _states: &mut States<()>, inputs: &mut [Message]) -> Message {
        let Message::Stream(run) = std::mem::take(&mut inputs[0]) else { return Message::None };
        let (groups, groups_end) = groups_of(&run.rows, &mut cx.spaces[cx.space_out], cx.series);
        Message::Stream(Run { groups, groups_end, ..run })
    }
}

/// Batches by their new groups, of one time. It is the state of group 0.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Collected {
    /// Time of the last batch or barrier.
    time: Option<Time>,
    /// By the group's name and tags.
    groups: BTreeMap<(Option<Name>, TagSet), Points>,
    /// How many groups there have been since the last were sent on.
    begun: usize,
}

/// The points of a new group so far.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Points {
    /// How many groups came before: that is the order in which they are sent on.
    number: usize,
    origin: (Name, Name, Name),
    rows: Kept,
}

struct OfBatches;

impl Node for OfBatches {
    type State = Collected;

    const BY_GROUP: bool = false;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Collected>, inputs: &mut [Message]) -> Message {
        let Message::Batches(batches) = &inputs[0] else { return Message::None };
        let collected = states.get(0);
        let mut out = Vec::new();
        for batch in batches {
            out.extend(collected.reach(cx, batch.time, batch.ordinal));
            collected.add(cx, batch);
        }
        collected.count(cx);
        if out.is_empty() { Message::None } else { Message::Batches(out) }
    }

    fn mark(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<Collected>,
        _input: usize,
        marks: Vec<Mark>,
    ) -> Vec<Flow> {
        let collected = states.get(0);
        let mut out = Vec::new();
        for mark in &marks {
            match *mark {
                Mark::Barrier { time, .. } => out.extend(collected.reach(cx, time, 0)),
                // A group that is over is one of the new groups only if they are the old ones.
                Mark::Delete { group } => {
                    let Group { name, tags } = cx.group(group);
                    collected.groups.remove(&(name, tags));
                }
            }
        }
        collected.count(cx);
        let data = (!out.is_empty()).then(|| Message::Batches(out).into());
        let passed = (cx.space_in == cx.space_out).then_some(Flow::Marks(marks));
        data.into_iter().chain(passed).collect()
    }

    fn finish(&self, cx: &mut Cx<'_>, states: &mut States<Collected>) -> Vec<Flow> {
        let collected = states.get(0);
        let out = collected.send(cx, 0);
        collected.count(cx);
        if out.is_empty() { Vec::new() } else { vec![Message::Batches(out).into()] }
    }
}

impl Collected {
    /// A batch or barrier of that time has come: what is of another time goes on.
    fn reach(&mut self, cx: &mut Cx<'_>, time: Time, ordinal: u32) -> Vec<Batch> {
        let out = if self.time == Some(time) { Vec::new() } else { self.send(cx, ordinal) };
        self.time = Some(time);
        out
    }

    fn send(&mut self, cx: &mut Cx<'_>, ordinal: u32) -> Vec<Batch> {
        let Some(time) = self.time else { return Vec::new() };
        self.begun = 0;
        let groups = std::mem::take(&mut self.groups);
        let mut groups: Vec<((Option<Name>, TagSet), Points)> = groups.into_iter().collect();
        groups.sort_by_key(|(_, points)| points.number);
        let batch = |((name, tags), points): ((Option<Name>, TagSet), Points)| {
            let (db, rp, origin) = points.origin;
            Batch {
                group: cx.spaces[cx.space_out].intern(Group { tags: tags.clone(), name }),
                ordinal,
                origin: Arc::new(Origin { db, rp, name: origin }),
                tags,
                time,
                rows: points.rows.into_sorted(cx.series),
            }
        };
        groups.into_iter().map(batch).collect()
    }

    fn add(&mut self, cx: &Cx<'_>, batch: &Batch) {
        let by = &cx.spaces[cx.space_out].by;
        let name = by.by_name.then(|| batch.origin.name.clone());
        let mut rows_of: Vec<(TagSet, Vec<u32>)> = Vec::new();
        let mut known: HashMap<TagSet, usize> = HashMap::new();
        for row in 0..batch.rows.len() {
            let tags = by.project(batch.rows.tags.get(row, cx.series));
            let at = *known.entry(tags).or_insert_with_key(|tags| {
                rows_of.push((tags.clone(), Vec::new()));
                rows_of.len() - 1
            });
            rows_of[at].1.push(row as u32);
        }
        for (tags, rows) in rows_of {
            let begun = &mut self.begun;
            let points = self.groups.entry((name.clone(), tags)).or_insert_with(|| {
                let number = *begun;
                *begun += 1;
                let Origin { db, rp, name } = &*batch.origin;
                Points { number, origin: (db.clone(), rp.clone(), name.clone()), rows: Kept::default() }
            });
            points.rows.append(&batch.rows, &rows, cx.series);
        }
    }

    /// What Kapacitor calls the working cardinality here: the groups that wait.
    fn count(&self, cx: &Cx<'_>) {
        cx.stats.groups[cx.identity.shard as usize].store(self.groups.len() as u64, Relaxed);
    }
}

#[cfg(test)]
mod tests;
