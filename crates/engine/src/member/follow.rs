//! Keeps one replica of a shard what it should be: leads and stops leading as its group elects,
//! and, while leading, brings the group's members and the shard's tasks to what the catalog says.

use super::Member;
use super::lead::Run;
use super::replica::Replica;
use crate::definition::TaskEntry;
use catalog::{Command, MemberStatus, ShardPlace};
use cluster::MemberId;
use cluster::raft::{Error as RaftError, Role, Status};
use futures::future::join_all;
use pipeline::task::{Restored, Task};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest wait before a replica is looked after, when nothing else says so.
const LOOK: Duration = Duration::from_millis(500);

/// How long a new replica may take to get the log or a checkpoint, before it is tried anew.
const CATCH_UP: Duration = Duration::from_secs(120);

/// How long leadership may take to be handed over.
const HAND_OVER: Duration = Duration::from_secs(3);

/// How long a leader leads before it hands over to whoever is preferred, so that leadership does
/// not wander while members come back.
const SETTLED: Duration = Duration::from_secs(3);

/// So often a member tries to lead before it lets another one try.
const FAILURES: u32 = 20;

/// The part of a replica's life that only its supervisor knows.
#[derive(Default)]
struct Life {
    /// The term that the member leads in, and since when.
    led: Option<(u64, Instant)>,
    /// A change of the group's members is under way.
    moving: Option<tokio::task::JoinHandle<()>>,
    handed_over: Option<Instant>,
    /// What the shard runs, since all of it is in its log: nothing to do while the same is wanted.
    runs: Option<Arc<Wanted>>,
    /// Times in a row that the shard could not be brought to where its group is.
    failures: u32,
}

/// Looks after a replica until the member stops or gives it up.
pub async fn follow(member: Arc<Member>, replica: Arc<Replica>) {
    let mut group = replica.group.changes();
    let mut catalog = member.routed();
    let mut saved = replica.feed.moved();
    let mut life = Life::default();
    while member.keeps(&replica) {
        look(&member, &replica, &mut life).await;
        tokio::select! {
            _ = group.next() => {}
            _ = catalog.changed() => {}
            _ = saved.changed() => shorten(&replica).await,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    replica.intake.close();
    replica.feed.unlead();
}

/// Lets the group's log go up to the checkpoint.
async fn shorten(replica: &Replica) {
    if let Err(error) = replica.group.snapshot_saved().await {
        tracing::warn!(shard = replica.shard, %error, "cannot shorten the log of a shard");
    }
}

async fn look(member: &Arc<Member>, replica: &Arc<Replica>, life: &mut Life) {
    let status = replica.group.status();
    if status.role != Role::Leader {
        replica.intake.close();
        replica.feed.unlead();
        life.led = None;
        found(member, replica, &status).await;
        return;
    }
    let leads = life.led.is_some_and(|(term, _)| term == status.term) && replica.intake.is_open();
    if !leads {
        replica.intake.close();
        life.led = None;
        life.runs = None;
        if let Err(why) = lead(replica).await {
            // It is not the leader any more, or it is tried again at once.
            tracing::info!(shard = replica.shard, why, "cannot lead the shard yet");
            life.failures += 1;
            if life.failures.is_multiple_of(FAILURES) {
                // What is wrong here need not be wrong elsewhere.
                member.hand_over_any(&replica.group).await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            return;
        }
        life.failures = 0;
        life.led = Some((status.term, Instant::now()));
    }
    let (index, wanted) = member.wanted_runs();
    if !life.runs.as_ref().is_some_and(|runs| Arc::ptr_eq(runs, &wanted)) {
        life.runs = run_tasks(member, replica, &wanted).await.then_some(wanted);
    }
    if life.runs.is_some() {
        replica.reconciled.send_if_modified(|reconciled| std::mem::replace(reconciled, index) != index);
    }
    move_replicas(member, replica, &status, life);
    hand_over(member, replica, &status, life).await;
}

/// Founds the group of a shard that never had one. Only the first of its founders does.
async fn found(member: &Member, replica: &Replica, status: &Status) {
    if !status.voters.is_empty() || status.term > 0 {
        return;
    }
    let place = member.agreed().catalog.read_recursive().place(replica.shard).cloned();
    let Some(place) = place.filter(|place| place.voters.is_empty()) else { return };
    if place.founders.first() != Some(&member.me()) {
        return;
    }
    let founders: BTreeSet<MemberId> = place.founders.iter().copied().collect();
    // What was said before may not have been seen yet.
    if let Err(error) = replica.group.found(founders).await
        && !matches!(error, RaftError::Founded(_))
    {
        tracing::warn!(shard = replica.shard, %error, "cannot found the shard's group");
    }
}

/// Brings the pipeline to where the group is, then takes points.
async fn lead(replica: &Replica) -> Result<(), String> {
    let begun = Instant::now();
    // All that earlier leaders committed is applied here before anything else happens.
    let index = replica.group.read_index().await.map_err(|error| error.to_string())?;
    if !replica.group.wait_applied(index, HAND_OVER).await {
        return Err("the group did not apply what it has committed in time".into());
    }
    let led = replica.feed.lead().await.map_err(|_| "the server is stopping".to_owned())??;
    tracing::info!(shard = replica.shard, term = replica.group.status().term, took = ?begun.elapsed(), "leads the shard");
    replica.intake.open(replica.group.clone(), led);
    Ok(())
}

/// Starts and stops tasks in the shard, so that those run that the catalog says. False: not all of it
/// could be logged.
async fn run_tasks(member: &Member, replica: &Replica, wanted: &Wanted) -> bool {
    let Some(running) = replica.running() else { return false };
    let mut entries: Vec<(String, Option<Run>, TaskEntry)> = Vec::new();
    let mut unread = false;
    for id in running.keys().filter(|id| !wanted.contains_key(*id)) {
        entries.push((id.clone(), None, TaskEntry::Stop { task: id.clone() }));
    }
    for (id, (run, task)) in wanted {
        if running.get(id).is_some_and(|now| now.is(run)) {
            continue;
        }
        let restored = member.restored(task);
        let Some(engine) = member.engine() else { return false };
        let sources = match engine.read_sources(task).await {
            Ok(sources) => sources,
            Err(why) => {
                tracing::error!(
                    shard = replica.shard,
                    task = id,
                    why,
                    "cannot start the task in this shard: it is tried again"
                );
                unread = true;
                continue;
            }
        };
        let entry = TaskEntry::start(run.encode(), restored, sources);
        entries.push((id.clone(), Some(run.clone()), entry));
    }
    let logged = join_all(entries.iter().map(|(_, _, entry)| replica.log_task(entry.encode()))).await;
    let mut all = !unread;
    for ((id, run, _), logged) in entries.into_iter().zip(logged) {
        if let Err(error) = logged {
            tracing::warn!(shard = replica.shard, task = id, %error, "cannot log that a task starts or stops; it is tried again");
            all = false;
            continue;
        }
        replica.intake.with(|open| match run {
            Some(run) => open.running.insert(id, run),
            None => open.running.remove(&id),
        });
    }
    all
}

/// Begins to bring the group's voters to what is wanted, one change at a time.
fn move_replicas(member: &Arc<Member>, replica: &Arc<Replica>, status: &Status, life: &mut Life) {
    if life.moving.as_ref().is_some_and(|moving| !moving.is_finished()) {
        return;
    }
    let Some(place) = member.agreed().catalog.read_recursive().place(replica.shard).cloned() else { return };
    let wanted: BTreeSet<MemberId> = place.replicas.iter().copied().collect();
    let voters = status.voters.clone();
    let learners = status.learners.iter().any(|id| !wanted.contains(id));
    if wanted == voters && !learners && place.voters == place.replicas || wanted.is_empty() {
        return;
    }
    let (member, replica) = (member.clone(), replica.clone());
    life.moving = Some(tokio::spawn(async move {
        if let Err(why) = change_voters(&member, &replica, &wanted, &voters).await {
            tracing::info!(
                shard = replica.shard,
                why,
                "the shard's members cannot be changed yet; it is tried again"
            );
            tokio::time::sleep(LOOK).await;
        }
    }));
}

async fn change_voters(
    member: &Member,
    replica: &Replica,
    wanted: &BTreeSet<MemberId>,
    voters: &BTreeSet<MemberId>,
) -> Result<(), String> {
    for &id in wanted.difference(voters) {
        replica.group.add_learner(id, CATCH_UP).await.map_err(|error| error.to_string())?;
        tracing::info!(shard = replica.shard, member = member.name_of(id), "a new replica has caught up");
    }
    // Who is to go hands over first, and lets the next leader do the rest.
    if !wanted.contains(&member.me()) {
        let next = wanted.intersection(voters).next().or_else(|| wanted.first());
        let Some(&next) = next else { return Ok(()) };
        if !voters.contains(&next) {
            let both = wanted.union(voters).copied().collect();
            replica.group.set_voters(both).await.map_err(|error| error.to_string())?;
        }
        return replica.group.hand_over(next, HAND_OVER).await.map_err(|error| error.to_string());
    }
    if wanted != voters || !replica.group.status().learners.is_empty() {
        replica.group.set_voters(wanted.clone()).await.map_err(|error| error.to_string())?;
    }
    let command = Command::ShardVoters { shard: replica.shard, voters: wanted.iter().copied().collect() };
    member.change(&command).await.map(|_| ()).map_err(|error| format!("{error:?}"))
}

/// Hands leadership to whoever is preferred, when that member is there and has caught up.
async fn hand_over(member: &Member, replica: &Replica, status: &Status, life: &mut Life) {
    let settled = |at: Option<Instant>| at.is_none_or(|at| at.elapsed() >= SETTLED);
    if !settled(life.led.map(|(_, since)| since)) || !settled(life.handed_over) {
        return;
    }
    let place: Option<ShardPlace> = member.agreed().catalog.read_recursive().place(replica.shard).cloned();
    let Some(next) = place.map(|place| place.leader).filter(|next| *next != member.me()) else { return };
    let ready = status.voters.contains(&next) && member.status_of(next) == Some(MemberStatus::Alive);
    if !ready || !member.is_seen(next) {
        return;
    }
    life.handed_over = Some(Instant::now());
    if let Err(error) = replica.group.hand_over(next, HAND_OVER).await {
        tracing::info!(shard = replica.shard, to = member.name_of(next), %error, "leadership stays here for now");
    }
}

/// The tasks that should run, by id, each with the run that is wanted.
pub type Wanted = BTreeMap<String, (Run, Arc<Task>)>;

impl Member {
    /// What the task's alerts find in their topics.
    fn restored(&self, task: &Task) -> Restored {
        crate::tasks::restored(&self.agreed().catalog.read_recursive(), task)
    }
}
