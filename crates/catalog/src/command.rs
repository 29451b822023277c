//! What may happen to the catalog. The order of the variants is part of the encoding: new ones
//! go to the end.

use crate::{Dbrp, Error, Member, MemberId, MemberStatus, OutboxLimits, Status, Task, TaskKind, Var, codec};
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
    /// Makes a cluster of this member, once. Doing it again with the same id is no error and
    /// changes nothing.
    Found {
        /// Id of the cluster.
        cluster: String,
        /// How many shards it has, for good. At least 1.
        shards: u32,
        /// How many members are to keep each shard. At least 1.
        replication: u32,
        /// The first member; its dates and status are set from `now`.
        member: Member,
        /// The proposer's clock.
        now: Time,
    },
    /// A member joins, or comes back, perhaps with other addresses or another version. Another
    /// member with its name has lost its disk, and is removed.
    PutMember {
        /// The member; its dates and status are set from `now` and from what is known of it.
        member: Member,
        /// The proposer's clock.
        now: Time,
    },
    /// Notes whether a member does its part.
    SetMemberStatus {
        /// The member.
        id: MemberId,
        /// Its status.
        status: MemberStatus,
        /// The proposer's clock.
        now: Time,
    },
    /// Removes a member for good: what is in its data directory may not come back.
    RemoveMember {
        /// The member.
        id: MemberId,
        /// The proposer's clock.
        now: Time,
    },
    /// Says who keeps each shard.
    Place {
        /// The epoch that it was worked out for; it is stale in any other.
        epoch: u64,
        /// For each shard, in order, the replicas and the one of them that is to lead.
        shards: Vec<(Vec<MemberId>, MemberId)>,
    },
    /// What the leader of a shard says of its group.
    ShardVoters {
        /// The shard.
        shard: u32,
        /// The voters.
        voters: Vec<MemberId>,
    },
    /// Starts a task everywhere, in place of its earlier run. Its error is forgotten.
    StartTask {
        /// Its id.
        id: Name,
        /// What runs, for those who run it.
        definition: Vec<u8>,
        /// Its anonymous topics and all their handlers.
        topics: Vec<(Name, Vec<HandlerSpec>)>,
    },
    /// Stops a task everywhere; one that does not run is no error. Its topics stay open until they
    /// are closed, for events may be on their way to them.
    StopTask {
        /// Its id.
        id: Name,
    },
    /// Puts a handler on a topic, beside those of a script.
    DefineHandler {
        /// The topic.
        topic: Name,
        /// The handler.
        handler: HandlerSpec,
    },
    /// Changes a handler that was put on a topic. What waits for an aggregate that is none any more
    /// becomes its last event.
    ReplaceHandler {
        /// The topic.
        topic: Name,
        /// Its id before.
        id: Name,
        /// The handler.
        handler: HandlerSpec,
        /// The proposer's clock.
        now: Time,
        /// How much the outbox may keep for a handler.
        limits: OutboxLimits,
    },
    /// Takes a handler off a topic; a missing one is no error. What waits for an aggregate becomes its
    /// last event, all else that waits is still delivered.
    DeleteHandler {
        /// The topic.
        topic: Name,
        /// Its id.
        id: Name,
        /// The proposer's clock.
        now: Time,
        /// How much the outbox may keep for a handler.
        limits: OutboxLimits,
    },
    /// Makes one event of what waits for an aggregate, once its interval is over; before that it does
    /// nothing.
    CloseWindow {
        /// The topic.
        topic: Name,
        /// The handler's id.
        handler: Name,
        /// The proposer's clock.
        now: Time,
        /// How much the outbox may keep for a handler.
        limits: OutboxLimits,
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
