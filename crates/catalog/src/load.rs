//! The catalog in a store: changed keys, loading, and the digest that two members compare.

use crate::key::Key;
use crate::outbox::{Held, Stored};
use crate::{Catalog, Change, Cluster, Error, Member, Removed, Run, ShardPlace, Task, codec};
use alert::{DropReason, Handler, HandlerSpec, Source, Topic};
use model::{Event, EventState, Identity, Inhibitor, Level, Name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
struct Meta {
    applied: u64,
    next_event: u64,
    next_delivery: u64,
}

#[derive(Serialize, Deserialize)]
struct StoredTopic {
    open: bool,
    handlers: Vec<Arc<HandlerSpec>>,
}

/// The keys of all that is stored of a topic.
pub(crate) fn of_topic(name: &Name, topic: &Topic) -> impl Iterator<Item = Key> {
    let events = topic.events(Level::Ok).map(|state| Key::EventState(name.clone(), state.id.as_str().into()));
    let defined = topic.handlers().iter().filter(|handler| handler.defined);
    let defined = defined.map(|handler| Key::Handler(name.clone(), handler.spec.id.clone()));
    [Key::Topic(name.clone()), Key::Collected(name.clone())].into_iter().chain(events).chain(defined)
}

impl Key {
    /// Of what a group of an alert holds back.
    pub(crate) fn of_source(source: &Source) -> Key {
        Key::Inhibitor(source.task.clone(), source.node.clone(), source.group.clone())
    }
}

impl Catalog {
    /// What changed since the last call, for the store to write in one batch.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let dirty = std::mem::take(&mut self.dirty);
        dirty.into_iter().map(|key| (key.encode(), self.value(&key))).collect()
    }

    /// All that is stored, in order of the keys.
    pub fn entries(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let pairs = self.keys().into_iter().filter_map(|key| Some((key.encode(), self.value(&key)?)));
        let mut entries: Vec<_> = pairs.collect();
        entries.sort();
        entries
    }

    /// The keys of all that is held; some have no value.
    fn keys(&self) -> Vec<Key> {
        let mut keys = vec![Key::Meta];
        keys.extend(self.tasks.keys().cloned().map(Key::Task));
        for (name, topic) in self.topics.iter() {
            keys.extend(of_topic(name, topic));
        }
        keys.extend(self.topics.taken().map(|identity| Key::Taken(identity.shard)));
        keys.extend(self.outbox.events.keys().map(|number| Key::OutboxEvent(*number)));
        keys.extend(self.outbox.deliveries.keys().map(|number| Key::Delivery(*number)));
        keys.extend(
            self.outbox.lanes.keys().map(|(topic, handler)| Key::Lane(topic.clone(), handler.clone())),
        );
        keys.push(Key::Cluster);
        keys.extend(self.members.keys().map(|id| Key::Member(*id)));
        keys.extend(self.removed.keys().map(|id| Key::Removed(*id)));
        keys.extend(self.places.keys().map(|shard| Key::Place(*shard)));
        keys.extend(self.runs.keys().cloned().map(Key::Run));
        keys.extend(self.topics.inhibitors.iter().map(|(source, _)| Key::of_source(source)));
        keys
    }

    /// A number that is the same for two catalogs that hold the same.
    pub fn digest(&self) -> u64 {
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        for (key, value) in self.entries() {
            for part in [key, value] {
                hash.update(&(part.len() as u64).to_be_bytes());
                hash.update(&part);
            }
        }
        hash.digest()
    }

    /// What is stored under a key now.
    fn value(&self, key: &Key) -> Option<Vec<u8>> {
        match key {
            Key::Meta => {
                let (next_event, next_delivery) = (self.outbox.next_event, self.outbox.next_delivery);
                Some(codec::encode(&Meta { applied: self.applied, next_event, next_delivery }))
            }
            Key::Task(id) => self.tasks.get(id).map(|task| codec::encode(&**task)),
            Key::Topic(name) => self.topics.get(name).map(|topic| {
                let own = topic.handlers().iter().filter(|handler| !handler.defined);
                let handlers = own.map(|handler| handler.spec.clone()).collect();
                codec::encode(&StoredTopic { open: topic.is_open(), handlers })
            }),
            Key::EventState(topic, id) => self.topics.get(topic)?.event(id).map(codec::encode),
            Key::Taken(shard) => self.topics.taken_of(*shard).map(|identity| codec::encode(&identity)),
            Key::OutboxEvent(number) => {
                self.outbox.events.get(number).map(|held| codec::encode(&*held.event))
            }
            Key::Delivery(number) => self.outbox.deliveries.get(number).map(codec::encode),
            Key::Lane(topic, handler) => {
                let lane = self.outbox.lanes.get(&(topic.clone(), handler.clone()))?;
                (!lane.dropped.is_empty()).then(|| codec::encode(&lane.dropped))
            }
            Key::Cluster => self.cluster.as_ref().map(codec::encode),
            Key::Member(id) => self.members.get(id).map(codec::encode),
            Key::Removed(id) => self.removed.get(id).map(codec::encode),
            Key::Place(shard) => self.places.get(shard).map(codec::encode),
            Key::Run(id) => self.runs.get(id).map(codec::encode),
            Key::Handler(topic, id) => {
                let handler = self.topics.get(topic)?.handler(id)?;
                handler.defined.then(|| codec::encode(&*handler.spec))
            }
            Key::Inhibitor(task, node, group) => {
                let source = Source { task: task.clone(), node: node.clone(), group: group.clone() };
                let holds = self.topics.inhibitors.of(&source);
                (!holds.is_empty()).then(|| codec::encode(&holds))
            }
            Key::Collected(topic) => {
                let collected = self.topics.get(topic)?.collected();
                (collected > 0).then(|| codec::encode(&collected))
            }
        }
    }

    /// The catalog that a store holds; the pairs may come in any order. An empty store is an
    /// empty catalog.
    pub fn load<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Catalog, Error> {
        let mut catalog = Catalog::default();
        let mut deliveries: Vec<(u64, Stored)> = Vec::new();
        for (key, value) in pairs {
            let value = value.as_ref();
            match Key::decode(key.as_ref())? {
                Key::Delivery(number) => deliveries.push((number, codec::decode("a delivery", value)?)),
                key => catalog.load_one(key, value)?,
            }
        }
        for (number, stored) in deliveries {
            if !catalog.outbox.place(number, stored) {
                return Err(Error::damaged(
                    "a delivery",
                    format!("the event of delivery {number} is missing"),
                ));
            }
        }
        Ok(catalog)
    }

    /// Becomes what the pairs hold, as [`Catalog::load`] does. What [`Catalog::take_changes`] gives
    /// next turns the store of the catalog before into that of the catalog after. On an error
    /// nothing has changed.
    pub fn replace<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), Error> {
        let mut new = Catalog::load(pairs)?;
        // The store may still hold what is gone from here, when the change was not taken yet.
        new.dirty = std::mem::take(&mut self.dirty);
        new.dirty.extend(self.keys());
        let held = new.keys();
        new.dirty.extend(held);
        *self = new;
        Ok(())
    }

    fn load_one(&mut self, key: Key, value: &[u8]) -> Result<(), Error> {
        match key {
            Key::Meta => {
                let meta: Meta = codec::decode("the counters", value)?;
                self.applied = meta.applied;
                self.outbox.next_event = meta.next_event;
                self.outbox.next_delivery = meta.next_delivery;
            }
            Key::Task(id) => {
                let task: Task = codec::decode("a task", value)?;
                self.tasks.insert(id, Arc::new(task));
            }
            Key::Topic(name) => self.load_topic(&name, codec::decode("a topic", value)?),
            Key::EventState(name, _) => {
                let state: EventState = codec::decode("the state of an event", value)?;
                self.topics.entry(&name).remember(&state);
            }
            Key::Taken(_) => {
                let identity: Identity = codec::decode("an identity", value)?;
                self.topics.take(identity);
            }
            Key::OutboxEvent(number) => {
                let event: Event = codec::decode("an event", value)?;
                let bytes = alert::event_bytes(&event);
                self.outbox.events.insert(number, Held { event: Arc::new(event), bytes, pending: 0 });
            }
            Key::Lane(topic, handler) => {
                let dropped: BTreeMap<DropReason, u64> = codec::decode("counts", value)?;
                self.outbox.lanes.entry((topic, handler)).or_default().dropped = dropped;
            }
            Key::Cluster => self.cluster = Some(codec::decode::<Cluster>("the cluster", value)?),
            Key::Member(id) => {
                self.members.insert(id, codec::decode::<Member>("a member", value)?);
            }
            Key::Removed(id) => {
                self.removed.insert(id, codec::decode::<Removed>("a removed member", value)?);
            }
            Key::Place(shard) => {
                self.places.insert(shard, codec::decode::<ShardPlace>("the place of a shard", value)?);
            }
            Key::Run(id) => {
                self.runs.insert(id, codec::decode::<Run>("a running task", value)?);
            }
            Key::Handler(topic, _) => {
                let spec: HandlerSpec = codec::decode("a handler of a topic", value)?;
                self.topics.entry(&topic).define(Handler::load(spec));
            }
            Key::Inhibitor(task, node, group) => {
                let holds: Vec<Inhibitor> = codec::decode("what an alert holds back", value)?;
                self.topics.inhibitors.set(Source { task, node, group }, holds);
            }
            Key::Collected(topic) => {
                let collected: u64 = codec::decode("how many events a topic has taken", value)?;
                self.topics.entry(&topic).set_collected(collected);
            }
            Key::Delivery(_) => {}
        }
        Ok(())
    }

    fn load_topic(&mut self, name: &Name, stored: StoredTopic) {
        let handlers =
            stored.handlers.into_iter().map(|spec| Handler::load(Arc::unwrap_or_clone(spec))).collect();
        let topic = self.topics.entry(name);
        topic.set_handlers(handlers);
        if !stored.open {
            topic.hide();
        }
    }
}
