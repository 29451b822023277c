//! Lines read back as the points that they were written of.

use super::lines::put;
use line::{Builder, LANE_NONE, Limits, MORE_NONE, Parser, Precision, Router, SeriesIndex, Slot};
use model::{Name, Origin, TagSet, Time, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Takes all series into one lane.
#[derive(Default)]
struct One {
    seen: Vec<(Arc<Origin>, TagSet)>,
}

impl Router for One {
    fn resolve(&mut self, measurement: &str, tags: &TagSet) -> Slot {
        let origin = Arc::new(Origin { db: "d".into(), rp: "r".into(), name: measurement.into() });
        self.seen.push((origin, tags.clone()));
        let number = self.seen.len() as u32 - 1;
        assert_ne!(0, LANE_NONE);
        Slot { origin: number, plan: number, lane: 0, series: number, more: MORE_NONE }
    }

    fn more(&self, _list: u32) -> &[(u32, u32)] {
        &[]
    }

    fn origin(&self, origin: u32) -> &Arc<Origin> {
        &self.seen[origin as usize].0
    }
}

/// Name, tags, fields and time of each line.
type Read = (String, TagSet, BTreeMap<String, Value>, Time);

fn read(lines: &[u8]) -> Result<Vec<Read>, String> {
    let (mut router, mut index, mut builder) = (One::default(), SeriesIndex::default(), Builder::new());
    let mut parser = Parser::new(Precision::Nano, 0, Limits::default());
    parser.feed(lines, &mut index, &mut router, &mut builder);
    parser.finish(&mut index, &mut router, &mut builder).map_err(|error| error.to_string())?;
    let mut points = Vec::new();
    for (_, runs) in builder.take() {
        for run in runs {
            for row in 0..run.times.len() {
                let fields = run.fields.iter();
                let fields = fields.filter_map(|(name, column)| Some((name.to_string(), column.get(row)?)));
                let tags = router.seen[run.series[row] as usize].1.clone();
                let point = (run.origin.name.to_string(), tags, fields.collect(), run.times[row]);
                points.push((run.ordinals[row], point));
            }
        }
    }
    points.sort_by_key(|(ordinal, _)| *ordinal);
    Ok(points.into_iter().map(|(_, point)| point).collect())
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            ",", "=", " ", "\\", "\"", "\n", "\t", "#", "é", "a", "t", "0", "\r", "'", "i"
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<f64>().prop_map(Value::Float),
        (-1e3..1e3).prop_map(Value::Float),
        any::<i64>().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        text().prop_map(|text| Value::str(&text)),
        Just(Value::Null),
    ]
}

/// Line protocol has neither nulls nor these floats.
fn can_be_written(value: &Value) -> bool {
    !matches!(value, Value::Null) && !matches!(value, Value::Float(float) if !float.is_finite())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
    #[test]
    fn what_is_written_reads_back(
        name in text(),
        tags in prop::collection::btree_map(text(), text(), 0..3),
        fields in prop::collection::btree_map(text(), value(), 0..4),
        time in -9_000_000_000_000_000_000i64..9_000_000_000_000_000_000,
    ) {
        let set = TagSet::new(tags.iter());
        let given: BTreeMap<Name, Value> = fields.iter().map(|(name, value)| (Name::from(name.as_str()), value.clone())).collect();
        let mut lines = Vec::new();
        match put(&mut lines, &name, &set, given.iter().map(|(name, value)| (name, value.clone())), time) {
            Ok(left_out) => {
                let mut points = read(&lines).map_err(|error| TestCaseError::fail(format!("{:?}: {error}", String::from_utf8_lossy(&lines))))?;
                prop_assert_eq!(points.len(), 1, "{:?}", String::from_utf8_lossy(&lines));
                let (read_name, read_tags, read_fields, read_time) = points.remove(0);
                prop_assert_eq!(&read_name, &name);
                prop_assert_eq!(read_time, time);
                let filled = tags.iter().filter(|(_, value)| !value.is_empty());
                prop_assert_eq!(read_tags, TagSet::new(filled));
                let written: BTreeMap<String, Value> = fields.iter().filter(|(_, value)| can_be_written(value)).map(|(name, value)| (name.clone(), value.clone())).collect();
                prop_assert_eq!(read_fields.keys().collect::<Vec<_>>(), written.keys().collect::<Vec<_>>());
                for (name, value) in &written {
                    prop_assert!(read_fields[name].same(value), "{}: {:?} {:?}", name, value, read_fields[name]);
                }
                let infinite = fields.values().any(|value| !matches!(value, Value::Null) && !can_be_written(value));
                prop_assert_eq!(left_out.is_some(), infinite);
            }
            Err(why) => {
                // Only what has such letters, or lacks something, is refused.
                let names = tags.iter().flat_map(|(tag, value)| [tag, value]).chain(fields.keys()).chain([&name]);
                let odd = |text: &String| text.contains(['\\', '\n', '\r', '\0', '\t']) || text.is_empty();
                let empty = !fields.values().any(can_be_written);
                prop_assert!(empty || name.starts_with('#') || names.clone().any(odd), "{}", why);
            }
        }
    }
}

#[test]
fn plain_points_have_plain_lines() {
    let fields: Vec<(Name, Value)> = vec![
        ("b".into(), Value::Bool(true)),
        ("d".into(), Value::Duration(5)),
        ("f".into(), Value::Float(1.0)),
        ("g".into(), Value::Float(-1e300)),
        ("i".into(), Value::Int(-3)),
        ("n".into(), Value::Null),
        ("s".into(), Value::str("say \"a\\b\"\nand c")),
    ];
    let tags = TagSet::new([("empty", ""), ("host name", "a,b=c d")]);
    let mut lines = Vec::new();
    let left_out = put(&mut lines, "my cpu", &tags, fields.iter().map(|(n, v)| (n, v.clone())), -5);
    assert_eq!(left_out, Ok(None));
    assert_eq!(
        String::from_utf8_lossy(&lines),
        "my\\ cpu,host\\ name=a\\,b\\=c\\ d b=true,d=5i,f=1.0,g=-1e300,i=-3i,s=\"say \\\"a\\\\b\\\"\nand c\" -5\n"
    );
}
