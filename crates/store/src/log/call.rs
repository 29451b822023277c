//! One append call on its way to the disk, and the queue of those that wait for the writer.

use std::sync::Arc;

use parking_lot::Mutex;

use super::format::{self, CALL_MAX};
use super::{Position, Record};
use crate::error::{Error, Result};

/// Up to this size a call that finds the writer busy is copied into the queue, so that whoever
/// holds the writer writes it too; larger ones wait and are written from where they lie.
pub(crate) const STAGE_MAX: u64 = 32 * 1024;

/// A record with what can be worked out before the writer is held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'a> {
    pub group: u64,
    pub index: u64,
    pub kind: u8,
    pub len: u32,
    pub crc: u32,
    pub parts: &'a [&'a [u8]],
}

/// The records of one call.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub items: Vec<Item<'a>>,
    /// Bytes in the file, headers and padding included.
    pub size: u64,
}

impl<'a> Call<'a> {
    /// Measures and checksums the records.
    pub(crate) fn new(records: &[Record<'a>]) -> Result<Call<'a>> {
        let mut items = Vec::with_capacity(records.len());
        let mut size = 0u64;
        for record in records {
            let len: u64 = record.parts.iter().map(|part| part.len() as u64).sum();
            size = size.saturating_add(format::record_size(len.min(CALL_MAX)));
            if len > CALL_MAX || size > CALL_MAX {
                let bytes = size.max(len);
                return Err(Error::TooLarge { bytes, limit: CALL_MAX });
            }
            let mut hasher = crc32fast::Hasher::new();
            record.parts.iter().for_each(|part| hasher.update(part));
            items.push(Item {
                group: record.group,
                index: record.index,
                kind: record.kind,
                len: len as u32,
                crc: hasher.finalize(),
                parts: record.parts,
            });
        }
        Ok(Call { items, size })
    }
}

/// Where the answer to a queued call is put.
pub(crate) type Answer = Arc<Mutex<Option<Result<Position>>>>;

/// A call copied into the queue.
#[derive(Debug)]
pub(crate) struct Staged {
    records: Vec<StagedRecord>,
    bytes: Vec<u8>,
    size: u64,
    answer: Answer,
}

#[derive(Debug)]
struct StagedRecord {
    group: u64,
    index: u64,
    kind: u8,
    len: u32,
    crc: u32,
}

impl Staged {
    /// The payload of each record.
    pub(crate) fn payloads(&self) -> Vec<&[u8]> {
        let mut rest = self.bytes.as_slice();
        let mut payloads = Vec::with_capacity(self.records.len());
        for record in &self.records {
            let (payload, after) = rest.split_at(record.len as usize);
            payloads.push(payload);
            rest = after;
        }
        payloads
    }

    /// The call as it was made, with its payloads in the queue's own memory.
    pub(crate) fn call<'a>(&self, payloads: &'a [&'a [u8]]) -> Call<'a> {
        let item = |(record, payload): (&StagedRecord, &'a &'a [u8])| Item {
            group: record.group,
            index: record.index,
            kind: record.kind,
            len: record.len,
            crc: record.crc,
            parts: std::slice::from_ref(payload),
        };
        Call { items: self.records.iter().zip(payloads).map(item).collect(), size: self.size }
    }

    /// Hands the caller its answer.
    pub(crate) fn answer(&self, result: Result<Position>) {
        *self.answer.lock() = Some(result);
    }
}

/// The calls that wait for the writer, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Queue(Mutex<Vec<Staged>>);

impl Queue {
    /// Copies a call into the queue.
    pub(crate) fn stage(&self, call: &Call<'_>) -> Answer {
        let mut bytes = Vec::with_capacity(call.size as usize);
        let mut records = Vec::with_capacity(call.items.len());
        for item in &call.items {
            item.parts.iter().for_each(|part| bytes.extend_from_slice(part));
            let Item { group, index, kind, len, crc, .. } = *item;
            records.push(StagedRecord { group, index, kind, len, crc });
        }
        let answer = Answer::default();
        let staged = Staged { records, bytes, size: call.size, answer: Arc::clone(&answer) };
        self.0.lock().push(staged);
        answer
    }

    /// Takes everything that waits.
    pub(crate) fn take(&self) -> Vec<Staged> {
        std::mem::take(&mut *self.0.lock())
    }
}
