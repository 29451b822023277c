//! Commands about topics, events and deliveries.

use crate::key::Key;
use crate::outbox::{New, OutboxLimits};
use crate::{Catalog, Outcome, Published, Rejection};
use alert::{Decision, DeliveryId, Handler, HandlerSpec, Reason, check_topic_name, decide};
use model::{Event, EventState, Level, Name, Time};
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
        // What was dropped at once is gone from the outbox and is not handed out.
        published.deliveries = ids.iter().filter_map(|id| self.outbox.delivery(id.0)).collect();
        Outcome::Published(published)
    }

    fn mark_decision(&mut self, event: &Event, decision: &Decision) {
        self.dirty.insert(Key::Taken(decision.identity.shard));
        for topic in &decision.topics {
            // Most events of a healthy system are OK after OK: nothing is stored of them.
            if event.state.level != Level::Ok || topic.previous_level != Level::Ok {
                self.dirty.insert(Key::EventState(topic.topic.clone(), event.state.id.as_str().into()));
            }
            if topic.opened {
                self.dirty.insert(Key::Topic(topic.topic.clone()));
            }
        }
    }

    pub(crate) fn set_topic_handlers(
        &mut self,
        topic: &Name,
        specs: &[HandlerSpec],
    ) -> Result<Outcome, Rejection> {
        let handlers = Catalog::checked_handlers(topic, specs)?;
        self.open_topic(topic, handlers);
        Ok(Outcome::Done)
    }

    /// Handlers as a topic may have them.
    pub(crate) fn checked_handlers(topic: &str, specs: &[HandlerSpec]) -> Result<Vec<Handler>, Rejection> {
        check_topic_name(topic)?;
        let mut handlers = Vec::with_capacity(specs.len());
        let mut ids = BTreeSet::new();
        for spec in specs {
            spec.check()?;
            if !ids.insert(&spec.id) {
                return Err(Rejection::HandlerExists(spec.id.to_string()));
            }
            handlers.push(Handler::new(spec.clone())?);
        }
        Ok(handlers)
    }

    /// Replaces the handlers of a topic and opens it.
    pub(crate) fn open_topic(&mut self, topic: &Name, handlers: Vec<Handler>) {
        self.topics.entry(topic).set_handlers(handlers);
        self.dirty.insert(Key::Topic(topic.clone()));
    }

    pub(crate) fn close_topic(&mut self, name: &Name) -> Outcome {
        if let Some(topic) = self.topics.get_mut(name) {
            topic.close();
            self.dirty.insert(Key::Topic(name.clone()));
        }
        Outcome::Done
    }

    pub(crate) fn delete_topic(&mut self, name: &Name) -> Outcome {
        let handlers = self.topics.get(name).map(|topic| topic.handlers().to_vec()).unwrap_or_default();
        let open = self.topics.get(name).is_some_and(|topic| topic.is_open());
        self.remove_topic(name);
        if open && !handlers.is_empty() {
            // The task still runs: the handlers must see what comes next.
            let topic = self.topics.entry(name);
            topic.set_handlers(handlers);
            topic.hide();
            self.dirty.insert(Key::Topic(name.clone()));
        }
        Outcome::Done
    }

    pub(crate) fn set_event_state(&mut self, name: &Name, state: &EventState) -> Outcome {
        let topic = self.topics.entry(name);
        topic.open();
        topic.remember(state);
        self.dirty.insert(Key::Topic(name.clone()));
        self.dirty.insert(Key::EventState(name.clone(), state.id.as_str().into()));
        Outcome::Done
    }

    pub(crate) fn delivered(&mut self, ids: &[DeliveryId]) -> Outcome {
        for id in ids {
            self.outbox.remove(*id, &mut self.dirty);
        }
        Outcome::Done
    }

    /// Removes a topic and all that is stored of it; its deliveries stay on their way.
    pub(crate) fn remove_topic(&mut self, name: &Name) {
        self.mark_topic(name);
        self.topics.remove(name);
        self.outbox.forget_counts(name, &mut self.dirty);
    }

    /// Marks all that is stored of a topic as changed.
    pub(crate) fn mark_topic(&mut self, name: &Name) {
        let Some(topic) = self.topics.get(name) else {
            return;
        };
        self.dirty.insert(Key::Topic(name.clone()));
        let events = topic.events(Level::Info);
        self.dirty.extend(events.map(|state| Key::EventState(name.clone(), state.id.as_str().into())));
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
