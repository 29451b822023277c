//! Commands about topics, events and deliveries.

use crate::key::Key;
use crate::load::of_topic;
use crate::outbox::{New, OutboxLimits};
use crate::{Catalog, Outcome, Published, Rejection};
use alert::{
    AGGREGATE, Decision, DeliveryId, Handler, HandlerSpec, Reason, Source, check_topic_name, decide,
};
use model::{Event, EventState, Name, Time};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Catalog {
    pub(crate) fn publish(&mut self, events: &[Arc<Event>], now: Time, limits: &OutboxLimits) -> Outcome {
        let mut published = Published::default();
        let mut ids: Vec<DeliveryId> = Vec::new();
        let mut lanes = BTreeSet::new();
        for event in events {
            let decision = decide(&mut self.topics, event, now);
            if decision.reason != Reason::AlreadyTaken {
                self.mark_decision(event, &decision);
                let new = new_deliveries(&decision);
                lanes.extend(new.iter().map(|new| (new.topic.clone(), new.handler.id.clone())));
                if !new.is_empty() {
                    ids.extend(self.outbox.push(event.clone(), new, now, &mut self.dirty));
                }
            }
            published.decisions.push(decision);
        }
        for lane in &lanes {
            published.dropped.extend(self.outbox.enforce(lane, limits, now, &mut self.dirty));
        }
        // What was dropped at once is gone from the outbox and is not handed out; nor is what waits to
        // become one event with others.
        let deliveries = ids.iter().filter_map(|id| self.outbox.delivery(id.0));
        published.deliveries = deliveries.filter(|made| *made.handler.kind != *AGGREGATE).collect();
        Outcome::Published(published)
    }

    fn mark_decision(&mut self, event: &Event, decision: &Decision) {
        self.dirty.insert(Key::Taken(decision.identity.shard));
        if event.inhibits.is_some() {
            self.dirty.insert(Key::of_source(&Source::of(event)));
        }
        for topic in &decision.topics {
            self.dirty.insert(Key::Collected(topic.topic.clone()));
            self.mark_state(&topic.topic, event, topic.opened, topic.forgotten.as_ref());
        }
        if let Some(topic) = &decision.repaired {
            self.mark_state(&topic.topic, event, topic.opened, topic.forgotten.as_ref());
        }
    }

    fn mark_state(&mut self, topic: &Name, event: &Event, opened: bool, forgotten: Option<&Name>) {
        self.dirty.insert(Key::EventState(topic.clone(), event.state.id.as_str().into()));
        self.mark_forgotten(topic, forgotten);
        if opened {
            self.dirty.insert(Key::Topic(topic.clone()));
        }
    }

    fn mark_forgotten<'a>(&mut self, topic: &Name, events: impl IntoIterator<Item = &'a Name>) {
        self.dirty.extend(events.into_iter().map(|id| Key::EventState(topic.clone(), id.clone())));
    }

    pub(crate) fn set_topic_handlers(
        &mut self,
        topic: &Name,
        specs: &[HandlerSpec],
    ) -> Result<Outcome, Rejection> {
        let handlers = self.checked_handlers(topic, specs)?;
        self.open_topic(topic, handlers);
        Ok(Outcome::Done)
    }

    /// Handlers of a script as its topic may have them.
    pub(crate) fn checked_handlers(
        &self,
        topic: &str,
        specs: &[HandlerSpec],
    ) -> Result<Vec<Handler>, Rejection> {
        check_topic_name(topic)?;
        let mut handlers = Vec::with_capacity(specs.len());
        let there = self.topics.get(topic).map(|topic| topic.handlers()).unwrap_or_default();
        let defined = there.iter().filter(|handler| handler.defined);
        let mut ids: BTreeSet<&Name> = defined.map(|handler| &handler.spec.id).collect();
        for spec in specs {
            spec.check()?;
            if !ids.insert(&spec.id) {
                return Err(Rejection::HandlerExists(spec.id.to_string()));
            }
            handlers.push(Handler::new(spec.clone())?);
        }
        Ok(handlers)
    }

    /// Replaces the script's handlers of a topic and opens it.
    pub(crate) fn open_topic(&mut self, topic: &Name, handlers: Vec<Handler>) {
        self.topics.entry(topic).set_handlers(handlers);
        self.dirty.insert(Key::Topic(topic.clone()));
    }

    pub(crate) fn close_topic(&mut self, name: &Name) -> Outcome {
        if let Some(topic) = self.topics.get_mut(name) {
            let forgotten = topic.close();
            self.dirty.insert(Key::Topic(name.clone()));
            self.dirty.insert(Key::Collected(name.clone()));
            self.mark_forgotten(name, &forgotten);
        }
        Outcome::Done
    }

    pub(crate) fn delete_topic(&mut self, name: &Name) -> Outcome {
        let running = self.topics.get(name).filter(|topic| topic.is_open());
        let handlers = running.map(|topic| topic.handlers().to_vec()).unwrap_or_default();
        self.remove_topic(name);
        let own: Vec<Handler> = handlers.into_iter().filter(|handler| !handler.defined).collect();
        if !own.is_empty() {
            // The task still runs: the handlers must see what comes next.
            let topic = self.topics.entry(name);
            topic.set_handlers(own);
            topic.hide();
            self.dirty.insert(Key::Topic(name.clone()));
        }
        Outcome::Done
    }

    pub(crate) fn set_event_state(&mut self, name: &Name, state: &EventState) -> Outcome {
        let topic = self.topics.entry(name);
        topic.open();
        let forgotten = topic.remember(state).forgotten;
        self.dirty.insert(Key::Topic(name.clone()));
        self.dirty.insert(Key::EventState(name.clone(), state.id.as_str().into()));
        self.mark_forgotten(name, &forgotten);
        Outcome::Done
    }

    /// Lets go of all that a task's alerts hold back.
    pub(crate) fn release_inhibitors(&mut self, task: &Name) {
        let released = self.topics.inhibitors.release(task);
        self.dirty.extend(released.iter().map(Key::of_source));
    }

    pub(crate) fn delivered(&mut self, ids: &[DeliveryId]) -> Outcome {
        for id in ids {
            self.outbox.remove(*id, &mut self.dirty);
        }
        Outcome::Done
    }

    /// Removes a topic and all that is stored of it; its deliveries stay on their way, and so do the
    /// handlers that somebody put on it: they see the next event.
    pub(crate) fn remove_topic(&mut self, name: &Name) {
        self.mark_topic(name);
        let removed = self.topics.remove(name);
        self.outbox.forget_counts(name, &mut self.dirty);
        if let Some(mut topic) = removed {
            self.put_defined(name, topic.take_defined());
        }
    }

    /// Marks all that is stored of a topic as changed.
    pub(crate) fn mark_topic(&mut self, name: &Name) {
        if let Some(topic) = self.topics.get(name) {
            self.dirty.extend(of_topic(name, topic));
        }
    }
}

fn new_deliveries(decision: &Decision) -> Vec<New> {
    let topics = decision.topics.iter();
    let new = topics.flat_map(|topic| {
        topic.notified().map(|handler| New {
            topic: topic.topic.clone(),
            handler: handler.clone(),
            previous_level: topic.previous_level,
        })
    });
    new.collect()
}
