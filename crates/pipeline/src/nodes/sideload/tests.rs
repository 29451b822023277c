//! The columnar form against points one by one, and conversions.

use super::content::{Content, Datum, clean};
use super::convert::convert;
use crate::compile::compile;
use crate::node::Server;
use crate::nodes::default::bed::{Point, points};
use crate::task::Restored;
use crate::{Effects, Shard, Task};
use model::{Column, Entry, Origin, Series, SourceRun, TagSet, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use tick::{Mode, TaskType};

#[test]
fn keys_are_paths_without_detours() {
    for (key, expected) in [
        ("cpu", "cpu"),
        ("a//b/", "a/b"),
        ("a/../b", "b"),
        ("../a/..", ".."),
        ("/../a", "/a"),
        ("", "."),
        ("./", "."),
        ("/", "/"),
    ] {
        assert_eq!(clean(key), expected, "{key}");
    }
}

#[test]
fn values_become_what_the_default_is() {
    let (number, text) = (Datum::Number, |text: &str| Datum::Text(text.into()));
    let (int, float, truth, string) = (Value::Int(0), Value::Float(0.0), Value::Bool(false), Value::str(""));
    let ok = |value: Value| Ok(value);
    let err = |why: &str| Err(why.to_owned());
    for (datum, default, expected) in [
        (number(5.0), &int, ok(Value::Int(5))),
        (number(5.5), &int, err("cannot convert value of type float64 to type int64")),
        (number(1e19), &int, err("cannot convert value of type float64 to type int64")),
        (text("-7"), &int, ok(Value::Int(-7))),
        (text("x"), &int, err("cannot convert string to int64: strconv.Atoi: parsing \"x\": invalid syntax")),
        (Datum::Bool(true), &int, err("cannot convert value of type bool to type int64")),
        (number(5.0), &float, ok(Value::Float(5.0))),
        (text("5e1"), &float, ok(Value::Float(50.0))),
        (
            text("1e999"),
            &float,
            err(
                "cannot convert string to float64: strconv.ParseFloat: parsing \"1e999\": value out of range",
            ),
        ),
        (Datum::Map, &float, err("cannot convert value of type map[string]interface {} to type float64")),
        (Datum::Bool(true), &truth, ok(Value::Bool(true))),
        (text("T"), &truth, ok(Value::Bool(true))),
        (
            text("yes"),
            &truth,
            err("cannot convert string to bool: strconv.ParseBool: parsing \"yes\": invalid syntax"),
        ),
        (number(1.0), &truth, err("cannot convert value of type float64 to type bool")),
        (number(5.0), &string, ok(Value::str("5"))),
        (number(1e21), &string, ok(Value::str("1000000000000000000000"))),
        (Datum::Bool(false), &string, ok(Value::str("false"))),
        (Datum::List, &string, err("cannot convert value of type []interface {} to type string")),
    ] {
        assert_eq!(convert(&datum, default), expected, "{datum:?}");
    }
}

#[test]
fn only_wanted_values_are_kept_and_a_null_ends_the_search() {
    let keys = ["a".to_owned(), "b".to_owned()];
    let json = br#"{"x":{"a":null,"c":1},"y":{"a":2,"b":3},"z":null}"#;
    let content = Content::of_places(json, &keys).expect("it reads");
    let order = ["none".to_owned(), "x".to_owned(), "y".to_owned()];
    assert_eq!(content.lookup(&order, "a"), None);
    assert_eq!(content.lookup(&order, "b"), Some(&Datum::Number(3.0)));
    assert_eq!(content.lookup(&order, "c"), None);
    assert_eq!(Content::decode(&content.encode()), Ok(content));
    for wrong in ["", "[]", r#"{"x":1}"#] {
        assert!(Content::of_places(wrong.as_bytes(), &keys).is_err(), "{wrong}");
    }
}

/// What a log node writes of points behind a sideload node, so many a write.
fn logged(script: &str, content: &Content, points: &[Point], write: usize) -> (Vec<String>, u64) {
    let program = tick::parse(script).expect("a script");
    let compiled = compile(&program, TaskType::Stream, &BTreeMap::new(), Mode::Task).expect("it compiles");
    let dbrps = vec![("db".into(), "rp".into())];
    let task = Task::build("t".into(), dbrps, compiled.graph, &Server::default(), 1).expect("it builds");
    let task = Arc::new(task);
    let mut shard = Shard::new(0, 1, jiff::tz::TimeZone::UTC, None);
    shard.start(task.clone(), Arc::from(&b""[..]), Restored::default());
    for sideload in &task.sideloads {
        shard.set_source("t", &sideload.node, Arc::new(content.clone()));
    }
    let mut effects = Effects::default();
    let mut known: Vec<TagSet> = Vec::new();
    for (index, points) in points.chunks(write).enumerate() {
        shard.apply(index as u64, entry(points, &mut known), &mut effects);
    }
    assert_eq!(shard.failures().next(), None);
    let lines = effects.logs.iter().filter(|log| log.points == 0);
    let lines = lines.map(|log| log.pairs.clone()).collect();
    let errors = effects.logs.iter().map(|log| log.points).sum();
    (lines, errors)
}

fn entry(points: &[Point], known: &mut Vec<TagSet>) -> Entry {
    let origin = Arc::new(Origin { db: "db".into(), rp: "rp".into(), name: "m".into() });
    let first_series = known.len();
    let mut series = Vec::new();
    let mut fields: BTreeMap<&str, Column> = BTreeMap::new();
    for (row, point) in points.iter().enumerate() {
        let tags = TagSet::new(point.tags.iter());
        let at = known.iter().position(|other| *other == tags).unwrap_or_else(|| {
            known.push(tags);
            known.len() - 1
        });
        series.push(at as u32);
        for (name, value) in &point.fields {
            let column = fields.entry(name).or_default();
            column.pad(row);
            column.push(value.clone());
        }
    }
    fields.values_mut().for_each(|column| column.pad(points.len()));
    let run = SourceRun {
        origin: origin.clone(),
        times: points.iter().map(|point| point.time).collect(),
        series,
        ordinals: (0..points.len() as u32).collect(),
        fields: fields.into_iter().map(|(name, column)| (name.into(), column)).collect(),
    };
    let new = known[first_series..].iter();
    let new_series: Vec<Series> =
        new.map(|tags| Series { origin: origin.clone(), tags: tags.clone() }).collect();
    Entry { clock: 0, first_series: first_series as u32, new_series, runs: vec![run] }
}

const SCRIPT: &str = "stream|from().groupBy('t')|sideload().source('file:///x').order('{{.h}}','all')\
    .field('v', 7.0).field('n', 5).tag('t', 'none').tag('new', 'x')|log()";

/// The point as it comes out, by the rules one at a time, and its errors.
fn by_hand(point: &Point, content: &Content) -> (Point, u64) {
    let mut out = point.clone();
    // What a template shows of a key that is not there.
    let first = point.tags.get("h").copied().unwrap_or("<no value>");
    let order = [first.to_owned(), "all".to_owned()];
    let mut errors = 0;
    let mut value = |key: &str, default: Value| match content.lookup(&order, key) {
        None => default,
        Some(datum) => convert(datum, &default).unwrap_or_else(|_| {
            errors += 1;
            default
        }),
    };
    out.fields.insert("v", value("v", Value::Float(7.0)));
    out.fields.insert("n", value("n", Value::Int(5)));
    for (tag, default) in [("t", "none"), ("new", "x")] {
        if let Value::Str(text) = value(tag, Value::str(default)) {
            out.tags.insert(tag, Box::leak(text.to_string().into_boxed_str()));
        }
    }
    (out, errors)
}

fn datum() -> impl Strategy<Value = Datum> {
    prop_oneof![
        Just(Datum::Null),
        (0..3i32).prop_map(|n| Datum::Number(f64::from(n) / 2.0)),
        any::<bool>().prop_map(Datum::Bool),
        prop::sample::select(vec!["", "1", "é"]).prop_map(|text| Datum::Text(text.into())),
        Just(Datum::List),
    ]
}

proptest! {
    #[test]
    fn points_get_what_they_would_get_one_by_one(
        (points, write) in points(),
        values in prop::collection::vec((0..4usize, 0..4usize, datum()), 0..12),
    ) {
        let keys: Vec<String> = ["n", "new", "t", "v"].map(String::from).to_vec();
        let mut places: BTreeMap<&str, BTreeMap<String, Datum>> = BTreeMap::new();
        for (place, key, datum) in values {
            places.entry(["", "a", "b", "all"][place]).or_default().insert(keys[key].clone(), datum);
        }
        let mut content = Content::default();
        places.into_iter().for_each(|(place, values)| content.add(place, values, &keys));
        let (by_hand, errors): (Vec<Point>, Vec<u64>) = points.iter().map(|point| by_hand(point, &content)).unzip();
        let (lines, counted) = logged(SCRIPT, &content, &points, write);
        let expected = logged("stream|from().groupBy('t')|log()", &content, &by_hand, 1).0;
        prop_assert_eq!(lines, expected);
        prop_assert_eq!(counted, errors.iter().sum::<u64>());
    }
}
