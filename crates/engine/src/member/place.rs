//! What the leader of the control group does for all: notes who is there, decides who keeps which
//! shard, and who votes in the control group.

use super::Member;
use crate::clock::wall;
use catalog::{Command, MemberStatus};
use cluster::MemberId;
use cluster::placement::{self, Candidate, Place};
use cluster::raft::Status;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often everything is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Voters of the control group at most: more make every change slower and hardly anything safer.
const VOTERS_MAX: usize = 5;

/// How long a new voter may take to get the log.
const CATCH_UP: Duration = Duration::from_secs(30);

/// How long a new leader waits before it believes that somebody is gone: gossip may not have told
/// it everything yet.
const BELIEVE: Duration = Duration::from_secs(5);

/// Looks after the cluster while this member leads the control group.
pub async fn place(member: Arc<Member>) {
    let mut since: Option<(u64, Instant)> = None;
    let mut applied = member.agreed().applied.subscribe();
    let mut seen = member.gossip().changes();
    loop {
        let status = member.control().status();
        if status.leads() {
            let begun = match since {
                Some((term, begun)) if term == status.term => begun,
                _ => Instant::now(),
            };
            since = Some((status.term, begun));
            if let Err(why) = member.look_after(&status, begun).await {
                tracing::debug!(why, "the cluster was not brought in order; it is tried again");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = applied.changed() => {}
            _ = seen.changed() => {}
        }
        // What one change leads to often comes right behind it.
        tokio::time::sleep(LOOK / 10).await;
    }
}

impl Member {
    async fn look_after(&self, status: &Status, since: Instant) -> Result<(), String> {
        self.note_statuses(since).await?;
        self.choose_voters(status).await?;
        self.place_shards().await
    }

    async fn note_statuses(&self, since: Instant) -> Result<(), String> {
        let seen = self.gossip().seen();
        let mut changes = Vec::new();
        for member in self.agreed().catalog.read_recursive().members() {
            let told = seen.iter().find(|seen| seen.about.id == member.id);
            let alive = member.id == self.me() || told.is_some_and(|seen| seen.alive);
            // Who said farewell is gone for certain; who is only silent may not have been heard yet.
            let gone = !alive
                && (told.is_some_and(|seen| seen.left) || since.elapsed() >= BELIEVE || told.is_some());
            match member.status {
                MemberStatus::Alive if gone => changes.push((member.id, MemberStatus::Down)),
                MemberStatus::Down if alive => changes.push((member.id, MemberStatus::Alive)),
                _ => {}
            }
        }
        for (id, status) in changes {
            tracing::info!(
                member = self.name_of(id),
                status = status.name(),
                "a member's status has changed"
            );
            self.propose_own(&Command::SetMemberStatus { id, status, now: wall() }).await?;
        }
        Ok(())
    }

    /// Members as the placement weighs them. One that is down keeps what it has for a while: as a
    /// rule it comes back.
    fn candidates(&self) -> Vec<Candidate> {
        let patience = i64::try_from(self.options.replace_after.as_nanos()).unwrap_or(i64::MAX);
        let catalog = self.agreed().catalog.read_recursive();
        let candidate = |member: &catalog::Member| {
            let alive = match member.status {
                MemberStatus::Alive => true,
                MemberStatus::Down => wall().saturating_sub(member.status_since) < patience,
                MemberStatus::Leaving => false,
            };
            Candidate { id: member.id, alive, weight: 1 }
        };
        catalog.members().map(candidate).collect()
    }

    async fn choose_voters(&self, status: &Status) -> Result<(), String> {
        let wanted = placement::control_voters(&self.candidates(), &status.voters, VOTERS_MAX);
        let members: BTreeSet<MemberId> =
            self.agreed().catalog.read_recursive().members().map(|member| member.id).collect();
        let present = |id: &&MemberId| self.is_seen(**id);
        let known: BTreeSet<MemberId> = status.voters.union(&status.learners).copied().collect();
        for &id in members.difference(&known).filter(present) {
            self.control().add_learner(id, CATCH_UP).await.map_err(|error| error.to_string())?;
            tracing::info!(member = self.name_of(id), "a member has caught up with the control group");
        }
        if !wanted.is_empty()
            && wanted != status.voters
            && wanted.iter().all(|id| known.contains(id) || self.is_seen(*id))
        {
            if !wanted.contains(&self.me()) {
                // Whoever leads next takes this member out.
                let next = wanted.iter().find(|id| status.voters.contains(id));
                let next = *next.ok_or("no other voter is there to lead")?;
                return self
                    .control()
                    .hand_over(next, CATCH_UP / 10)
                    .await
                    .map_err(|error| error.to_string());
            }
            self.control().set_voters(wanted.clone()).await.map_err(|error| error.to_string())?;
            let names: Vec<String> = wanted.iter().map(|id| self.name_of(*id)).collect();
            tracing::info!(voters = names.join(", "), "the control group has other voters");
            // Whoever lost its vote but stays goes on listening.
            for &id in members.difference(&wanted).filter(present) {
                self.control().add_learner(id, CATCH_UP).await.map_err(|error| error.to_string())?;
            }
        }
        for &id in status.learners.difference(&members) {
            self.control().remove_learner(id).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn place_shards(&self) -> Result<(), String> {
        let candidates = self.candidates();
        let (epoch, shards, replication, current) = {
            let catalog = self.agreed().catalog.read_recursive();
            let Some(cluster) = catalog.cluster() else { return Ok(()) };
            let current: Vec<Place> =
                catalog.places().map(|(_, place)| (place.replicas.clone(), place.leader)).collect();
            (cluster.epoch, cluster.shards, cluster.replication as usize, current)
        };
        // A group is founded by one member, which may have data for it; the others are added.
        let wanted = if current.is_empty() {
            (0..shards).map(|_| (vec![self.me()], self.me())).collect()
        } else {
            placement::place(shards, replication, &candidates, &current)
        };
        if wanted == current || wanted.iter().any(|(replicas, _)| replicas.is_empty()) {
            return Ok(());
        }
        tracing::info!(epoch = epoch + 1, "places the shards anew");
        self.propose_own(&Command::Place { epoch, shards: wanted }).await
    }

    /// Makes a change as the leader; when this member is not it any more, the next one does.
    async fn propose_own(&self, command: &Command) -> Result<(), String> {
        use super::wire::Proposed;
        match self.propose_here(command.encode().into()).await {
            Proposed::Done(done) => done.map(|_| ()),
            other => Err(format!("{other:?}")),
        }
    }
}
