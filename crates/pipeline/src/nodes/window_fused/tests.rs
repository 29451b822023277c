//! A fused pair gives what the two nodes give. A second child of the window keeps it from being
//! fused.

use super::Half;
use crate::compile::compile;
use crate::task::Restored;
use crate::{Effects, Server, Shard, Task};
use jiff::tz::TimeZone;
use model::{Column, Entry, Kind, Origin, Series, SourceRun, TagSet, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tick::{Mode, TaskType};

/// A point: seconds since the one before, its group, its field, and whether an entry starts here.
type Point = (i64, u32, Option<Value>, bool);

const GROUPS: u32 = 3;

fn build(script: &str) -> Arc<Task> {
    let program = tick::parse(script).expect("the script parses");
    let compiled =
        compile(&program, TaskType::Stream, &BTreeMap::new(), Mode::Task).expect("the script compiles");
    let dbrps = vec![("db".into(), "rp".into())];
    let task = Task::build("t".into(), dbrps, compiled.graph, &Server::default(), 1);
    Arc::new(task.expect("the task starts"))
}

fn halves(task: &Task) -> Vec<Option<Half>> {
    task.operators[2..4].iter().map(|operator| operator.as_ref().and_then(|operator| operator.half)).collect()
}

/// An entry of the points from `time` on, and the time of its last.
fn entry(points: &[Point], mut time: i64, with_series: bool) -> (Entry, i64) {
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
    let fields = vec![("v".into(), column), ("w".into(), Column::from(vec![1.0; points.len()]))];
    let run = SourceRun {
        origin: origin.clone(),
        times,
        series: points.iter().map(|point| point.1).collect(),
        ordinals: (0..points.len() as u32).collect(),
        // A field that no point has is no column.
        fields: fields.into_iter().filter(|(_, column)| column.mask.count() > 0).collect(),
    };
    let new_series = if with_series { (0..GROUPS).map(series).collect() } else { Vec::new() };
    (Entry { clock: 0, first_series: 0, new_series, runs: vec![run] }, time)
}

/// Everything that the points make of a task: what `log4` writes, and the counters of both nodes.
fn observe(task: Arc<Task>, points: &[Point]) -> (Vec<String>, Vec<[u64; 4]>) {
    let mut shard = Shard::new(0, 1, TimeZone::UTC, None);
    shard.start(task.clone(), Arc::from(&[][..]), Restored::default());
    let mut effects = Effects::default();
    let (mut from, mut time) = (0, 0);
    while from < points.len() {
        let next = points[from + 1..].iter().position(|point| point.3);
        let to = next.map_or(points.len(), |next| from + 1 + next);
        let (entry, last) = entry(&points[from..to], time, from == 0);
        shard.apply(from as u64, entry, &mut effects);
        (from, time) = (to, last);
    }
    assert_eq!(shard.failures().count(), 0);
    let logs = effects
        .logs
        .into_iter()
        .filter(|log| &*log.node == "log4")
        .map(|log| log.message + &log.pairs)
        .collect();
    let counters = (2..4).map(|node| {
        let stats = task.stats(node);
        [
            stats.collected.load(Relaxed),
            stats.emitted.load(Relaxed),
            stats.errors.load(Relaxed),
            stats.working_cardinality(),
        ]
    });
    (logs, counters.collect())
}

fn float() -> impl Strategy<Value = Value> {
    prop_oneof![(-1e3..1e3).prop_map(Value::Float), Just(Value::Float(-0.0)), Just(Value::Float(1e300))]
}

fn int() -> impl Strategy<Value = Value> {
    prop_oneof![(-1000i64..1000).prop_map(Value::Int), Just(Value::Int(i64::MAX))]
}

fn values(mix: u8) -> BoxedStrategy<Option<Value>> {
    match mix {
        0 => float().prop_map(Some).boxed(),
        1 => int().prop_map(Some).boxed(),
        2 => prop_oneof![3 => float().prop_map(Some), 1 => Just(None)].boxed(),
        3 => prop_oneof![3 => int().prop_map(Some), 1 => Just(None)].boxed(),
        _ => prop_oneof![
            3 => float().prop_map(Some),
            3 => int().prop_map(Some),
            1 => any::<bool>().prop_map(|b| Some(Value::Bool(b))),
            1 => Just(Some(Value::str("x"))),
            2 => Just(None),
        ]
        .boxed(),
    }
}

fn points() -> impl Strategy<Value = Vec<Point>> {
    (0u8..5).prop_flat_map(|mix| {
        let step = prop_oneof![8 => 0i64..4, 1 => -15i64..0, 1 => 4i64..60];
        let point = (step, 0..GROUPS, values(mix), prop::bool::weighted(0.2));
        prop::collection::vec(point, 1..150)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn fused_is_unfused(
        points in points(),
        function in prop::sample::select(vec!["mean('v')", "sum('v')", "count('v')", "sum('v').usePointTimes()"]),
        window in prop::sample::select(vec![
            "period(10s).every(10s)",
            "period(10s).every(10s).align()",
            "period(3s).every(3s)",
            "period(7s).every(7s).align()",
        ]),
    ) {
        let above = format!("stream|from().measurement('m').groupBy('h')|window().{window}");
        let fused = build(&format!("{above}|{function}|log()"));
        let unfused = build(&format!("var w = {above}\nw|{function}|log()\nw|log()"));
        prop_assert_eq!(halves(&fused), [Some(Half::Window), Some(Half::Function)]);
        prop_assert_eq!(halves(&unfused), [None, None]);
        prop_assert_eq!(observe(fused, &points), observe(unfused, &points));
    }
}

#[test]
fn only_tumbling_windows_over_one_plain_function_are_fused() {
    let of = |chain: &str| halves(&build(&format!("stream|from().measurement('m')|{chain}")));
    let whole = [Some(Half::Window), Some(Half::Function)];
    assert_eq!(of("window().period(10s).every(10s)|count('v')"), whole);
    assert_eq!(of("window().period(10s).every(10s).align()|mean('v').as('x')|max('x')"), whole);
    for chain in [
        "window().period(10s).every(5s)|mean('v')",
        "window().period(10s).every(10s).fillPeriod()|mean('v')",
        "window().periodCount(10).everyCount(10)|mean('v')",
        "window().period(10s).every(10s)|max('v')",
        "window().period(10s).every(10s)|spread('v')",
    ] {
        assert_eq!(of(chain), [None, None], "{chain}");
    }
}
