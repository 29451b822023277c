//! `kapacitorctl status`: one screen that says whether all is well, and if not, what to do.

use super::member::head;
use super::session::{Failure, Session};
use super::shapes::{Cluster, Member};
use super::text::{bytes, columns, count, row, span};
use super::{Command, Given};
use std::fmt::Write;

pub(super) const STATUS: Command = Command {
    name: "status",
    arguments: "",
    summary: "Show whether the cluster is well, and what to do if not.",
    more: "
	Exit codes: 0 healthy (warnings do not count), 1 the cluster could not be asked, 2 not healthy.

	Any member can be asked: it asks the others. Lag is the number of entries that the member misses
	in the group in which it misses most.
",
    flags: &[],
    run,
};

fn run(session: &mut Session<'_>, given: &Given) -> Result<(), Failure> {
    given.nothing()?;
    let (value, cluster) = session.cluster()?;
    if session.json {
        session.print(&value)?;
    } else {
        session.out.write_all(screen(&cluster).as_bytes())?;
    }
    session.out.flush()?;
    if cluster.healthy { Ok(()) } else { Err(Failure::Unhealthy) }
}

/// Writing to a String cannot fail, here and below.
fn screen(cluster: &Cluster) -> String {
    let mut text = format!("Healthy: {}\n{}\n", if cluster.healthy { "yes" } else { "no" }, head(cluster));
    let _ = write!(text, "{}", members(cluster));
    if cluster.state == "standalone" {
        text.push_str("\nThis server is not clustered: [cluster] enabled is false.\n");
    } else {
        let _ = write!(text, "\n{}\n{}\n", control(cluster), shards(cluster));
    }
    for problem in &cluster.problems {
        let word = problem.severity.to_uppercase();
        let _ = write!(text, "\n{word}: {}\n    {}\n", problem.what, problem.advice);
    }
    text
}

fn members(cluster: &Cluster) -> String {
    let mut rows = vec![row([
        "Member",
        "Status",
        "For",
        "Control",
        "Leads",
        "Replicas",
        "Lag",
        "API Address",
        "Version",
    ])];
    rows.extend(cluster.members.iter().map(|member| line(cluster, member)));
    columns(&rows)
}

fn line(cluster: &Cluster, member: &Member) -> Vec<String> {
    let age = (cluster.time_ms / 1000).saturating_sub(member.since);
    let role = if cluster.control.leader.as_ref() == Some(&member.id) {
        "leader"
    } else if member.voter {
        "voter"
    } else if cluster.control.learners.contains(&member.id) {
        "learner"
    } else {
        "-"
    };
    let groups = cluster.shards.iter().map(|shard| &shard.group).chain([&cluster.control]);
    let lag = groups.filter_map(|group| group.lag.get(&member.id)).max();
    vec![
        cluster.name(&member.id).to_owned(),
        if member.silent { "no answer".to_owned() } else { member.status.clone() },
        if member.since > 0 { span(age) } else { "-".to_owned() },
        role.to_owned(),
        member.leads.to_string(),
        member.replicas.to_string(),
        lag.map_or("-".to_owned(), u64::to_string),
        if member.api_address.is_empty() { "-".to_owned() } else { member.api_address.clone() },
        if member.version.is_empty() { "-".to_owned() } else { member.version.clone() },
    ]
}

fn control(cluster: &Cluster) -> String {
    let group = &cluster.control;
    let leader = match &group.leader {
        Some(id) => format!("led by {}", cluster.name(id)),
        None => "no leader".to_owned(),
    };
    format!(
        "Control group: {leader}, term {}, {}, {} committed of {}, {} applied",
        group.term,
        count(group.voters.len(), "voter"),
        group.committed,
        group.last_index,
        group.applied
    )
}

fn shards(cluster: &Cluster) -> String {
    let shards = &cluster.shards;
    let led = shards.iter().filter(|shard| shard.group.leader.is_some()).count();
    let moving = shards.iter().filter(|shard| shard.moves()).count();
    let queued = shards.iter().fold(0, |sum: u64, shard| sum.saturating_add(shard.queue_bytes));
    let behind = shards.iter().fold(0, |sum: u64, shard| sum.saturating_add(shard.behind));
    format!(
        "Shards: {led} of {} with a leader, {} each, {moving} moving, {} queued, {behind} entries to run, epoch {}",
        shards.len(),
        count(cluster.replication_factor as usize, "replica"),
        bytes(queued),
        cluster.epoch
    )
}
