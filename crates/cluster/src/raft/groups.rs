//! The groups that this member takes part in, for what other members send them.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use parking_lot::RwLock;

use super::group::Group;
use crate::carrier::{Frames, MemberId, Receiver, Topic, kind};

/// Gives what other members send to the group that it is for. Clones are the same registry.
#[derive(Clone, Default)]
pub struct Groups {
    groups: Arc<RwLock<HashMap<u64, Group>>>,
}

impl Groups {
    /// An empty registry.
    pub fn new() -> Groups {
        Groups::default()
    }

    /// Lets the group answer from now on; one of the same number is replaced.
    pub fn add(&self, group: &Group) {
        self.groups.write().insert(group.number(), group.clone());
    }

    /// Lets the group of this number answer no more, and gives it back.
    pub fn remove(&self, number: u64) -> Option<Group> {
        self.groups.write().remove(&number)
    }

    /// The group of this number.
    pub fn get(&self, number: u64) -> Option<Group> {
        self.groups.read().get(&number).cloned()
    }

    /// All groups, in the order of their numbers.
    pub fn all(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.groups.read().values().cloned().collect();
        groups.sort_unstable_by_key(Group::number);
        groups
    }

    /// Whether messages of this kind are for groups.
    pub fn handles(kind: u32) -> bool {
        matches!(kind, kind::APPEND | kind::VOTE | kind::PRE_VOTE | kind::SNAPSHOT | kind::TRANSFER)
    }

    fn wanted(&self, topic: Topic) -> Result<Group, String> {
        self.get(topic.group).ok_or_else(|| format!("this member is not in Raft group {}", topic.group))
    }
}

impl Receiver for Groups {
    fn call(&self, from: MemberId, topic: Topic, body: Bytes) -> BoxFuture<'static, Result<Bytes, String>> {
        let group = self.wanted(topic);
        Box::pin(async move {
            let group = group?;
            match topic.kind {
                kind::VOTE => group.on_vote(from, body).await,
                kind::PRE_VOTE => group.on_pre_vote(from, body).await,
                kind::TRANSFER => group.on_transfer(from, body).await,
                other => Err(unknown("call", other)),
            }
        })
    }

    fn stream(
        &self,
        from: MemberId,
        topic: Topic,
        received: Frames,
    ) -> BoxFuture<'static, Result<BoxStream<'static, Bytes>, String>> {
        let group = self.wanted(topic);
        Box::pin(async move {
            match topic.kind {
                kind::APPEND => Ok(group?.on_append(from, received)),
                other => Err(unknown("stream", other)),
            }
        })
    }

    fn upload(
        &self,
        from: MemberId,
        topic: Topic,
        received: Frames,
    ) -> BoxFuture<'static, Result<Bytes, String>> {
        let group = self.wanted(topic);
        Box::pin(async move {
            match topic.kind {
                kind::SNAPSHOT => group?.on_snapshot(from, received).await,
                other => Err(unknown("upload", other)),
            }
        })
    }
}

fn unknown(what: &str, kind: u32) -> String {
    format!("a Raft group knows no {what} of kind {kind}")
}
