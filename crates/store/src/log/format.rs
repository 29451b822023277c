//! The bytes of a segment: its header and the headers of its records.
//!
//! ```text
//! segment   64 bytes: magic 8 | version u32 | crc u32 | number u32 | zero u32 | salt u64 | zeros
//! record    40 bytes: crc u32 | tag u32 | payload length u32 | payload crc u32 | synced u32
//!                     | op u8 | kind u8 | flags u8 | 0 | group u64 | index u64,
//!           then the payload, then zeros up to a multiple of 8
//! ```
//!
//! All little-endian. The salt is random per segment: its upper half stands in every record as the
//! tag, its lower half and the record's offset seed the header's crc. So neither a record left over
//! from a recycled file, nor one that a client crafted inside its payload, is taken for a record.
//!
//! `synced` is how far this segment was known to be on the platter when the record was written; a
//! non-zero value says so of all earlier segments too. It tells damage from a power cut.

/// Bytes before the first record of a segment.
pub(crate) const SEGMENT_HEADER: u64 = 64;
/// Bytes before the payload of a record.
pub(crate) const RECORD_HEADER: usize = 40;
/// The largest size of one append call, so that offsets fit 32 bits with room to spare.
pub(crate) const CALL_MAX: u64 = 1 << 30;

const MAGIC: [u8; 8] = *b"FARADLOG";
/// The version of this file format.
pub(crate) const VERSION: u32 = 1;
const FLAG_CONTINUES: u8 = 1;

/// What a record does to its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Op {
    /// Appends an entry.
    Data = 1,
    /// Forgets the entries up to and including `index`.
    Purge = 2,
    /// Forgets the entries after `index`.
    Truncate = 3,
    /// Forgets all about the group.
    Forget = 4,
    /// The purge marks of all groups; first record of every segment.
    Marks = 5,
    /// The last record of a segment that has a successor.
    Seal = 6,
    /// Nothing but its `synced` field, written when the log goes idle.
    Synced = 7,
}

impl Op {
    fn from_byte(byte: u8) -> Option<Op> {
        Some(match byte {
            1 => Op::Data,
            2 => Op::Purge,
            3 => Op::Truncate,
            4 => Op::Forget,
            5 => Op::Marks,
            6 => Op::Seal,
            7 => Op::Synced,
            _ => return None,
        })
    }
}

/// The header of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub op: Op,
    /// The caller's own byte.
    pub kind: u8,
    /// More records of the same call follow; a call counts only when it is complete.
    pub continues: bool,
    pub group: u64,
    pub index: u64,
    /// Payload bytes.
    pub len: u32,
    pub payload_crc: u32,
    pub synced: u32,
}

impl Header {
    /// A record without payload.
    pub(crate) fn control(op: Op, group: u64, index: u64, synced: u32) -> Header {
        Header { op, kind: 0, continues: false, group, index, len: 0, payload_crc: 0, synced }
    }

    /// Bytes that the record takes in the file.
    pub(crate) fn size(&self) -> u64 {
        record_size(u64::from(self.len))
    }

    /// The header as it stands at `offset` of a segment with `salt`.
    pub(crate) fn encode(&self, salt: u64, offset: u64) -> [u8; RECORD_HEADER] {
        let mut bytes = [0u8; RECORD_HEADER];
        bytes[4..8].copy_from_slice(&tag(salt).to_le_bytes());
        bytes[8..12].copy_from_slice(&self.len.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.payload_crc.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.synced.to_le_bytes());
        bytes[20] = self.op as u8;
        bytes[21] = self.kind;
        bytes[22] = if self.continues { FLAG_CONTINUES } else { 0 };
        bytes[24..32].copy_from_slice(&self.group.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.index.to_le_bytes());
        let crc = header_crc(&bytes, salt, offset);
        bytes[..4].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The header that stands in `bytes` at `offset`, or `None` when there is none.
    pub(crate) fn decode(bytes: &[u8; RECORD_HEADER], salt: u64, offset: u64) -> Option<Header> {
        // The tag first: it is what makes searching 64 MB for a header cheap.
        if u32_at(bytes, 4) != tag(salt) || u32_at(bytes, 0) != header_crc(bytes, salt, offset) {
            return None;
        }
        Some(Header {
            op: Op::from_byte(bytes[20])?,
            kind: bytes[21],
            continues: bytes[22] & FLAG_CONTINUES != 0,
            group: u64_at(bytes, 24),
            index: u64_at(bytes, 32),
            len: u32_at(bytes, 8),
            payload_crc: u32_at(bytes, 12),
            synced: u32_at(bytes, 16),
        })
    }
}

/// Bytes of a record with a payload of `len` bytes, padding included.
pub(crate) fn record_size(len: u64) -> u64 {
    (RECORD_HEADER as u64 + len).next_multiple_of(8)
}

/// The first 64 bytes of a segment.
pub(crate) fn encode_segment(number: u32, salt: u64) -> [u8; SEGMENT_HEADER as usize] {
    let mut bytes = [0u8; SEGMENT_HEADER as usize];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..20].copy_from_slice(&number.to_le_bytes());
    bytes[24..32].copy_from_slice(&salt.to_le_bytes());
    let crc = segment_crc(&bytes);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// What the first bytes of a segment say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SegmentHeader {
    /// A segment of ours, by number and salt.
    Ours { number: u32, salt: u64 },
    /// A segment of another version.
    Version(u32),
    /// Anything else.
    Damaged,
}

/// Reads the first 64 bytes of a segment.
pub(crate) fn decode_segment(bytes: &[u8; SEGMENT_HEADER as usize]) -> SegmentHeader {
    if bytes[..8] != MAGIC || u32_at(bytes, 12) != segment_crc(bytes) {
        return SegmentHeader::Damaged;
    }
    match u32_at(bytes, 8) {
        VERSION => SegmentHeader::Ours { number: u32_at(bytes, 16), salt: u64_at(bytes, 24) },
        version => SegmentHeader::Version(version),
    }
}

/// The payload of a [`Op::Marks`] record.
pub(crate) fn encode_marks(marks: impl Iterator<Item = (u64, u64)>) -> Vec<u8> {
    marks.flat_map(|(group, purged)| [group.to_le_bytes(), purged.to_le_bytes()]).flatten().collect()
}

/// The pairs of group and purge mark in the payload of a [`Op::Marks`] record.
pub(crate) fn decode_marks(payload: &[u8]) -> impl Iterator<Item = (u64, u64)> + '_ {
    payload.chunks_exact(16).map(|pair| (u64_at(pair, 0), u64_at(pair, 8)))
}

/// Whether the bytes were meant as a header of this segment, whole or not.
pub(crate) fn carries_tag(bytes: &[u8; RECORD_HEADER], salt: u64) -> bool {
    u32_at(bytes, 4) == tag(salt)
}

fn tag(salt: u64) -> u32 {
    (salt >> 32) as u32
}

fn header_crc(bytes: &[u8; RECORD_HEADER], salt: u64, offset: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt as u32 ^ offset as u32);
    hasher.update(&bytes[4..]);
    hasher.finalize()
}

fn segment_crc(bytes: &[u8; SEGMENT_HEADER as usize]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes[..12]);
    hasher.update(&bytes[16..]);
    hasher.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            op: Op::Data,
            kind: 200,
            continues: true,
            group: u64::MAX - 3,
            index: 1 << 40,
            len: 77,
            payload_crc: 5,
            synced: 4096,
        }
    }

    #[test]
    fn a_header_reads_back_only_where_it_was_written() {
        let salt = 0x1234_5678_9abc_def0;
        let bytes = header().encode(salt, 640);
        assert_eq!(Header::decode(&bytes, salt, 640), Some(header()));
        assert_eq!(Header::decode(&bytes, salt, 648), None);
        assert_eq!(Header::decode(&bytes, salt + 1, 640), None);
        assert_eq!(Header::decode(&bytes, salt + (1 << 32), 640), None);
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_noticed() {
        let bytes = header().encode(9, 64);
        for bit in 0..RECORD_HEADER * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&damaged, 9, 64), None, "bit {bit}");
        }
    }

    #[test]
    fn zeros_are_no_header() {
        assert_eq!(Header::decode(&[0; RECORD_HEADER], 0, 0), None);
    }

    #[test]
    fn a_segment_header_reads_back_and_names_other_versions() {
        let mut bytes = encode_segment(7, 99);
        assert_eq!(decode_segment(&bytes), SegmentHeader::Ours { number: 7, salt: 99 });
        bytes[40] ^= 1;
        assert_eq!(decode_segment(&bytes), SegmentHeader::Damaged);
        bytes[40] ^= 1;
        bytes[8] = 9;
        let crc = segment_crc(&bytes);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(decode_segment(&bytes), SegmentHeader::Version(9));
    }

    #[test]
    fn marks_read_back() {
        let marks = vec![(1, 10), (u64::MAX, 0)];
        let bytes = encode_marks(marks.iter().copied());
        assert_eq!(decode_marks(&bytes).collect::<Vec<_>>(), marks);
    }
}
