//! What this member answers to other members.

use super::Member;
use super::sender::{not_leading, receive};
use super::wire::{self, Join, Joined, Order, Question};
use crate::submit::group;
use bytes::Bytes;
use cluster::raft::{Group, Groups};
use cluster::{Carrier, Frames, MemberId, Receiver, Topic, carrier::kind};
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// How long another member may take to catch up before whoever waits goes on without it.
pub const SETTLE: Duration = Duration::from_secs(3);

/// Acknowledgements that wait for the connection.
const ACKS_MAX: usize = 256;

/// Answers for the member, as long as there is one.
pub struct Service(pub Weak<Member>);

impl Service {
    fn member(&self) -> Result<Arc<Member>, String> {
        self.0.upgrade().ok_or_else(|| "the member is stopping".to_owned())
    }
}

impl Receiver for Service {
    fn call(&self, from: MemberId, topic: Topic, body: Bytes) -> BoxFuture<'static, Result<Bytes, String>> {
        let member = self.member();
        async move {
            let member = member?;
            match topic.kind {
                kind if Groups::handles(kind) => member.groups.call(from, topic, body).await,
                _ => member.answer(from, topic, &body).await,
            }
        }
        .boxed()
    }

    fn stream(
        &self,
        from: MemberId,
        topic: Topic,
        received: Frames,
    ) -> BoxFuture<'static, Result<BoxStream<'static, Bytes>, String>> {
        let member = self.member();
        async move {
            let member = member?;
            match topic.kind {
                kind if Groups::handles(kind) => member.groups.stream(from, topic, received).await,
                kind::INGEST => member.ingest(topic.group, received),
                other => {
                    Err(format!("there is no stream of kind {other} here; are all members of one version?"))
                }
            }
        }
        .boxed()
    }

    fn upload(
        &self,
        from: MemberId,
        topic: Topic,
        received: Frames,
    ) -> BoxFuture<'static, Result<Bytes, String>> {
        let member = self.member();
        async move { member?.groups.upload(from, topic, received).await }.boxed()
    }
}

impl Member {
    async fn answer(&self, from: MemberId, topic: Topic, body: &Bytes) -> Result<Bytes, String> {
        match topic.kind {
            kind::JOIN => match wire::decode(body)? {
                Join::TakeIn { member, shards } => {
                    if member.id != from {
                        return Err("a member can only ask for itself".to_owned());
                    }
                    Ok(wire::encode(&self.take_in(member, shards).await))
                }
                Join::Ask { address } => Ok(wire::encode(&self.go_to(&address).await)),
            },
            // All others are for members only.
            _ if self.agreed().catalog.read_recursive().member(from).is_none() => {
                Err("you are not a member of this cluster".to_owned())
            }
            kind::PROPOSE => Ok(wire::encode(&self.propose_here(body.clone()).await)),
            kind::READ_INDEX => Ok(wire::encode(&self.read_index_here().await)),
            kind::SETTLE => {
                self.settle_here(wire::decode(body)?).await;
                Ok(Bytes::new())
            }
            kind::GATHER => {
                let question: Question = wire::decode(body)?;
                Ok(wire::encode(&self.say(&question).await))
            }
            kind::ORDER => {
                let Order::HandOver { to } = wire::decode(body)?;
                self.obey(topic.group, to).await.map(|()| Bytes::new())
            }
            other => Err(format!("there is no call of kind {other} here; are all members of one version?")),
        }
    }

    fn ingest(&self, number: u64, frames: Frames) -> Result<BoxStream<'static, Bytes>, String> {
        let shard = number.checked_sub(group(0)).and_then(|shard| u32::try_from(shard).ok());
        let replica = shard.and_then(|shard| self.replica(shard));
        let replica = replica.ok_or_else(|| not_leading(None))?;
        if !replica.intake.is_open() {
            let leader = replica.group.status().leader.filter(|leader| *leader != self.me());
            return Err(not_leading(leader));
        }
        let (acks, outgoing) = mpsc::channel(ACKS_MAX);
        tokio::spawn(receive(replica, frames, acks));
        Ok(ReceiverStream::new(outgoing).boxed())
    }

    /// An operator wants this member to join the cluster of whoever is at an address.
    async fn go_to(&self, address: &str) -> Joined {
        if let Some(cluster) = self.cluster_id() {
            return Joined::Welcome { cluster, uuid: self.uuid.clone() };
        }
        let join = Join::TakeIn { member: self.card(), shards: self.loader.options.shards };
        let topic = Topic { kind: kind::JOIN, group: 0 };
        let answer = self.carrier().call_address(address, topic, wire::encode(&join), SETTLE).await;
        match answer.map_err(|error| error.to_string()).and_then(|answer| wire::decode(&answer)) {
            Ok(joined) => {
                if let Joined::Welcome { cluster, .. } = &joined {
                    self.enter(cluster);
                }
                joined
            }
            Err(why) => Joined::NotNow(why),
        }
    }

    /// Waits until this member has a change of the catalog in force: its router knows the tasks, and
    /// the shards that it leads have logged and run what it led to.
    pub async fn settle_here(&self, index: u64) {
        let settled = async {
            let _ = self.routed.subscribe().wait_for(|routed| *routed >= index).await;
            for replica in self.replicas() {
                let mut reconciled = replica.reconciled.subscribe();
                while replica.intake.is_open() && *reconciled.borrow_and_update() < index {
                    let _ = tokio::time::timeout(Duration::from_millis(20), reconciled.changed()).await;
                }
            }
            if let Some(engine) = self.engine() {
                engine.settle().await;
            }
        };
        let _ = tokio::time::timeout(SETTLE, settled).await;
    }

    /// Waits until all members that are there have a change of the catalog in force.
    pub async fn settle(&self, index: u64) {
        let others: Vec<MemberId> = {
            let catalog = self.agreed().catalog.read_recursive();
            catalog
                .members()
                .map(|member| member.id)
                .filter(|id| *id != self.me() && self.is_seen(*id))
                .collect()
        };
        let topic = Topic { kind: kind::SETTLE, group: 0 };
        let asked = others.into_iter().map(|id| async move {
            if let Err(error) = self.carrier().call(id, topic, wire::encode(&index), SETTLE).await {
                tracing::info!(member = self.name_of(id), %error, "goes on without waiting for a member");
            }
        });
        tokio::join!(self.settle_here(index), futures::future::join_all(asked));
    }

    /// Hands a group that this member leads over.
    pub(super) async fn obey(&self, number: u64, to: Option<MemberId>) -> Result<(), String> {
        let group: Group = self.groups.get(number).ok_or("this member has no part in that group")?;
        let status = group.status();
        if !status.leads() {
            return Err("this member does not lead that group any more; try again".to_owned());
        }
        let best = || {
            let others = status.voters.iter().filter(|id| **id != self.me() && self.is_seen(**id));
            others.copied().max_by_key(|id| status.followers.get(id).copied().flatten())
        };
        let to = to.or_else(best).ok_or("no other voting member is there")?;
        group.hand_over(to, SETTLE).await.map_err(|error| error.to_string())
    }
}
