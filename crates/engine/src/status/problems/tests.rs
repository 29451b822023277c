//! The rules as a table: what is changed in a healthy cluster of three, and what is then found.

use super::*;
use crate::status::{GossipView, GroupView, Role, RpcView, ShardView};

const NOW: i64 = 1_700_000_000;

fn ids(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn healthy(names: &[&str]) -> ClusterStatus {
    let voters = ids(names);
    let group = GroupView {
        term: 2,
        leader: Some(voters[0].clone()),
        role: Role::Leader,
        voters: voters.clone(),
        committed: 100,
        ..GroupView::default()
    };
    let member = |id: &String| MemberView {
        id: id.clone(),
        name: format!("k-{id}"),
        rpc_address: format!("k-{id}:9091"),
        status: MemberStatus::Alive,
        since: NOW - 90,
        version: "1.0.0".to_owned(),
        this: *id == voters[0],
        ..MemberView::default()
    };
    let shards = (0..4).map(|shard| ShardView {
        shard,
        group: group.clone(),
        wanted: voters.clone(),
        ..ShardView::default()
    });
    ClusterStatus {
        state: State::Initialized,
        member_id: voters[0].clone(),
        member_name: format!("k-{}", voters[0]),
        time_ms: NOW * 1000,
        members: voters.iter().map(member).collect(),
        control: group.clone(),
        shards: shards.collect(),
        replication_factor: 3,
        gossip: Some(GossipView::default()),
        rpc: Some(RpcView::default()),
        ..ClusterStatus::default()
    }
    .concluded()
}

/// What is changed in the healthy cluster.
type Change = fn(&mut ClusterStatus);

fn down(status: &mut ClusterStatus, id: &str) {
    let member = status.members.iter_mut().find(|member| member.id == id).expect("a member");
    member.status = MemberStatus::Down;
}

/// Members, what happens, and of each problem: whether it is critical, words of it and of the advice.
type Row = (&'static [&'static str], Change, &'static [(bool, &'static str, &'static str)]);

const THREE: &[&str] = &["a", "b", "c"];

const ROWS: &[Row] = &[
    (THREE, |_| (), &[]),
    (&["a", "b", "c", "d", "e"], |_| (), &[]),
    (THREE, |status| status.state = State::Standalone, &[]),
    (&["a"], |_| (), &[(false, "a cluster of one member survives no loss", "kapacitorctl member add")]),
    (&["a", "b"], |_| (), &[(false, "two members survive no loss", "three: kapacitorctl member add")]),
    (
        &["a", "b"],
        |status| status.members.push(MemberView { status: MemberStatus::Joining, ..MemberView::default() }),
        &[(false, "two members survive no loss", "")],
    ),
    (&["a", "b", "c", "d"], |_| (), &[(false, "4 voters survive no more losses than 3", "member remove ID")]),
    (
        THREE,
        |status| status.replication_factor = 5,
        &[(
            false,
            "each shard should have 5 replicas, but there are only 3 members",
            "replication-factor = 3",
        )],
    ),
    (
        THREE,
        |status| status.state = State::Uninitialized,
        &[(true, "k-a belongs to no cluster yet; it sees 2 other members", "member add k-a:9091")],
    ),
    (
        THREE,
        |status| down(status, "c"),
        &[
            (
                true,
                "k-c has been down for 1m30s; it votes in the control group and keeps 4 replicas",
                "member remove c",
            ),
            (true, "survives no further loss: 2 of 3 voters are there", "start k-c again, or replace"),
        ],
    ),
    (
        &["a", "b", "c", "d", "e"],
        |status| down(status, "c"),
        &[(true, "k-c has been down", "start it again with its data directory")],
    ),
    (
        THREE,
        |status| {
            status.members[2].status = MemberStatus::Left;
            status.members[2].since = 0;
            status.control.voters = ids(&["a", "b"]);
        },
        &[(false, "k-c has been stopped; it votes", "member remove c")],
    ),
    (
        THREE,
        |status| {
            down(status, "b");
            down(status, "c");
            status.control.leader = None;
            status.shards[1].group.leader = None;
            status.shards[3].group.leader = None;
        },
        &[
            (
                true,
                "no leader: 1 of 3 voters is there, 2 are needed; missing: k-b and k-c",
                "start 1 of k-b and k-c again",
            ),
            (
                true,
                "shards 1 and 3 without a leader: points for them wait; too many of their members are missing: k-b and k-c",
                "start 1 of k-b and k-c again",
            ),
            (true, "k-b has been down", ""),
            (true, "k-c has been down", ""),
        ],
    ),
    (
        // Nobody is left who could agree that the others are down.
        THREE,
        |status| {
            status.control.leader = None;
            status.members[1].silent = true;
            status.members[2].silent = true;
        },
        &[
            (true, "1 of 3 voters is there, 2 are needed; missing: k-b and k-c", "1 of k-b and k-c"),
            (true, "k-b and k-c did not answer k-a, although they count as alive", ""),
        ],
    ),
    (
        THREE,
        |status| status.control.leader = None,
        &[(true, "although enough voters are there", "reach each other at k-a:9091, k-b:9091 and k-c:9091")],
    ),
    (
        THREE,
        |status| status.shards[0].group.leader = None,
        &[(true, "shard 0 without a leader: points for it wait", "kapacitorctl shards")],
    ),
    (
        THREE,
        |status| status.shards[2].group.fatal = Some("k-b: the disk is full".to_owned()),
        &[(true, "shard 2 has stopped on k-b: the disk is full", "restart it")],
    ),
    (
        THREE,
        |status| status.members[1].silent = true,
        &[
            (true, "k-b did not answer k-a, although it counts as alive", "k-b:9091 can be reached from k-a"),
            (true, "survives no further loss", "start k-b again"),
        ],
    ),
    (
        &["a", "b", "c", "d", "e"],
        |status| {
            status.members[4].status = MemberStatus::Joining;
            status.members[4].since = NOW - 3 * 3600;
        },
        &[(false, "k-e has been joining for 3h0m", "member add k-e:9091")],
    ),
    (
        THREE,
        |status| status.shards[1].group.voters = ids(&["a", "b"]),
        &[(false, "replicas of shard 1 are on their way", "kapacitorctl shards")],
    ),
    (
        THREE,
        |status| {
            status.control.lag.insert("b".to_owned(), 20_000);
            status.shards[3].group.lag.insert("b".to_owned(), 50_000);
            status.shards[3].group.lag.insert("c".to_owned(), 10_000);
        },
        &[(false, "k-b lags behind in 2 groups, most in shard 3: 50000 entries", "farad_raft_lag_entries")],
    ),
    (
        THREE,
        |status| status.shards[3].behind = 12_345,
        &[(false, "worst: shard 3 with 12345 entries to go", "kapacitor stats general")],
    ),
    (
        THREE,
        |status| status.shards[0].checkpoint_age_seconds = 90_000,
        &[(false, "checkpoints of shard 0 are old; oldest: 1d1h on shard 0", "new leader")],
    ),
    (
        THREE,
        |status| {
            status.members[1].clock_ahead_ms = Some(-61_000);
            status.members[2].clock_ahead_ms = Some(4_000);
        },
        &[(false, "clocks differ from that of k-a: k-b by 1m1s behind", "NTP")],
    ),
    (
        THREE,
        |status| status.members[1].version = "1.1.0".to_owned(),
        &[(false, "different versions: 1.0.0 on k-a and k-c; 1.1.0 on k-b", "one after the other")],
    ),
    (
        THREE,
        |status| {
            let gossip =
                [("wrong_key", 3), ("malformed", 1), ("too_old", 2), ("wrong_cluster", 0), ("twin", 5)];
            let rejected = gossip.map(|(reason, number)| (reason.to_owned(), number));
            status.gossip = Some(GossipView { rejected: rejected.into(), ..GossipView::default() });
            status.rpc = Some(RpcView { rejected: [("certificate".to_owned(), 4)].into() });
        },
        &[
            (false, "k-a refused 1 gossip packets since it started: malformed", "something else"),
            (false, "2 gossip packets since it started: too old", "clocks"),
            (false, "5 gossip packets since it started: twin", "copied"),
            (false, "3 gossip packets since it started: wrong key", "KAPACITOR_CLUSTER_SHARED_SECRET"),
            (false, "4 calls of members since it started: certificate", "certificate authority"),
        ],
    ),
];

#[test]
fn each_fault_is_found_with_advice() {
    for (number, (members, change, expected)) in ROWS.iter().enumerate() {
        let mut status = healthy(members);
        change(&mut status);
        let found = problems(&status);
        assert_eq!(found.len(), expected.len(), "row {number}: {found:#?}");
        for (problem, (critical, what, advice)) in found.iter().zip(*expected) {
            assert_eq!(problem.severity == Severity::Critical, *critical, "row {number}: {problem:?}");
            assert!(problem.what.contains(what), "row {number}: {what} not in {}", problem.what);
            assert!(problem.advice.contains(advice), "row {number}: {advice} not in {}", problem.advice);
        }
    }
}

#[test]
fn healthy_is_without_critical_problems() {
    let mut status = healthy(&["a", "b"]);
    assert!(status.healthy && !status.problems.is_empty());
    status.shards[0].group.leader = None;
    assert!(!status.concluded().healthy);
}

#[test]
fn members_are_found() {
    let status = healthy(&["abcd-1", "abcd-2", "efgh-3"]);
    for (text, expected) in [
        ("abcd-1", Some("abcd-1")),
        ("k-efgh-3", Some("efgh-3")),
        ("efgh", Some("efgh-3")),
        ("efg", None),
        ("abcd", None),
        ("", None),
    ] {
        assert_eq!(status.member(text).map(|member| &*member.id), expected, "{text}");
    }
}

#[test]
fn words() {
    let many: Vec<String> = (0..12).map(|n| n.to_string()).collect();
    assert_eq!(list(&many, "and"), "0, 1, 2, 3, 4, 5, 6, 7 and 4 more");
    for (seconds, text) in [(-5, "0s"), (59, "59s"), (61, "1m1s"), (7322, "2h2m"), (200_000, "2d7h")] {
        assert_eq!(span(seconds), text);
    }
}

#[test]
fn json_is_read_back() {
    let status = healthy(THREE);
    let json = serde_json::to_value(&status).expect("JSON");
    assert_eq!((&json["state"], &json["members"][0]["status"]), (&"initialized".into(), &"alive".into()));
    assert_eq!(serde_json::from_value::<ClusterStatus>(json).expect("a status"), status);
}
