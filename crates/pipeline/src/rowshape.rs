//! Points and batches in the shape of a result row: what httpOut and alert data show.

use crate::edge::Batch;
use model::{Name, Row, Rows, SeriesTable, Value};

fn time_column() -> Name {
    thread_local!(static TIME: Name = Name::from("time"));
    TIME.with(Name::clone)
}

/// A point: all its tags, its time, its fields by name.
pub fn point_row(rows: &Rows, row: usize, series: &SeriesTable) -> Row {
    let fields = rows.values(row).map(|(name, value)| (name.clone(), value));
    shaped(rows, row, series, fields, rows.fields.len())
}

/// [`point_row`] of a point whose fields were collected already.
pub fn point_row_of(rows: &Rows, row: usize, series: &SeriesTable, fields: &[(Name, Value)]) -> Row {
    shaped(rows, row, series, fields.iter().cloned(), fields.len())
}

/// `count` is the most fields that there can be.
fn shaped(
    rows: &Rows,
    row: usize,
    series: &SeriesTable,
    fields: impl Iterator<Item = (Name, Value)>,
    count: usize,
) -> Row {
    let mut columns = Vec::with_capacity(count + 1);
    let mut values = Vec::with_capacity(count + 1);
    columns.push(time_column());
    values.push(Some(Value::Time(rows.times[row])));
    for (name, value) in fields {
        columns.push(name);
        values.push(Some(value));
    }
    let (name, tags) = (rows.name(row).clone(), rows.tags.get(row, series).clone());
    Row { name, tags, columns, values: vec![values] }
}

/// A batch: the group's tags; the columns are the time, and by name the fields and the tags of the
/// *first* point that are not the group's. A tag that a field is called like has a column too, in
/// which Kapacitor shows the field again.
pub fn batch_row(batch: &Batch, series: &SeriesTable) -> Row {
    let mut row = Row {
        name: batch.origin.name.clone(),
        tags: batch.tags.clone(),
        columns: Vec::new(),
        values: Vec::new(),
    };
    let rows = &batch.rows;
    if rows.is_empty() {
        return row;
    }
    let mut names: Vec<Name> = rows.values(0).map(|(name, _)| name.clone()).collect();
    let own = rows.tags.get(0, series);
    names.extend(own.iter().filter(|(key, _)| batch.tags.get(key).is_none()).map(|(key, _)| Name::from(key)));
    names.sort();
    row.columns = std::iter::once(time_column()).chain(names).collect();
    row.values = (0..rows.len())
        .map(|at| {
            let tags = rows.tags.get(at, series);
            let cell = |name: &Name| match rows.value(name, at) {
                Some(value) => Some(value),
                None => tags.get(name).map(Value::str),
            };
            let time = Some(Value::Time(rows.times[at]));
            std::iter::once(time).chain(row.columns[1..].iter().map(cell)).collect()
        })
        .collect();
    row
}
