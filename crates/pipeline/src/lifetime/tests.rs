//! Groups that end: what their nodes knew is forgotten, their numbers are given to others, and nobody
//! finds in a new group what was in an old one.

use crate::checkpoint::{Each, Error, SavedTask, Sink, Source};
use crate::idle::Lifetimes;
use crate::task::Restored;
use crate::{Effects, Server, Shard, Task};
use model::{Column, Entry, Origin, Series, SourceRun, TagSet, Time, Value};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tick::{Mode, TaskType};

const SECOND: i64 = 1_000_000_000;
const START: Time = 1_700_000_000 * SECOND;
const SCRIPT: &str = "stream|from().groupBy('h').groupTTL(60s)\
    |stateCount(lambda: TRUE)|groupBy('h', 'r')|stateCount(lambda: TRUE).as('fine')|httpOut('o')";

fn task(script: &str) -> Arc<Task> {
    let program = tick::parse(script).expect("a script");
    let compiled = crate::compile::compile(&program, TaskType::Stream, &BTreeMap::new(), Mode::Task);
    let graph = compiled.expect("it compiles").graph;
    let dbrps = vec![("db".into(), "rp".into())];
    Arc::new(Task::build("t".into(), dbrps, graph, &Server::default(), 1).expect("it builds"))
}

fn empty(lifetimes: Lifetimes) -> Shard {
    Shard::new(0, 1, jiff::tz::TimeZone::UTC, None).with_lifetimes(lifetimes)
}

/// A shard with one task, fed by hosts.
struct Bed {
    shard: Shard,
    script: &'static str,
    lifetimes: Lifetimes,
    series: HashMap<u32, u32>,
    saved: BTreeMap<Vec<u8>, Vec<u8>>,
    index: u64,
}

impl Bed {
    fn new(script: &'static str, lifetimes: Lifetimes) -> Bed {
        let mut shard = empty(lifetimes);
        shard.start(task(script), Arc::from(script.as_bytes()), Restored::default());
        Bed { shard, script, lifetimes, series: HashMap::new(), saved: BTreeMap::new(), index: 0 }
    }

    /// A point of each host.
    fn write(&mut self, now: Time, hosts: &[u32]) {
        let origin = Arc::new(Origin { db: "db".into(), rp: "rp".into(), name: "m".into() });
        let first_series = self.series.len() as u32;
        let mut new_series = Vec::new();
        let mut number = |host: &u32| {
            let next = self.series.len() as u32;
            *self.series.entry(*host).or_insert_with(|| {
                let tags = TagSet::new([("h", format!("{host}").as_str()), ("r", "1")]);
                new_series.push(Series { origin: origin.clone(), tags });
                next
            })
        };
        let series: Vec<u32> = hosts.iter().map(&mut number).collect();
        let run = SourceRun {
            origin: origin.clone(),
            times: vec![now; hosts.len()],
            series,
            ordinals: (0..hosts.len() as u32).collect(),
            fields: vec![("v".into(), Column::from(vec![1.0; hosts.len()]))],
        };
        self.index += 1;
        let entry = Entry { clock: now, first_series, new_series, runs: vec![run] };
        self.shard.apply(self.index, entry, &mut Effects::default());
    }

    /// All ticks that are wanted up to a time.
    fn tick(&mut self, now: Time) {
        while self.shard.due() <= now {
            self.index += 1;
            let due = self.shard.due().max(START);
            self.shard.tick(self.index, due, None, &mut Effects::default());
        }
        assert_eq!(self.shard.failures().next(), None);
    }

    /// Goes on with a shard that loads what this one saves.
    fn reload(&mut self) {
        let mut store = Store(std::mem::take(&mut self.saved));
        self.shard.save(&mut store);
        self.shard = empty(self.lifetimes);
        let script = self.script;
        self.shard.load(&store, &mut |_: &SavedTask| Some(task(script))).expect("it loads");
        self.saved = store.0;
    }

    /// Both counts of each host that the endpoint shows.
    fn shown(&self) -> BTreeMap<u32, (i64, i64)> {
        let rows = self.shard.show("t", 5).expect("an endpoint");
        let row = |shown: crate::endpoint::Shown| {
            let row = shown.row?;
            let value = |name: &str| {
                let at = row.columns.iter().position(|column| **column == *name)?;
                let Some(Some(Value::Int(count))) = row.values[0].get(at) else { return None };
                Some(*count)
            };
            let host = row.tags.get("h")?.parse().ok()?;
            Some((host, (value("state_count")?, value("fine")?)))
        };
        rows.into_iter().map(|shown| row(shown).expect("a whole row")).collect()
    }
}

struct Store(BTreeMap<Vec<u8>, Vec<u8>>);

impl Sink for Store {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.insert(key, value);
    }

    fn delete_prefix(&mut self, prefix: Vec<u8>) {
        self.0.retain(|key, _| !key.starts_with(&prefix));
    }
}

impl Source for Store {
    fn scan(&self, prefix: &[u8], each: Each<'_>) -> Result<(), Error> {
        let below = self.0.iter().filter(|(key, _)| key.starts_with(prefix));
        below.into_iter().try_for_each(|(key, value)| each(key, value))
    }
}

#[test]
fn a_group_ends_with_its_time_and_starts_afresh() {
    let mut bed = Bed::new(SCRIPT, Lifetimes::default());
    bed.tick(START);
    bed.write(START, &[1, 2]);
    bed.write(START + 50 * SECOND, &[2]);
    bed.tick(START + 70 * SECOND);
    assert_eq!(bed.shown(), BTreeMap::from([(2, (2, 2))]));
    bed.write(START + 71 * SECOND, &[3, 1, 2]);
    assert_eq!(bed.shown(), BTreeMap::from([(1, (1, 1)), (2, (3, 3)), (3, (1, 1))]));
    // Three hosts in each of two groupings, and the one number was given again.
    assert_eq!((bed.shard.groups(), bed.shard.take_expired()), (6, 2));
}

#[test]
fn when_memory_is_short_the_longest_idle_groups_go() {
    const PLAIN: &str = "stream|from().groupBy('h')|stateCount(lambda: TRUE)|groupBy('h', 'r')\
        |stateCount(lambda: TRUE).as('fine')|httpOut('o')";
    let mut bed = Bed::new(PLAIN, Lifetimes { ttl: 0, ranked: true });
    for host in 0..10 {
        bed.write(START + i64::from(host) * 10 * SECOND, &[host]);
    }
    let now = START + 100 * SECOND;
    let idle = bed.shard.oldest(now, 0.3).expect("it is known how long groups have been idle");
    bed.shard.tick(1000, now, Some(idle), &mut Effects::default());
    let left: Vec<u32> = bed.shown().into_keys().collect();
    assert_eq!(left, [3, 4, 5, 6, 7, 8, 9]);
    bed.write(now, &[0]);
    assert_eq!(bed.shown()[&0], (1, 1));
}

#[test]
fn from_nodes_that_disagree_are_refused() {
    let script = "stream|from().groupTTL(1m)|log()\nstream|from().groupTTL(2m)|log()";
    let program = tick::parse(script).expect("a script");
    let compiled = crate::compile::compile(&program, TaskType::Stream, &BTreeMap::new(), Mode::Task);
    let graph = compiled.expect("it compiles").graph;
    let built = Task::build("t".into(), Vec::new(), graph, &Server::default(), 1);
    assert!(built.err().expect("it is refused").contains("groupTTL"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A host that was silent for its time and one step of the clock counts from one again; one that
    /// was silent for less goes on. Between the two both are right.
    #[test]
    fn hosts_count_as_the_plain_rule_says(
        steps in prop::collection::vec((1i64..40, prop::collection::vec(0u32..12, 0..6), any::<bool>()), 1..60),
    ) {
        let (mut bed, mut now) = (Bed::new(SCRIPT, Lifetimes::default()), START);
        let mut model: BTreeMap<u32, (Time, i64)> = BTreeMap::new();
        for (seconds, hosts, reload) in steps {
            now += seconds * SECOND;
            bed.tick(now);
            if reload {
                bed.reload();
            }
            for host in hosts {
                bed.write(now, &[host]);
                let shown = bed.shown()[&host];
                prop_assert_eq!(shown.0, shown.1);
                let (last, count) = model.get(&host).copied().unwrap_or((now, 0));
                let silent = (now - last) / SECOND;
                match shown.0 {
                    1 => prop_assert!(count == 0 || silent >= 60, "{host} forgotten after {silent} s"),
                    n => prop_assert!(n == count + 1 && silent <= 60 + 4 + 4, "{host}: {n} after {count}, {silent} s"),
                }
                model.insert(host, (now, shown.0));
            }
            let recent = model.values().filter(|(last, _)| now - last <= 60 * SECOND).count();
            let kept = model.values().filter(|(last, _)| now - last <= 68 * SECOND).count();
            prop_assert!((2 * recent..=2 * kept).contains(&bed.shard.groups()));
        }
    }
}
