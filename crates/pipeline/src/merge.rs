//! Rows of several runs put into one: in the order in which their points were written, or in any
//! other. [`order`] walks over what several parents bring, [`kept`] holds rows from one entry to
//! the next, [`limit`] says how many.

#[cfg(test)]
pub(crate) mod bed;
pub mod kept;
pub mod limit;
pub mod order;

use model::{Column, Data, Field, Mask, Name, Origin, OriginColumn, Rows, SeriesTable, TagColumn};
use order::InOrder;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A row of one of several parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Which part.
    pub part: u32,
    /// Which of its rows.
    pub row: u32,
}

/// The rows of all parts, sorted by ordinal; equal ordinals keep the order of the parts.
pub fn merge(parts: &[Rows], series: &SeriesTable) -> Rows {
    let parts: Vec<&Rows> = parts.iter().collect();
    let picks = in_order(&parts);
    let ordinals = picks.iter().map(|pick| parts[pick.part as usize].ordinals[pick.row as usize]).collect();
    Rows { ordinals: Arc::new(ordinals), ..gather(&parts, &picks, series) }
}

/// Up to so many parts, looking at each of them for every row is faster than sorting.
const FEW: usize = 8;

fn in_order(parts: &[&Rows]) -> Vec<Pick> {
    if parts.len() <= FEW {
        let order = InOrder::new(parts.iter().map(|rows| rows.ordinals.as_slice()));
        return order.map(|(part, row)| Pick { part: part as u32, row: row as u32 }).collect();
    }
    let mut order: Vec<(u32, u32, u32)> = Vec::with_capacity(parts.iter().map(|rows| rows.len()).sum());
    for (part, rows) in parts.iter().enumerate() {
        order.extend((0..rows.len()).map(|row| (rows.ordinals[row], part as u32, row as u32)));
    }
    order.sort_unstable();
    order.into_iter().map(|(_, part, row)| Pick { part, row }).collect()
}

/// The picked rows, in the order of the picks. They have no ordinals yet.
pub fn gather(parts: &[&Rows], picks: &[Pick], series: &SeriesTable) -> Rows {
    let times: Vec<&[i64]> = parts.iter().map(|part| part.times.as_slice()).collect();
    Rows {
        origins: origins(parts, picks),
        times: Arc::new(picks.iter().map(|at| times[at.part as usize][at.row as usize]).collect()),
        ordinals: Arc::default(),
        tags: tags(parts, picks, series),
        fields: fields(parts, picks),
    }
}

/// All rows, part after part, with their ordinals.
pub fn gather_all(parts: &[&Rows], series: &SeriesTable) -> Rows {
    let of_part = |(part, rows): (usize, &&Rows)| {
        (0..rows.len() as u32).map(move |row| Pick { part: part as u32, row })
    };
    let picks: Vec<Pick> = parts.iter().enumerate().flat_map(of_part).collect();
    let ordinals = parts.iter().flat_map(|part| part.ordinals.iter().copied()).collect();
    Rows { ordinals: Arc::new(ordinals), ..gather(parts, &picks, series) }
}

fn origins(parts: &[&Rows], picks: &[Pick]) -> OriginColumn {
    let mut one: Option<&Arc<Origin>> = None;
    let same = parts.iter().filter(|part| !part.is_empty()).all(|part| match &part.origins {
        OriginColumn::One(origin) => *one.get_or_insert(origin) == origin,
        OriginColumn::Many(_) => false,
    });
    if let Some(one) = one.filter(|_| same) {
        return OriginColumn::One(one.clone());
    }
    let of = |pick: &Pick| parts[pick.part as usize].origins.get(pick.row as usize).clone();
    OriginColumn::Many(Arc::new(picks.iter().map(of).collect()))
}

fn tags(parts: &[&Rows], picks: &[Pick], series: &SeriesTable) -> TagColumn {
    let mut ids: Vec<&[u32]> = Vec::with_capacity(parts.len());
    for part in parts {
        match &part.tags {
            TagColumn::Series(of_part) => ids.push(of_part),
            TagColumn::Sets(sets) if sets.is_empty() => ids.push(&[]),
            TagColumn::Sets(_) => break,
        }
    }
    if ids.len() == parts.len() {
        return TagColumn::Series(Arc::new(
            picks.iter().map(|at| ids[at.part as usize][at.row as usize]).collect(),
        ));
    }
    let of = |at: &Pick| parts[at.part as usize].tags.get(at.row as usize, series).clone();
    TagColumn::Sets(Arc::new(picks.iter().map(of).collect()))
}

/// The fields of the picked rows. A field that none of them has is left out.
fn fields(parts: &[&Rows], picks: &[Pick]) -> Vec<Field> {
    let mut names: BTreeMap<&Name, Vec<Option<&Column>>> = BTreeMap::new();
    for (part, rows) in parts.iter().enumerate() {
        for field in rows.fields.iter().filter(|field| field.column.mask.count() > 0) {
            names.entry(&field.name).or_insert_with(|| vec![None; parts.len()])[part] = Some(&field.column);
        }
    }
    let field = |(name, sources): (&Name, Vec<Option<&Column>>)| {
        let column = column(&sources, picks);
        (column.mask.count() > 0).then(|| Field { name: name.clone(), column: Arc::new(column) })
    };
    names.into_iter().filter_map(field).collect()
}

/// The picked rows of a field. A part without the field, or without a value in it, has no column.
fn column(sources: &[Option<&Column>], picks: &[Pick]) -> Column {
    let data = floats(sources, picks).or_else(|| ints(sources, picks)).or_else(|| bools(sources, picks));
    if let Some(data) = data {
        return Column { data, mask: mask(sources, picks) };
    }
    let mut column = Column::default();
    for pick in picks {
        match sources[pick.part as usize] {
            Some(source) => column.push_from(source, pick.row as usize),
            None => column.push_missing(),
        }
    }
    column
}

/// Copies values that have one type in all parts.
macro_rules! typed {
    ($name:ident, $kind:ident, $type:ty) => {
        fn $name(sources: &[Option<&Column>], picks: &[Pick]) -> Option<Data> {
            let mut slices: Vec<&[$type]> = Vec::with_capacity(sources.len());
            for source in sources {
                slices.push(match source {
                    None => &[],
                    Some(Column { data: Data::$kind(values), .. }) => values,
                    Some(_) => return None,
                });
            }
            let value =
                |at: &Pick| slices[at.part as usize].get(at.row as usize).copied().unwrap_or_default();
            Some(Data::$kind(picks.iter().map(value).collect()))
        }
    };
}

typed!(floats, Float, f64);
typed!(ints, Int, i64);
typed!(bools, Bool, bool);

fn mask(sources: &[Option<&Column>], picks: &[Pick]) -> Mask {
    let full: Vec<bool> =
        sources.iter().map(|source| source.is_some_and(|column| column.mask.is_full())).collect();
    if !full.contains(&false) {
        return Mask::all(picks.len());
    }
    let has = |at: &Pick| {
        let part = at.part as usize;
        full[part] || sources[part].is_some_and(|column| column.mask.get(at.row as usize))
    };
    let word = |picks: &[Pick]| {
        picks.iter().enumerate().fold(0, |word, (bit, pick)| word | u64::from(has(pick)) << bit)
    };
    let words: Vec<u64> = picks.chunks(64).map(word).collect();
    if words.iter().map(|word| word.count_ones() as usize).sum::<usize>() == picks.len() {
        return Mask::all(picks.len());
    }
    Mask::from_words(words, picks.len())
}

#[cfg(test)]
mod tests;
