//! Which members keep which shards: what was agreed on. Who works it out is `cluster::placement`.

use crate::key::Key;
use crate::{Catalog, MemberId, Outcome, Rejection};
use serde::{Deserialize, Serialize};

/// Where a shard is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardPlace {
    /// The members that are to keep it, sorted.
    pub replicas: Vec<MemberId>,
    /// The one of them that is to lead it.
    pub leader: MemberId,
    /// The voters of its group as its leader last told, sorted; empty before it did.
    pub voters: Vec<MemberId>,
    /// The members that may found its group, sorted: the replicas of its first placement. When not
    /// one of those that may have kept it is a member any longer, it is lost, and the next
    /// placement's replicas found it anew.
    pub founders: Vec<MemberId>,
}

impl Catalog {
    /// Where a shard is kept, once it was placed.
    pub fn place(&self, shard: u32) -> Option<&ShardPlace> {
        self.places.get(&shard)
    }

    /// The shards that were placed, in order.
    pub fn places(&self) -> impl Iterator<Item = (u32, &ShardPlace)> {
        self.places.iter().map(|(shard, place)| (*shard, place))
    }

    pub(crate) fn place_shards(
        &mut self,
        epoch: u64,
        shards: &[(Vec<MemberId>, MemberId)],
    ) -> Result<Outcome, Rejection> {
        let cluster = self.cluster.as_ref().ok_or(Rejection::NotFounded)?;
        if epoch != cluster.epoch {
            return Err(Rejection::Stale { epoch, current: cluster.epoch });
        }
        if shards.len() != cluster.shards as usize {
            let (placed, shards) = (shards.len(), cluster.shards);
            return Err(Rejection::BadPlacement(format!("it places {placed} shards of {shards}")));
        }
        for (shard, (replicas, leader)) in shards.iter().enumerate() {
            self.check_replicas(replicas, *leader)
                .map_err(|reason| Rejection::BadPlacement(format!("shard {shard}: {reason}")))?;
        }
        for (shard, (replicas, leader)) in (0..).zip(shards) {
            self.place_shard(shard, replicas, *leader);
        }
        if let Some(cluster) = &mut self.cluster {
            cluster.epoch += 1;
            self.dirty.insert(Key::Cluster);
        }
        Ok(Outcome::Done)
    }

    fn check_replicas(&self, replicas: &[MemberId], leader: MemberId) -> Result<(), String> {
        if let Some(unknown) = replicas.iter().find(|id| !self.members.contains_key(id)) {
            return Err(format!("{unknown} is not a member"));
        }
        if !replicas.contains(&leader) {
            return Err(format!("its leader {leader} is none of its replicas"));
        }
        let twice = replicas.iter().enumerate().find(|(at, id)| replicas[..*at].contains(id));
        twice.map_or(Ok(()), |(_, id)| Err(format!("{id} is to keep it twice")))
    }

    fn place_shard(&mut self, shard: u32, replicas: &[MemberId], leader: MemberId) {
        let replicas = sorted(replicas);
        let place = self.places.entry(shard).or_default();
        let before = place.clone();
        let mut keepers = place.replicas.iter().chain(&place.voters).chain(&place.founders);
        if !keepers.any(|id| self.members.contains_key(id)) {
            place.founders.clone_from(&replicas);
            place.voters.clear();
        }
        place.replicas = replicas;
        place.leader = leader;
        if *place != before {
            self.dirty.insert(Key::Place(shard));
        }
    }

    pub(crate) fn set_voters(&mut self, shard: u32, voters: &[MemberId]) -> Result<Outcome, Rejection> {
        let place = self.places.get_mut(&shard).ok_or(Rejection::NoShard(shard))?;
        let voters = sorted(voters);
        if place.voters != voters {
            place.voters = voters;
            self.dirty.insert(Key::Place(shard));
        }
        Ok(Outcome::Done)
    }
}

fn sorted(ids: &[MemberId]) -> Vec<MemberId> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids
}
