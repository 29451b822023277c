//! `kapacitorctl shards`: each shard, where it is and how far.

use super::session::{Failure, Session};
use super::shapes::{Cluster, Shard};
use super::text::{bytes, columns, row, span};
use super::{Command, Given};
use serde_json::json;

pub(super) const SHARDS: Command = Command {
    name: "shards",
    arguments: "",
    summary: "List the shards: leaders, replicas, how far each is.",
    more: "
	A star behind the leader: another member should lead (see leader transfer shards).
	Moving: members that get (+) or give away (-) a replica. Lag: entries that the slowest
	follower misses. Behind: entries that the shard's tasks have yet to run.
",
    flags: &[],
    run,
};

fn run(session: &mut Session<'_>, given: &Given) -> Result<(), Failure> {
    given.nothing()?;
    let (value, cluster) = session.cluster()?;
    if session.json {
        return session.print(&json!({
            "epoch": value["epoch"],
            "replication-factor": value["replication-factor"],
            "shards": value["shards"],
        }));
    }
    if cluster.state == "standalone" {
        writeln!(session.out, "This server is not clustered: it keeps and runs all shards itself.")?;
        return Ok(());
    }
    Ok(session.out.write_all(table(&cluster).as_bytes())?)
}

fn table(cluster: &Cluster) -> String {
    let mut rows = vec![row([
        "Shard",
        "Leader",
        "Term",
        "Replicas",
        "Moving",
        "Committed",
        "Lag",
        "Behind",
        "Queue",
        "Log",
        "Checkpoint",
        "Series",
    ])];
    rows.extend(cluster.shards.iter().map(|shard| line(cluster, shard)));
    columns(&rows)
}

fn line(cluster: &Cluster, shard: &Shard) -> Vec<String> {
    let group = &shard.group;
    let elsewhere = !shard.preferred_leader.is_empty()
        && group.leader.as_ref().is_some_and(|leader| *leader != shard.preferred_leader);
    let lag = group.lag.values().max().map_or("-".to_owned(), u64::to_string);
    let age = span(i64::try_from(shard.checkpoint_age_seconds).unwrap_or(i64::MAX));
    vec![
        shard.shard.to_string(),
        format!("{}{}", cluster.leader(group), if elsewhere { "*" } else { "" }),
        group.term.to_string(),
        cluster.names(&group.voters),
        moving(cluster, shard),
        group.committed.to_string(),
        lag,
        shard.behind.to_string(),
        bytes(shard.queue_bytes),
        bytes(shard.log_bytes),
        format!("{} ({age})", shard.checkpoint_index),
        shard.series.to_string(),
    ]
}

fn moving(cluster: &Cluster, shard: &Shard) -> String {
    if !shard.moves() {
        return "-".to_owned();
    }
    let come = shard.to_come().map(|id| format!("+{}", cluster.name(id)));
    let go = shard.to_go().map(|id| format!("-{}", cluster.name(id)));
    come.chain(go).collect::<Vec<_>>().join(",")
}
