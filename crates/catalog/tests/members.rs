//! Members, placements and runs by example, and the promises that no command breaks.

mod common;

use catalog::{Catalog, Command, MemberStatus, Outcome, Rejection, Status, TaskPatch};
use common::cluster::{TASKS, found, join, member};
use common::{Member, handler, task};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The moment in the texts: 2026-01-02T03:04:05Z.
const THEN: i64 = 1_767_323_045_000_000_000;

/// A cluster of k1, k2 and k3 with the numbers 1, 2 and 3, and two shards.
fn three() -> Member {
    let mut cluster = Member::default();
    for command in [found(2, 1, "k1"), join(2, "k2", 20), join(3, "k3", 30)] {
        cluster.apply(&command).expect("they may join");
    }
    cluster
}

fn place(epoch: u64, shards: &[(&[u64], u64)]) -> Command {
    let shards = shards.iter().map(|(replicas, leader)| (replicas.to_vec(), *leader)).collect();
    Command::Place { epoch, shards }
}

fn text(answer: Result<Outcome, Rejection>) -> String {
    answer.expect_err("it is refused").to_string()
}

#[test]
fn members_join_come_back_and_go_for_good() {
    let mut cluster = three();
    let first = cluster.catalog.member(1).expect("a member");
    assert_eq!((first.joined, first.status, first.status_since), (10, MemberStatus::Alive, 10));

    let down = Command::SetMemberStatus { id: 2, status: MemberStatus::Down, now: 40 };
    cluster.apply(&down).expect("a member");
    cluster
        .apply(&Command::SetMemberStatus { id: 2, status: MemberStatus::Down, now: 50 })
        .expect("a member");
    let second = cluster.catalog.member_named("k2").expect("a member");
    assert_eq!((second.status.name(), second.status_since), ("down", 40), "since it was first seen");

    let mut moved = member(2, "k2");
    moved.rpc = "elsewhere:9091".into();
    cluster.apply(&Command::PutMember { member: moved, now: 60 }).expect("it comes back");
    let second = cluster.catalog.member(2).expect("a member");
    assert_eq!((second.joined, second.status, second.status_since), (20, MemberStatus::Alive, 60));
    assert_eq!(second.rpc, "elsewhere:9091");

    cluster.apply(&Command::RemoveMember { id: 2, now: THEN }).expect("a member");
    cluster.restart();
    assert_eq!(cluster.catalog.removed(2).map(|removed| removed.when), Some(THEN));
    assert_eq!(cluster.catalog.members().map(|member| member.id).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(
        text(cluster.apply(&join(2, "k2", THEN + 1))),
        "member k2 was removed from this cluster on 2026-01-02T03:04:05Z; \
         wipe its data directory to join as a new member"
    );
    cluster.apply(&join(4, "k2", THEN + 2)).expect("a wiped one is another one");
}

#[test]
fn a_wiped_disk_replaces_the_member_that_had_the_name() {
    let mut cluster = three();
    cluster.apply(&join(9, "k3", 70)).expect("it may join");
    assert!(cluster.catalog.member(3).is_none());
    assert_eq!(cluster.catalog.removed(3).map(|removed| (&*removed.name, removed.when)), Some(("k3", 70)));
    assert_eq!(cluster.catalog.member_named("k3").map(|member| (member.id, member.joined)), Some((9, 70)));
}

#[test]
fn what_cannot_be_is_refused() {
    let mut nobody = Member::default();
    assert_eq!(nobody.apply(&join(1, "k1", 0)).unwrap_err(), Rejection::NotFounded);
    assert_eq!(nobody.apply(&place(0, &[])).unwrap_err(), Rejection::NotFounded);
    assert!(text(nobody.apply(&found(0, 1, "k1"))).contains("0 shards"));

    let mut cluster = three();
    let mut other = member(2, "k2");
    other.uuid = "another".into();
    let cases = [
        (Command::PutMember { member: other, now: 0 }, "belongs to member k2 (id uuid-2)"),
        (
            Command::SetMemberStatus { id: 7, status: MemberStatus::Down, now: 0 },
            "no member has the number 7",
        ),
        (Command::RemoveMember { id: 7, now: 0 }, "no member has the number 7"),
        (place(1, &[(&[1], 1), (&[1], 1)]), "worked out for epoch 1, and now is epoch 0"),
        (place(0, &[(&[1], 1)]), "it places 1 shards of 2"),
        (place(0, &[(&[1], 1), (&[1, 7], 1)]), "shard 1: 7 is not a member"),
        (place(0, &[(&[1], 2), (&[1], 1)]), "shard 0: its leader 2 is none of its replicas"),
        (place(0, &[(&[], 1), (&[1], 1)]), "shard 0: its leader 1 is none of its replicas"),
        (place(0, &[(&[1, 2, 1], 1), (&[1], 1)]), "shard 0: 1 is to keep it twice"),
        (Command::ShardVoters { shard: 0, voters: vec![1] }, "shard 0 has no place yet"),
    ];
    for (command, reason) in cases {
        let before = cluster.catalog.clone();
        let answer = text(cluster.apply(&command));
        assert!(answer.contains(reason), "{answer}");
        assert_eq!(cluster.catalog.members().collect::<Vec<_>>(), before.members().collect::<Vec<_>>());
        assert_eq!((cluster.catalog.cluster(), cluster.catalog.places().count()), (before.cluster(), 0));
    }
    for id in [1, 2] {
        cluster.apply(&Command::RemoveMember { id, now: 0 }).expect("others are left");
    }
    assert!(
        text(cluster.apply(&Command::RemoveMember { id: 3, now: 0 })).contains("member k3 is the last one")
    );
}

#[test]
fn a_cluster_is_founded_once() {
    let mut cluster = three();
    assert!(matches!(cluster.apply(&found(9, 4, "k4")), Ok(Outcome::Done)), "again is no error");
    assert_eq!(cluster.catalog.cluster().map(|cluster| (cluster.shards, cluster.founded)), Some((2, 10)));
    assert!(cluster.catalog.member(4).is_none(), "and does nothing");
    let other =
        Command::Found { cluster: "c2".into(), shards: 2, replication: 3, member: member(1, "k1"), now: 90 };
    assert_eq!(cluster.apply(&other).unwrap_err(), Rejection::Founded("c1".into()));
}

#[test]
fn shards_are_placed_reported_and_placed_again() {
    let mut cluster = three();
    cluster.apply(&place(0, &[(&[2, 1], 2), (&[3], 3)])).expect("all are members");
    cluster.apply(&Command::ShardVoters { shard: 0, voters: vec![2, 1, 2] }).expect("it has a place");
    cluster.apply(&place(1, &[(&[1, 3], 3), (&[3], 3)])).expect("all are members");
    cluster.restart();
    let first = cluster.catalog.place(0).expect("it has a place");
    assert_eq!((first.replicas.as_slice(), first.leader), ([1, 3].as_slice(), 3));
    assert_eq!((first.voters.as_slice(), first.founders.as_slice()), ([1, 2].as_slice(), [1, 2].as_slice()));
    assert_eq!(cluster.catalog.cluster().map(|cluster| cluster.epoch), Some(2));
    let stale = cluster.apply(&place(1, &[(&[1], 1), (&[3], 3)])).unwrap_err();
    assert_eq!(stale, Rejection::Stale { epoch: 1, current: 2 });

    // Only k3 kept shard 1, and its disk is gone.
    cluster.apply(&join(9, "k3", 70)).expect("it may join");
    cluster.apply(&place(2, &[(&[1, 9], 1), (&[2, 9], 9)])).expect("all are members");
    assert_eq!(cluster.catalog.place(1).map(|place| place.founders.clone()), Some(vec![2, 9]));
    assert_eq!(cluster.catalog.place(0).map(|place| place.founders.clone()), Some(vec![1, 2]), "k1 has it");
}

#[test]
fn topics_have_owners_that_live_and_move_little() {
    let mut cluster = three();
    let topics: Vec<String> = (0..300).map(|number| format!("main:task{number}:alert2")).collect();
    let owners = |cluster: &Member| -> Vec<u64> {
        topics.iter().map(|topic| cluster.catalog.topic_owner(topic).expect("there are members")).collect()
    };
    let before = owners(&cluster);
    for id in 1..=3 {
        let count = before.iter().filter(|owner| **owner == id).count();
        assert!((60..140).contains(&count), "{id} owns {count} of 300");
    }
    cluster.apply(&Command::SetMemberStatus { id: 2, status: MemberStatus::Leaving, now: 0 }).expect("known");
    for (before, after) in before.iter().zip(owners(&cluster)) {
        assert!(after != 2 && (*before == after || *before == 2), "only what it owned moves");
    }
    for id in [1, 3] {
        cluster.apply(&Command::SetMemberStatus { id, status: MemberStatus::Down, now: 0 }).expect("known");
    }
    assert_eq!(owners(&cluster), before, "when nobody is known to live, it is as if all did");
    assert_eq!(Catalog::new().topic_owner("t"), None);
}

#[test]
fn tasks_run_until_they_are_stopped_renamed_or_deleted() {
    let mut cluster = Member::default();
    let start = |definition: &[u8], handlers: &[&str]| Command::StartTask {
        id: "a".into(),
        definition: definition.to_vec(),
        topics: vec![("main:a:alert2".into(), handlers.iter().map(|id| handler(id)).collect())],
    };
    assert_eq!(cluster.apply(&start(b"1", &[])).unwrap_err(), Rejection::NoTask("a".into()));
    cluster.apply(&Command::CreateTask { task: task("a", Status::Enabled), now: 0 }).expect("new");
    cluster.apply(&Command::SetTaskError { id: "a".into(), error: "boom".into() }).expect("exists");
    assert!(text(cluster.apply(&start(b"1", &["h", "h"]))).contains("already exists"));
    assert!(cluster.catalog.run("a").is_none(), "a refused start starts nothing");
    assert!(cluster.catalog.topic("main:a:alert2").is_none());

    for definition in [b"1", b"2"] {
        let answer = cluster.apply(&start(definition, &["h"]));
        assert!(matches!(answer, Ok(Outcome::Started { revision }) if revision == cluster.index));
    }
    cluster.restart();
    let run = cluster.catalog.run("a").expect("it runs");
    assert_eq!((run.revision, &*run.definition), (cluster.index, b"2".as_slice()));
    assert_eq!(cluster.catalog.task("a").map(|task| task.error.as_str()), Some(""));
    assert_eq!(cluster.catalog.topic("main:a:alert2").map(|topic| topic.handlers().len()), Some(1));

    for _ in 0..2 {
        cluster.apply(&Command::StopTask { id: "a".into() }).expect("no error even when it does not run");
    }
    assert_eq!(cluster.catalog.runs().count(), 0);
    assert_eq!(cluster.catalog.topics().count(), 1, "topics are closed by themselves");

    cluster.apply(&start(b"3", &[])).expect("it exists");
    let patch = TaskPatch { id: Some("b".into()), ..TaskPatch::default() };
    cluster.apply(&Command::UpdateTask { id: "a".into(), patch, now: 0 }).expect("free");
    assert_eq!(cluster.catalog.runs().count(), 0);
    let start = Command::StartTask { id: "b".into(), definition: vec![], topics: vec![] };
    cluster.apply(&start).expect("it exists");
    cluster.apply(&Command::DeleteTask { id: "b".into() }).expect("no error");
    assert_eq!(cluster.catalog.runs().count(), 0);
}

#[test]
fn damaged_records_are_named() {
    let mut cluster = three();
    cluster.apply(&Command::RemoveMember { id: 3, now: 0 }).expect("others are left");
    cluster.apply(&place(0, &[(&[1], 1), (&[2], 2)])).expect("all are members");
    cluster.apply(&Command::CreateTask { task: task("a", Status::Enabled), now: 0 }).expect("new");
    let start = Command::StartTask { id: "a".into(), definition: vec![7; 9], topics: vec![] };
    cluster.apply(&start).expect("it exists");
    for (kind, what) in [
        (b'c', "cannot read the cluster: "),
        (b'b', "cannot read a member: "),
        (b'x', "cannot read a removed member: "),
        (b'p', "cannot read the place of a shard: "),
        (b'r', "cannot read a running task: "),
    ] {
        let mut store = cluster.store.clone();
        let (_, value) = store.iter_mut().find(|(key, _)| key[0] == kind).expect("it is stored");
        value.truncate(value.len() - 1);
        let error = Catalog::load(&store).unwrap_err().to_string();
        assert!(error.starts_with(what), "{error}");
    }
}

#[test]
fn logs_of_earlier_versions_still_mean_the_same() {
    let (id, now) = (1, 0);
    let cases = [
        (Command::DeleteTask { id: "a".into() }, 2),
        (Command::Delivered { ids: vec![] }, 9),
        (Command::DropDelivery { id: alert::DeliveryId(0), reason: alert::DropReason::Refused }, 11),
        (found(1, 1, "k1"), 12),
        (join(1, "k1", 0), 13),
        (Command::SetMemberStatus { id, status: MemberStatus::Alive, now }, 14),
        (Command::RemoveMember { id, now }, 15),
        (place(0, &[]), 16),
        (Command::ShardVoters { shard: 0, voters: vec![] }, 17),
        (Command::StartTask { id: "a".into(), definition: vec![], topics: vec![] }, 18),
        (Command::StopTask { id: "a".into() }, 19),
    ];
    for (command, number) in cases {
        assert_eq!(command.encode()[..2], [1, number], "format and variant of {command:?}");
    }
}

/// What may never be, whatever was proposed.
fn check(catalog: &Catalog, removed: &mut BTreeSet<u64>) {
    let known: BTreeSet<u64> = catalog.members().map(|member| member.id).collect();
    for id in &known {
        assert!(!removed.contains(id) && catalog.removed(*id).is_none(), "{id} came back");
    }
    removed.extend((1..6).filter(|id| catalog.removed(*id).is_some()));
    assert!(removed.iter().all(|id| catalog.removed(*id).is_some()), "who is gone is remembered");
    let names: BTreeSet<_> = catalog.members().map(|member| &member.name).collect();
    assert_eq!(names.len(), known.len(), "each host name is there once");
    assert_eq!(catalog.cluster().is_some(), !known.is_empty(), "a cluster has members");
    assert!(catalog.runs().all(|(id, run)| catalog.task(id).is_some() && run.revision <= catalog.applied()));
    for (_, place) in catalog.places() {
        assert!(place.replicas.contains(&place.leader) && !place.founders.is_empty());
        assert!(place.replicas.is_sorted() && place.voters.is_sorted() && place.founders.is_sorted());
    }
    let owner = catalog.topic_owner("t");
    assert_eq!(owner.is_some(), !known.is_empty());
    assert!(owner.is_none_or(|id| known.contains(&id)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn promises_hold(commands in prop::collection::vec(common::cluster::command(), 0..80)) {
        let mut cluster = Member::default();
        for id in TASKS {
            let _ = cluster.apply(&Command::CreateTask { task: task(id, Status::Enabled), now: 0 });
        }
        // Otherwise many sequences would never get to the interesting part.
        cluster.apply(&found(2, 1, "k1")).expect("the first");
        let mut removed = BTreeSet::new();
        for command in &commands {
            let epoch = cluster.catalog.cluster().map_or(0, |cluster| cluster.epoch);
            let entries = cluster.catalog.entries();
            let answer = cluster.apply(command);
            check(&cluster.catalog, &mut removed);
            let after = cluster.catalog.cluster().map_or(0, |cluster| cluster.epoch);
            let placed = matches!(command, Command::Place { .. }) && answer.is_ok();
            prop_assert_eq!(after, epoch + u64::from(placed));
            if placed {
                let mut replicas = cluster.catalog.places().flat_map(|(_, place)| &place.replicas);
                prop_assert!(replicas.all(|id| cluster.catalog.member(*id).is_some()));
                prop_assert_eq!(cluster.catalog.places().count(), 2);
            }
            if answer.is_err() {
                // The counters hold the index, which moves.
                let others = |entries: Vec<(Vec<u8>, Vec<u8>)>| -> Vec<_> {
                    entries.into_iter().filter(|(key, _)| key != b"m").collect()
                };
                prop_assert_eq!(others(entries), others(cluster.catalog.entries()));
            }
            let loaded = Catalog::load(&cluster.store).expect("loads");
            prop_assert_eq!(loaded.digest(), cluster.catalog.digest(), "after {:?}", command);
        }
    }
}
