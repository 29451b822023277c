//! An entry as a record of the segment log: a header of twelve bytes, then the content.

use bytes::Bytes;

use super::codec::{Decode, Encode, Reader, Torn};
use super::ids::{EntryId, Membership, Proposal};
use super::types::{Entry, Payload, entry, from_log_id, membership_from, membership_to};

/// Set in the kind of every record that Raft writes, so that they can be told from those of a member
/// that ran alone. The other bits say what the record contains.
pub const RECORD_KIND: u8 = 0x80;

const FORMAT: u8 = 1;
const BLANK: u8 = 0;
const PROPOSAL: u8 = 1;
const MEMBERSHIP: u8 = 2;

/// Bytes before the content of a record.
pub(crate) const HEADER: usize = 12;

/// An entry taken apart to be written.
pub(crate) struct Parts {
    pub index: u64,
    pub kind: u8,
    pub header: [u8; HEADER],
    pub body: Bytes,
}

/// Takes an entry apart.
pub(crate) fn parts(entry: &Entry) -> Parts {
    let id = from_log_id(entry.log_id);
    let (content, proposal, body) = body(&entry.payload);
    let mut header = [0; HEADER];
    header[0] = FORMAT;
    header[1] = content;
    header[2] = proposal;
    header[4..].copy_from_slice(&id.term.to_le_bytes());
    Parts { index: id.index, kind: RECORD_KIND | content, header, body }
}

/// The number of a payload's content, the kind of its proposal, and its bytes.
pub(crate) fn body(payload: &Payload) -> (u8, u8, Bytes) {
    match payload {
        Payload::Blank => (BLANK, 0, Bytes::new()),
        Payload::Normal(data) => (PROPOSAL, data.0.kind, data.0.bytes.clone()),
        Payload::Membership(membership) => {
            let mut out = Vec::with_capacity(64);
            membership_from(None, membership).put(&mut out);
            (MEMBERSHIP, 0, out.into())
        }
    }
}

/// Puts a payload together again.
pub(crate) fn payload(content: u8, kind: u8, bytes: Bytes) -> Result<Payload, Torn> {
    Ok(match content {
        BLANK => Payload::Blank,
        PROPOSAL => Payload::Normal(Proposal { kind, bytes }.into()),
        MEMBERSHIP => {
            let mut reader = Reader::new(bytes);
            let membership = Membership::decode_from(&mut reader)?;
            reader.end()?;
            Payload::Membership(membership_to(&membership)?)
        }
        _ => return Err(Torn::Wrong("an entry has content of an unknown kind")),
    })
}

/// Reads a record of the log.
pub(crate) fn read(record: store::Entry) -> Result<Entry, Torn> {
    let (id, content, kind, bytes) = open(record)?;
    Ok(entry(id, payload(content, kind, bytes)?))
}

/// Reads the place of a record of the log.
pub(crate) fn read_id(record: store::Entry) -> Result<EntryId, Torn> {
    open(record).map(|(id, ..)| id)
}

fn open(record: store::Entry) -> Result<(EntryId, u8, u8, Bytes), Torn> {
    if record.kind & RECORD_KIND == 0 {
        return Err(Torn::Wrong("the record was not written by Raft"));
    }
    let mut reader = Reader::new(record.bytes);
    reader.version(FORMAT)?;
    let content = u8::decode_from(&mut reader)?;
    let kind = u8::decode_from(&mut reader)?;
    u8::decode_from(&mut reader)?;
    let term = u64::decode_from(&mut reader)?;
    Ok((EntryId { term, index: record.index }, content, kind, reader.rest()))
}
