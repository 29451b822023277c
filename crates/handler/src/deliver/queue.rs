//! What waits in a lane, and which delivery is next. Knows the time but does nothing by itself.

use super::{Report, Settings, span, wall_clock};
use crate::backoff::backoff;
use crate::{DeliveryError, Error, Handler, Handlers};
use alert::{Delivery, DeliveryId, DropReason, HandlerSpec};
use model::Time;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Failures in a row after which a lane tries one delivery at a time.
const FAILURES_MAX: u32 = 3;
/// Deliveries waiting for each one that is made at the same time as another: a lane that keeps
/// up makes them strictly one after the other, as Kapacitor does.
const BACKLOG: usize = 64;
/// The longest wait for a next attempt.
const WAIT_MAX: Duration = Duration::from_secs(2 * 3600);
/// The longest error text that is reported, in bytes.
const ERROR_BYTES_MAX: usize = 1024;

/// The deliveries of a lane, and which of them is next.
pub(super) struct State {
    pub spec: Arc<HandlerSpec>,
    pub handler: Result<Arc<dyn Handler>, Error>,
    /// All deliveries, by event id in the order of their numbers. The first of each event is
    /// ready, waiting or in flight.
    pub events: BTreeMap<Arc<str>, VecDeque<Delivery>>,
    /// The event of each delivery.
    pub index: BTreeMap<DeliveryId, Arc<str>>,
    /// First deliveries that may be tried now.
    pub ready: BTreeSet<DeliveryId>,
    /// First deliveries that may be tried later.
    pub waiting: BTreeSet<(Instant, DeliveryId)>,
    /// When each of them is due.
    pub due: BTreeMap<DeliveryId, Instant>,
    pub in_flight: BTreeSet<DeliveryId>,
    /// In flight, but nobody waits for them any more.
    pub cancelled: BTreeSet<DeliveryId>,
    /// What the runner has yet to report.
    pub reports: VecDeque<Report>,
    pub bytes: u64,
    pub running: bool,
    pub retired: bool,
    pub failures: u32,
    pub counts: Counts,
}

#[derive(Default)]
pub(super) struct Counts {
    pub delivered: u64,
    pub failed: u64,
    pub retried: u64,
    pub dropped: u64,
    pub last_error: String,
}

/// What a lane's runner is to do.
pub(super) enum Step {
    /// Send these reports.
    Report(VecDeque<Report>),
    /// Try this delivery.
    Start(Delivery, Arc<dyn Handler>),
    /// Wait for an attempt to end, for the lane to change, or for this time.
    Wait(Option<Instant>),
    /// Nothing is left to do: the runner has signed off.
    Stop {
        /// Nobody needs the lane any more.
        retired: bool,
    },
}

impl State {
    pub fn new(spec: &Arc<HandlerSpec>, handlers: &Handlers) -> State {
        State {
            spec: spec.clone(),
            handler: handlers.build(spec),
            events: BTreeMap::new(),
            index: BTreeMap::new(),
            ready: BTreeSet::new(),
            waiting: BTreeSet::new(),
            due: BTreeMap::new(),
            in_flight: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            reports: VecDeque::new(),
            bytes: 0,
            running: false,
            retired: false,
            failures: 0,
            counts: Counts::default(),
        }
    }

    pub fn redefine(&mut self, spec: &Arc<HandlerSpec>, handlers: &Handlers) {
        if *self.spec != **spec {
            self.handler = handlers.build(spec);
            self.spec = spec.clone();
            self.failures = 0;
            self.stop_waiting();
        }
    }

    pub fn insert(&mut self, delivery: Delivery) {
        let id = delivery.id;
        let event: Arc<str> = delivery.event.state.id.as_str().into();
        self.bytes += delivery.bytes();
        self.index.insert(id, event.clone());
        let queue = self.events.entry(event).or_default();
        queue.push_back(delivery);
        if queue.len() == 1 {
            self.schedule(id);
        }
    }

    /// Makes the first delivery of an event ready, or lets it wait until its time.
    fn schedule(&mut self, id: DeliveryId) {
        let Some(event) = self.index.get(&id) else {
            return;
        };
        let next_at = self.find(id, event).map_or(0, |delivery| delivery.next_at);
        let wait = if next_at == 0 { Duration::ZERO } else { span(wall_clock(), next_at) };
        if wait.is_zero() {
            self.ready.insert(id);
        } else {
            self.wait(id, wait);
        }
    }

    fn wait(&mut self, id: DeliveryId, wait: Duration) {
        // A clock that was set back must not make a delivery wait for years.
        let due = Instant::now() + wait.min(WAIT_MAX);
        self.waiting.insert((due, id));
        self.due.insert(id, due);
    }

    pub fn find(&self, id: DeliveryId, event: &str) -> Option<&Delivery> {
        self.events.get(event)?.iter().find(|delivery| delivery.id == id)
    }

    /// Drops the oldest deliveries that are not in flight until the bounds are kept.
    pub fn bound(&mut self, settings: &Settings) {
        while self.index.len() > settings.entries_max
            || (self.bytes > settings.bytes_max && self.index.len() > 1)
        {
            let oldest = self.index.keys().find(|id| !self.in_flight.contains(id)).copied();
            let Some(oldest) = oldest else { return };
            self.remove(oldest);
            self.drop_report(oldest, DropReason::Overflow, String::new());
        }
    }

    pub fn drop_report(&mut self, id: DeliveryId, reason: DropReason, error: String) {
        self.counts.dropped += 1;
        if !error.is_empty() {
            self.counts.last_error.clone_from(&error);
        }
        self.reports.push_back(Report::Dropped { id, reason, error });
    }

    /// Takes a delivery out and lets the next of its event come.
    pub fn remove(&mut self, id: DeliveryId) -> Option<Delivery> {
        let event = self.index.remove(&id)?;
        self.ready.remove(&id);
        self.in_flight.remove(&id);
        self.cancelled.remove(&id);
        if let Some(due) = self.due.remove(&id) {
            self.waiting.remove(&(due, id));
        }
        let queue = self.events.get_mut(&event)?;
        let place = queue.iter().position(|delivery| delivery.id == id)?;
        let delivery = queue.remove(place)?;
        self.bytes = self.bytes.saturating_sub(delivery.bytes());
        match queue.front().map(|first| first.id) {
            None => {
                self.events.remove(&event);
            }
            Some(first) if place == 0 => self.schedule(first),
            Some(_) => {}
        }
        Some(delivery)
    }

    pub fn next(&mut self, now: Instant, closing: bool) -> Step {
        if !self.reports.is_empty() {
            return Step::Report(std::mem::take(&mut self.reports));
        }
        while let Some((_, id)) = self.waiting.first().copied().filter(|(due, _)| *due <= now) {
            self.waiting.pop_first();
            self.due.remove(&id);
            self.ready.insert(id);
        }
        match &self.handler {
            Ok(handler) => {
                let handler = handler.clone();
                if self.in_flight.len() < self.allowed(handler.limits().concurrency_max)
                    && let Some(delivery) = self.start()
                {
                    return Step::Start(delivery, handler);
                }
            }
            Err(error) => {
                let (reason, error) = (error.drop_reason(), error.to_string());
                if self.give_up_ready(reason, &error) {
                    return Step::Report(std::mem::take(&mut self.reports));
                }
            }
        }
        let nothing_due = self.ready.is_empty() && self.in_flight.is_empty();
        if nothing_due && (closing || self.index.is_empty()) {
            self.running = false;
            return Step::Stop { retired: self.retired };
        }
        Step::Wait(self.waiting.first().map(|(due, _)| *due))
    }

    /// How many deliveries may be under way at once.
    fn allowed(&self, concurrency_max: usize) -> usize {
        if self.failures >= FAILURES_MAX {
            return 1;
        }
        (1 + self.index.len() / BACKLOG).min(concurrency_max.max(1))
    }

    fn start(&mut self) -> Option<Delivery> {
        let id = self.ready.pop_first()?;
        let event = self.index.get(&id)?;
        let delivery = self.find(id, event)?.clone();
        self.in_flight.insert(id);
        self.counts.retried += u64::from(delivery.attempts > 0);
        Some(delivery)
    }

    /// A handler that was redefined into one that cannot work: nothing in the lane can arrive.
    fn give_up_ready(&mut self, reason: DropReason, error: &str) -> bool {
        let ready: Vec<DeliveryId> = self.ready.iter().copied().collect();
        for id in &ready {
            self.remove(*id);
            self.drop_report(*id, reason, error.to_owned());
        }
        !ready.is_empty()
    }

    pub fn succeeded(&mut self, id: DeliveryId) {
        self.counts.delivered += 1;
        self.counts.last_error.clear();
        self.remove(id);
        self.reports.push_back(Report::Delivered { id });
        if std::mem::take(&mut self.failures) >= FAILURES_MAX {
            // The receiver is back: what waits because of it need not wait longer.
            self.stop_waiting();
        }
    }

    fn stop_waiting(&mut self) {
        self.due.clear();
        self.ready.extend(std::mem::take(&mut self.waiting).into_iter().map(|(_, id)| id));
    }

    /// Returns the number of attempts, unless nobody wants to know.
    pub fn failed(&mut self, id: DeliveryId, error: &DeliveryError, settings: &Settings) -> Option<u32> {
        self.counts.failed += 1;
        self.failures = self.failures.saturating_add(1);
        let message = alert::clip(&error.to_string(), ERROR_BYTES_MAX).to_owned();
        self.counts.last_error.clone_from(&message);
        if self.cancelled.contains(&id) {
            self.remove(id);
            return None;
        }
        let event = self.index.get(&id)?;
        let delivery = self.events.get_mut(event)?.front_mut().filter(|first| first.id == id)?;
        delivery.attempts = delivery.attempts.saturating_add(1);
        let (attempts, created) = (delivery.attempts, delivery.created);
        if let Some(reason) = self.last_straw(error, attempts, created, settings) {
            self.remove(id);
            self.drop_report(id, reason, message);
            return Some(attempts);
        }
        let wait = backoff(attempts, id.0, settings.backoff_min, settings.backoff_max);
        let wait = wait.max(error.retry_after.unwrap_or_default());
        self.in_flight.remove(&id);
        self.wait(id, wait);
        let next_at = wall_clock().saturating_add(i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX));
        self.reports.push_back(Report::Failed { id, attempts, next_at, error: message });
        Some(attempts)
    }

    fn last_straw(
        &self,
        error: &DeliveryError,
        attempts: u32,
        created: Time,
        settings: &Settings,
    ) -> Option<DropReason> {
        if !error.retryable {
            return Some(DropReason::Refused);
        }
        let most = self.handler.as_ref().ok().and_then(|handler| handler.limits().attempts_max);
        if most.is_some_and(|most| attempts >= most) {
            return Some(DropReason::Attempts);
        }
        (span(created, wall_clock()) > settings.age_max).then_some(DropReason::Age)
    }
}
