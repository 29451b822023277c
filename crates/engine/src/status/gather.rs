//! One picture out of what each member tells of itself.

use super::{ClusterStatus, GroupView, MemberStatus, Role, ShardView};
use std::collections::BTreeMap;

/// Puts together what this member knows and what the others answered, each by its UUID; `None`
/// stands for a member that was asked and did not answer.
pub fn gathered(
    own: ClusterStatus,
    answers: impl IntoIterator<Item = (String, Option<ClusterStatus>)>,
) -> ClusterStatus {
    let mut whole = own;
    let mut shards: BTreeMap<u32, ShardView> =
        std::mem::take(&mut whole.shards).into_iter().map(|shard| (shard.shard, shard)).collect();
    name_fatal(&mut whole.control, &whole.member_name);
    for shard in shards.values_mut() {
        name_fatal(&mut shard.group, &whole.member_name);
    }
    for (id, answer) in answers {
        note_answer(&mut whole, &id, answer.as_ref());
        let Some(mut answer) = answer else { continue };
        name_fatal(&mut answer.control, &answer.member_name);
        whole.control = better(std::mem::take(&mut whole.control), answer.control);
        if answer.epoch > whole.epoch {
            whole.epoch = answer.epoch;
        }
        for mut shard in answer.shards {
            name_fatal(&mut shard.group, &answer.member_name);
            let known = shards.remove(&shard.shard);
            let best = known.map_or_else(|| shard.clone(), |known| better_shard(known, shard.clone()));
            shards.insert(shard.shard, best);
        }
    }
    whole.shards = shards.into_values().collect();
    whole.concluded()
}

/// Notes of a member whether it answered, and what its clock says.
fn note_answer(whole: &mut ClusterStatus, id: &str, answer: Option<&ClusterStatus>) {
    let here = whole.time_ms;
    let Some(member) = whole.members.iter_mut().find(|member| member.id == id) else { return };
    match answer {
        Some(answer) => {
            member.clock_ahead_ms = Some(answer.time_ms.saturating_sub(here));
            if let Some(itself) = answer.members.iter().find(|member| member.this) {
                member.version.clone_from(&itself.version);
            }
        }
        None => member.silent = member.status == MemberStatus::Alive,
    }
}

/// Says on whom a group has stopped: by itself the text does not tell.
fn name_fatal(group: &mut GroupView, member: &str) {
    if let Some(text) = &mut group.fatal {
        *text = format!("{member}: {text}");
    }
}

/// Of two views of a group, the one that knows more; a failure of either is kept.
fn better(one: GroupView, other: GroupView) -> GroupView {
    let (mut best, rest) = if rank(&other) > rank(&one) { (other, one) } else { (one, other) };
    best.fatal = match (best.fatal, rest.fatal) {
        (Some(first), Some(second)) => Some(format!("{first}; {second}")),
        (first, second) => first.or(second),
    };
    best
}

fn better_shard(one: ShardView, other: ShardView) -> ShardView {
    let (mut best, rest) = if rank(&other.group) > rank(&one.group) { (other, one) } else { (one, other) };
    best.group = better(best.group, rest.group);
    if best.wanted.is_empty() {
        best.wanted = rest.wanted;
        best.preferred_leader = rest.preferred_leader;
    }
    best
}

/// How much a view of a group is worth. Terms come first, so that a leader that was cut off does
/// not hide its successor; then whoever leads, then whoever knows a leader and is a member.
fn rank(group: &GroupView) -> (u64, bool, bool, bool, u64) {
    let member = group.role != Role::None;
    // Somebody outside of a group knows its leader at best from hearsay.
    let term = if member { group.term } else { 0 };
    (term, group.role == Role::Leader, group.leader.is_some(), member, group.committed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{MemberView, State};

    fn group(term: u64, role: Role, leader: Option<&str>) -> GroupView {
        let voters = ["a", "b", "c"].map(str::to_owned).to_vec();
        GroupView { term, role, leader: leader.map(str::to_owned), voters, ..GroupView::default() }
    }

    fn told(by: &str, control: GroupView, shards: Vec<(u32, GroupView)>) -> ClusterStatus {
        let member = |id: &str| MemberView {
            id: id.to_owned(),
            name: format!("k-{id}"),
            status: MemberStatus::Alive,
            version: if id == by { format!("of {id}") } else { String::new() },
            this: id == by,
            ..MemberView::default()
        };
        let shards = shards.into_iter().map(|(shard, group)| ShardView {
            shard,
            group,
            queue_bytes: by.len() as u64,
            ..ShardView::default()
        });
        ClusterStatus {
            state: State::Initialized,
            member_id: by.to_owned(),
            member_name: format!("k-{by}"),
            members: ["a", "b", "c"].map(member).to_vec(),
            control,
            shards: shards.collect(),
            ..ClusterStatus::default()
        }
    }

    #[test]
    fn leaders_are_believed() {
        let own =
            told("a", group(3, Role::Follower, Some("b")), vec![(0, group(1, Role::Leader, Some("a")))]);
        let mut leading = group(3, Role::Leader, Some("b"));
        leading.lag.insert("a".to_owned(), 7);
        let mut b = told(
            "b",
            leading,
            vec![(0, group(2, Role::Leader, Some("b"))), (1, group(9, Role::Follower, None))],
        );
        b.time_ms = 5_000;
        let whole = gathered(own, [("b".to_owned(), Some(b)), ("c".to_owned(), None)]);
        assert_eq!(whole.control.lag["a"], 7);
        // The one of the higher term leads: the other one was cut off.
        assert_eq!(whole.shards[0].group.leader.as_deref(), Some("b"));
        assert_eq!(whole.shards.iter().map(|shard| shard.shard).collect::<Vec<_>>(), [0, 1]);
        let seen = |id: &str| whole.member(id).expect("a member").clone();
        assert_eq!((seen("b").clock_ahead_ms, seen("b").version.as_str()), (Some(5_000), "of b"));
        assert!(seen("c").silent && !seen("a").silent);
        assert_eq!((seen("a").leads, seen("b").leads, seen("a").replicas), (0, 1, 2));
    }

    #[test]
    fn hearsay_counts_least_and_failures_are_kept() {
        let outside = group(8, Role::None, Some("c"));
        let own = told("a", group(1, Role::Leader, Some("a")), vec![(0, outside)]);
        let mut broken = group(2, Role::Follower, None);
        broken.fatal = Some("the disk is full".to_owned());
        let b = told("b", group(1, Role::Follower, Some("a")), vec![(0, broken)]);
        let c = told("c", group(1, Role::Follower, Some("a")), vec![(0, group(2, Role::Leader, Some("c")))]);
        let whole = gathered(own, [("b".to_owned(), Some(b)), ("c".to_owned(), Some(c))]);
        let shard = &whole.shards[0].group;
        assert_eq!((shard.term, shard.leader.as_deref()), (2, Some("c")));
        assert_eq!(shard.fatal.as_deref(), Some("k-b: the disk is full"));
        assert!(!whole.healthy);
    }
}
