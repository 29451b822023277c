//! Runs of several measurements put into one, in the order in which their points were written.

use model::{Column, Field, Name, OriginColumn, Rows, SeriesTable, TagColumn};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The rows of all parts, sorted by ordinal; equal ordinals keep the order of the parts.
pub fn merge(parts: &[Rows], series: &SeriesTable) -> Rows {
    let mut order: Vec<(u32, u32, u32)> = Vec::with_capacity(parts.iter().map(Rows::len).sum());
    for (part, rows) in parts.iter().enumerate() {
        order.extend((0..rows.len()).map(|row| (rows.ordinals[row], part as u32, row as u32)));
    }
    order.sort_unstable();
    let pick = |at: &(u32, u32, u32)| (&parts[at.1 as usize], at.2 as usize);
    Rows {
        origins: OriginColumn::Many(Arc::new(
            order.iter().map(|at| pick(at).0.origins.get(pick(at).1).clone()).collect(),
        )),
        times: Arc::new(order.iter().map(|at| pick(at).0.times[pick(at).1]).collect()),
        ordinals: Arc::new(order.iter().map(|at| at.0).collect()),
        tags: tags(parts, &order, series),
        fields: fields(parts, &order),
    }
}

fn tags(parts: &[Rows], order: &[(u32, u32, u32)], series: &SeriesTable) -> TagColumn {
    let ids: Option<Vec<u32>> = order
        .iter()
        .map(|&(_, part, row)| match &parts[part as usize].tags {
            TagColumn::Series(ids) => Some(ids[row as usize]),
            TagColumn::Sets(_) => None,
        })
        .collect();
    match ids {
        Some(ids) => TagColumn::Series(Arc::new(ids)),
        None => TagColumn::Sets(Arc::new(
            order
                .iter()
                .map(|&(_, part, row)| parts[part as usize].tags.get(row as usize, series).clone())
                .collect(),
        )),
    }
}

fn fields(parts: &[Rows], order: &[(u32, u32, u32)]) -> Vec<Field> {
    let mut names: BTreeMap<Name, Vec<Option<&Arc<Column>>>> = BTreeMap::new();
    for (part, rows) in parts.iter().enumerate() {
        for field in &rows.fields {
            names.entry(field.name.clone()).or_insert_with(|| vec![None; parts.len()])[part] =
                Some(&field.column);
        }
    }
    let column = |sources: Vec<Option<&Arc<Column>>>| {
        let mut column = Column::default();
        for &(_, part, row) in order {
            match sources[part as usize] {
                Some(source) => column.push_from(source, row as usize),
                None => column.push_missing(),
            }
        }
        Arc::new(column)
    };
    names.into_iter().map(|(name, sources)| Field { name, column: column(sources) }).collect()
}
