//! Whether all members know the same: tasks, topics with their events, members and leaders.

use crate::cluster::Cluster;
use crate::failure::Outcome;
use crate::member::Member;
use crate::roles::Roles;
use crate::wait;
use serde_json::Value;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// Fields of a task that are the same everywhere; the others are of the moment.
const TASKS: &str = "/kapacitor/v1/tasks?fields=id&fields=type&fields=dbrps&fields=script&fields=vars&fields=status&fields=created&fields=modified&fields=last-enabled&fields=error&consistency=linearizable";

/// Characters of a difference that are shown.
const SHOWN: usize = 400;

/// Characters before a difference that are shown.
const BEFORE: usize = 150;

const TOPICS: &str = "/kapacitor/v1/alerts/topics?consistency=linearizable";

/// Waits until every running member tells the same.
pub fn equal(cluster: &Cluster) -> Outcome {
    wait::until("the catalogs of all members to be equal", LIMIT, || {
        let mut first: Option<(String, Vec<(String, String)>)> = None;
        for member in cluster.running_members() {
            let told = catalog(member, cluster.alone())?;
            match &first {
                None => first = Some((member.name(), told)),
                Some((other, theirs)) => differ(&member.name(), &told, other, theirs)?,
            }
        }
        Ok(())
    })
}

/// Everything that must be equal, with a name for each part.
fn catalog(member: &Member, alone: bool) -> Result<Vec<(String, String)>, String> {
    let topics = member.json(TOPICS)?;
    let mut parts = vec![("tasks".to_owned(), member.json(TASKS)?.to_string())];
    // Events that are OK again last as long as the process, as in Kapacitor: a member that was started
    // later does not have them.
    for topic in topics["topics"].as_array().into_iter().flatten() {
        let id = topic["id"].as_str().unwrap_or_default();
        let path = format!("/kapacitor/v1/alerts/topics/{id}/events?min-level=INFO&consistency=linearizable");
        parts.push((format!("events of topic {id}"), member.json(&path)?.to_string()));
    }
    parts.push(("topics".to_owned(), levels(&topics)));
    if !alone {
        let path = "/kapacitor/v1/cluster?consistency=linearizable";
        parts.push(("cluster".to_owned(), lasting(&member.json(path)?)?));
    }
    Ok(parts)
}

/// Topics with their levels. What they have collected is counted since the member's start, as in
/// Kapacitor.
fn levels(topics: &Value) -> String {
    let topics = topics["topics"].as_array().into_iter().flatten();
    topics.map(|topic| format!("{} {} ", topic["id"], topic["level"])).collect()
}

/// The part of a view of the cluster that is agreed on.
fn lasting(status: &Value) -> Result<String, String> {
    let Roles { state, members, control, shards } = Roles::read(status)?;
    let members: Vec<_> = members.iter().map(|member| (&member.name, &member.id, member.voter)).collect();
    Ok(format!("{state} {members:?} {control:?} {shards:?}"))
}

fn differ(
    name: &str,
    told: &[(String, String)],
    other: &str,
    theirs: &[(String, String)],
) -> Result<(), String> {
    if told.len() != theirs.len() {
        return Err(format!("{name} has {} topics, {other} {}", told.len(), theirs.len()));
    }
    match told.iter().zip(theirs).find(|(one, other)| one != other) {
        None => Ok(()),
        Some(((part, mine), (_, theirs))) => {
            let (mine, theirs) = difference(mine, theirs);
            Err(format!("{part} differ.\n    {name}: {mine}\n    {other}: {theirs}"))
        }
    }
}

/// Two texts from shortly before where they begin to differ.
fn difference(one: &str, other: &str) -> (String, String) {
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let cut = |text: &str| text.chars().skip(same.saturating_sub(BEFORE)).take(SHOWN).collect();
    (cut(one), cut(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_where_it_is() {
        let text = |end: &str| format!("{}{end}", "ä".repeat(1000));
        let (one, other) = difference(&text("one"), &text("other"));
        assert_eq!(one.chars().count(), BEFORE + 2, "the o is the same");
        assert!(one.ends_with("äone") && other.ends_with("äother"));
    }
}
