//! The join node against [`model`], a reading of Kapacitor's rules one point at a time.

mod limit;
mod model;

use super::{Fill, Join};
use crate::edge::EdgeKind;
use crate::group::GroupBy;
use crate::merge::bed::{Bed, Out, Sent, Written};
use crate::node::Definition;
use crate::node::Turn;
use ::model::Value;
use proptest::prelude::*;
use std::collections::BTreeMap;

const SECOND: i64 = 1_000_000_000;

/// What is tried: the node's definition, how its parents are grouped, and on which edge.
#[derive(Clone, Debug)]
struct Setup {
    join: Join,
    parents: Vec<GroupBy>,
    edge: EdgeKind,
}

fn by(tags: &[&str]) -> GroupBy {
    GroupBy { tags: tags.iter().map(|&tag| tag.into()).collect(), ..GroupBy::default() }
}

fn fills() -> impl Strategy<Value = Fill> {
    prop_oneof![
        2 => Just(Fill::Inner),
        1 => Just(Fill::With(Value::Null)),
        1 => Just(Fill::With(Value::Float(0.5))),
        1 => Just(Fill::With(Value::Int(7))),
    ]
}

fn tolerances() -> impl Strategy<Value = i64> {
    prop_oneof![2 => Just(0), 1 => Just(SECOND), 1 => Just(3 * SECOND), 1 => Just(-SECOND)]
}

/// Groupings of two or three parents, and the `on` tags.
fn groupings() -> impl Strategy<Value = (Vec<GroupBy>, Vec<String>)> {
    let alike = prop_oneof![
        Just(by(&[])),
        Just(by(&["h"])),
        Just(by(&["c", "h"])),
        Just(GroupBy { all: true, ..by(&[]) })
    ];
    let named = GroupBy { by_name: true, ..by(&["h"]) };
    let any = prop_oneof![
        Just(by(&[])),
        Just(by(&["h"])),
        Just(by(&["c", "h"])),
        Just(named),
        Just(GroupBy { all: true, ..by(&[]) })
    ];
    let on = prop_oneof![Just(vec!["h".to_owned()]), Just(vec!["c".to_owned(), "h".to_owned()])];
    prop_oneof![
        (alike, 2..4_usize).prop_map(|(by, sources)| (vec![by; sources], Vec::new())),
        (prop::collection::vec(any.clone(), 2..4), Just(Vec::new())),
        (prop::collection::vec(any, 2..4), on.clone()),
        (prop::collection::vec(prop_oneof![Just(by(&["h"])), Just(by(&["c", "h"]))], 2..4), on),
    ]
}

fn setups(edge: EdgeKind) -> impl Strategy<Value = Setup> {
    let names = prop_oneof![3 => Just((".", ["a", "b", "c"])), 1 => Just(("", ["a", "av", "b"]))];
    (groupings(), fills(), tolerances(), names, prop::bool::weighted(0.2)).prop_map(
        move |((parents, on), fill, tolerance, (delimiter, names), renamed)| {
            let join = Join {
                names: names[..parents.len()].iter().map(|&name| name.into()).collect(),
                on,
                delimiter: delimiter.into(),
                stream_name: if renamed { "joined".into() } else { String::new() },
                tolerance,
                fill,
                delete_all: false,
                ..Join::default()
            };
            Setup { join, parents, edge }
        },
    )
}

/// Something written: which parents it reaches, tags, how far from its turn, which fields.
fn written() -> impl Strategy<Value = Vec<Written>> {
    let point =
        (1..8_u8, 0..2_u8, 0..3_u8, -3..3_i64, 0..8_u8, prop::collection::vec((0..6_i64, 0..8_u8), 0..5));
    prop::collection::vec(point, 0..60).prop_map(|points| {
        let written = points.into_iter().enumerate().map(|(at, (parents, h, c, off, fields, rows))| {
            // Some reach one parent, few reach several (a node joined with itself).
            let parents = if parents == 7 { 3 } else { 1 << (parents % 3) };
            let time = (at as i64 / 4 + off / 2) * SECOND + off * 100_000_000;
            let rows = rows.into_iter().map(|(at, fields)| (time - 6 * SECOND + at * SECOND, fields));
            Written { parents, h, c, time, fields, at: at as i64, rows: rows.collect() }
        });
        written.collect()
    })
}

fn bed(setup: &Setup) -> Bed {
    Bed::new(&setup.join, &setup.parents, setup.edge)
}

fn check(setup: &Setup, written: &[Written], cuts: &[bool], saves: &[bool]) {
    let expected = model::run(setup, written);
    let mut bed = bed(setup);
    let mut found: Vec<Out> = Vec::new();
    for (at, entry) in entries(written, cuts).into_iter().enumerate() {
        if saves[at % saves.len()] {
            bed.save_and_load();
        }
        found.extend(bed.feed(entry));
    }
    assert_eq!(found, expected);
}

/// What is written, cut into entries.
fn entries<'a>(written: &'a [Written], cuts: &[bool]) -> Vec<&'a [Written]> {
    let mut entries = Vec::new();
    let mut start = 0;
    for end in 1..=written.len() {
        if end == written.len() || cuts[end % cuts.len()] {
            entries.push(&written[start..end]);
            start = end;
        }
    }
    entries
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn joins_points_as_the_model_does_however_they_are_cut(
        setup in setups(EdgeKind::Stream),
        written in written(),
        cuts in prop::collection::vec(any::<bool>(), 1..12),
        saves in prop::collection::vec(any::<bool>(), 1..5),
    ) {
        check(&setup, &written, &cuts, &saves);
    }

    #[test]
    fn joins_batches_as_the_model_does_however_they_are_cut(
        setup in setups(EdgeKind::Batch),
        written in written(),
        cuts in prop::collection::vec(any::<bool>(), 1..12),
        saves in prop::collection::vec(any::<bool>(), 1..5),
    ) {
        check(&setup, &written, &cuts, &saves);
    }
}

fn point(parents: u8, second: i64, at: i64) -> Written {
    Written { parents, h: 0, c: 0, time: second * SECOND, fields: 1, at, rows: Vec::new() }
}

fn plain(join: Join) -> Setup {
    let names = vec!["a".into(), "b".into()];
    Setup {
        join: Join { names, delimiter: ".".into(), ..join },
        parents: vec![by(&[]); 2],
        edge: EdgeKind::Stream,
    }
}

#[test]
fn a_backlog_of_one_time_is_joined_in_order() {
    let setup = plain(Join::default());
    let left = (0..3000).map(|at| point(1, 5, at));
    let right = (3000..6000).map(|at| point(2, 5, at));
    let written: Vec<Written> = left.chain(right).collect();
    let mut bed = bed(&setup);
    let found: Vec<Out> = written.chunks(500).flat_map(|entry| bed.feed(entry)).collect();
    assert_eq!(found.len(), 3000);
    for (at, out) in (0..).zip(&found) {
        let values: Vec<&Value> = out.rows[0].1.values().collect();
        assert_eq!(values, [&Value::Int(at), &Value::Int(at + 3000)]);
    }
}

#[test]
fn a_point_reaches_the_first_parent_first() {
    let found = bed(&plain(Join::default())).feed(&[point(3, 1, 0), point(3, 2, 1)]);
    assert_eq!(found.iter().map(|out| out.time / SECOND).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn points_that_agree_on_the_on_tags_meet_in_one_shard() {
    use crate::partition::Placement;
    let script = "var a = stream|from().measurement('a').groupBy('h', 'c')
var b = stream|from().measurement('b').groupBy('h', 'c')
a|join(b).as('a', 'b').on('h')";
    let program = tick::parse(script).expect("parses");
    let compiled =
        crate::compile::compile(&program, tick::TaskType::Stream, &BTreeMap::new(), tick::Mode::Task);
    let server = crate::node::Server::default();
    let graph = compiled.expect("compiles").graph;
    let task = crate::task::Task::build("t".into(), Vec::new(), graph, &server, 2).expect("builds");
    assert_eq!(task.placement, Placement::Tags(vec!["h".into()]));
}

#[test]
fn the_most_specific_parent_groups_the_output() {
    let all = GroupBy { all: true, ..by(&[]) };
    let join = Join::default();
    assert_eq!(join.group_by(&[by(&["h"]), by(&["c", "h"])]), by(&["c", "h"]));
    assert_eq!(join.group_by(&[by(&["h"]), by(&["c"])]), by(&["h"]));
    assert_eq!(join.group_by(&[all.clone(), by(&["c", "h"])]), all);
}

/// A mark of the group that all points of these tests are in.
fn mark(bed: &mut Bed, parent: usize, barrier: Option<i64>) -> Vec<Sent> {
    bed.mark(parent, &point(1, 0, 0), barrier)
}

fn values(sent: &[Sent]) -> Vec<Vec<Value>> {
    let values = |sent: &Sent| match sent {
        Sent::Data(out) => Some(out.rows[0].1.values().cloned().collect()),
        Sent::Barrier(..) | Sent::Delete(_) => None,
    };
    sent.iter().filter_map(values).collect()
}

#[test]
fn a_barrier_is_as_good_as_a_later_point() {
    let filled = Join { fill: Fill::With(Value::Null), ..Join::default() };
    let mut bed = bed(&plain(filled));
    assert_eq!(bed.feed(&[point(1, 1, 7), point(1, 2, 8)]), []);
    // As late as the first point: the partner can still come.
    let sent = mark(&mut bed, 1, Some(SECOND));
    assert_eq!(sent, [Sent::Barrier(String::new(), SECOND)]);
    bed.save_and_load();
    let sent = mark(&mut bed, 1, Some(2 * SECOND));
    assert_eq!(values(&sent), [[Value::Int(7), Value::Null]]);
    assert_eq!(sent.last(), Some(&Sent::Barrier(String::new(), 2 * SECOND)));
}

#[test]
fn a_barrier_from_before_the_points_does_no_harm() {
    let mut bed = bed(&plain(Join::default()));
    assert_eq!(mark(&mut bed, 0, Some(-SECOND)), [Sent::Barrier(String::new(), -SECOND)]);
    assert_eq!(bed.feed(&[point(1, 5, 1)]), []);
    assert_eq!(mark(&mut bed, 1, Some(SECOND)).len(), 1);
    assert_eq!(bed.feed(&[point(2, 5, 2)]).len(), 1);
}

#[test]
fn the_end_of_a_group_drops_what_waits_in_it() {
    let mut bed = bed(&plain(Join { fill: Fill::With(Value::Null), ..Join::default() }));
    assert_eq!(bed.feed(&[point(1, 1, 7)]), []);
    assert_eq!(mark(&mut bed, 0, None), [Sent::Delete(String::new())]);
    assert_eq!(bed.turn(Turn::Finish), []);
}

#[test]
fn the_end_of_the_task_sends_what_waits_in_order_of_time() {
    let setup = Setup { parents: vec![by(&["h"]); 2], ..plain(Join::default()) };
    let setup = Setup { join: Join { fill: Fill::With(Value::Null), ..setup.join }, ..setup };
    let mut bed = bed(&setup);
    let other = |second, at| Written { h: 1, ..point(2, second, at) };
    assert_eq!(bed.feed(&[other(3, 1), point(1, 2, 2), point(1, 4, 3), other(4, 4)]), []);
    bed.save_and_load();
    let null = Value::Null;
    let expected = [
        vec![Value::Int(2), null.clone()],
        vec![null.clone(), Value::Int(1)],
        vec![Value::Int(3), null.clone()],
        vec![null, Value::Int(4)],
    ];
    assert_eq!(values(&bed.turn(Turn::Finish)), expected);
}

#[test]
fn a_specific_point_goes_on_alone_at_the_end() {
    let fine = Join { on: vec!["h".into()], fill: Fill::With(Value::Null), ..Join::default() };
    let setup = Setup { parents: vec![by(&["c", "h"]), by(&["h"])], ..plain(fine) };
    let mut bed = bed(&setup);
    assert_eq!(bed.feed(&[point(1, 1, 7), point(2, 5, 8)]), []);
    assert_eq!(values(&bed.turn(Turn::Finish)), [[Value::Int(7), Value::Null]]);
}

#[test]
fn delete_all_forgets_how_far_the_other_parents_are() {
    for (delete_all, sent) in [(false, 1), (true, 0)] {
        let on = vec!["h".to_owned()];
        let fine = Join { on, delete_all, fill: Fill::With(Value::Null), ..Join::default() };
        let setup = Setup { parents: vec![by(&["c", "h"]), by(&["h"])], ..plain(fine) };
        let mut bed = bed(&setup);
        let other = Written { c: 1, ..point(1, 9, 2) };
        assert_eq!(bed.feed(&[point(1, 9, 0), point(2, 9, 1), other.clone()]).len(), 2);
        assert_eq!(bed.mark(0, &other, None).len(), 1);
        // Late points of a group that lives on, with the mark of the less specific parent or without.
        let late: Vec<Written> = (1..4).map(|second| point(1, second, second)).collect();
        assert_eq!(bed.feed(&late).len(), sent, "deleteAll {delete_all}");
    }
}
