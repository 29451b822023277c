//! A server in small: one task, any number of shards, line protocol in, effects out. No log, no
//! threads, no clock. Routing and the numbering of series are the engine's; entries go through the
//! codec, as they do on their way through the log.

use crate::observed::{Moment, NodeErrors, Observed, endpoint_json};
use crate::store::Store;
use alert::Topics;
use jiff::tz::TimeZone;
use line::{Builder, LANE_NONE, Limits, MORE_NONE, Parser, Precision, SeriesIndex, Slot};
use model::codec::{self, Decoder};
use model::{Entry, Event, Name, Origin, Series, SourceRun, TagSet, Time};
use pipeline::checkpoint::SavedTask;
use pipeline::endpoint::Shown;
use pipeline::node::{Answer, Call, Log, Request};
use pipeline::nodes::http_post::{Endpoint, answer_bytes};
use pipeline::nodes::sideload::Content;
use pipeline::task::Restored;
use pipeline::{Effects, Shard, Task};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tick::{Mode, TaskType};

/// The wall clock at the start. It stands still but for ticks, so that it does not matter into how
/// many writes an input is cut.
pub const CLOCK: Time = 1_700_000_000_000_000_000;

/// Id of the task.
pub const TASK: &str = "T";

/// Database and retention policy of the input.
const DBRP: (&str, &str) = ("db", "rp");

/// Most ticks on the way to one time.
const TICKS_MAX: usize = 100_000;

/// Why a run stopped. The texts are for whoever writes a case or a node.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is not line protocol.
    #[error("write {write} is refused: {why}")]
    Input {
        /// Which write, from 1.
        write: u64,
        /// What the parser says.
        why: String,
    },
    /// A directive cannot be followed.
    #[error(transparent)]
    Directive(#[from] crate::steps::Misread),
    /// There is nothing to answer.
    #[error("no call of {node} waits for an answer")]
    NoCall {
        /// The node that was to be answered.
        node: String,
    },
    /// The source of a node is not as it must be.
    #[error("the source of {node} cannot be read: {why}")]
    Source {
        /// The node.
        node: String,
        /// What is wrong.
        why: String,
    },
    /// The ticks do not come to an end, which is a bug of a node.
    #[error("a node wants more than {TICKS_MAX} ticks up to {after} ns after the start")]
    Ticks {
        /// Where the clock was to move.
        after: Time,
    },
    /// An entry does not survive the codec.
    #[error("an entry cannot be read back: {0}")]
    Codec(#[from] codec::CodecError),
    /// A checkpoint does not load.
    #[error("a checkpoint does not load: {0}")]
    Checkpoint(#[from] pipeline::checkpoint::Error),
    /// The task stopped working, which is a bug of a node.
    #[error("the task failed in entry {entry}: {why}")]
    Failed {
        /// Which entry, from 1: writes, ticks and answers count.
        entry: u64,
        /// What the shard says.
        why: String,
    },
}

/// Builds a script's task for `shards` shards. The error is what a user is told: of the definition
/// or of the start.
pub fn build(script: &str, shards: u32) -> Result<Arc<Task>, String> {
    let told = |diagnostic: tick::Diagnostic| diagnostic.one_line(script);
    let program = tick::parse(script).map_err(told)?;
    let compiled = pipeline::compile::compile(&program, TaskType::Stream, &BTreeMap::new(), Mode::Task);
    let facts = pipeline::Server {
        hostname: "host".into(),
        cluster_id: "cluster".into(),
        server_id: "server".into(),
        task_master: "main".into(),
        endpoints: endpoints(),
    };
    let dbrps = vec![(DBRP.0.into(), DBRP.1.into())];
    Task::build(TASK.into(), dbrps, compiled.map_err(told)?.graph, &facts, shards as usize).map(Arc::new)
}

/// What the configuration of a case names with `[[httppost]]`: `plain`, and `shaped` with all settings.
fn endpoints() -> BTreeMap<String, Endpoint> {
    let plain = Endpoint { url: "http://plain/".into(), ..Endpoint::default() };
    let shaped = Endpoint {
        url: "http://{{.Tags.h}}/{{.Name}}".into(),
        headers: BTreeMap::from([("X-From".into(), "conf".into())]),
        username: "user".into(),
        password: "word".into(),
        row_template: Some("{{.Name}} {{range .Values}}{{.time}}={{.v}};{{end}}".into()),
    };
    BTreeMap::from([("plain".into(), plain), ("shaped".into(), shaped)])
}

/// The server.
pub struct Server {
    script: String,
    task: Arc<Task>,
    shards: Vec<OneShard>,
    routes: Routes,
    index: SeriesIndex,
    builder: Builder,
    writes: u64,
    /// Number of the last entry.
    entry: u64,
    clock: Time,
    /// Ordinal of the next point: as if all between two ticks were one write.
    ordinal: u32,
    topics: Topics,
    seen: Seen,
}

/// A shard with what its log and its checkpoint would hold.
struct OneShard {
    shard: Shard,
    decoder: Decoder,
    store: Store,
}

/// What came out so far.
#[derive(Default)]
struct Seen {
    events: Vec<String>,
    logs: Vec<String>,
    calls: Vec<String>,
    writes: Vec<String>,
    moments: Vec<Moment>,
    /// Calls that wait for an answer, in order.
    unanswered: Vec<Call>,
    /// What the endpoints showed when the task ended.
    last_shown: Option<Vec<(String, String)>>,
    first_errors: HashMap<Name, String>,
    /// Errors, messages in, messages out, by node: of the tasks before the last load.
    before: Vec<[u64; 3]>,
}

/// Which shard takes a series, under which number.
struct Routes {
    task: Arc<Task>,
    origins: Vec<Arc<Origin>>,
    directories: Vec<Directory>,
}

/// The series of a shard as the router numbers them.
#[derive(Default)]
struct Directory {
    numbers: HashMap<(Name, TagSet), u32>,
    unlogged: Vec<Series>,
    logged: u32,
}

impl Directory {
    fn number(&mut self, origin: &Arc<Origin>, tags: &TagSet) -> u32 {
        let next = self.numbers.len() as u32;
        let number = *self.numbers.entry((origin.name.clone(), tags.clone())).or_insert(next);
        if number == next {
            self.unlogged.push(Series { origin: origin.clone(), tags: tags.clone() });
        }
        number
    }
}

impl Routes {
    fn origin_number(&mut self, measurement: &str) -> u32 {
        let known = self.origins.iter().position(|origin| *origin.name == *measurement);
        let at = known.unwrap_or_else(|| {
            let (db, rp) = (DBRP.0.into(), DBRP.1.into());
            self.origins.push(Arc::new(Origin { db, rp, name: measurement.into() }));
            self.origins.len() - 1
        });
        at as u32
    }
}

impl line::Router for Routes {
    fn resolve(&mut self, measurement: &str, tags: &TagSet) -> Slot {
        let number = self.origin_number(measurement);
        let origin = self.origins[number as usize].clone();
        let mut slot = Slot { origin: number, plan: number, lane: LANE_NONE, series: 0, more: MORE_NONE };
        if self.task.reads(&origin) {
            slot.lane = self.task.placement.shard(tags, self.directories.len() as u32);
            slot.series = self.directories[slot.lane as usize].number(&origin, tags);
        }
        slot
    }

    fn more(&self, _list: u32) -> &[(u32, u32)] {
        &[]
    }

    fn origin(&self, origin: u32) -> &Arc<Origin> {
        &self.origins[origin as usize]
    }
}

impl Server {
    /// Starts a script's task in `shards` shards. The error is what a user is told.
    pub fn start(script: &str, shards: u32) -> Result<Server, String> {
        let task = build(script, shards)?;
        let one = |number| {
            let mut shard = empty(number, shards);
            shard.start(task.clone(), script.as_bytes().into(), Restored::default());
            OneShard { shard, decoder: Decoder::new(), store: Store::default() }
        };
        let mut directories = Vec::new();
        directories.resize_with(shards as usize, Directory::default);
        Ok(Server {
            script: script.to_owned(),
            shards: (0..shards).map(one).collect(),
            routes: Routes { task: task.clone(), origins: Vec::new(), directories },
            index: SeriesIndex::default(),
            builder: Builder::new(),
            writes: 0,
            entry: 0,
            clock: CLOCK,
            ordinal: 0,
            topics: Topics::default(),
            seen: Seen { before: vec![[0; 3]; task.names.len()], ..Seen::default() },
            task,
        })
    }

    /// The task that runs.
    pub fn task(&self) -> &Arc<Task> {
        &self.task
    }

    /// Takes one write: one entry for each shard that it brings points to. What is due is run before.
    pub fn write(&mut self, text: &[u8]) -> Result<(), Error> {
        self.run_due(self.clock)?;
        let clock = self.clock;
        self.writes += 1;
        let mut parser = Parser::new(Precision::Nano, clock, Limits::default());
        parser.feed(text, &mut self.index, &mut self.routes, &mut self.builder);
        parser
            .finish(&mut self.index, &mut self.routes, &mut self.builder)
            .map_err(|error| Error::Input { write: self.writes, why: error.to_string() })?;
        self.entry += 1;
        let first = self.ordinal;
        for (lane, mut runs) in self.builder.take() {
            for ordinal in runs.iter_mut().flat_map(|run| &mut run.ordinals) {
                *ordinal += first;
                self.ordinal = self.ordinal.max(*ordinal + 1);
            }
            self.apply(lane as usize, clock, runs)?;
        }
        Ok(())
    }

    fn apply(&mut self, at: usize, clock: Time, runs: Vec<SourceRun>) -> Result<(), Error> {
        let directory = &mut self.routes.directories[at];
        let new_series = std::mem::take(&mut directory.unlogged);
        let first_series = directory.logged;
        directory.logged += new_series.len() as u32;
        let mut bytes = Vec::new();
        codec::encode(&Entry { clock, first_series, new_series, runs }, &mut bytes);
        let one = &mut self.shards[at];
        let entry = one.decoder.decode(&bytes, one.shard.series().len())?;
        let mut effects = Effects::default();
        one.shard.apply(self.entry, entry, &mut effects);
        self.take(at, effects)
    }

    /// Moves the clock to so long after the start; shards get their ticks on the way, one time after
    /// another.
    pub fn tick(&mut self, after: Time) -> Result<(), Error> {
        let to = CLOCK.saturating_add(after);
        self.run_due(to)?;
        self.clock = self.clock.max(to);
        Ok(())
    }

    fn run_due(&mut self, to: Time) -> Result<(), Error> {
        for _ in 0..TICKS_MAX {
            let due = self.shards.iter().map(|one| one.shard.due()).min().unwrap_or(Time::MAX);
            if due > to {
                return Ok(());
            }
            self.clock = self.clock.max(due);
            let clock = self.clock;
            self.moment(|shard, entry, effects| {
                if shard.due() <= clock {
                    shard.tick(entry, clock, None, effects);
                }
            })?;
        }
        Err(Error::Ticks { after: to - CLOCK })
    }

    /// Ends the task.
    pub fn stop(&mut self) -> Result<(), Error> {
        self.run_due(self.clock)?;
        self.seen.last_shown = Some(self.endpoints());
        let clock = self.clock;
        self.moment(|shard, entry, effects| shard.finish(entry, clock, TASK, effects))
    }

    /// Answers the oldest unanswered call of a node.
    pub fn answer(&mut self, node: &str, status: u16, body: &[u8]) -> Result<(), Error> {
        self.run_due(self.clock)?;
        let call = self.seen.unanswered.iter().position(|call| *call.node == *node);
        let call = call.ok_or_else(|| Error::NoCall { node: node.to_owned() })?;
        let call = self.seen.unanswered.remove(call);
        let bytes = answer_bytes(status, body);
        let id = (call.identity.index, call.identity.sequence);
        let answer = Answer { task: call.task, node: call.node, call: id, bytes };
        self.entry += 1;
        let at = call.identity.shard as usize;
        let mut effects = Effects::default();
        self.shards[at].shard.answer(self.entry, self.clock, &answer, &mut effects);
        self.take(at, effects)
    }

    /// Has a sideload node read its source again: JSON, an object of places with values.
    pub fn source(&mut self, node: &str, json: &str) -> Result<(), Error> {
        self.run_due(self.clock)?;
        let wrong = |why: String| Error::Source { node: node.to_owned(), why };
        let sideload = self.task.sideloads.iter().find(|sideload| *sideload.node == *node);
        let sideload = sideload.ok_or_else(|| wrong("it is no sideload node".into()))?;
        let content = Content::of_places(json.as_bytes(), &sideload.keys).map_err(wrong)?;
        let (task, node) = (TASK.into(), sideload.node.clone());
        let answer = Answer { task, node, call: (0, 0), bytes: content.encode() };
        let clock = self.clock;
        self.moment(|shard, entry, effects| shard.answer(entry, clock, &answer, effects))
    }

    /// Something that happens in every shard at once.
    fn moment(&mut self, mut run: impl FnMut(&mut Shard, u64, &mut Effects)) -> Result<(), Error> {
        self.entry += 1;
        let before = self.seen.lens();
        for at in 0..self.shards.len() {
            let mut effects = Effects::default();
            run(&mut self.shards[at].shard, self.entry, &mut effects);
            self.take(at, effects)?;
        }
        let after = self.seen.lens();
        if after != before {
            let range = |list: usize| before[list]..after[list];
            let (events, logs, calls, writes) = (range(0), range(1), range(2), range(3));
            self.seen.moments.push(Moment { events, logs, calls, writes });
        }
        Ok(())
    }

    fn take(&mut self, at: usize, effects: Effects) -> Result<(), Error> {
        if let Some((_, why)) = self.shards[at].shard.failures().next() {
            return Err(Error::Failed { entry: self.entry, why: why.to_owned() });
        }
        for event in &effects.events {
            self.seen.events.extend(event_json(&mut self.topics, event, self.clock));
        }
        for Log { level, node, message, pairs, points, .. } in effects.logs {
            let message = message + &pairs;
            if points > 0 {
                self.seen.first_errors.entry(node).or_insert(message);
            } else {
                self.seen.logs.push(format!("{node} {level:?} {message}"));
            }
        }
        for call in effects.calls {
            self.seen.calls.push(call_line(&call));
            if call.answered {
                self.seen.unanswered.push(call);
            }
        }
        for write in effects.writes {
            let lines = String::from_utf8_lossy(&write.lines).into_owned();
            let named = |line| format!("{} {} {} {line}", write.node, write.db, write.rp);
            self.seen.writes.extend(lines.lines().map(named));
        }
        Ok(())
    }

    /// Saves every shard, and goes on with new ones that load what was saved.
    pub fn reload(&mut self) -> Result<(), Error> {
        self.seen.before = figures(&self.task, &self.seen.before);
        let count = self.shards.len() as u32;
        let task = build(&self.script, count).expect("it was built before");
        for (number, one) in self.shards.iter_mut().enumerate() {
            one.shard.save(&mut one.store);
            one.shard = empty(number as u32, count);
            let mut again = |saved: &SavedTask| {
                assert_eq!(
                    *saved.definition,
                    *self.script.as_bytes(),
                    "a checkpoint keeps a definition as it is"
                );
                Some(task.clone())
            };
            one.shard.load(&one.store, &mut again)?;
        }
        self.routes.task = task.clone();
        self.task = task;
        Ok(())
    }

    /// What came out up to now.
    pub fn observe(&self) -> Observed {
        let figures = figures(&self.task, &self.seen.before);
        let named = || self.task.names.iter().zip(&figures);
        let failing =
            named().filter(|(_, [errors, ..])| *errors > 0).map(|(name, [errors, ..])| NodeErrors {
                node: name.to_string(),
                count: *errors,
                first: self.seen.first_errors.get(name).cloned().unwrap_or_default(),
            });
        Observed {
            error: None,
            outputs: self.seen.last_shown.clone().unwrap_or_else(|| self.endpoints()),
            events: self.seen.events.clone(),
            logs: self.seen.logs.clone(),
            calls: self.seen.calls.clone(),
            writes: self.seen.writes.clone(),
            errors: failing.collect(),
            traffic: named().map(|(name, [_, came, went])| (name.to_string(), *came, *went)).collect(),
            alert_nodes: self.task.alerts.len(),
            moments: self.seen.moments.clone(),
        }
    }

    fn endpoints(&self) -> Vec<(String, String)> {
        let endpoints = self.task.endpoints.iter();
        endpoints.map(|(name, node)| (name.clone(), self.endpoint(*node))).collect()
    }

    fn endpoint(&self, node: usize) -> String {
        let shown = self.shards.iter().filter_map(|one| one.shard.show(TASK, node));
        let mut shown: Vec<Shown> = shown.flatten().collect();
        // Groups that ticks made in one moment have no order among shards.
        shown.sort_by_cached_key(|shown| (shown.since, endpoint_json(std::slice::from_ref(&shown.row))));
        let rows: Vec<Option<model::Row>> = shown.into_iter().map(|shown| shown.row).collect();
        endpoint_json(&rows)
    }
}

fn empty(number: u32, shards: u32) -> Shard {
    Shard::new(number, shards, TimeZone::UTC, None)
}

impl Seen {
    fn lens(&self) -> [usize; 4] {
        [self.events.len(), self.logs.len(), self.calls.len(), self.writes.len()]
    }
}

/// A call as a line: node, method, URL, what goes along with the body, the body.
fn call_line(call: &Call) -> String {
    let Request::Post { url, headers, basic, body, .. } = &call.request;
    let mut with: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    with.extend(basic.iter().map(|(user, password)| format!("Basic {user}:{password}")));
    let with = if with.is_empty() { String::new() } else { format!(" [{}]", with.join(", ")) };
    let body = String::from_utf8_lossy(body);
    format!("{} POST {url}{with} {}", call.node, body.trim_end()).trim_end().to_owned()
}

/// An event as a handler of its first topic would get it.
/// Nothing for what is held back by another alert, or is no event.
fn event_json(topics: &mut Topics, event: &Event, now: Time) -> Option<String> {
    let decision = alert::decide(topics, event, now);
    if !matches!(decision.reason, alert::Reason::Taken | alert::Reason::NoTopic) {
        return None;
    }
    let previous = decision.topics.first().map_or(event.previous_level, |topic| topic.previous_level);
    Some(String::from_utf8(alert::event_json(event, previous)).expect("the JSON writer writes text"))
}

fn figures(task: &Task, before: &[[u64; 3]]) -> Vec<[u64; 3]> {
    let of_node = |(node, before): (usize, &[u64; 3])| {
        let stats = task.stats(node);
        let now = [&stats.errors, &stats.collected, &stats.emitted].map(|counter| counter.load(Relaxed));
        [0, 1, 2].map(|i| before[i] + now[i])
    };
    before.iter().enumerate().map(of_node).collect()
}
