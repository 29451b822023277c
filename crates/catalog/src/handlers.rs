//! Commands about the handlers that somebody puts on a topic.

use crate::key::Key;
use crate::outbox::OutboxLimits;
use crate::{Catalog, Outcome, Rejection};
use alert::{Handler, HandlerSpec, Role, Topic, check_topic_name};
use model::{Name, Time};

/// A command's clock, and how much the outbox may keep.
pub(crate) type Terms<'a> = (Time, &'a OutboxLimits);

impl Catalog {
    pub(crate) fn define_handler(&mut self, topic: &Name, spec: &HandlerSpec) -> Result<Outcome, Rejection> {
        let handler = checked(topic, spec)?;
        if self.topics.get(topic).is_some_and(|topic| topic.handler(&spec.id).is_some()) {
            return Err(Rejection::HandlerExists(spec.id.to_string()));
        }
        self.put_defined(topic, vec![handler]);
        self.topics.entry(topic).open();
        Ok(Outcome::Done)
    }

    pub(crate) fn replace_handler(
        &mut self,
        topic: &Name,
        id: &Name,
        spec: &HandlerSpec,
        terms: Terms<'_>,
    ) -> Result<Outcome, Rejection> {
        let handler = checked(topic, spec)?;
        let there = self.topics.get(topic).ok_or_else(|| Rejection::NoHandler(id.to_string()))?;
        let before = there.handler(id).filter(|handler| handler.defined);
        if before.is_none() {
            return Err(Rejection::NoHandler(id.to_string()));
        }
        if spec.id != *id && there.handler(&spec.id).is_some() {
            return Err(Rejection::HandlerExists(spec.id.to_string()));
        }
        let goes_on = spec.id == *id && matches!(handler.role, Role::Aggregate(_));
        let outcome = if goes_on { Outcome::Done } else { self.close_window(topic, id, terms) };
        if spec.id != *id {
            self.drop_handler(topic, id);
        }
        self.put_defined(topic, vec![handler]);
        Ok(outcome)
    }

    pub(crate) fn delete_handler(&mut self, topic: &Name, id: &Name, terms: Terms<'_>) -> Outcome {
        let known = self.topics.get(topic).and_then(|topic| topic.handler(id));
        if !known.is_some_and(|handler| handler.defined) {
            return Outcome::Done;
        }
        let outcome = self.close_window(topic, id, terms);
        self.drop_handler(topic, id);
        outcome
    }

    /// Puts handlers on a topic, which is made when it does not exist.
    pub(crate) fn put_defined(&mut self, name: &Name, handlers: Vec<Handler>) {
        for handler in handlers {
            self.dirty.insert(Key::Handler(name.clone(), handler.spec.id.clone()));
            self.dirty.insert(Key::Topic(name.clone()));
            self.topics.entry(name).define(handler);
        }
    }

    fn drop_handler(&mut self, topic: &Name, id: &Name) {
        self.topics.get_mut(topic).and_then(|topic: &mut Topic| topic.undefine(id));
        self.dirty.insert(Key::Handler(topic.clone(), id.clone()));
        self.outbox.forget_count(topic, id, &mut self.dirty);
    }
}

fn checked(topic: &Name, spec: &HandlerSpec) -> Result<Handler, Rejection> {
    check_topic_name(topic)?;
    spec.check()?;
    Ok(Handler::new(spec.clone())?)
}
