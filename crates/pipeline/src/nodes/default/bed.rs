//! Points through a script, and what its log node says of them: for tests that hold a node against a
//! model that goes point by point.

use crate::compile::compile;
use crate::task::Restored;
use crate::{Effects, Server, Shard, Task};
use model::{Column, Entry, Origin, Series, SourceRun, TagSet, Time, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tick::{Mode, TaskType};

/// A point. Tags may be empty, fields null: other nodes make such points.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub tags: BTreeMap<&'static str, &'static str>,
    pub fields: BTreeMap<&'static str, Value>,
    pub time: Time,
}

impl Point {
    pub fn tag(&self, tag: &str) -> &'static str {
        self.tags.get(tag).copied().unwrap_or_default()
    }

    fn tag_set(&self) -> TagSet {
        TagSet::new(self.tags.iter())
    }
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        prop::sample::select(vec![0.0, -0.0, 1.0, f64::NAN, f64::INFINITY]).prop_map(Value::Float),
        (0..2i64).prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        prop::sample::select(vec!["", "a", "é"]).prop_map(Value::str),
    ]
}

fn point() -> impl Strategy<Value = Point> {
    let tag = |values: &'static [&'static str]| prop::option::of(prop::sample::select(values));
    let field = || prop::option::of(prop_oneof![value(), (0..3i64).prop_map(|n| Value::Float(n as f64))]);
    let time = (-4..12i64, prop::sample::select(vec![0, 0, 0, 1, -1]));
    (tag(&["", "a", "b"]), tag(&["", "x", "y"]), field(), field(), time).prop_map(|(h, t, v, w, (s, ns))| {
        let tags = [("h", h), ("t", t)].into_iter().filter_map(|(key, value)| Some((key, value?)));
        let fields = [("v", v), ("w", w), ("x", Some(Value::Int(s)))];
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Point { tags: tags.collect(), fields: fields.collect(), time: s * 1_000_000_000 + ns }
    })
}

/// Points with anything that points can have, and after how many of them each write ends.
pub(crate) fn points() -> impl Strategy<Value = (Vec<Point>, usize)> {
    (prop::collection::vec(point(), 1..60), 1..20usize)
}

/// What came of points.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    /// What the log nodes wrote.
    pub lines: Vec<String>,
    /// Errors of all nodes.
    pub errors: u64,
    /// Counters that only the node before the last log has.
    pub counters: Vec<u64>,
}

/// Feeds a script the points, so many a write.
pub(crate) fn run(script: &str, points: &[Point], write: usize) -> Ran {
    let program = tick::parse(script).expect("a script");
    let compiled = compile(&program, TaskType::Stream, &BTreeMap::new(), Mode::Task).expect("it compiles");
    let dbrps = vec![("db".into(), "rp".into())];
    let task = Task::build("t".into(), dbrps, compiled.graph, &Server::default(), 1).expect("it builds");
    let task = Arc::new(task);
    let mut shard = Shard::new(0, 1, jiff::tz::TimeZone::UTC, None);
    shard.start(task.clone(), Arc::from(&b""[..]), Restored::default());
    let mut effects = Effects::default();
    let mut known: Vec<TagSet> = Vec::new();
    for (index, points) in points.chunks(write).enumerate() {
        let entry = entry(points, &mut known);
        shard.apply(index as u64, entry, &mut effects);
    }
    assert_eq!(shard.failures().next(), None);
    let lines = effects.logs.iter().filter(|log| log.points == 0);
    Ran {
        lines: lines.map(|log| format!("{}{}", log.message, log.pairs)).collect(),
        errors: (0..task.names.len()).map(|node| task.stats(node).errors.load(Relaxed)).sum(),
        counters: task
            .stats(task.names.len() - 2)
            .counters
            .iter()
            .map(|counter| counter.load(Relaxed))
            .collect(),
    }
}

fn entry(points: &[Point], known: &mut Vec<TagSet>) -> Entry {
    let origin = Arc::new(Origin { db: "db".into(), rp: "rp".into(), name: "m".into() });
    let first_series = known.len();
    let mut series = Vec::new();
    let mut fields: BTreeMap<&str, Column> = BTreeMap::new();
    for (row, point) in points.iter().enumerate() {
        let tags = point.tag_set();
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

/// What `stream|from()PROPERTIES|log()` writes of points.
pub(crate) fn logged(properties: &str, points: &[Point]) -> Vec<String> {
    run(&format!("stream|from(){properties}|log()"), points, 1).lines
}

/// What a filter behind a window of `size` points writes, when `keep` says what it keeps of each
/// batch.
pub(crate) fn logged_batches(
    points: &[Point],
    size: usize,
    keep: impl Fn(&[Point]) -> Vec<bool>,
) -> Vec<String> {
    let all = run(&windowed(size, ""), points, 1).lines;
    let batches = points.chunks_exact(size).zip(all.chunks_exact(size + 2));
    let kept = batches.flat_map(|(points, lines)| {
        let keep = keep(points);
        let line = |(at, line): (usize, &String)| {
            let frame = at == 0 || at == size + 1;
            (frame || keep[at - 1]).then(|| line.clone())
        };
        lines.iter().enumerate().filter_map(line).collect::<Vec<String>>()
    });
    kept.collect()
}

/// A script with a node behind a window of `size` points.
pub(crate) fn windowed(size: usize, node: &str) -> String {
    format!("stream|from()|window().periodCount({size}).everyCount({size}){node}|log()")
}
