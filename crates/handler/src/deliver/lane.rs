//! A lane: the deliveries of one handler of one topic, shared by those who bring them and the
//! task that makes them.

use super::queue::{State, Step};
use super::{LaneStats, Settings, Shared, span};
use crate::{DeliveryError, Handlers};
use alert::{Delivery, DeliveryId, HandlerSpec};
use model::{Name, Time};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Notify;

pub(super) struct Lane {
    topic: Name,
    id: Name,
    state: Mutex<State>,
    changed: Notify,
}

impl Lane {
    pub(super) fn new(topic: &Name, spec: &Arc<HandlerSpec>, handlers: &Handlers) -> Lane {
        let state = State::new(spec, handlers);
        Lane { topic: topic.clone(), id: spec.id.clone(), state: Mutex::new(state), changed: Notify::new() }
    }

    /// Adds a delivery; true when a runner must be started.
    pub(super) fn push(&self, delivery: Delivery, shared: &Shared) -> bool {
        let mut state = self.state.lock();
        state.retired = false;
        if state.index.contains_key(&delivery.id) {
            return false;
        }
        let spec = delivery.handler.clone();
        state.redefine(&spec, &shared.handlers);
        match state.handler.as_ref().map_err(|error| (error.drop_reason(), error.to_string())) {
            Ok(_) => {
                state.insert(delivery);
                state.bound(&shared.settings);
            }
            Err((reason, error)) => state.drop_report(delivery.id, reason, error),
        }
        let start = !state.running;
        state.running = true;
        drop(state);
        self.changed.notify_one();
        start
    }

    pub(super) fn redefine(&self, spec: &Arc<HandlerSpec>, handlers: &Handlers) {
        self.state.lock().redefine(spec, handlers);
        self.changed.notify_one();
    }

    pub(super) fn cancel(&self, id: DeliveryId) {
        let mut state = self.state.lock();
        if state.in_flight.contains(&id) {
            state.cancelled.insert(id);
        } else {
            state.remove(id);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Marks the lane as not needed; true when it can go at once.
    pub(super) fn retire(&self) -> bool {
        let mut state = self.state.lock();
        state.retired = true;
        !state.running
    }

    /// Whether it was retired and nothing has come since.
    pub(super) fn is_retired(&self) -> bool {
        let state = self.state.lock();
        state.retired && !state.running
    }

    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }

    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn queued(&self) -> usize {
        self.state.lock().index.len()
    }

    pub(super) fn next(&self, closing: bool) -> Step {
        self.state.lock().next(Instant::now(), closing)
    }

    /// Notes how an attempt ended.
    pub(super) fn finish(&self, id: DeliveryId, result: Result<(), DeliveryError>, settings: &Settings) {
        let Err(error) = result else {
            return self.state.lock().succeeded(id);
        };
        let mut state = self.state.lock();
        let attempts = state.failed(id, &error, settings);
        // A dead receiver must not fill the log as well.
        if attempts.is_some_and(u32::is_power_of_two) && state.failures.is_power_of_two() {
            let kind = state.spec.kind.clone();
            drop(state);
            self.log(&kind, attempts, &error);
        }
    }

    fn log(&self, kind: &str, attempts: Option<u32>, error: &DeliveryError) {
        let field = |name| {
            error.context.as_ref().filter(|(given, _)| *given == name).map(|(_, value)| value.as_str())
        };
        tracing::error!(
            topic = %self.topic,
            handler = %self.id,
            kind,
            attempts,
            err = error.error,
            file = field("file"),
            output = field("output"),
            address = field("address"),
            code = field("code"),
            "{}",
            error.what
        );
    }

    pub(super) fn stats(&self, now: Time) -> LaneStats {
        let state = self.state.lock();
        let oldest = state.index.iter().next().and_then(|(id, event)| state.find(*id, event));
        LaneStats {
            topic: self.topic.clone(),
            handler: self.id.clone(),
            kind: state.spec.kind.clone(),
            delivered: state.counts.delivered,
            failed: state.counts.failed,
            retried: state.counts.retried,
            dropped: state.counts.dropped,
            queued: state.index.len(),
            queued_bytes: state.bytes,
            in_flight: state.in_flight.len(),
            oldest: oldest.map(|delivery| span(delivery.created, now)),
            last_error: state.counts.last_error.clone(),
        }
    }
}
