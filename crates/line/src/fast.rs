//! The fast reader: a line as agents write them, straight into columns.
//!
//! It takes a line only when it is sure: a known key, then fields without backslashes and with
//! plain names, then a newline or one space, digits and a newline. On anything else it gives up,
//! takes back what it wrote, and leaves the line to the strict reader. So it holds no opinion on
//! what is an error, and needs none.

use crate::builder::{Builder, Row};
use crate::fields::is_special;
use crate::index::SeriesIndex;
use crate::number;
use crate::number::Number;
use crate::precision::Precision;
use crate::slot::{LANE_NONE, Router};
use crate::stamp::Stamps;
use model::Time;

/// What is the same for all lines of a write.
#[derive(Debug)]
pub(crate) struct Clock {
    pub(crate) precision: Precision,
    /// The time of lines that have none.
    pub(crate) now: Time,
    pub(crate) stamps: Stamps,
}

/// Where the values of a line go.
trait Sink {
    /// The name at `at`; gives the place of the value.
    fn name(&mut self, bytes: &[u8], at: usize) -> Option<usize>;
    fn number(&mut self, number: Number) -> Option<()>;
    fn text(&mut self, text: &str) -> Option<()>;
    fn truth(&mut self, truth: bool) -> Option<()>;
}

impl Sink for Row<'_> {
    #[inline]
    fn name(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        Row::name(self, bytes, at)
    }

    #[inline]
    fn number(&mut self, number: Number) -> Option<()> {
        Row::number(self, number)
    }

    #[inline]
    fn text(&mut self, text: &str) -> Option<()> {
        Row::text(self, text)
    }

    #[inline]
    fn truth(&mut self, truth: bool) -> Option<()> {
        Row::truth(self, truth)
    }
}

/// A line that is checked and not kept.
struct Unwanted;

impl Sink for Unwanted {
    #[inline]
    fn name(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        name_end(bytes, at).map(|equals| equals + 1)
    }

    #[inline]
    fn number(&mut self, _: Number) -> Option<()> {
        Some(())
    }

    #[inline]
    fn text(&mut self, _: &str) -> Option<()> {
        Some(())
    }

    #[inline]
    fn truth(&mut self, _: bool) -> Option<()> {
        Some(())
    }
}

/// The equals sign behind the plain name at `at`.
#[inline]
pub(crate) fn name_end(bytes: &[u8], at: usize) -> Option<usize> {
    const SPECIAL: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = is_special(byte as u8);
            byte += 1;
        }
        table
    };
    let mut end = at;
    while !SPECIAL[usize::from(*bytes.get(end)?)] {
        end += 1;
    }
    (bytes[end] == b'=' && end > at).then_some(end)
}

/// Reads the line that `line` begins with, whose entry and length of key are known, and gives its
/// length with the newline; `None` leaves it to the strict reader. With `ordinal` the point is
/// kept, under that number.
#[inline]
pub(crate) fn read<R: Router>(
    line: &[u8],
    (id, key_len): (u32, usize),
    ordinal: Option<u32>,
    clock: &mut Clock,
    index: &mut SeriesIndex,
    router: &R,
    builder: &mut Builder,
) -> Option<usize> {
    let slot = index.slot(id);
    let start = key_len + 1;
    let end = match ordinal {
        Some(ordinal) if slot.lane != LANE_NONE => {
            let mut row = builder.row(&slot, router);
            let Some((time, end)) = rest(line, start, clock, &mut row) else {
                row.undo();
                return None;
            };
            let full = row.end(time, slot.series, ordinal);
            builder.end_row(&slot, full, router);
            end
        }
        _ => rest(line, start, clock, &mut Unwanted)?.1,
    };
    if ordinal.is_some() {
        builder.count(slot.plan);
    }
    index.follow(id);
    Some(end)
}

/// The length, with the newline, of a line whose key ends at `key_end` and which [`read`] would
/// take if it knew the key.
pub(crate) fn check(line: &[u8], key_end: usize, clock: &mut Clock) -> Option<usize> {
    rest(line, key_end + 1, clock, &mut Unwanted).map(|(_, len)| len)
}

/// Fields and timestamp.
#[inline(always)]
fn rest<S: Sink>(line: &[u8], start: usize, clock: &mut Clock, sink: &mut S) -> Option<(Time, usize)> {
    let end = fields(line, start, sink)?;
    match line[end] {
        b'\n' => Some((clock.now, end + 1)),
        _ => clock.stamps.read(line, end + 1, clock.precision),
    }
}

/// The fields; gives the space or newline behind them.
#[inline(always)]
fn fields<S: Sink>(line: &[u8], start: usize, sink: &mut S) -> Option<usize> {
    let mut at = start;
    loop {
        at = sink.name(line, at)?;
        at = match *line.get(at)? {
            b'0'..=b'9' | b'-' | b'.' => {
                let (value, end) = number::read(line, at)?;
                sink.number(value)?;
                end
            }
            b'"' => {
                let (value, end) = text(line, at + 1)?;
                sink.text(value)?;
                end
            }
            _ => {
                let (value, end) = truth(line, at)?;
                sink.truth(value)?;
                end
            }
        };
        match *line.get(at)? {
            b',' => at += 1,
            b' ' | b'\n' => return Some(at),
            _ => return None,
        }
    }
}

/// The text up to the quote, and the byte behind that.
#[inline]
fn text(line: &[u8], start: usize) -> Option<(&str, usize)> {
    let end = start + memchr::memchr2(b'"', b'\\', &line[start..])?;
    if line[end] != b'"' {
        return None;
    }
    let text = std::str::from_utf8(&line[start..end]).ok()?;
    Some((text, end + 1))
}

fn truth(line: &[u8], start: usize) -> Option<(bool, usize)> {
    let window = &line[start..line.len().min(start + 6)];
    let len = window.iter().position(|byte| matches!(byte, b',' | b' ' | b'\n'))?;
    Some((crate::strict::truth(&window[..len])?, start + len))
}
