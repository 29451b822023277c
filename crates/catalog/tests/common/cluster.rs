//! Members, placements and runs for tests: few names and numbers, so that commands meet.

use super::handler;
use catalog::{Command, Member, MemberId, MemberStatus};
use model::{Name, Time};
use proptest::prelude::*;

pub const TASKS: [&str; 3] = ["a", "b", "c d"];

/// A member as it introduces itself.
pub fn member(id: MemberId, name: &str) -> Member {
    Member {
        id,
        uuid: format!("uuid-{id}"),
        name: name.into(),
        gossip: format!("{name}:9090"),
        rpc: format!("{name}:9091"),
        api: format!("{name}:9092"),
        roles: vec!["worker".into()],
        version: "0.1.0".into(),
        joined: 0,
        status: MemberStatus::Leaving,
        status_since: 0,
    }
}

pub fn found(shards: u32, id: MemberId, name: &str) -> Command {
    Command::Found { cluster: "c1".into(), shards, replication: 3, member: member(id, name), now: 10 }
}

pub fn join(id: MemberId, name: &str, now: Time) -> Command {
    Command::PutMember { member: member(id, name), now }
}

/// Any command about members, shards and runs.
pub fn command() -> impl Strategy<Value = Command> {
    let id = || 1..6u64;
    let now = || 0..99i64;
    let task = || prop::sample::select(&TASKS).prop_map(Name::from);
    prop_oneof![
        4 => (id(), name(), 0..4u32, prop::bool::weighted(0.9), now()).prop_map(|(id, name, shards, same, now)| {
            let cluster = if same { "c1" } else { "c2" }.to_owned();
            Command::Found { cluster, shards, replication: 2, member: member(id, name), now }
        }),
        6 => (id(), name(), 0..3u32, prop::bool::weighted(0.95), now()).prop_map(|(id, name, port, same, now)| {
            let mut member = member(id, name);
            member.api = format!("{name}:{port}");
            if !same {
                member.uuid = "another".into();
            }
            Command::PutMember { member, now }
        }),
        3 => (id(), prop::sample::select(&MemberStatus::ALL), now())
            .prop_map(|(id, status, now)| Command::SetMemberStatus { id, status, now }),
        1 => (id(), now()).prop_map(|(id, now)| Command::RemoveMember { id, now }),
        6 => (0..4u64, prop::collection::vec((ids(), id()), 1..4))
            .prop_map(|(epoch, shards)| Command::Place { epoch, shards }),
        3 => (0..3u32, ids()).prop_map(|(shard, voters)| Command::ShardVoters { shard, voters }),
        3 => (task(), any::<Vec<u8>>(), prop::collection::vec(topic(), 0..3))
            .prop_map(|(id, definition, topics)| Command::StartTask { id, definition, topics }),
        2 => task().prop_map(|id| Command::StopTask { id }),
    ]
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["k1", "k2", "k3", "ö"])
}

fn ids() -> impl Strategy<Value = Vec<MemberId>> {
    prop::collection::vec(1..6u64, 0..4)
}

fn topic() -> impl Strategy<Value = (Name, Vec<alert::HandlerSpec>)> {
    let topics = prop::sample::select(&["main:a:alert2", "main:b:alert3", "not a name"]);
    let handlers = prop::collection::vec(prop::sample::select(&["h1", "h2"]), 0..3);
    (topics, handlers).prop_map(|(topic, ids)| (topic.into(), ids.into_iter().map(handler).collect()))
}
