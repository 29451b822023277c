//! `|union()`: the points (or batches) of several parents as one stream, in the order of time.
//!
//! What a parent brings waits until every parent has got as far: [`queues`] says when it goes on,
//! [`stream`] and [`batch`] hold it until then. The times of *all* groups of a parent count, so a
//! task with a union runs in one place: were each group looked at by itself, one that only a
//! single parent has would wait for ever. Of too much that waits the oldest goes on before its turn
//! ([`Limit`]).

mod batch;
mod queues;
mod stream;
#[cfg(test)]
mod tests;

use crate::args::Args;
use crate::edge::{EdgeKind, Flow, Mark, Message};
use crate::group::{Group, GroupBy};
use crate::merge::limit::Limit;
use crate::merge::order::InOrder;
use crate::node::{AnyNode, Build, Cx, Definition, Kind, Node};
use crate::properties;
use crate::state::{GroupState, States};
use hashbrown::HashMap;
use model::{Name, Origin, OriginColumn, Time};
use queues::{Let, Over, Queues, What};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

/// The kind.
pub static KIND: Kind = Kind {
    name: "union",
    stem: "union",
    go: "UnionNode",
    wants: None,
    provides: None,
    joins: true,
    grouped: false,
    create: |a: &Args<'_>| {
        a.exactly(0)?;
        Ok(Box::new(Union::default()))
    },
    properties: properties!(Union {
        "rename" => |d, a| d.rename = a.set()?,
    }),
    counters: &[],
};

/// The definition.
#[derive(Clone, Debug, Default)]
pub struct Union {
    rename: String,
    /// The most that may wait; no property, but tests want to get there.
    limit: Limit,
}

impl Definition for Union {
    fn group_by(&self, parents: &[GroupBy]) -> GroupBy {
        super::join::most_specific(parents)
    }

    fn is_stateful(&self) -> bool {
        true
    }

    fn spans_groups(&self, _edge: EdgeKind) -> bool {
        true
    }

    fn build(&self, cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        let out = self.group_by(cx.parents);
        let rules = Rules {
            rename: (!self.rename.is_empty()).then(|| self.rename.as_str().into()),
            elsewhere: cx.parents.iter().map(|by| (*by != out).then(|| by.clone())).collect(),
        };
        let limit = self.limit;
        Ok(match cx.edge {
            EdgeKind::Stream => Box::new(Operator::<stream::Stream> { rules, edge: PhantomData, limit }),
            EdgeKind::Batch => Box::new(Operator::<batch::Batches> { rules, edge: PhantomData, limit }),
        })
    }
}

/// What the operator goes by.
struct Rules {
    /// The name of what comes out, unless everything keeps its own.
    rename: Option<Name>,
    /// The grouping of each parent whose groups are not the output's.
    elsewhere: Vec<Option<GroupBy>>,
}

/// The operator, on either edge.
struct Operator<E> {
    rules: Rules,
    limit: Limit,
    edge: PhantomData<E>,
}

/// What differs between points and batches.
trait Edge: Send + Sync + 'static {
    /// What waits of one parent.
    type Kept: GroupState;

    /// What a message brings.
    fn arrived(message: &Message) -> Arrived<'_>;

    /// What the queues let go (no marks), as a message. `ordinals` has one for each.
    fn send(
        cx: &mut Cx<'_>,
        rules: &Rules,
        kept: &mut [Self::Kept],
        inputs: &mut [Message],
        lets: &[Let],
        ordinals: &[u32],
    ) -> Message;

    /// Points that wait, beside those that are things in the queues themselves.
    fn inside(kept: &Self::Kept) -> usize;

    /// What something kept weighs against the limit, by its place among those of the parent.
    fn weight(kept: &Self::Kept, at: usize) -> usize;

    /// Keeps some of a message for a later entry.
    fn keep(cx: &Cx<'_>, space: usize, kept: &mut Self::Kept, input: &Message, rows: &[u32]);
}

/// Times and ordinals of what a message brings.
#[derive(Default)]
struct Arrived<'a> {
    times: Cow<'a, [Time]>,
    ordinals: Cow<'a, [u32]>,
}

/// What a union remembers, of all groups. It is the state of group 0.
#[derive(Debug, Serialize, Deserialize)]
struct State<K> {
    queues: Queues,
    /// What waits, by parent.
    kept: Vec<K>,
    /// Marks that points let go: only a walk can send them on.
    put_off: Vec<Over>,
}

impl<K> Default for State<K> {
    fn default() -> State<K> {
        State { queues: Queues::default(), kept: Vec::new(), put_off: Vec::new() }
    }
}

impl<E: Edge> Node for Operator<E> {
    type State = State<E::Kept>;

    const BY_GROUP: bool = false;

    /// For the marks that are put off.
    const TIMED: bool = true;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Self::State>, inputs: &mut [Message]) -> Message {
        let state = self.state(states);
        let mut lets = Vec::new();
        self.shed(cx, state, &mut lets);
        let mut ordinals = vec![0; lets.len()];
        {
            let arrived: Vec<Arrived<'_>> = inputs.iter().map(E::arrived).collect();
            let count = arrived.iter().map(|arrived| arrived.times.len()).sum();
            lets.reserve(count);
            ordinals.reserve(count);
            for (source, at) in InOrder::new(arrived.iter().map(|arrived| &*arrived.ordinals)) {
                if state.queues.push(source, arrived[source].times[at], What::New(at as u32)) {
                    state.queues.release(false, &mut lets);
                    ordinals.resize(lets.len(), arrived[source].ordinals[at]);
                }
            }
        }
        let message = self.send_points(cx, state, inputs, lets, ordinals);
        for (source, input) in inputs.iter().enumerate() {
            let left = state.queues.settle(source);
            if !left.is_empty() {
                E::keep(cx, self.rules.space(cx, source), &mut state.kept[source], input, &left);
            }
        }
        if !state.put_off.is_empty() {
            states.wake_by(cx.now);
        }
        message
    }

    fn mark(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<Self::State>,
        input: usize,
        marks: Vec<Mark>,
    ) -> Vec<Flow> {
        let space = self.rules.space(cx, input);
        let state = self.state(states);
        let mut lets = Vec::new();
        self.shed(cx, state, &mut lets);
        for mark in marks {
            let group = self.rules.renamed(cx.spaces[space].get(mark.group()));
            match mark {
                Mark::Barrier { time, .. } => {
                    let over = Over { group, barrier: Some(time) };
                    state.queues.push(input, time, What::Over(Box::new(over)));
                    state.queues.release(false, &mut lets);
                }
                Mark::Delete { .. } => {
                    state.queues.push_behind(input, Over { group, barrier: None }, &mut lets);
                }
            }
        }
        self.flows(cx, state, lets)
    }

    fn tick(&self, cx: &mut Cx<'_>, states: &mut States<Self::State>) -> Vec<Flow> {
        states.set_due(Time::MAX);
        let state = self.state(states);
        self.flows(cx, state, Vec::new())
    }

    fn finish(&self, cx: &mut Cx<'_>, states: &mut States<Self::State>) -> Vec<Flow> {
        let state = self.state(states);
        let mut lets = Vec::new();
        state.queues.release(true, &mut lets);
        self.flows(cx, state, lets)
    }
}

impl<E: Edge> Operator<E> {
    fn state<'s>(&self, states: &'s mut States<State<E::Kept>>) -> &'s mut State<E::Kept> {
        let sources = self.rules.elsewhere.len();
        let state = states.get(0);
        state.queues.ready(sources);
        state.kept.resize_with(sources, E::Kept::default);
        state
    }

    /// Lets the oldest go if too much waits from earlier entries, when nothing new is in the queues.
    fn shed(&self, cx: &mut Cx<'_>, state: &mut State<E::Kept>, lets: &mut Vec<Let>) {
        let inside: usize = state.kept.iter().map(E::inside).sum();
        if let Some(excess) = self.limit.excess(state.queues.len() + inside) {
            let kept = &state.kept;
            let sent = state.queues.shed(excess, |source, at| E::weight(&kept[source], at), lets);
            self.limit.tell(cx, sent);
        }
    }

    /// What the queues let go while an entry is fed, which can only be data: marks are put off.
    fn send_points(
        &self,
        cx: &mut Cx<'_>,
        state: &mut State<E::Kept>,
        inputs: &mut [Message],
        mut lets: Vec<Let>,
        mut ordinals: Vec<u32>,
    ) -> Message {
        let mut over: Vec<(usize, Over)> = state.put_off.drain(..).map(|over| (0, over)).collect();
        if lets.iter().any(|one| matches!(one.what, What::Over(_))) {
            let mut data = Vec::with_capacity(lets.len());
            let mut kept = Vec::with_capacity(lets.len());
            for (one, ordinal) in lets.into_iter().zip(ordinals) {
                match one.what {
                    What::Over(mark) => over.push((data.len(), *mark)),
                    _ => {
                        data.push(one);
                        kept.push(ordinal);
                    }
                }
            }
            (lets, ordinals) = (data, kept);
        }
        let message = E::send(cx, &self.rules, &mut state.kept, inputs, &lets, &ordinals);
        state.put_off = still_over(cx, &message, over);
        message
    }

    /// What the queues let go in a walk, in order, behind the marks that were put off.
    fn flows(&self, cx: &mut Cx<'_>, state: &mut State<E::Kept>, lets: Vec<Let>) -> Vec<Flow> {
        let mut flows = Vec::new();
        let mut marks = std::mem::take(&mut state.put_off);
        let mut data: Vec<Let> = Vec::new();
        let mut inputs = vec![Message::None; self.rules.elsewhere.len()];
        for one in lets {
            match one.what {
                What::Over(over) => {
                    self.flush(cx, state, &mut inputs, &mut data, &mut flows);
                    marks.push(*over);
                }
                _ => {
                    flows.extend(send_marks(cx, &mut marks));
                    data.push(one);
                }
            }
        }
        self.flush(cx, state, &mut inputs, &mut data, &mut flows);
        flows.extend(send_marks(cx, &mut marks));
        flows
    }

    fn flush(
        &self,
        cx: &mut Cx<'_>,
        state: &mut State<E::Kept>,
        inputs: &mut [Message],
        data: &mut Vec<Let>,
        flows: &mut Vec<Flow>,
    ) {
        if !data.is_empty() {
            let ordinals = vec![0; data.len()];
            flows.push(E::send(cx, &self.rules, &mut state.kept, inputs, data, &ordinals).into());
            data.clear();
        }
    }
}

fn send_marks(cx: &mut Cx<'_>, over: &mut Vec<Over>) -> Option<Flow> {
    let mark = |over: Over| {
        let group = cx.spaces[cx.space_out].intern(over.group);
        match over.barrier {
            Some(time) => Mark::Barrier { group, time },
            None => Mark::Delete { group },
        }
    };
    let marks: Vec<Mark> = over.drain(..).map(mark).collect();
    (!marks.is_empty()).then_some(Flow::Marks(marks))
}

/// The marks that are still true when a message is sent before them. Each has its place in it: a
/// group of which data comes after its end is not over.
fn still_over(cx: &mut Cx<'_>, message: &Message, mut over: Vec<(usize, Over)>) -> Vec<Over> {
    if over.iter().any(|(_, over)| over.barrier.is_none()) {
        let mut last: HashMap<u32, usize> = HashMap::new();
        match message {
            Message::None => {}
            Message::Stream(run) => last.extend(run.groups.iter().copied().zip(1..)),
            Message::Batches(batches) => last.extend(batches.iter().map(|batch| batch.group).zip(1..)),
        }
        over.retain(|(at, over)| {
            let group = cx.spaces[cx.space_out].intern(over.group.clone());
            over.barrier.is_some() || last.get(&group).is_none_or(|last| last <= at)
        });
    }
    over.into_iter().map(|(_, over)| over).collect()
}

impl Rules {
    /// The space of a parent's groups.
    fn space(&self, cx: &Cx<'_>, source: usize) -> usize {
        match &self.elsewhere[source] {
            None => cx.space_out,
            Some(by) => cx.space_of(by),
        }
    }

    /// A group as it is called behind the union: the measurement can be part of it.
    fn renamed(&self, mut group: Group) -> Group {
        if let (Some(name), Some(own)) = (&self.rename, &mut group.name) {
            *own = name.clone();
        }
        group
    }

    /// The output's group for a parent's.
    fn group(&self, cx: &mut Cx<'_>, space: usize, group: u32) -> u32 {
        if space == cx.space_out && (self.rename.is_none() || !cx.spaces[space].by.by_name) {
            return group;
        }
        let group = self.renamed(cx.spaces[space].get(group));
        cx.spaces[cx.space_out].intern(group)
    }

    fn origin(&self, origin: &Arc<Origin>) -> Arc<Origin> {
        match &self.rename {
            Some(name) => Arc::new(Origin { name: name.clone(), ..(**origin).clone() }),
            None => origin.clone(),
        }
    }

    fn origins(&self, origins: OriginColumn) -> OriginColumn {
        match origins {
            _ if self.rename.is_none() => origins,
            OriginColumn::One(one) => OriginColumn::One(self.origin(&one)),
            OriginColumn::Many(many) => {
                let mut last: Option<(&Arc<Origin>, Arc<Origin>)> = None;
                let renamed = many.iter().map(|origin| match &last {
                    Some((old, new)) if old.db == origin.db && old.rp == origin.rp => new.clone(),
                    _ => {
                        let new = self.origin(origin);
                        last = Some((origin, new.clone()));
                        new
                    }
                });
                OriginColumn::Many(Arc::new(renamed.collect()))
            }
        }
    }
}
