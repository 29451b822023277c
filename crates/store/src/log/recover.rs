//! Opening a log that is already there: finds where it ends, tells a torn tail from damage, and
//! builds the index.
//!
//! What was not flushed may be lost in a power cut, in any order of its pages: a hole with whole
//! records behind it is then a torn tail. The same hole is damage when the machine has not been
//! restarted since (the kernel loses nothing when a process dies), or when a record further on says
//! that the place was flushed. Damage is reported and never repaired by forgetting what follows.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::disk::Disk;
use super::format::{self, Header, Op, SEGMENT_HEADER};
use super::index::{Bounds, Index, SegmentFacts, Slot};
use super::scan::Scanner;
use super::segment::{self, Segment};
use crate::error::{Error, Result};
use crate::files;

/// Names the run of the machine in which the log was last open.
const BOOT: &str = "boot";
/// Bytes kept behind the end of a segment that is continued, for the records that close it.
const SEAL_ROOM: u64 = 1024;

/// What was found when the log was opened.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// Every group with what it holds, in the order of the groups.
    pub groups: Vec<(u64, Bounds)>,
    /// Entries found, over all groups.
    pub entries: u64,
    /// Segments found.
    pub segments: u64,
    /// The torn tail that was cut off, if there was one.
    pub torn: Option<Torn>,
    /// How long opening took.
    pub took: Duration,
}

/// A tail that was being written when the process or the machine died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The segment in which the log now ends.
    pub path: PathBuf,
    /// Where it now ends, in bytes.
    pub offset: u64,
    /// Later segments that were removed with it.
    pub segments_removed: u64,
}

/// A log that is ready to be continued.
pub(crate) struct Recovered {
    pub index: Index,
    pub active: Arc<Segment>,
    pub offset: u64,
    pub size: u64,
    pub recovery: Recovery,
}

/// What one segment holds, by its headers.
#[derive(Debug, Default, Clone, Copy)]
struct Summary {
    records: u64,
    /// Behind the last record of the unbroken chain.
    end: u64,
    sealed: bool,
    /// The furthest flush that any record of the segment speaks of.
    synced: u64,
    /// Whole records stand behind a place where none does.
    beyond: bool,
}

/// Where the log ends: a segment, by its place in the list, and an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    place: usize,
    offset: u64,
}

/// Opens the log in `dir`, or starts one.
pub(crate) fn recover(dir: &Path, segment_bytes: u64, disk: &Disk) -> Result<Recovered> {
    let started = Instant::now();
    files::create_dir(dir)?;
    let same_boot = same_boot(dir)?;
    let numbers = segment::list(dir)?;
    let segments: Result<Vec<_>> = numbers.iter().map(|n| Segment::open(dir, *n)).collect();
    let mut segments = segments?;
    let mut index = Index::default();
    let mut recovery = Recovery { segments: segments.len() as u64, ..Recovery::default() };
    let end = find_end(&segments, same_boot)?;
    if let Some((end, torn)) = end {
        for (place, segment) in segments.iter().enumerate().take(end.place + 1) {
            let stop = if place == end.place { end.offset } else { u64::MAX };
            recovery.entries += apply(segment, stop, &mut index)?;
        }
        recovery.torn = torn.then(|| Torn {
            path: segments[end.place].path.clone(),
            offset: end.offset,
            segments_removed: (segments.len() - 1 - end.place) as u64,
        });
    }
    let end = end.map(|(end, _)| end);
    drop_behind(dir, &mut segments, end.map_or(0, |end| end.place + 1))?;
    for segment in &segments {
        index.segments.insert(segment.number, SegmentFacts { salt: segment.salt, bytes: segment.len()? });
    }
    let number = numbers.first().copied().unwrap_or(1);
    let (active, offset) = resume(dir, segments, end, number, segment_bytes, disk)?;
    let size = active.len()?;
    index.segments.insert(active.number, SegmentFacts { salt: active.salt, bytes: size });
    note_boot(dir)?;
    recovery.groups = index.all().collect();
    recovery.groups.sort_unstable_by_key(|(group, _)| *group);
    recovery.took = started.elapsed();
    Ok(Recovered { index, active: Arc::new(active), offset, size, recovery })
}

/// Where the log ends and whether something was cut off there; `None` when nothing was written.
fn find_end(segments: &[Segment], same_boot: bool) -> Result<Option<(End, bool)>> {
    let mut tail: Vec<(usize, Summary)> = Vec::new();
    // From the newest segment back to the first one that says how far the log was flushed.
    for (place, segment) in segments.iter().enumerate().rev() {
        let summary = summarize(segment)?;
        if tail.is_empty() && summary.records == 0 && !summary.beyond {
            continue;
        }
        tail.push((place, summary));
        if summary.synced > 0 {
            break;
        }
    }
    tail.reverse();
    let Some((first, summary)) = tail.first() else {
        return Ok(None);
    };
    let flushed = End { place: *first, offset: summary.synced.max(SEGMENT_HEADER) };
    let last = tail.len() - 1;
    for (position, (place, summary)) in tail.iter().enumerate() {
        let segment = &segments[*place];
        let checked = check_tail(segment, summary, if place == first { flushed.offset } else { 0 })?;
        let followed_on = position < last;
        if let Some(fault) = checked.fault {
            let end = End { place: *place, offset: fault };
            judge(segment, end, flushed, followed_on || checked.followed, same_boot)?;
            let offset = checked.call_start.min(fault);
            return Ok(Some((End { place: *place, offset }, true)));
        }
        if summary.sealed && followed_on {
            continue;
        }
        let end = End { place: *place, offset: summary.end };
        if followed_on || summary.beyond {
            judge(segment, end, flushed, true, same_boot)?;
            return Ok(Some((End { offset: checked.call_start.min(end.offset), ..end }, true)));
        }
        let offset = checked.call_start.min(end.offset);
        return Ok(Some((End { offset, ..end }, offset < end.offset || is_torn(segment, end.offset)?)));
    }
    Ok(None)
}

/// Walks the headers of a segment.
fn summarize(segment: &Segment) -> Result<Summary> {
    let failed = |source| Error::io("read", &segment.path, 0, source);
    let mut scanner = Scanner::new(&segment.file, segment.salt, segment.len()?);
    let mut summary = Summary::default();
    while let Some((_, header)) = scanner.next().map_err(failed)? {
        summary.records += 1;
        summary.synced = summary.synced.max(u64::from(header.synced));
        if header.op == Op::Seal {
            summary.sealed = true;
            break;
        }
    }
    summary.end = scanner.at();
    if summary.sealed {
        return Ok(summary);
    }
    while scanner.resync().map_err(failed)? {
        summary.beyond = true;
        while let Some((_, header)) = scanner.next().map_err(failed)? {
            summary.synced = summary.synced.max(u64::from(header.synced));
        }
    }
    Ok(summary)
}

/// What checking the payloads of the unflushed part of a segment brought to light.
struct Checked {
    /// The offset of the first record whose payload is not whole.
    fault: Option<u64>,
    /// Whole records stand behind that one.
    followed: bool,
    /// Where the last call starts if it is incomplete.
    call_start: u64,
}

fn check_tail(segment: &Segment, summary: &Summary, from: u64) -> Result<Checked> {
    let failed = |source| Error::io("read", &segment.path, 0, source);
    let mut scanner = Scanner::new(&segment.file, segment.salt, segment.len()?);
    let mut checked = Checked { fault: None, followed: false, call_start: u64::MAX };
    while scanner.at() < summary.end {
        let Some((offset, header)) = scanner.next().map_err(failed)? else {
            break;
        };
        if offset >= from && !scanner.payload_is_whole(offset, &header).map_err(failed)? {
            checked.fault = Some(offset);
            checked.followed = scanner.at() < summary.end || summary.beyond;
            break;
        }
        match header.continues {
            true if checked.call_start == u64::MAX => checked.call_start = offset,
            true => {}
            false => checked.call_start = u64::MAX,
        }
    }
    Ok(checked)
}

/// Refuses damage; returns when the place is a torn tail.
fn judge(segment: &Segment, end: End, flushed: End, followed: bool, same_boot: bool) -> Result<()> {
    if end < flushed {
        let reason = "a record that had been flushed to disk no longer reads back";
        return Err(Error::corrupt(&segment.path, end.offset, reason));
    }
    if followed && same_boot {
        let reason = "a record no longer reads back, and whole records follow it";
        return Err(Error::corrupt(&segment.path, end.offset, reason));
    }
    Ok(())
}

/// Whether a record of this segment was begun behind the end.
fn is_torn(segment: &Segment, end: u64) -> Result<bool> {
    let rest = segment.len()?.saturating_sub(end).min(format::RECORD_HEADER as u64);
    let mut bytes = [0u8; format::RECORD_HEADER];
    let read = segment.file.read_exact_at(&mut bytes[..rest as usize], end);
    read.map_err(|source| Error::io("read", &segment.path, 0, source))?;
    Ok(format::carries_tag(&bytes, segment.salt))
}

/// Puts the records of a segment, up to `stop`, into the index; returns the number of entries.
fn apply(segment: &Segment, stop: u64, index: &mut Index) -> Result<u64> {
    let failed = |source| Error::io("read", &segment.path, 0, source);
    let mut scanner = Scanner::new(&segment.file, segment.salt, segment.len()?);
    let mut entries = 0;
    while scanner.at() < stop {
        let Some((offset, header)) = scanner.next().map_err(failed)? else {
            let reason = "a record no longer reads back, and later segments follow";
            return Err(Error::corrupt(&segment.path, scanner.at(), reason));
        };
        match header.op {
            Op::Seal => break,
            Op::Marks => apply_marks(segment, &scanner, offset, &header, index)?,
            _ => apply_record(segment, offset, &header, index)?,
        }
        entries += u64::from(header.op == Op::Data);
    }
    Ok(entries)
}

fn apply_record(segment: &Segment, offset: u64, header: &Header, index: &mut Index) -> Result<()> {
    match header.op {
        Op::Data => {
            index.check(header.group, header.index, None).map_err(|error| {
                let reason = format!("a record does not follow its group: {error}");
                Error::corrupt(&segment.path, offset, reason)
            })?;
            let slot = Slot { segment: segment.number, offset: offset as u32 };
            index.push(header.group, header.index, slot);
        }
        Op::Purge => index.purge(header.group, header.index),
        Op::Truncate => index.truncate(header.group, header.index),
        Op::Forget => index.forget(header.group),
        Op::Marks | Op::Seal | Op::Synced => {}
    }
    Ok(())
}

fn apply_marks(
    segment: &Segment,
    scanner: &Scanner<'_>,
    offset: u64,
    header: &Header,
    index: &mut Index,
) -> Result<()> {
    let payload =
        scanner.payload(offset, header).map_err(|source| Error::io("read", &segment.path, 0, source))?;
    let Some(payload) = payload else {
        return Err(Error::corrupt(&segment.path, offset, "the purge marks do not read back"));
    };
    for (group, purged) in format::decode_marks(&payload) {
        index.purge(group, purged);
    }
    Ok(())
}

/// Removes the segments from `keep` on, newest first, so that being stopped half-way leaves a log.
fn drop_behind(dir: &Path, segments: &mut Vec<Segment>, keep: usize) -> Result<()> {
    while segments.len() > keep {
        if let Some(segment) = segments.pop() {
            fs::remove_file(&segment.path).map_err(|source| Error::io("remove", &segment.path, 0, source))?;
            files::sync_dir(dir)?;
        }
    }
    Ok(())
}

/// The segment to go on with and where; everything before that place is flushed.
fn resume(
    dir: &Path,
    mut segments: Vec<Segment>,
    end: Option<End>,
    number: u32,
    segment_bytes: u64,
    disk: &Disk,
) -> Result<(Segment, u64)> {
    for segment in &segments {
        disk.sync(&segment.file).map_err(|source| Error::io("flush", &segment.path, 0, source))?;
    }
    let (Some(last), Some(end)) = (segments.pop(), end) else {
        let segment = Segment::create(dir, number, segment_bytes, disk, None)?;
        return Ok((segment, SEGMENT_HEADER));
    };
    if is_sealed(&last, end.offset)? {
        let segment = Segment::create(dir, last.number + 1, segment_bytes, disk, None)?;
        return Ok((segment, SEGMENT_HEADER));
    }
    // Nothing of what was cut off may ever be read again.
    last.cut(end.offset, segment_bytes.max(end.offset + SEAL_ROOM), disk)?;
    last.file.sync_all().map_err(|source| Error::io("flush", &last.path, 0, source))?;
    Ok((last, end.offset))
}

fn is_sealed(segment: &Segment, end: u64) -> Result<bool> {
    let seal = format::record_size(0);
    if end < SEGMENT_HEADER + seal {
        return Ok(false);
    }
    let mut bytes = [0u8; format::RECORD_HEADER];
    let read = segment.file.read_exact_at(&mut bytes, end - seal);
    read.map_err(|source| Error::io("read", &segment.path, 0, source))?;
    let header = Header::decode(&bytes, segment.salt, end - seal);
    Ok(header.is_some_and(|header| header.op == Op::Seal))
}

/// Whether the machine has not been restarted since the log was last open.
fn same_boot(dir: &Path) -> Result<bool> {
    let noted = files::read_text(&dir.join(BOOT))?;
    Ok(matches!((noted, boot_id()), (Some(noted), Some(now)) if noted.trim() == now))
}

fn note_boot(dir: &Path) -> Result<()> {
    match boot_id() {
        Some(now) => files::replace(&dir.join(BOOT), now.as_bytes()),
        None => Ok(()),
    }
}

/// What the kernel calls this run of the machine; `None` where it does not say.
fn boot_id() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned()).filter(|id| !id.is_empty())
}
