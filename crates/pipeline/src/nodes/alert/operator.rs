//! The running alert: what a point or batch does to the level of its group, and whether an event
//! comes of it.

use super::court::{Court, Rules};
use super::departed::Departed;
use super::levels::determine;
use super::marks::Marks;
use super::memory::{Flapping, Memory};
use super::templates::{Happening, Subject, Templates};
use super::{Alert, Inhibits};
use crate::edge::{Batch, Flow, Mark, Message, Run};
use crate::node::{Build, Cx, Node};
use crate::rowshape::{batch_row, point_row_of};
use crate::state::States;
use model::{Event, EventState, Inhibitor, Level, Name, Purpose, Row, Rows, TagSet, Time};
use std::collections::BTreeMap;

/// Places of the counters; those of the levels follow each other.
pub(super) const TRIGGERED: usize = 0;
pub(super) const INHIBITED: usize = 1;
pub(super) const OKS_TRIGGERED: usize = 2;

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
    inhibits: Vec<Inhibits>,
}

/// What one point or batch does to its group.
struct Turn {
    level: Level,
    before: Level,
    time: Time,
    duration: i64,
    /// Nobody is told.
    silent: bool,
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
    /// Something is remembered of groups that are over.
    departed: bool,
    /// Where texts are rendered.
    scratch: String,
}

/// Points and batches may do different things.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Point,
    Batch,
}

impl Desk<'_> {
    /// A group that is new here may have been known before.
    fn remembers(&self) -> bool {
        self.departed || self.remembered.is_some()
    }
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
            inhibits: alert.inhibits.clone(),
        })
    }
}

impl Node for Operator {
    type State = Memory;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Memory>, inputs: &mut [Message]) -> Message {
        let restored = cx.restored;
        let remembered = restored.0.get(&**cx.name).filter(|events| !events.is_empty());
        let departed = states.peek(0).and_then(|memory| memory.departed.as_ref());
        let departed = departed.is_some_and(|departed| !departed.is_empty());
        let mut desk = Desk { remembered, departed, scratch: String::new() };
        match std::mem::take(&mut inputs[0]) {
            Message::None => Message::None,
            Message::Stream(run) => self.run(cx, states, run, &mut desk),
            Message::Batches(mut batches) => {
                batches.retain_mut(|batch| self.batch(cx, states, batch, &mut desk));
                if batches.is_empty() { Message::None } else { Message::Batches(batches) }
            }
        }
    }

    fn mark(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<Memory>,
        _input: usize,
        marks: Vec<Mark>,
    ) -> Vec<Flow> {
        self.forget_marked(cx, states, &marks);
        self.let_go(cx, states);
        if cx.space_in == cx.space_out { vec![Flow::Marks(marks)] } else { Vec::new() }
    }

    fn forget(&self, states: &mut States<Memory>, group: u32) {
        let Some(memory) = states.peek(group) else { return };
        let (level, last) = (memory.level, memory.last());
        let has_more = memory.legacy.is_some() || memory.departed.is_some();
        let (legacy, departed) = match has_more {
            true => (states.get(group).legacy.take(), states.get(group).departed.take()),
            false => (None, None),
        };
        states.forget(group);
        if departed.is_some() {
            states.get(group).departed = departed;
        }
        if let Some(legacy) = legacy {
            let known = last.filter(|_| level != Level::Ok).map(|time| (level, time));
            departed_of(states).add(*legacy, known.filter(|_| !self.topics.is_empty()));
        }
    }
}

fn departed_of(states: &mut States<Memory>) -> &mut Departed {
    states.get(0).departed.get_or_insert_default()
}

impl Operator {
    fn run(&self, cx: &mut Cx<'_>, states: &mut States<Memory>, run: Run, desk: &mut Desk<'_>) -> Message {
        let events = cx.effects.events.len();
        let mut court = Court::new(&self.rules, &run.rows, cx, states);
        let mut triggered = Vec::new();
        for (row, &group) in run.groups.iter().enumerate() {
            // Nearly all points of nearly all alerts end here.
            if court.is_calm(row) && self.is_idle(states, group, desk) {
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
        if turn.silent {
            self.note_silently(cx, states, group, turn.level);
            return false;
        }
        let fields = fields(rows, row);
        let data = point_row_of(rows, row, series, &fields);
        let about = About { group, name: rows.name(row), tags, fields, data };
        self.fire(cx, states, &turn, about, desk)
    }

    /// A calm point changes nothing of its group: its level is OK, no history moves, and it need not
    /// be asked what is remembered of it.
    #[inline]
    fn is_idle(&self, states: &States<Memory>, group: u32, desk: &Desk<'_>) -> bool {
        let memory = states.peek(group);
        let unmet = desk.remembers() && !memory.is_some_and(|memory| memory.met);
        self.flapping.is_none() && !unmet && memory.is_none_or(|memory| memory.level == Level::Ok)
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
        if turn.silent {
            self.note_silently(cx, states, batch.group, turn.level);
            return false;
        }
        let about = About {
            group: batch.group,
            name: &batch.origin.name,
            tags: &batch.tags,
            fields: fields(&batch.rows, highest),
            data: batch_row(batch, cx.series),
        };
        let fired = self.fire(cx, states, &turn, about, desk);
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

    /// Asks once for each group what is remembered of it: by the topics from before the task started,
    /// or by this node of an earlier group of that id. An id that cannot be rendered is not known to
    /// any; its error is told when an event is made.
    fn meet(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<Memory>,
        group: u32,
        name: &Name,
        tags: &TagSet,
        desk: &mut Desk<'_>,
    ) {
        if !desk.remembers() || states.peek(group).is_some_and(|memory| memory.met) {
            return;
        }
        states.get(group).met = true;
        let group_id: Name = cx.group(group).id().into();
        let subject = Subject { name, task: cx.task, group: &group_id, tags };
        if desk.departed
            && let Some(known) = departed_of(states).take(&group_id)
        {
            states.get(group).legacy(&group_id).found = true;
            if let Some(known) = known {
                self.go_on(cx, states, (group, &group_id), known, None);
            }
            return;
        }
        let Some(remembered) = desk.remembered else { return };
        let Ok(id) = self.templates.id(subject, &mut desk.scratch) else { return };
        let found = remembered.get(&id).filter(|(level, _)| *level != Level::Ok);
        if let Some(&known) = found {
            states.get(group).legacy(&group_id).found = true;
            self.go_on(cx, states, (group, &group_id), known, Some(id));
        }
    }

    /// Goes on from a level that was remembered, of the topics' event `id` if it was they.
    fn go_on(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<Memory>,
        (group, group_id): (u32, &Name),
        (level, time): (Level, Time),
        id: Option<String>,
    ) {
        states.get(group).restore(level, time, self.flapping.as_ref());
        let inhibits = self.note(cx, states, group, group_id, level);
        match id {
            Some(id) if self.topics.len() > 1 => self.tell(cx, Purpose::Restore, group_id, id, inhibits),
            _ if inhibits.is_some() => self.tell(cx, Purpose::Inhibit, group_id, String::new(), inhibits),
            _ => {}
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
        let silent = level == Level::Ok && self.no_recoveries;
        Some(Turn { level, before, time, duration, silent })
    }

    /// Notes what has to outlive a group that triggers, and gives what it holds back from now on if
    /// that changes. As in Kapacitor an alert that is not heard does not change it.
    fn note(
        &self,
        cx: &Cx<'_>,
        states: &mut States<Memory>,
        group: u32,
        id: &Name,
        level: Level,
    ) -> Option<Vec<Inhibitor>> {
        let bad = level != Level::Ok;
        let memory = states.get(group);
        if memory.legacy.is_none() && !bad {
            return None;
        }
        if self.inhibits.is_empty() && self.topics.is_empty() {
            return None;
        }
        let legacy = memory.legacy(id);
        let changed = !self.inhibits.is_empty() && std::mem::replace(&mut legacy.inhibits, bad) != bad;
        if !bad && !legacy.found {
            memory.legacy = None;
        }
        changed.then(|| if bad { self.held_back(cx, group) } else { Vec::new() })
    }

    fn held_back(&self, cx: &Cx<'_>, group: u32) -> Vec<Inhibitor> {
        let group = cx.group(group);
        let value = |tag: &Name| (tag.clone(), Name::from(group.tags.get(tag).unwrap_or_default()));
        let held = |inhibits: &Inhibits| Inhibitor {
            category: inhibits.category.clone(),
            tags: inhibits.tags.iter().map(value).collect(),
        };
        self.inhibits.iter().map(held).collect()
    }

    fn note_silently(&self, cx: &mut Cx<'_>, states: &mut States<Memory>, group: u32, level: Level) {
        let id: Name = cx.group(group).id().into();
        let inhibits = self.note(cx, states, group, &id, level);
        if inhibits.is_some() {
            self.tell(cx, Purpose::Inhibit, &id, String::new(), inhibits);
        }
    }

    /// Lets go of what groups held back that are over.
    pub fn let_go(&self, cx: &mut Cx<'_>, states: &mut States<Memory>) {
        if states.peek(0).is_none_or(|memory| memory.departed.is_none()) {
            return;
        }
        for group in departed_of(states).let_go() {
            self.tell(cx, Purpose::Inhibit, &group, String::new(), Some(Vec::new()));
        }
    }

    /// Tells those who decide about events something that is no event.
    fn tell(
        &self,
        cx: &mut Cx<'_>,
        purpose: Purpose,
        group: &Name,
        id: String,
        inhibits: Option<Vec<Inhibitor>>,
    ) {
        let (message, details) = (String::new(), String::new());
        let event = Event {
            identity: cx.next_identity(),
            topics: if purpose == Purpose::Restore { self.topics.clone() } else { Vec::new() },
            state: EventState { id, message, details, time: 0, duration: 0, level: Level::Ok },
            previous_level: Level::Ok,
            recoverable: !self.no_recoveries,
            name: "".into(),
            task: cx.task.clone(),
            group: group.clone(),
            category: self.category.clone(),
            tags: TagSet::empty(),
            fields: Vec::new(),
            data: Vec::new(),
            node: cx.name.clone(),
            purpose,
            inhibits,
            via: Vec::new(),
        };
        cx.effects.events.push(event);
    }

    /// Makes the event. False when a template fails: then the point counts as an error.
    fn fire(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<Memory>,
        turn: &Turn,
        about: About<'_>,
        desk: &mut Desk<'_>,
    ) -> bool {
        let group: Name = cx.group(about.group).id().into();
        let inhibits = self.note(cx, states, about.group, &group, turn.level);
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
                if inhibits.is_some() {
                    self.tell(cx, Purpose::Inhibit, &group, String::new(), inhibits);
                }
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
            group,
            category: self.category.clone(),
            tags: about.tags.clone(),
            fields: about.fields,
            data: vec![about.data],
            node: cx.name.clone(),
            purpose: Purpose::Alert,
            inhibits,
            via: Vec::new(),
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
