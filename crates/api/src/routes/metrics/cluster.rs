//! Families of the cluster: what this member itself knows of it, so that a scrape asks nobody else.

use super::text::{Kind, Text};
use engine::status::{ClusterStatus, GroupView, MemberStatus, Role, ShardView, State};
use std::collections::BTreeMap;

/// Writes all of them; nothing for a server that is alone.
pub fn write(text: &mut Text, status: &ClusterStatus) {
    if status.state == State::Standalone {
        return;
    }
    members(text, status);
    groups(text, status);
    shards(text, &status.shards);
    traffic(text, status);
}

fn members(text: &mut Text, status: &ClusterStatus) {
    text.family("farad_cluster_members", Kind::Gauge, "Members by status, as this one sees them.");
    for wanted in MemberStatus::ALL {
        let number = status.members.iter().filter(|member| member.status == wanted).count();
        text.sample(&[("status", wanted.name())], number as f64);
    }
    let help = "Version of the placement of the shards.";
    text.single("farad_cluster_epoch", Kind::Gauge, help, status.epoch as f64);
}

/// Whether this member is in a group. One that has stopped has no role left, but must be seen.
fn is_in(group: &GroupView) -> bool {
    group.role != Role::None || group.fatal.is_some()
}

/// The groups that this member is in, with their names.
fn own_groups(status: &ClusterStatus) -> Vec<(String, &GroupView)> {
    let control = ("control".to_owned(), &status.control);
    let shards = status.shards.iter().map(|shard| (format!("shard-{}", shard.shard), &shard.group));
    [control].into_iter().chain(shards).filter(|(_, group)| is_in(group)).collect()
}

fn groups(text: &mut Text, status: &ClusterStatus) {
    type Figure = fn(&GroupView) -> f64;
    let figures: [(&str, Kind, &str, Figure); 7] = [
        ("farad_raft_term", Kind::Counter, "Raft's term.", |group| group.term as f64),
        ("farad_raft_leader", Kind::Gauge, "Whether this member leads the group.", |group| {
            f64::from(u8::from(group.role == Role::Leader))
        }),
        ("farad_raft_last_index", Kind::Counter, "Last entry in the log.", |group| group.last_index as f64),
        ("farad_raft_commit_index", Kind::Counter, "Last entry that is committed.", |group| {
            group.committed as f64
        }),
        ("farad_raft_applied_index", Kind::Counter, "Last entry that is applied.", |group| {
            group.applied as f64
        }),
        ("farad_raft_elections_total", Kind::Counter, "Elections that this member has seen.", |group| {
            group.elections as f64
        }),
        ("farad_raft_stopped", Kind::Gauge, "Whether the group has stopped on this member.", |group| {
            f64::from(u8::from(group.fatal.is_some()))
        }),
    ];
    let groups = own_groups(status);
    for (name, kind, help, figure) in figures {
        text.family(name, kind, help);
        for (group, view) in &groups {
            text.sample(&[("group", group)], figure(view));
        }
    }
    let help = "Entries that a follower misses, told by the leader.";
    text.family("farad_raft_lag_entries", Kind::Gauge, help);
    for (group, view) in &groups {
        for (member, lag) in &view.lag {
            text.sample(&[("group", group), ("member", status.name(member))], *lag as f64);
        }
    }
}

fn shards(text: &mut Text, shards: &[ShardView]) {
    type Figure = fn(&ShardView) -> f64;
    let figures: [(&str, &str, Figure); 5] = [
        ("farad_shard_queue_bytes", "What waits for the shard's tasks.", |shard| shard.queue_bytes as f64),
        ("farad_shard_log_bytes", "Bytes of the shard's log.", |shard| shard.log_bytes as f64),
        ("farad_shard_behind_entries", "Entries committed and not yet run.", |shard| shard.behind as f64),
        ("farad_shard_checkpoint_index", "How far the last checkpoint reaches.", |shard| {
            shard.checkpoint_index as f64
        }),
        ("farad_shard_checkpoint_age_seconds", "Age of the last checkpoint.", |shard| {
            shard.checkpoint_age_seconds as f64
        }),
    ];
    for (name, help, figure) in figures {
        text.family(name, Kind::Gauge, help);
        for shard in shards.iter().filter(|shard| is_in(&shard.group)) {
            text.sample(&[("shard", &shard.shard.to_string())], figure(shard));
        }
    }
}

fn traffic(text: &mut Text, status: &ClusterStatus) {
    if let Some(gossip) = &status.gossip {
        text.family("farad_gossip_packets_total", Kind::Counter, "Gossip packets.");
        text.sample(&[("direction", "in")], gossip.packets_in as f64);
        text.sample(&[("direction", "out")], gossip.packets_out as f64);
        text.family("farad_gossip_bytes_total", Kind::Counter, "Bytes of gossip.");
        text.sample(&[("direction", "in")], gossip.bytes_in as f64);
        text.sample(&[("direction", "out")], gossip.bytes_out as f64);
        reasons(text, "farad_gossip_rejected_total", "Gossip packets refused.", &gossip.rejected);
        let help = "Probes that nobody answered.";
        text.single("farad_gossip_probes_failed_total", Kind::Counter, help, gossip.probes_failed as f64);
        let help = "Names of members that could not be resolved.";
        text.single(
            "farad_gossip_resolve_failures_total",
            Kind::Counter,
            help,
            gossip.resolve_failures as f64,
        );
    }
    if let Some(rpc) = &status.rpc {
        reasons(text, "farad_rpc_rejected_total", "Calls of members refused.", &rpc.rejected);
    }
}

fn reasons(text: &mut Text, name: &'static str, help: &str, rejected: &BTreeMap<String, u64>) {
    text.family(name, Kind::Counter, help);
    for (reason, number) in rejected {
        text.sample(&[("reason", reason)], *number as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::status::{GossipView, MemberView, RpcView};

    #[test]
    fn lines() {
        let group = |role| GroupView {
            term: 7,
            role,
            last_index: 12,
            committed: 11,
            applied: 10,
            elections: 2,
            lag: BTreeMap::from([("id-b".to_owned(), 5)]),
            ..GroupView::default()
        };
        let member = |id: &str, status| MemberView {
            id: id.to_owned(),
            name: id.replace("id", "k"),
            status,
            ..MemberView::default()
        };
        let shard = |shard, role| ShardView {
            shard,
            group: group(role),
            queue_bytes: 100,
            checkpoint_age_seconds: 3,
            ..ShardView::default()
        };
        let mut stopped = shard(2, Role::None);
        stopped.group.fatal = Some("the disk is full".to_owned());
        let rejected = BTreeMap::from([("wrong_key".to_owned(), 4)]);
        let status = ClusterStatus {
            state: State::Initialized,
            members: vec![member("id-a", MemberStatus::Alive), member("id-b", MemberStatus::Down)],
            control: group(Role::Leader),
            shards: vec![shard(0, Role::Follower), shard(1, Role::None), stopped],
            gossip: Some(GossipView { packets_in: 9, rejected: rejected.clone(), ..GossipView::default() }),
            rpc: Some(RpcView { rejected }),
            ..ClusterStatus::default()
        };
        let mut text = Text::default();
        write(&mut text, &status);
        let text = text.finish();
        for line in [
            "farad_cluster_members{status=\"alive\"} 1",
            "farad_cluster_members{status=\"left\"} 0",
            "farad_raft_term{group=\"control\"} 7",
            "farad_raft_leader{group=\"control\"} 1",
            "farad_raft_leader{group=\"shard-0\"} 0",
            "farad_raft_commit_index{group=\"shard-0\"} 11",
            "farad_raft_applied_index{group=\"shard-0\"} 10",
            "farad_raft_last_index{group=\"shard-0\"} 12",
            "farad_raft_elections_total{group=\"control\"} 2",
            "farad_raft_stopped{group=\"control\"} 0",
            "farad_raft_stopped{group=\"shard-2\"} 1",
            "farad_raft_lag_entries{group=\"control\",member=\"k-b\"} 5",
            "farad_shard_queue_bytes{shard=\"0\"} 100",
            "farad_shard_checkpoint_age_seconds{shard=\"0\"} 3",
            "farad_gossip_packets_total{direction=\"in\"} 9",
            "farad_gossip_rejected_total{reason=\"wrong_key\"} 4",
            "farad_rpc_rejected_total{reason=\"wrong_key\"} 4",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
        }
        assert!(!text.contains("shard-1") && !text.contains("shard=\"1\""), "{text}");
        let mut alone = Text::default();
        write(&mut alone, &ClusterStatus::default());
        assert_eq!(alone.finish(), "");
    }
}
