//! Rows that wait for a later entry: taken in at the back, given away at the front, as columns.

use super::{Pick, gather};
use model::{Column, Field, Name, Origin, OriginColumn, Rows, SeriesTable, TagColumn, TagSet, Time};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The rows. Those that were given away stay at the front until they are half of what is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Plain", into = "Plain")]
pub struct Kept {
    rows: Rows,
    given: usize,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept { rows: nothing(), given: 0 }
    }
}

fn nothing() -> Rows {
    Rows {
        origins: OriginColumn::Many(Arc::default()),
        times: Arc::default(),
        ordinals: Arc::default(),
        tags: TagColumn::Sets(Arc::default()),
        fields: Vec::new(),
    }
}

impl Kept {
    /// Rows that are there.
    pub fn len(&self) -> usize {
        self.rows.len() - self.given
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All rows as they are stored, for picks; the first that is there is row [`Self::first`].
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// See [`Self::rows`].
    pub fn first(&self) -> usize {
        self.given
    }

    /// The rows that are there.
    pub fn into_rows(mut self) -> Rows {
        self.compact();
        self.rows
    }

    /// Takes in rows of a run.
    pub fn append(&mut self, rows: &Rows, picked: &[u32], series: &SeriesTable) {
        let all = picked.len() == rows.len() && picked.iter().zip(0..).all(|(&row, at)| row == at);
        if self.is_empty() {
            self.given = 0;
            self.rows = if all { rows.clone() } else { rows.gather(picked) };
            self.rows.ordinals = Arc::default();
            return;
        }
        let len = self.rows.len();
        let end = len + picked.len();
        let old = &mut self.rows;
        Arc::make_mut(&mut old.times).extend(picked.iter().map(|&row| rows.times[row as usize]));
        append_origins(&mut old.origins, len, rows, picked);
        append_tags(&mut old.tags, rows, picked, series);
        for new in &rows.fields {
            let at = old.fields.binary_search_by(|field| field.name.cmp(&new.name)).unwrap_or_else(|at| {
                old.fields.insert(at, Field { name: new.name.clone(), column: Arc::default() });
                at
            });
            let column = Arc::make_mut(&mut old.fields[at].column);
            column.pad(len);
            picked.iter().for_each(|&row| column.push_from(&new.column, row as usize));
        }
        for field in old.fields.iter_mut().filter(|field| field.column.len() < end) {
            Arc::make_mut(&mut field.column).pad(end);
        }
    }

    /// Gives rows at the front away.
    pub fn give(&mut self, rows: usize) {
        self.given += rows;
        if self.is_empty() {
            *self = Kept::default();
        } else if self.given > 16 && self.given * 2 > self.rows.len() {
            self.compact();
        }
    }

    fn compact(&mut self) {
        if self.given > 0 {
            let there: Vec<u32> = (self.given as u32..self.rows.len() as u32).collect();
            self.rows = self.rows.gather(&there);
            // Points that always wait, with names that always change, must not leave columns behind.
            self.rows.fields.retain(|field| field.column.mask.count() > 0);
            self.given = 0;
        }
    }

    /// The rows that are there, sorted by time; those of one time stay as they are.
    pub fn into_sorted(self, series: &SeriesTable) -> Rows {
        let rows = self.into_rows();
        if rows.times.is_sorted() {
            return rows;
        }
        let mut order: Vec<Pick> = (0..rows.len() as u32).map(|row| Pick { part: 0, row }).collect();
        order.sort_by_key(|pick| rows.times[pick.row as usize]);
        gather(&[&rows], &order, series)
    }
}

fn append_origins(old: &mut OriginColumn, len: usize, rows: &Rows, picked: &[u32]) {
    if let (OriginColumn::One(old), OriginColumn::One(new)) = (&*old, &rows.origins)
        && old == new
    {
        return;
    }
    if let OriginColumn::One(one) = old {
        *old = OriginColumn::Many(Arc::new(vec![one.clone(); len]));
    }
    if let OriginColumn::Many(many) = old {
        Arc::make_mut(many).extend(picked.iter().map(|&row| rows.origins.get(row as usize).clone()));
    }
}

fn append_tags(old: &mut TagColumn, rows: &Rows, picked: &[u32], series: &SeriesTable) {
    if let (TagColumn::Series(old), TagColumn::Series(new)) = (&mut *old, &rows.tags) {
        Arc::make_mut(old).extend(picked.iter().map(|&row| new[row as usize]));
        return;
    }
    if let TagColumn::Series(ids) = old {
        let sets = ids.iter().map(|&id| series.get(id).tags.clone()).collect();
        *old = TagColumn::Sets(Arc::new(sets));
    }
    if let TagColumn::Sets(sets) = old {
        Arc::make_mut(sets).extend(picked.iter().map(|&row| rows.tags.get(row as usize, series).clone()));
    }
}

/// What a checkpoint holds of the rows that are there.
#[derive(Serialize, Deserialize)]
struct Plain {
    origins: Vec<(Name, Name, Name)>,
    /// Place of each row's origin among `origins`; empty when all have the only one.
    origin_of: Vec<u32>,
    times: Vec<Time>,
    tags: PlainTags,
    fields: Vec<(Name, Column)>,
}

#[derive(Serialize, Deserialize)]
enum PlainTags {
    /// Numbers of series, which the shard's checkpoint holds too.
    Series(Vec<u32>),
    Sets(Vec<TagSet>),
}

impl From<Kept> for Plain {
    fn from(kept: Kept) -> Plain {
        let rows = kept.into_rows();
        let parts = |o: &Arc<Origin>| (o.db.clone(), o.rp.clone(), o.name.clone());
        let mut distinct: Vec<&Arc<Origin>> = Vec::new();
        let origin_of = match &rows.origins {
            OriginColumn::One(one) => {
                distinct.push(one);
                Vec::new()
            }
            OriginColumn::Many(many) => many
                .iter()
                .map(|origin| {
                    let known = distinct.iter().position(|other| *other == origin);
                    known.unwrap_or_else(|| {
                        distinct.push(origin);
                        distinct.len() - 1
                    }) as u32
                })
                .collect(),
        };
        Plain {
            origins: distinct.into_iter().map(parts).collect(),
            origin_of,
            times: rows.times.to_vec(),
            tags: match &rows.tags {
                TagColumn::Series(ids) => PlainTags::Series(ids.to_vec()),
                TagColumn::Sets(sets) => PlainTags::Sets(sets.to_vec()),
            },
            fields: rows.fields.iter().map(|f| (f.name.clone(), (*f.column).clone())).collect(),
        }
    }
}

/// The parts of saved rows do not fit one another.
#[derive(Debug, thiserror::Error)]
#[error("rows that wait are damaged: {0} do not fit the times")]
struct Damaged(&'static str);

impl TryFrom<Plain> for Kept {
    type Error = Damaged;

    fn try_from(plain: Plain) -> Result<Kept, Damaged> {
        let len = plain.times.len();
        let tags = match plain.tags {
            PlainTags::Series(ids) => TagColumn::Series(Arc::new(ids)),
            PlainTags::Sets(sets) => TagColumn::Sets(Arc::new(sets)),
        };
        if tags.len() != len {
            return Err(Damaged("tags"));
        }
        let whole = |(_, column): &(Name, Column)| column.len() == len && column.data.len() == len;
        if !plain.fields.iter().all(whole) {
            return Err(Damaged("fields"));
        }
        let origins: Vec<Arc<Origin>> =
            plain.origins.into_iter().map(|(db, rp, name)| Arc::new(Origin { db, rp, name })).collect();
        let origins = match (&*origins, plain.origin_of.is_empty()) {
            ([one], true) => OriginColumn::One(one.clone()),
            _ => {
                let of = |&at: &u32| origins.get(at as usize).cloned();
                let many: Option<Vec<_>> = plain.origin_of.iter().map(of).collect();
                let many = many.filter(|many| many.len() == len).ok_or(Damaged("origins"))?;
                OriginColumn::Many(Arc::new(many))
            }
        };
        let fields = plain.fields.into_iter().map(|(name, column)| Field { name, column: Arc::new(column) });
        let rows = Rows {
            origins,
            times: Arc::new(plain.times),
            ordinals: Arc::default(),
            tags,
            fields: fields.collect(),
        };
        Ok(Kept { rows, given: 0 })
    }
}
