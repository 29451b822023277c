//! What the members of a group send each other.

use bytes::Bytes;
use openraft::raft::{StreamAppendError, TransferLeaderError, TransferLeaderRequest};

use super::codec::{Decode, Encode, Reader, Torn, put_len};
use super::ids::{EntryId, Membership, Position};
use super::record;
use super::types::{AppendRequest, AppendResult, Entry, LogId, Types, Vote, entry, from_log_id, to_log_id};

/// The version of all messages here.
const VERSION: u8 = 1;
/// The fewest bytes that an entry takes: term, index, two kinds, length.
const ENTRY_BYTES_MIN: usize = 22;

pub(crate) type VoteRequest = openraft::raft::VoteRequest<Types>;
pub(crate) type VoteResponse = openraft::raft::VoteResponse<Types>;
pub(crate) type TransferRequest = TransferLeaderRequest<Types>;
pub(crate) type TransferResponse = openraft::raft::TransferLeaderResponse<Types>;

/// Entries to append, numbered so that the answer can be told from that to an older request.
pub(crate) struct Append {
    pub number: u64,
    pub request: AppendRequest,
}

/// The answer to [`Append`].
#[derive(Debug)]
pub(crate) struct Appended {
    pub number: u64,
    pub result: AppendResult,
}

/// The first frame of a snapshot.
pub(crate) struct Offer {
    pub vote: Vote,
    pub position: Position,
}

/// Writes a message with its version.
pub(crate) fn encode(message: &impl Encode) -> Bytes {
    let mut out = Vec::with_capacity(128);
    out.push(VERSION);
    message.put(&mut out);
    out.into()
}

/// Reads a message.
pub(crate) fn decode<T: Decode>(bytes: Bytes) -> Result<T, Torn> {
    let mut reader = Reader::new(bytes);
    reader.version(VERSION)?;
    let message = T::decode_from(&mut reader)?;
    reader.end()?;
    Ok(message)
}

/// Writes a request to append. The entries' contents are copied once, into the frame.
pub(crate) fn encode_append(number: u64, request: &AppendRequest) -> Bytes {
    let bodies: Vec<_> = request.entries.iter().map(|entry| record::body(&entry.payload)).collect();
    let size: usize = bodies.iter().map(|(_, _, bytes)| ENTRY_BYTES_MIN + bytes.len()).sum();
    let mut out = Vec::with_capacity(96 + size);
    out.push(VERSION);
    number.put(&mut out);
    request.vote.put(&mut out);
    request.prev_log_id.put(&mut out);
    request.leader_commit.put(&mut out);
    put_len(request.entries.len(), &mut out);
    for (entry, (content, kind, bytes)) in request.entries.iter().zip(bodies) {
        entry.log_id.put(&mut out);
        out.extend_from_slice(&[content, kind]);
        bytes.put(&mut out);
    }
    out.into()
}

impl Decode for Append {
    fn decode_from(reader: &mut Reader) -> Result<Append, Torn> {
        let number = u64::decode_from(reader)?;
        let vote = Vote::decode_from(reader)?;
        let prev_log_id: Option<LogId> = Option::decode_from(reader)?;
        let leader_commit = Option::decode_from(reader)?;
        let count = reader.count(ENTRY_BYTES_MIN)?;
        let mut before = prev_log_id;
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            let entry = take_entry(reader)?;
            let expected = before.map_or(Some(0), |before| before.index().checked_add(1));
            if expected != Some(entry.log_id.index()) || before > Some(entry.log_id) {
                return Err(Torn::Wrong("the entries are not consecutive"));
            }
            before = Some(entry.log_id);
            entries.push(entry);
        }
        if before.is_some_and(|last| last.committed_leader_id().term > vote.leader_id.term) {
            return Err(Torn::Wrong("an entry is newer than the leader that sends it"));
        }
        Ok(Append { number, request: AppendRequest { vote, prev_log_id, entries, leader_commit } })
    }
}

fn take_entry(reader: &mut Reader) -> Result<Entry, Torn> {
    let id = EntryId::decode_from(reader)?;
    let (content, kind) = (u8::decode_from(reader)?, u8::decode_from(reader)?);
    let bytes = Bytes::decode_from(reader)?;
    Ok(entry(id, record::payload(content, kind, bytes)?))
}

impl Encode for Appended {
    fn put(&self, out: &mut Vec<u8>) {
        self.number.put(out);
        match &self.result {
            Ok(matched) => {
                out.push(0);
                matched.put(out);
            }
            Err(StreamAppendError::Conflict(id)) => {
                out.push(1);
                id.put(out);
            }
            Err(StreamAppendError::HigherVote(vote)) => {
                out.push(2);
                vote.put(out);
            }
        }
    }
}

impl Decode for Appended {
    fn decode_from(reader: &mut Reader) -> Result<Appended, Torn> {
        let number = u64::decode_from(reader)?;
        let result = match u8::decode_from(reader)? {
            0 => Ok(Option::decode_from(reader)?),
            1 => Err(StreamAppendError::Conflict(LogId::decode_from(reader)?)),
            2 => Err(StreamAppendError::HigherVote(Vote::decode_from(reader)?)),
            _ => return Err(Torn::Wrong("an answer of an unknown kind")),
        };
        Ok(Appended { number, result })
    }
}

impl Encode for Vote {
    fn put(&self, out: &mut Vec<u8>) {
        self.leader_id.term.put(out);
        self.leader_id.voted_for.put(out);
        self.committed.put(out);
    }
}

impl Decode for Vote {
    fn decode_from(reader: &mut Reader) -> Result<Vote, Torn> {
        let (term, member) = (u64::decode_from(reader)?, u64::decode_from(reader)?);
        Ok(if bool::decode_from(reader)? {
            Vote::new_committed(term, member)
        } else {
            Vote::new(term, member)
        })
    }
}

impl Encode for LogId {
    fn put(&self, out: &mut Vec<u8>) {
        from_log_id(*self).put(out);
    }
}

impl Decode for LogId {
    fn decode_from(reader: &mut Reader) -> Result<LogId, Torn> {
        EntryId::decode_from(reader).map(to_log_id)
    }
}

impl Encode for VoteRequest {
    fn put(&self, out: &mut Vec<u8>) {
        self.vote.put(out);
        self.last_log_id.put(out);
        self.leadership_transfer.put(out);
    }
}

impl Decode for VoteRequest {
    fn decode_from(reader: &mut Reader) -> Result<VoteRequest, Torn> {
        let mut request = VoteRequest::new(Vote::decode_from(reader)?, Option::decode_from(reader)?);
        request.leadership_transfer = bool::decode_from(reader)?;
        Ok(request)
    }
}

impl Encode for VoteResponse {
    fn put(&self, out: &mut Vec<u8>) {
        self.vote.put(out);
        self.last_log_id.put(out);
        self.vote_granted.put(out);
    }
}

impl Decode for VoteResponse {
    fn decode_from(reader: &mut Reader) -> Result<VoteResponse, Torn> {
        let (vote, last) = (Vote::decode_from(reader)?, Option::decode_from(reader)?);
        Ok(VoteResponse::new(vote, last, bool::decode_from(reader)?))
    }
}

impl Encode for TransferRequest {
    fn put(&self, out: &mut Vec<u8>) {
        self.from_leader().put(out);
        self.to_node_id().put(out);
        self.last_log_id().copied().put(out);
    }
}

impl Decode for TransferRequest {
    fn decode_from(reader: &mut Reader) -> Result<TransferRequest, Torn> {
        Ok(TransferRequest::new(
            Vote::decode_from(reader)?,
            u64::decode_from(reader)?,
            Option::decode_from(reader)?,
        ))
    }
}

impl Encode for TransferResponse {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Ok(()) => out.push(0),
            Err(TransferLeaderError::VoteChanged { expected, actual }) => {
                out.push(1);
                expected.put(out);
                actual.put(out);
            }
            Err(TransferLeaderError::LogNotFlushed { expected, actual }) => {
                out.push(2);
                expected.put(out);
                actual.put(out);
            }
        }
    }
}

impl Decode for TransferResponse {
    fn decode_from(reader: &mut Reader) -> Result<TransferResponse, Torn> {
        Ok(match u8::decode_from(reader)? {
            0 => Ok(()),
            1 => Err(TransferLeaderError::VoteChanged {
                expected: Vote::decode_from(reader)?,
                actual: Vote::decode_from(reader)?,
            }),
            2 => Err(TransferLeaderError::LogNotFlushed {
                expected: Option::decode_from(reader)?,
                actual: Option::decode_from(reader)?,
            }),
            _ => return Err(Torn::Wrong("an answer of an unknown kind")),
        })
    }
}

impl Encode for Offer {
    fn put(&self, out: &mut Vec<u8>) {
        self.vote.put(out);
        self.position.put(out);
    }
}

impl Decode for Offer {
    fn decode_from(reader: &mut Reader) -> Result<Offer, Torn> {
        let (vote, position) = (Vote::decode_from(reader)?, Position::decode_from(reader)?);
        if position.id.term > vote.leader_id.term {
            return Err(Torn::Wrong("a snapshot is newer than the leader that sends it"));
        }
        if Membership::decode(&position.membership).is_err() {
            return Err(Torn::Wrong("the membership of a snapshot"));
        }
        Ok(Offer { vote, position })
    }
}

/// A frame of a snapshot behind the first one.
pub(crate) enum Piece {
    /// The next bytes.
    Data(Bytes),
    /// There were so many bytes. It tells a snapshot that has ended from one that was broken off.
    End(u64),
}

/// The first byte of a frame with bytes of a snapshot; the bytes follow.
pub(crate) const PIECE_DATA: u8 = 0;
const PIECE_END: u8 = 1;

/// The last frame of a snapshot.
pub(crate) fn encode_end(bytes: u64) -> Bytes {
    let mut out = vec![PIECE_END];
    bytes.put(&mut out);
    out.into()
}

/// Reads a frame of a snapshot.
pub(crate) fn decode_piece(frame: Bytes) -> Result<Piece, Torn> {
    let mut reader = Reader::new(frame);
    match u8::decode_from(&mut reader)? {
        PIECE_DATA => Ok(Piece::Data(reader.rest())),
        PIECE_END => u64::decode_from(&mut reader).map(Piece::End),
        _ => Err(Torn::Wrong("a frame of an unknown kind")),
    }
}
