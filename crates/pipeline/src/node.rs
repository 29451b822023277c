//! What a node is: a kind in the list, a definition that the script fills in, and an operator that
//! runs. A node's file holds all three, in that order.

use crate::args::{Args, Refused};
use crate::edge::{EdgeKind, Flow, Mark, Message};
use crate::group::{Group, GroupBy, GroupTable};
use crate::logfmt::pair;
use crate::state::{AnyStates, GroupState, States};
use crate::stats::NodeStats;
use model::{Event, Identity, Name, Origin, SeriesTable, TagSet, Time};
use std::any::Any;
use std::sync::Arc;

/// A kind of node: one line of the list in `nodes.rs`.
pub struct Kind {
    /// The chain method of TICKscript, which is also the stem of the node's name.
    pub name: &'static str,
    /// The stem of the node's name where it differs (`stateCount` makes `state_count2`).
    pub stem: &'static str,
    /// What Kapacitor's errors call its type: `FromNode`.
    pub go: &'static str,
    /// The edge it reads; `None` takes both.
    pub wants: Option<EdgeKind>,
    /// The edge it writes; `None` is the same as it reads.
    pub provides: Option<EdgeKind>,
    /// Takes further nodes as arguments: they become parents after the receiver.
    pub joins: bool,
    /// Kapacitor counts its groups as `working_cardinality`.
    pub grouped: bool,
    /// Makes a definition from the method's arguments.
    pub create: fn(&Args<'_>) -> Result<Box<dyn Definition>, Refused>,
    /// The properties.
    pub properties: &'static [Property],
    /// Statistics that only this kind has, by Kapacitor's names.
    pub counters: &'static [&'static str],
}

/// A property of a definition.
pub struct Property {
    /// Its name in TICKscript.
    pub name: &'static str,
    /// Takes the arguments over into the definition.
    pub set: fn(&mut dyn Any, &Args<'_>) -> Result<(), Refused>,
}

/// Writes the properties of a definition type: `properties!(Window { "period" => |d, a| { ... } })`.
#[macro_export]
macro_rules! properties {
    ($type:ty { $($name:literal => |$d:ident, $a:ident| $body:expr),* $(,)? }) => {
        &[$($crate::node::Property {
            name: $name,
            set: |definition, $a| {
                let $d = definition.downcast_mut::<$type>().expect("a property of its own kind");
                $body;
                Ok(())
            },
        }),*]
    };
}

/// What the script says of a node.
pub trait Definition: Any + Send + Sync {
    /// Whether one of the kind's properties can be used now (an alert's handlers open more).
    fn has_property(&self, _name: &str) -> bool {
        true
    }

    /// What Kapacitor's errors call it where that is not the kind's name.
    fn go(&self) -> Option<&'static str> {
        None
    }

    /// What it needs of the points that its parent keeps for it.
    fn demand(&self) -> Demand {
        Demand::All
    }

    /// Checks the whole once the script is read. The error names the property that is wrong.
    fn validate(&self, _parents: usize) -> Result<(), String> {
        Ok(())
    }

    /// How its output is grouped, given how each parent's is.
    fn group_by(&self, parents: &[GroupBy]) -> GroupBy {
        parents.first().cloned().unwrap_or_default()
    }

    /// It remembers something of a group, so all points of a group must meet in one place.
    fn is_stateful(&self) -> bool;

    /// It remembers something that spans the groups of such an edge: then all points of the task
    /// must meet in one place.
    fn spans_groups(&self, _edge: EdgeKind) -> bool {
        false
    }

    /// Points that agree on these tags must meet too, where meeting by the parents' groups is not
    /// enough.
    fn meets_by(&self) -> Option<GroupBy> {
        None
    }

    /// Tags that it writes or deletes: no use for placing points from there on.
    fn changes_tags(&self) -> Vec<String> {
        Vec::new()
    }

    /// Makes the operator.
    fn build(&self, cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String>;
}

/// What a node needs of points that another keeps for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Demand {
    /// Everything.
    All,
    /// The time and one field.
    Field(String),
}

/// Where a node stands, while it is built.
pub struct Build<'a> {
    /// The task.
    pub task: &'a Name,
    /// The node's name, `alert3`.
    pub name: &'a str,
    /// The edge that its parents give it.
    pub edge: EdgeKind,
    /// How each parent is grouped.
    pub parents: &'a [GroupBy],
    /// Its parent is the source of the task.
    pub below_source: bool,
    /// What its children need of points that it keeps.
    pub demand: &'a Demand,
    /// Facts about the server that templates may name.
    pub server: &'a Server,
    /// Databases and retention policies that the task reads.
    pub dbrps: &'a [(Name, Name)],
}

/// The server, as `{{ .ServerInfo }}` and alert topics know it.
#[derive(Clone, Debug, Default)]
pub struct Server {
    /// Host name.
    pub hostname: String,
    /// Cluster id.
    pub cluster_id: String,
    /// Server id.
    pub server_id: String,
    /// `main`, or the id of a replay: the first part of an anonymous topic.
    pub task_master: String,
    /// Receivers and sources that the configuration names (`[[httppost]]`).
    pub endpoints: std::collections::BTreeMap<String, crate::nodes::http_post::Endpoint>,
}

/// A node that runs: immutable, with what it remembers of a group beside it.
///
/// A group's number is the index of its own state. It may be given to another group once the group is
/// over: what a node keeps of *other* groups or for later it keeps as [`Group`], and interns when it
/// sends it on.
pub trait Node: Send + Sync + 'static {
    /// What it remembers of each group.
    type State: GroupState;

    /// Its states are numbered by the groups of its first input. Otherwise they are its own business, and
    /// nobody forgets them.
    const BY_GROUP: bool = true;

    /// It wants [`Self::tick`] when the clock reaches [`States::due`]; for the first time as soon as
    /// the task runs.
    const TIMED: bool = false;

    /// Takes what one entry brings along each of its input edges (one a parent, in order), and
    /// gives what it sends on.
    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Self::State>, inputs: &mut [Message]) -> Message;

    /// Takes marks that follow the data of one of its input edges, and gives what it sends on: data
    /// that the marks let go, and marks. By itself a node forgets the groups that are over, and
    /// passes marks on where its output has the groups of its input.
    fn mark(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<Self::State>,
        _input: usize,
        marks: Vec<Mark>,
    ) -> Vec<Flow> {
        self.forget_marked(cx, states, &marks);
        if cx.space_in == cx.space_out { vec![Flow::Marks(marks)] } else { Vec::new() }
    }

    /// Forgets the groups that marks say are over: what [`Self::mark`] must do for them.
    fn forget_marked(&self, cx: &mut Cx<'_>, states: &mut States<Self::State>, marks: &[Mark]) {
        for mark in marks {
            if let Mark::Delete { group } = *mark {
                cx.seen.remove(group);
                if Self::BY_GROUP {
                    self.forget(states, group);
                }
            }
        }
    }

    /// Forgets a group: its index may be given to another one. Only of nodes whose states are by group.
    fn forget(&self, states: &mut States<Self::State>, group: u32) {
        states.forget(group);
    }

    /// The clock has reached [`States::due`]: `cx.now` is at or after it. Sets the time of the next
    /// tick by [`States::set_due`]; without it none comes.
    fn tick(&self, _cx: &mut Cx<'_>, _states: &mut States<Self::State>) -> Vec<Flow> {
        Vec::new()
    }

    /// Takes what came back from outside for a [`Call`] that this node made.
    fn answer(&self, _cx: &mut Cx<'_>, _states: &mut States<Self::State>, _answer: &Answer) -> Vec<Flow> {
        Vec::new()
    }

    /// No more data comes: gives what can only be sent on now.
    fn finish(&self, _cx: &mut Cx<'_>, _states: &mut States<Self::State>) -> Vec<Flow> {
        Vec::new()
    }

    /// What the HTTP endpoint of the node shows, for the nodes that have one.
    fn show(&self, _states: &States<Self::State>) -> Vec<crate::endpoint::Shown> {
        Vec::new()
    }
}

/// What calls on a node when no points come.
#[derive(Clone, Debug)]
pub enum Turn<'a> {
    /// [`Node::mark`].
    Mark(usize, Vec<Mark>),
    /// [`Node::tick`].
    Tick,
    /// [`Node::answer`].
    Answer(&'a Answer),
    /// [`Node::finish`].
    Finish,
}

/// What came back from outside for a [`Call`].
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Answer {
    /// The task.
    pub task: Name,
    /// The node.
    pub node: Name,
    /// Index and sequence of the call's identity.
    pub call: (u64, u32),
    /// What came back, as the carrier of such calls writes it.
    pub bytes: Vec<u8>,
}

/// A [`Node`] of any state.
pub trait AnyNode: Send + Sync {
    /// Empty states.
    fn states(&self) -> Box<dyn AnyStates>;

    /// See [`Node::feed`].
    fn feed(&self, cx: &mut Cx<'_>, states: &mut dyn AnyStates, inputs: &mut [Message]) -> Message;

    /// See [`Turn`].
    fn turn(&self, cx: &mut Cx<'_>, states: &mut dyn AnyStates, turn: Turn<'_>) -> Vec<Flow>;

    /// See [`Node::forget`].
    fn forget(&self, states: &mut dyn AnyStates, group: u32);

    /// See [`Node::BY_GROUP`].
    fn by_group(&self) -> bool;

    /// See [`Node::show`].
    fn show(&self, states: &dyn AnyStates) -> Vec<crate::endpoint::Shown>;
}

fn own<N: Node>(states: &mut dyn AnyStates) -> &mut States<N::State> {
    let states: &mut dyn Any = states;
    states.downcast_mut().expect("states that this node made")
}

impl<N: Node> AnyNode for N {
    fn states(&self) -> Box<dyn AnyStates> {
        let mut states = States::<N::State>::default();
        if N::TIMED {
            states.set_due(Time::MIN);
        }
        Box::new(states)
    }

    fn feed(&self, cx: &mut Cx<'_>, states: &mut dyn AnyStates, inputs: &mut [Message]) -> Message {
        Node::feed(self, cx, own::<N>(states), inputs)
    }

    fn turn(&self, cx: &mut Cx<'_>, states: &mut dyn AnyStates, turn: Turn<'_>) -> Vec<Flow> {
        let states = own::<N>(states);
        match turn {
            Turn::Mark(input, marks) => self.mark(cx, states, input, marks),
            Turn::Tick => {
                let flows = self.tick(cx, states);
                // Without this one that forgot to say when would be called for ever.
                if states.due() <= cx.now {
                    states.set_due(Time::MAX);
                }
                flows
            }
            Turn::Answer(answer) => self.answer(cx, states, answer),
            Turn::Finish => self.finish(cx, states),
        }
    }

    fn forget(&self, states: &mut dyn AnyStates, group: u32) {
        Node::forget(self, own::<N>(states), group);
    }

    fn by_group(&self) -> bool {
        N::BY_GROUP
    }

    fn show(&self, states: &dyn AnyStates) -> Vec<crate::endpoint::Shown> {
        let states: &dyn Any = states;
        let states = states.downcast_ref().expect("states that this node made");
        Node::show(self, states)
    }
}

/// What a node may see and do while it is fed.
pub struct Cx<'a> {
    /// The shard's series.
    pub series: &'a SeriesTable,
    /// The groups of every grouping in the shard.
    pub spaces: &'a mut [GroupTable],
    /// Which of them the first input uses.
    pub space_in: usize,
    /// Which of them the output uses.
    pub space_out: usize,
    /// The entry's clock.
    pub now: Time,
    /// The same for lambdas, with the zone that time functions use.
    pub env: &'a lambda::Env,
    /// The shard and the entry; the sequence grows with each event.
    pub identity: &'a mut Identity,
    /// The node's counters.
    pub stats: &'a NodeStats,
    /// The task.
    pub task: &'a Name,
    /// The node.
    pub name: &'a Name,
    /// Where requests for side effects go.
    pub effects: &'a mut Effects,
    /// Event states that topics remember, for alerts of a group seen for the first time.
    pub restored: &'a crate::task::Restored,
    /// The groups that have reached the node in this shard.
    pub seen: &'a mut crate::seen::Seen,
    /// Errors are counted, not logged.
    pub quiet: bool,
}

impl Cx<'_> {
    /// The group at an index of the input.
    pub fn group(&self, group: u32) -> Group {
        self.spaces[self.space_in].get(group)
    }

    /// Which of the spaces has that grouping, when points came whose groups are in it: where the
    /// groups of a parent are that is not the first.
    pub fn space_of(&self, by: &GroupBy) -> usize {
        let found = self.spaces.iter().position(|space| space.by == *by && !space.is_empty());
        found.unwrap_or(self.space_in)
    }

    /// The group of the output that a point with these tags belongs to.
    pub fn regroup(&mut self, tags: &TagSet, origin: &Arc<Origin>) -> u32 {
        self.spaces[self.space_out].of_tags(tags, origin)
    }

    /// The group of a point whose tags a node has changed: the same group-by tags with their new
    /// values.
    pub fn regroup_changed(&mut self, group: u32, tags: &TagSet) -> u32 {
        let old = self.spaces[self.space_in].get(group);
        let keys: Vec<&str> = old.tags.iter().map(|(key, _)| key).collect();
        let new = Group { tags: tags.project(&keys), name: old.name.clone() };
        if self.space_in == self.space_out && new.tags == old.tags {
            return group;
        }
        self.spaces[self.space_out].intern(new)
    }

    /// Counts points that the node could not use, and says why once an entry. The message reads
    /// `what failed: why`.
    pub fn error(&mut self, points: u64, message: impl FnOnce() -> String) {
        self.error_with(points, message, String::new);
    }

    /// The same, with more pairs for the log line (see [`Log::pairs`]).
    pub fn error_with(
        &mut self,
        points: u64,
        message: impl FnOnce() -> String,
        pairs: impl FnOnce() -> String,
    ) {
        let message = message();
        self.stats.error(points, &message, self.now);
        if self.quiet {
            return;
        }
        self.effects.logs.push(Log {
            level: LogLevel::Error,
            task: self.task.clone(),
            node: self.name.clone(),
            message,
            pairs: pairs(),
            points,
        });
    }

    /// The identity of the next event.
    pub fn next_identity(&mut self) -> Identity {
        let identity = *self.identity;
        self.identity.sequence += 1;
        identity
    }
}

/// Requests for side effects, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Effects {
    /// Alert events.
    pub events: Vec<Event>,
    /// Calls to the outside.
    pub calls: Vec<Call>,
    /// Points for the server itself.
    pub writes: Vec<Write>,
    /// Lines for the server's log.
    pub logs: Vec<Log>,
}

impl Effects {
    /// How many of each there are: where [`Self::truncate`] goes back to.
    pub fn counts(&self) -> [usize; 4] {
        [self.events.len(), self.calls.len(), self.writes.len(), self.logs.len()]
    }

    /// Drops what came since.
    pub fn truncate(&mut self, [events, calls, writes, logs]: [usize; 4]) {
        self.events.truncate(events);
        self.calls.truncate(calls);
        self.writes.truncate(writes);
        self.logs.truncate(logs);
    }
}

/// A call to the outside, which only the shard's leader carries out. When a log is replayed, calls are
/// made again: their identity tells a receiver.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which one.
    pub identity: Identity,
    /// The task.
    pub task: Name,
    /// The node.
    pub node: Name,
    /// Its errors are not logged.
    pub quiet: bool,
    /// What comes back enters the shard's log as an [`Answer`]; otherwise nobody waits for it.
    pub answered: bool,
    /// What is asked.
    pub request: Request,
}

/// What a [`Call`] asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// `POST` of a body.
    Post {
        /// Where to.
        url: String,
        /// Headers, beside those of every request.
        headers: Vec<(String, String)>,
        /// User and password.
        basic: Option<(String, String)>,
        /// The body.
        body: Vec<u8>,
        /// Longest time, nanoseconds; 0 is the server's own limit.
        timeout: i64,
        /// The body of an answer that is not 2xx is logged.
        capture: bool,
    },
}

/// Points that a task writes to the server itself. Taken once, whatever is replayed.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Write {
    /// Which one.
    pub identity: Identity,
    /// The task.
    pub task: Name,
    /// The node.
    pub node: Name,
    /// Database.
    pub db: Name,
    /// Retention policy.
    pub rp: Name,
    /// The points, as line protocol with times in nanoseconds.
    pub lines: Vec<u8>,
}

/// A line for the server's log.
#[derive(Clone, Debug)]
pub struct Log {
    /// How important.
    pub level: LogLevel,
    /// The task.
    pub task: Name,
    /// The node.
    pub node: Name,
    /// The text; of errors, `what failed: why`.
    pub message: String,
    /// What belongs to it, as ` key=value` one after another.
    pub pairs: String,
    /// Points it speaks of, when it reports errors.
    pub points: u64,
}

impl Log {
    /// The message and the pairs as Kapacitor's log has them: the reason of an error is a pair of its
    /// own. How many points an error speaks of is said when it is not one.
    pub fn parts(&self) -> (&str, String) {
        let (message, mut pairs) = (self.message.as_str(), String::new());
        let (message, why) = match message.split_once(": ") {
            Some((what, why)) if self.points > 0 => (what, Some(why)),
            _ => (message, None),
        };
        if let Some(why) = why {
            pair(&mut pairs, "err", why);
        }
        pairs.push_str(&self.pairs);
        if self.points > 1 {
            pair(&mut pairs, "points", &self.points.to_string());
        }
        (message, pairs)
    }
}

/// Levels of a [`Log`] line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// `DEBUG`
    Debug,
    /// `INFO`
    Info,
    /// `WARN`
    Warn,
    /// `ERROR`
    Error,
}
