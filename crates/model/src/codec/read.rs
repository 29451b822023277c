//! From bytes to entry; whatever the bytes are, an answer and no more memory than they justify.

use super::pack::{ints, numbers};
use super::{CodecError, VERSION, column};
use crate::{Entry, Name, Origin, Series, SourceRun, TagSet};
use foldhash::fast::RandomState;
use hashbrown::HashSet;
use std::sync::Arc;

/// Names and origins that a decoder keeps, each.
const KEPT_MAX: usize = 1 << 16;

/// Reads one entry. `next_series` is the number of series that the shard knows before it.
///
/// # Errors
/// When the bytes are not an entry, or not the next one: see [`CodecError`].
pub fn decode(bytes: &[u8], next_series: u32) -> Result<Entry, CodecError> {
    Decoder::default().decode(bytes, next_series)
}

/// Reads entry after entry, and shares the names and origins among them.
#[derive(Debug, Default)]
pub struct Decoder {
    names: HashSet<Name, RandomState>,
    origins: HashSet<Arc<Origin>, RandomState>,
}

impl Decoder {
    /// A decoder that knows no names yet.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Reads one entry; see [`decode`].
    ///
    /// # Errors
    /// When the bytes are not an entry, or not the next one: see [`CodecError`].
    pub fn decode(&mut self, bytes: &[u8], next_series: u32) -> Result<Entry, CodecError> {
        let mut reader = Reader { rest: bytes };
        let version = reader.byte()?;
        if version != VERSION {
            return Err(CodecError::Version(version));
        }
        let clock = i64::from_le_bytes(reader.array()?);
        let first_series = u32::from_le_bytes(reader.array()?);
        let origins = reader.list(3, |reader| self.origin(reader))?;
        let new_series = reader.list(2, |reader| series(reader, &origins))?;
        if !new_series.is_empty() && first_series != next_series {
            return Err(CodecError::SeriesGap { expected: next_series, found: first_series });
        }
        let added = u32::try_from(new_series.len()).ok();
        let known = added.and_then(|added| next_series.checked_add(added));
        let known = known.ok_or(CodecError::Invalid("number of series"))?;
        let runs = reader.list(4, |reader| self.run(reader, &origins, known))?;
        match reader.remaining() {
            0 => Ok(Entry { clock, first_series, new_series, runs }),
            more => Err(CodecError::Trailing(more)),
        }
    }

    fn name(&mut self, text: &str) -> Name {
        if self.names.len() >= KEPT_MAX {
            self.names.clear();
        }
        self.names.get_or_insert_with(text, |text| Name::from(text)).clone()
    }

    fn origin(&mut self, reader: &mut Reader<'_>) -> Result<Arc<Origin>, CodecError> {
        let (db, rp, name) = (reader.text()?, reader.text()?, reader.text()?);
        let origin = Origin { db: self.name(db), rp: self.name(rp), name: self.name(name) };
        if self.origins.len() >= KEPT_MAX {
            self.origins.clear();
        }
        Ok(self.origins.get_or_insert_with(&origin, |origin| Arc::new(origin.clone())).clone())
    }

    fn run(
        &mut self,
        reader: &mut Reader<'_>,
        origins: &[Arc<Origin>],
        known: u32,
    ) -> Result<SourceRun, CodecError> {
        let origin = pick(reader, origins)?;
        let rows = reader.len()?;
        // Ordinals come first, for they take a byte each at least: that bounds `rows`.
        let ordinals = numbers(reader, rows)?;
        let series = numbers(reader, rows)?;
        if series.iter().any(|&series| series >= known) {
            return Err(CodecError::Invalid("series number"));
        }
        let times = ints(reader, rows)?;
        let fields = reader.list(3, |reader| {
            let name = self.name(reader.text()?);
            Ok((name, column::read(reader, rows)?))
        })?;
        Ok(SourceRun { origin, times, series, ordinals, fields })
    }
}

fn pick(reader: &mut Reader<'_>, origins: &[Arc<Origin>]) -> Result<Arc<Origin>, CodecError> {
    origins.get(reader.len()?).cloned().ok_or(CodecError::Invalid("origin number"))
}

fn series(reader: &mut Reader<'_>, origins: &[Arc<Origin>]) -> Result<Series, CodecError> {
    let origin = pick(reader, origins)?;
    let len = reader.len()?;
    let tags = TagSet::from_bytes(reader.take(len)?).ok_or(CodecError::Invalid("tag set"))?;
    Ok(Series { origin, tags })
}

/// The bytes not read yet.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(CodecError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(CodecError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, CodecError> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn len(&mut self) -> Result<usize, CodecError> {
        let mut len = 0u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            len |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return usize::try_from(len).map_err(|_| CodecError::Invalid("length"));
            }
        }
        Err(CodecError::Invalid("length"))
    }

    pub(super) fn text(&mut self) -> Result<&'a str, CodecError> {
        let len = self.len()?;
        std::str::from_utf8(self.take(len)?).map_err(|_| CodecError::Invalid("text"))
    }

    /// A list: its length, then its parts, each of `bytes_min` bytes at least.
    fn list<T>(
        &mut self,
        bytes_min: usize,
        mut part: impl FnMut(&mut Reader<'a>) -> Result<T, CodecError>,
    ) -> Result<Vec<T>, CodecError> {
        let len = self.len()?;
        if len > self.remaining() / bytes_min {
            return Err(CodecError::Truncated);
        }
        let mut parts = Vec::with_capacity(len);
        for _ in 0..len {
            parts.push(part(self)?);
        }
        Ok(parts)
    }
}
