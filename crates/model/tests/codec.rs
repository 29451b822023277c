//! Entries survive their bytes; bytes that are no entry are refused, cheaply.

use model::codec::{CodecError, Decoder, decode, encode};
use model::{Column, Data, Entry, Kind, Mask, Origin, Series, SourceRun, Strings, TagSet, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;

fn origin(n: usize) -> Arc<Origin> {
    Arc::new(Origin { db: "telegraf".into(), rp: "autogen".into(), name: format!("m{n}").into() })
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<f64>().prop_map(Value::Float),
        any::<i64>().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        "[a-é]{0,4}".prop_map(|text| Value::str(&text)),
        any::<i64>().prop_map(Value::Time),
        any::<i64>().prop_map(Value::Duration),
    ]
}

/// Values that fall into each way of packing: all alike, close together, in order, any.
fn ints(rows: usize) -> impl Strategy<Value = Vec<i64>> {
    prop_oneof![
        any::<i64>().prop_map(move |v| vec![v; rows]),
        (any::<i64>(), vec(0i64..256, rows)).prop_map(offset),
        (any::<i64>(), vec(0i64..70_000, rows)).prop_map(offset),
        (any::<i64>(), vec(0i64..1 << 33, rows)).prop_map(offset),
        vec(any::<i64>(), rows),
    ]
}

fn offset((base, offsets): (i64, Vec<i64>)) -> Vec<i64> {
    offsets.into_iter().map(|v| base.saturating_add(v)).collect()
}

fn numbers(rows: usize, limit: u32) -> impl Strategy<Value = Vec<u32>> {
    prop_oneof![
        (0..limit).prop_map(move |v| vec![v; rows]),
        vec(0..limit, rows),
        vec(0..limit.min(300), rows),
        vec(0..limit, rows).prop_map(|mut v| {
            v.sort_unstable();
            v
        }),
    ]
}

fn data(rows: usize) -> impl Strategy<Value = Data> {
    let floats = prop_oneof![any::<f64>().prop_map(move |v| vec![v; rows]), vec(any::<f64>(), rows)];
    prop_oneof![
        floats.prop_map(Data::Float),
        ints(rows).prop_map(Data::Int),
        vec(any::<bool>(), rows).prop_map(Data::Bool),
        vec("[a-é]{0,5}", rows).prop_map(|texts| {
            let mut strings = Strings::default();
            texts.iter().for_each(|text| strings.push(text));
            Data::Str(strings)
        }),
        vec(value(), rows).prop_map(Data::Mixed),
    ]
}

fn column(rows: usize) -> impl Strategy<Value = Column> {
    let mask = prop_oneof![
        Just(Mask::all(rows)),
        Just(Mask::none(rows)),
        vec(any::<bool>(), rows).prop_map(|bits| {
            let mut mask = Mask::default();
            bits.into_iter().for_each(|bit| mask.push(bit));
            mask
        }),
    ];
    (data(rows), mask).prop_map(|(data, mask)| Column { data, mask })
}

fn run(series: u32) -> impl Strategy<Value = SourceRun> {
    prop_oneof![0usize..4, 60usize..70, 250usize..260].prop_flat_map(move |rows| {
        let rows = if series == 0 { 0 } else { rows };
        let fields = vec(("[a-z]{1,3}", column(rows)), 0..4);
        (0usize..3, ints(rows), numbers(rows, series.max(1)), numbers(rows, 1 << 20), fields).prop_map(
            |(n, times, series, ordinals, fields)| SourceRun {
                origin: origin(n),
                times,
                series,
                ordinals,
                fields: fields.into_iter().map(|(name, column)| (name.into(), column)).collect(),
            },
        )
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    let new = vec((0usize..3, proptest::collection::btree_map("[a-c]", "[a-é]{0,3}", 0..3)), 0..5);
    let known = prop_oneof![Just(0u32), 0u32..100_000];
    (any::<i64>(), known, new).prop_flat_map(|(clock, first_series, new)| {
        let new_series: Vec<Series> =
            new.iter().map(|(n, tags)| Series { origin: origin(*n), tags: TagSet::new(tags) }).collect();
        let known = first_series + new_series.len() as u32;
        vec(run(known), 0..4).prop_map(move |runs| Entry {
            clock,
            first_series,
            new_series: new_series.clone(),
            runs,
        })
    })
}

fn bytes(entry: &Entry) -> Vec<u8> {
    let mut out = Vec::new();
    encode(entry, &mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn entries_survive(entries in vec(entry(), 1..3)) {
        let mut decoder = Decoder::new();
        for entry in &entries {
            let read = decoder.decode(&bytes(entry), entry.first_series).unwrap();
            // `Debug` shows every part, and a NaN as itself.
            prop_assert_eq!(format!("{read:?}"), format!("{entry:?}"));
        }
    }

    #[test]
    fn cut_bytes_are_refused(entry in entry(), cut in any::<proptest::sample::Index>()) {
        let bytes = bytes(&entry);
        prop_assert!(decode(&bytes[..cut.index(bytes.len())], entry.first_series).is_err());
    }

    #[test]
    fn changed_bytes_do_no_harm(
        entry in entry(),
        changes in vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = bytes(&entry);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(entry) = decode(&bytes, entry.first_series) {
            for run in &entry.runs {
                prop_assert!(run.times.len() <= bytes.len());
                prop_assert!(run.fields.iter().all(|(_, c)| c.len() == run.times.len() && c.data.len() == c.len()));
            }
        }
    }

    #[test]
    fn any_bytes_do_no_harm(tail in vec(any::<u8>(), 0..200)) {
        let _ = decode(&tail, 7);
        let _ = decode(&[&[1][..], &[0; 12], &tail].concat(), 0);
    }
}

fn sample() -> Entry {
    let run = SourceRun {
        origin: origin(1),
        times: vec![5; 100],
        series: vec![0; 100],
        ordinals: (0..100).collect(),
        fields: vec![("v".into(), Column::from(vec![1.5; 100]))],
    };
    let new_series = vec![Series { origin: origin(1), tags: TagSet::new([("host", "a")]) }];
    Entry { clock: 1, first_series: 0, new_series, runs: vec![run] }
}

#[test]
fn mistakes_have_their_errors() {
    let good = bytes(&sample());
    assert!(decode(&good, 0).is_ok());
    assert_eq!(decode(&good, 3).unwrap_err(), CodecError::SeriesGap { expected: 3, found: 0 });
    assert_eq!(decode(&[&good[..], &[0; 2]].concat(), 0).unwrap_err(), CodecError::Trailing(2));
    assert_eq!(decode(&[9], 0).unwrap_err(), CodecError::Version(9));
    assert_eq!(decode(&[], 0).unwrap_err(), CodecError::Truncated);
    let mut entry = sample();
    entry.new_series.clear();
    assert_eq!(decode(&bytes(&entry), 0).unwrap_err(), CodecError::Invalid("series number"));
    assert!(decode(&bytes(&entry), 1).is_ok(), "the series is known from before");
}

#[test]
fn what_repeats_takes_little() {
    assert!(bytes(&sample()).len() < 100 * 2 + 120, "{} bytes", bytes(&sample()).len());
}

#[test]
fn names_are_shared_between_entries() {
    let mut decoder = Decoder::new();
    let bytes = bytes(&sample());
    let [a, b] = [(); 2].map(|()| decoder.decode(&bytes, 0).unwrap());
    assert!(Arc::ptr_eq(&a.runs[0].origin, &b.runs[0].origin));
    assert!(Arc::ptr_eq(&a.runs[0].fields[0].0, &b.runs[0].fields[0].0));
}

#[test]
fn a_few_bytes_cannot_ask_for_much() {
    let mut entry = sample();
    entry.runs[0].fields = vec![("v".into(), Column::of(Kind::Float))];
    entry.runs[0].times = Vec::new();
    entry.runs[0].series = Vec::new();
    entry.runs[0].ordinals = Vec::new();
    let good = bytes(&entry);
    // The number of rows stands behind the run's origin: make it four billion.
    let at = good.len() - (1 + 5 + 5 + 9 + 1 + 2 + 1 + 1 + 1);
    assert_eq!(good[at], 0, "rows");
    let bad = [&good[..at], &[0xff, 0xff, 0xff, 0xff, 0x0f], &good[at + 1..]].concat();
    assert_eq!(decode(&bad, 0).unwrap_err(), CodecError::Truncated);
}
