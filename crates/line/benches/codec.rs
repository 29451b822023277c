//! Entries to bytes and back: what the log costs per point.

#[allow(dead_code)] // The tests use what the benchmark does not.
#[path = "../tests/write/mod.rs"]
mod write;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use line::Precision;
use model::Entry;
use model::codec::{Decoder, encode};
use std::fmt::Write as _;
use std::hint::black_box;
use write::Bench;

/// The entries that a write of `lines` lines brings to `lanes` shards.
fn entries(lines: usize, lanes: u32) -> (Vec<Entry>, u32) {
    let mut body = String::new();
    for n in 0..lines {
        let (host, value) = (n % 1000, (n * 7919) % 9000);
        // Writing to a String cannot fail.
        let _ = writeln!(
            body,
            "cpu,host=server{host:06} usage={}.{:02},sys=1.5,iow={}.5 {}000000000",
            value / 100,
            value % 100,
            value % 77,
            1_600_000_000 + n / 1000
        );
    }
    let mut bench = Bench::new(lanes);
    bench.feed([body.as_bytes()], Precision::Nano).expect("the body is valid");
    let taken: Vec<_> = bench.builder.take().collect();
    let entries = taken.into_iter().map(|(_, runs)| Entry { clock: 1, runs, ..Entry::default() });
    (entries.collect(), 1000)
}

fn codec(criterion: &mut Criterion) {
    for (name, lines, lanes) in
        [("5000_lines_1_shard", 5000, 1), ("5000_lines", 5000, 16), ("10_lines", 10, 16)]
    {
        let (entries, series) = entries(lines, lanes);
        let mut group = criterion.benchmark_group("codec");
        group.throughput(Throughput::Elements(lines as u64)).sample_size(20);
        let mut out = Vec::new();
        group.bench_function(format!("encode/{name}"), |b| {
            b.iter(|| {
                for entry in &entries {
                    out.clear();
                    encode(black_box(entry), &mut out);
                }
            });
        });
        let encoded: Vec<Vec<u8>> = entries
            .iter()
            .map(|entry| {
                let mut out = Vec::new();
                encode(entry, &mut out);
                out
            })
            .collect();
        let mut decoder = Decoder::new();
        group.bench_function(format!("decode/{name}"), |b| {
            b.iter(|| {
                for bytes in &encoded {
                    black_box(decoder.decode(black_box(bytes), series)).expect("the entry is valid");
                }
            });
        });
        group.finish();
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
