//! The rows that have no result, and why.

use crate::error::EvalError;

/// How many errors of a run are kept word for word; the rest are counted.
const KEPT: usize = 8;

/// Which rows failed, how many, and the first few reasons: a bad stream fails on every row, and
/// nobody reads them all.
#[derive(Clone, Debug, Default)]
pub struct Errors {
    failed: Vec<bool>,
    count: usize,
    kept: Vec<(u32, EvalError)>,
}

impl Errors {
    /// None.
    pub fn new() -> Errors {
        Errors::default()
    }

    /// Forgets them all, for the next run.
    pub fn clear(&mut self) {
        self.failed.clear();
        self.count = 0;
        self.kept.clear();
    }

    /// No row failed.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many rows failed.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether that row failed.
    pub fn failed(&self, row: usize) -> bool {
        self.failed.get(row).copied().unwrap_or(false)
    }

    /// Some of the failed rows with the reason of each; never empty when a row failed.
    pub fn kept(&self) -> &[(u32, EvalError)] {
        &self.kept
    }

    /// Notes that a row failed. The reason is only made when it is kept.
    pub fn record(&mut self, row: usize, error: impl FnOnce() -> EvalError) {
        if self.failed.len() <= row {
            self.failed.resize(row + 1, false);
        }
        if std::mem::replace(&mut self.failed[row], true) {
            return;
        }
        self.count += 1;
        if self.kept.len() < KEPT {
            self.kept.push((row as u32, error()));
        }
    }
}
