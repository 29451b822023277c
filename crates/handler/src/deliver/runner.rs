//! The task that empties a lane. It lives as long as the lane holds something.

use super::lane::Lane;
use super::queue::Step;
use super::{LaneName, Shared};
use crate::{DeliveryError, Handler};
use alert::{Delivery, DeliveryId};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::task::{Id, JoinError, JoinSet};

/// Attempts under way. They are tasks of their own, so that a handler that panics takes nothing
/// down but its attempt.
#[derive(Default)]
struct Attempts {
    tasks: JoinSet<Result<(), DeliveryError>>,
    ids: HashMap<Id, DeliveryId>,
}

impl Attempts {
    fn start(&mut self, delivery: Delivery, handler: Arc<dyn Handler>) {
        let id = delivery.id;
        let task = self.tasks.spawn(attempt(delivery, handler));
        self.ids.insert(task.id(), id);
    }

    async fn next(&mut self) -> Option<(DeliveryId, Result<(), DeliveryError>)> {
        let (task, result) = match self.tasks.join_next_with_id().await? {
            Ok((task, result)) => (task, result),
            Err(error) => (error.id(), Err(panicked(&error))),
        };
        self.ids.remove(&task).map(|id| (id, result))
    }
}

fn panicked(error: &JoinError) -> DeliveryError {
    DeliveryError::retryable("the handler failed by a bug, please report it", error)
}

async fn attempt(delivery: Delivery, handler: Arc<dyn Handler>) -> Result<(), DeliveryError> {
    let limit = handler.limits().timeout;
    match tokio::time::timeout(limit, handler.deliver(&delivery)).await {
        Ok(result) => result,
        Err(_) => {
            Err(DeliveryError::retryable("delivery took too long", format!("no success within {limit:?}")))
        }
    }
}

pub(super) async fn run(shared: Arc<Shared>, lane: Arc<Lane>) {
    let mut attempts = Attempts::default();
    loop {
        match lane.next(shared.closing.load(Ordering::Acquire)) {
            Step::Report(reports) => {
                for report in reports {
                    // Without a reader the server is going down; the outbox has the truth.
                    let _ = shared.reports.send(report).await;
                }
            }
            Step::Start(delivery, handler) => attempts.start(delivery, handler),
            Step::Wait(until) => wait(&shared, &lane, &mut attempts, until).await,
            Step::Stop { retired } => {
                if retired {
                    forget(&shared, &lane);
                }
                return;
            }
        }
    }
}

async fn wait(shared: &Shared, lane: &Lane, attempts: &mut Attempts, until: Option<Instant>) {
    let due = async {
        match until {
            Some(until) => tokio::time::sleep_until(until.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        Some((id, result)) = attempts.next() => lane.finish(id, result, &shared.settings),
        () = due => {}
        () = lane.changed() => {}
    }
}

fn forget(shared: &Shared, lane: &Arc<Lane>) {
    let mut lanes = shared.lanes.lock();
    // Under this lock no delivery can find the lane any more; one that came just before has
    // made it run again.
    lanes.retain(|_: &LaneName, other| !Arc::ptr_eq(other, lane) || !lane.is_retired());
}
