//! The catalog by example.

mod common;

use alert::{DeliveryId, DropReason, Reason};
use catalog::{Command, Error, OutboxLimits, Outcome, Rejection, Status, TaskPatch};
use common::{Member, event, handler, task};
use model::Level;

const ANON: &str = "main:a:alert2";

fn with_handler() -> Member {
    let mut member = Member::default();
    let handlers = vec![handler("log0")];
    member.apply(&Command::SetTopicHandlers { topic: ANON.into(), handlers }).expect("valid handlers");
    member
}

fn critical(index: u64) -> std::sync::Arc<model::Event> {
    event(0, index, &[ANON], "e", Level::Critical)
}

#[test]
fn tasks_are_created_changed_and_deleted() {
    let mut member = Member::default();
    let create = Command::CreateTask { task: task("a", Status::Disabled), now: 10 };
    member.apply(&create).expect("new");
    assert_eq!(member.apply(&create).unwrap_err(), Rejection::TaskExists("a".into()));
    let stored = member.catalog.task("a").expect("stored");
    assert_eq!((stored.created, stored.modified, stored.last_enabled), (10, 10, None));

    let patch = TaskPatch { status: Some(Status::Enabled), ..TaskPatch::default() };
    member.apply(&Command::UpdateTask { id: "a".into(), patch: patch.clone(), now: 20 }).expect("exists");
    member.apply(&Command::UpdateTask { id: "a".into(), patch, now: 30 }).expect("exists");
    let stored = member.catalog.task("a").expect("stored");
    assert_eq!((stored.modified, stored.last_enabled), (30, Some(20)), "it was enabled already at 30");

    let missing = Command::UpdateTask { id: "x".into(), patch: TaskPatch::default(), now: 40 };
    assert_eq!(member.apply(&missing).unwrap_err(), Rejection::NoTask("x".into()));
    let bad = Command::CreateTask { task: task("a b", Status::Disabled), now: 10 };
    let text = "task ID must contain only letters, numbers, '-', '.' and '_'. \"a b\"";
    assert_eq!(member.apply(&bad).unwrap_err().to_string(), text);

    member.apply(&Command::SetTaskError { id: "a".into(), error: "boom".into() }).expect("exists");
    assert_eq!(member.catalog.task("a").expect("stored").error, "boom");
    for _ in 0..2 {
        member.apply(&Command::DeleteTask { id: "a".into() }).expect("a missing task is no error");
    }
    assert_eq!(member.catalog.tasks().count(), 0);
}

#[test]
fn a_renamed_task_keeps_its_levels_and_a_deleted_one_does_not() {
    let mut member = with_handler();
    member.apply(&Command::CreateTask { task: task("a", Status::Enabled), now: 0 }).expect("new");
    member.apply(&Command::CreateTask { task: task("c", Status::Enabled), now: 0 }).expect("new");
    member.publish(vec![critical(1)], OutboxLimits::default());
    let patch = |id: &str| TaskPatch { id: Some(id.into()), ..TaskPatch::default() };
    let taken = member.apply(&Command::UpdateTask { id: "a".into(), patch: patch("c"), now: 0 });
    assert_eq!(taken.unwrap_err(), Rejection::TaskExists("c".into()));
    member.apply(&Command::UpdateTask { id: "a".into(), patch: patch("b"), now: 0 }).expect("free");
    assert!(member.catalog.topic(ANON).is_none());
    assert_eq!(member.catalog.topic("main:b:alert2").expect("moved").level(), Level::Critical);
    member.restart();
    assert_eq!(member.catalog.topic("main:b:alert2").expect("stored").level(), Level::Critical);
    member.apply(&Command::DeleteTask { id: "b".into() }).expect("deleted");
    assert!(member.catalog.topic("main:b:alert2").is_none());
    assert_eq!(member.catalog.deliveries().count(), 1, "what is on its way still arrives");
}

#[test]
fn each_event_is_taken_once() {
    let mut member = with_handler();
    let first = member.publish(vec![critical(1), critical(2)], OutboxLimits::default());
    assert_eq!(
        first.deliveries.iter().map(|d| d.previous_level).collect::<Vec<_>>(),
        [Level::Ok, Level::Critical]
    );
    assert_eq!(first.deliveries[0].key(), "0-1-0/main:a:alert2/log0");
    member.restart();
    let again = member.publish(vec![critical(1), critical(2), critical(3)], OutboxLimits::default());
    let reasons: Vec<Reason> = again.decisions.iter().map(|decision| decision.reason).collect();
    assert_eq!(reasons, [Reason::AlreadyTaken, Reason::AlreadyTaken, Reason::Taken]);
    assert_eq!(again.deliveries.len(), 1);
}

#[test]
fn deliveries_survive_until_they_arrive() {
    let mut member = with_handler();
    let made = member.publish(vec![critical(1), critical(2)], OutboxLimits::default()).deliveries;
    let error = "x".repeat(2000) + "ö";
    member
        .apply(&Command::DeliveryFailed { id: made[0].id, attempts: 3, next_at: 99, error })
        .expect("never refused");
    member.restart();
    let waiting: Vec<_> = member.catalog.deliveries().collect();
    assert_eq!(
        waiting.iter().map(|d| (d.id, d.attempts, d.next_at)).collect::<Vec<_>>(),
        [(made[0].id, 3, 99), (made[1].id, 0, 0)]
    );
    assert_eq!(waiting[0].payload(), made[0].payload());
    assert_eq!(*waiting[0].handler, handler("log0"));
    let mut mended = handler("log0");
    mended.options.insert("path".into(), "/elsewhere".into());
    let command = Command::SetTopicHandlers { topic: ANON.into(), handlers: vec![mended.clone()] };
    member.apply(&command).expect("valid");
    assert!(
        member.catalog.deliveries().all(|delivery| *delivery.handler == mended),
        "who mends it wants it used"
    );
    member.apply(&Command::CloseTopic { topic: ANON.into() }).expect("never refused");
    assert!(member.catalog.deliveries().all(|delivery| *delivery.handler == handler("log0")));
    for _ in 0..2 {
        member
            .apply(&Command::Delivered { ids: vec![made[0].id, made[1].id, DeliveryId(77)] })
            .expect("never refused");
    }
    assert_eq!(member.catalog.deliveries().count(), 0);
    assert_eq!(member.catalog.lanes().count(), 0);
    let left = member.store.keys().filter(|key| matches!(key[0], b'o' | b'd' | b'l')).count();
    assert_eq!(left, 0, "nothing of them stays in the store");
}

#[test]
fn the_oldest_make_room_and_are_counted() {
    let mut member = with_handler();
    let limits = OutboxLimits { entries_max: 3, ..OutboxLimits::default() };
    let published = member.publish((1..=5).map(critical).collect(), limits);
    let dropped: Vec<_> = published.dropped.iter().map(|gone| (gone.id.0, gone.reason)).collect();
    assert_eq!(dropped, [(0, DropReason::Overflow), (1, DropReason::Overflow)]);
    assert_eq!(published.deliveries.iter().map(|d| d.id.0).collect::<Vec<_>>(), [2, 3, 4]);

    // The next event is larger than all that may wait: it alone stays.
    let limits = OutboxLimits { bytes_max: 10, ..limits };
    assert_eq!(member.publish(vec![critical(6)], limits).dropped.len(), 3);
    let limits = OutboxLimits { age_max: 5, ..OutboxLimits::default() };
    let late = Command::PublishEvents { events: vec![critical(7)], now: 100, limits };
    let Ok(Outcome::Published(published)) = member.apply(&late) else {
        panic!("publishing is never refused")
    };
    assert_eq!(published.dropped[0].reason, DropReason::Age);

    member
        .apply(&Command::DropDelivery { id: DeliveryId(6), reason: DropReason::Refused })
        .expect("never refused");
    member.restart();
    let (topic, id, lane) = member.catalog.lanes().next().expect("counts stay visible");
    assert_eq!((&**topic, &**id, lane.pending.len(), lane.bytes), (ANON, "log0", 0, 0));
    let counts: Vec<_> = lane.dropped.iter().map(|(reason, count)| (reason.name(), *count)).collect();
    assert_eq!(counts, [("refused", 1), ("age", 1), ("overflow", 5)]);
}

#[test]
fn topics_close_open_and_are_forgotten() {
    let mut member = with_handler();
    let ok = event(0, 2, &[ANON], "healthy", Level::Ok);
    member.publish(vec![critical(1), ok], OutboxLimits::default());
    let topic = member.catalog.topic(ANON).expect("exists");
    assert_eq!((topic.level(), topic.collected(), topic.events(Level::Ok).count()), (Level::Critical, 2, 2));

    member.apply(&Command::CloseTopic { topic: ANON.into() }).expect("never refused");
    assert_eq!(member.catalog.topics().count(), 0, "closed topics are not listed");
    let kept = member.catalog.topic(ANON).expect("kept");
    assert_eq!(kept.event("e").expect("not OK").level, Level::Critical);

    let handlers = vec![handler("log0")];
    member.apply(&Command::SetTopicHandlers { topic: ANON.into(), handlers }).expect("valid");
    member.apply(&Command::DeleteTopic { topic: ANON.into() }).expect("never refused");
    assert_eq!(member.catalog.topics().count(), 0);
    member.restart();
    let published = member.publish(vec![critical(3)], OutboxLimits::default());
    assert_eq!(published.deliveries.len(), 1, "the handlers of a running task survive");
    assert_eq!(published.deliveries[0].previous_level, Level::Ok, "its events do not");
    assert_eq!(member.catalog.topics().count(), 1);
}

#[test]
fn handlers_are_checked() {
    let mut member = Member::default();
    for (topic, handlers, text) in [
        ("a b", vec![], "handler topic must contain only letters"),
        ("t", vec![handler("a b")], "handler ID must contain only letters"),
        ("t", vec![handler("h"), handler("h")], "handler with ID \"h\" already exists"),
        ("t", vec![alert::HandlerSpec { kind: "".into(), ..handler("h") }], "Kind must not be empty"),
        (
            "t",
            vec![alert::HandlerSpec { matching: "nope(".into(), ..handler("h") }],
            "invalid match expression",
        ),
    ] {
        let error = member
            .apply(&Command::SetTopicHandlers { topic: topic.into(), handlers })
            .unwrap_err()
            .to_string();
        assert!(error.contains(text), "{error}");
    }
    assert!(member.catalog.topic("t").is_none(), "a refused command changes nothing");
}

#[test]
fn newer_and_damaged_records_are_named() {
    let mut bytes = Command::DeleteTask { id: "a".into() }.encode();
    bytes[0] = 9;
    assert!(matches!(Command::decode(&bytes), Err(Error::Version { found: 9, .. })));
    let mut member = with_handler();
    member.publish(vec![critical(1)], OutboxLimits::default());
    for key in member.store.keys().filter(|key| key[0] != b'm').cloned().collect::<Vec<_>>() {
        let mut store = member.store.clone();
        store.insert(key, vec![1]);
        let error = catalog::Catalog::load(&store).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
    }
    let mut store = member.store.clone();
    store.retain(|key, _| key[0] != b'o');
    let error = catalog::Catalog::load(&store).unwrap_err().to_string();
    assert!(error.contains("the event of delivery 0 is missing"), "{error}");
}
