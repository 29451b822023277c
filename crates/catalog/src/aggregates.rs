//! Events that wait for an `aggregate` handler, and the one event that becomes of them when its
//! interval is over. They wait in the outbox, so that neither a restart nor a failover forgets them.

use crate::handlers::Terms;
use crate::{Catalog, Outcome};
use alert::{Aggregate, Delivery, DeliveryId, Role, aggregate};
use model::{Name, Time};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Events that wait to become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The topic.
    pub topic: Name,
    /// The handler's id.
    pub handler: Name,
    /// When the interval that the first of them began is over, nanoseconds since the Unix epoch.
    pub due: Time,
}

impl Catalog {
    /// The windows that events wait in, by topic and handler.
    pub fn windows(&self) -> impl Iterator<Item = Window> {
        self.outbox.windows.iter().filter_map(|((topic, handler), waiting)| {
            let due = self.window_due(topic, handler, waiting)?;
            Some(Window { topic: topic.clone(), handler: handler.clone(), due })
        })
    }

    fn window_due(&self, topic: &Name, handler: &Name, waiting: &BTreeSet<u64>) -> Option<Time> {
        let first = self.outbox.deliveries.get(waiting.first()?)?;
        // An aggregate that cannot be read any more would keep its events for ever.
        let interval = self.aggregate(topic, handler).map_or(0, |aggregate| aggregate.interval);
        Some(first.created.saturating_add(interval))
    }

    /// The handler as it is now, or as it was when the first event that waits for it came.
    fn aggregate(&self, topic: &Name, handler: &Name) -> Option<Arc<Aggregate>> {
        let now = self.topics.get(topic).and_then(|topic| topic.handler(handler));
        if let Some(Role::Aggregate(aggregate)) = now.map(|handler| &handler.role) {
            return Some(aggregate.clone());
        }
        let waiting = self.outbox.windows.get(&(topic.clone(), handler.clone()))?;
        let first = self.outbox.deliveries.get(waiting.first()?)?;
        match Role::of(&first.handler) {
            Ok(Role::Aggregate(aggregate)) => Some(aggregate),
            _ => None,
        }
    }

    /// Closes a window whose time has come. Whoever asks may have a fast clock, or ask twice.
    pub(crate) fn close_due_window(&mut self, topic: &Name, handler: &Name, terms: Terms<'_>) -> Outcome {
        let waiting = self.outbox.windows.get(&(topic.clone(), handler.clone()));
        let due = waiting.and_then(|waiting| self.window_due(topic, handler, waiting));
        if due.is_some_and(|due| due <= terms.0) {
            self.close_window(topic, handler, terms)
        } else {
            Outcome::Done
        }
    }

    /// Makes one event of what waits for a handler, if anything does.
    pub(crate) fn close_window(&mut self, topic: &Name, handler: &Name, terms: Terms<'_>) -> Outcome {
        let name = (topic.clone(), handler.clone());
        let Some(waiting) = self.outbox.windows.get(&name).cloned() else { return Outcome::Done };
        let deliveries: Vec<Delivery> = waiting.iter().filter_map(|id| self.outbox.delivery(*id)).collect();
        let made = self.aggregate(topic, handler).and_then(|a| aggregate(&a, self.applied, &deliveries));
        for id in waiting {
            self.outbox.remove(DeliveryId(id), &mut self.dirty);
        }
        match made {
            Some(event) => self.publish(&[Arc::new(event)], terms.0, terms.1),
            None => Outcome::Done,
        }
    }
}
