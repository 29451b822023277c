//! Reading a group's entries in order, with bounded memory, while the log is being written.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::Position;
use super::format::{Header, Op, RECORD_HEADER};
use super::index::{SegmentFacts, Slot};
use super::segment;
use super::writer::Surroundings;
use crate::error::{Error, Result};

/// Places looked up at once.
const SLOTS: usize = 1024;
/// The smallest read, when the group's next entries lie far apart.
const WINDOW_MIN: usize = 8 * 1024;
/// The largest read, and so what one retained small entry may keep in memory.
const WINDOW_MAX: usize = 256 * 1024;
/// Up to this average distance between entries, reading what lies between them is cheaper than
/// reading each for itself.
const GAP_MAX: usize = 8 * 1024;

/// One entry of a group's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its index in the group.
    pub index: u64,
    /// The byte that its writer gave it.
    pub kind: u8,
    /// Its payload. Entries read together share one buffer of at most 256 KiB: copy what is kept.
    pub bytes: Bytes,
}

/// The entries of one group in a range of indexes, ascending; ends after the last entry there is, or
/// after the first error.
pub struct Reader {
    around: Arc<Surroundings>,
    group: u64,
    next: u64,
    end: u64,
    slots: VecDeque<Slot>,
    open: Option<OpenSegment>,
    ended: bool,
}

struct OpenSegment {
    number: u32,
    salt: u64,
    path: PathBuf,
    file: File,
    window: Bytes,
    window_at: u64,
}

impl Reader {
    pub(crate) fn new(around: Arc<Surroundings>, group: u64, range: Range<u64>) -> Reader {
        Reader {
            around,
            group,
            next: range.start,
            end: range.end,
            slots: VecDeque::new(),
            open: None,
            ended: false,
        }
    }

    fn step(&mut self) -> Result<Option<Entry>> {
        if self.next >= self.end {
            return Ok(None);
        }
        if self.slots.is_empty() {
            let count = usize::try_from(self.end - self.next).unwrap_or(SLOTS).min(SLOTS);
            let index = self.around.index.lock();
            self.next = index.slots(self.group, self.next, count, &mut self.slots)?;
            if self.next >= self.end {
                return Ok(None);
            }
        }
        let Some(slot) = self.slots.pop_front() else {
            return Ok(None);
        };
        match self.entry(slot) {
            Ok(entry) => {
                self.next += 1;
                Ok(Some(entry))
            }
            Err(error) => Err(self.explain(error)),
        }
    }

    /// A segment may go, or be used again, while it is read: that is a purge and no damage.
    fn explain(&self, error: Error) -> Error {
        let index = self.around.index.lock();
        if index.holds(self.group, self.next) {
            return error;
        }
        let bounds = index.bounds(self.group);
        let first = bounds.first.or(bounds.purged.map(|p| p.saturating_add(1))).unwrap_or(0);
        Error::Purged { group: self.group, index: self.next, first }
    }

    fn entry(&mut self, slot: Slot) -> Result<Entry> {
        let offset = u64::from(slot.offset);
        let open = match self.open.take() {
            Some(open) if open.number == slot.segment => self.open.insert(open),
            _ => self.open.insert(OpenSegment::open(&self.around, slot.segment)?),
        };
        let bytes = match open.cached(offset, RECORD_HEADER) {
            Some(bytes) => bytes,
            None => {
                let written = self.around.syncer.written();
                open.load(offset, reach(&self.slots, slot, written))?;
                open.bytes(offset, RECORD_HEADER)?
            }
        };
        let header = <&[u8; RECORD_HEADER]>::try_from(bytes.as_ref())
            .map_err(|_| open.damaged(offset, "the segment ends inside a record"))?;
        let header = Header::decode(header, open.salt, offset)
            .filter(|h| h.op == Op::Data && h.group == self.group && h.index == self.next)
            .ok_or_else(|| open.damaged(offset, "the header of a record does not read back"))?;
        let len = header.len as usize;
        let bytes = open.bytes(offset + RECORD_HEADER as u64, len)?;
        if bytes.len() != len || crc32fast::hash(&bytes) != header.payload_crc {
            return Err(open.damaged(offset, "the payload of a record does not read back"));
        }
        Ok(Entry { index: header.index, kind: header.kind, bytes })
    }
}

/// How many bytes to read at `slot`: up to the last of the `next` entries that lie close together,
/// and nothing that is not written yet, because a later look-up would find it as it was.
fn reach(next: &VecDeque<Slot>, slot: Slot, written: Position) -> usize {
    let (mut span, mut count) = (0, 0);
    for next in next.iter().take_while(|next| next.segment == slot.segment) {
        let distance = next.offset.saturating_sub(slot.offset) as usize;
        if distance + WINDOW_MIN > WINDOW_MAX {
            break;
        }
        (span, count) = (distance, count + 1);
    }
    let dense = count > 0 && span / count <= GAP_MAX;
    let reach = if dense { span + WINDOW_MIN } else { WINDOW_MIN };
    match written.segment() == slot.segment {
        true => reach.min(written.offset().saturating_sub(slot.offset) as usize),
        false => reach,
    }
}

impl Iterator for Reader {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        if self.ended {
            return None;
        }
        let item = self.step().transpose();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

impl OpenSegment {
    fn open(around: &Surroundings, number: u32) -> Result<OpenSegment> {
        let path = segment::path_of(&around.dir, number);
        let facts = around.index.lock().segments.get(&number).copied();
        let Some(SegmentFacts { salt, .. }) = facts else {
            return Err(Error::corrupt(&path, 0, "the segment is not there"));
        };
        let file = File::open(&path).map_err(|source| Error::io("open", &path, 0, source))?;
        let (window, window_at) = (Bytes::new(), 0);
        Ok(OpenSegment { number, salt, path, file, window, window_at })
    }

    fn damaged(&self, offset: u64, what: &str) -> Error {
        Error::corrupt(&self.path, offset, what)
    }

    /// Makes `reach` bytes at `offset` the window.
    fn load(&mut self, offset: u64, reach: usize) -> Result<()> {
        self.window = self.read(offset, reach)?;
        self.window_at = offset;
        Ok(())
    }

    /// `len` bytes at `offset`, or fewer where the file ends.
    fn bytes(&self, offset: u64, len: usize) -> Result<Bytes> {
        match self.cached(offset, len) {
            Some(bytes) => Ok(bytes),
            None => self.read(offset, len),
        }
    }

    fn read(&self, offset: u64, len: usize) -> Result<Bytes> {
        read_up_to(&self.file, offset, len).map_err(|source| Error::io("read", &self.path, 0, source))
    }

    fn cached(&self, offset: u64, len: usize) -> Option<Bytes> {
        let start = usize::try_from(offset.checked_sub(self.window_at)?).ok()?;
        let end = start.checked_add(len)?;
        (end <= self.window.len()).then(|| self.window.slice(start..end))
    }
}

fn read_up_to(file: &File, offset: u64, len: usize) -> io::Result<Bytes> {
    let mut bytes = vec![0u8; len];
    let mut read = 0;
    while read < len {
        match file.read_at(&mut bytes[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(read);
    Ok(bytes.into())
}
