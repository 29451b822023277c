//! Tasks that are fed random points, and all that is seen of them.

use crate::compile::compile;
use crate::node::LogLevel;
use crate::task::Restored;
use crate::{Effects, Server, Shard, Task};
use jiff::tz::TimeZone;
use model::{Column, Data, Entry, Kind, Origin, Series, SourceRun, TagSet, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tick::{Mode, TaskType};

/// A point: seconds since the one before, its group, its field, and whether an entry starts here.
pub type Point = (i64, u32, Option<Value>, bool);

/// How many groups there are.
const GROUPS: u32 = 3;

/// How the values of a field are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A column of one kind, where they are of one.
    Typed,
    /// Value by value.
    Mixed,
}

/// What was seen of a task.
#[derive(Debug, Default, PartialEq)]
pub struct Seen {
    /// What log nodes wrote: node and line.
    pub lines: Vec<(String, String)>,
    /// Errors: node, first reason in an entry, number of points.
    pub errors: Vec<(String, String, u64)>,
    /// Of each node what it collected and emitted, its errors and groups.
    pub counters: Vec<[u64; 4]>,
}

/// The task of a script.
pub fn build(script: &str) -> Arc<Task> {
    let program = tick::parse(script).expect("the script parses");
    let compiled =
        compile(&program, TaskType::Stream, &BTreeMap::new(), Mode::Task).expect("the script compiles");
    let dbrps = vec![("db".into(), "rp".into())];
    let task = Task::build("t".into(), dbrps, compiled.graph, &Server::default(), 1);
    Arc::new(task.expect("the task starts"))
}

/// An entry of the points from `time` on, and the time of its last.
fn entry(points: &[Point], mut time: i64, with_series: bool, layout: Layout) -> (Entry, i64) {
    let origin = Arc::new(Origin { db: "db".into(), rp: "rp".into(), name: "m".into() });
    let series =
        |group: u32| Series { origin: origin.clone(), tags: TagSet::new([("h", group.to_string())]) };
    let mut column = Column::of(Kind::Float);
    let mut times = Vec::new();
    for (step, _, value, _) in points {
        time += step * 1_000_000_000;
        times.push(time);
        column.push_option(value.clone());
    }
    let len = points.len();
    if layout == Layout::Mixed {
        let values = (0..len).map(|row| column.get(row).unwrap_or(Value::Null));
        column.data = Data::Mixed(values.collect());
    }
    let fields = vec![("v".into(), column), ("w".into(), Column::from(vec![1.0; len]))];
    let run = SourceRun {
        origin: origin.clone(),
        times,
        series: points.iter().map(|point| point.1).collect(),
        ordinals: (0..len as u32).collect(),
        // A field that no point has is no column.
        fields: fields.into_iter().filter(|(_, column)| column.mask.count() > 0).collect(),
    };
    let new_series = if with_series { (0..GROUPS).map(series).collect() } else { Vec::new() };
    (Entry { clock: 0, first_series: 0, new_series, runs: vec![run] }, time)
}

/// Feeds the points to a task, an entry from each point on that starts one.
pub fn observe(task: &Arc<Task>, points: &[Point], layout: Layout) -> Seen {
    let mut shard = Shard::new(0, 1, TimeZone::UTC, None);
    shard.start(task.clone(), Arc::from(&[][..]), Restored::default());
    let mut effects = Effects::default();
    let (mut from, mut time) = (0, 0);
    while from < points.len() {
        let next = points[from + 1..].iter().position(|point| point.3);
        let to = next.map_or(points.len(), |next| from + 1 + next);
        let (entry, last) = entry(&points[from..to], time, from == 0, layout);
        shard.apply(from as u64, entry, &mut effects);
        (from, time) = (to, last);
    }
    assert_eq!(shard.failures().count(), 0);
    let mut seen = Seen::default();
    for log in effects.logs {
        let node = log.node.to_string();
        match log.level {
            LogLevel::Error => seen.errors.push((node, log.message + &log.pairs, log.points)),
            _ => seen.lines.push((node, log.message + &log.pairs)),
        }
    }
    let counters = (0..task.operators.len()).map(|node| {
        let stats = task.stats(node);
        let read = [&stats.collected, &stats.emitted, &stats.errors].map(|counter| counter.load(Relaxed));
        [read[0], read[1], read[2], stats.working_cardinality()]
    });
    seen.counters = counters.collect();
    seen
}

fn float() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => (-1e3..1e3).prop_map(Value::Float),
        8 => (-3i64..4).prop_map(|v| Value::Float(v as f64)),
        1 => prop::sample::select(vec![-0.0, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY])
            .prop_map(Value::Float),
    ]
}

fn int() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => (-1000i64..1000).prop_map(Value::Int),
        8 => (-3i64..4).prop_map(Value::Int),
        1 => prop::sample::select(vec![i64::MAX, i64::MIN]).prop_map(Value::Int),
    ]
}

fn values(mix: u8) -> BoxedStrategy<Option<Value>> {
    let text = || prop::sample::select(vec!["x", "", "é", "10"]).prop_map(Value::str);
    match mix {
        0 => float().prop_map(Some).boxed(),
        1 => int().prop_map(Some).boxed(),
        2 => prop_oneof![3 => float().prop_map(Some), 1 => Just(None)].boxed(),
        3 => prop_oneof![3 => int().prop_map(Some), 1 => Just(None)].boxed(),
        4 => text().prop_map(Some).boxed(),
        5 => prop_oneof![3 => any::<bool>().prop_map(|b| Some(Value::Bool(b))), 1 => Just(None)].boxed(),
        _ => prop_oneof![
            3 => float().prop_map(Some),
            3 => int().prop_map(Some),
            1 => any::<bool>().prop_map(|b| Some(Value::Bool(b))),
            1 => text().prop_map(Some),
            2 => Just(None),
        ]
        .boxed(),
    }
}

/// Points of all kinds, late ones among them.
pub fn points() -> impl Strategy<Value = Vec<Point>> {
    (0u8..8).prop_flat_map(|mix| {
        let step = prop_oneof![8 => 0i64..4, 1 => -15i64..0, 1 => 4i64..60];
        let point = (step, 0..GROUPS, values(mix), prop::bool::weighted(0.2));
        prop::collection::vec(point, 1..120)
    })
}
