//! `|stats()`: a stream of how many points a node has sent on, a point a group, by the wall clock.
//!
//! In Kapacitor it is a source that looks at the counters of another node's edge. Here it taps that
//! node: it is fed what the node's children are fed, counts it, and sends on only when the clock says
//! so. It is no child of the node: neither the graph nor the statistics show an edge between them.

use crate::args::Duration;
use crate::dimensions::go_truncate;
use crate::edge::{EdgeKind, Flow, Mark, Message, Run};
use crate::group::Group;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::partition::Placement;
use crate::properties;
use crate::state::{AnyStates, States};
use model::{Column, Field, Origin, OriginColumn, Rows, TagColumn, TagSet, Time};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The kind.
pub static KIND: Kind = Kind {
    name: "stats",
    stem: "stats",
    go: "StatsNode",
    wants: None,
    provides: Some(EdgeKind::Stream),
    joins: false,
    grouped: false,
    create: |a| Ok(Box::new(Stats { interval: a.one::<Duration>()?.0, align: false })),
    properties: properties!(Stats {
        "align" => |d, a| d.align = a.flag()?,
        "interval" => |d, a| d.interval = a.set::<Duration>()?.0,
    }),
    counters: &[],
};

/// The definition.
#[derive(Clone, Debug)]
pub struct Stats {
    /// Time from one emission to the next, nanoseconds.
    interval: i64,
    /// Emissions are at multiples of the interval.
    align: bool,
}

impl Definition for Stats {
    fn is_stateful(&self) -> bool {
        true
    }

    /// A node without groups yet gives a point that says so: only where all points of the task meet
    /// is that known (decision 18).
    fn spans_groups(&self, _edge: EdgeKind) -> bool {
        true
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        if self.interval <= 0 {
            return Err("stats node must have positive interval".into());
        }
        Ok(Box::new(self.clone()))
    }
}

/// What is known of a group: points that went to it, those in batches counted one by one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Sent {
    emitted: i64,
}

/// Counts points that reached the source of the task, which has no groups and no node to feed. `group`
/// is that of ungrouped points.
pub fn count_arrived(states: &mut dyn AnyStates, group: u32, points: u64) {
    let states: &mut dyn Any = states;
    if let Some(states) = states.downcast_mut::<States<Sent>>() {
        add(states, group, points as i64);
    }
}

fn add(states: &mut States<Sent>, group: u32, points: i64) {
    let sent = states.get(group);
    sent.emitted = sent.emitted.wrapping_add(points);
}

impl Node for Stats {
    type State = Sent;

    const TIMED: bool = true;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Sent>, inputs: &mut [Message]) -> Message {
        match &inputs[0] {
            Message::None => {}
            Message::Stream(run) => {
                for &group in run.groups.iter() {
                    states.get(group).emitted += 1;
                }
            }
            Message::Batches(batches) => {
                for batch in batches {
                    add(states, batch.group, batch.rows.len() as i64);
                }
            }
        }
        // What it taps does not come in to it.
        cx.stats.collected.fetch_sub(inputs[0].count(), Relaxed);
        Message::None
    }

    /// Marks of the tapped node end here, as no edge leads from it; only the counts of groups that are
    /// over are dropped.
    fn mark(&self, cx: &mut Cx<'_>, states: &mut States<Sent>, _input: usize, marks: Vec<Mark>) -> Vec<Flow> {
        self.forget_marked(cx, states, &marks);
        Vec::new()
    }

    fn tick(&self, cx: &mut Cx<'_>, states: &mut States<Sent>) -> Vec<Flow> {
        let (due, now) = (states.due(), cx.now);
        if due == Time::MIN {
            // The task has just started. Only the shard that takes all its points has something to say.
            if !is_home(cx) {
                states.set_due(Time::MAX);
                return Vec::new();
            }
            let from = if self.align { go_truncate(now, self.interval) } else { now };
            states.set_due(from.saturating_add(self.interval));
            return Vec::new();
        }
        // A late tick stands for all that were missed, as with Go's tickers.
        let missed = now.saturating_sub(due) / self.interval;
        states.set_due(due.saturating_add(missed.saturating_add(1).saturating_mul(self.interval)));
        let time = if self.align { go_truncate(now, self.interval) } else { now };
        vec![Flow::Data(Message::Stream(self.points(cx, states, time)))]
    }
}

/// This shard takes all points of the task.
fn is_home(cx: &Cx<'_>) -> bool {
    // There is a count of groups for each shard.
    let shards = cx.stats.groups.len() as u32;
    Placement::Whole(cx.task.clone()).shard(&TagSet::empty(), shards) == cx.identity.shard
}

impl Stats {
    /// A point a group, or one that says zero.
    fn points(&self, cx: &mut Cx<'_>, states: &States<Sent>, time: Time) -> Run {
        let origin = Arc::new(Origin { db: "".into(), rp: "".into(), name: "stats".into() });
        // In an order that does not depend on how the points came in.
        let mut sent: Vec<(Group, i64)> =
            states.iter().map(|(group, sent)| (cx.group(group), sent.emitted)).collect();
        sent.sort_by(|(a, _), (b, _)| (&a.name, a.tags.as_bytes()).cmp(&(&b.name, b.tags.as_bytes())));
        let (mut tags, mut groups, mut emitted) = (Vec::new(), Vec::new(), Vec::new());
        for (Group { tags: of_group, name }, count) in sent {
            // Where the measurement is part of the group, it is that of these points.
            let name = name.map(|_| origin.name.clone());
            tags.push(of_group.clone());
            groups.push(cx.spaces[cx.space_out].intern(Group { tags: of_group, name }));
            emitted.push(count);
        }
        if groups.is_empty() {
            let group = Group { tags: TagSet::empty(), name: None };
            groups.push(cx.spaces[cx.space_out].intern(group));
            tags.push(TagSet::empty());
            emitted.push(0);
        }
        let points = groups.len();
        let groups_end = groups.iter().max().map_or(0, |last| last + 1);
        Run {
            rows: Rows {
                origins: OriginColumn::One(origin),
                times: Arc::new(vec![time; points]),
                ordinals: Arc::new((0..points as u32).collect()),
                tags: TagColumn::Sets(Arc::new(tags)),
                fields: vec![Field { name: "emitted".into(), column: Arc::new(Column::from(emitted)) }],
            },
            groups: Arc::new(groups),
            groups_end,
        }
    }
}
