//! One topic: the last state of each event, and the handlers.

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
    /// Compiles the match expression of a definition.
    pub fn new(spec: HandlerSpec) -> Result<Handler, Error> {
        let matching = match spec.matching.as_str() {
            "" => Matching::All,
            text => Matching::Expression(Arc::new(Matcher::compile(text)?)),
        };
        Ok(Handler { spec: Arc::new(spec), matching })
    }

    /// Of a definition that was accepted before, perhaps by another version: it must not keep the
    /// server from starting.
    pub fn load(spec: HandlerSpec) -> Handler {
        Handler::new(spec.clone()).unwrap_or_else(|error| Handler {
            spec: Arc::new(spec),
            matching: Matching::Broken(error.to_string()),
        })
    }
}

/// What one topic remembers. Events that are not OK must be kept for ever; recovered ones and the
/// count of collected events last as long as the process, as in Kapacitor.
#[derive(Clone, Debug, Default)]
pub struct Topic {
    events: BTreeMap<Name, EventState>,
    /// Recovered events by time, the oldest first.
    recovered: BTreeSet<(Time, Name)>,
    /// Number of events at each level.
    counts: [usize; Level::ALL.len()],
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

    /// Events taken since the process started.
    pub fn collected(&self) -> u64 {
        self.collected
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

    /// Its handlers in the order in which they were set.
    pub fn handlers(&self) -> &[Handler] {
        &self.handlers
    }

    /// Replaces the handlers and opens the topic.
    pub fn set_handlers(&mut self, handlers: Vec<Handler>) {
        self.handlers = handlers;
        self.open = true;
    }

    /// Makes the topic visible again.
    pub fn open(&mut self) {
        self.open = true;
    }

    /// Takes the topic out of sight until its next event, with all it has.
    pub fn hide(&mut self) {
        self.open = false;
    }

    /// Forgets the handlers and what lasts only as long as the task runs; keeps the events that
    /// are not OK, so that the task finds their levels when it starts again.
    pub fn close(&mut self) {
        self.handlers.clear();
        self.collected = 0;
        self.open = false;
        for (_, id) in std::mem::take(&mut self.recovered) {
            self.events.remove(&id);
        }
        self.counts[Level::Ok as usize] = 0;
    }

    /// Counts an event and remembers its state; returns the level before it.
    pub fn collect(&mut self, state: &EventState) -> Level {
        self.open = true;
        self.collected += 1;
        self.remember(state)
    }

    /// Remembers a state without counting it as an event; returns the level before it.
    pub fn remember(&mut self, state: &EventState) -> Level {
        let id: Name = state.id.as_str().into();
        let before = self.events.insert(id.clone(), state.clone());
        if let Some(before) = &before {
            self.counts[before.level as usize] -= 1;
            if before.level == Level::Ok {
                self.recovered.remove(&(before.time, id.clone()));
            }
        }
        self.counts[state.level as usize] += 1;
        if state.level == Level::Ok {
            self.recovered.insert((state.time, id));
            self.bound_recovered();
        }
        before.map_or(Level::Ok, |before| before.level)
    }

    fn bound_recovered(&mut self) {
        if self.recovered.len() > RECOVERED_MAX
            && let Some((_, id)) = self.recovered.pop_first()
        {
            self.events.remove(&id);
            self.counts[Level::Ok as usize] -= 1;
        }
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
        assert_eq!(topic.collect(&state("a", Level::Warning, 1)), Level::Ok);
        assert_eq!(topic.collect(&state("b", Level::Critical, 2)), Level::Ok);
        assert_eq!(topic.level(), Level::Critical);
        assert_eq!(topic.collect(&state("b", Level::Ok, 3)), Level::Critical);
        assert_eq!(topic.level(), Level::Warning);
        assert_eq!(topic.collect(&state("a", Level::Ok, 4)), Level::Warning);
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
        topic.close();
        assert!(!topic.is_open());
        assert_eq!(topic.collected(), 0);
        assert!(topic.event("b").is_none());
        assert_eq!(topic.collect(&state("a", Level::Ok, 2)), Level::Info);
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
