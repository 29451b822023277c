//! `|groupBy()`: groups the points anew. Points of a stream change their group at once. Batches of
//! one time are collected by their new groups and sent on when a batch of another time comes.

use crate::args::Args;
use crate::dimensions::dimensions;
use crate::edge::{Batch, EdgeKind, Message, Run};
use crate::group::GroupBy;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::properties;
use crate::state::States;
use crate::view::groups_of;
use model::{Column, Field, Name, Origin, OriginColumn, Rows, TagColumn, TagSet, Time, Value};
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

/// Batches by their new groups, of one time.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Collected {
    time: Option<Time>,
    groups: BTreeMap<u32, Points>,
}

/// The points of a new group so far.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Points {
    origin: (String, String, String),
    points: Vec<Point>,
}

/// Time, tags, fields.
type Point = (Time, TagSet, Vec<(Name, Value)>);

struct OfBatches;

impl Node for OfBatches {
    /// One state for all: the collection spans the groups that come in.
    type State = Collected;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Collected>, inputs: &mut [Message]) -> Message {
        let Message::Batches(batches) = &inputs[0] else { return Message::None };
        let mut out = Vec::new();
        for batch in batches {
            let collected = states.get(0);
            let before = collected.time.replace(batch.time);
            if let Some(time) = before.filter(|&time| time != batch.time) {
                let groups = std::mem::take(&mut collected.groups);
                out.extend(groups.into_iter().map(|(group, points)| {
                    points.batch(cx.spaces[cx.space_out].get(group).tags.clone(), group, batch.ordinal, time)
                }));
            }
            for row in 0..batch.rows.len() {
                let tags = batch.rows.tags.get(row, cx.series).clone();
                let group = cx.spaces[cx.space_out].of_tags(&tags, &batch.origin);
                let points = states.get(0).groups.entry(group).or_insert_with(|| Points::of(&batch.origin));
                let fields = batch.rows.values(row).map(|(name, value)| (name.clone(), value)).collect();
                points.points.push((batch.rows.times[row], tags, fields));
            }
        }
        // What Kapacitor calls the working cardinality here: the groups that wait.
        let waiting = states.get(0).groups.len() as u64;
        cx.stats.groups[cx.identity.shard as usize].store(waiting, Relaxed);
        if out.is_empty() { Message::None } else { Message::Batches(out) }
    }
}

impl Points {
    fn of(origin: &Origin) -> Points {
        let origin = (origin.db.to_string(), origin.rp.to_string(), origin.name.to_string());
        Points { origin, points: Vec::new() }
    }

    /// The batch, its points sorted by time.
    fn batch(mut self, tags: TagSet, group: u32, ordinal: u32, time: Time) -> Batch {
        self.points.sort_by_key(|point| point.0);
        let (db, rp, name) = self.origin;
        let origin = Arc::new(Origin { db: db.into(), rp: rp.into(), name: name.into() });
        let mut columns: BTreeMap<Name, Column> = BTreeMap::new();
        for (row, (_, _, fields)) in self.points.iter().enumerate() {
            for (name, value) in fields {
                let column = columns.entry(name.clone()).or_default();
                column.pad(row);
                column.push(value.clone());
            }
        }
        let len = self.points.len();
        let field = |(name, mut column): (Name, Column)| {
            column.pad(len);
            Field { name, column: Arc::new(column) }
        };
        let rows = Rows {
            origins: OriginColumn::One(origin.clone()),
            times: Arc::new(self.points.iter().map(|point| point.0).collect()),
            ordinals: Arc::default(),
            fields: columns.into_iter().map(field).collect(),
            tags: TagColumn::Sets(Arc::new(self.points.into_iter().map(|point| point.1).collect())),
        };
        Batch { group, ordinal, origin, tags, time, rows }
    }
}
