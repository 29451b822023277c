//! Lambdas over runs of 5000 rows of 1000 series, as the load benchmark's tasks evaluate them.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lambda::{Binding, ByGroup, Env, Errors, FunctionSet, Input, Lambda, NoStates, State};
use model::{Column, Field, Origin, OriginColumn, Rows, Series, SeriesTable, TagColumn, TagSet};
use std::hint::black_box;
use std::sync::Arc;

const ROWS: usize = 5000;
const SERIES: usize = 1000;

fn origin() -> Arc<Origin> {
    Arc::new(Origin { db: "telegraf".into(), rp: "autogen".into(), name: "cpu".into() })
}

fn table() -> SeriesTable {
    let origin = origin();
    let mut table = SeriesTable::default();
    for i in 0..SERIES {
        let (host, region) = (format!("server{i:06}"), format!("r{}", i % 4));
        let tags = TagSet::new([("cpu", "cpu-total"), ("host", host.as_str()), ("region", region.as_str())]);
        table.push(Series { origin: origin.clone(), tags });
    }
    table
}

fn run(rows: usize, sparse: bool) -> Rows {
    let usage: Vec<f64> = (0..rows).map(|i| (i * 31 % 4096) as f64 / 45.0).collect();
    let state_duration: Vec<i64> = (0..rows).map(|i| i as i64 % 20 - 1).collect();
    let mut maybe = Column::default();
    (0..rows).for_each(
        |i| {
            if sparse && i % 3 == 0 { maybe.push_missing() } else { maybe.push_float(i as f64) }
        },
    );
    let field = |name: &str, column: Column| Field { name: name.into(), column: Arc::new(column) };
    Rows {
        origins: OriginColumn::One(origin()),
        times: Arc::new((0..rows as i64).collect()),
        ordinals: Arc::new((0..rows as u32).collect()),
        tags: TagColumn::Series(Arc::new((0..rows).map(|i| (i % SERIES) as u32).collect())),
        fields: vec![
            field("maybe", maybe),
            field("sig", usage.clone().into()),
            field("state_duration", state_duration.into()),
            field("usage", usage.into()),
        ],
    }
}

fn lambdas(c: &mut Criterion) {
    let table = table();
    let env = Env::utc(0);
    let groups: Vec<u32> = (0..ROWS).map(|i| (i % SERIES) as u32).collect();
    let mut group = c.benchmark_group("lambda");
    group.throughput(Throughput::Elements(ROWS as u64));
    for source in [
        "\"usage\" > 99.9",
        "100.0 - \"usage\"",
        "sigma(\"usage\")",
        "\"sig\" > 3.0",
        "\"sig\" > 30.0 AND \"state_duration\" > 10",
        "\"region\" == 'r1' OR \"region\" == 'r2'",
        "\"usage\" * 2.0 + \"sig\" / 4.0 - 1.0 > 50.0",
        "isPresent(\"maybe\") AND \"maybe\" > 10.0",
        "sigma(\"maybe\") > 3.0",
    ] {
        let expr = tick::parse_lambda(source).expect("the sources are valid");
        let lambda = Lambda::compile(&expr, FunctionSet::Task).expect("the sources are valid");
        let rows = run(ROWS, source.contains("maybe"));
        let mut states = vec![State::default(); SERIES];
        let mut binding = Binding::default();
        let (mut errors, mut column, mut truths) = (Errors::new(), Column::default(), Vec::new());
        group.bench_function(source, |b| {
            b.iter(|| {
                errors.clear();
                let input = Input::new(black_box(&rows), &table, &env);
                let mut states = ByGroup { states: &mut states, groups: &groups };
                if source.contains('>') || source.contains("==") {
                    lambda.predicate_rows(&input, &mut binding, &mut states, &mut truths, &mut errors);
                } else {
                    lambda.eval_rows(&input, &mut binding, &mut states, &mut column, &mut errors);
                }
                black_box((&column, &truths));
            });
        });
    }
    group.finish();
}

/// What a run costs however short it is: windows of single groups give runs of one point.
fn short_runs(c: &mut Criterion) {
    let (table, env, rows) = (table(), Env::utc(0), run(1, false));
    let mut group = c.benchmark_group("one row");
    for source in ["\"usage\" > 99.9", "\"sig\" > 30.0 AND \"state_duration\" > 10", "\"host\" == 'a'"] {
        let expr = tick::parse_lambda(source).expect("the sources are valid");
        let lambda = Lambda::compile(&expr, FunctionSet::Task).expect("the sources are valid");
        let (mut binding, mut errors, mut truths) = (Binding::default(), Errors::new(), Vec::new());
        group.bench_function(source, |b| {
            b.iter(|| {
                let input = Input::new(black_box(&rows), &table, &env);
                lambda.predicate_rows(
                    &input,
                    &mut binding,
                    &mut NoStates::default(),
                    &mut truths,
                    &mut errors,
                );
                black_box(&truths);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, lambdas, short_runs);
criterion_main!(benches);
