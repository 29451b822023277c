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
    for topic in topics["topics"].as_array().into_iter().flatten() {
        let id = topic["id"].as_str().unwrap_or_default();
        let path = format!("/kapacitor/v1/alerts/topics/{id}/events?consistency=linearizable");
        parts.push((format!("events of topic {id}"), member.json(&path)?.to_string()));
    }
    parts.push(("topics".to_owned(), topics.to_string()));
    if !alone {
        let path = "/kapacitor/v1/cluster?consistency=linearizable";
        parts.push(("cluster".to_owned(), lasting(&member.json(path)?)?));
    }
    Ok(parts)
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
            Err(format!("{part} differ.\n    {name}: {}\n    {other}: {}", cut(mine), cut(theirs)))
        }
    }
}

/// The beginning of a long text.
fn cut(text: &str) -> String {
    text.chars().take(600).collect()
}
