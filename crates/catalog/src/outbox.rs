//! Deliveries on their way: what must not be forgotten until a handler has seen it.

use crate::key::Key;
use alert::{AGGREGATE, Delivery, DeliveryId, DropReason, HandlerSpec};
use model::{Event, Level, Name, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The longest error text that is kept of a failed delivery, in bytes.
const ERROR_BYTES_MAX: usize = 512;

/// How much the outbox keeps for one handler of one topic. Beyond it the oldest deliveries are
/// dropped, but never the newest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxLimits {
    /// Deliveries.
    pub entries_max: u32,
    /// Bytes of their events.
    pub bytes_max: u64,
    /// Age in nanoseconds.
    pub age_max: i64,
}

impl Default for OutboxLimits {
    fn default() -> OutboxLimits {
        OutboxLimits { entries_max: 100_000, bytes_max: 64 << 20, age_max: 24 * 3600 * 1_000_000_000 }
    }
}

/// A delivery that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Its number.
    pub id: DeliveryId,
    /// The topic.
    pub topic: Name,
    /// The handler.
    pub handler: Name,
    /// Why.
    pub reason: DropReason,
}

/// What waits for one handler of one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneState {
    /// Deliveries waiting, by number.
    pub pending: BTreeSet<u64>,
    /// Bytes of their events.
    pub bytes: u64,
    /// Deliveries given up so far, and why.
    pub dropped: BTreeMap<DropReason, u64>,
}

/// A delivery as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// Number of its event.
    pub event: u64,
    pub topic: Name,
    pub handler: Arc<HandlerSpec>,
    pub previous_level: Level,
    pub created: Time,
    pub attempts: u32,
    pub next_at: Time,
    pub error: String,
}

/// An event that deliveries need.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub event: Arc<Event>,
    pub bytes: u64,
    /// Deliveries that still need it.
    pub pending: u32,
}

/// All deliveries on their way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    pub next_event: u64,
    pub next_delivery: u64,
    pub events: BTreeMap<u64, Held>,
    pub deliveries: BTreeMap<u64, Stored>,
    pub lanes: BTreeMap<(Name, Name), LaneState>,
    /// Deliveries that wait to become one event, by topic and handler.
    pub windows: BTreeMap<(Name, Name), BTreeSet<u64>>,
}

/// A delivery to be made.
pub(crate) struct New {
    pub topic: Name,
    pub handler: Arc<HandlerSpec>,
    pub previous_level: Level,
}

impl Outbox {
    /// Adds an event with its deliveries.
    pub fn push(
        &mut self,
        event: Arc<Event>,
        new: Vec<New>,
        now: Time,
        dirty: &mut BTreeSet<Key>,
    ) -> Vec<DeliveryId> {
        if new.is_empty() {
            return Vec::new();
        }
        let number = self.next_event;
        self.next_event += 1;
        let held = Held { bytes: alert::event_bytes(&event), event, pending: 0 };
        self.events.insert(number, held);
        dirty.insert(Key::OutboxEvent(number));
        let mut ids = Vec::with_capacity(new.len());
        for New { topic, handler, previous_level } in new {
            let id = self.next_delivery;
            self.next_delivery += 1;
            let (attempts, next_at, error) = (0, 0, String::new());
            let stored = Stored {
                event: number,
                topic,
                handler,
                previous_level,
                created: now,
                attempts,
                next_at,
                error,
            };
            self.place(id, stored);
            dirty.insert(Key::Delivery(id));
            ids.push(DeliveryId(id));
        }
        ids
    }

    /// Puts a delivery whose event is held in its place; false when the event is not.
    pub fn place(&mut self, id: u64, stored: Stored) -> bool {
        let Some(held) = self.events.get_mut(&stored.event) else {
            return false;
        };
        held.pending += 1;
        let lane = self.lanes.entry((stored.topic.clone(), stored.handler.id.clone())).or_default();
        lane.bytes += held.bytes;
        lane.pending.insert(id);
        if *stored.handler.kind == *AGGREGATE {
            let window = (stored.topic.clone(), stored.handler.id.clone());
            self.windows.entry(window).or_default().insert(id);
        }
        self.deliveries.insert(id, stored);
        true
    }

    /// Takes a delivery out; what it leaves behind of event and lane goes too.
    pub fn remove(&mut self, id: DeliveryId, dirty: &mut BTreeSet<Key>) -> Option<Stored> {
        let stored = self.deliveries.remove(&id.0)?;
        dirty.insert(Key::Delivery(id.0));
        let mut bytes = 0;
        if let Some(held) = self.events.get_mut(&stored.event) {
            bytes = held.bytes;
            held.pending -= 1;
            if held.pending == 0 {
                self.events.remove(&stored.event);
                dirty.insert(Key::OutboxEvent(stored.event));
            }
        }
        let name = (stored.topic.clone(), stored.handler.id.clone());
        if let Some(lane) = self.lanes.get_mut(&name) {
            lane.pending.remove(&id.0);
            lane.bytes -= bytes;
            if lane.pending.is_empty() && lane.dropped.is_empty() {
                self.lanes.remove(&name);
            }
        }
        if let Some(window) = self.windows.get_mut(&name) {
            window.remove(&id.0);
            if window.is_empty() {
                self.windows.remove(&name);
            }
        }
        Some(stored)
    }

    /// Gives a delivery up and counts that.
    pub fn give_up(
        &mut self,
        id: DeliveryId,
        reason: DropReason,
        dirty: &mut BTreeSet<Key>,
    ) -> Option<Dropped> {
        let Stored { topic, handler, .. } = self.remove(id, dirty)?;
        let handler = handler.id.clone();
        let lane = self.lanes.entry((topic.clone(), handler.clone())).or_default();
        *lane.dropped.entry(reason).or_default() += 1;
        dirty.insert(Key::Lane(topic.clone(), handler.clone()));
        Some(Dropped { id, topic, handler, reason })
    }

    /// Gives up what a lane holds beyond its limits, the oldest first.
    pub fn enforce(
        &mut self,
        lane: &(Name, Name),
        limits: &OutboxLimits,
        now: Time,
        dirty: &mut BTreeSet<Key>,
    ) -> Vec<Dropped> {
        let mut dropped = Vec::new();
        while let Some((id, reason)) = self.excess(lane, limits, now) {
            dropped.extend(self.give_up(id, reason, dirty));
        }
        dropped
    }

    fn excess(
        &self,
        lane: &(Name, Name),
        limits: &OutboxLimits,
        now: Time,
    ) -> Option<(DeliveryId, DropReason)> {
        let lane = self.lanes.get(lane)?;
        if lane.pending.len() < 2 {
            return None;
        }
        let &oldest = lane.pending.first()?;
        let stored = self.deliveries.get(&oldest)?;
        if lane.pending.len() > limits.entries_max as usize || lane.bytes > limits.bytes_max {
            return Some((DeliveryId(oldest), DropReason::Overflow));
        }
        // How long events wait to become one is the user's choice.
        let too_old =
            now.saturating_sub(stored.created) > limits.age_max && *stored.handler.kind != *AGGREGATE;
        too_old.then_some((DeliveryId(oldest), DropReason::Age))
    }

    /// Notes a failed attempt.
    pub fn failed(
        &mut self,
        id: DeliveryId,
        attempts: u32,
        next_at: Time,
        error: &str,
        dirty: &mut BTreeSet<Key>,
    ) {
        let Some(stored) = self.deliveries.get_mut(&id.0) else {
            return;
        };
        stored.attempts = attempts;
        stored.next_at = next_at;
        stored.error = alert::clip(error, ERROR_BYTES_MAX).to_owned();
        dirty.insert(Key::Delivery(id.0));
    }

    /// Forgets what was counted of one lane.
    pub fn forget_count(&mut self, topic: &Name, handler: &Name, dirty: &mut BTreeSet<Key>) {
        let name = (topic.clone(), handler.clone());
        let Some(lane) = self.lanes.get_mut(&name) else { return };
        if !std::mem::take(&mut lane.dropped).is_empty() {
            dirty.insert(Key::Lane(topic.clone(), handler.clone()));
        }
        if lane.pending.is_empty() {
            self.lanes.remove(&name);
        }
    }

    /// Forgets what was counted of the lanes of a topic, so that counts do not pile up for topics
    /// that are gone.
    pub fn forget_counts(&mut self, topic: &Name, dirty: &mut BTreeSet<Key>) {
        let first = (topic.clone(), Name::from(""));
        let lanes = self.lanes.range_mut(first..).take_while(|((name, _), _)| name == topic);
        let mut empty = Vec::new();
        for (name, lane) in lanes {
            if !lane.dropped.is_empty() {
                lane.dropped.clear();
                dirty.insert(Key::Lane(name.0.clone(), name.1.clone()));
            }
            if lane.pending.is_empty() {
                empty.push(name.clone());
            }
        }
        for name in empty {
            self.lanes.remove(&name);
        }
    }

    /// One delivery, ready to be handed to a handler.
    pub fn delivery(&self, id: u64) -> Option<Delivery> {
        let stored = self.deliveries.get(&id)?;
        let held = self.events.get(&stored.event)?;
        Some(Delivery {
            id: DeliveryId(id),
            event: held.event.clone(),
            topic: stored.topic.clone(),
            handler: stored.handler.clone(),
            previous_level: stored.previous_level,
            created: stored.created,
            attempts: stored.attempts,
            next_at: stored.next_at,
        })
    }
}
