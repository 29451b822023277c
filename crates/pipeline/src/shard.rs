//! A shard: the tasks, the series and the groups of one slice of the key space. It is a
//! deterministic state machine: entries go in, effects come out, nothing else is looked at.

use crate::edge::{Message, Run};
use crate::endpoint::Shown;
use crate::group::{GroupBy, GroupTable};
use crate::idle::Lifetimes;
use crate::merge::merge;
use crate::node::{AnyNode, Effects};
use crate::seen::Seen;
use crate::state::AnyStates;
use crate::task::{Failure, Restored, Task};
use crate::view::{Arrived, Surroundings, View, groups_of};
use crate::walk::Stage;
use hashbrown::HashMap;
use jiff::tz::TimeZone;
use lambda::Env;
use model::{Entry, Identity, Name, Origin, SeriesTable, Time};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Reads a clock for the statistics, nanoseconds. Nothing that the pipeline computes depends on it.
pub type Stopwatch = fn() -> u64;

/// One entry in so many is timed.
const TIMED_EVERY: u64 = 16;

/// A shard.
pub struct Shard {
    pub(crate) number: u32,
    pub(crate) shards: u32,
    pub(crate) series: SeriesTable,
    pub(crate) spaces: Vec<GroupTable>,
    /// How many operators use each space; 0 frees the slot.
    pub(crate) space_users: Vec<u32>,
    pub(crate) tasks: Vec<Running>,
    pub(crate) saved: crate::checkpoint::Saved,
    views: Vec<View>,
    /// For each origin, the `(task, source)` pairs that read it. Forgotten when tasks change.
    routes: HashMap<Arc<Origin>, Arc<[(usize, usize)]>>,
    pub(crate) zone: TimeZone,
    pub(crate) stopwatch: Option<Stopwatch>,
    pub(crate) entries: u64,
    /// No node wants a tick before this time.
    pub(crate) due: Time,
    pub(crate) lifetimes: Lifetimes,
    /// When to look for groups that are over.
    pub(crate) sweep: Time,
    pub(crate) expired: u64,
}

/// A task in a shard.
pub(crate) struct Running {
    pub(crate) task: Arc<Task>,
    /// How to build the task again; the shard only keeps it.
    pub(crate) definition: Arc<[u8]>,
    pub(crate) restored: Restored,
    pub(crate) states: Vec<Option<Box<dyn AnyStates>>>,
    /// The spaces of each operator: of its first input, of its output.
    pub(crate) spaces: Vec<(usize, usize)>,
    /// The view of each source.
    views: Vec<usize>,
    /// The groups that have reached each operator since the task or the server was started.
    pub(crate) seen: Vec<Seen>,
    /// The operators that want ticks.
    pub(crate) timed: Vec<usize>,
    /// It panicked: a bug. It takes no more points until it is started again.
    pub(crate) failed: Option<Failure>,
}

impl Shard {
    /// An empty shard, number `number` of `shards`.
    pub fn new(number: u32, shards: u32, zone: TimeZone, stopwatch: Option<Stopwatch>) -> Shard {
        Shard {
            number,
            shards,
            series: SeriesTable::default(),
            spaces: Vec::new(),
            space_users: Vec::new(),
            tasks: Vec::new(),
            saved: crate::checkpoint::Saved::default(),
            views: Vec::new(),
            routes: HashMap::new(),
            zone,
            stopwatch,
            entries: 0,
            due: Time::MAX,
            lifetimes: Lifetimes::default(),
            sweep: Time::MAX,
            expired: 0,
        }
    }

    /// Sets how long groups live unless a script says otherwise. To be called before anything else is.
    pub fn with_lifetimes(self, lifetimes: Lifetimes) -> Shard {
        Shard { lifetimes, ..self }
    }

    /// The series that the shard knows.
    pub fn series(&self) -> &SeriesTable {
        &self.series
    }

    /// Starts a task with empty state; one that runs under the same id is stopped first. A
    /// checkpoint keeps `definition` for whoever has to build the task again.
    pub fn start(&mut self, task: Arc<Task>, definition: Arc<[u8]>, restored: Restored) {
        self.stop(&task.id);
        let ttl = task.group_ttl;
        let spaces = task.operators.iter().map(|operator| match operator {
            None => (0, 0),
            Some(operator) => (self.use_space(&operator.by_in, ttl), self.use_space(&operator.by_out, ttl)),
        });
        let spaces: Vec<(usize, usize)> = spaces.collect();
        let views = task.sources.iter().map(|s| self.use_view(&task, s.filter.as_ref())).collect();
        let states: Vec<Option<Box<dyn AnyStates>>> =
            task.operators.iter().map(|o| o.as_ref().map(|o| AnyNode::states(&*o.node))).collect();
        let due = |node: &usize| states[*node].as_ref().map_or(Time::MAX, |states| states.due());
        let timed: Vec<usize> = (0..states.len()).filter(|node| due(node) < Time::MAX).collect();
        self.due = timed.iter().map(due).fold(self.due, Time::min);
        let mut seen = Vec::new();
        seen.resize_with(task.operators.len(), Seen::default);
        let running =
            Running { definition, restored, states, spaces, views, seen, timed, failed: None, task };
        let at = self.tasks.partition_point(|other| other.task.id < running.task.id);
        self.saved.task_started(&running.task.id);
        self.tasks.insert(at, running);
        self.routes.clear();
    }

    /// Stops a task and forgets its state.
    pub fn stop(&mut self, id: &str) {
        let Some(at) = self.position(id) else { return };
        let running = self.tasks.remove(at);
        for (operator, &(input, output)) in running.task.operators.iter().zip(&running.spaces) {
            if operator.is_some() {
                self.release_space(input);
                self.release_space(output);
            }
        }
        for view in running.views {
            self.views[view].users -= 1;
        }
        self.saved.task_stopped(id);
        self.routes.clear();
    }

    /// Marks a task as one that takes no more points.
    pub(crate) fn fail(&mut self, id: &str, failure: Option<Failure>) {
        let Some(at) = self.position(id) else { return };
        self.tasks[at].failed.clone_from(&failure);
        if let Some(failure) = failure {
            self.tasks[at].task.fail(self.number, failure);
        }
        self.routes.clear();
    }

    pub(crate) fn position(&self, id: &str) -> Option<usize> {
        self.tasks.binary_search_by(|running| (*running.task.id).cmp(id)).ok()
    }

    fn use_space(&mut self, by: &GroupBy, ttl: Option<i64>) -> usize {
        let same = |at: &usize| {
            self.space_users[*at] > 0 && self.spaces[*at].by == *by && self.spaces[*at].ttl == ttl
        };
        let at = (0..self.spaces.len()).find(same).unwrap_or_else(|| {
            let fresh = self.space(by.clone(), ttl);
            match self.space_users.iter().position(|users| *users == 0) {
                Some(free) => {
                    self.spaces[free] = fresh;
                    free
                }
                None => {
                    self.spaces.push(fresh);
                    self.space_users.push(0);
                    self.spaces.len() - 1
                }
            }
        });
        self.space_users[at] += 1;
        at
    }

    /// An empty space.
    pub(crate) fn space(&mut self, by: GroupBy, ttl: Option<i64>) -> GroupTable {
        let mut table = GroupTable::new(by);
        table.ttl = ttl;
        table.idle = self.lifetimes.idle(ttl);
        if table.idle.as_ref().is_some_and(|idle| idle.ttl > 0) {
            // The next tick looks, and says when to look again.
            self.sweep = Time::MIN;
            self.due = Time::MIN;
        }
        table
    }

    pub(crate) fn release_space(&mut self, at: usize) {
        self.space_users[at] -= 1;
        if self.space_users[at] == 0 {
            self.spaces[at] = GroupTable::new(GroupBy::default());
            self.saved.space_freed(at);
        }
    }

    fn use_view(&mut self, task: &Task, filter: Option<&Arc<lambda::Lambda>>) -> usize {
        let same = self.views.iter().position(|v| v.users > 0 && v.is(&task.placement, filter));
        let at = same.unwrap_or_else(|| {
            let view = View::new(task.placement.clone(), filter.cloned());
            match self.views.iter().position(|view| view.users == 0) {
                Some(free) => {
                    self.views[free] = view;
                    free
                }
                None => {
                    self.views.push(view);
                    self.views.len() - 1
                }
            }
        });
        self.views[at].users += 1;
        at
    }

    /// Takes an entry of the log. `index` names it; the events in `effects` carry it.
    pub fn apply(&mut self, index: u64, entry: Entry, effects: &mut Effects) {
        self.entries += 1;
        for series in entry.new_series {
            self.series.push(series);
        }
        let mut identity = Identity { shard: self.number, index, sequence: 0 };
        let runs = entry.runs.into_iter().filter(|run| !run.times.is_empty());
        let mut arrived: Vec<Arrived> = runs.map(Arrived::new).collect();
        let wanted = self.wanted(&arrived);
        for space in &mut self.spaces {
            if let Some(idle) = &mut space.idle {
                idle.set_now(entry.clock);
            }
        }
        let mut from = 0;
        while from < wanted.len() {
            let task = wanted[from].0;
            let to = from + wanted[from..].iter().take_while(|w| w.0 == task).count();
            self.run_task(task, &wanted[from..to], &mut arrived, entry.clock, &mut identity, effects);
            from = to;
        }
    }

    /// The `(task, source, run)` triples of an entry, sorted by task.
    fn wanted(&mut self, arrived: &[Arrived]) -> Vec<(usize, usize, usize)> {
        let mut wanted = Vec::new();
        for (run, points) in arrived.iter().enumerate() {
            let routes = self.routes_of(points.rows.origins.get(0));
            wanted.extend(routes.iter().map(|&(task, source)| (task, source, run)));
        }
        if arrived.len() > 1 {
            wanted.sort_unstable();
        }
        wanted
    }

    fn routes_of(&mut self, origin: &Arc<Origin>) -> Arc<[(usize, usize)]> {
        if let Some(routes) = self.routes.get(origin) {
            return routes.clone();
        }
        let mut routes = Vec::new();
        for (at, running) in self.tasks.iter().enumerate() {
            if running.failed.is_none() && running.task.in_dbrps(origin) {
                let sources = running.task.sources.iter().enumerate();
                routes.extend(sources.filter(|(_, s)| s.matches(origin)).map(|(source, _)| (at, source)));
            }
        }
        let routes: Arc<[(usize, usize)]> = routes.into();
        self.routes.insert(origin.clone(), routes.clone());
        routes
    }

    /// Feeds one task.
    fn run_task(
        &mut self,
        at: usize,
        wanted: &[(usize, usize, usize)],
        arrived: &mut [Arrived],
        now: Time,
        identity: &mut Identity,
        effects: &mut Effects,
    ) {
        self.guarded(at, now, effects, |shard, effects| {
            shard.feed_task(at, wanted, arrived, now, identity, effects);
        });
    }

    /// Runs something of one task. A panic in it is a bug of Farad: the task stops and says so, all
    /// others go on.
    pub(crate) fn guarded(
        &mut self,
        at: usize,
        now: Time,
        effects: &mut Effects,
        run: impl FnOnce(&mut Shard, &mut Effects),
    ) {
        let before = effects.counts();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(self, effects))) {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            // Half an entry's effects are no use to anyone.
            effects.truncate(before);
            let id = self.tasks[at].task.id.clone();
            self.saved.task_started(&id);
            self.fail(&id, Some(Failure { why: format!("node panicked: {text}"), since: now }));
        }
        let due = self.tasks[at].due();
        self.due = self.due.min(due);
    }

    fn feed_task(
        &mut self,
        at: usize,
        wanted: &[(usize, usize, usize)],
        arrived: &mut [Arrived],
        now: Time,
        identity: &mut Identity,
        effects: &mut Effects,
    ) {
        let running = &mut self.tasks[at];
        let task = running.task.clone();
        let env = Env { now, zone: self.zone.clone() };
        let around =
            Surroundings { series: &self.series, shard: self.number, shards: self.shards, env: &env };
        let mut messages: Vec<Message> = Vec::with_capacity(task.operators.len());
        messages.resize_with(task.operators.len(), Message::default);
        // Each run counts once for the source, however many of its `from` nodes want it.
        let (mut came, mut counted) = (0, Vec::new());
        for (number, source) in task.sources.iter().enumerate() {
            let mut parts: Vec<Run> = Vec::new();
            let (mut of_source, mut failed) = (0, (0, None));
            let space = running.spaces[source.node].1;
            for &(_, _, run) in wanted.iter().filter(|(_, s, _)| *s == number) {
                let selected = arrived[run].select(running.views[number], &mut self.views, &around);
                of_source += selected.arrived;
                if !counted.contains(&run) {
                    counted.push(run);
                    came += selected.arrived;
                }
                failed.0 += selected.failed.0;
                failed.1 = failed.1.or_else(|| selected.failed.1.clone());
                if !selected.rows.is_empty() {
                    parts.push(selected.run(space, &mut self.spaces[space], &self.series));
                }
            }
            messages[source.node] = join_parts(parts, &mut self.spaces[space], &self.series);
            let operator = task.operators[source.node].as_ref().expect("a from node is an operator");
            // What the view dropped counts as collected: it did reach the node.
            let dropped = of_source - messages[source.node].count();
            operator.stats.collected.fetch_add(dropped, Relaxed);
            if failed.0 > 0 {
                let message = failed.1.unwrap_or_default();
                operator.stats.error(failed.0, &message, now);
                if !operator.quiet {
                    effects.logs.push(crate::node::Log {
                        level: crate::node::LogLevel::Error,
                        task: task.id.clone(),
                        node: task.names[source.node].clone(),
                        message,
                        pairs: String::new(),
                        points: failed.0,
                    });
                }
            }
        }
        task.source_stats.collected.fetch_add(came, Relaxed);
        task.source_stats.emitted.fetch_add(came, Relaxed);
        for &tap in task.graph.nodes[0].taps.iter().filter(|_| came > 0) {
            let ungrouped = crate::group::Group { tags: model::TagSet::empty(), name: None };
            let group = self.spaces[running.spaces[tap].0].intern(ungrouped);
            if let Some(states) = &mut running.states[tap] {
                crate::nodes::stats::count_arrived(&mut **states, group, came);
            }
        }
        let stopwatch = self.stopwatch.filter(|_| self.entries.is_multiple_of(TIMED_EVERY));
        let mut stage = Stage {
            series: &self.series,
            spaces: &mut self.spaces,
            shard: self.number,
            now,
            env: &env,
            identity,
            effects,
            stopwatch,
            touches: true,
        };
        for (node, operator) in task.operators.iter().enumerate() {
            let Some(operator) = operator else { continue };
            let mut inputs: Vec<Message> = if operator.parents == [0] {
                vec![std::mem::take(&mut messages[node])]
            } else {
                let parents = operator.parents.iter().enumerate();
                parents
                    .map(|(at, &parent)| {
                        let again = operator.parents[at + 1..].contains(&parent);
                        take(&mut messages, parent, !again && is_last_child(&task, parent, node))
                    })
                    .collect()
            };
            messages[node] = stage.feed(running, node, operator, &mut inputs);
        }
    }

    /// Gives a sideload node of a task that was started just now what its source holds.
    pub fn set_source(&mut self, task: &str, node: &str, content: Arc<crate::nodes::sideload::Content>) {
        let Some(at) = self.position(task) else { return };
        let running = &mut self.tasks[at];
        let named = running.task.names.iter().position(|name| **name == *node);
        if let Some(states) = named.and_then(|node| running.states[node].as_mut()) {
            // Another kind of node has no source.
            crate::nodes::sideload::begin(&mut **states, content);
        }
    }

    /// The tasks that run, in order of their ids.
    pub fn tasks(&self) -> impl Iterator<Item = &Arc<Task>> {
        self.tasks.iter().map(|running| &running.task)
    }

    /// The definitions that the tasks were started with, in order of their ids.
    pub fn definitions(&self) -> impl Iterator<Item = (&Name, &Arc<[u8]>)> {
        self.tasks.iter().map(|running| (&running.task.id, &running.definition))
    }

    /// What an endpoint of a task shows in this shard; `None` when the task does not run here.
    pub fn show(&self, task: &str, node: usize) -> Option<Vec<Shown>> {
        let running = &self.tasks[self.position(task)?];
        let operator = running.task.operators.get(node)?.as_ref()?;
        Some(operator.node.show(&**running.states[node].as_ref()?))
    }

    /// Why tasks of this shard have stopped working.
    pub fn failures(&self) -> impl Iterator<Item = (&Name, &str)> {
        self.tasks.iter().filter_map(|r| Some((&r.task.id, r.failed.as_ref()?.why.as_str())))
    }
}

fn is_last_child(task: &Task, parent: usize, child: usize) -> bool {
    task.graph.nodes[parent].last_reader() == Some(child)
}

/// The message of a parent: moved to whoever reads it last, copied (by reference counts) to the
/// others.
fn take(messages: &mut [Message], parent: usize, last: bool) -> Message {
    if last { std::mem::take(&mut messages[parent]) } else { messages[parent].clone() }
}

fn join_parts(mut parts: Vec<Run>, space: &mut GroupTable, series: &SeriesTable) -> Message {
    match parts.len() {
        0 => Message::None,
        1 => Message::Stream(parts.remove(0)),
        _ => {
            let parts: Vec<model::Rows> = parts.into_iter().map(|part| part.rows).collect();
            let rows = merge(&parts, series);
            let (groups, groups_end) = groups_of(&rows, space, series);
            Message::Stream(Run { rows, groups, groups_end })
        }
    }
}
