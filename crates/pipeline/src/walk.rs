//! Running the nodes of a task: one node over what an entry brings it, and the whole graph when no
//! points came but the clock moved, an answer arrived, or the task ends.

use crate::edge::{Flow, Mark, Message};
use crate::group::GroupTable;
use crate::node::{Answer, Cx, Effects, Turn};
use crate::nodes::window_fused::Half;
use crate::shard::{Running, Shard, Stopwatch};
use crate::task::Operator;
use lambda::Env;
use model::{Identity, SeriesTable, Time};
use std::sync::atomic::Ordering::Relaxed;

/// What a node runs in.
pub(crate) struct Stage<'a> {
    pub series: &'a SeriesTable,
    pub spaces: &'a mut [GroupTable],
    pub shard: u32,
    pub now: Time,
    pub env: &'a Env,
    pub identity: &'a mut Identity,
    pub effects: &'a mut Effects,
    /// Only when this entry is to be timed.
    pub stopwatch: Option<Stopwatch>,
    /// What goes along the edges are points that came just now: their groups are not idle.
    pub touches: bool,
}

/// Why a task is run when no points came.
#[derive(Clone, Copy)]
enum Cause<'a> {
    /// The clock moved.
    Tick,
    /// Something came back from outside for the node.
    Answer(usize, &'a Answer),
    /// The task ends.
    Finish,
}

impl Running {
    /// When a node of the task wants a tick.
    pub(crate) fn due(&self) -> Time {
        if self.failed.is_some() {
            return Time::MAX;
        }
        self.timed.iter().map(|&node| self.due_of(node)).min().unwrap_or(Time::MAX)
    }

    fn due_of(&self, node: usize) -> Time {
        self.states[node].as_ref().map_or(Time::MAX, |states| states.due())
    }
}

impl Stage<'_> {
    /// Gives a node what came along its edges.
    pub fn feed(
        &mut self,
        running: &mut Running,
        node: usize,
        operator: &Operator,
        inputs: &mut [Message],
    ) -> Message {
        let came: u64 = inputs.iter().map(Message::count).sum();
        if came == 0 {
            return Message::None;
        }
        let stats = &*operator.stats;
        if operator.half != Some(Half::Function) {
            stats.collected.fetch_add(came, Relaxed);
            if running.task.graph.nodes[node].kind.grouped {
                let seen = &mut running.seen[node];
                inputs.iter().for_each(|input| seen.add_message(input));
                stats.groups[self.shard as usize].store(seen.count(), Relaxed);
            }
        }
        let stopwatch = self.stopwatch;
        let start = stopwatch.map(|clock| clock());
        let (mut cx, states) = self.cx(running, node, operator);
        let message = operator.node.feed(&mut cx, states, inputs);
        if let (Some(clock), Some(start)) = (stopwatch, start) {
            stats.exec_ns.fetch_add(clock().saturating_sub(start), Relaxed);
            stats.exec_count.fetch_add(came, Relaxed);
        }
        if operator.half != Some(Half::Window) {
            stats.emitted.fetch_add(message.count(), Relaxed);
        }
        if self.touches {
            self.touch(running, node, operator, &message);
        }
        message
    }

    /// Notes that groups are not idle, where points first get to be in them.
    fn touch(&mut self, running: &Running, node: usize, operator: &Operator, message: &Message) {
        let (space_in, space_out) = running.spaces[node];
        if space_in == space_out && operator.parents != [0] {
            return;
        }
        let Some(idle) = &mut self.spaces[space_out].idle else { return };
        match message {
            Message::None => {}
            Message::Stream(run) => idle.touch(&run.groups, run.groups_end),
            Message::Batches(batches) => {
                batches.iter().for_each(|batch| idle.touch(&[batch.group], batch.group + 1));
            }
        }
    }

    fn turn(&mut self, running: &mut Running, node: usize, operator: &Operator, turn: Turn<'_>) -> Vec<Flow> {
        let (mut cx, states) = self.cx(running, node, operator);
        let flows = operator.node.turn(&mut cx, states, turn);
        if operator.half != Some(Half::Window) {
            let emitted = flows.iter().map(|flow| match flow {
                Flow::Data(message) => message.count(),
                Flow::Marks(_) => 0,
            });
            operator.stats.emitted.fetch_add(emitted.sum(), Relaxed);
        }
        if running.task.graph.nodes[node].kind.grouped {
            operator.stats.groups[self.shard as usize].store(running.seen[node].count(), Relaxed);
        }
        flows
    }

    fn cx<'s>(
        &'s mut self,
        running: &'s mut Running,
        node: usize,
        operator: &'s Operator,
    ) -> (Cx<'s>, &'s mut dyn crate::state::AnyStates) {
        let (space_in, space_out) = running.spaces[node];
        let cx = Cx {
            series: self.series,
            spaces: self.spaces,
            space_in,
            space_out,
            now: self.now,
            env: self.env,
            identity: self.identity,
            stats: &operator.stats,
            task: &running.task.id,
            name: &running.task.names[node],
            effects: self.effects,
            restored: &running.restored,
            seen: &mut running.seen[node],
            quiet: operator.quiet,
        };
        (cx, &mut **running.states[node].as_mut().expect("an operator has states"))
    }
}

impl Shard {
    /// When the shard wants a tick: at this time of the entries' clock, or soon after.
    /// `Time::MAX` is never.
    pub fn due(&self) -> Time {
        self.due
    }

    /// Takes an entry of the log that says how late it is. With `idle` it also ends the groups that have
    /// been idle for so many nanoseconds.
    pub fn tick(&mut self, index: u64, clock: Time, idle: Option<i64>, effects: &mut Effects) {
        let mut identity = Identity { shard: self.number, index, sequence: 0 };
        for at in 0..self.tasks.len() {
            if self.tasks[at].due() <= clock {
                self.walk(at, Cause::Tick, clock, &mut identity, effects);
            }
        }
        if let Some(idle) = idle {
            self.end_longer_idle(clock, idle);
        }
        if self.sweep <= clock {
            self.sweep(clock);
        }
        self.due = self.tasks.iter().map(Running::due).fold(self.sweep, Time::min);
    }

    /// Takes an entry of the log that brings what a call to the outside gave. A task or node that is
    /// gone needs it no more.
    pub fn answer(&mut self, index: u64, clock: Time, answer: &Answer, effects: &mut Effects) {
        let Some(at) = self.position(&answer.task) else { return };
        let running = &self.tasks[at];
        let named = running.task.names.iter().position(|name| *name == answer.node);
        let Some(node) = named.filter(|_| running.failed.is_none()) else { return };
        let mut identity = Identity { shard: self.number, index, sequence: 0 };
        self.walk(at, Cause::Answer(node, answer), clock, &mut identity, effects);
    }

    /// Ends a task: what its nodes still hold and can send on goes its way, then it stops.
    pub fn finish(&mut self, index: u64, clock: Time, id: &str, effects: &mut Effects) {
        let Some(at) = self.position(id) else { return };
        if self.tasks[at].failed.is_none() {
            let mut identity = Identity { shard: self.number, index, sequence: 0 };
            self.walk(at, Cause::Finish, clock, &mut identity, effects);
        }
        self.stop(id);
    }

    fn walk(
        &mut self,
        at: usize,
        cause: Cause<'_>,
        now: Time,
        identity: &mut Identity,
        effects: &mut Effects,
    ) {
        let mut deleted = Vec::new();
        self.guarded(at, now, effects, |shard, effects| {
            deleted = shard.walk_graph(at, cause, now, identity, effects);
        });
        if !deleted.is_empty() {
            self.release_deleted(deleted);
        }
    }

    /// Runs the graph once from its source to its sinks; what a node sends on reaches its children
    /// in the same walk. Gives the groups that marks have ended, with their spaces.
    fn walk_graph(
        &mut self,
        at: usize,
        cause: Cause<'_>,
        now: Time,
        identity: &mut Identity,
        effects: &mut Effects,
    ) -> Vec<(usize, u32)> {
        let running = &mut self.tasks[at];
        let task = running.task.clone();
        let env = Env { now, zone: self.zone.clone() };
        let mut stage = Stage {
            series: &self.series,
            spaces: &mut self.spaces,
            shard: self.number,
            now,
            env: &env,
            identity,
            effects,
            stopwatch: None,
            touches: false,
        };
        let mut sent: Vec<Vec<Flow>> = vec![Vec::new(); task.operators.len()];
        for (node, operator) in task.operators.iter().enumerate() {
            let Some(operator) = operator else { continue };
            let mut out = Vec::new();
            for (input, &parent) in operator.parents.iter().enumerate() {
                for flow in sent[parent].clone() {
                    match flow {
                        Flow::Marks(marks) => {
                            out.extend(stage.turn(running, node, operator, Turn::Mark(input, marks)));
                        }
                        Flow::Data(message) => {
                            let mut inputs = vec![Message::None; operator.parents.len()];
                            inputs[input] = message;
                            out.push(stage.feed(running, node, operator, &mut inputs).into());
                        }
                    }
                }
            }
            match cause {
                Cause::Tick if running.timed.contains(&node) && running.due_of(node) <= now => {
                    out.extend(stage.turn(running, node, operator, Turn::Tick));
                }
                Cause::Answer(of, answer) if of == node => {
                    out.extend(stage.turn(running, node, operator, Turn::Answer(answer)));
                }
                Cause::Finish => out.extend(stage.turn(running, node, operator, Turn::Finish)),
                _ => {}
            }
            sent[node] = out;
        }
        let mut deleted = Vec::new();
        for (node, flows) in sent.iter().enumerate() {
            for flow in flows {
                if let Flow::Marks(marks) = flow {
                    let over = marks.iter().filter(|mark| matches!(mark, Mark::Delete { .. }));
                    deleted.extend(over.map(|mark| (running.spaces[node].1, mark.group())));
                }
            }
        }
        deleted
    }
}
