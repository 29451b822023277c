//! Brings what shards and handlers say to the control group: events in the order in which they
//! came, checkpoints behind the events that led to them, reports of deliveries. Each is tried until
//! it is agreed on; what is agreed on twice counts once.

use super::Member;
use super::wire::Applied;
use crate::clock::wall;
use crate::control::decided::count_inhibited;
use crate::outlet::Published;
use catalog::{Command, OutboxLimits};
use handler::Report;
use model::Event;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Messages of shards that wait; when the control group is behind, the shards wait too.
pub const MESSAGES_MAX: usize = 1024;

/// Events in one command.
const EVENTS_MAX: usize = 1000;

/// Reports in one command.
const REPORTS_MAX: usize = 1000;

/// Publishes until nobody is left who could send. One after the other: an event must not overtake
/// one that came before it, or the earlier would count as taken.
pub async fn publish(member: Arc<Member>, mut messages: mpsc::Receiver<Published>) {
    tokio::select! {
        () = publish_all(&member, &mut messages) => {}
        () = close_windows(&member) => {}
    }
}

/// Has events become one when their time has come, while this member owns their topic.
async fn close_windows(member: &Member) {
    loop {
        let look = member.agreed().look_at_windows();
        for command in look.close {
            surely(member, command, "an aggregate").await;
        }
        let waiting = member.agreed().waiting.notified();
        match look.again {
            Some(again) => drop(tokio::time::timeout(again, waiting).await),
            None => waiting.await,
        }
    }
}

async fn publish_all(member: &Arc<Member>, messages: &mut mpsc::Receiver<Published>) {
    let mut together = Vec::new();
    while messages.recv_many(&mut together, MESSAGES_MAX).await > 0 {
        let mut events: Vec<Arc<Event>> = Vec::new();
        for message in together.drain(..) {
            match message {
                Published::Events(more) => {
                    events.extend(more.into_iter().map(Arc::new));
                    if events.len() >= EVENTS_MAX {
                        publish_events(member, std::mem::take(&mut events)).await;
                    }
                }
                Published::Checkpoint(saved) => {
                    publish_events(member, std::mem::take(&mut events)).await;
                    if let Some(replica) = member.replica(saved.shard) {
                        tokio::spawn(async move { replica.save(saved).await });
                    }
                }
                Published::Flush(done) => {
                    publish_events(member, std::mem::take(&mut events)).await;
                    let _ = done.send(());
                }
            }
        }
        publish_events(member, events).await;
    }
}

async fn publish_events(member: &Member, events: Vec<Arc<Event>>) {
    for events in events.chunks(EVENTS_MAX) {
        let command =
            Command::PublishEvents { events: events.to_vec(), now: wall(), limits: OutboxLimits::default() };
        let applied = surely(member, command, "alert events").await;
        // When the leader was lost and asked twice, what it held back the first time is not known: the
        // figures then count a few alerts as triggered that were not.
        let held = applied.map(|applied| applied.inhibited).unwrap_or_default();
        if let Some(engine) = member.engine().filter(|_| !held.is_empty()) {
            for event in held.iter().filter_map(|at| events.get(*at as usize)) {
                let task = engine.tasks.get(&event.task);
                count_inhibited(task.as_deref(), &event.node, event.state.level);
            }
        }
    }
}

/// Brings reports of deliveries until nobody is left who could send them.
pub async fn report(member: Arc<Member>, mut reports: mpsc::Receiver<Report>) {
    let mut together = Vec::new();
    while reports.recv_many(&mut together, REPORTS_MAX).await > 0 {
        let mut delivered = Vec::new();
        for report in together.drain(..) {
            match report {
                Report::Delivered { id } => delivered.push(id),
                other => {
                    surely(&member, crate::control::of_report(other), "the report of a delivery").await;
                }
            }
        }
        if !delivered.is_empty() {
            surely(&member, Command::Delivered { ids: delivered }, "reports of deliveries").await;
        }
    }
}

async fn surely(member: &Member, command: Command, what: &str) -> Option<Applied> {
    let changed = member.change_surely(&command).await;
    changed
        .inspect_err(|rejection| {
            tracing::error!(
                rejection,
                "the control group rejects {what}; this is a bug of Farad, please report it"
            );
        })
        .ok()
}
