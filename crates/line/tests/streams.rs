//! Properties: what is written is read, however it is spelled and cut; nothing crashes; memory
//! stays bounded.

mod write;

use line::{Error, Precision, SeriesIndex};
use model::{TagSet, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;
use write::{Bench, NOW, Point};

/// Texts with the bytes that mean something, and some that do not. A backslash at the end of a
/// name or before an escape cannot be written in line protocol, so names have none.
fn name() -> impl Strategy<Value = String> {
    "[a-c,= \"é_]{0,3}[a-z]".prop_filter("a comment", |name| !name.starts_with(['#', ' ']))
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(Value::Float),
        (-1000i32..1000).prop_map(|v| Value::Float(f64::from(v) / 100.0)),
        any::<i64>().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        "[a-c,= \"\\\\\n#é]{0,6}".prop_map(|text| Value::str(&text)),
    ]
}

prop_compose! {
    fn point()(
        measurement in prop_oneof!["cpu", "all", "unwanted", name()],
        tags in proptest::collection::btree_map(name(), name(), 0..4),
        fields in proptest::collection::btree_map(prop_oneof!["usage", "idle", name()], value(), 1..5),
        time in any::<i64>().prop_map(|time| time >> 2),
    ) -> Point {
        Point { measurement, tags: TagSet::new(&tags), fields, time }
    }
}

fn escaped(text: &str, special: &str) -> String {
    text.chars().flat_map(|c| special.contains(c).then_some('\\').into_iter().chain([c])).collect()
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Float(v) if v.abs() < 1e15 && v.abs() > 1e-5 => format!("{v}"),
        Value::Float(v) => format!("{v:e}"),
        Value::Int(v) => format!("{v}i"),
        Value::Bool(v) => v.to_string(),
        Value::Str(v) => format!("\"{}\"", escaped(v, "\"\\")),
        other => panic!("{other:?} is not line protocol"),
    }
}

/// The line of a point; `turn` turns the order of its tags and fields.
fn line(point: &Point, turn: usize) -> String {
    let mut tags: Vec<String> =
        point.tags.iter().map(|(k, v)| format!(",{}={}", escaped(k, ",= "), escaped(v, ",= "))).collect();
    let mut fields: Vec<String> =
        point.fields.iter().map(|(k, v)| format!("{}={}", escaped(k, ",= \""), scalar(v))).collect();
    tags.rotate_left(turn % point.tags.len().max(1));
    fields.rotate_left(turn % point.fields.len());
    let measurement = escaped(&point.measurement, ", ");
    format!("{measurement}{} {} {}", tags.concat(), fields.join(","), point.time)
}

fn wanted(points: &[Point]) -> Vec<&Point> {
    points.iter().filter(|point| !point.measurement.starts_with("un")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_written_is_read(
        points in proptest::collection::vec((point(), 0usize..4), 1..12),
        chunk in 1usize..200,
        lanes in 1u32..4,
    ) {
        let (points, turns): (Vec<Point>, Vec<usize>) = points.into_iter().unzip();
        let lines: Vec<String> = points.iter().zip(turns).map(|(p, turn)| line(p, turn)).collect();
        let body = lines.join("\n");
        let mut bench = Bench::new(lanes);
        for round in 0..3 {
            let read = bench.write(body.as_bytes().chunks(chunk << (4 * round)), Precision::Nano);
            let read = read.map_err(|e| TestCaseError::fail(e.to_string()))?;
            prop_assert_eq!(read.iter().collect::<Vec<_>>(), wanted(&points));
        }
        prop_assert!(bench.router.asked <= points.len(), "asked again for a known key");
    }

    #[test]
    fn any_bytes_any_chunks(
        lines in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..30),
                "[ma,= \"\\\\\n\t1it.e-]{0,30}".prop_map(String::into_bytes),
                "m,a=b v=1,w=\"[a\"\\\\\n]{0,3}\" [0-9]{0,3}".prop_map(String::into_bytes),
                proptest::collection::vec(0x7fu8.., 1..4).prop_map(|b| [b"m,t=", &b[..], b" v=\"", &b[..], b"\" 1"].concat()),
            ],
            0..8,
        ),
        chunk in 1usize..40,
    ) {
        let body = lines.join(&b'\n');
        let whole = Bench::new(2).write([&body[..]], Precision::Nano);
        let mut bench = Bench::new(2);
        for _ in 0..2 {
            prop_assert_eq!(&bench.write(body.chunks(chunk), Precision::Nano), &whole);
        }
    }
}

#[test]
fn bytes_that_are_not_text_are_replaced() {
    let mut bench = Bench::new(1);
    for _ in 0..2 {
        let points = bench.write([&b"m\xff,t=\xfe a\xff=\"\xfe\" 1"[..]], Precision::Nano).unwrap();
        let fields = BTreeMap::from([("a\u{fffd}".to_owned(), Value::str("\u{fffd}"))]);
        let tags = TagSet::new([("t", "\u{fffd}")]);
        assert_eq!(points, [Point { measurement: "m\u{fffd}".into(), tags, fields, time: 1 }]);
    }
}

#[test]
fn a_refused_write_leaves_nothing() {
    let mut bench = Bench::new(2);
    bench.write([&b"m v=1 1\nbad\nm v=2 2"[..]], Precision::Nano).unwrap_err();
    assert_eq!(bench.builder.take().count(), 0);
    assert_eq!(bench.builder.counts_by_plan().count(), 0);
    assert_eq!(bench.write([&b"m v=3 3"[..]], Precision::Nano).unwrap().len(), 1);
}

#[test]
fn a_long_line_is_refused_wherever_it_is_cut() {
    let mut bench = Bench::new(1);
    bench.limits.line_bytes_max = 20;
    let body = b"m v=1 1\nm v=\"0123456789\" 1\nm v=\"01234567890123456789\" 1\nm v=1 2\n";
    for chunk in 1..=body.len() {
        let error = bench.write(body.chunks(chunk), Precision::Nano).unwrap_err();
        assert_eq!(error, Error::LineTooLong { line: 3, max: 20 }, "in chunks of {chunk}");
    }
}

#[test]
fn keys_have_a_greatest_length() {
    for (len, fits) in [(65_535, true), (65_536, false)] {
        let mut bench = Bench::new(1);
        for body in [format!("{} v=1", "m".repeat(len)), format!("m,t={} v=1", "y".repeat(len - 4))] {
            let want = format!("max key length exceeded: {len} > 65535");
            match bench.write([body.as_bytes()], Precision::Nano) {
                Ok(points) => assert!(fits && points.len() == 1),
                Err(error) => assert!(!fits && error.to_string().ends_with(&want), "{error:.100}"),
            }
        }
    }
}

#[test]
fn a_message_does_not_grow_with_the_body() {
    let mut bench = Bench::new(1);
    let error = bench.write([&b"bad\n".repeat(100_000)[..]], Precision::Nano).unwrap_err();
    let Error::BadLines { message, count } = error else { panic!("{error}") };
    assert_eq!(count, 100_000);
    assert!(message.len() < 66_000, "{} bytes", message.len());
}

/// A column of every name that any line has, as long as the run, would take 80 MB here.
#[test]
fn sparse_fields_do_not_fill_memory() {
    let unique: Vec<String> = (0..3000).map(|n| format!("m f{n}=1 {n}")).collect();
    let wide: Vec<String> = (0..3000).map(|n| format!("f{n}=1")).collect();
    let narrow: Vec<String> = (0..3000).map(|n| format!("m f7=1 {n}")).collect();
    for body in [unique.join("\n"), format!("m {} 1\n{}", wide.join(","), narrow.join("\n"))] {
        let mut bench = Bench::new(1);
        let points = bench.feed([body.as_bytes()], Precision::Nano).unwrap();
        let runs: Vec<_> = bench.builder.take().flat_map(|(_, runs)| runs).collect();
        let cells: usize = runs.iter().map(|run| run.times.len() * run.fields.len()).sum();
        assert!(cells < 300_000, "{cells} cells for {points} points");
        assert_eq!(runs.iter().map(|run| run.times.len() as u64).sum::<u64>(), points);
    }
}

#[test]
fn a_full_index_starts_anew() {
    let mut bench = Bench::new(3);
    bench.index = SeriesIndex::new(20_000);
    for round in 0..3 {
        let lines: Vec<String> = (0..1000).map(|n| format!("all,host={n} v=1 {round}")).collect();
        let points = bench.write([lines.join("\n").as_bytes()], Precision::Nano).unwrap();
        assert_eq!(points.len(), 1000);
        assert!(bench.index.bytes() <= 20_000, "{} bytes", bench.index.bytes());
    }
    assert!(bench.router.cleared > 3);
}

#[test]
fn more_origins_than_are_kept() {
    let mut bench = Bench::new(2);
    for _ in 0..2 {
        let lines: Vec<String> = (0..17_000).map(|n| format!("m{n} v=1 {n}")).collect();
        assert_eq!(bench.feed([lines.join("\n").as_bytes()], Precision::Nano), Ok(17_000));
        let rows: usize = bench.builder.take().flat_map(|(_, runs)| runs).map(|run| run.times.len()).sum();
        assert_eq!(rows, 17_000);
    }
}

#[test]
fn buffers_come_back() {
    let mut bench = Bench::new(1);
    let lines: Vec<String> = (0..100).map(|n| format!("m a=1,b=2i {n}")).collect();
    bench.feed([lines.join("\n").as_bytes()], Precision::Nano).unwrap();
    for (_, runs) in bench.builder.take() {
        runs.into_iter().for_each(|run| bench.builder.recycle(run));
    }
    assert!(bench.builder.spare_bytes() >= 100 * (8 + 4 + 4 + 8 + 8));
    let points = bench.write([&b"m a=1,b=2i"[..]], Precision::Second).unwrap();
    assert_eq!(points[0].time, NOW - NOW % 1_000_000_000);
    bench.builder.shrink();
    assert_eq!(bench.builder.spare_bytes(), 0);
}
