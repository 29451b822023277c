//! The one writer: checks the order of each call, encodes it, writes many calls with one system
//! call, moves on to the next segment, and takes back what a full disk cut short.

use std::io::IoSlice;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::Position;
use super::call::{Call, Item};
use super::disk::Disk;
use super::format::{self, Header, Op, RECORD_HEADER, SEGMENT_HEADER};
use super::index::{Index, SegmentFacts, Slot};
use super::segment::Segment;
use super::stats::Counters;
use super::supply::Supply;
use super::sync::Syncer;
use crate::error::{Error, Result};

/// Parts up to this size are copied next to their header; larger ones are written in place.
const COPY_MAX: usize = 16 * 1024;
/// The buffer gives memory back above this size.
const SCRATCH_KEPT: usize = 1 << 20;
/// The end of a segment that only control records use, so that a purge, which is what frees space,
/// can still be written on a full disk.
const RESERVE_MAX: u64 = 16 * 1024;

/// What the writer shares with the rest of the log.
pub(crate) struct Surroundings {
    pub dir: PathBuf,
    pub disk: Disk,
    pub segment_bytes: u64,
    pub index: Mutex<Index>,
    pub syncer: Syncer,
    pub supply: Supply,
    pub counters: Counters,
}

/// The writing end of the active segment.
pub(crate) struct Writer {
    around: Arc<Surroundings>,
    segment: Arc<Segment>,
    /// Where the next record goes.
    offset: u64,
    /// Bytes that the file has.
    size: u64,
    /// One past the last index of each group with records in the current run.
    ends: HashMap<u64, u64>,
    scratch: Vec<u8>,
}

/// Encoded calls that will be written together.
#[derive(Default)]
struct Run<'a> {
    scratch: Vec<u8>,
    pieces: Vec<Piece<'a>>,
    len: u64,
    entries: Vec<(u64, u64, Slot)>,
    /// Which calls are in the run, and where each ends.
    calls: Vec<(usize, u64)>,
}

enum Piece<'a> {
    Scratch(Range<usize>),
    Part(&'a [u8]),
}

impl<'a> Run<'a> {
    fn copy(&mut self, bytes: &[u8]) {
        let start = self.scratch.len();
        self.scratch.extend_from_slice(bytes);
        self.grow(start);
    }

    fn pad(&mut self) {
        let start = self.scratch.len();
        let padding = self.len.next_multiple_of(8) - self.len;
        self.scratch.resize(start + padding as usize, 0);
        self.grow(start);
    }

    fn grow(&mut self, start: usize) {
        let end = self.scratch.len();
        self.len += (end - start) as u64;
        match self.pieces.last_mut() {
            Some(Piece::Scratch(range)) if range.end == start => range.end = end,
            _ if end > start => self.pieces.push(Piece::Scratch(start..end)),
            _ => {}
        }
    }

    fn part(&mut self, part: &'a [u8]) {
        if part.len() <= COPY_MAX {
            self.copy(part);
        } else {
            self.len += part.len() as u64;
            self.pieces.push(Piece::Part(part));
        }
    }

    fn slices(&self) -> Vec<IoSlice<'_>> {
        let slice = |piece: &'_ Piece<'a>| match piece {
            Piece::Scratch(range) => (range.start, range.end, None),
            Piece::Part(part) => (0, 0, Some(*part)),
        };
        let pieces = self.pieces.iter().map(slice);
        pieces.map(|(start, end, part)| IoSlice::new(part.unwrap_or(&self.scratch[start..end]))).collect()
    }
}

impl Writer {
    /// Continues `segment` at `offset`.
    pub(crate) fn new(around: Arc<Surroundings>, segment: Arc<Segment>, offset: u64, size: u64) -> Writer {
        let (ends, scratch) = (HashMap::new(), Vec::new());
        Writer { around, segment, offset, size, ends, scratch }
    }

    /// Where the log ends now.
    pub(crate) fn position(&self) -> Position {
        Position::new(self.segment.number, self.offset)
    }

    /// The number of the segment that is written to.
    pub(crate) fn active(&self) -> u32 {
        self.segment.number
    }

    /// Writes the calls in order and hands each its result.
    pub(crate) fn write<'a>(&mut self, calls: &'a [Call<'a>], mut done: impl FnMut(usize, Result<Position>)) {
        let mut run = Run { scratch: std::mem::take(&mut self.scratch), ..Run::default() };
        for (number, call) in calls.iter().enumerate() {
            if let Err(error) = self.place(call, number, &mut run, &mut done) {
                if matches!(error, Error::DiskFull { .. }) {
                    self.around.counters.disk_full.fetch_add(1, Relaxed);
                }
                done(number, Err(error));
            }
        }
        self.flush(&mut run, &mut done);
        run.scratch.clear();
        run.scratch.shrink_to(SCRATCH_KEPT);
        self.scratch = run.scratch;
    }

    fn place<'a>(
        &mut self,
        call: &'a Call<'a>,
        number: usize,
        run: &mut Run<'a>,
        done: &mut impl FnMut(usize, Result<Position>),
    ) -> Result<()> {
        self.check(call)?;
        if !self.fits(run.len, call.size) {
            self.flush(run, done);
            // The flush may have failed, and the call may have followed records that were in it.
            self.check(call)?;
            self.make_room(call.size)?;
        }
        if self.offset + run.len == SEGMENT_HEADER {
            self.place_marks(run);
        }
        let synced = self.around.syncer.durable_in(self.segment.number);
        let last = call.items.len().saturating_sub(1);
        for (position, item) in call.items.iter().enumerate() {
            self.place_item(item, position < last, synced, run);
        }
        run.calls.push((number, self.offset + run.len));
        Ok(())
    }

    fn place_item<'a>(&mut self, item: &Item<'a>, continues: bool, synced: u32, run: &mut Run<'a>) {
        let offset = self.offset + run.len;
        let header = Header {
            op: Op::Data,
            kind: item.kind,
            continues,
            group: item.group,
            index: item.index,
            len: item.len,
            payload_crc: item.crc,
            synced,
        };
        run.copy(&header.encode(self.segment.salt, offset));
        item.parts.iter().for_each(|part| run.part(part));
        run.pad();
        let slot = Slot { segment: self.segment.number, offset: offset as u32 };
        run.entries.push((item.group, item.index, slot));
        self.ends.insert(item.group, item.index + 1);
    }

    fn place_marks(&self, run: &mut Run<'_>) {
        let payload = format::encode_marks(self.around.index.lock().marks().into_iter());
        let header = Header {
            len: payload.len() as u32,
            payload_crc: crc32fast::hash(&payload),
            ..Header::control(Op::Marks, 0, 0, 0)
        };
        run.copy(&header.encode(self.segment.salt, self.offset + run.len));
        run.copy(&payload);
        run.pad();
    }

    /// Whether every record of the call follows its predecessor. The order within the call counts
    /// too, so the ends move on a copy only when the call has more than one record.
    fn check(&self, call: &Call<'_>) -> Result<()> {
        let index = self.around.index.lock();
        if let [item] = call.items.as_slice() {
            return index.check(item.group, item.index, self.ends.get(&item.group).copied());
        }
        let mut ends: HashMap<u64, u64> = HashMap::new();
        for item in &call.items {
            let end = ends.get(&item.group).or_else(|| self.ends.get(&item.group)).copied();
            index.check(item.group, item.index, end)?;
            ends.insert(item.group, item.index + 1);
        }
        Ok(())
    }

    fn reserve(&self) -> u64 {
        RESERVE_MAX.min(self.around.segment_bytes / 8)
    }

    /// Bytes that the marks take when the next record is the first of its segment.
    fn marks_size(&self, ahead: u64) -> u64 {
        if self.offset + ahead > SEGMENT_HEADER {
            return 0;
        }
        format::record_size(16 * self.around.index.lock().marks().len() as u64)
    }

    fn fits(&self, ahead: u64, size: u64) -> bool {
        self.offset + ahead + self.marks_size(ahead) + size + self.reserve() <= self.size
    }

    /// Makes the active segment one that takes `size` more bytes; nothing may be in the run.
    fn make_room(&mut self, size: u64) -> Result<()> {
        if self.offset > SEGMENT_HEADER && !self.fits(0, size) {
            self.rotate()?;
        }
        if !self.fits(0, size) {
            let wanted = self.offset + self.marks_size(0) + size + self.reserve();
            let disk = &self.around.disk;
            disk.allocate(&self.segment.file, wanted)
                .map_err(|source| Error::io("enlarge", &self.segment.path, size, source))?;
            self.resized(wanted);
        }
        Ok(())
    }

    fn resized(&mut self, size: u64) {
        self.size = size;
        let facts = SegmentFacts { salt: self.segment.salt, bytes: size };
        self.around.index.lock().segments.insert(self.segment.number, facts);
    }

    fn rotate(&mut self) -> Result<()> {
        let next = self.around.supply.take(self.segment.number + 1)?;
        if let Err(error) = self.control(Op::Seal, 0, 0) {
            self.around.supply.put_back(next);
            return Err(error);
        }
        let next = Arc::new(next);
        self.around.syncer.opened(Arc::clone(&next));
        self.segment = next;
        self.offset = SEGMENT_HEADER;
        self.resized(self.around.segment_bytes);
        Ok(())
    }

    /// Writes what is in the run and makes it readable, or takes it back.
    fn flush(&mut self, run: &mut Run<'_>, done: &mut impl FnMut(usize, Result<Position>)) {
        let written = match run.len {
            0 => Ok(()),
            _ => self.write_bytes(&mut run.slices(), run.len),
        };
        match written {
            Ok(()) => {
                self.count(run);
                if run.len > 0 {
                    // Before the entries can be looked up: readers trust bytes up to here only.
                    self.around.syncer.wrote(self.position());
                    self.prepare_next();
                }
                let mut index = self.around.index.lock();
                for (group, number, slot) in run.entries.drain(..) {
                    index.push(group, number, slot);
                }
                drop(index);
                for (number, end) in run.calls.drain(..) {
                    done(number, Ok(Position::new(self.segment.number, end)));
                }
            }
            Err(error) => {
                run.entries.clear();
                let full = matches!(error, Error::DiskFull { .. });
                for (number, _) in run.calls.drain(..) {
                    self.around.counters.disk_full.fetch_add(u64::from(full), Relaxed);
                    done(number, Err(error.clone()));
                }
            }
        }
        self.ends.clear();
        run.scratch.clear();
        run.pieces.clear();
        run.len = 0;
    }

    fn count(&self, run: &Run<'_>) {
        let counters = &self.around.counters;
        counters.appends.fetch_add(run.calls.len() as u64, Relaxed);
        counters.records.fetch_add(run.entries.len() as u64, Relaxed);
        counters.bytes.fetch_add(run.len, Relaxed);
        counters.writes.fetch_add(u64::from(run.len > 0), Relaxed);
    }

    fn write_bytes(&mut self, slices: &mut [IoSlice<'_>], len: u64) -> Result<()> {
        let around = &self.around;
        match around.disk.write(&self.segment.file, slices, self.offset) {
            Ok(()) => {
                self.offset += len;
                Ok(())
            }
            Err(source) => {
                let error = Error::io("write", &self.segment.path, len, source);
                // Whole records of the failed write must not be found behind later, shorter ones.
                self.segment.cut(self.offset, self.size, &around.disk)?;
                Err(error)
            }
        }
    }

    /// Asks for the next segment when half of this one is used.
    fn prepare_next(&self) {
        if self.offset > self.around.segment_bytes / 2 {
            self.around.supply.request(self.segment.number + 1);
        }
    }

    /// Writes a record that changes a group instead of adding to it, and applies it.
    pub(crate) fn change(&mut self, op: Op, group: u64, index: u64) -> Result<Position> {
        let seal = format::record_size(0);
        if self.offset + self.marks_size(0) + 2 * seal > self.size {
            self.make_room(seal)?;
        }
        self.control(op, group, index)?;
        let mut known = self.around.index.lock();
        match op {
            Op::Purge => known.purge(group, index),
            Op::Truncate => known.truncate(group, index),
            Op::Forget => known.forget(group),
            Op::Data | Op::Marks | Op::Seal | Op::Synced => {}
        }
        drop(known);
        self.around.syncer.wrote(self.position());
        Ok(self.position())
    }

    /// Notes inside the log how far it is on the platter. Best effort: the note only tells damage
    /// from a power cut more sharply.
    pub(crate) fn note_durable(&mut self) {
        let started = self.offset > SEGMENT_HEADER;
        if started
            && self.offset + 2 * format::record_size(0) <= self.size
            && let Err(error) = self.control(Op::Synced, 0, 0)
        {
            tracing::debug!(%error, "the durable position was not noted");
        }
    }

    fn control(&mut self, op: Op, group: u64, index: u64) -> Result<()> {
        let mut run = Run::default();
        if self.offset == SEGMENT_HEADER {
            self.place_marks(&mut run);
        }
        let synced = self.around.syncer.durable_in(self.segment.number);
        let header = Header::control(op, group, index, synced);
        run.copy(&header.encode(self.segment.salt, self.offset + run.len));
        self.write_bytes(&mut run.slices(), run.len)
    }
}

const _: () = assert!(RECORD_HEADER.is_multiple_of(8));
