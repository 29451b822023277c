//! Which rows of a column have a value.

use serde::{Deserialize, Serialize};

/// One bit a row: set where the row *has* a value. `all()` costs nothing, and is the rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mask {
    /// `None`: every row has a value.
    words: Option<Vec<u64>>,
    len: usize,
}

impl Mask {
    /// A mask of `len` rows, all with a value.
    pub fn all(len: usize) -> Mask {
        Mask { words: None, len }
    }

    /// A mask of `len` rows, none with a value.
    pub fn none(len: usize) -> Mask {
        Mask { words: (len > 0).then(|| vec![0; len.div_ceil(64)]), len }
    }

    /// Rows.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Every row has a value (the fast path of every kernel).
    pub fn is_full(&self) -> bool {
        self.words.is_none()
    }

    /// Row `row` has a value. Rows past the end have none.
    #[inline]
    pub fn get(&self, row: usize) -> bool {
        match &self.words {
            None => row < self.len,
            Some(words) => row < self.len && words[row / 64] >> (row % 64) & 1 == 1,
        }
    }

    /// Adds a row.
    #[inline]
    pub fn push(&mut self, present: bool) {
        if !present && self.words.is_none() {
            self.materialise();
        }
        if let Some(words) = &mut self.words {
            if self.len.is_multiple_of(64) {
                words.push(0);
            }
            words[self.len / 64] |= u64::from(present) << (self.len % 64);
        }
        self.len += 1;
    }

    /// Adds rows without a value until there are `len`.
    pub fn grow(&mut self, len: usize) {
        if len <= self.len {
            return;
        }
        if self.words.is_none() {
            self.materialise();
        }
        if let Some(words) = &mut self.words {
            words.resize(len.div_ceil(64), 0);
        }
        self.len = len;
    }

    /// Sets one row.
    pub fn set(&mut self, row: usize, present: bool) {
        assert!(row < self.len, "row {row} of a mask of {} rows", self.len);
        if self.words.is_none() {
            if present {
                return;
            }
            self.materialise();
        }
        if let Some(words) = &mut self.words {
            let bit = 1 << (row % 64);
            if present { words[row / 64] |= bit } else { words[row / 64] &= !bit }
        }
    }

    /// The number of rows with a value.
    pub fn count(&self) -> usize {
        match &self.words {
            None => self.len,
            Some(words) => words.iter().map(|w| w.count_ones() as usize).sum(),
        }
    }

    /// The words, lowest bit first, or `None` when full.
    pub fn words(&self) -> Option<&[u64]> {
        self.words.as_deref()
    }

    /// A mask of `len` rows from its words.
    pub fn from_words(mut words: Vec<u64>, len: usize) -> Mask {
        words.resize(len.div_ceil(64), 0);
        if !len.is_multiple_of(64)
            && let Some(last) = words.last_mut()
        {
            *last &= (1 << (len % 64)) - 1;
        }
        Mask { words: Some(words), len }
    }

    fn materialise(&mut self) {
        let mut words = vec![u64::MAX; self.len.div_ceil(64)];
        if !self.len.is_multiple_of(64)
            && let Some(last) = words.last_mut()
        {
            *last = (1 << (self.len % 64)) - 1;
        }
        self.words = Some(words);
    }
}
