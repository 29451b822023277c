//! What is wrong with a cluster, and what to do about it: rules over its status.

mod groups;
mod members;
mod traffic;

#[cfg(test)]
mod tests;

use super::{ClusterStatus, MemberStatus, MemberView, Problem, Severity, State};

/// Names that one sentence lists; more are counted.
const LISTED_MAX: usize = 8;

/// A rule: adds the problems that it finds.
type Rule = fn(&ClusterStatus, &mut Vec<Problem>);

/// All rules, in the order in which equally bad problems are shown.
const RULES: &[Rule] = &[
    members::uninitialized,
    groups::control_without_leader,
    groups::shards_without_leader,
    groups::stopped,
    members::missing,
    members::silent,
    groups::no_further_loss,
    members::joining,
    members::too_few,
    groups::even,
    groups::moving,
    groups::lagging,
    groups::behind,
    groups::old_checkpoints,
    members::clocks,
    members::versions,
    traffic::gossip,
    traffic::rpc,
];

/// Derives what is wrong from what was gathered, the worst first. A server that is alone by its
/// configuration has no problems here.
pub fn problems(status: &ClusterStatus) -> Vec<Problem> {
    let mut found = Vec::new();
    if status.state == State::Standalone {
        return found;
    }
    for rule in RULES {
        rule(status, &mut found);
    }
    found.sort_by_key(|problem| problem.severity);
    found
}

fn critical(what: impl Into<String>, advice: impl Into<String>) -> Problem {
    Problem { severity: Severity::Critical, what: what.into(), advice: advice.into() }
}

fn warning(what: impl Into<String>, advice: impl Into<String>) -> Problem {
    Problem { severity: Severity::Warning, what: what.into(), advice: advice.into() }
}

/// Whether a member can take part in a vote, as far as anybody knows. Without a quorum nobody can
/// agree on who is down, so that one that does not answer is not there either.
fn is_there(member: &MemberView) -> bool {
    matches!(member.status, MemberStatus::Alive | MemberStatus::Joining) && !member.silent
}

/// `a`, `a and b`, `a, b and c`; the rest counted when there are many.
fn list<S: AsRef<str>>(names: &[S], and: &str) -> String {
    let shown = names.len().min(LISTED_MAX);
    let mut words: Vec<String> = names[..shown].iter().map(|name| name.as_ref().to_owned()).collect();
    if names.len() > shown {
        words.push(format!("{} more", names.len() - shown));
    }
    match words.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, first)) => format!("{} {and} {last}", first.join(", ")),
    }
}

/// `1 shard`, `2 shards`.
fn count(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}

/// `is` or `are`.
fn are(number: usize) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

/// A time span as people say it: the two largest units.
fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if days > 0 => format!("{days}d{}h", hours % 24),
        () if hours > 0 => format!("{hours}h{}m", minutes % 60),
        () if minutes > 0 => format!("{minutes}m{}s", seconds % 60),
        () => format!("{seconds}s"),
    }
}
