//! Points and batches in the shape of a result row: what httpOut and alert data show.

use crate::edge::Batch;
use model::{Name, Row, Rows, SeriesTable, Value};

fn time_column() -> Name {
    thread_local!(static TIME: Name = Name::from("time"));
    TIME.with(Name::clone)
}

/// A point: all its tags, its time, its fields by name.
pub fn point_row(rows: &Rows, row: usize, series: &SeriesTable) -> Row {
    let mut columns = vec![time_column()];
    let mut values = vec![Some(Value::Time(rows.times[row]))];
    for (name, value) in rows.values(row) {
        columns.push(name.clone());
        values.push(Some(value));
    }
    Row {
        name: rows.name(row).clone(),
        tags: rows.tags.get(row, series).clone(),
        columns,
        values: vec![values],
    }
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
