//! Belonging to a cluster: founding one, joining one, telling it of new addresses, and ending when
//! it has removed this member.

use super::Member;
use super::wire::{self, Join, Joined};
use crate::clock::wall;
use catalog::{Command, MemberStatus};
use cluster::raft::Error as RaftError;
use cluster::{MemberId, Topic, carrier::kind};
use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How often a member that belongs to no cluster looks for one.
const LOOK: Duration = Duration::from_millis(200);

/// How often a member sees to it that the cluster knows its addresses.
const TELL: Duration = Duration::from_secs(1);

/// How long a member that may found a cluster alone listens for one among its peers.
const HEAR: Duration = Duration::from_secs(10);

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// How often it is said that members are missing.
const SAY: Duration = Duration::from_secs(10);

/// How often the control group's log is shortened.
const SHORTEN: Duration = Duration::from_secs(10);

/// How long the control group may be without a leader before deliveries are held back: another
/// member may have taken the topics over.
const ALONE_MAX: Duration = Duration::from_secs(2);

/// Sees to it that the member belongs to a cluster, from its start to its end. `own` is the id of
/// the cluster that it founds.
pub async fn belong(member: Weak<Member>, own: String) {
    let mut said = Instant::now();
    loop {
        let Some(member) = member.upgrade() else { return };
        if member.ended.borrow().is_some() {
            return;
        }
        if let Some(removed) = member.is_removed() {
            member.end(removed);
            return;
        }
        let pause = match member.cluster_id() {
            Some(id) => {
                member.enter(&id);
                member.tell().await;
                TELL
            }
            None => {
                if let Err(why) = member.find(&own).await
                    && (said.elapsed() >= SAY || member.age() < LOOK * 2)
                {
                    tracing::info!("{why}");
                    said = Instant::now();
                }
                LOOK
            }
        };
        drop(member);
        tokio::time::sleep(pause).await;
    }
}

/// Lets writes in and deliveries out only while this member knows what is agreed on: with an old list
/// of tasks it would not know where points belong. Shortens the log, too.
pub async fn guard(member: Arc<Member>) {
    let mut lost: Option<Instant> = Some(Instant::now());
    let mut shortened = Instant::now();
    loop {
        let leader = member.no_quorum().is_none() && member.cluster_id().is_some();
        lost = if leader { None } else { lost.or_else(|| Some(Instant::now())) };
        let current = *member.current.borrow();
        if current && lost.is_some_and(|since| since.elapsed() >= ALONE_MAX) {
            member.current.send_replace(false);
            member.agreed().set_delivering(false);
        } else if !current && leader && !member.is_stopping() && member.catch_up().await {
            member.current.send_replace(true);
            member.agreed().set_delivering(true);
        }
        if shortened.elapsed() >= SHORTEN {
            shortened = Instant::now();
            member.shorten().await;
        }
        tokio::time::sleep(LOOK / 2).await;
    }
}

impl Member {
    /// Waits until this member has what was agreed on, and its router knows the tasks.
    async fn catch_up(&self) -> bool {
        if self.linearizable().await.is_err() {
            return false;
        }
        let applied = *self.agreed().applied.borrow();
        let mut routed = self.routed();
        tokio::time::timeout(ANSWER, routed.wait_for(|routed| *routed >= applied)).await.is_ok()
    }

    /// Waits until this member knows what is agreed on, no longer than `limit`. False: it does not.
    pub async fn wait_current(&self, limit: Duration) -> bool {
        let mut current = self.current.subscribe();
        matches!(tokio::time::timeout(limit, current.wait_for(|current| *current)).await, Ok(Ok(_)))
    }

    /// The cluster that the member belongs to.
    pub fn cluster_id(&self) -> Option<String> {
        self.agreed().catalog.read_recursive().cluster().map(|cluster| cluster.id.clone())
    }

    fn is_removed(&self) -> Option<String> {
        let catalog = self.agreed().catalog.read_recursive();
        catalog.removed(self.me()).map(|removed| {
            format!(
                "this member, {}, was removed from the cluster: its data directory cannot be used in it any more; empty the directory to join as a new member",
                removed.name
            )
        })
    }

    /// Says to all that the member belongs to a cluster.
    pub(super) fn enter(&self, id: &str) {
        if **self.identity.cluster.load() != id {
            self.identity.cluster.store(Arc::new(id.to_owned()));
            if let Err(error) = self.gossip().set_cluster(id) {
                tracing::error!(%error, "cannot tell others the id of the cluster");
            }
            tracing::info!(cluster = id, "belongs to the cluster");
        }
    }

    /// This member as the cluster is to know it.
    pub(super) fn card(&self) -> catalog::Member {
        let options = &self.options;
        catalog::Member {
            id: self.me(),
            uuid: self.uuid.clone(),
            name: options.name.as_str().into(),
            gossip: options.gossip_advertise.clone(),
            rpc: options.rpc_advertise.clone(),
            api: options.api_advertise.clone(),
            roles: options.roles.clone(),
            version: options.version.clone(),
            joined: 0,
            status: MemberStatus::Alive,
            status_since: 0,
        }
    }

    /// Tells the cluster where this member is now, if it does not know.
    async fn tell(&self) {
        let card = self.card();
        let known = self.agreed().catalog.read_recursive().member(self.me()).cloned();
        let known = known.is_some_and(|known| {
            (&known.gossip, &known.rpc, &known.api, &known.version, &known.roles, &known.name)
                == (&card.gossip, &card.rpc, &card.api, &card.version, &card.roles, &card.name)
        });
        if known {
            self.ask_whether_removed().await;
            return;
        }
        if let Err(error) = self.change(&Command::PutMember { member: card, now: wall() }).await {
            tracing::warn!(?error, "cannot tell the cluster where this member is");
        }
    }

    /// A member that was removed while it was away hears nothing more from the control group; any
    /// member can tell it.
    async fn ask_whether_removed(&self) {
        if self.control_leader().is_some() || self.age() < TELL * 3 {
            return;
        }
        let others: Vec<MemberId> =
            self.gossip().seen().iter().filter(|seen| seen.alive).map(|seen| seen.about.id).collect();
        for id in others {
            if let Ok(Joined::Refused(why)) = self.ask(id).await {
                self.end(why);
                return;
            }
        }
    }

    async fn ask(&self, id: MemberId) -> Result<Joined, String> {
        use cluster::Carrier;
        let join = Join::TakeIn { member: self.card(), shards: self.loader.options.shards };
        let topic = Topic { kind: kind::JOIN, group: 0 };
        let answer = self.carrier().call(id, topic, wire::encode(&join), ANSWER).await;
        wire::decode(&answer.map_err(|error| error.to_string())?)
    }

    /// Looks for a cluster: joins the one that it finds, founds one when it is its turn.
    async fn find(&self, own: &str) -> Result<(), String> {
        let seen = self.gossip().seen();
        let members: Vec<_> = seen.iter().filter(|seen| seen.alive).collect();
        let cluster = members.iter().find(|seen| !seen.cluster.is_empty());
        if let Some(of_cluster) = cluster
            && self.adopted()
        {
            let why = format!(
                "this member has data of its own and cannot join the cluster of {}: empty its data directory, or found the cluster from it and let the others join",
                of_cluster.about.name
            );
            self.end(why.clone());
            return Err(why);
        }
        if let Some(of_cluster) = cluster {
            return match self.ask(of_cluster.about.id).await? {
                Joined::Welcome { cluster, .. } => {
                    // The control group sends the catalog next.
                    self.enter(&cluster);
                    Ok(())
                }
                Joined::NotNow(why) => Err(why),
                Joined::Refused(why) => {
                    self.end(why.clone());
                    Err(why)
                }
            };
        }
        // Whoever was told of a cluster once, or votes in a group, never founds another.
        if !self.identity.cluster.load().is_empty()
            || !self.control().status().voters.is_empty() && !self.adopted()
        {
            return Ok(());
        }
        let expected = self.options.bootstrap_expect;
        if members.len() + 1 < expected {
            return Err(self.waiting_for());
        }
        if expected == 0 {
            return Err(self.waiting_for());
        }
        // Peers that are only slow to start may have a cluster already.
        let alone = members.is_empty()
            && self.options.peers.iter().any(|peer| *peer != self.options.gossip_advertise);
        if expected == 1 && alone && self.age() < HEAR {
            return Err("looks for a cluster among the peers before it founds one".to_owned());
        }
        let smallest = members.iter().all(|seen| self.options.name < seen.about.name);
        if smallest { self.found(own).await } else { Ok(()) }
    }

    /// The control group has this member as its only voter: it was alone before, or has just founded.
    fn adopted(&self) -> bool {
        self.control().status().voters.iter().eq([&self.me()])
    }

    async fn found(&self, id: &str) -> Result<(), String> {
        match self.control().found(BTreeSet::from([self.me()])).await {
            Ok(()) | Err(RaftError::Founded(_)) => {}
            Err(error) => return Err(error.to_string()),
        }
        let command = Command::Found {
            cluster: id.to_owned(),
            shards: self.loader.options.shards,
            replication: self.options.replication,
            member: self.card(),
            now: wall(),
        };
        self.change(&command).await.map_err(|error| format!("cannot found the cluster yet: {error:?}"))?;
        tracing::info!(cluster = id, "founded the cluster");
        // What a member alone had enabled goes on as the cluster's.
        let mut engine = self.engine();
        while engine.is_none() {
            tokio::time::sleep(LOOK).await;
            engine = self.engine();
        }
        if let Some(engine) = engine {
            tokio::spawn(async move { engine.start_enabled().await });
        }
        Ok(())
    }

    /// What a member that belongs to no cluster waits for.
    pub fn waiting_for(&self) -> String {
        let seen = self.gossip().seen();
        let alive: Vec<String> =
            seen.iter().filter(|seen| seen.alive).map(|seen| seen.about.name.clone()).collect();
        let expected = self.options.bootstrap_expect;
        if expected == 0 && alive.is_empty() {
            return "this member belongs to no cluster yet and founds none ([cluster] bootstrap-expect = 0): kapacitorctl member add, run against a member of one, takes it in".to_owned();
        }
        if alive.len() + 1 < expected {
            return format!(
                "this member belongs to no cluster yet: {} of {expected} members have found each other ({}); start the others, check [cluster] peers and shared-secret",
                alive.len() + 1,
                std::iter::once(self.options.name.clone()).chain(alive).collect::<Vec<_>>().join(", ")
            );
        }
        "this member is being taken into the cluster; try again in a moment".to_owned()
    }

    /// Answers a member that wants to belong. Any member may be asked.
    pub(super) async fn take_in(&self, newcomer: catalog::Member, shards: u32) -> Joined {
        let (cluster, removed, twin) = {
            let catalog = self.agreed().catalog.read_recursive();
            let Some(cluster) = catalog.cluster().cloned() else {
                return Joined::NotNow("there is no cluster here yet".to_owned());
            };
            let removed = catalog.removed(newcomer.id).map(|removed| removed.name.to_string());
            let twin = catalog.member_named(&newcomer.name).map(|member| member.id);
            (cluster, removed, twin.filter(|id| *id != newcomer.id))
        };
        if let Some(name) = removed {
            return Joined::Refused(format!(
                "this member, {name}, was removed from the cluster: empty its data directory to join as a new member"
            ));
        }
        if cluster.shards != shards {
            return Joined::Refused(format!(
                "the cluster has {} shards, this member's data directory {shards}: set [cluster] shards = {} and empty the data directory",
                cluster.shards, cluster.shards
            ));
        }
        if let Some(twin) = twin
            && self.is_seen(twin)
        {
            return Joined::NotNow(format!(
                "another member is called {} and is alive: give each its own hostname",
                newcomer.name
            ));
        }
        let uuid = newcomer.uuid.clone();
        match self.change(&Command::PutMember { member: newcomer, now: wall() }).await {
            Ok(_) => Joined::Welcome { cluster: cluster.id, uuid },
            Err(super::ChangeError::Rejected(why)) => Joined::Refused(why),
            Err(error) => Joined::NotNow(format!("{error:?}")),
        }
    }

    /// Lets the control group's log go up to what the catalog has on the platter.
    async fn shorten(&self) {
        let agreed = self.agreed.clone();
        let flushed = tokio::task::spawn_blocking(move || agreed.flush()).await;
        if !matches!(flushed, Ok(Ok(()))) {
            tracing::warn!("cannot flush the control state; its log is kept");
            return;
        }
        if let Err(error) = self.control().snapshot_saved().await {
            tracing::warn!(%error, "cannot shorten the control group's log");
        }
    }
}
