//! The key of a line: measurement and tags.

use crate::error::Reason;
use crate::text::{lossy, unescape_text};
use model::TagSet;
use std::borrow::Cow;
use std::ops::Range;

/// Longest key, in bytes, as written.
pub(crate) const KEY_BYTES_MAX: usize = 65535;

/// A checked key: where its parts stand in the line, as written (escaped).
#[derive(Debug)]
pub(crate) struct Key {
    /// First byte behind the key: the space before the fields.
    pub(crate) end: usize,
    measurement: Range<usize>,
    tags: Vec<(Range<usize>, Range<usize>)>,
}

impl Key {
    /// The measurement, unescaped.
    pub(crate) fn measurement<'a>(&self, line: &'a [u8]) -> Cow<'a, str> {
        unescape_text(&line[self.measurement.clone()], b",\" =")
    }

    /// The tags, unescaped.
    pub(crate) fn tags(&self, line: &[u8]) -> TagSet {
        if memchr::memchr(b'\\', &line[..self.end]).is_none() {
            // Looked at as a whole: that is cheaper than each text by itself.
            if let Ok(key) = simdutf8::basic::from_utf8(&line[..self.end]) {
                let text = |at: &Range<usize>| &key[at.clone()];
                let plain = || self.tags.iter().map(|(k, v)| (text(k), text(v)));
                return TagSet::from_sorted(plain()).unwrap_or_else(|| TagSet::new(plain()));
            }
            let text = |at: &Range<usize>| lossy(&line[at.clone()]);
            return TagSet::new(self.tags.iter().map(|(k, v)| (text(k), text(v))));
        }
        let unescaped = |text: &Range<usize>| unescape_text(&line[text.clone()], b", =");
        TagSet::new(self.tags.iter().map(|(k, v)| (unescaped(k), unescaped(v))))
    }
}

/// The end of the key of a line: its first space that is not behind a backslash. The first byte
/// is never looked at.
#[inline]
pub(crate) fn end(line: &[u8]) -> Option<usize> {
    let mut from = 1;
    loop {
        let at = from + memchr::memchr(b' ', line.get(from..)?)?;
        if line[at - 1] != b'\\' {
            return Some(at);
        }
        from = at + 1;
    }
}

/// Reads the key that a line begins with. `line` has no leading white space.
pub(crate) fn parse(line: &[u8]) -> Result<Key, Reason> {
    if line.first().is_none_or(|&first| first == b',') {
        return Err(Reason::MissingMeasurement);
    }
    let stop = delimiter(line, 0, b", ").ok_or(Reason::MissingFields)?;
    let mut key = Key { end: stop, measurement: 0..stop, tags: Vec::new() };
    while line[key.end] == b',' {
        let name = tag_key(line, key.end + 1)?;
        let value = tag_value(line, name.end + 1)?;
        key.end = value.end;
        key.tags.push((name, value));
    }
    refuse_duplicates(line, &key.tags)?;
    if key.end > KEY_BYTES_MAX {
        return Err(Reason::KeyTooLong(key.end));
    }
    Ok(key)
}

/// The first byte after `start` that is one of `stops` and not behind a backslash.
fn delimiter(line: &[u8], start: usize, stops: &[u8]) -> Option<usize> {
    let rest = line.get(start + 1..)?;
    let found = rest.iter().enumerate().find(|(i, b)| stops.contains(b) && line[start + i] != b'\\');
    found.map(|(i, _)| start + 1 + i)
}

fn tag_key(line: &[u8], start: usize) -> Result<Range<usize>, Reason> {
    if line.get(start).is_none_or(|first| b" ,=".contains(first)) {
        return Err(Reason::MissingTagKey);
    }
    match delimiter(line, start, b" ,=") {
        Some(end) if line[end] == b'=' => Ok(start..end),
        _ => Err(Reason::MissingTagValue),
    }
}

fn tag_value(line: &[u8], start: usize) -> Result<Range<usize>, Reason> {
    if line.get(start).is_none_or(|first| b" ,".contains(first)) {
        return Err(Reason::MissingTagValue);
    }
    // The first byte may be an equals sign: Kapacitor does not look at it.
    match delimiter(line, start, b"=, ") {
        None => Err(Reason::MissingFields),
        Some(end) if line[end] == b'=' => Err(Reason::InvalidTagFormat),
        Some(end) => Ok(start..end),
    }
}

/// Duplicates are looked for among the keys as written, escapes and all.
fn refuse_duplicates(line: &[u8], tags: &[(Range<usize>, Range<usize>)]) -> Result<(), Reason> {
    let mut keys: Vec<&[u8]> = tags.iter().map(|(key, _)| &line[key.clone()]).collect();
    if !keys.is_sorted() {
        keys.sort_unstable();
    }
    match keys.windows(2).any(|pair| pair[0] == pair[1]) {
        true => Err(Reason::DuplicateTags),
        false => Ok(()),
    }
}
