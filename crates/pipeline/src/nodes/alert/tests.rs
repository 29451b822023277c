//! What cases cannot say: what an alert finds in its topics, the topics and handlers that it tells
//! of, and that a run gives what a plain reading of the rules gives point by point.

use crate::compile::compile;
use crate::node::{Effects, Server};
use crate::shard::Shard;
use crate::task::{InlineHandler, Restored, Task};
use jiff::tz::TimeZone;
use model::{Column, Entry, Event, Kind, Level, Origin, Series, SourceRun, TagSet, Time};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tick::{Mode, TaskType};

/// A point: its group, its value (missing when `None`), its time.
type Point = (u8, Option<i64>, Time);

fn task(script: &str) -> Arc<Task> {
    let program = tick::parse(script).expect("a good script");
    let compiled = compile(&program, TaskType::Stream, &BTreeMap::new(), Mode::Task).expect("a good script");
    let server = Server { task_master: "main".into(), ..Server::default() };
    let dbrps = vec![("db".into(), "rp".into())];
    Arc::new(Task::build("T".into(), dbrps, compiled.graph, &server, 1).expect("it builds"))
}

fn entry(points: &[Point], known: &mut Vec<u8>) -> Entry {
    let origin = Arc::new(Origin { db: "db".into(), rp: "rp".into(), name: "m".into() });
    let first_series = known.len() as u32;
    let mut run = SourceRun {
        origin: origin.clone(),
        times: points.iter().map(|point| point.2).collect(),
        series: Vec::new(),
        ordinals: (0..points.len() as u32).collect(),
        fields: Vec::new(),
    };
    let mut column = Column::of(Kind::Int);
    let mut new_series = Vec::new();
    for &(host, value, _) in points {
        let at = known.iter().position(|k| *k == host).unwrap_or_else(|| {
            known.push(host);
            new_series.push(Series { origin: origin.clone(), tags: TagSet::new([("h", host.to_string())]) });
            known.len() - 1
        });
        run.series.push(at as u32);
        column.push_option(value.map(model::Value::Int));
    }
    run.fields.push(("v".into(), column));
    Entry { clock: 0, first_series, new_series, runs: vec![run] }
}

/// What a script makes of points that come in entries of `cut`: the events, and the errors.
fn run(script: &str, restored: Restored, points: &[Point], cut: usize) -> (Vec<Event>, u64) {
    let task = task(script);
    let mut shard = Shard::new(0, 1, TimeZone::UTC, None);
    shard.start(task.clone(), Arc::from(&b""[..]), restored);
    let (mut effects, mut known) = (Effects::default(), Vec::new());
    for (index, points) in points.chunks(cut.max(1)).enumerate() {
        shard.apply(index as u64, entry(points, &mut known), &mut effects);
    }
    assert_eq!(shard.failures().next(), None);
    (effects.events, task.stats(2).errors.load(Relaxed))
}

/// An event without what depends on how points are cut into entries.
fn told(events: &[Event]) -> Vec<(String, Level, Level, Time, i64)> {
    let told = |event: &Event| {
        let state = &event.state;
        (state.id.clone(), state.level, event.previous_level, state.time, state.duration)
    };
    events.iter().map(told).collect()
}

#[test]
fn an_alert_goes_on_where_its_topics_left_it() {
    let script = "stream|from().measurement('m').groupBy('h')|alert().id('{{ .Group }}').details('')
        .crit(lambda: \"v\" > 30).stateChangesOnly().topic('t')";
    let events = [("h=1".to_owned(), (Level::Critical, 5)), ("h=2".to_owned(), (Level::Warning, 7))];
    let restored = Restored(BTreeMap::from([("alert2".to_owned(), BTreeMap::from(events))]));
    let points = [
        (1, Some(35), 10),
        (1, Some(0), 20),
        (2, Some(0), 30),
        (3, Some(0), 40),
        (1, Some(35), 50),
        (3, Some(35), 60),
    ];
    for cut in 1..=points.len() {
        let (events, errors) = run(script, restored.clone(), &points, cut);
        let expected = [
            ("h=1", Level::Ok, Level::Critical, 20, 15),
            ("h=2", Level::Ok, Level::Warning, 30, 23),
            ("h=1", Level::Critical, Level::Ok, 50, 0),
            ("h=3", Level::Critical, Level::Ok, 60, 0),
        ];
        assert_eq!(told(&events), expected.map(|e| (e.0.to_owned(), e.1, e.2, e.3, e.4)));
        assert_eq!(errors, 0);
    }
}

#[test]
fn what_another_node_left_is_not_taken() {
    let script =
        "stream|from().measurement('m')|alert().id('e').details('').crit(lambda: \"v\" > 30).topic('t')";
    let events = BTreeMap::from([("e".to_owned(), (Level::Critical, 5))]);
    let restored = Restored(BTreeMap::from([("alert3".to_owned(), events)]));
    assert_eq!(run(script, restored, &[(1, Some(0), 10)], 1).0, []);
}

#[test]
fn topics_and_handlers() {
    let script = "stream|from()|alert().topic('t').log('/tmp/x').mode(0644).crit(lambda: TRUE)
        .exec('prog', 'a', 'b').tcp('host:1').post('http://x', 'ignored').header('A', 'b').header('C', 'd')
        .captureResponse().timeout(5s).skipSSLVerification().post().endpoint('example')";
    let task = task(script);
    let [alert] = &task.alerts[..] else { panic!("one alert: {:?}", task.alerts) };
    assert_eq!(alert.node, "alert2");
    assert_eq!(alert.anonymous.as_deref(), Some("main:T:alert2"));
    assert_eq!(alert.named.as_deref(), Some("t"));
    let handlers: Vec<(&str, serde_json::Value)> =
        alert.handlers.iter().map(|h: &InlineHandler| (h.kind, h.options.clone().into())).collect();
    assert_eq!(
        handlers,
        [
            ("log", json!({"path": "/tmp/x", "mode": 0o644})),
            ("exec", json!({"prog": "prog", "args": ["a", "b"]})),
            ("tcp", json!({"address": "host:1"})),
            (
                "post",
                json!({"url": "http://x", "headers": {"A": "b", "C": "d"}, "capture-response": true,
                    "timeout": 5_000_000_000_i64, "skip-ssl-verification": true})
            ),
            ("post", json!({"endpoint": "example"})),
        ]
    );
}

#[test]
fn an_event_names_its_topics_and_counts() {
    let script =
        "stream|from().measurement('m').groupBy('h')|alert().category('c').id('e').message('x').details('')
        .info(lambda: \"v\" > 10).crit(lambda: \"v\" > 30).topic('t').log('/tmp/x')";
    let (events, _) =
        run(script, Restored::default(), &[(1, Some(15), 1), (1, Some(35), 2), (1, Some(0), 3)], 3);
    assert_eq!(events.len(), 3);
    for (sequence, event) in events.iter().enumerate() {
        assert_eq!(event.topics, ["main:T:alert2".into(), "t".into()] as [model::Name; 2]);
        assert_eq!((&*event.category, &*event.task, &*event.group, &*event.name), ("c", "T", "h=1", "m"));
        assert_eq!(event.identity.sequence as usize, sequence);
    }
}

/// An alert, as a script and as the rules of it.
#[derive(Clone, Debug)]
struct Config {
    /// Above this the level holds: INFO, WARNING, CRITICAL.
    above: [Option<i64>; 3],
    /// Below this it may be left.
    below: [Option<i64>; 3],
    flapping: Option<(f64, f64, usize)>,
    changes_only: Option<i64>,
    no_recoveries: bool,
}

impl Config {
    fn script(&self) -> String {
        let mut script =
            "stream|from().measurement('m').groupBy('h')|alert().id('{{ .Group }}').details('')".to_owned();
        for (at, name) in ["info", "warn", "crit"].into_iter().enumerate() {
            self.above[at].iter().for_each(|v| script += &format!(".{name}(lambda: \"v\" > {v})"));
            self.below[at].iter().for_each(|v| script += &format!(".{name}Reset(lambda: \"v\" < {v})"));
        }
        if let Some((low, high, history)) = self.flapping {
            script += &format!(".flapping({low:?}, {high:?}).history({history})");
        }
        self.changes_only.iter().for_each(|ns| script += &format!(".stateChangesOnly({}u)", ns / 1000));
        if self.no_recoveries {
            script += ".noRecoveries()";
        }
        script
    }

    fn any() -> impl Strategy<Value = Config> {
        let thresholds = || prop::array::uniform3(prop::option::of(0i64..10));
        let share = || (0u8..=10).prop_map(|tenths| f64::from(tenths) / 10.0);
        let flapping = prop::option::of((share(), share(), 2usize..6));
        let changes_only = prop::option::of((0i64..4).prop_map(|us| us * 1000));
        (thresholds(), thresholds(), flapping, changes_only, any::<bool>()).prop_map(
            |(above, below, flapping, changes_only, no_recoveries)| Config {
                above,
                below,
                flapping,
                changes_only,
                no_recoveries,
            },
        )
    }
}

/// A group by the rules as the reference states them, with all levels it ever had.
struct Plain {
    levels: Vec<Level>,
    flapping: bool,
    first: Option<Time>,
    last: Option<Time>,
}

impl Plain {
    fn level(config: &Config, current: Level, value: Option<i64>, errors: &mut u64) -> Level {
        let mut holds = |level: usize| match (config.above[level - 1], value) {
            (Some(above), Some(value)) => value > above,
            (Some(_), None) => {
                *errors += 1;
                false
            }
            (None, _) => false,
        };
        let current = current as usize;
        for level in (current.max(1)..=3).rev() {
            if holds(level) {
                return Level::ALL[level];
            }
        }
        if current > 0 && config.above[current - 1].is_some() {
            match (config.below[current - 1], value) {
                (Some(below), Some(value)) if value >= below => return Level::ALL[current],
                (Some(_), None) => {
                    // It fails, and the level is not held.
                    for level in (1..=current).rev() {
                        holds(level);
                    }
                    *errors += 1;
                    return Level::Ok;
                }
                _ => {}
            }
        }
        (1..=current).rev().find(|&level| holds(level)).map_or(Level::Ok, |level| Level::ALL[level])
    }

    /// Kapacitor's weighing, over a list with the newest first.
    fn restlessness(newest_first: &[Level]) -> f64 {
        let n = newest_first.len();
        // Pairs as (later, earlier), in the order in which they are weighed: the newest change,
        // newest against oldest, then from the oldest change on, less the second newest.
        let change = |later: usize, earlier: usize| newest_first[later] != newest_first[earlier];
        let mut pairs = vec![change(0, 1), change(n - 1, 0)];
        pairs.extend((2..n).rev().map(|earlier| change(earlier - 1, earlier)));
        pairs.truncate(n - 1);
        let step = (1.2 - 1.2 / 1.5) / (n - 1) as f64;
        let (mut weight, mut sum) = (1.2 / 1.5, 0.0);
        for changed in pairs {
            sum += if changed { weight } else { 0.0 };
            weight += step;
        }
        sum / (n - 1) as f64
    }

    fn feed(
        &mut self,
        config: &Config,
        value: Option<i64>,
        time: Time,
        errors: &mut u64,
    ) -> Option<(Level, Level, Time, i64)> {
        let before = self.levels.last().copied().unwrap_or(Level::Ok);
        let level = Plain::level(config, before, value, errors);
        self.levels.push(level);
        if let Some((low, high, history)) = config.flapping {
            let padded = self.levels.iter().rev().copied().chain(std::iter::repeat(Level::Ok));
            let restless = Plain::restlessness(&padded.take(history).collect::<Vec<_>>());
            self.flapping = if self.flapping { restless >= low } else { restless > high };
        }
        let changed = level != before;
        let since = |then: Option<Time>| then.map_or(i64::MAX, |then| time - then);
        let dull = config
            .changes_only
            .is_some_and(|longest| !changed && (longest == 0 || since(self.last) < longest));
        if self.flapping || dull || (level == Level::Ok && !changed) {
            return None;
        }
        self.last = Some(time);
        if before == Level::Ok {
            self.first = Some(time);
        }
        let told = (level, before, time, since(self.first));
        (level != Level::Ok || !config.no_recoveries).then_some(told)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_run_gives_what_the_rules_give_point_by_point(
        config in Config::any(),
        points in prop::collection::vec((0u8..3, prop::option::weighted(0.9, -1i64..12)), 0..60),
        cut in 1usize..70,
    ) {
        let points: Vec<Point> =
            points.into_iter().enumerate().map(|(at, (h, v))| (h, v, at as i64 * 1000)).collect();
        let mut groups: BTreeMap<u8, Plain> = BTreeMap::new();
        let (mut expected, mut errors) = (Vec::new(), 0);
        for &(host, value, time) in &points {
            let group = groups
                .entry(host)
                .or_insert_with(|| Plain { levels: Vec::new(), flapping: false, first: None, last: None });
            let event = group.feed(&config, value, time, &mut errors);
            expected.extend(event.map(|e| (format!("h={host}"), e.0, e.1, e.2, e.3)));
        }
        let (events, counted) = run(&config.script(), Restored::default(), &points, cut);
        prop_assert_eq!(told(&events), expected);
        prop_assert_eq!(counted, errors);
    }

    #[test]
    fn expressions_with_memories_do_not_see_how_points_are_cut(
        points in prop::collection::vec((0u8..3, prop::option::weighted(0.9, -1i64..12)), 0..60),
        cut in 2usize..70,
    ) {
        let script = "stream|from().measurement('m').groupBy('h')|alert().id('{{ .Group }}').details('')
            .info(lambda: \"v\" > 5).warn(lambda: count() % 3 == 0 AND \"v\" > 2).crit(lambda: sigma(\"v\") > 1.2)
            .warnReset(lambda: count() % 2 == 0).critReset(lambda: \"v\" < 9)";
        let points: Vec<Point> =
            points.into_iter().enumerate().map(|(at, (h, v))| (h, v, at as i64 * 1000)).collect();
        let one_by_one = run(script, Restored::default(), &points, 1);
        let cut = run(script, Restored::default(), &points, cut);
        prop_assert_eq!(told(&one_by_one.0), told(&cut.0));
        prop_assert_eq!(one_by_one.1, cut.1);
    }
}
