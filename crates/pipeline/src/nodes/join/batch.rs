//! Joining batches: those of one rounded time make a set, and their points are put together by
//! their rounded times. What comes out is a batch even if no point is in it.

use super::Rules;
use super::columns::{Fields, Grown};
use super::ends::State;
use super::on::{Piece, Sent, Waiting};
use super::sets::Set;
use crate::edge::{Batch, Flow, Mark, Message};
use crate::merge::order::InOrder;
use crate::node::{Cx, Node};
use crate::state::States;
use model::{Column, Field, Name, OriginColumn, Rows, TagColumn, TagSet, Time};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::sync::Arc;

/// The operator.
pub struct OfBatches {
    pub(super) rules: Rules,
}

/// A batch that waits. Its columns are those that came, shared.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Held {
    name: Name,
    tags: TagSet,
    times: Arc<Vec<Time>>,
    fields: Vec<(Name, Arc<Column>)>,
}

impl Held {
    fn of(batch: &Batch) -> Held {
        let fields = batch.rows.fields.iter();
        Held {
            name: batch.origin.name.clone(),
            tags: batch.tags.clone(),
            times: batch.rows.times.clone(),
            fields: fields.map(|field| (field.name.clone(), field.column.clone())).collect(),
        }
    }
}

impl Piece for Held {
    fn adopted(&self, specific: &Held) -> Held {
        Held { tags: specific.tags.clone(), ..self.clone() }
    }

    fn weight(&self) -> usize {
        1 + self.times.len()
    }
}

impl Node for OfBatches {
    type State = State<Held>;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<State<Held>>, inputs: &mut [Message]) -> Message {
        let parts: Vec<&[Batch]> = inputs.iter().map(as_batches).collect();
        let ordinals: Vec<Vec<u32>> =
            parts.iter().map(|part| part.iter().map(|batch| batch.ordinal).collect()).collect();
        let spaces = self.rules.spaces(cx, |source| !parts[source].is_empty());
        let sources = self.rules.sources();
        let mut out = Vec::new();
        self.rules.shed(cx, states, |cx, set, group| out.extend(self.join(cx, set, group, 0)));
        let mut came = 0;
        for (source, at) in InOrder::new(ordinals.iter().map(Vec::as_slice)) {
            let batch = &parts[source][at];
            let group = self.rules.group(cx, spaces[source], batch.group);
            let time = self.rules.round(batch.time);
            let group = cx.spaces[cx.space_in].get(group);
            let new = Sent { group, source: source as u32, time, piece: Held::of(batch) };
            came += new.piece.weight();
            for Sent { group, source, time, piece } in self.matched(cx, states, new) {
                came += piece.weight();
                let group = cx.spaces[cx.space_in].intern(group);
                let send = |set| out.extend(self.join(cx, set, group, batch.ordinal));
                states.get(group).sets.collect(sources, source as usize, time, piece, send);
            }
        }
        self.rules.came(states, came);
        if out.is_empty() { Message::None } else { Message::Batches(out) }
    }

    fn mark(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<State<Held>>,
        input: usize,
        marks: Vec<Mark>,
    ) -> Vec<Flow> {
        let mut out = Vec::new();
        self.rules.mark(cx, states, input, &marks, |cx, set, group| out.extend(self.join(cx, set, group, 0)));
        let data = (!out.is_empty()).then(|| Message::Batches(out).into());
        data.into_iter().chain(self.rules.passed(cx, input, marks)).collect()
    }

    fn finish(&self, cx: &mut Cx<'_>, states: &mut States<State<Held>>) -> Vec<Flow> {
        let ended = self.rules.end(cx, states);
        let out: Vec<Batch> =
            ended.into_iter().filter_map(|(set, group)| self.join(cx, set, group, 0)).collect();
        if out.is_empty() { Vec::new() } else { vec![Message::Batches(out).into()] }
    }
}

fn as_batches(message: &Message) -> &[Batch] {
    match message {
        Message::Batches(batches) => batches,
        _ => &[],
    }
}

impl OfBatches {
    /// What goes on to the sets now that `new` is there: itself, unless `on` makes it wait.
    fn matched(&self, cx: &mut Cx<'_>, states: &mut States<State<Held>>, new: Sent<Held>) -> Vec<Sent<Held>> {
        if self.rules.on.is_empty() {
            return vec![new];
        }
        let (on, specific) = self.rules.on_group(cx, &new.group);
        let fresh = || Box::new(Waiting::new(self.rules.sources()));
        states.get(on).on.get_or_insert_with(fresh).arrive(new, specific)
    }

    /// The batch of a set; of one that lacks batches, too: without `fill` it has no points then.
    fn join(&self, cx: &mut Cx<'_>, set: Set<Held>, group: u32, ordinal: u32) -> Option<Batch> {
        let first = set.points.iter().flatten().next()?;
        let name = self.rules.stream_name.as_ref().unwrap_or(&first.name);
        let origin = self.rules.origin(name);
        let zipped = Zipped::of(&self.rules, &set.points);
        let rows = Rows {
            origins: OriginColumn::One(origin.clone()),
            tags: TagColumn::Sets(Arc::new(vec![first.tags.clone(); zipped.times.len()])),
            fields: zipped.fields(&self.rules, &set.points),
            times: Arc::new(zipped.times),
            ordinals: Arc::default(),
        };
        let group = self.rules.out(cx, group, name);
        Some(Batch { group, ordinal, tags: first.tags.clone(), time: set.time, origin, rows })
    }
}

/// Which points of some batches belong together.
struct Zipped {
    times: Vec<Time>,
    /// For each time the row of each batch, if it has one.
    rows: Vec<SmallVec<[Option<u32>; 2]>>,
    /// Names of the fields that stand for a missing point's: those of the first point of all.
    names: Vec<Name>,
    /// The first row after they were known: a point without fields names none.
    named: usize,
}

impl Zipped {
    /// Kapacitor's walk: the batches are taken to be sorted by time, and where one is not, its
    /// points are joined in the order in which the walk meets them.
    fn of(rules: &Rules, batches: &[Option<Held>]) -> Zipped {
        let mut zipped = Zipped { times: Vec::new(), rows: Vec::new(), names: Vec::new(), named: 0 };
        let len = |source: usize| batches[source].as_ref().map_or(0, |batch| batch.times.len());
        let mut next: SmallVec<[usize; 2]> = SmallVec::from_elem(0, batches.len());
        loop {
            let mut picked: SmallVec<[Option<u32>; 2]> = SmallVec::from_elem(None, batches.len());
            let mut time: Option<Time> = None;
            for (source, batch) in batches.iter().enumerate() {
                let Some(batch) = batch.as_ref().filter(|_| next[source] < len(source)) else { continue };
                let at = next[source];
                let t = rules.round(batch.times[at]);
                let least = *time.get_or_insert(t);
                if t > least {
                    continue;
                }
                if t < least {
                    time = Some(t);
                    for (next, picked) in next.iter_mut().zip(&mut picked) {
                        *next -= usize::from(picked.take().is_some());
                    }
                } else if zipped.names.is_empty() {
                    let there = batch.fields.iter().filter(|(_, column)| column.mask.get(at));
                    zipped.names = there.map(|(name, _)| name.clone()).collect();
                    zipped.named = zipped.times.len();
                }
                picked[source] = Some(at as u32);
                next[source] += 1;
            }
            let Some(time) = time else { return zipped };
            if rules.fill.is_some() || picked.iter().all(Option::is_some) {
                zipped.times.push(time);
                zipped.rows.push(picked);
            }
        }
    }

    fn fields(&self, rules: &Rules, batches: &[Option<Held>]) -> Vec<Field> {
        let mut fields = Fields::default();
        for (source, (prefix, batch)) in rules.prefixes.iter().zip(batches).enumerate() {
            let rows: Option<Vec<u32>> = self.rows.iter().map(|row| row[source]).collect();
            match (batch, rows) {
                (Some(batch), Some(rows)) => {
                    for (name, column) in &batch.fields {
                        fields.put(prefix, name, Arc::new(column.gather(&rows)));
                    }
                }
                _ => fields.put_grown(prefix, self.grown(rules, source, batch.as_ref()), self.times.len()),
            }
        }
        fields.finish()
    }

    /// A batch's fields where it lacks some points.
    fn grown(&self, rules: &Rules, source: usize, batch: Option<&Held>) -> Grown {
        let mut grown = Grown::default();
        for (row, picked) in self.rows.iter().enumerate() {
            match (picked[source], batch, &rules.fill) {
                (Some(at), Some(batch), _) => {
                    let there = batch.fields.iter().filter(|(_, column)| column.mask.get(at as usize));
                    there.for_each(|(name, column)| grown.at(name, row).push_from(column, at as usize));
                }
                (_, _, Some(fill)) if row >= self.named => {
                    self.names.iter().for_each(|name| grown.push(name, fill.clone(), row));
                }
                _ => {}
            }
        }
        grown
    }
}
