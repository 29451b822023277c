//! The way out: calls, streams and uploads to other members, over connections that are made when
//! they are needed.

mod dial;
mod status;
mod target;

pub use status::frames;

use super::{Identity, Security, metadata};
use crate::carrier::{Carrier, CarryError, Frames, Topic, kind};
use crate::{MemberId, rpc};
use arc_swap::ArcSwap;
use bytes::Bytes;
use dial::Dialer;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt};
use proto::peer::{Frame, Reply, Request as Asked};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;
use target::{Lane, Target};
use tokio::sync::oneshot;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Streaming};

/// Where a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its name, which its certificate must hold: the host part of its advertised address.
    pub name: String,
    /// `host:port` of its peer port. The host is resolved each time it is dialed.
    pub rpc: String,
}

/// How other members are reached.
#[derive(Clone, Debug)]
pub struct LinkOptions {
    /// Address of this machine that connections are made from; any if none.
    pub local_ip: Option<IpAddr>,
    /// How long it may take to connect, with TLS and introduction.
    pub connect_timeout: Duration,
    /// How long a member may take to accept a stream.
    pub accept_timeout: Duration,
    /// How often a silent connection is asked whether it lives, used or not.
    pub keepalive_interval: Duration,
    /// How long it has for the answer.
    pub keepalive_timeout: Duration,
}

impl Default for LinkOptions {
    /// 1 s to connect, 10 s to accept a stream, keepalive after 2 s with 3 s for the answer.
    fn default() -> LinkOptions {
        LinkOptions {
            local_ip: None,
            connect_timeout: Duration::from_secs(1),
            accept_timeout: Duration::from_secs(10),
            keepalive_interval: Duration::from_secs(2),
            keepalive_timeout: Duration::from_secs(3),
        }
    }
}

/// What went to one member since its address became known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberStats {
    /// Where it is.
    pub rpc: String,
    /// Connections to it that are open now, up to three.
    pub connections: u64,
    /// Times it was dialed.
    pub dials: u64,
    /// Times that failed.
    pub dials_failed: u64,
    /// Calls, streams and uploads.
    pub requests: u64,
    /// Those that ended in an error before they were accepted or answered.
    pub requests_failed: u64,
    /// Bytes of bodies that were sent.
    pub sent_bytes: u64,
    /// Bytes of bodies that came back.
    pub received_bytes: u64,
    /// Why it could not be reached, if the last try failed.
    pub error: Option<String>,
}

/// Sends to other members. Cloning shares the connections.
///
/// Each member has up to three connections: one for calls and small streams, one for streams of
/// points and shards' entries, one for uploads. If a member cannot be dialed, the next try waits: 50
/// to 150 ms if its machine refuses, up to 1 s if nothing answers. Calls and uploads end with
/// [`CarryError::Unreachable`] at once until then; streams wait for the try, so that one who opens
/// them in a loop does not spin.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    dialer: Arc<Dialer>,
    targets: ArcSwap<BTreeMap<MemberId, Arc<Target>>>,
}

impl Link {
    /// A link that knows nobody yet.
    pub fn new(identity: Identity, security: Security, options: LinkOptions) -> Link {
        let dialer = Arc::new(Dialer { identity, security, options });
        Link(Arc::new(Inner { dialer, targets: ArcSwap::default() }))
    }

    /// Says where all members are. Connections to those whose address stays are kept; streams to the
    /// others last until they end by themselves.
    pub fn set_addresses(&self, addresses: BTreeMap<MemberId, Address>) {
        self.0.targets.rcu(|known| {
            let target = |(member, address): (&MemberId, &Address)| match known.get(member) {
                Some(target) if target.address() == address => (*member, target.clone()),
                _ => (*member, Target::new(self.0.dialer.clone(), Some(*member), address.clone())),
            };
            addresses.iter().map(target).collect::<BTreeMap<_, _>>()
        });
    }

    /// Forgets that a member could not be reached, so that the next use dials at once. For one who
    /// hears that it is back.
    pub fn retry_now(&self, member: MemberId) {
        if let Some(target) = self.0.targets.load().get(&member) {
            target.retry_now();
        }
    }

    /// Asks whoever is at `host:port`, over a connection of its own. Only kind
    /// [`JOIN`](crate::carrier::kind::JOIN) is answered this way. With TLS the certificate there must
    /// hold the host.
    ///
    /// # Errors
    /// As [`Carrier::call`].
    pub fn call_address(
        &self,
        address: &str,
        topic: Topic,
        body: Bytes,
        limit: Duration,
    ) -> BoxFuture<'static, Result<Bytes, CarryError>> {
        let name = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let name = name.trim_start_matches('[').trim_end_matches(']').to_owned();
        let address = Address { name, rpc: address.to_owned() };
        self.call_target(Target::new(self.0.dialer.clone(), None, address), topic, body, limit)
    }

    /// What went to each member.
    pub fn member_stats(&self) -> BTreeMap<MemberId, MemberStats> {
        self.0.targets.load().iter().map(|(member, target)| (*member, target.stats())).collect()
    }

    fn target(&self, to: MemberId) -> Result<Arc<Target>, CarryError> {
        let target = self.0.targets.load().get(&to).cloned();
        target.ok_or_else(|| CarryError::Unreachable {
            member: format!("member {to}"),
            why: "its address is not known".to_owned(),
        })
    }

    fn call_target(
        &self,
        target: Arc<Target>,
        topic: Topic,
        body: Bytes,
        limit: Duration,
    ) -> BoxFuture<'static, Result<Bytes, CarryError>> {
        let request = self.request(topic, Asked { body: body.clone() });
        async move {
            if body.len() > rpc::MESSAGE_BYTES_MAX {
                return Err(CarryError::Refused(format!("{} bytes are too many for a message", body.len())));
            }
            target.counters.sent_bytes.fetch_add(body.len() as u64, Relaxed);
            let replied = tokio::time::timeout(limit, call(target.clone(), request?)).await;
            let late = || CarryError::Timeout { member: target.address().name.clone(), limit };
            let replied = target.count(replied.unwrap_or_else(|_| Err(late())))?.into_inner();
            target.counters.received_bytes.fetch_add(replied.body.len() as u64, Relaxed);
            Ok(replied.body)
        }
        .boxed()
    }

    /// A request about a topic.
    fn request<T>(&self, topic: Topic, message: T) -> Result<Request<T>, CarryError> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        metadata.insert(metadata::KIND, topic.kind.into());
        metadata.insert(metadata::GROUP, topic.group.into());
        let cluster = self.0.dialer.identity.cluster.load();
        if !cluster.is_empty() {
            let cluster = MetadataValue::try_from(cluster.as_str())
                .map_err(|_| CarryError::Refused("the id of the cluster is not text".to_owned()))?;
            metadata.insert(metadata::CLUSTER, cluster);
        }
        Ok(request)
    }
}

impl Carrier for Link {
    fn call(
        &self,
        to: MemberId,
        topic: Topic,
        body: Bytes,
        limit: Duration,
    ) -> BoxFuture<'static, Result<Bytes, CarryError>> {
        match self.target(to) {
            Ok(target) => self.call_target(target, topic, body, limit),
            Err(error) => futures::future::ready(Err(error)).boxed(),
        }
    }

    fn stream(
        &self,
        to: MemberId,
        topic: Topic,
        sent: BoxStream<'static, Bytes>,
    ) -> BoxFuture<'static, Result<Frames, CarryError>> {
        let (link, limit) = (self.clone(), self.0.dialer.options.accept_timeout);
        async move {
            let target = link.target(to)?;
            let (sent, kept) = Sent::new(sent, target.clone());
            let request = link.request(topic, sent)?;
            let opened = tokio::time::timeout(limit, open(target.clone(), lane(topic), request)).await;
            let late = || CarryError::Timeout { member: target.address().name.clone(), limit };
            let accepted = target.count(opened.unwrap_or_else(|_| Err(late())))?.into_inner();
            let member = target.address().name.clone();
            Ok(frames(accepted, member, move |bytes| {
                let _ = &kept;
                target.counters.received_bytes.fetch_add(bytes, Relaxed);
            }))
        }
        .boxed()
    }

    fn upload(
        &self,
        to: MemberId,
        topic: Topic,
        sent: BoxStream<'static, Bytes>,
    ) -> BoxFuture<'static, Result<Bytes, CarryError>> {
        let link = self.clone();
        async move {
            let target = link.target(to)?;
            let (sent, kept) = Sent::new(sent, target.clone());
            let request = link.request(topic, sent)?;
            let uploaded = upload(target.clone(), request).await;
            drop(kept);
            let replied = target.count(uploaded)?.into_inner();
            target.counters.received_bytes.fetch_add(replied.body.len() as u64, Relaxed);
            Ok(replied.body)
        }
        .boxed()
    }
}

/// Bodies that are sent, counted. (A type of its own: rustc cannot prove that a request of a boxed
/// stream is `Send`.)
struct Sent {
    bodies: BoxStream<'static, Bytes>,
    target: Arc<Target>,
    /// Ends the stream when nobody waits for what comes back any more: HTTP/2 would go on.
    abandoned: oneshot::Receiver<()>,
}

impl Sent {
    /// The stream, and what must be kept as long as it is to go on.
    fn new(bodies: BoxStream<'static, Bytes>, target: Arc<Target>) -> (Sent, oneshot::Sender<()>) {
        let (kept, abandoned) = oneshot::channel();
        (Sent { bodies, target, abandoned }, kept)
    }
}

impl Stream for Sent {
    type Item = Frame;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        if self.abandoned.poll_unpin(cx).is_ready() {
            return Poll::Ready(None);
        }
        let next = self.bodies.poll_next_unpin(cx);
        if let Poll::Ready(Some(body)) = &next {
            self.target.counters.sent_bytes.fetch_add(body.len() as u64, Relaxed);
        }
        next.map(|body| body.map(|body| Frame { body }))
    }
}

async fn call(target: Arc<Target>, request: Request<Asked>) -> Result<Response<Reply>, CarryError> {
    let connection = target.connection(Lane::Control, false).await?;
    let replied = connection.client().call(request).await;
    replied.map_err(|status| target.failed(&connection, status))
}

async fn open(
    target: Arc<Target>,
    lane: Lane,
    request: Request<Sent>,
) -> Result<Response<Streaming<Frame>>, CarryError> {
    let connection = target.connection(lane, true).await?;
    let accepted = connection.client().stream(request).await;
    accepted.map_err(|status| target.failed(&connection, status))
}

async fn upload(target: Arc<Target>, request: Request<Sent>) -> Result<Response<Reply>, CarryError> {
    let connection = target.connection(Lane::Upload, false).await?;
    let replied = connection.client().upload(request).await;
    replied.map_err(|status| target.failed(&connection, status))
}

/// Streams of bulk do not hold up votes and heartbeats.
fn lane(topic: Topic) -> Lane {
    match topic {
        Topic { kind: kind::INGEST, .. } => Lane::Bulk,
        Topic { kind: kind::APPEND, group } if group != 0 => Lane::Bulk,
        _ => Lane::Control,
    }
}
