//! Merged and kept rows against rows that are put together one by one.

use super::kept::Kept;
use super::{Pick, gather, merge};
use model::{Column, Field, Origin, OriginColumn, Rows, SeriesTable, TagColumn, TagSet, Value};
use proptest::prelude::*;
use std::sync::Arc;

/// One row: database, tag, time, fields.
type Plain = (String, String, i64, Vec<(String, Value)>);

fn value() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        3 => Just(None),
        4 => (-3..3_i64).prop_map(|n| Some(Value::Float(n as f64))),
        2 => (-3..3_i64).prop_map(|n| Some(Value::Int(n))),
        1 => any::<bool>().prop_map(|b| Some(Value::Bool(b))),
        1 => "[aé]{0,2}".prop_map(|text| Some(Value::str(&text))),
        1 => Just(Some(Value::Null)),
    ]
}

/// A part: its rows, whether all have one origin, whether its tags are series.
fn part() -> impl Strategy<Value = (Rows, Vec<Plain>)> {
    let row = (0..2_u8, 0..3_u32, 0..9_i64, value(), value());
    (prop::collection::vec(row, 0..80), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(rows, one, ids, floats)| {
            let (mut v, mut w) = (Column::default(), Column::default());
            let mut plain = Vec::new();
            let db = |n: u8| format!("d{}", if one { 0 } else { n });
            for (d, tag, time, a, b) in &rows {
                let a = if floats { Some(Value::Float(1.5)) } else { a.clone() };
                let fields = [("v", &a), ("w", b)].into_iter();
                let fields = fields.filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
                plain.push((db(*d), format!("t{tag}"), *time, fields.collect()));
                v.push_option(a);
                w.push_option(b.clone());
            }
            let origin = |n| Arc::new(Origin { db: db(n).into(), rp: "".into(), name: "m".into() });
            let origins = match one {
                true => OriginColumn::One(origin(0)),
                false => OriginColumn::Many(Arc::new(rows.iter().map(|row| origin(row.0)).collect())),
            };
            let tags = match ids {
                true => TagColumn::Series(Arc::new(rows.iter().map(|row| row.1).collect())),
                false => TagColumn::Sets(Arc::new(rows.iter().map(|row| tags(row.1)).collect())),
            };
            let field = |name: &str, column| Field { name: name.into(), column: Arc::new(column) };
            let made = Rows {
                origins,
                times: Arc::new(rows.iter().map(|row| row.2).collect()),
                ordinals: Arc::new((0..rows.len() as u32).map(|row| row / 2).collect()),
                tags,
                fields: vec![field("v", v), field("w", w)],
            };
            (made, plain)
        },
    )
}

fn tags(number: u32) -> TagSet {
    TagSet::new([("t", format!("t{number}"))])
}

fn series() -> SeriesTable {
    let mut table = SeriesTable::default();
    let origin = Arc::new(Origin { db: "d0".into(), rp: "".into(), name: "m".into() });
    (0..3).for_each(|number| table.push(model::Series { origin: origin.clone(), tags: tags(number) }));
    table
}

fn plain(rows: &Rows, table: &SeriesTable) -> Vec<Plain> {
    let row = |row: usize| {
        let fields = rows.values(row).map(|(name, value)| (name.to_string(), value)).collect();
        let tag = rows.tags.get(row, table).get("t").unwrap_or_default().to_owned();
        (rows.origins.get(row).db.to_string(), tag, rows.times[row], fields)
    };
    (0..rows.len()).map(row).collect()
}

proptest! {
    #[test]
    fn merges_by_ordinal_and_gathers_any_picks(
        parts in prop::collection::vec(part(), 1..12),
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..100),
    ) {
        let table = series();
        let rows: Vec<Rows> = parts.iter().map(|(rows, _)| rows.clone()).collect();
        let mut order: Vec<(u32, usize, usize)> = Vec::new();
        for (part, rows) in rows.iter().enumerate() {
            order.extend(rows.ordinals.iter().enumerate().map(|(row, ordinal)| (*ordinal, part, row)));
        }
        order.sort();
        let expected: Vec<Plain> = order.iter().map(|&(_, part, row)| parts[part].1[row].clone()).collect();
        prop_assert_eq!(plain(&merge(&rows, &table), &table), expected);

        let all: Vec<&Rows> = rows.iter().collect();
        let pick = |(part, row): &(prop::sample::Index, prop::sample::Index)| {
            let part = part.index(rows.len());
            let row = (!rows[part].is_empty()).then(|| row.index(rows[part].len()))?;
            Some(Pick { part: part as u32, row: row as u32 })
        };
        let picks: Vec<Pick> = picks.iter().filter_map(pick).collect();
        let expected: Vec<Plain> =
            picks.iter().map(|at| parts[at.part as usize].1[at.row as usize].clone()).collect();
        prop_assert_eq!(plain(&gather(&all, &picks, &table), &table), expected);
    }

    #[test]
    fn keeps_rows_as_they_came(
        steps in prop::collection::vec((part(), any::<prop::sample::Index>(), 0..4_u8), 0..12),
        sorted in any::<bool>(),
    ) {
        let table = series();
        let mut kept = Kept::default();
        let mut expected: Vec<Plain> = Vec::new();
        for ((rows, plain_rows), from, kind) in steps {
            // The rows from some place on, as they wait after an entry; or every other one.
            let from = from.index(rows.len() + 1);
            let picked: Vec<u32> = match kind {
                0 => (from as u32..rows.len() as u32).collect(),
                1 => (0..rows.len() as u32).step_by(2).collect(),
                _ => (0..rows.len() as u32).collect(),
            };
            kept.append(&rows, &picked, &table);
            expected.extend(picked.iter().map(|&row| plain_rows[row as usize].clone()));
            if kind == 2 {
                let gone = from.min(expected.len());
                kept.give(gone);
                expected.drain(..gone);
            }
            if kind == 3 {
                let saved = postcard::to_allocvec(&kept).expect("plain values");
                kept = postcard::from_bytes(&saved).expect("what was saved");
            }
            prop_assert_eq!(kept.len(), expected.len());
        }
        let rows = if sorted {
            expected.sort_by_key(|row| row.2);
            kept.into_sorted(&table)
        } else {
            kept.into_rows()
        };
        prop_assert_eq!(plain(&rows, &table), expected);
    }

    #[test]
    fn damaged_rows_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(kept) = postcard::from_bytes::<Kept>(&bytes) {
            let rows = kept.into_rows();
            prop_assert!(rows.fields.iter().all(|field| field.column.len() == rows.len()));
            prop_assert_eq!(rows.tags.len(), rows.len());
        }
    }
}

#[test]
fn fields_go_with_the_last_row_that_has_them() {
    let table = series();
    let mut kept = Kept::default();
    for number in 0..200 {
        let mut column = Column::default();
        column.push(Value::Int(number));
        let name = format!("v{number:03}").as_str().into();
        let rows = Rows {
            origins: OriginColumn::One(Arc::new(Origin { db: "".into(), rp: "".into(), name: "m".into() })),
            times: Arc::new(vec![number]),
            ordinals: Arc::new(vec![0]),
            tags: TagColumn::Series(Arc::new(vec![0])),
            fields: vec![Field { name, column: Arc::new(column) }],
        };
        kept.append(&rows, &[0], &table);
        if number >= 10 {
            kept.give(1);
        }
        assert_eq!(kept.len() as i64, (number + 1).min(10));
        assert!(kept.rows().fields.len() <= 30, "{}", kept.rows().fields.len());
    }
}
