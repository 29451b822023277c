//! What this member's part in a group answers to the other members.

use std::io::{Seek, SeekFrom};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use super::apply::{SnapshotData, meta_of};
use super::group::Group;
use super::types::Types;
use super::wire::{self, Append, Appended, Offer, Piece, TransferRequest, VoteRequest};
use crate::carrier::{Frames, MemberId};

/// Answers are texts that the other member logs.
type Answer<T> = Result<T, String>;

impl Group {
    /// A vote is asked for.
    pub(crate) async fn on_vote(&self, from: MemberId, body: Bytes) -> Answer<Bytes> {
        let request: VoteRequest = wire::decode(body).map_err(unreadable)?;
        speaks_for(from, &request.vote)?;
        let answer = self.raft().vote(request).await.map_err(stopped)?;
        Ok(wire::encode(&answer))
    }

    /// Whether a vote would be given.
    pub(crate) async fn on_pre_vote(&self, from: MemberId, body: Bytes) -> Answer<Bytes> {
        let request: VoteRequest = wire::decode(body).map_err(unreadable)?;
        speaks_for(from, &request.vote)?;
        let answer = self.raft().pre_vote(request).await.map_err(stopped)?;
        Ok(wire::encode(&answer))
    }

    /// Leadership is handed over, to this member or to another one.
    pub(crate) async fn on_transfer(&self, from: MemberId, body: Bytes) -> Answer<Bytes> {
        let request: TransferRequest = wire::decode(body).map_err(unreadable)?;
        speaks_for(from, request.from_leader())?;
        let answer = self.raft().handle_transfer_leader(request).await.map_err(stopped)?;
        Ok(wire::encode(&answer))
    }

    /// A leader's stream of entries. It ends with the first request that cannot be read and behind the
    /// first answer that is not a success.
    pub(crate) fn on_append(&self, from: MemberId, received: Frames) -> BoxStream<'static, Bytes> {
        let group = self.number();
        let (numbers, mut numbered) = mpsc::unbounded_channel();
        let read = move |frame: Result<Bytes, crate::CarryError>| {
            let append = wire::decode::<Append>(frame.ok()?).map_err(unreadable);
            match append.and_then(|append| speaks_for(from, &append.request.vote).map(|()| append)) {
                Ok(Append { number, request }) => numbers.send(number).ok().map(|()| request),
                Err(why) => {
                    tracing::warn!(group, from, why, "refused what a member wants to append");
                    None
                }
            }
        };
        let requests = tokio_stream::StreamExt::map_while(received, read);
        let results = self.raft().stream_append(requests);
        let answers = tokio_stream::StreamExt::map_while(results, move |result| {
            let answer = numbered.try_recv().ok().zip(result.ok());
            answer.map(|(number, result)| wire::encode(&Appended { number, result }))
        });
        answers.boxed()
    }

    /// A leader's snapshot, because the leader's log does not reach back far enough.
    pub(crate) async fn on_snapshot(&self, from: MemberId, mut received: Frames) -> Answer<Bytes> {
        let first = received.next().await.ok_or("a snapshot without content")?;
        let offer: Offer = wire::decode(first.map_err(broken)?).map_err(unreadable)?;
        speaks_for(from, &offer.vote)?;
        let file = self.receive(received).await?;
        let meta = meta_of(&offer.position).map_err(|error| error.to_string())?;
        let snapshot = openraft::alias::SnapshotOf::<Types, _> { meta, snapshot: SnapshotData::File(file) };
        let installed = self.raft().install_full_snapshot(offer.vote, snapshot).await;
        Ok(wire::encode(&installed.map_err(stopped)?.vote))
    }

    async fn receive(&self, mut received: Frames) -> Answer<std::fs::File> {
        let spool = self.spool().clone();
        let file = tokio::task::spawn_blocking(move || spool.file()).await;
        let file = file.map_err(spooling)?.map_err(spooling)?;
        let mut file = tokio::fs::File::from_std(file);
        let mut bytes = 0u64;
        while let Some(frame) = received.next().await {
            match wire::decode_piece(frame.map_err(broken)?).map_err(unreadable)? {
                Piece::Data(data) => {
                    file.write_all(&data).await.map_err(spooling)?;
                    bytes += data.len() as u64;
                }
                Piece::End(total) if total == bytes => {
                    file.flush().await.map_err(spooling)?;
                    let mut file = file.into_std().await;
                    file.seek(SeekFrom::Start(0)).map_err(spooling)?;
                    return Ok(file);
                }
                Piece::End(total) => {
                    return Err(format!("the snapshot has {bytes} bytes, and should have {total}"));
                }
            }
        }
        Err(format!("the snapshot broke off after {bytes} bytes"))
    }
}

/// Nobody speaks in another member's name.
fn speaks_for(from: MemberId, vote: &super::types::Vote) -> Answer<()> {
    let speaker = vote.leader_id.voted_for;
    if speaker == from { Ok(()) } else { Err(format!("member {from} speaks for member {speaker}")) }
}

fn unreadable(torn: super::codec::Torn) -> String {
    format!("cannot read the request: {torn}")
}

fn broken(error: crate::CarryError) -> String {
    format!("the snapshot broke off: {error}")
}

fn spooling(error: impl std::fmt::Display) -> String {
    format!("cannot write the snapshot to the spool: {error}")
}

fn stopped(error: impl std::fmt::Display) -> String {
    format!("the group has stopped: {error}")
}
