//! Which rows of a run are still in play.

use model::Mask;

/// A set of rows that only shrinks.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    rows: usize,
    /// `None`: all of them.
    live: Option<Vec<bool>>,
    count: usize,
}

impl Selection {
    pub(crate) fn of(rows: usize, active: Option<&Mask>) -> Selection {
        match active {
            None => Selection { rows, live: None, count: rows },
            Some(mask) if mask.is_full() && mask.len() >= rows => Selection::of(rows, None),
            Some(mask) => Selection::from_live((0..rows).map(|row| mask.get(row)).collect()),
        }
    }

    pub(crate) fn from_live(live: Vec<bool>) -> Selection {
        let count = live.iter().filter(|v| **v).count();
        Selection { rows: live.len(), live: Some(live), count }
    }

    /// All rows of the run, selected or not.
    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// The selected ones.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn is_all(&self) -> bool {
        self.count == self.rows
    }

    #[inline]
    pub(crate) fn contains(&self, row: usize) -> bool {
        match &self.live {
            None => row < self.rows,
            Some(live) => live[row],
        }
    }

    pub(crate) fn drop_row(&mut self, row: usize) {
        let rows = self.rows;
        let live = self.live.get_or_insert_with(|| vec![true; rows]);
        if std::mem::take(&mut live[row]) {
            self.count -= 1;
        }
    }

    /// The rows in order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.rows).filter(|row| self.contains(*row))
    }

    /// Calls `each` for every row in order, and drops those for which it answers false.
    #[inline]
    pub(crate) fn retain(&mut self, mut each: impl FnMut(usize) -> bool) {
        for row in 0..self.rows {
            if self.contains(row) && !each(row) {
                self.drop_row(row);
            }
        }
    }

    /// The rows that are in this set and whose flag is `wanted`.
    pub(crate) fn narrowed(&self, flags: impl Fn(usize) -> bool, wanted: bool) -> Selection {
        Selection::from_live((0..self.rows).map(|row| self.contains(row) && flags(row) == wanted).collect())
    }

    pub(crate) fn to_mask(&self) -> Mask {
        if self.is_all() {
            return Mask::all(self.rows);
        }
        let mut words = vec![0u64; self.rows.div_ceil(64)];
        for row in self.rows() {
            words[row / 64] |= 1 << (row % 64);
        }
        Mask::from_words(words, self.rows)
    }
}
