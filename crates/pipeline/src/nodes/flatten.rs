//! `|flatten()`: makes one point of those of a group that have the same rounded time. A field's new
//! name begins with the values of the `on` tags.
//!
//! A set of points goes on when a point of another time comes, when a barrier is later, or when the
//! group or the task is over. A late point begins a set of its own. [`columns`] gives the fields
//! their names.

mod columns;
#[cfg(test)]
mod tests;

use crate::args::Duration;
use crate::dimensions::go_round;
use crate::edge::{Batch, EdgeKind, Flow, Mark, Message, Run};
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::properties;
use crate::state::States;
use columns::{Made, Naming, Prefixed};
use model::{Name, Origin, OriginColumn, Rows, TagColumn, Time, Value};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The kind.
pub static KIND: Kind = Kind {
    name: "flatten",
    stem: "flatten",
    go: "FlattenNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: true,
    create: |a| {
        a.exactly(0)?;
        Ok(Box::new(Flatten { delimiter: ".".into(), ..Flatten::default() }))
    },
    properties: properties!(Flatten {
        "on" => |d, a| d.on = a.rest(0)?,
        "delimiter" => |d, a| d.delimiter = a.set()?,
        "tolerance" => |d, a| d.tolerance = a.set::<Duration>()?.0,
        "dropOriginalFieldName" => |d, a| {
            let given: Vec<bool> = a.rest(0)?;
            d.drop_name = if let [drop] = *given { drop } else { true };
        },
    }),
    counters: &[],
};

/// The definition.
#[derive(Clone, Debug, Default)]
pub struct Flatten {
    on: Vec<String>,
    delimiter: String,
    /// Nanoseconds.
    tolerance: i64,
    drop_name: bool,
}

impl Definition for Flatten {
    fn is_stateful(&self) -> bool {
        true
    }

    fn build(&self, cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        let naming =
            Naming { on: self.on.clone(), delimiter: self.delimiter.clone(), drop_name: self.drop_name };
        Ok(match cx.edge {
            EdgeKind::Stream => Box::new(OfStream { naming, tolerance: self.tolerance }),
            EdgeKind::Batch => Box::new(OfBatches { naming, tolerance: self.tolerance }),
        })
    }
}

/// The error of a point that lacks a tag.
const MISSING: &str = "point missing tag for flatten operation";

/// The points of one time.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Set {
    /// The name of the group's first point: that of all that come out.
    name: Option<Name>,
    /// The rounded time of the last point.
    time: Option<Time>,
    /// Points wait.
    waits: bool,
    /// The fields of those that came with earlier entries, under their new names, by name.
    fields: Vec<(Name, Value)>,
    /// How many of those lack a tag.
    missing: u64,
    /// The first tag that is lacking, by its place among the `on` tags.
    lacks: u32,
    /// Rows of the entry that is being fed.
    #[serde(skip)]
    rows: Vec<u32>,
}

impl Set {
    fn lacks(&mut self, tag: u32) {
        if self.missing == 0 {
            self.lacks = tag;
        }
        self.missing += 1;
    }

    /// Takes what the rows of this entry have over, before it ends.
    fn settle(&mut self, rows: &mut Prefixed<'_>, made: &mut Made) {
        for row in std::mem::take(&mut self.rows) {
            match rows.prefix(row) {
                Err(tag) => self.lacks(tag),
                Ok(prefix) => rows.each(made, prefix, row, |made, column, from| {
                    let name = made.name(column);
                    let Some(value) = from.get(row as usize) else { return };
                    match self.fields.binary_search_by(|(other, _)| other.cmp(name)) {
                        Ok(at) => self.fields[at].1 = value,
                        Err(at) => self.fields.insert(at, (name.clone(), value)),
                    }
                }),
            }
        }
    }

    /// Writes the set's fields as the next row of `made`, and empties it. Whether there were any.
    fn write(&mut self, rows: Option<&mut Prefixed<'_>>, made: &mut Made) -> bool {
        let mut any = !self.fields.is_empty();
        for (name, value) in self.fields.drain(..) {
            made.put_value(&name, value);
        }
        if let Some(rows) = rows {
            for at in 0..self.rows.len() {
                let row = self.rows[at];
                match rows.prefix(row) {
                    Err(tag) => self.lacks(tag),
                    Ok(prefix) => rows.each(made, prefix, row, |made, column, from| {
                        made.put(column, from, row as usize);
                        any = true;
                    }),
                }
            }
        }
        self.rows.clear();
        self.waits = false;
        any
    }
}

/// The points that come out.
#[derive(Default)]
struct Out {
    made: Made,
    groups: Vec<u32>,
    times: Vec<Time>,
    ordinals: Vec<u32>,
    names: Vec<Name>,
}

struct OfStream {
    naming: Naming,
    tolerance: i64,
}

impl Node for OfStream {
    type State = Set;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Set>, inputs: &mut [Message]) -> Message {
        let Message::Stream(run) = &inputs[0] else { return Message::None };
        let mut rows = Prefixed::of(&self.naming, &run.rows, cx.series);
        let mut out = Out::default();
        // Groups whose set has got rows of this entry.
        let mut open: Vec<u32> = Vec::new();
        let mut rounded = (0, go_round(0, self.tolerance));
        for (row, &group) in run.groups.iter().enumerate() {
            let time = run.rows.times[row];
            if time != rounded.0 {
                rounded = (time, go_round(time, self.tolerance));
            }
            let set = states.get(group);
            if set.time != Some(rounded.1) {
                if set.waits {
                    self.flush(cx, set, Some(&mut rows), &mut out, group, run.rows.ordinals[row], false);
                }
                set.time = Some(rounded.1);
            }
            if set.name.is_none() {
                set.name = Some(run.rows.name(row).clone());
            }
            if set.rows.is_empty() {
                open.push(group);
            }
            set.rows.push(row as u32);
            set.waits = true;
        }
        for group in open {
            states.get(group).settle(&mut rows, &mut out.made);
        }
        message(cx, out)
    }

    fn mark(&self, cx: &mut Cx<'_>, states: &mut States<Set>, _input: usize, marks: Vec<Mark>) -> Vec<Flow> {
        let mut out = Out::default();
        for mark in &marks {
            let group = mark.group();
            let over = states.peek(group).filter(|set| set.waits).is_some_and(|set| match *mark {
                Mark::Barrier { time, .. } => set.time.is_some_and(|waits| time > waits),
                Mark::Delete { .. } => true,
            });
            if over {
                let forced = matches!(mark, Mark::Barrier { .. });
                self.flush(cx, states.get(group), None, &mut out, group, 0, forced);
            }
        }
        self.forget_marked(cx, states, &marks);
        let data = message(cx, out);
        let some = !matches!(data, Message::None);
        some.then_some(data.into()).into_iter().chain([Flow::Marks(marks)]).collect()
    }

    fn finish(&self, cx: &mut Cx<'_>, states: &mut States<Set>) -> Vec<Flow> {
        let waiting = |&group: &u32| states.peek(group).is_some_and(|set| set.waits);
        let mut groups: Vec<u32> = states.used().into_iter().filter(waiting).collect();
        // By group where the times are equal: numbers depend on what other tasks do.
        groups.sort_by_cached_key(|&group| {
            let of = cx.group(group);
            (states.peek(group).and_then(|set| set.time), of.name, of.tags)
        });
        let mut out = Out::default();
        for group in groups {
            self.flush(cx, states.get(group), None, &mut out, group, 0, false);
        }
        match message(cx, out) {
            Message::None => Vec::new(),
            data => vec![data.into()],
        }
    }
}

impl OfStream {
    /// Sends a set on. One without fields (its points lack tags) only if it is `forced`.
    #[allow(clippy::too_many_arguments)] // What is sent, where to, and from where it is read.
    fn flush(
        &self,
        cx: &mut Cx<'_>,
        set: &mut Set,
        rows: Option<&mut Prefixed<'_>>,
        out: &mut Out,
        group: u32,
        ordinal: u32,
        forced: bool,
    ) {
        let any = set.write(rows, &mut out.made);
        report(cx, set, &self.naming);
        if let (Some(time), Some(name)) = (set.time, &set.name)
            && (any || forced)
        {
            out.made.end_row();
            out.groups.push(group);
            out.times.push(time);
            out.ordinals.push(ordinal);
            out.names.push(name.clone());
        }
    }
}

fn report(cx: &mut Cx<'_>, set: &mut Set, naming: &Naming) {
    let missing = std::mem::take(&mut set.missing);
    if missing > 0 {
        let tag = naming.on.get(set.lacks as usize).map_or("", String::as_str);
        cx.error(missing, || format!("{MISSING}: tag {tag} is missing from point"));
    }
}

fn message(cx: &Cx<'_>, out: Out) -> Message {
    let Some(first) = out.names.first() else { return Message::None };
    let empty = Name::from("");
    let origin = |name: &Name| Arc::new(Origin { db: empty.clone(), rp: empty.clone(), name: name.clone() });
    let one = origin(first);
    let origins = match out.names.iter().all(|name| name == first) {
        true => OriginColumn::One(one),
        false => OriginColumn::Many(Arc::new(out.names.iter().map(origin).collect())),
    };
    let tags = out.groups.iter().map(|&group| cx.group(group).tags).collect();
    let groups_end = out.groups.iter().max().map_or(0, |max| max + 1);
    let rows = Rows {
        origins,
        times: Arc::new(out.times),
        ordinals: Arc::new(out.ordinals),
        tags: TagColumn::Sets(Arc::new(tags)),
        fields: out.made.finish(),
    };
    Message::Stream(Run { rows, groups: Arc::new(out.groups), groups_end })
}

struct OfBatches {
    naming: Naming,
    tolerance: i64,
}

impl Node for OfBatches {
    type State = ();

    fn feed(&self, cx: &mut Cx<'_>, _states: &mut States<()>, inputs: &mut [Message]) -> Message {
        let Message::Batches(batches) = std::mem::take(&mut inputs[0]) else { return Message::None };
        Message::Batches(batches.into_iter().map(|batch| self.flatten(cx, batch)).collect())
    }
}

impl OfBatches {
    fn flatten(&self, cx: &mut Cx<'_>, batch: Batch) -> Batch {
        let mut rows = Prefixed::of(&self.naming, &batch.rows, cx.series);
        let mut made = Made::default();
        let mut times = Vec::new();
        let mut set = Set::default();
        let mut flush = |cx: &mut Cx<'_>, set: &mut Set, forced: bool| {
            let any = set.write(Some(&mut rows), &mut made);
            report(cx, set, &self.naming);
            if let Some(time) = set.time.filter(|_| any || forced) {
                made.end_row();
                times.push(time);
            }
        };
        for (row, &time) in batch.rows.times.iter().enumerate() {
            let time = go_round(time, self.tolerance);
            if set.time.is_some_and(|last| last != time) {
                flush(cx, &mut set, false);
            }
            set.time = Some(time);
            set.rows.push(row as u32);
        }
        // Kapacitor sends the last set of a batch even if its points have no fields.
        flush(cx, &mut set, true);
        let tags = cx.group(batch.group).tags;
        let rows = Rows {
            origins: OriginColumn::One(batch.origin.clone()),
            tags: TagColumn::Sets(Arc::new(vec![tags; times.len()])),
            fields: made.finish(),
            times: Arc::new(times),
            ordinals: Arc::default(),
        };
        Batch { rows, ..batch }
    }
}
