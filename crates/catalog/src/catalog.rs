//! The catalog and how commands change it.

use crate::key::Key;
use crate::outbox::Outbox;
use crate::{
    Cluster, Command, Dropped, LaneState, Member, MemberId, Rejection, Removed, Run, ShardPlace, Task,
};
use alert::{Decision, Delivery, Role, Topic, Topics};
use model::Name;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All that a cluster agrees on.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub(crate) applied: u64,
    pub(crate) tasks: BTreeMap<Name, Arc<Task>>,
    pub(crate) topics: Topics,
    pub(crate) outbox: Outbox,
    pub(crate) cluster: Option<Cluster>,
    pub(crate) members: BTreeMap<MemberId, Member>,
    pub(crate) removed: BTreeMap<MemberId, Removed>,
    pub(crate) places: BTreeMap<u32, ShardPlace>,
    pub(crate) runs: BTreeMap<Name, Run>,
    pub(crate) dirty: BTreeSet<Key>,
}

/// What a command did.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Its log index was applied before: nothing changed.
    Repeated,
    /// It is done, there is nothing to tell.
    Done,
    /// A task as it is now.
    Task(Arc<Task>),
    /// What became of events.
    Published(Published),
    /// Deliveries that were given up.
    Dropped(Vec<Dropped>),
    /// A task was started.
    Started {
        /// Index of the start in the catalog's log.
        revision: u64,
    },
}

/// What became of published events.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// One for each event, in their order.
    pub decisions: Vec<Decision>,
    /// Deliveries to be carried out, in order.
    pub deliveries: Vec<Delivery>,
    /// Deliveries that had to make room; whoever carries them out must let go of them.
    pub dropped: Vec<Dropped>,
}

impl Catalog {
    /// An empty catalog.
    pub fn new() -> Catalog {
        Catalog::default()
    }

    /// Applies the command at an index of the log. Indexes start at 1 and grow; one that was
    /// applied before is skipped, so that a log may be replayed over stored state. A rejection
    /// changes nothing but the index.
    pub fn apply(&mut self, index: u64, command: &Command) -> Result<Outcome, Rejection> {
        if index <= self.applied {
            return Ok(Outcome::Repeated);
        }
        self.applied = index;
        self.dirty.insert(Key::Meta);
        match command {
            Command::CreateTask { task, now } => self.create_task(task, *now),
            Command::UpdateTask { id, patch, now } => self.update_task(id, patch, *now),
            Command::DeleteTask { id } => Ok(self.delete_task(id)),
            Command::SetTaskError { id, error } => self.set_task_error(id, error),
            Command::PublishEvents { events, now, limits } => Ok(self.publish(events, *now, limits)),
            Command::SetTopicHandlers { topic, handlers } => self.set_topic_handlers(topic, handlers),
            Command::CloseTopic { topic } => Ok(self.close_topic(topic)),
            Command::DeleteTopic { topic } => Ok(self.delete_topic(topic)),
            Command::SetEventState { topic, state } => Ok(self.set_event_state(topic, state)),
            Command::Delivered { ids } => Ok(self.delivered(ids)),
            Command::DeliveryFailed { id, attempts, next_at, error } => {
                self.outbox.failed(*id, *attempts, *next_at, error, &mut self.dirty);
                Ok(Outcome::Done)
            }
            Command::DropDelivery { id, reason } => {
                let dropped = self.outbox.give_up(*id, *reason, &mut self.dirty);
                Ok(Outcome::Dropped(dropped.into_iter().collect()))
            }
            Command::Found { cluster, shards, replication, member, now } => {
                self.found(cluster, (*shards, *replication), member, *now)
            }
            Command::PutMember { member, now } => self.put_member(member, *now),
            Command::SetMemberStatus { id, status, now } => self.set_member_status(*id, *status, *now),
            Command::RemoveMember { id, now } => self.remove_member(*id, *now),
            Command::Place { epoch, shards } => self.place_shards(*epoch, shards),
            Command::ShardVoters { shard, voters } => self.set_voters(*shard, voters),
            Command::StartTask { id, definition, topics } => self.start_task(index, id, definition, topics),
            Command::StopTask { id } => Ok(self.stop_task(id)),
            Command::DefineHandler { topic, handler } => self.define_handler(topic, handler),
            Command::ReplaceHandler { topic, id, handler, now, limits } => {
                self.replace_handler(topic, id, handler, (*now, limits))
            }
            Command::DeleteHandler { topic, id, now, limits } => {
                Ok(self.delete_handler(topic, id, (*now, limits)))
            }
            Command::CloseWindow { topic, handler, now, limits } => {
                Ok(self.close_due_window(topic, handler, (*now, limits)))
            }
        }
    }

    /// Index of the last command applied; 0 before the first.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// The tasks in order of their ids.
    pub fn tasks(&self) -> impl Iterator<Item = &Arc<Task>> {
        self.tasks.values()
    }

    /// One task.
    pub fn task(&self, id: &str) -> Option<&Arc<Task>> {
        self.tasks.get(id)
    }

    /// The topics that are to be seen, in order of their names.
    pub fn topics(&self) -> impl Iterator<Item = (&Name, &Topic)> {
        self.topics.iter().filter(|(_, topic)| topic.is_open())
    }

    /// One topic, even when it is closed.
    pub fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name)
    }

    /// The last event taken of a shard: what its replay need not publish again.
    pub fn taken_of(&self, shard: u32) -> Option<model::Identity> {
        self.topics.taken_of(shard)
    }

    /// The deliveries on their way, in the order in which they must be handed out, each with its
    /// handler as it is defined now (as it was, when it is gone). What waits for an aggregate is not
    /// handed out.
    pub fn deliveries(&self) -> impl Iterator<Item = Delivery> {
        let deliveries = self.outbox.deliveries.keys().filter_map(|id| self.outbox.delivery(*id));
        deliveries.filter(|delivery| *delivery.handler.kind != *alert::AGGREGATE).map(|mut delivery| {
            let topic = self.topics.get(&delivery.topic);
            let now = topic.and_then(|topic| topic.handler(&delivery.handler.id));
            if let Some(now) = now.filter(|handler| matches!(handler.role, Role::Deliver)) {
                delivery.handler = now.spec.clone();
            }
            delivery
        })
    }

    /// Who holds back whose alerts.
    pub fn inhibitors(&self) -> &alert::Inhibitors {
        &self.topics.inhibitors
    }

    /// What waits for the handlers: topic, handler id, state.
    pub fn lanes(&self) -> impl Iterator<Item = (&Name, &Name, &LaneState)> {
        self.outbox.lanes.iter().map(|((topic, handler), lane)| (topic, handler, lane))
    }
}
