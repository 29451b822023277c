//! Rules about Raft groups: leaders, quorums, replicas, and how far everybody is.

use super::{are, count, critical, is_there, list, span, warning};
use crate::status::{ClusterStatus, GroupView, Problem, ShardView, State};
use std::collections::BTreeMap;

/// Entries that a follower may miss before it is worth a word.
const LAG_MAX: u64 = 10_000;

/// Entries that may wait for the pipelines before it is worth a word.
const BEHIND_MAX: u64 = 10_000;

/// Age of a checkpoint in seconds that is worth a word.
const CHECKPOINT_AGE_MAX: u64 = 900;

/// Names of the voters that are not there.
fn missing<'s>(status: &'s ClusterStatus, group: &'s GroupView) -> Vec<&'s str> {
    let gone = |id: &&String| !status.members.iter().any(|member| member.id == **id && is_there(member));
    group.voters.iter().filter(gone).map(|id| status.name(id)).collect()
}

/// Voters that are still needed before the group can decide; 0 when enough are there.
fn needed(group: &GroupView, missing: usize) -> usize {
    (group.quorum() + missing).saturating_sub(group.voters.len())
}

/// What to do about voters that are missing.
fn bring_back(needed: usize, missing: &[&str]) -> String {
    let whom = if needed == missing.len() {
        format!("start {} again", list(missing, "and"))
    } else {
        format!("start {needed} of {} again", list(missing, "and"))
    };
    format!("{whom}, with the data directory that it had; removing members does not help without a quorum")
}

pub(super) fn control_without_leader(status: &ClusterStatus, found: &mut Vec<Problem>) {
    let control = &status.control;
    if status.state != State::Initialized || control.leader.is_some() {
        return;
    }
    let missing = missing(status, control);
    let voters = control.voters.len();
    let consequence = "until then no task can be changed, and alerts wait";
    let needed = needed(control, missing.len());
    if needed > 0 {
        let there = voters - missing.len();
        found.push(critical(
            format!(
                "the control group has no leader: {there} of {voters} voters {} there, {} {} needed; missing: {}",
                are(there),
                control.quorum(),
                are(control.quorum()),
                list(&missing, "and")
            ),
            format!("{}; {consequence}", bring_back(needed, &missing)),
        ));
    } else {
        let addresses: Vec<&str> = control
            .voters
            .iter()
            .filter_map(|id| status.member(id))
            .map(|member| member.rpc_address.as_str())
            .collect();
        found.push(critical(
            "the control group has no leader, although enough voters are there: an election is under way, or they do not reach each other",
            format!(
                "wait a few seconds and ask again; if it stays so, check that the voters reach each other at {}; {consequence}",
                list(&addresses, "and")
            ),
        ));
    }
}

pub(super) fn shards_without_leader(status: &ClusterStatus, found: &mut Vec<Problem>) {
    // Shards that miss the same members have one cause.
    let mut causes: BTreeMap<(usize, Vec<&str>), Vec<&ShardView>> = BTreeMap::new();
    for shard in status.shards.iter().filter(|shard| shard.group.leader.is_none()) {
        let missing = missing(status, &shard.group);
        let needed = if shard.group.voters.is_empty() { 0 } else { needed(&shard.group, missing.len()) };
        let key = if needed == 0 { (0, Vec::new()) } else { (needed, missing) };
        causes.entry(key).or_default().push(shard);
    }
    for ((needed, missing), shards) in causes {
        let what = format!("{} without a leader: points for {} wait", numbered(&shards), them(shards.len()));
        if needed == 0 {
            let advice = "an election is under way or the shards are being set up: wait a few seconds and ask again (kapacitorctl shards); if it stays so, look at the logs of their members";
            found.push(critical(what, advice));
        } else {
            let missed = list(&missing, "and");
            found.push(critical(
                format!("{what}; too many of their members are missing: {missed}"),
                bring_back(needed, &missing),
            ));
        }
    }
}

/// A group whose Raft met an error that it cannot go on after.
pub(super) fn stopped(status: &ClusterStatus, found: &mut Vec<Problem>) {
    let shards = status.shards.iter().map(|shard| (format!("shard {}", shard.shard), &shard.group));
    for (name, group) in [("the control group".to_owned(), &status.control)].into_iter().chain(shards) {
        if let Some(text) = &group.fatal {
            found.push(critical(
                format!("{name} has stopped on {text}"),
                "look at the log of that member, mend the cause (as a rule its disk), and restart it",
            ));
        }
    }
}

/// The cluster was built to survive a loss, and would not survive the next one.
pub(super) fn no_further_loss(status: &ClusterStatus, found: &mut Vec<Problem>) {
    let control = &status.control;
    let missing = missing(status, control);
    let there = control.voters.len() - missing.len();
    if control.leader.is_some() && control.voters.len() > 2 && there == control.quorum() {
        found.push(critical(
            format!(
                "the control group survives no further loss: {there} of {} voters are there",
                control.voters.len()
            ),
            format!(
                "start {} again, or replace what is lost: kapacitorctl member add HOST:9091, then kapacitorctl member remove ID",
                list(&missing, "and")
            ),
        ));
    }
}

pub(super) fn even(status: &ClusterStatus, found: &mut Vec<Problem>) {
    let voters = status.control.voters.len();
    if voters > 2 && voters.is_multiple_of(2) {
        found.push(warning(
            format!("{voters} voters survive no more losses than {}", voters - 1),
            "add a member (kapacitorctl member add HOST:9091) or remove one (kapacitorctl member remove ID)",
        ));
    }
}

/// Shards whose replicas are not where the placement wants them.
pub(super) fn moving(status: &ClusterStatus, found: &mut Vec<Problem>) {
    let elsewhere = |shard: &&ShardView| {
        let group = &shard.group;
        let short = shard.wanted.iter().any(|id| !group.voters.contains(id));
        let extra = group.voters.iter().any(|id| !shard.wanted.contains(id));
        !shard.wanted.is_empty() && !group.voters.is_empty() && (short || extra)
    };
    let moving: Vec<&ShardView> = status.shards.iter().filter(elsewhere).collect();
    if !moving.is_empty() {
        found.push(warning(
            format!("replicas of {} are on their way to where they should be", numbered(&moving)),
            "nothing: members copy them; watch with kapacitorctl shards, and leave the members running until it is done",
        ));
    }
}

/// Followers that miss many entries. Of one that is not there this is no news.
pub(super) fn lagging(status: &ClusterStatus, found: &mut Vec<Problem>) {
    let control = ("the control group".to_owned(), &status.control);
    let shards = status.shards.iter().map(|shard| (format!("shard {}", shard.shard), &shard.group));
    let mut worst: BTreeMap<&str, (u64, String, usize)> = BTreeMap::new();
    for (name, group) in [control].into_iter().chain(shards) {
        for (id, &lag) in group.lag.iter().filter(|(_, lag)| **lag > LAG_MAX) {
            let entry = worst.entry(id).or_insert((0, String::new(), 0));
            entry.2 += 1;
            if lag > entry.0 {
                (entry.0, entry.1) = (lag, name.clone());
            }
        }
    }
    for (id, (lag, name, groups)) in worst {
        if !status.member(id).is_some_and(is_there) {
            continue;
        }
        found.push(warning(
            format!(
                "{} lags behind in {}, most in {name}: {lag} entries",
                status.name(id),
                count(groups, "group")
            ),
            "it catches up after a restart or a pause; if the number grows, its disk or network is too slow: look at its farad_log_sync_seconds_max and farad_raft_lag_entries",
        ));
    }
}

pub(super) fn behind(status: &ClusterStatus, found: &mut Vec<Problem>) {
    let slow: Vec<&ShardView> = status.shards.iter().filter(|shard| shard.behind > BEHIND_MAX).collect();
    if let Some(worst) = slow.iter().max_by_key(|shard| shard.behind) {
        found.push(warning(
            format!(
                "tasks do not keep up on {}; worst: shard {} with {} entries to go",
                numbered(&slow),
                worst.shard,
                worst.behind
            ),
            "look for the slow task with kapacitor stats general and kapacitor show TASK; writers are slowed when the queues are full",
        ));
    }
}

pub(super) fn old_checkpoints(status: &ClusterStatus, found: &mut Vec<Problem>) {
    let old = |shard: &&ShardView| {
        shard.checkpoint_age_seconds > CHECKPOINT_AGE_MAX && shard.checkpoint_index < shard.group.committed
    };
    let old: Vec<&ShardView> = status.shards.iter().filter(old).collect();
    if let Some(worst) = old.iter().max_by_key(|shard| shard.checkpoint_age_seconds) {
        let age = span(i64::try_from(worst.checkpoint_age_seconds).unwrap_or(i64::MAX));
        found.push(warning(
            format!("checkpoints of {} are old; oldest: {age} on shard {}", numbered(&old), worst.shard),
            "a new leader must run all entries since then before it answers: look for errors about checkpoints in the logs of their leaders",
        ));
    }
}

/// `shard 3 is`... without the verb: `shard 3` or `shards 0, 3 and 7`.
fn numbered(shards: &[&ShardView]) -> String {
    let numbers: Vec<String> = shards.iter().map(|shard| shard.shard.to_string()).collect();
    format!("{} {}", if shards.len() == 1 { "shard" } else { "shards" }, list(&numbers, "and"))
}

fn them(number: usize) -> &'static str {
    if number == 1 { "it" } else { "them" }
}
