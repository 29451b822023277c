//! The latest entries of a group, kept in memory: what was just appended is about to be sent to
//! followers and applied, and need not come back from the disk for that.

use std::collections::VecDeque;

use super::types::{Entry, Payload};

/// Contents kept per group, in bytes.
const BYTES_MAX: usize = 4 << 20;
/// Entries kept per group.
const ENTRIES_MAX: usize = 1024;

/// Consecutive entries, the last one of which is the last one of the log.
#[derive(Default)]
pub(crate) struct Recent {
    entries: VecDeque<Entry>,
    bytes: usize,
}

impl Recent {
    /// Adds the entry behind the last one.
    pub(crate) fn push(&mut self, entry: Entry) {
        if self.entries.back().is_some_and(|last| last.log_id.index() + 1 != entry.log_id.index()) {
            self.clear();
        }
        self.bytes += size(&entry);
        self.entries.push_back(entry);
        while self.bytes > BYTES_MAX || self.entries.len() > ENTRIES_MAX {
            let Some(first) = self.entries.pop_front() else { break };
            self.bytes -= size(&first);
        }
    }

    /// Drops the entries after `index`, or all.
    pub(crate) fn truncate_after(&mut self, index: Option<u64>) {
        while self.entries.back().is_some_and(|last| index.is_none_or(|index| last.log_id.index() > index)) {
            if let Some(last) = self.entries.pop_back() {
                self.bytes -= size(&last);
            }
        }
    }

    /// Drops the entries up to and including `index`.
    pub(crate) fn purge(&mut self, index: u64) {
        while self.entries.front().is_some_and(|first| first.log_id.index() <= index) {
            if let Some(first) = self.entries.pop_front() {
                self.bytes -= size(&first);
            }
        }
    }

    /// The entries from `start` up to, not including, `end`, if the first of them is here. The first,
    /// and then as many as fit into `bytes_max`.
    pub(crate) fn read(&self, start: u64, end: u64, bytes_max: usize) -> Option<Vec<Entry>> {
        let first = self.entries.front()?.log_id.index();
        let skip = usize::try_from(start.checked_sub(first)?).ok()?;
        if skip >= self.entries.len() {
            return None;
        }
        let mut budget = Budget::new(bytes_max);
        let within = self.entries.range(skip..).take_while(|entry| entry.log_id.index() < end);
        Some(within.take_while(|entry| budget.admit(size(entry))).cloned().collect())
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }
}

/// Lets the first item through, and more until their sizes exceed the limit.
pub(crate) struct Budget {
    left: Option<usize>,
    first: bool,
}

impl Budget {
    pub(crate) fn new(bytes_max: usize) -> Budget {
        Budget { left: Some(bytes_max), first: true }
    }

    pub(crate) fn admit(&mut self, bytes: usize) -> bool {
        let first = std::mem::replace(&mut self.first, false);
        self.left = self.left.and_then(|left| left.checked_sub(bytes));
        first || self.left.is_some()
    }
}

/// What an entry counts in the budget.
pub(crate) fn size(entry: &Entry) -> usize {
    64 + match &entry.payload {
        Payload::Normal(data) => data.0.bytes.len(),
        Payload::Blank | Payload::Membership(_) => 0,
    }
}
