//! The cluster as operators see it, and what they may order.

use super::Member;
use super::replica::Replica;
use super::wire::{self, Join, Joined, Order, Question};
use crate::clock::wall;
use crate::status::{
    ClusterError, ClusterStatus, GossipView, GroupView, MemberStatus, MemberView, Role, RpcView, ShardView,
    State, gathered,
};
use crate::submit::group;
use catalog::Command;
use cluster::raft::{self, Group};
use cluster::{Carrier, MemberId, Topic, carrier::kind};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long an order may take.
const ORDER: Duration = Duration::from_secs(5);

/// How long a member that leaves may take to give up its shards.
const LEAVE: Duration = Duration::from_secs(120);

/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(200);

const NANOS: i64 = 1_000_000_000;

impl Member {
    /// The cluster as this member alone sees it.
    pub fn local_status(&self) -> ClusterStatus {
        let catalog = self.agreed().catalog.read_recursive();
        let control = self.group_view(self.control());
        let cluster = catalog.cluster();
        let places: Vec<(u32, catalog::ShardPlace)> =
            catalog.places().map(|(shard, place)| (shard, place.clone())).collect();
        let log_bytes = self.loader.log.stats().segment_bytes / u64::from(self.loader.options.shards.max(1));
        let shard = |(shard, place): (u32, catalog::ShardPlace)| {
            let replica = self.replica(shard);
            let mut view = replica.map(|replica| self.shard_view(&replica)).unwrap_or_default();
            view.shard = shard;
            view.log_bytes = log_bytes;
            view.wanted = place.replicas.iter().map(|id| self.uuid_of(*id)).collect();
            view.preferred_leader = self.uuid_of(place.leader);
            view
        };
        ClusterStatus {
            state: if cluster.is_some() { State::Initialized } else { State::Uninitialized },
            cluster_id: cluster.map(|cluster| cluster.id.clone()).unwrap_or_default(),
            member_id: self.uuid.clone(),
            member_name: self.options.name.clone(),
            time_ms: wall() / 1_000_000,
            members: self.member_views(),
            control,
            shards: places.into_iter().map(shard).collect(),
            epoch: cluster.map_or(0, |cluster| cluster.epoch),
            replication_factor: cluster.map_or(self.options.replication, |cluster| cluster.replication),
            gossip: Some(self.gossip_view()),
            rpc: Some(self.rpc_view()),
            ..ClusterStatus::default()
        }
        .concluded()
    }

    /// The cluster as all members together see it.
    pub async fn status(&self) -> ClusterStatus {
        let (answers, missing) = self.ask_all(&Question::Status).await;
        let missing = missing.into_iter().filter_map(|name| {
            let catalog = self.agreed().catalog.read_recursive();
            Some((catalog.member_named(&name)?.uuid.clone(), None))
        });
        let missing: Vec<_> = missing.collect();
        let answers = answers.into_iter().map(|(id, answer)| (self.uuid_of(id), answer.status));
        gathered(self.local_status(), answers.chain(missing))
    }

    fn member_views(&self) -> Vec<MemberView> {
        let catalog = self.agreed().catalog.read_recursive();
        let seen = self.gossip().seen();
        let mut views: Vec<MemberView> = catalog
            .members()
            .map(|member| {
                let told = seen.iter().find(|seen| seen.about.id == member.id);
                let left = told.is_some_and(|seen| seen.left && !seen.alive);
                let here = member.id == self.me() || told.is_none_or(|seen| seen.alive);
                MemberView {
                    id: member.uuid.clone(),
                    name: member.name.to_string(),
                    gossip_address: member.gossip.clone(),
                    rpc_address: member.rpc.clone(),
                    api_address: member.api.clone(),
                    roles: member.roles.clone(),
                    status: match member.status {
                        catalog::MemberStatus::Alive if here => MemberStatus::Alive,
                        // Without a quorum nobody can write down who is gone.
                        catalog::MemberStatus::Alive if !left => MemberStatus::Down,
                        catalog::MemberStatus::Alive => MemberStatus::Left,
                        catalog::MemberStatus::Down if left => MemberStatus::Left,
                        catalog::MemberStatus::Down => MemberStatus::Down,
                        catalog::MemberStatus::Leaving => MemberStatus::Left,
                    },
                    since: member.status_since / NANOS,
                    version: member.version.clone(),
                    this: member.id == self.me(),
                    ..MemberView::default()
                }
            })
            .collect();
        let strangers = seen.iter().filter(|seen| seen.alive && catalog.member(seen.about.id).is_none());
        views.extend(strangers.map(|seen| MemberView {
            id: seen.about.uuid.clone(),
            name: seen.about.name.clone(),
            gossip_address: seen.about.gossip.clone(),
            rpc_address: seen.about.rpc.clone(),
            api_address: seen.about.api.clone(),
            roles: self.options.roles.clone(),
            status: MemberStatus::Joining,
            since: seen.since / 1000,
            version: seen.about.version.clone(),
            ..MemberView::default()
        }));
        if catalog.member(self.me()).is_none() {
            let options = &self.options;
            views.push(MemberView {
                id: self.uuid.clone(),
                name: options.name.clone(),
                gossip_address: options.gossip_advertise.clone(),
                rpc_address: options.rpc_advertise.clone(),
                api_address: options.api_advertise.clone(),
                roles: options.roles.clone(),
                status: MemberStatus::Joining,
                version: options.version.clone(),
                this: true,
                ..MemberView::default()
            });
        }
        views
    }

    fn group_view(&self, group: &Group) -> GroupView {
        let status = group.status();
        let last = status.last_index.unwrap_or_default();
        let lag = |(id, matched): (&MemberId, &Option<u64>)| {
            (self.uuid_of(*id), last.saturating_sub(matched.unwrap_or_default()))
        };
        GroupView {
            term: status.term,
            leader: status.leader.map(|id| self.uuid_of(id)),
            role: match status.role {
                raft::Role::Leader => Role::Leader,
                raft::Role::Follower => Role::Follower,
                raft::Role::Candidate => Role::Candidate,
                raft::Role::Learner => Role::Learner,
                raft::Role::Stopped => Role::None,
            },
            voters: status.voters.iter().map(|id| self.uuid_of(*id)).collect(),
            learners: status.learners.iter().map(|id| self.uuid_of(*id)).collect(),
            last_index: last,
            committed: status.commit_index.unwrap_or_default(),
            applied: status.applied_index.unwrap_or_default(),
            elections: status.elections,
            fatal: status.fatal,
            lag: status.followers.iter().map(lag).collect(),
        }
    }

    fn shard_view(&self, replica: &Replica) -> ShardView {
        let group = self.group_view(&replica.group);
        let (checkpoint_index, at) = replica.feed.saved();
        let queued = replica.feed.queued();
        ShardView {
            behind: queued.0,
            queue_bytes: queued.1,
            checkpoint_index,
            checkpoint_age_seconds: at.map_or(self.age(), |at| at.elapsed()).as_secs(),
            series: replica.intake.series().into(),
            group,
            ..ShardView::default()
        }
    }

    fn gossip_view(&self) -> GossipView {
        let stats = self.gossip().stats();
        let rejected = [
            ("wrong_key", stats.rejected_wrong_key),
            ("wrong_cluster", stats.rejected_wrong_cluster),
            ("malformed", stats.rejected_malformed),
            ("other_version", stats.rejected_other_version),
            ("too_old", stats.rejected_too_old),
            ("twin", stats.rejected_twin),
        ];
        GossipView {
            packets_in: stats.packets_in,
            packets_out: stats.packets_out,
            bytes_in: stats.bytes_in,
            bytes_out: stats.bytes_out,
            rejected: named(rejected),
            probes_failed: stats.probes_failed,
            resolve_failures: stats.resolve_failures,
        }
    }

    fn rpc_view(&self) -> RpcView {
        let stats = self.server.get().map(cluster::rpc::Server::stats).unwrap_or_default();
        let rejected = [
            ("secret", stats.rejected_secret),
            ("certificate", stats.rejected_certificate),
            ("cluster", stats.rejected_cluster),
            ("version", stats.rejected_version),
            ("other", stats.rejected_other),
        ];
        RpcView { rejected: named(rejected) }
    }

    /// The id of a member as it is shown.
    fn uuid_of(&self, id: MemberId) -> String {
        if id == self.me() {
            return self.uuid.clone();
        }
        let catalog = self.agreed().catalog.read_recursive();
        catalog.member(id).map_or_else(|| format!("{id:x}"), |member| member.uuid.clone())
    }

    /// The member that an operator means: by id, name, or the beginning of an id.
    fn find_member(&self, text: &str) -> Result<MemberId, ClusterError> {
        let catalog = self.agreed().catalog.read_recursive();
        let by = |test: &dyn Fn(&catalog::Member) -> bool| {
            let mut found = catalog.members().filter(|member| test(member)).map(|member| member.id);
            found.next().filter(|_| found.next().is_none())
        };
        by(&|member| member.uuid == text || *member.name == *text)
            .or_else(|| by(&|member| text.len() >= 4 && member.uuid.starts_with(text)))
            .ok_or_else(|| ClusterError::NoMember(text.to_owned()))
    }

    /// Has the member at an address join this cluster.
    pub async fn add_member(&self, address: &str) -> Result<MemberView, ClusterError> {
        if self.cluster_id().is_none() {
            return Err(ClusterError::Unavailable(self.waiting_for()));
        }
        let topic = Topic { kind: kind::JOIN, group: 0 };
        let ask = Join::Ask { address: self.options.rpc_advertise.clone() };
        let answer = self.carrier().call_address(address, topic, wire::encode(&ask), ORDER).await;
        let answer = answer.map_err(|error| {
            ClusterError::Unavailable(format!(
                "{error}; is a server with [cluster] enabled and the same shared-secret running there?"
            ))
        })?;
        match wire::decode(&answer).map_err(ClusterError::Unavailable)? {
            Joined::Welcome { cluster, .. } if Some(&cluster) != self.cluster_id().as_ref() => {
                Err(ClusterError::Invalid(format!(
                    "the member at {address} belongs to another cluster, {cluster}"
                )))
            }
            Joined::Welcome { uuid, .. } => {
                let view = self.member_views().into_iter().find(|view| view.id == uuid);
                let joining = MemberView {
                    id: uuid,
                    rpc_address: address.to_owned(),
                    status: MemberStatus::Joining,
                    ..MemberView::default()
                };
                Ok(view.unwrap_or(joining))
            }
            Joined::NotNow(why) => Err(ClusterError::Unavailable(why)),
            Joined::Refused(why) => Err(ClusterError::Invalid(why)),
        }
    }

    /// Removes a member for good. One that is there gives up its shards first.
    pub async fn remove_member(&self, text: &str) -> Result<(), ClusterError> {
        let id = self.find_member(text)?;
        if self.agreed().catalog.read_recursive().members().count() == 1 {
            return Err(ClusterError::Invalid(
                "the last member of a cluster cannot be removed; stop it instead".into(),
            ));
        }
        if self.is_seen(id) {
            let status = catalog::MemberStatus::Leaving;
            self.change(&Command::SetMemberStatus { id, status, now: wall() }).await?;
            let begun = Instant::now();
            while self.keeps_shards(id) {
                if begun.elapsed() >= LEAVE {
                    return Err(ClusterError::Unavailable(format!(
                        "{} still keeps shards after {LEAVE:?}: see kapacitorctl shards; it goes on leaving, run the command again",
                        self.name_of(id)
                    )));
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        self.change(&Command::RemoveMember { id, now: wall() }).await?;
        self.gossip().forget(id);
        Ok(())
    }

    fn keeps_shards(&self, id: MemberId) -> bool {
        let catalog = self.agreed().catalog.read_recursive();
        catalog.places().any(|(_, place)| place.voters.contains(&id) || place.replicas.contains(&id))
    }

    /// Hands leadership of a group over: the control group's, or a shard's.
    pub async fn hand_over(&self, shard: Option<u32>, to: Option<&str>) -> Result<(), ClusterError> {
        let to = to.map(|text| self.find_member(text)).transpose()?;
        let (number, leader) = match shard {
            None => (0, self.control_leader()),
            Some(shard) if shard >= self.loader.options.shards => {
                return Err(ClusterError::Invalid(format!("there is no shard {shard}")));
            }
            Some(shard) => (group(shard), self.asked_leader(shard).await),
        };
        let leader = leader
            .ok_or_else(|| ClusterError::Unavailable("the group has no leader at the moment".into()))?;
        if to == Some(leader) {
            return Ok(());
        }
        let answer = if leader == self.me() {
            self.obey(number, to).await
        } else {
            let topic = Topic { kind: kind::ORDER, group: number };
            let order = wire::encode(&Order::HandOver { to });
            self.carrier()
                .call(leader, topic, order, ORDER)
                .await
                .map(|_| ())
                .map_err(|error| error.to_string())
        };
        answer.map_err(ClusterError::Unavailable)
    }

    /// The leader of a shard, according to those who keep it.
    async fn asked_leader(&self, shard: u32) -> Option<MemberId> {
        if let Some(replica) = self.replica(shard) {
            return replica.group.status().leader;
        }
        let status = self.status().await;
        let leader = status.shards.iter().find(|view| view.shard == shard)?.group.leader.clone()?;
        self.find_member(&leader).ok()
    }
}

fn named<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}
