//! What may happen to the catalog. The order of the variants is part of the encoding: new ones
//! go to the end.

use crate::{Dbrp, Error, OutboxLimits, Status, Task, TaskKind, Var, codec};
use alert::{DeliveryId, DropReason, HandlerSpec};
use model::{Event, EventState, Name, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Something that happens to the catalog. Clocks travel inside: applying reads none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Defines a task. `created`, `modified` and `last_enabled` are set from `now`.
    CreateTask {
        /// The task.
        task: Task,
        /// The proposer's clock.
        now: Time,
    },
    /// Changes a task; a new id renames it and takes its anonymous topics along.
    UpdateTask {
        /// Its id before.
        id: Name,
        /// What changes.
        patch: TaskPatch,
        /// The proposer's clock.
        now: Time,
    },
    /// Deletes a task and its anonymous topics; a missing one is no error.
    DeleteTask {
        /// Its id.
        id: Name,
    },
    /// Notes why a task failed; empty when it runs again.
    SetTaskError {
        /// Its id.
        id: Name,
        /// The error.
        error: String,
    },
    /// Takes events: updates their topics and fills the outbox.
    PublishEvents {
        /// The events; those of one shard in the order of their identities.
        events: Vec<Arc<Event>>,
        /// The proposer's clock.
        now: Time,
        /// How much the outbox may keep for a handler. It travels with the command because
        /// members may be configured differently.
        limits: OutboxLimits,
    },
    /// Replaces the handlers of a topic and opens it.
    SetTopicHandlers {
        /// The topic.
        topic: Name,
        /// All its handlers.
        handlers: Vec<HandlerSpec>,
    },
    /// Closes a topic whose task stopped: handlers go, the levels of its events stay.
    CloseTopic {
        /// The topic.
        topic: Name,
    },
    /// Forgets the events of a topic. Its handlers stay and see the next event.
    DeleteTopic {
        /// The topic.
        topic: Name,
    },
    /// Sets the state of an event without any handler seeing it.
    SetEventState {
        /// The topic.
        topic: Name,
        /// The state.
        state: EventState,
    },
    /// Deliveries that arrived.
    Delivered {
        /// Their numbers; unknown ones are ignored.
        ids: Vec<DeliveryId>,
    },
    /// A delivery that failed and is to be tried again.
    DeliveryFailed {
        /// Its number.
        id: DeliveryId,
        /// How often it was tried so far.
        attempts: u32,
        /// Not again before this time.
        next_at: Time,
        /// Why.
        error: String,
    },
    /// A delivery that is given up.
    DropDelivery {
        /// Its number.
        id: DeliveryId,
        /// Why.
        reason: DropReason,
    },
}

/// What changes of a task; `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskPatch {
    /// A new id.
    pub id: Option<Name>,
    /// Stream or batch.
    pub kind: Option<TaskKind>,
    /// All that it may read.
    pub dbrps: Option<Vec<Dbrp>>,
    /// The script.
    pub script: Option<String>,
    /// All its variables.
    pub vars: Option<BTreeMap<String, Var>>,
    /// Its template, or none any more.
    pub template_id: Option<Option<Name>>,
    /// Whether it is to run.
    pub status: Option<Status>,
}

impl Command {
    /// As bytes for a log.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// From [`Command::encode`].
    pub fn decode(bytes: &[u8]) -> Result<Command, Error> {
        codec::decode("a command", bytes)
    }
}
