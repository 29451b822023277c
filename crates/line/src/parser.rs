//! One write: bytes in, points out.

use crate::builder::Builder;
use crate::error::{BadLines, Error, Limits, Reason};
use crate::fast::{self, Clock};
use crate::fields::{self, LineField};
use crate::index::SeriesIndex;
use crate::key;
use crate::precision::Precision;
use crate::scan::{LineScan, is_plain_key, skip_space};
use crate::slot::{LANE_NONE, Router, Slot};
use crate::stamp::Stamps;
use crate::strict;
use model::Time;

/// Points in one write: an ordinal has 32 bits.
const POINTS_MAX: u64 = u32::MAX as u64;

/// Bytes of an unfinished line that are kept allocated from write to write.
const CARRY_KEPT_MAX: usize = 64 << 10;

/// Longest line whatever the limits: the texts of a column must stay below 4 GiB.
const LINE_BYTES_MAX: usize = 1 << 30;

/// What a write brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Valid points, also those that no task wants.
    pub points: u64,
    /// Bytes read.
    pub bytes: u64,
}

/// Reads the body of a write, chunk by chunk.
///
/// One bad line refuses the whole write: after the first one lines are still checked, for the
/// message lists all of them, but nothing is kept any more. A parser can be used for one write
/// after the other with [`Parser::restart`].
#[derive(Debug)]
pub struct Parser {
    clock: Clock,
    limits: Limits,
    /// The beginning of a line whose end has not come yet.
    carry: Vec<u8>,
    /// How far `carry` was searched for its end.
    scan: LineScan,
    lines: u64,
    summary: Summary,
    bad: BadLines,
    /// A mistake after which reading on makes no sense.
    fatal: Option<Error>,
}

impl Parser {
    /// A parser for one write. `now` is the time of lines without a timestamp; it is cut to whole
    /// units of `precision`.
    pub fn new(precision: Precision, now: Time, limits: Limits) -> Parser {
        let now = precision.truncate(now);
        Parser {
            clock: Clock { precision, now, stamps: Stamps::default() },
            limits: Limits { line_bytes_max: limits.line_bytes_max.min(LINE_BYTES_MAX), ..limits },
            carry: Vec::new(),
            scan: LineScan::default(),
            lines: 0,
            summary: Summary::default(),
            bad: BadLines::default(),
            fatal: None,
        }
    }

    /// Makes the parser ready for another write.
    pub fn restart(&mut self, precision: Precision, now: Time) {
        let mut carry = std::mem::take(&mut self.carry);
        carry.clear();
        carry.shrink_to(CARRY_KEPT_MAX);
        *self = Parser { carry, ..Parser::new(precision, now, self.limits) };
    }

    /// The write is refused already, and reading on would only lengthen the message.
    pub fn is_refused(&self) -> bool {
        self.fatal.is_some() || !self.bad.is_empty()
    }

    /// Reads a chunk, which may begin and end anywhere in a line. Mistakes come out of
    /// [`Self::finish`].
    pub fn feed<R: Router>(
        &mut self,
        chunk: &[u8],
        index: &mut SeriesIndex,
        router: &mut R,
        builder: &mut Builder,
    ) {
        self.summary.bytes += chunk.len() as u64;
        builder.expect(chunk.len());
        index.begin_chunk();
        let mut bench = Bench { index, router, builder };
        let Some(mut rest) = self.complete_carry(chunk, &mut bench) else {
            return;
        };
        while !rest.is_empty() && self.fatal.is_none() {
            if let Some(len) = self.fast(rest, &mut bench).or_else(|| self.first_sight(rest, &mut bench)) {
                rest = &rest[len..];
                continue;
            }
            let mut scan = LineScan::default();
            match scan.end(rest) {
                Some(end) => {
                    self.strict(&rest[..end], &mut bench);
                    rest = &rest[end + 1..];
                }
                None => {
                    self.scan = scan;
                    self.carry.extend_from_slice(rest);
                    return self.check_length(self.carry.len(), self.lines + 1);
                }
            }
        }
    }

    /// Reads what is left, and says how the write went. On an error the builder is cleared.
    pub fn finish<R: Router>(
        &mut self,
        index: &mut SeriesIndex,
        router: &mut R,
        builder: &mut Builder,
    ) -> Result<Summary, Error> {
        let mut bench = Bench { index, router, builder };
        let mut carry = std::mem::take(&mut self.carry);
        if !carry.is_empty() && self.fatal.is_none() {
            carry.push(b'\n');
            let read = self.fast(&carry, &mut bench);
            carry.pop();
            if read.is_none() {
                self.strict(&carry, &mut bench);
            }
        }
        carry.clear();
        self.carry = carry;
        let error = match self.fatal.take() {
            Some(error) => error,
            None if self.bad.is_empty() => return Ok(self.summary),
            None => std::mem::take(&mut self.bad).into_error(),
        };
        builder.clear();
        Err(error)
    }

    /// Takes from `chunk` what the line in `carry` lacks, and reads that line. Gives the rest of
    /// the chunk, or `None` when the line has not ended.
    fn complete_carry<'a, R: Router>(
        &mut self,
        chunk: &'a [u8],
        bench: &mut Bench<'_, R>,
    ) -> Option<&'a [u8]> {
        if self.carry.is_empty() || self.fatal.is_some() {
            return self.fatal.is_none().then_some(chunk);
        }
        let mut rest = chunk;
        while !rest.is_empty() {
            let len = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            self.carry.extend_from_slice(&rest[..len]);
            rest = &rest[len..];
            if let Some(end) = self.scan.end(&self.carry) {
                // The carry ends with the newline that was found, for it is the first one.
                let carry = std::mem::take(&mut self.carry);
                if self.fast(&carry, bench).is_none() {
                    self.strict(&carry[..end], bench);
                }
                self.carry = carry;
                self.carry.clear();
                return self.fatal.is_none().then_some(rest);
            }
            self.check_length(self.carry.len(), self.lines + 1);
            if self.fatal.is_some() {
                return None;
            }
        }
        None
    }

    #[inline]
    fn fast<R: Router>(&mut self, line: &[u8], bench: &mut Bench<'_, R>) -> Option<usize> {
        let known = bench.index.find_line(line)?;
        self.fast_known(line, known, bench)
    }

    /// Reads a line on the fast road; `known` is its entry and the length of its key.
    #[inline]
    fn fast_known<R: Router>(
        &mut self,
        line: &[u8],
        known: (u32, usize),
        bench: &mut Bench<'_, R>,
    ) -> Option<usize> {
        let ordinal = self.ordinal();
        let Bench { index, router, builder } = bench;
        let len = fast::read(line, known, ordinal, &mut self.clock, index, &**router, builder)?;
        self.lines += 1;
        self.point();
        self.check_length(len - 1, self.lines);
        Some(len)
    }

    /// Reads a line as agents write them whose series is new: the line is checked before the router
    /// hears of the series.
    fn first_sight<R: Router>(&mut self, rest: &[u8], bench: &mut Bench<'_, R>) -> Option<usize> {
        self.ordinal()?;
        // Comments and indented lines are the strict reader's.
        if matches!(rest.first()?, b'#' | b' ' | b'\t' | b'\n' | 0) {
            return None;
        }
        let key_end = key::end(rest)?;
        if !is_plain_key(&rest[..key_end]) || bench.index.lookup(&rest[..key_end]).is_some() {
            return None;
        }
        let len = fast::check(rest, key_end, &mut self.clock)?;
        let line = &rest[..len - 1];
        let key = key::parse(line).ok()?;
        let id = bench.add_series(line, &key);
        self.fast_known(rest, (id, key_end), bench)
    }

    /// The number of the next point, when points are still kept.
    #[inline]
    fn ordinal(&self) -> Option<u32> {
        self.bad.is_empty().then_some(self.summary.points as u32)
    }

    #[inline]
    fn point(&mut self) {
        self.summary.points += 1;
        if self.summary.points >= POINTS_MAX {
            self.fatal = Some(Error::TooManyPoints { max: POINTS_MAX - 1 });
        }
    }

    #[inline]
    fn check_length(&mut self, len: usize, line: u64) {
        if len > self.limits.line_bytes_max && self.fatal.is_none() {
            self.fatal = Some(Error::LineTooLong { line, max: self.limits.line_bytes_max });
        }
    }

    /// Reads one whole line, without its newline.
    fn strict<R: Router>(&mut self, block: &[u8], bench: &mut Bench<'_, R>) {
        self.lines += 1;
        self.check_length(block.len(), self.lines);
        let start = skip_space(block, 0);
        if self.fatal.is_some() || block.get(start).is_none_or(|&first| first == b'#') {
            return;
        }
        // Only a newline behind a backslash can stand here.
        let line = &block[start..];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if let Err(reason) = self.strict_point(line, bench) {
            self.bad.push(line, &reason, self.limits.message_bytes_max);
        }
    }

    fn strict_point<R: Router>(&mut self, line: &[u8], bench: &mut Bench<'_, R>) -> Result<(), Reason> {
        let known = key::end(line).and_then(|end| Some((bench.index.lookup(&line[..end])?, end)));
        let new = match known {
            Some(_) => None,
            None => Some(key::parse(line)?),
        };
        let key_end = known.map_or_else(|| new.as_ref().map_or(0, |key| key.end), |(_, end)| end);
        let range = strict::fields(line, key_end)?;
        let time = strict::time(line, range.end, self.clock.precision)?.unwrap_or(self.clock.now);
        let fields = fields::split(&line[range])?;
        if let Some(ordinal) = self.ordinal() {
            let id = match (known, new) {
                (Some((id, _)), _) => id,
                (None, Some(key)) => bench.add_series(line, &key),
                (None, None) => return Err(Reason::MissingMeasurement),
            };
            bench.index.follow(id);
            bench.keep(bench.index.slot(id), time, ordinal, &fields);
        }
        self.point();
        Ok(())
    }
}

/// What a line needs beside the parser.
struct Bench<'a, R> {
    index: &'a mut SeriesIndex,
    router: &'a mut R,
    builder: &'a mut Builder,
}

impl<R: Router> Bench<'_, R> {
    fn add_series(&mut self, line: &[u8], key: &key::Key) -> u32 {
        if self.index.make_room(key.end) {
            self.router.cleared();
        }
        let slot = self.router.resolve(&key.measurement(line), &key.tags(line));
        self.index.insert(&line[..key.end], slot)
    }

    fn keep(&mut self, slot: Slot, time: Time, ordinal: u32, fields: &[LineField<'_>]) {
        self.builder.count(slot.plan);
        if slot.lane == LANE_NONE {
            return;
        }
        let mut row = self.builder.row(&slot, &*self.router);
        fields.iter().for_each(|field| row.add(field));
        let full = row.end(time, slot.series, ordinal);
        self.builder.end_row(&slot, full, &*self.router);
    }
}
