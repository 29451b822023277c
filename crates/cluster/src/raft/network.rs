//! The other members of a group, as openraft wants them, over a [`Carrier`].

use std::fs::File;
use std::future::Future;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use futures::{Stream, stream};
use openraft::RPCTypes;
use openraft::errors::{ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{
    Backoff, NetBackoff, NetSnapshot, NetStreamAppend, NetTransferLeader, NetVote, RPCOption,
    RaftNetworkFactory,
};
use openraft::raft::SnapshotResponse;

use super::apply::SnapshotData;
use super::codec::{Decode, Encode, Torn};
use super::ids::Position;
use super::link::Dialer;
use super::spool::Spool;
use super::stream::{self as session, Route};
use super::types::{AppendRequest, AppendResult, RpcError, Types, Vote};
use super::wire::{self, Offer, TransferRequest, TransferResponse, VoteRequest, VoteResponse};
use crate::carrier::{Carrier, CarryError, MemberId, Topic, kind};

/// A frame of a snapshot.
const FRAME_BYTES: usize = 1 << 20;
/// The first pause after a member could not be reached; each next one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(20);

/// Makes the ways to the other members of one group.
#[derive(Clone)]
pub(crate) struct Network {
    pub carrier: Arc<dyn Carrier>,
    pub me: MemberId,
    pub group: u64,
    pub spool: Spool,
    /// How long an answer may take.
    pub silence: Duration,
    /// The longest pause before a member is tried again.
    pub pause_max: Duration,
    /// How long it may take to tell what is committed, when entries could tell it.
    pub patience: Duration,
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Peer;

    async fn new_client(&mut self, target: MemberId, _: &()) -> Peer {
        let topic = Topic { kind: kind::APPEND, group: self.group };
        let dialer = Dialer::new(Arc::clone(&self.carrier), target, topic);
        Peer { network: self.clone(), to: target, dialer, patience: self.patience }
    }

    async fn new_heartbeat_client(&mut self, target: MemberId, node: &()) -> Peer {
        // A heartbeat has no entries, and must not wait for any.
        Peer { patience: Duration::ZERO, ..self.new_client(target, node).await }
    }
}

/// The way to one other member of the group.
pub(crate) struct Peer {
    network: Network,
    to: MemberId,
    dialer: Dialer,
    /// How long what is committed may wait to be told with the next entries.
    patience: Duration,
}

impl Peer {
    fn route(&self) -> Route {
        let patience = self.patience;
        Route { me: self.network.me, to: self.to, silence: self.network.silence, patience }
    }

    fn topic(&self, kind: u32) -> Topic {
        Topic { kind, group: self.network.group }
    }

    async fn call<T: Decode>(
        &self,
        kind: u32,
        action: RPCTypes,
        request: &impl Encode,
        limit: Duration,
    ) -> Result<T, RpcError> {
        let topic = self.topic(kind);
        let call = self.network.carrier.call(self.to, topic, wire::encode(request), limit);
        match call.await {
            Ok(answer) => wire::decode(answer).map_err(|torn| unreachable(&torn)),
            Err(CarryError::Timeout { .. }) => Err(RpcError::Timeout(self.route().timeout(action, limit))),
            Err(error) => Err(unreachable(&error)),
        }
    }

    async fn upload(&self, vote: Vote, data: SnapshotData, position: Position) -> Result<Vote, Failure> {
        let spool = self.network.spool.clone();
        let spooled = tokio::task::spawn_blocking(move || match data {
            SnapshotData::Source(source) => spool.write(&*source),
            SnapshotData::File(file) => Ok((position, file)),
        });
        let (position, file) = spooled.await??;
        tracing::info!(
            group = self.network.group,
            to = self.to,
            index = position.id.index,
            "sending a snapshot to a member that lags behind the log"
        );
        let offer = wire::encode(&Offer { vote, position });
        let frames = stream::once(async { offer }).chain(frames(file)).boxed();
        let answer = self.network.carrier.upload(self.to, self.topic(kind::SNAPSHOT), frames).await?;
        Ok(wire::decode(answer)?)
    }
}

/// Why a snapshot did not arrive. None of it is fatal: it is sent again.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot write the snapshot to the spool: {0}")]
    Spool(#[from] std::io::Error),
    #[error("cannot write the snapshot to the spool: {0}")]
    Task(#[from] tokio::task::JoinError),
    #[error(transparent)]
    Carry(#[from] CarryError),
    #[error("the answer cannot be read: {0}")]
    Torn(#[from] Torn),
}

fn unreachable(error: &(impl std::error::Error + 'static)) -> RpcError {
    RpcError::Unreachable(Unreachable::new(error))
}

/// The file in frames, each read where reading may block. A file that cannot be read ends too early,
/// which the receiver notices by the length that the last frame states.
fn frames(file: File) -> impl Stream<Item = Bytes> + Send + 'static {
    stream::unfold(Some((file, 0u64)), async |state| {
        let (mut file, sent) = state?;
        let read = tokio::task::spawn_blocking(move || {
            let mut frame = Vec::with_capacity(FRAME_BYTES);
            frame.push(wire::PIECE_DATA);
            let count = (&mut file).take(FRAME_BYTES as u64 - 1).read_to_end(&mut frame);
            count.map(|count| (file, frame, count))
        });
        match read.await {
            Ok(Ok((_, _, 0))) => Some((wire::encode_end(sent), None)),
            Ok(Ok((file, frame, count))) => Some((frame.into(), Some((file, sent + count as u64)))),
            Ok(Err(error)) => {
                tracing::warn!(%error, "cannot read a spooled snapshot");
                None
            }
            Err(_) => None,
        }
    })
}

impl NetBackoff<Types> for Peer {
    fn backoff(&self) -> Option<Backoff> {
        let max = self.network.pause_max;
        let pauses = std::iter::successors(Some(PAUSE_MIN), move |pause| Some((*pause * 2).min(max)));
        Some(Backoff::new(pauses))
    }
}

impl NetStreamAppend<Types> for Peer {
    fn stream_append<'s, S>(
        &'s mut self,
        input: S,
        _: RPCOption,
    ) -> BoxFuture<'s, Result<BoxStream<'s, Result<AppendResult, RpcError>>, RpcError>>
    where
        S: Stream<Item = AppendRequest> + Send + Unpin + 'static,
    {
        let route = self.route();
        Box::pin(session::append(&mut self.dialer, route, input))
    }
}

impl NetVote<Types> for Peer {
    async fn vote(&mut self, request: VoteRequest, option: RPCOption) -> Result<VoteResponse, RpcError> {
        self.call(kind::VOTE, RPCTypes::Vote, &request, option.hard_ttl()).await
    }

    async fn pre_vote(&mut self, request: VoteRequest, option: RPCOption) -> Result<VoteResponse, RpcError> {
        self.call(kind::PRE_VOTE, RPCTypes::Vote, &request, option.hard_ttl()).await
    }
}

impl NetTransferLeader<Types> for Peer {
    async fn transfer_leader(
        &mut self,
        request: TransferRequest,
        option: RPCOption,
    ) -> Result<TransferResponse, RpcError> {
        // The receiver waits until its log is durable before it answers.
        self.call(kind::TRANSFER, RPCTypes::TransferLeader, &request, option.hard_ttl()).await
    }
}

impl NetSnapshot<Types> for Peer {
    type SnapshotData = SnapshotData;

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: openraft::alias::SnapshotOf<Types, SnapshotData>,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        _: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let Some(position) = super::types::position_of(&snapshot.meta) else {
            return Err(StreamingError::Closed(ReplicationClosed::new("the snapshot has no position")));
        };
        let sent = tokio::select! {
            closed = cancel => return Err(StreamingError::Closed(closed)),
            sent = self.upload(vote, snapshot.snapshot, position) => sent,
        };
        match sent {
            Ok(vote) => Ok(SnapshotResponse::new(vote)),
            Err(failure) => {
                let group = self.network.group;
                tracing::warn!(group, to = self.to, error = %failure, "a snapshot did not arrive");
                Err(StreamingError::Unreachable(Unreachable::new(&failure)))
            }
        }
    }
}
