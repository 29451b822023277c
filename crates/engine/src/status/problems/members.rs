//! Rules about members: those that are not there, not yet there, or differ from the others.

use super::{count, critical, is_there, list, span, warning};
use crate::status::{ClusterStatus, MemberStatus, MemberView, Problem, State};
use std::collections::BTreeMap;

/// How long it may take to be taken in, in seconds.
const JOINING_MAX: i64 = 120;

/// How far clocks may differ, in milliseconds. Above what asking a slow member takes.
const CLOCKS_DIFFER_MAX: i64 = 5_000;

pub(super) fn uninitialized(status: &ClusterStatus, found: &mut Vec<Problem>) {
    if status.state != State::Uninitialized {
        return;
    }
    let others = status.members.iter().filter(|member| !member.this && is_there(member)).count();
    let rpc = status.members.iter().find(|member| member.this).map(|member| member.rpc_address.as_str());
    found.push(critical(
        format!("{} belongs to no cluster yet; it sees {}", status.member_name, count(others, "other member")),
        format!(
            "start the members in [cluster] peers until bootstrap-expect of them see each other, or have a member of the cluster take it in: kapacitorctl -url http://MEMBER:9092 member add {}",
            rpc.filter(|address| !address.is_empty()).unwrap_or("HOST:9091")
        ),
    ));
}

/// Members that are down are an alarm; those that were stopped in order only a note.
pub(super) fn missing(status: &ClusterStatus, found: &mut Vec<Problem>) {
    for member in &status.members {
        let since = age(status, member).map(|age| format!(" for {}", span(age))).unwrap_or_default();
        let holds = held(member);
        let advice = format!(
            "start it again with its data directory; if it will never come back: kapacitorctl member remove {}",
            member.id
        );
        let name = status.name(&member.id);
        match member.status {
            MemberStatus::Down => found.push(critical(format!("{name} has been down{since}{holds}"), advice)),
            MemberStatus::Left => {
                found.push(warning(format!("{name} has been stopped{since}{holds}"), advice));
            }
            MemberStatus::Alive | MemberStatus::Joining => {}
        }
    }
}

/// What is less safe without the member.
fn held(member: &MemberView) -> String {
    match (member.voter, member.replicas) {
        (_, 0) => String::new(),
        (false, replicas) => format!("; it keeps {}", count(replicas as usize, "replica")),
        (true, replicas) => {
            format!("; it votes in the control group and keeps {}", count(replicas as usize, "replica"))
        }
    }
}

pub(super) fn silent(status: &ClusterStatus, found: &mut Vec<Problem>) {
    let silent: Vec<&MemberView> = status.members.iter().filter(|member| member.silent).collect();
    if silent.is_empty() {
        return;
    }
    let names: Vec<&str> = silent.iter().map(|member| status.name(&member.id)).collect();
    let addresses: Vec<&str> = silent.iter().map(|member| member.rpc_address.as_str()).collect();
    found.push(critical(
        format!(
            "{} did not answer {}, although {} alive",
            list(&names, "and"),
            status.member_name,
            if names.len() == 1 { "it counts as" } else { "they count as" }
        ),
        format!(
            "check that {} can be reached from {} (TCP, firewall, certificates), and look at the logs of both",
            list(&addresses, "and"),
            status.member_name
        ),
    ));
}

pub(super) fn joining(status: &ClusterStatus, found: &mut Vec<Problem>) {
    let joining = status.members.iter().filter(|member| member.status == MemberStatus::Joining);
    for member in joining {
        let Some(age) = age(status, member).filter(|age| *age > JOINING_MAX) else { continue };
        found.push(warning(
            format!("{} has been joining for {}", status.name(&member.id), span(age)),
            format!(
                "its log says why it is not taken in; to have it try again: kapacitorctl member add {}; if it was removed on purpose, stop it",
                member.rpc_address
            ),
        ));
    }
}

/// Fewer members than the configuration wants replicas, or too few to lose one.
pub(super) fn too_few(status: &ClusterStatus, found: &mut Vec<Problem>) {
    let members = status.members.iter().filter(|member| member.status != MemberStatus::Joining).count();
    let advice = "add members until there are three: kapacitorctl member add HOST:9091";
    if status.state == State::Initialized && members == 1 {
        found.push(warning("a cluster of one member survives no loss", advice));
    } else if status.state == State::Initialized && members == 2 {
        found.push(warning("two members survive no loss: both are needed for every decision", advice));
    } else if members < status.replication_factor as usize && status.state == State::Initialized {
        found.push(warning(
            format!(
                "each shard should have {}, but there are only {members} members",
                count(status.replication_factor as usize, "replica")
            ),
            format!(
                "add members: kapacitorctl member add HOST:9091, or set [cluster] replication-factor = {members}"
            ),
        ));
    }
}

pub(super) fn clocks(status: &ClusterStatus, found: &mut Vec<Problem>) {
    let apart: Vec<String> = status
        .members
        .iter()
        .filter_map(|member| {
            let ahead = member.clock_ahead_ms?;
            if ahead.unsigned_abs() <= CLOCKS_DIFFER_MAX.unsigned_abs() {
                return None;
            }
            let way = if ahead > 0 { "ahead" } else { "behind" };
            let span = span(i64::try_from(ahead.unsigned_abs() / 1000).unwrap_or(i64::MAX));
            Some(format!("{} by {span} {way}", status.name(&member.id)))
        })
        .collect();
    if !apart.is_empty() {
        found.push(warning(
            format!("clocks differ from that of {}: {}", status.member_name, list(&apart, "and")),
            "synchronise the clocks of all members (NTP, chrony): points without a time, barriers and deadmen follow the clocks of the members that take the writes",
        ));
    }
}

pub(super) fn versions(status: &ClusterStatus, found: &mut Vec<Problem>) {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for member in status.members.iter().filter(|member| !member.version.is_empty()) {
        versions.entry(&member.version).or_default().push(status.name(&member.id));
    }
    if versions.len() > 1 {
        let shown: Vec<String> =
            versions.iter().map(|(version, names)| format!("{version} on {}", list(names, "and"))).collect();
        found.push(warning(
            format!("members run different versions: {}", shown.join("; ")),
            "finish the upgrade: restart the members with the older version one after the other",
        ));
    }
}

/// Seconds since a member has its status; `None` when nobody knows.
fn age(status: &ClusterStatus, member: &MemberView) -> Option<i64> {
    (member.since > 0).then(|| (status.time_ms / 1000).saturating_sub(member.since).max(0))
}
