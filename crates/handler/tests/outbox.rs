//! The catalog's outbox and the deliverer together, over a restart in the middle.

mod common;

use alert::HandlerSpec;
use catalog::{Catalog, Command, OutboxLimits, Outcome};
use common::{Receiver, Rig, delivery, fast, post};
use handler::Report;
use model::{Event, Level};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One member's catalog and what it has stored.
#[derive(Default)]
struct Member {
    catalog: Catalog,
    store: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Member {
    fn apply(&mut self, command: &Command) -> Outcome {
        let outcome = self.catalog.apply(self.catalog.applied() + 1, command).expect("accepted");
        for (key, value) in self.catalog.take_changes() {
            match value {
                Some(value) => self.store.insert(key, value),
                None => self.store.remove(&key),
            };
        }
        outcome
    }

    fn publish(&mut self, rig: &Rig, events: &[Arc<Event>]) -> usize {
        let (events, now, limits) = (events.to_vec(), common::now(), OutboxLimits::default());
        let Outcome::Published(published) = self.apply(&Command::PublishEvents { events, now, limits })
        else {
            panic!("publishing answers with what was published")
        };
        let made = published.deliveries.len();
        assert!(published.deliveries.into_iter().all(|delivery| rig.deliverer.submit(delivery)));
        made
    }

    fn note(&mut self, report: Report) {
        self.apply(&match report {
            Report::Delivered { id } => Command::Delivered { ids: vec![id] },
            Report::Failed { id, attempts, next_at, error } => {
                Command::DeliveryFailed { id, attempts, next_at, error }
            }
            Report::Dropped { id, reason, .. } => Command::DropDelivery { id, reason },
        });
    }
}

fn event(number: u64, level: Level, spec: &Arc<HandlerSpec>) -> Arc<Event> {
    delivery(number, "e", level, spec).event
}

#[tokio::test]
async fn what_did_not_arrive_before_a_restart_arrives_after_it() {
    let oops = "500 Oops\r\ncontent-length: 0\r\n\r\n";
    let ok = "200 OK\r\ncontent-length: 0\r\n\r\n";
    let receiver = Receiver::start(&[ok, oops]).await;
    let spec = post("post0", &receiver.url());
    let events: Vec<_> = [(1, Level::Info), (2, Level::Critical), (3, Level::Ok)]
        .map(|(n, level)| event(n, level, &spec))
        .into();

    let mut member = Member::default();
    let topic = events[0].topics[0].clone();
    member.apply(&Command::SetTopicHandlers { topic, handlers: vec![(*spec).clone()] });
    let mut rig = Rig::new(handler::Settings { backoff_min: Duration::from_secs(1), ..fast() });
    assert_eq!(member.publish(&rig, &events), 3);
    let arrived = rig.report().await;
    assert!(matches!(arrived, Report::Delivered { .. }));
    member.note(arrived);
    let failed = rig.report().await;
    assert!(matches!(failed, Report::Failed { attempts: 1, .. }));
    member.note(failed);
    rig.deliverer.drain(Duration::ZERO).await;

    // The process dies; the next one loads what is stored, and the shard replays its log.
    let mut member = Member { catalog: Catalog::load(&member.store).expect("loads"), store: member.store };
    let mut rig = Rig::new(fast());
    let waiting: Vec<_> = member.catalog.deliveries().collect();
    assert_eq!(waiting.iter().map(|delivery| delivery.attempts).collect::<Vec<_>>(), [1, 0]);
    for delivery in waiting {
        assert!(rig.deliverer.submit(delivery));
    }
    assert_eq!(member.publish(&rig, &events), 0, "each event is taken once");
    for _ in 0..2 {
        let report = rig.outcome().await;
        member.note(report);
    }
    assert_eq!(member.catalog.deliveries().count(), 0);
    assert_eq!(member.catalog.lanes().count(), 0);

    let requests = receiver.requests(4).await;
    let levels: Vec<&str> = requests
        .iter()
        .map(|request| {
            ["INFO", "CRITICAL", "OK"]
                .into_iter()
                .find(|level| request.body.contains(&format!("is {level} ")))
        })
        .map(|level| level.expect("one of them"))
        .collect();
    assert_eq!(levels, ["INFO", "CRITICAL", "CRITICAL", "OK"]);
    let keys: Vec<_> = requests.iter().map(|request| request.header("idempotency-key")).collect();
    assert_eq!(keys[1], keys[2], "the receiver can tell that it comes again");
    assert!(keys[2] != keys[3]);
    assert!(requests[3].body.ends_with("\"previousLevel\":\"CRITICAL\",\"recoverable\":true}\n"));
}
