//! Points that a node keeps: one group's, as columns, taken in at the back and dropped at the
//! front. What a window holds.

use model::{Column, Field, Name, Origin, OriginColumn, Rows, SeriesTable, TagColumn, TagSet, Time};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What of a point is worth keeping.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// All of it.
    All,
    /// One field and the time: what an aggregate needs.
    Field(String),
}

/// The points. Dropped ones stay at the front until they are half of the buffer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Buffer {
    /// Points at the front that are dropped.
    dropped: usize,
    times: Vec<Time>,
    /// Tags of each point; empty when nobody wants them.
    tags: Vec<TagSet>,
    fields: Vec<(Name, Column)>,
}

impl Buffer {
    /// Number of points.
    pub fn len(&self) -> usize {
        self.times.len() - self.dropped
    }

    /// No points.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds row `row` of `rows`.
    pub fn push(&mut self, rows: &Rows, row: usize, series: &SeriesTable, wanted: &Wanted) {
        let before = self.times.len();
        self.times.push(rows.times[row]);
        match wanted {
            Wanted::Field(name) => {
                if let Some(field) = rows.fields.iter().find(|f| *f.name == **name) {
                    self.push_field(field, row, before);
                }
            }
            Wanted::All => {
                self.tags.push(rows.tags.get(row, series).clone());
                for field in &rows.fields {
                    if field.column.mask.get(row) {
                        self.push_field(field, row, before);
                    }
                }
            }
        }
        for (_, column) in &mut self.fields {
            column.pad(before + 1);
        }
    }

    fn push_field(&mut self, field: &Field, row: usize, before: usize) {
        let at =
            self.fields.iter().position(|(name, _)| Arc::ptr_eq(name, &field.name) || *name == field.name);
        let at = at.unwrap_or_else(|| {
            let at = self.fields.partition_point(|(name, _)| *name < field.name);
            self.fields.insert(at, (field.name.clone(), Column::default()));
            at
        });
        let column = &mut self.fields[at].1;
        column.pad(before);
        column.push_from(&field.column, row);
    }

    /// Drops points at the front for as long as `keep` does not hold for their time.
    pub fn drop_until(&mut self, keep: impl Fn(Time) -> bool) {
        while self.dropped < self.times.len() && !keep(self.times[self.dropped]) {
            self.dropped += 1;
        }
        self.compact();
    }

    /// Keeps only the last `n` points.
    pub fn keep_last(&mut self, n: usize) {
        self.dropped = self.dropped.max(self.times.len().saturating_sub(n));
        self.compact();
    }

    fn compact(&mut self) {
        let (dropped, end) = (self.dropped, self.times.len());
        if dropped == end {
            // Keep the columns' memory for the next points of the group.
            self.times.clear();
            self.tags.clear();
            self.fields.retain_mut(|(_, column)| {
                let used = column.mask.count() > 0;
                column.truncate(0);
                used
            });
        } else if dropped > 16 && dropped * 2 > end {
            self.times.drain(..dropped);
            if !self.tags.is_empty() {
                self.tags.drain(..dropped);
            }
            for (_, column) in &mut self.fields {
                *column = column.slice(dropped, end);
            }
        } else {
            return;
        }
        self.dropped = 0;
    }

    /// A copy of the points.
    pub fn rows(&self, origin: &Arc<Origin>) -> Rows {
        let (from, to) = (self.dropped, self.times.len());
        let tags = match self.tags.is_empty() {
            true => vec![TagSet::empty(); to - from],
            false => self.tags[from..to].to_vec(),
        };
        let fields = self
            .fields
            .iter()
            .map(|(name, column)| Field { name: name.clone(), column: Arc::new(column.slice(from, to)) });
        Rows {
            origins: OriginColumn::One(origin.clone()),
            times: Arc::new(self.times[from..to].to_vec()),
            ordinals: Arc::default(),
            tags: TagColumn::Sets(Arc::new(tags)),
            fields: fields.filter(|f| f.column.mask.count() > 0).collect(),
        }
    }
}
