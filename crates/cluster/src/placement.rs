//! Which members should keep which shards, and which vote in the control group. Pure: the same
//! members and the same placement before give the same placement on every member and every day.
//!
//! What was placed stays where it is as long as its members live and the load is even. New
//! replicas go to the member with the least load, by rendezvous where several have as little.

mod balance;
mod board;
#[cfg(test)]
mod tests;

use crate::MemberId;
use board::Board;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The replicas of a shard, sorted, and the one of them that is to lead.
pub type Place = (Vec<MemberId>, MemberId);

/// A member that may be given something to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its number.
    pub id: MemberId,
    /// Whether it counts. Whoever calls decides how long a member that is down still does.
    pub alive: bool,
    /// How much it takes beside the others: one of weight 2 keeps twice as much as one of weight
    /// 1. One of weight 0 keeps nothing, unless all living ones have weight 0.
    pub weight: u32,
}

/// Places `shards` shards on `replication` members each, or on all that live when they are fewer.
/// `current` is the placement so far: it may be empty, have too few or too many shards, and name
/// members that are gone. Among members of equal weight, no two differ by more than one replica,
/// nor by more than one shard to lead; of all such placements it takes one that moves little. When
/// nobody lives, all stays as it was, and a shard that had no place has no replicas.
pub fn place(shards: u32, replication: usize, members: &[Candidate], current: &[Place]) -> Vec<Place> {
    let members = eligible(members);
    if members.is_empty() {
        return (0..shards as usize).map(|shard| current.get(shard).cloned().unwrap_or_default()).collect();
    }
    let replicas = replication.clamp(1, members.len());
    let mut board = Board::new(shards, &members, current);
    board.trim(replicas);
    board.fill(replicas);
    board.spread();
    let leaders = board.lead();
    board.places(&leaders)
}

/// Which members vote in the control group: those that do and live, and others by rendezvous
/// until there are `max`. When nobody lives, all stays as it was.
pub fn control_voters(members: &[Candidate], current: &BTreeSet<MemberId>, max: usize) -> BTreeSet<MemberId> {
    let members = eligible(members);
    if members.is_empty() {
        return current.clone();
    }
    let mut ids: Vec<MemberId> = members.into_iter().map(|(id, _)| id).collect();
    ids.sort_by_key(|id| (!current.contains(id), Reverse(rank(b"control", *id)), *id));
    ids.truncate(max.max(1));
    ids.into_iter().collect()
}

/// The living members with their weights, each once, in order of their numbers.
fn eligible(members: &[Candidate]) -> Vec<(MemberId, u32)> {
    let living: BTreeMap<MemberId, u32> =
        members.iter().filter(|member| member.alive).map(|member| (member.id, member.weight)).collect();
    if living.values().all(|weight| *weight == 0) {
        return living.into_keys().map(|id| (id, 1)).collect();
    }
    living.into_iter().filter(|(_, weight)| *weight > 0).collect()
}

/// How high a member ranks for a thing: no order of members is the same for two things.
fn rank(thing: &[u8], member: MemberId) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(thing, member)
}
