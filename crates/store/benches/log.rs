//! What an append costs: small, middling and large records, flushed each second and at once.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use store::{Log, Options, Record, Sync};

const SIZES: [usize; 3] = [200, 5 << 10, 200 << 10];
/// Entries kept before the group is purged, so that segments are used again as in a real member.
const KEPT: u64 = 1000;

fn append(criterion: &mut Criterion) {
    let policies = [("interval", Sync::Interval(Duration::from_secs(1))), ("always", Sync::Always)];
    for (name, sync) in policies {
        let mut group = criterion.benchmark_group(format!("append/{name}"));
        for size in SIZES {
            let dir = tempfile::tempdir().expect("a folder");
            let options = Options { sync, ..Options::default() };
            let (log, _) = Log::open(dir.path(), options).expect("an open log");
            let payload = vec![7u8; size];
            let mut index = 0;
            group.throughput(Throughput::Bytes(size as u64));
            group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                bencher.iter(|| {
                    index += 1;
                    let parts = [payload.as_slice()];
                    let record = Record { group: 1, index, kind: 0, parts: &parts };
                    let position = log.append(black_box(&[record])).expect("an append");
                    if sync == Sync::Always {
                        log.wait_durable(position).expect("a flush");
                    }
                    if index % KEPT == 0 {
                        log.purge(1, index - KEPT / 2).expect("a purge");
                    }
                });
            });
        }
        group.finish();
    }
}

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    for size in SIZES {
        let dir = tempfile::tempdir().expect("a folder");
        let (log, _) = Log::open(dir.path(), Options::default()).expect("an open log");
        let payload = vec![7u8; size];
        let count = (8 << 20) / size as u64;
        for index in 1..=count {
            let parts = [payload.as_slice()];
            log.append(&[Record { group: 1, index, kind: 0, parts: &parts }]).expect("an append");
        }
        group.throughput(Throughput::Bytes(count * size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                let entries = log.read(1, 1..count + 1);
                entries.map(|entry| entry.expect("an entry").bytes.len()).sum::<usize>()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, append, read);
criterion_main!(benches);
