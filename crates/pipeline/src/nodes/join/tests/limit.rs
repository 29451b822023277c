//! Joins of which a parent is silent.

use super::{SECOND, bed, by, entries, plain, point, setups, values, written};
use crate::edge::EdgeKind;
use crate::merge::bed::{Bed, Out, Sent, Written};
use crate::merge::limit::Limit;
use crate::node::Turn;
use crate::nodes::join::{Fill, Join};
use ::model::Value;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn null() -> Fill {
    Fill::With(Value::Null)
}

fn seconds(outs: &[Out]) -> Vec<i64> {
    outs.iter().map(|out| out.time / SECOND).collect()
}

fn feed(bed: &mut Bed, parents: u8, seconds: std::ops::Range<i64>) -> Vec<Out> {
    bed.feed(&seconds.map(|at| point(parents, at, at)).collect::<Vec<_>>())
}

#[test]
fn of_too_many_points_the_oldest_go_on_alone_if_something_fills_in() {
    let mut bed = bed(&plain(Join { fill: null(), limit: Limit(32), ..Join::default() }));
    assert_eq!(feed(&mut bed, 1, 0..20), []);
    assert_eq!(feed(&mut bed, 1, 20..40), []);
    assert_eq!(bed.take_logs(), [""; 0]);
    bed.save_and_load();
    let out = feed(&mut bed, 1, 40..41);
    assert_eq!(seconds(&out), (0..10).collect::<Vec<_>>());
    assert_eq!(out[0].rows[0].1.values().collect::<Vec<_>>(), [&Value::Int(0), &Value::Null]);
    let told = "too many points wait for a parent that is silent: the oldest are sent on sent=10 limit=32";
    assert_eq!(bed.take_logs(), [told]);
    assert_eq!(bed.errors(), 0);
    // The parent speaks: it meets what still waits.
    assert_eq!(seconds(&feed(&mut bed, 2, 10..13)), [10, 11, 12]);
    assert_eq!(values(&bed.turn(Turn::Finish)).len(), 28);
}

#[test]
fn of_too_many_points_the_oldest_are_dropped_and_counted_if_nothing_fills_in() {
    let mut bed = bed(&plain(Join { limit: Limit(32), ..Join::default() }));
    assert_eq!(feed(&mut bed, 1, 0..40), []);
    bed.save_and_load();
    assert_eq!(feed(&mut bed, 1, 40..41), []);
    let told = "too many points wait for a parent that is silent";
    let why = "err=\"the oldest of more than 32 are dropped\" points=10";
    assert_eq!(bed.take_logs(), [format!("{told} {why}")]);
    assert_eq!(bed.errors(), 10);
    assert_eq!(seconds(&feed(&mut bed, 2, 8..13)), [10, 11, 12]);
}

#[test]
fn what_waits_is_that_of_all_groups() {
    let join = Join { fill: null(), limit: Limit(3), ..Join::default() };
    let mut setup = plain(join);
    setup.parents = vec![by(&["h"]); 2];
    let mut bed = bed(&setup);
    let of = |h: u8, second: i64| Written { h, ..point(1, second, second) };
    assert_eq!(bed.feed(&[of(0, 4), of(1, 2)]), []);
    assert_eq!(bed.feed(&[of(2, 2), of(3, 3)]), []);
    // Of equal times all go, whatever numbers their groups have.
    let out = bed.feed(&[of(1, 9)]);
    assert_eq!(out.iter().map(|out| &*out.group).collect::<Vec<_>>(), ["h=h1", "h=h2"]);
}

#[test]
fn the_end_of_a_group_does_not_end_the_count() {
    let mut bed = bed(&plain(Join { fill: null(), limit: Limit(3), ..Join::default() }));
    assert_eq!(feed(&mut bed, 1, 0..3), []);
    assert_eq!(super::mark(&mut bed, 0, None), [Sent::Delete(String::new())]);
    assert_eq!(feed(&mut bed, 1, 3..7), []);
    assert_eq!(seconds(&feed(&mut bed, 1, 7..8)), [3]);
}

#[test]
fn points_that_wait_for_others_of_their_on_group_count() {
    let on = vec!["h".into()];
    let mut setup = plain(Join { on, fill: null(), limit: Limit(4), ..Join::default() });
    setup.parents = vec![by(&["c", "h"]), by(&["h"])];
    // Specific ones go on alone.
    let mut specific = bed(&setup);
    assert_eq!(feed(&mut specific, 1, 0..6), []);
    specific.save_and_load();
    assert_eq!(seconds(&feed(&mut specific, 1, 6..7)), [0, 1]);
    assert_eq!(specific.errors(), 0);
    // The others can only be dropped.
    let mut general = bed(&setup);
    assert_eq!(feed(&mut general, 2, 0..6), []);
    assert_eq!(seconds(&feed(&mut general, 1, 2..5)), [2, 3, 4]);
    assert_eq!(general.errors(), 2);
}

#[test]
fn the_points_of_batches_count() {
    let mut setup = plain(Join { fill: null(), limit: Limit(5), ..Join::default() });
    setup.edge = EdgeKind::Batch;
    let mut bed = bed(&setup);
    let batch = |second: i64| Written {
        rows: vec![(second * SECOND, 1), (second * SECOND + 1, 1)],
        ..point(1, second, second)
    };
    assert_eq!(bed.feed(&[batch(1), batch(2)]), []);
    assert_eq!(seconds(&bed.feed(&[])), [1]);
    assert_eq!(bed.feed(&[]), []);
}

/// How often each value of the fields that were written comes out.
fn found(outs: &[Out]) -> BTreeMap<i64, usize> {
    let mut found = BTreeMap::new();
    for (name, value) in outs.iter().flat_map(|out| &out.rows).flat_map(|(_, values)| values) {
        if let (true, Value::Int(at)) = (name.ends_with(".v"), value) {
            *found.entry(*at).or_default() += 1;
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_point_is_lost_and_few_wait(
        setup in setups(EdgeKind::Stream),
        written in written(),
        limit in 0..40_usize,
        cuts in prop::collection::vec(any::<bool>(), 1..12),
        saves in prop::collection::vec(any::<bool>(), 1..5),
    ) {
        let mut setup = setup;
        setup.join = Join { on: Vec::new(), fill: null(), limit: Limit(limit), delimiter: ".".into(), ..setup.join };
        setup.join.names = ["a", "b", "c"][..setup.parents.len()].iter().map(|&name| name.into()).collect();
        // Each has the field by which it is known, once for each parent that it reaches.
        let sources = setup.parents.len();
        let written: Vec<Written> = written
            .into_iter()
            .map(|one| Written { fields: one.fields | 1, ..one })
            .collect();
        let reached = |one: &Written| (0..sources).filter(|&parent| one.reaches(parent)).count();
        let mut bed = bed(&setup);
        let mut outs: Vec<Out> = Vec::new();
        let mut came = 0;
        for (at, entry) in entries(&written, &cuts).into_iter().enumerate() {
            if saves[at % saves.len()] {
                bed.save_and_load();
            }
            // What waited longer than the last entry keeps to the limit.
            outs.extend(bed.feed(entry));
            let gone: usize = found(&outs).values().sum();
            prop_assert!(came <= gone + limit + limit / 16, "{came} came, {gone} went");
            came += entry.iter().map(reached).sum::<usize>();
        }
        for sent in bed.turn(Turn::Finish) {
            if let Sent::Data(out) = sent {
                outs.push(out);
            }
        }
        let expected: BTreeMap<i64, usize> =
            written.iter().map(|one| (one.at, reached(one))).filter(|(_, count)| *count > 0).collect();
        prop_assert_eq!(found(&outs), expected);
        prop_assert_eq!(bed.errors(), 0);
    }
}
