//! The pipeline alone: entries of 5000 points of 1000 hosts into one shard, by task. The scripts
//! and the points are those of the load script for whole servers, so the figures can be compared.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use model::{Column, Entry, Name, Origin, Series, SourceRun, TagSet};
use pipeline::compile::compile;
use pipeline::task::Restored;
use pipeline::{Effects, Server, Shard, Task};
use std::collections::BTreeMap;
use std::sync::Arc;
use tick::{Mode, TaskType};

const HOSTS: u32 = 1000;
const POINTS: u32 = 5000;

const ALERT: &str = "stream
    |from().measurement('cpu').groupBy('host')
    |alert().id('{{ index .Tags \"host\" }}').crit(lambda: \"usage\" > 99.9).stateChangesOnly()";

const WINDOW: &str = "stream
    |from().measurement('cpu').groupBy('host')
    |window().period(10s).every(10s)
    |mean('usage').as('usage')
    |alert().id('{{ index .Tags \"host\" }}').crit(lambda: \"usage\" > 99.9).stateChangesOnly()";

const SLIDING: &str = "stream
    |from().measurement('cpu').groupBy('host')
    |window().period(60s).every(10s)
    |mean('usage').as('usage')
    |alert().id('{{ index .Tags \"host\" }}').crit(lambda: \"usage\" > 99.9).stateChangesOnly()";

const EVAL: &str = "stream
    |from().measurement('cpu').where(lambda: \"region\" == 'r1' OR \"region\" == 'r2').groupBy('host')
    |eval(lambda: 100.0 - \"usage\", lambda: sigma(\"usage\")).as('idle','sig').keep('usage','idle','sig')
    |stateDuration(lambda: \"sig\" > 3.0)
    |alert().id('{{ index .Tags \"host\" }}').crit(lambda: \"sig\" > 30.0 AND \"state_duration\" > 10).stateChangesOnly()";

const JOIN: &str = "var a = stream|from().measurement('cpu').groupBy('host')
var b = stream|from().measurement('mem').groupBy('host')
a|join(b).as('c','m').tolerance(1s)
 |eval(lambda: \"c.usage\" * \"m.used\").as('v')
 |alert().id('{{ index .Tags \"host\" }}').crit(lambda: \"v\" > 1000000.0).stateChangesOnly()";

const FIRING: &str = "stream
    |from().measurement('cpu').groupBy('host')
    |alert().id('{{ index .Tags \"host\" }}').crit(lambda: \"usage\" > -1.0).log('/dev/null')";

/// Nodes that look at each row by itself, behind `from` alone; the first measures that.
const ROWS: [(&str, &str); 10] = [
    ("rows: nothing", ""),
    ("rows: changeDetect, all change", "|changeDetect('usage')"),
    ("rows: changeDetect, none changes", "|changeDetect('sys')"),
    ("rows: default field", "|default().field('usage', 1.0).field('new', 1.0)"),
    ("rows: default tag", "|default().tag('dc', 'x')"),
    ("rows: delete field", "|delete().field('sys')"),
    ("rows: delete tag", "|delete().tag('region')"),
    ("rows: delete tag grouped by", "|delete().tag('host')"),
    ("rows: sample", "|sample(10)"),
    ("rows: shift", "|shift(1h)"),
];

const UNION: &str = "var a = stream|from().measurement('cpu').groupBy('host')
var b = stream|from().measurement('mem').groupBy('host')
a|union(b)";

/// Each group has the same field of four regions, one after another.
const FLATTEN: &str = "stream|from().measurement('cpu').groupBy('rack')|flatten().on('region')";

const COMBINE: &str = "stream|from().measurement('cpu').groupBy('rack')
    |combine(lambda: \"region\" == 'r0', lambda: TRUE).as('first', 'other')";

fn task(id: &str, script: &str) -> Arc<Task> {
    let program = tick::parse(script).expect("the script parses");
    let compiled = compile(&program, TaskType::Stream, &BTreeMap::new(), Mode::Task);
    let graph = compiled.expect("the script compiles").graph;
    let dbrps = vec![(Name::from("telegraf"), Name::from("autogen"))];
    let server = Server { task_master: "main".into(), ..Server::default() };
    Arc::new(Task::build(id.into(), dbrps, graph, &server, 1).expect("the task starts"))
}

/// A shard with the tasks, and the entries to feed it, each some seconds after the one before.
struct Load {
    shard: Shard,
    index: u64,
    second: i64,
    with_mem: bool,
}

impl Load {
    fn new(scripts: &[String], with_mem: bool) -> Load {
        let mut shard = Shard::new(0, 1, TimeZone::UTC, None);
        for (number, script) in scripts.iter().enumerate() {
            shard.start(task(&format!("task{number:04}"), script), Arc::from(&[][..]), Restored::default());
        }
        let mut load = Load { shard, index: 0, second: 1_600_000_000, with_mem };
        let mut first = load.entry();
        first.new_series = load.series();
        load.apply(first);
        load
    }

    fn origin(name: &str) -> Arc<Origin> {
        Arc::new(Origin { db: "telegraf".into(), rp: "autogen".into(), name: name.into() })
    }

    fn series(&self) -> Vec<Series> {
        let of = |name: &str| {
            let origin = Load::origin(name);
            (0..HOSTS).map(move |host| Series {
                origin: origin.clone(),
                tags: TagSet::new([
                    ("host", format!("server{host:06}")),
                    ("region", format!("r{}", host % 4)),
                    ("rack", format!("rack{:04}", host / 4)),
                ]),
            })
        };
        if self.with_mem { of("cpu").chain(of("mem")).collect() } else { of("cpu").collect() }
    }

    fn entry(&mut self) -> Entry {
        let measurements: &[&str] = if self.with_mem { &["cpu", "mem"] } else { &["cpu"] };
        let each = POINTS / measurements.len() as u32;
        let run = |(number, name): (usize, &&str)| {
            let value = |i: u32| f64::from((i * 31) & 4095) * 0.02;
            let field = if *name == "cpu" { "usage" } else { "used" };
            let floats = |f: fn(u32) -> f64| Column::from((0..each).map(f).collect::<Vec<f64>>());
            SourceRun {
                origin: Load::origin(name),
                times: (0..each).map(|i| (self.second + i64::from(i / HOSTS)) * 1_000_000_000).collect(),
                series: (0..each).map(|i| i % HOSTS + number as u32 * HOSTS).collect(),
                ordinals: (0..each).map(|i| i * measurements.len() as u32 + number as u32).collect(),
                fields: vec![
                    (field.into(), Column::from((0..each).map(value).collect::<Vec<f64>>())),
                    ("sys".into(), floats(|_| 1.5)),
                ],
            }
        };
        let runs = measurements.iter().enumerate().map(run).collect();
        let entry = Entry { clock: self.second, first_series: 0, new_series: Vec::new(), runs };
        self.second += i64::from(each.div_ceil(HOSTS));
        entry
    }

    fn apply(&mut self, entry: Entry) {
        let mut effects = Effects::default();
        self.index += 1;
        self.shard.apply(self.index, entry, &mut effects);
        std::hint::black_box(&effects);
    }
}

fn bench(c: &mut Criterion, name: &str, scripts: Vec<String>, with_mem: bool) {
    let mut group = c.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(u64::from(POINTS)));
    let load = std::cell::RefCell::new(Load::new(&scripts, with_mem));
    group.bench_function(name, |bencher| {
        let make = || load.borrow_mut().entry();
        bencher.iter_batched(make, |entry| load.borrow_mut().apply(entry), BatchSize::PerIteration);
    });
    group.finish();
}

fn all(c: &mut Criterion) {
    let one = |script: &str| vec![script.to_owned()];
    bench(c, "alert", one(ALERT), false);
    bench(c, "alert firing", one(FIRING), false);
    bench(c, "window", one(WINDOW), false);
    bench(c, "window sliding", one(SLIDING), false);
    bench(c, "eval", one(EVAL), false);
    bench(c, "join", one(JOIN), true);
    bench(c, "union", one(UNION), true);
    bench(c, "flatten", one(FLATTEN), false);
    bench(c, "combine", one(COMBINE), false);
    for (name, node) in ROWS {
        let script = format!("stream|from().measurement('cpu').groupBy('host'){node}");
        bench(c, name, one(&script), false);
    }
    let hundred = (0..100).map(|i| {
        let period = format!("period({}s).every({}s)", 10 + i, 10 + i);
        WINDOW.replace("period(10s).every(10s)", &period)
    });
    bench(c, "100 windows", hundred.collect(), false);
}

criterion_group!(benches, all);
criterion_main!(benches);
