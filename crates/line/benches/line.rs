//! Bytes to columns, by shape of the body. The lines are those of the load generator: three tags,
//! three fields, 96 bytes. Figures are per point.

#[allow(dead_code)] // The tests use what the benchmark does not.
#[path = "../tests/write/mod.rs"]
mod write;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use line::Precision;
use std::hint::black_box;
use write::Bench;

const SHARDS: u32 = 16;

/// A fixed sequence that looks random.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 8
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.next() as usize % (at + 1));
        }
    }
}

fn line(measurement: &str, host: usize, fields: &str, second: usize) -> String {
    format!(
        "{measurement},cpu=cpu-total,host=server{host:06},region=r{} {fields} {}000000000",
        host % 4,
        1_600_000_000 + second
    )
}

fn usual(noise: &mut Noise) -> String {
    let mut cents = || noise.next() % 9000;
    let (usage, wait) = (cents(), cents());
    let two = |v: u64| format!("{}.{:02}", v / 100, v % 100);
    format!("usage={},sys=1.5,iow={}", two(usage), two(wait))
}

/// `points` lines in bodies of `lines`, over `hosts` series in turn.
fn bodies(
    measurement: &str,
    points: usize,
    lines: usize,
    hosts: usize,
    shuffled: bool,
    mut fields: impl FnMut(&mut Noise) -> String,
) -> Vec<String> {
    let mut noise = Noise(7);
    let mut order: Vec<usize> = (0..points).collect();
    if shuffled {
        order.chunks_mut(hosts).for_each(|round| noise.shuffle(round));
    }
    let all: Vec<String> =
        order.iter().map(|n| line(measurement, n % hosts, &fields(&mut noise), n / hosts)).collect();
    all.chunks(lines).map(|lines| lines.join("\n")).collect()
}

fn irregular(noise: &mut Noise) -> String {
    let mut names = ["usage", "sys", "iow", "idle", "steal"];
    noise.shuffle(&mut names);
    let count = 2 + noise.next() as usize % 3;
    let fields: Vec<String> =
        names[..count].iter().map(|name| format!("{name}={}.5", noise.next() % 90)).collect();
    fields.join(",")
}

fn texts(noise: &mut Noise) -> String {
    format!(
        "usage={}.25,state=\"running since {}\",up=true,count={}i",
        noise.next() % 90,
        noise.next() % 90,
        noise.next() % 1000
    )
}

fn long_floats(noise: &mut Noise) -> String {
    let mut value = || (noise.next() % 1_000_000) as f64 / 7_777.7;
    format!("usage={},sys={},iow={}", value(), value(), value())
}

fn measure(criterion: &mut Criterion, name: &str, lanes: u32, bodies: Vec<String>) {
    let mut bench = Bench::new(lanes);
    let mut points = 0;
    for body in &bodies {
        points += bench.feed([body.as_bytes()], Precision::Nano).expect("the body is valid");
        bench.builder.clear();
    }
    let mut group = criterion.benchmark_group("line");
    group.throughput(Throughput::Elements(points)).sample_size(20);
    group.bench_function(name, |b| {
        b.iter(|| {
            for body in &bodies {
                bench.feed(body.as_bytes().chunks(64 << 10), Precision::Nano).expect("the body is valid");
                for (_, runs) in black_box(bench.builder.take()) {
                    runs.into_iter().for_each(|run| bench.builder.recycle(run));
                }
            }
        });
    });
    group.finish();
}

fn line_protocol(criterion: &mut Criterion) {
    const POINTS: usize = 50_000;
    let cpu = |lines, hosts, shuffled| bodies("cpu", POINTS, lines, hosts, shuffled, usual);
    measure(criterion, "5000_lines_1_shard", 1, cpu(5000, 1000, false));
    measure(criterion, "5000_lines", SHARDS, cpu(5000, 1000, false));
    measure(criterion, "10_lines", SHARDS, cpu(10, 1000, false));
    measure(criterion, "shuffled", SHARDS, cpu(5000, 1000, true));
    measure(criterion, "200k_series", SHARDS, bodies("cpu", 200_000, 5000, 200_000, false, usual));
    measure(criterion, "200k_series_shuffled", SHARDS, bodies("cpu", 600_000, 5000, 200_000, true, usual));
    measure(criterion, "irregular_fields", SHARDS, bodies("cpu", POINTS, 5000, 1000, false, irregular));
    measure(criterion, "texts", SHARDS, bodies("cpu", POINTS, 5000, 1000, false, texts));
    measure(criterion, "long_floats", SHARDS, bodies("cpu", POINTS, 5000, 1000, false, long_floats));
    measure(criterion, "unwanted", SHARDS, bodies("unwanted", POINTS, 5000, 1000, false, usual));
    measure(criterion, "every_shard_of_4", 4, bodies("all", POINTS, 5000, 1000, false, usual));
    first_sight(criterion);
}

/// Series that nobody has seen: strict reader, router and index.
fn first_sight(criterion: &mut Criterion) {
    let bodies = bodies("cpu", 50_000, 5000, 50_000, false, usual);
    let mut group = criterion.benchmark_group("line");
    group.throughput(Throughput::Elements(50_000)).sample_size(10);
    group.bench_function("first_sight", |b| {
        b.iter(|| {
            let mut bench = Bench::new(SHARDS);
            for body in &bodies {
                bench.feed([body.as_bytes()], Precision::Nano).expect("the body is valid");
                bench.builder.clear();
            }
        });
    });
    group.finish();
}

criterion_group!(benches, line_protocol);
criterion_main!(benches);
