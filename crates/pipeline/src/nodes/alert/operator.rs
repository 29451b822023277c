//! The running alert: what a point or batch does to the level of its group, and whether an event
//! comes of it.

use super::Alert;
use super::court::{Court, Rules};
use super::levels::determine;
use super::marks::Marks;
use super::memory::{Flapping, Memory};
use super::templates::{Happening, Subject, Templates};
use crate::edge::{Batch, Message, Run};
use crate::node::{Build, Cx, Node};
use crate::rowshape::{batch_row, point_row_of};
use crate::state::States;
use model::{Event, EventState, Level, Name, Row, Rows, TagSet, Time};
use std::collections::BTreeMap;

/// Places of the counters; those of the levels follow each other.
const TRIGGERED: usize = 0;
const OKS_TRIGGERED: usize = 2;

/// The operator.
pub(super) struct Operator {
    rules: Rules,
    flapping: Option<Flapping>,
    templates: Templates,
    marks: Marks,
    all: bool,
    no_recoveries: bool,
    /// With the longest time of silence, nanoseconds; 0 is any time.
    state_changes_only: Option<i64>,
    topics: Vec<Name>,
    category: Name,
}

/// What one point or batch does to its group.
struct Turn {
    level: Level,
    before: Level,
    time: Time,
    duration: i64,
}

/// What an event is made of.
struct About<'a> {
    group: u32,
    name: &'a Name,
    tags: &'a TagSet,
    fields: Vec<(Name, model::Value)>,
    data: Row,
}

/// What one feeding has at hand.
struct Desk<'a> {
    /// What topics remember of this node's events: level and time by id.
    remembered: Option<&'a BTreeMap<String, (Level, Time)>>,
    /// Where texts are rendered.
    scratch: String,
}

/// Points and batches may do different things.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Point,
    Batch,
}

impl Operator {
    /// The operator of a definition.
    pub fn new(alert: &Alert, cx: &Build<'_>) -> Result<Operator, String> {
        let templates = Templates::parse(&alert.id, &alert.message, &alert.details, cx.server)?;
        alert.handlers.iter().try_for_each(|handler| handler.check())?;
        let topics = alert.topics(cx.server, cx.task, &cx.name.into());
        Ok(Operator {
            templates,
            rules: Rules::compile(&alert.levels, &alert.resets)?,
            flapping: alert.flapping()?,
            marks: alert.marks.clone(),
            all: alert.all,
            no_recoveries: alert.no_recoveries,
            state_changes_only: alert.state_changes_only,
            topics: topics.anonymous.into_iter().chain(topics.named).map(Name::from).collect(),
            category: alert.category.as_str().into(),
        })
    }
}

impl Node for Operator {
    type State = Memory;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Memory>, inputs: &mut [Message]) -> Message {
        let restored = cx.restored;
        let remembered = restored.0.get(&**cx.name).filter(|events| !events.is_empty());
        let mut desk = Desk { remembered, scratch: String::new() };
        match std::mem::take(&mut inputs[0]) {
            Message::None => Message::None,
            Message::Stream(run) => self.run(cx, states, run, &mut desk),
            Message::Batches(mut batches) => {
                batches.retain_mut(|batch| self.batch(cx, states, batch, &mut desk));
                if batches.is_empty() { Message::None } else { Message::Batches(batches) }
            }
        }
    }
}

impl Operator {
    fn run(&self, cx: &mut Cx<'_>, states: &mut States<Memory>, run: Run, desk: &mut Desk<'_>) -> Message {
        let events = cx.effects.events.len();
        let mut court = Court::new(&self.rules, &run.rows, cx, states);
        // Then every point moves the history, or may be the first of its group.
        let every = self.flapping.is_some() || desk.remembered.is_some();
        let mut triggered = Vec::new();
        for (row, &group) in run.groups.iter().enumerate() {
            // Nearly all points of nearly all alerts end here.
            if !every && court.is_calm(row) && level_of(states, group) == Level::Ok {
                continue;
            }
            if self.point(cx, states, &mut court, &run, row, desk) {
                triggered.push(row as u32);
            }
        }
        court.report(cx);
        if triggered.is_empty() {
            return Message::None;
        }
        let mut out = if triggered.len() == run.rows.len() { run } else { run.gather(&triggered) };
        if self.marks.any() {
            self.marks.mark_run(cx, &mut out, events);
        }
        Message::Stream(out)
    }

    /// True when the point triggers an event.
    fn point(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<Memory>,
        court: &mut Court<'_>,
        run: &Run,
        row: usize,
        desk: &mut Desk<'_>,
    ) -> bool {
        let (rows, group) = (&run.rows, run.groups[row]);
        let series = cx.series;
        let tags = rows.tags.get(row, series);
        self.meet(cx, states, group, rows.name(row), tags, desk);
        let current = level_of(states, group);
        let level = determine(current, |slot| court.ask(cx, states, group, slot, row));
        let Some(turn) = self.turn(states, group, level, rows.times[row], Unit::Point) else { return false };
        let fields = fields(rows, row);
        let data = point_row_of(rows, row, series, &fields);
        let about = About { group, name: rows.name(row), tags, fields, data };
        self.fire(cx, &turn, about, desk)
    }

    /// True when the batch triggers an event; then it is marked.
    fn batch(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<Memory>,
        batch: &mut Batch,
        desk: &mut Desk<'_>,
    ) -> bool {
        self.meet(cx, states, batch.group, &batch.origin.name, &batch.tags, desk);
        // An empty batch says nothing, not even that all is well.
        if batch.rows.is_empty() {
            return false;
        }
        let (level, highest) = self.weigh(cx, states, batch);
        let time = if self.all || level == Level::Ok { batch.time } else { batch.rows.times[highest] };
        let Some(turn) = self.turn(states, batch.group, level, time, Unit::Batch) else { return false };
        let about = About {
            group: batch.group,
            name: &batch.origin.name,
            tags: &batch.tags,
            fields: fields(&batch.rows, highest),
            data: batch_row(batch, cx.series),
        };
        let fired = self.fire(cx, &turn, about, desk);
        if fired && self.marks.any() {
            let event = cx.effects.events.last().expect("an event was just made").state.clone();
            self.marks.mark_batch(cx, batch, &event);
        }
        fired
    }

    /// The level of a batch, and the first of its points that have the highest. Every point is
    /// weighed against the level before the batch.
    fn weigh(&self, cx: &mut Cx<'_>, states: &mut States<Memory>, batch: &Batch) -> (Level, usize) {
        let mut court = Court::new(&self.rules, &batch.rows, cx, states);
        let current = level_of(states, batch.group);
        if court.is_silent() && current == Level::Ok {
            return (Level::Ok, 0);
        }
        let (mut lowest, mut highest, mut at) = (Level::Critical, Level::Ok, 0);
        for row in 0..batch.rows.len() {
            let level = determine(current, |slot| court.ask(cx, states, batch.group, slot, row));
            lowest = lowest.min(level);
            if level > highest {
                (highest, at) = (level, row);
            }
        }
        court.report(cx);
        (if self.all { lowest } else { highest }, at)
    }

    /// Asks once for each group what the topics remember of it. An id that cannot be rendered is
    /// not known to any; its error is told when an event is made.
    fn meet(
        &self,
        cx: &Cx<'_>,
        states: &mut States<Memory>,
        group: u32,
        name: &Name,
        tags: &TagSet,
        desk: &mut Desk<'_>,
    ) {
        let Some(remembered) = desk.remembered else { return };
        if states.peek(group).is_some_and(|memory| memory.met) {
            return;
        }
        let memory = states.get(group);
        memory.met = true;
        let subject = Subject { name, task: cx.task, group: &cx.group(group).id(), tags };
        let found = self.templates.id(subject, &mut desk.scratch).ok().and_then(|id| remembered.get(&id));
        if let Some(&(level, time)) = found.filter(|(level, _)| *level != Level::Ok) {
            memory.restore(level, time, self.flapping.as_ref());
        }
    }

    /// Takes the level of a point or batch into the memory of its group. `None` when nobody is to
    /// hear of it.
    fn turn(
        &self,
        states: &mut States<Memory>,
        group: u32,
        level: Level,
        time: Time,
        unit: Unit,
    ) -> Option<Turn> {
        let before = level_of(states, group);
        if self.flapping.is_none() && before == Level::Ok && level == Level::Ok {
            return None;
        }
        let memory = states.get(group);
        let changed = memory.add(level, self.flapping.as_ref());
        let expired = |longest: i64| longest != 0 && memory.is_silent(time, longest);
        let dull = !changed && self.state_changes_only.is_some_and(|longest| !expired(longest));
        let suppressed = memory.is_flapping() || dull;
        // A recovery is held back by flapping on a stream only.
        let heard =
            if level == Level::Ok { changed && (!suppressed || unit == Unit::Batch) } else { !suppressed };
        if !heard {
            return None;
        }
        let duration = memory.trigger(time, before);
        (level != Level::Ok || !self.no_recoveries).then_some(Turn { level, before, time, duration })
    }

    /// Makes the event. False when a template fails: then the point counts as an error.
    fn fire(&self, cx: &mut Cx<'_>, turn: &Turn, about: About<'_>, desk: &mut Desk<'_>) -> bool {
        let group = cx.group(about.group).id();
        let subject = Subject { name: about.name, task: cx.task, group: &group, tags: about.tags };
        let happening =
            Happening { fields: &about.fields, level: turn.level, time: turn.time, duration: turn.duration };
        let rendered = self.templates.id(subject, &mut desk.scratch).and_then(|id| {
            let (message, details) = self.templates.texts(&id, subject, happening, &mut desk.scratch)?;
            Ok((id, message, details))
        });
        let (id, message, details) = match rendered {
            Ok(texts) => texts,
            Err(error) => {
                cx.error(1, || format!("failed to make an alert event: {error}"));
                return false;
            }
        };
        cx.stats.count(TRIGGERED, 1);
        cx.stats.count(OKS_TRIGGERED + turn.level as usize, 1);
        let event = Event {
            identity: cx.next_identity(),
            topics: self.topics.clone(),
            state: EventState {
                id,
                message,
                details,
                time: turn.time,
                duration: turn.duration,
                level: turn.level,
            },
            previous_level: turn.before,
            recoverable: !self.no_recoveries,
            name: about.name.clone(),
            task: cx.task.clone(),
            group: group.into(),
            category: self.category.clone(),
            tags: about.tags.clone(),
            fields: about.fields,
            data: vec![about.data],
        };
        cx.effects.events.push(event);
        true
    }
}

/// The level of a group; OK when it was never seen. Does not mark the group as changed.
#[inline]
fn level_of(states: &States<Memory>, group: u32) -> Level {
    states.peek(group).map_or(Level::Ok, |memory| memory.level)
}

fn fields(rows: &Rows, row: usize) -> Vec<(Name, model::Value)> {
    let mut fields = Vec::with_capacity(rows.fields.len());
    fields.extend(rows.values(row).map(|(name, value)| (name.clone(), value)));
    fields
}
