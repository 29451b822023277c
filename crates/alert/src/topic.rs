//! One topic: the last state of each event, and the handlers.

use crate::role::Role;
use crate::{Error, HandlerSpec, Matcher};
use model::{EventState, Level, Name, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Recovered events that a topic shows. They decide nothing (an unknown event counts as OK), so
/// the oldest go when ids come and go without end.
pub const RECOVERED_MAX: usize = 10_000;

/// A handler on a topic, ready to be asked.
#[derive(Clone, Debug)]
pub struct Handler {
    /// Its definition.
    pub spec: Arc<HandlerSpec>,
    /// Which events it wants.
    pub matching: Matching,
    /// What it does with them.
    pub role: Role,
    /// Somebody put it on the topic; otherwise it belongs to the script whose topic this is.
    pub defined: bool,
}

/// Which events a handler wants.
#[derive(Clone, Debug)]
pub enum Matching {
    /// Every event.
    All,
    /// Those that satisfy an expression.
    Expression(Arc<Matcher>),
    /// None, because its expression cannot be read (any more); the text says why.
    Broken(String),
}

impl Handler {
    /// Of a script's definition: compiles its match expression.
    pub fn new(spec: HandlerSpec) -> Result<Handler, Error> {
        let matching = match spec.matching.as_str() {
            "" => Matching::All,
            text => Matching::Expression(Arc::new(Matcher::compile(text)?)),
        };
        Ok(Handler { matching, role: Role::of(&spec)?, spec: Arc::new(spec), defined: false })
    }

    /// The same as one that somebody put on a topic.
    pub fn defined(self) -> Handler {
        Handler { defined: true, ..self }
    }

    /// Of a definition that was accepted before, perhaps by another version: it must not keep the
    /// server from starting.
    pub fn load(spec: HandlerSpec) -> Handler {
        Handler::new(spec.clone()).unwrap_or_else(|error| Handler {
            spec: Arc::new(spec),
            matching: Matching::Broken(error.to_string()),
            role: Role::Deliver,
            defined: false,
        })
    }
}

/// What an event did to a topic's memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Level of the event before it.
    pub previous_level: Level,
    /// The event that had to go, because too many are OK.
    pub forgotten: Option<Name>,
}

/// What one topic remembers. Events that are not OK must be kept for ever; of those that are OK
/// again only the latest are.
#[derive(Clone, Debug, Default)]
pub struct Topic {
    events: BTreeMap<Name, EventState>,
    /// Recovered events by time, the oldest first.
    recovered: BTreeSet<(Time, Name)>,
    /// Number of events at each level.
    counts: [usize; Level::ALL.len()],
    /// Those of the script first, then the others by their ids.
    handlers: Vec<Handler>,
    collected: u64,
    open: bool,
}

impl Topic {
    /// The highest level of its events.
    pub fn level(&self) -> Level {
        let highest = Level::ALL.into_iter().rev().find(|level| self.counts[*level as usize] > 0);
        highest.unwrap_or(Level::Ok)
    }

    /// Events taken since the topic was made, or its task was last started.
    pub fn collected(&self) -> u64 {
        self.collected
    }

    /// Takes the number of events over that were taken before.
    pub fn set_collected(&mut self, collected: u64) {
        self.collected = collected;
    }

    /// False after its task stopped, until the next event or handler: such a topic is not listed.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The states of its events, in order of their ids, at least as bad as `min_level`.
    pub fn events(&self, min_level: Level) -> impl Iterator<Item = &EventState> {
        self.events.values().filter(move |state| state.level >= min_level)
    }

    /// The state of one event.
    pub fn event(&self, id: &str) -> Option<&EventState> {
        self.events.get(id)
    }

    /// Its handlers: those of the script in its order, then the others by their ids.
    pub fn handlers(&self) -> &[Handler] {
        &self.handlers
    }

    /// One of them.
    pub fn handler(&self, id: &str) -> Option<&Handler> {
        self.handlers.iter().find(|handler| *handler.spec.id == *id)
    }

    /// Replaces the handlers of the script and opens the topic.
    pub fn set_handlers(&mut self, handlers: Vec<Handler>) {
        self.handlers.retain(|handler| handler.defined);
        self.handlers.splice(0..0, handlers);
        self.open = true;
    }

    /// Puts a handler on the topic, in place of one with its id that was put there before.
    pub fn define(&mut self, handler: Handler) {
        self.undefine(&handler.spec.id);
        let after = |other: &Handler| other.defined && other.spec.id > handler.spec.id;
        let at = self.handlers.iter().position(after).unwrap_or(self.handlers.len());
        self.handlers.insert(at, handler.defined());
    }

    /// Takes a handler off the topic that somebody put there.
    pub fn undefine(&mut self, id: &str) -> Option<Handler> {
        let at = self.handlers.iter().position(|handler| handler.defined && *handler.spec.id == *id)?;
        Some(self.handlers.remove(at))
    }

    /// Takes off all that somebody put there.
    pub fn take_defined(&mut self) -> Vec<Handler> {
        let (defined, own) = std::mem::take(&mut self.handlers).into_iter().partition(|h| h.defined);
        self.handlers = own;
        defined
    }

    /// Makes the topic visible again.
    pub fn open(&mut self) {
        self.open = true;
    }

    /// Takes the topic out of sight until its next event, with all it has.
    pub fn hide(&mut self) {
        self.open = false;
    }

    /// Forgets the handlers of the script and what lasts only as long as the task runs; keeps the
    /// events that are not OK, so that the task finds their levels when it starts again. Gives the
    /// events that it forgets.
    pub fn close(&mut self) -> Vec<Name> {
        self.set_handlers(Vec::new());
        self.collected = 0;
        self.open = false;
        let forgotten: Vec<Name> =
            std::mem::take(&mut self.recovered).into_iter().map(|(_, id)| id).collect();
        for id in &forgotten {
            self.events.remove(id);
        }
        self.counts[Level::Ok as usize] = 0;
        forgotten
    }

    /// Counts an event and remembers its state.
    pub fn collect(&mut self, state: &EventState) -> Remembered {
        self.open = true;
        self.collected = self.collected.saturating_add(1);
        self.remember(state)
    }

    /// Remembers a state without counting it as an event.
    pub fn remember(&mut self, state: &EventState) -> Remembered {
        let id: Name = state.id.as_str().into();
        let before = self.events.insert(id.clone(), state.clone());
        if let Some(before) = &before {
            self.counts[before.level as usize] -= 1;
            if before.level == Level::Ok {
                self.recovered.remove(&(before.time, id.clone()));
            }
        }
        self.counts[state.level as usize] += 1;
        let mut remembered = Remembered::default();
        if state.level == Level::Ok {
            self.recovered.insert((state.time, id));
            remembered.forgotten = self.bound_recovered();
        }
        remembered.previous_level = before.map_or(Level::Ok, |before| before.level);
        remembered
    }

    fn bound_recovered(&mut self) -> Option<Name> {
        if self.recovered.len() <= RECOVERED_MAX {
            return None;
        }
        let (_, id) = self.recovered.pop_first()?;
        self.events.remove(&id);
        self.counts[Level::Ok as usize] -= 1;
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(id: &str, level: Level, time: Time) -> EventState {
        EventState { id: id.into(), message: String::new(), details: String::new(), time, duration: 0, level }
    }

    #[test]
    fn level_is_the_highest_and_falls_again() {
        let mut topic = Topic::default();
        assert_eq!(topic.level(), Level::Ok);
        assert_eq!(topic.collect(&state("a", Level::Warning, 1)).previous_level, Level::Ok);
        assert_eq!(topic.collect(&state("b", Level::Critical, 2)).previous_level, Level::Ok);
        assert_eq!(topic.level(), Level::Critical);
        assert_eq!(topic.collect(&state("b", Level::Ok, 3)).previous_level, Level::Critical);
        assert_eq!(topic.level(), Level::Warning);
        assert_eq!(topic.collect(&state("a", Level::Ok, 4)).previous_level, Level::Warning);
        assert_eq!((topic.level(), topic.collected()), (Level::Ok, 4));
        let ids: Vec<&str> = topic.events(Level::Ok).map(|e| e.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"], "recovered events stay visible");
        assert_eq!(topic.events(Level::Info).count(), 0);
    }

    #[test]
    fn closing_keeps_what_is_not_ok() {
        let mut topic = Topic::default();
        topic.collect(&state("a", Level::Info, 1));
        topic.collect(&state("b", Level::Ok, 1));
        assert_eq!(topic.close(), ["b".into()]);
        assert!(!topic.is_open());
        assert_eq!(topic.collected(), 0);
        assert!(topic.event("b").is_none());
        assert_eq!(topic.collect(&state("a", Level::Ok, 2)).previous_level, Level::Info);
        assert!(topic.is_open());
    }

    #[test]
    fn recovered_events_are_bounded() {
        let mut topic = Topic::default();
        for time in 0..RECOVERED_MAX as i64 + 5 {
            topic.collect(&state(&format!("e{time}"), Level::Ok, time));
        }
        assert_eq!(topic.events(Level::Ok).count(), RECOVERED_MAX);
        assert!(topic.event("e4").is_none());
        assert!(topic.event("e5").is_some());
        assert_eq!(topic.level(), Level::Ok);
    }
}
