//! Keeps the replicas on this member that the catalog wants here, and knows who leads each shard.

use super::Member;
use super::follow::follow;
use super::replica::{Feed, Replica, ShardMachine};
use crate::submit::group;
use crate::worker::prefix;
use catalog::{MemberStatus, ShardPlace};
use cluster::MemberId;
use cluster::raft::{self, Group, Timing};
use cluster::rpc::Address;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use store::Family;

/// Longest wait before the catalog is looked at, when nothing says that it has changed.
const LOOK: Duration = Duration::from_secs(1);

/// How long followers of a shard may wait to hear what is committed: they only keep it.
const PATIENCE: Duration = Duration::from_millis(20);

/// Starts and gives up replicas as the catalog says.
pub async fn keep(member: Arc<Member>) {
    let mut applied = member.agreed().applied.subscribe();
    loop {
        let places: Vec<(u32, ShardPlace)> = member
            .agreed()
            .catalog
            .read_recursive()
            .places()
            .map(|(shard, place)| (shard, place.clone()))
            .collect();
        for (shard, place) in places {
            let mine = place.replicas.contains(&member.me()) || place.voters.contains(&member.me());
            match (member.replica(shard), mine) {
                (None, true) => start(&member, shard).await,
                (Some(replica), false) => give_up(&member, &replica).await,
                _ => {}
            }
        }
        let _ = tokio::time::timeout(LOOK, applied.changed()).await;
    }
}

async fn start(member: &Arc<Member>, shard: u32) {
    match open(member, shard).await {
        Ok(replica) => {
            member.groups.add(&replica.group);
            member.replicas.write().insert(shard, replica.clone());
            member.spawn(follow(member.clone(), replica));
        }
        Err(why) => {
            tracing::error!(shard, why, "cannot start this member's replica of a shard; it is tried again")
        }
    }
}

async fn open(member: &Member, shard: u32) -> Result<Arc<Replica>, String> {
    let loader = &member.loader;
    let position = ShardMachine::position_of(&loader.state, shard)?;
    let queue = member.queues[shard as usize % member.queues.len()].clone();
    let feed = Arc::new(Feed::new(shard, queue, member.room.clone(), position));
    let machine = ShardMachine::new(feed.clone(), loader.log.clone(), loader.state.clone());
    let options = raft::Options {
        me: member.me(),
        group: group(shard),
        timing: Timing { patience: PATIENCE, ..Timing::default() },
        sync: loader.options.sync == store::Sync::Always,
        spool: loader.spool(),
    };
    let carrier = Arc::new(member.link.clone());
    let group = Group::start(options, loader.log.clone(), loader.state.clone(), carrier, machine).await;
    let group = group.map_err(|error| error.to_string())?;
    Ok(Arc::new(Replica::new(shard, group, feed, loader.clock.clone())))
}

/// Forgets a replica that belongs elsewhere now: its log and its checkpoint.
async fn give_up(member: &Member, replica: &Arc<Replica>) {
    let shard = replica.shard;
    member.replicas.write().remove(&shard);
    member.groups.remove(group(shard));
    replica.intake.close();
    replica.feed.unlead();
    replica.group.stop().await;
    let loader = member.loader.clone();
    let forgotten = tokio::task::spawn_blocking(move || -> Result<(), String> {
        raft::forget(&loader.log, &loader.state, group(shard)).map_err(|error| error.to_string())?;
        let whole = prefix(shard);
        loader.state.delete_prefix(Family::Checkpoints, &whole, true).map_err(|error| error.to_string())
    });
    match forgotten.await {
        Ok(Ok(())) => {
            tracing::info!(shard, "gave up the replica of a shard, which belongs to other members now")
        }
        Ok(Err(why)) => tracing::error!(shard, why, "cannot remove what is left of a replica"),
        Err(error) => tracing::error!(shard, %error, "cannot remove what is left of a replica"),
    }
}

/// Tells the link where members are, whenever that changes.
pub async fn keep_addresses(member: Arc<Member>) {
    let mut applied = member.agreed().applied.subscribe();
    let mut seen = member.gossip().changes();
    let mut alive = BTreeSet::new();
    loop {
        alive = member.set_addresses(&alive);
        tokio::select! {
            changed = applied.changed() => if changed.is_err() { return },
            changed = seen.changed() => if changed.is_err() { return },
        }
        // Many changes come together as a rule.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn host(address: &str) -> String {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

impl Member {
    /// Returns the members that are there; those that were not in `before` are back, and are dialed
    /// at once.
    fn set_addresses(&self, before: &BTreeSet<MemberId>) -> BTreeSet<MemberId> {
        let mut addresses = BTreeMap::new();
        for member in self.agreed().catalog.read_recursive().members() {
            addresses.insert(member.id, Address { name: host(&member.rpc), rpc: member.rpc.clone() });
        }
        // What a member says of itself now counts more than what was agreed on when it was last here.
        for seen in self.gossip().seen().iter().filter(|seen| seen.alive) {
            let rpc = seen.about.rpc.clone();
            addresses.insert(seen.about.id, Address { name: host(&rpc), rpc });
        }
        addresses.remove(&self.me());
        self.link.set_addresses(addresses);
        let seen = self.gossip().seen();
        let gone = |id: &MemberId| self.agreed().catalog.read_recursive().removed(*id).is_some();
        seen.iter().map(|seen| seen.about.id).filter(gone).for_each(|id| self.gossip().forget(id));
        let alive: BTreeSet<MemberId> =
            seen.iter().filter(|seen| seen.alive).map(|seen| seen.about.id).collect();
        alive.difference(before).for_each(|id| self.link.retry_now(*id));
        alive
    }

    /// The host part of a member's peer address.
    pub(super) fn host_of(&self, id: MemberId) -> Option<String> {
        let known = self.agreed().catalog.read_recursive().member(id).map(|member| host(&member.rpc));
        known.or_else(|| {
            let seen = self.gossip().seen();
            seen.iter().find(|seen| seen.about.id == id).map(|seen| host(&seen.about.rpc))
        })
    }

    /// A member's name, for people.
    pub fn name_of(&self, id: MemberId) -> String {
        let catalog = self.agreed().catalog.read_recursive();
        catalog.member(id).map_or_else(|| format!("{id:x}"), |member| member.name.to_string())
    }

    /// What the cluster agreed on about a member.
    pub fn status_of(&self, id: MemberId) -> Option<MemberStatus> {
        self.agreed().catalog.read_recursive().member(id).map(|member| member.status)
    }

    /// Gossip says that the member is there.
    pub fn is_seen(&self, id: MemberId) -> bool {
        id == self.me() || self.gossip().seen().iter().any(|seen| seen.about.id == id && seen.alive)
    }

    /// Who leads a shard instead of `leader`, as far as this member's own replica knows.
    pub fn replaced(&self, shard: u32, leader: MemberId) -> Option<MemberId> {
        let status = self.replica(shard)?.group.status();
        status.leader.filter(|now| *now != leader)
    }

    /// Why a shard may not take a write, for its writer.
    pub fn why_silent(&self, shard: u32) -> String {
        if let Some(why) = self.no_quorum() {
            return why;
        }
        let catalog = self.agreed().catalog.read_recursive();
        let Some(place) = catalog.place(shard) else { return format!("shard {shard} is not placed yet") };
        let gone = place.voters.iter().filter(|id| !self.is_seen(**id));
        let gone: Vec<String> =
            gone.filter_map(|id| catalog.member(*id)).map(|member| member.name.to_string()).collect();
        match gone.is_empty() {
            true => format!("shard {shard} has not answered"),
            false => format!("shard {shard} has not answered, missing {}", gone.join(", ")),
        }
    }

    /// The replica is still this member's.
    pub(super) fn keeps(&self, replica: &Arc<Replica>) -> bool {
        self.replicas.read().get(&replica.shard).is_some_and(|kept| Arc::ptr_eq(kept, replica))
    }

    /// Who leads a shard: what this member's replica says, what another one said, or else one of its
    /// replicas after the other, each of which knows better.
    pub fn leader_of(&self, shard: u32, hint: Option<MemberId>) -> Option<MemberId> {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        let own = self.replica(shard).and_then(|replica| {
            let status = replica.group.status();
            status.leader.filter(|leader| *leader == self.me() || self.is_seen(*leader))
        });
        let hint = hint.filter(|id| *id != self.me() && self.is_seen(*id));
        own.or(hint).or_else(|| {
            let catalog = self.agreed().catalog.read_recursive();
            let place = catalog.place(shard)?;
            let keepers = if place.voters.is_empty() { &place.replicas } else { &place.voters };
            let others: Vec<MemberId> =
                keepers.iter().copied().filter(|id| *id != self.me() && self.is_seen(*id)).collect();
            (!others.is_empty()).then(|| others[TURN.fetch_add(1, Relaxed) % others.len()])
        })
    }
}
