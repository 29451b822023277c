//! The deliverer: order, bounds, dead and slow receivers, restart and drain.

mod common;

use alert::{DeliveryId, DropReason};
use common::{LIMIT, Receiver, Rig, delivery, fast, post, spec};
use handler::{LaneStats, Report, Settings};
use model::{Level, Name};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpListener;

fn lane(rig: &Rig, handler: &str) -> LaneStats {
    rig.deliverer.stats().into_iter().find(|lane| &*lane.handler == handler).expect("the lane exists")
}

fn ids(bodies: &[common::Request]) -> Vec<(String, String)> {
    let field = |body: &Value, name: &str| body[name].as_str().expect("a string").to_owned();
    bodies
        .iter()
        .map(|request| serde_json::from_str::<Value>(&request.body).expect("JSON"))
        .map(|body| (field(&body, "id"), field(&body, "level")))
        .collect()
}

#[tokio::test]
async fn no_ok_before_its_critical() {
    let oops = "500 Oops\r\ncontent-length: 0\r\n\r\n";
    let receiver = Receiver::start(&[oops, oops]).await;
    let mut rig = Rig::new(fast());
    let spec = post("p", &receiver.url());
    for (number, (event, level)) in
        (1..).zip([("a", Level::Critical), ("a", Level::Ok), ("b", Level::Critical), ("b", Level::Ok)])
    {
        rig.submit(number, event, level, &spec);
    }
    rig.delivered(4).await;
    let requests = ids(&receiver.requests(6).await);
    for event in ["a", "b"] {
        let mut levels: Vec<&str> =
            requests.iter().filter(|(id, _)| id == event).map(|(_, level)| level.as_str()).collect();
        levels.dedup();
        assert_eq!(levels, ["CRITICAL", "OK"], "{requests:?}");
    }
    let stats = lane(&rig, "p");
    assert_eq!((stats.delivered, stats.failed, stats.retried, stats.queued), (4, 2, 2, 0));
    assert_eq!((stats.last_error.as_str(), stats.oldest), ("", None));
}

#[tokio::test]
async fn what_keeps_up_arrives_in_order() {
    let receiver = Receiver::start(&[]).await;
    let mut rig = Rig::new(fast());
    let spec = post("p", &receiver.url());
    for number in 0..40 {
        rig.submit(number, &format!("e{number:02}"), Level::Info, &spec);
    }
    assert_eq!(rig.delivered(40).await, (0..40).collect::<Vec<u64>>());
    let requests = ids(&receiver.requests(40).await);
    assert!(requests.is_sorted(), "{requests:?}");
}

#[tokio::test]
async fn a_backlog_is_delivered_side_by_side() {
    // 200 events wait; the first answer never comes, and the others do not wait for it.
    let receiver = Receiver::start(&["never"]).await;
    let mut rig = Rig::new(fast());
    let spec = post("p", &receiver.url());
    for number in 0..200 {
        rig.submit(number, &format!("e{number}"), Level::Info, &spec);
    }
    // Once few are left the one that hangs is alone: a lane that keeps up makes one at a time.
    rig.delivered(100).await;
    assert!(lane(&rig, "p").in_flight >= 1);
}

#[tokio::test]
async fn a_dead_receiver_fills_its_own_lane_only() {
    let dead = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = dead.local_addr().expect("bound");
    drop(dead);
    let alive = Receiver::start(&[]).await;
    let mut rig = Rig::new(Settings { backoff_min: LIMIT, backoff_max: LIMIT, ..fast() });
    let (bad, good) = (post("bad", &format!("http://{address}/")), post("good", &alive.url()));
    for number in 0..20 {
        rig.submit(number, &format!("e{number}"), Level::Critical, &bad);
        rig.submit(100 + number, &format!("e{number}"), Level::Critical, &good);
    }
    assert_eq!(rig.delivered(20).await, (100..120).collect::<Vec<u64>>());
    let stats = lane(&rig, "bad");
    assert_eq!((stats.delivered, stats.queued), (0, 20));
    assert!(stats.oldest.is_some());
    assert_eq!(lane(&rig, "good").queued, 0);
}

#[tokio::test]
async fn a_receiver_that_comes_back_gets_everything_at_once() {
    let dead = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = dead.local_addr().expect("bound");
    drop(dead);
    // After the first failures each delivery would wait much longer than this test may take.
    let settings =
        Settings { backoff_min: Duration::from_secs(20), backoff_max: Duration::from_secs(60), ..fast() };
    let mut rig = Rig::new(settings);
    let spec = post("p", &format!("http://{address}/"));
    for number in 0..10 {
        rig.submit(number, &format!("e{number}"), Level::Critical, &spec);
    }
    for _ in 0..10 {
        let error = rig.failure().await;
        assert!(error.starts_with("failed to POST alert data: "), "{error}");
    }
    assert!(lane(&rig, "p").last_error.contains("onnection refused"));
    let receiver = Receiver::on(TcpListener::bind(address).await.expect("the same port"), &[]);
    rig.submit(10, "new", Level::Critical, &spec);
    rig.delivered(11).await;
    assert_eq!(receiver.requests(11).await.len(), 11);
}

#[tokio::test]
async fn a_full_lane_drops_the_oldest_and_says_so() {
    let receiver = Receiver::start(&["never"]).await;
    let spec = post("p", &receiver.url());
    let bytes = delivery(0, "e0", Level::Info, &spec).bytes();
    for settings in [Settings { entries_max: 3, ..fast() }, Settings { bytes_max: bytes * 3, ..fast() }] {
        let receiver = Receiver::start(&["never"]).await;
        let spec = post("p", &receiver.url());
        let mut rig = Rig::new(settings);
        rig.submit(0, "e0", Level::Info, &spec);
        receiver.requests(1).await;
        for number in 1..=4 {
            rig.submit(number, &format!("e{number}"), Level::Info, &spec);
        }
        for id in [1, 2] {
            let report = rig.report().await;
            assert_eq!(
                report,
                Report::Dropped { id: DeliveryId(id), reason: DropReason::Overflow, error: String::new() }
            );
        }
        let stats = lane(&rig, "p");
        assert_eq!((stats.dropped, stats.queued, stats.queued_bytes, stats.in_flight), (2, 3, bytes * 3, 1));
    }
}

#[tokio::test]
async fn old_deliveries_are_given_up() {
    let oops = "500 Oops\r\ncontent-length: 0\r\n\r\n";
    let receiver = Receiver::start(&[oops, oops]).await;
    let mut rig = Rig::new(Settings { age_max: Duration::from_secs(3600), ..fast() });
    let mut old = delivery(1, "e", Level::Info, &post("p", &receiver.url()));
    old.created -= 3601 * 1_000_000_000;
    rig.deliverer.submit(old);
    assert!(matches!(rig.report().await, Report::Dropped { reason: DropReason::Age, .. }));
}

#[tokio::test]
async fn attempts_and_waits_survive_a_restart() {
    let receiver = Receiver::start(&["500 Oops\r\ncontent-length: 0\r\n\r\n"]).await;
    let mut rig = Rig::new(fast());
    let spec = post("p", &receiver.url());
    let mut later = delivery(1, "e", Level::Critical, &spec);
    (later.attempts, later.next_at) = (4, common::now() + 3600 * 1_000_000_000);
    rig.deliverer.submit(later);
    rig.submit(2, "e", Level::Ok, &spec);
    let mut due = delivery(3, "other", Level::Critical, &spec);
    (due.attempts, due.next_at) = (4, common::now() - 1);
    rig.deliverer.submit(due);
    let Report::Failed { id, attempts, .. } = rig.report().await else { panic!("the first answer is 500") };
    assert_eq!((id, attempts), (DeliveryId(3), 5));
    assert_eq!(rig.delivered(1).await, [3]);
    assert_eq!(lane(&rig, "p").queued, 2, "the OK waits for its CRITICAL, which waits for its time");
}

#[tokio::test]
async fn the_same_delivery_twice_is_one() {
    let receiver = Receiver::start(&[]).await;
    let mut rig = Rig::new(Settings { backoff_min: LIMIT, ..fast() });
    let spec = post("p", &receiver.url());
    let mut waiting = delivery(1, "e", Level::Critical, &spec);
    waiting.next_at = common::now() + 3600 * 1_000_000_000;
    for _ in 0..3 {
        assert!(rig.deliverer.submit(waiting.clone()));
    }
    rig.submit(2, "other", Level::Info, &spec);
    assert_eq!(rig.delivered(1).await, [2]);
    assert_eq!(lane(&rig, "p").queued, 1);
}

#[tokio::test]
async fn cancelled_deliveries_let_the_next_come() {
    let receiver = Receiver::start(&[]).await;
    let mut rig = Rig::new(fast());
    let spec = post("p", &receiver.url());
    let mut waiting = delivery(1, "e", Level::Critical, &spec);
    waiting.next_at = common::now() + 3600 * 1_000_000_000;
    rig.deliverer.submit(waiting);
    rig.submit(2, "e", Level::Ok, &spec);
    let (topic, handler) = (Name::from("main:t:alert2"), Name::from("p"));
    rig.deliverer.cancel([(&topic, &handler, DeliveryId(1)), (&topic, &handler, DeliveryId(9))]);
    assert_eq!(rig.delivered(1).await, [2]);
}

#[tokio::test]
async fn a_mended_definition_applies_to_what_waits() {
    let receiver = Receiver::start(&[]).await;
    let mut rig = Rig::new(Settings { backoff_min: LIMIT * 4, backoff_max: LIMIT * 4, ..fast() });
    rig.submit(1, "e", Level::Critical, &post("p", "http://127.0.0.1:1/"));
    rig.failure().await;
    rig.deliverer.redefine(&"main:t:alert2".into(), &post("p", &receiver.url()));
    assert_eq!(rig.delivered(1).await, [1]);
    rig.submit(2, "e", Level::Critical, &post("p", "http://127.0.0.1:1/"));
    rig.failure().await;
    rig.deliverer.redefine(&"main:t:alert2".into(), &spec("p", "post", json!({})));
    assert!(matches!(rig.outcome().await, Report::Dropped { reason: DropReason::Refused, .. }));
}

#[tokio::test]
async fn retired_lanes_go_when_they_are_empty() {
    let receiver = Receiver::start(&[]).await;
    let mut rig = Rig::new(fast());
    rig.submit(1, "e", Level::Critical, &post("p", &receiver.url()));
    rig.delivered(1).await;
    rig.deliverer.retire(&"main:t:alert2".into());
    rig.deliverer.drain(LIMIT).await;
    rig.deliverer.retire(&"main:t:alert2".into());
    assert_eq!(rig.deliverer.stats(), []);
}

#[tokio::test]
async fn a_drain_makes_what_is_due_and_leaves_what_waits() {
    let receiver = Receiver::start(&[]).await;
    let rig = Rig::new(fast());
    let spec = post("p", &receiver.url());
    for number in 0..10 {
        rig.submit(number, &format!("e{number}"), Level::Info, &spec);
    }
    let mut waiting = delivery(10, "w", Level::Info, &spec);
    waiting.next_at = common::now() + 3600 * 1_000_000_000;
    rig.deliverer.submit(waiting);
    let drained = rig.deliverer.drain(LIMIT).await;
    assert_eq!(drained.left, 1);
    assert_eq!(receiver.requests(10).await.len(), 10);
    assert!(!rig.deliverer.submit(delivery(11, "late", Level::Info, &spec)));
}

#[tokio::test]
async fn a_drain_ends_in_time() {
    let receiver = Receiver::start(&["never"]).await;
    let rig = Rig::new(fast());
    let spec = post("p", &receiver.url());
    rig.submit(1, "a", Level::Info, &spec);
    rig.submit(2, "b", Level::Info, &spec);
    receiver.requests(1).await;
    let drained = rig.deliverer.drain(Duration::from_millis(30)).await;
    assert_eq!(drained.left, 2);
}
