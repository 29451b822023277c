//! From entry to bytes.

use super::pack::{put_ints, put_numbers};
use super::{VERSION, column};
use crate::{Entry, Origin, SourceRun};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::sync::Arc;

/// Writes an entry behind what `out` has.
pub fn encode(entry: &Entry, out: &mut Vec<u8>) {
    let mut origins = Origins::default();
    let of_series: Vec<usize> = entry.new_series.iter().map(|s| origins.number(&s.origin)).collect();
    let of_runs: Vec<usize> = entry.runs.iter().map(|run| origins.number(&run.origin)).collect();
    out.push(VERSION);
    out.extend_from_slice(&entry.clock.to_le_bytes());
    out.extend_from_slice(&entry.first_series.to_le_bytes());
    put_len(origins.list.len(), out);
    for origin in origins.list {
        [&origin.db, &origin.rp, &origin.name].into_iter().for_each(|text| put_text(text, out));
    }
    put_len(entry.new_series.len(), out);
    for (series, origin) in entry.new_series.iter().zip(of_series) {
        put_len(origin, out);
        let tags = series.tags.as_bytes();
        put_len(tags.len(), out);
        out.extend_from_slice(tags);
    }
    put_len(entry.runs.len(), out);
    for (run, origin) in entry.runs.iter().zip(of_runs) {
        put_len(origin, out);
        put_run(run, out);
    }
}

/// The origins of an entry, numbered as they are met.
#[derive(Default)]
struct Origins<'a> {
    list: Vec<&'a Arc<Origin>>,
    numbers: HashMap<&'a Origin, usize, RandomState>,
    last: usize,
}

impl<'a> Origins<'a> {
    fn number(&mut self, origin: &'a Arc<Origin>) -> usize {
        // Neighbours mostly share their origin, and the allocation too.
        if self.list.get(self.last).is_some_and(|last| Arc::ptr_eq(last, origin)) {
            return self.last;
        }
        let next = self.list.len();
        self.last = *self.numbers.entry(&**origin).or_insert(next);
        if self.last == next {
            self.list.push(origin);
        }
        self.last
    }
}

fn put_run(run: &SourceRun, out: &mut Vec<u8>) {
    debug_assert!(run.series.len() == run.times.len() && run.ordinals.len() == run.times.len());
    put_len(run.times.len(), out);
    put_numbers(&run.ordinals, out);
    put_numbers(&run.series, out);
    put_ints(&run.times, out);
    put_len(run.fields.len(), out);
    for (name, values) in &run.fields {
        debug_assert!(values.len() == run.times.len(), "column {name}");
        put_text(name, out);
        column::put(values, out);
    }
}

/// Writes a length: seven bits a byte, the lowest first.
pub(super) fn put_len(mut len: usize, out: &mut Vec<u8>) {
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
}

pub(super) fn put_text(text: &str, out: &mut Vec<u8>) {
    put_len(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}
