//! Alerts that hold others back, handlers that somebody puts on topics, publishing and aggregating, by
//! example. A restart between any two steps does not show.

mod common;

use alert::{Delivery, HandlerSpec, Reason, Verdict};
use catalog::{Catalog, Command, OutboxLimits, Outcome, Published, Rejection};
use common::{Member, event, handler};
use model::{Event, Inhibitor, Level, Purpose, TagSet};
use std::collections::BTreeSet;
use std::sync::Arc;

const ANON: &str = "main:a:alert2";

/// A member that restarts after each step.
#[derive(Default)]
struct Restarting(Member);

impl Restarting {
    fn apply(&mut self, command: Command) -> Result<Outcome, Rejection> {
        let outcome = self.0.apply(&command);
        let digest = self.0.catalog.digest();
        self.0.restart();
        assert_eq!(self.0.catalog.digest(), digest);
        outcome
    }

    fn publish(&mut self, event: Event) -> Published {
        let (events, limits) = (vec![Arc::new(event)], OutboxLimits::default());
        published(self.apply(Command::PublishEvents { events, now: 100, limits }))
    }

    fn define(&mut self, topic: &str, handler: HandlerSpec) -> Result<Outcome, Rejection> {
        self.apply(Command::DefineHandler { topic: topic.into(), handler })
    }

    fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }
}

fn published(outcome: Result<Outcome, Rejection>) -> Published {
    match outcome {
        Ok(Outcome::Published(published)) => published,
        other => panic!("nothing published: {other:?}"),
    }
}

fn at(index: u64, topics: &[&str], level: Level) -> Event {
    (*event(0, index, topics, "e", level)).clone()
}

fn with(id: &str, kind: &str, options: serde_json::Value) -> HandlerSpec {
    HandlerSpec::new(id, kind, options.as_object().expect("an object").clone())
}

fn publish_to(id: &str, topics: &[&str]) -> HandlerSpec {
    with(id, "publish", serde_json::json!({ "topics": topics }))
}

fn keys(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(Delivery::key).collect()
}

#[test]
fn alerts_hold_back_those_of_other_tasks() {
    let mut member = Restarting::default();
    member.define("t", handler("h")).expect("valid");
    let holds = Inhibitor { category: "svc".into(), tags: vec![("host".into(), "x".into())] };
    let by = |index, inhibits| Event { task: "b".into(), inhibits, ..at(index, &["t"], Level::Critical) };
    let svc = |index| Event { category: "svc".into(), ..at(index, &["t"], Level::Critical) };
    assert_eq!(member.publish(by(1, Some(vec![holds.clone()]))).deliveries.len(), 1);
    let held = member.publish(svc(2));
    assert_eq!((held.decisions[0].reason, held.deliveries.len()), (Reason::Inhibited, 0));
    assert_eq!(member.catalog().topic("t").map(|topic| topic.collected()), Some(1));
    let other_host = Event { tags: TagSet::new([("host", "y")]), ..svc(3) };
    assert_eq!(member.publish(other_host).decisions[0].reason, Reason::Taken);

    // It lets go without an event, and holds back again.
    let note = Event { purpose: Purpose::Inhibit, topics: vec![], ..by(4, Some(Vec::new())) };
    assert_eq!(member.publish(note).decisions[0].reason, Reason::NoAlert);
    assert_eq!(member.publish(svc(5)).decisions[0].reason, Reason::Taken);
    member.publish(by(6, Some(vec![holds.clone()])));
    assert_eq!(member.publish(svc(6)).decisions[0].reason, Reason::AlreadyTaken, "a replay changes nothing");
    assert_eq!(member.catalog().inhibitors().of_task("b").count(), 1);
    member.apply(Command::StopTask { id: "b".into() }).expect("never refused");
    assert_eq!(member.publish(svc(7)).decisions[0].reason, Reason::Taken, "a task that stops lets go");

    // What comes late is wiped out where the task starts.
    member.publish(by(8, Some(vec![holds])));
    let task = common::task("b", catalog::Status::Enabled);
    member.apply(Command::CreateTask { task, now: 1 }).expect("new");
    member.apply(Command::StartTask { id: "b".into(), definition: vec![], topics: vec![] }).expect("defined");
    assert_eq!(member.publish(svc(9)).decisions[0].reason, Reason::Taken);
}

#[test]
fn events_are_published_once_to_each_topic() {
    let mut member = Restarting::default();
    // a -> b -> c -> a, and a -> c directly.
    member.define("a", publish_to("p", &["b", "c", "b"])).expect("valid");
    member.define("b", publish_to("p", &["c"])).expect("valid");
    member.define("c", publish_to("p", &["a"])).expect("valid");
    for topic in ["a", "b", "c"] {
        member.define(topic, handler("h")).expect("valid");
    }
    let state = at(0, &[], Level::Warning).state;
    member.apply(Command::SetEventState { topic: "c".into(), state }).expect("never refused");
    let made = member.publish(at(1, &["a"], Level::Critical));
    assert_eq!(keys(&made.deliveries), ["0-1-0/a/h", "0-1-0/b/h", "0-1-0/c/h"]);
    let levels: Vec<Level> = made.deliveries.iter().map(|delivery| delivery.previous_level).collect();
    assert_eq!(levels, [Level::Ok, Level::Ok, Level::Warning], "each topic has its own level before");
    let again = made.decisions[0].topics.iter().map(|topic| {
        let publish = topic.handlers.iter().find(|(spec, _)| &*spec.id == "p").map(|(_, verdict)| verdict);
        matches!(publish, Some(Verdict::Published { again, .. }) if !again.is_empty())
    });
    assert_eq!(again.collect::<Vec<_>>(), [true, true, true], "it would have gone round");
    let collected: Vec<u64> = ["a", "b", "c"]
        .iter()
        .filter_map(|topic| member.catalog().topic(topic))
        .map(|t| t.collected())
        .collect();
    assert_eq!(collected, [1, 1, 1]);
}

#[test]
fn a_publisher_publishes_what_matches() {
    let mut member = Restarting::default();
    let only = HandlerSpec { matching: "level() == CRITICAL".into(), ..publish_to("p", &["pager"]) };
    member.define("a", only).expect("valid");
    member.define("pager", handler("h")).expect("valid");
    assert_eq!(member.publish(at(1, &["a"], Level::Warning)).deliveries.len(), 0);
    assert_eq!(keys(&member.publish(at(2, &["a"], Level::Critical)).deliveries), ["0-2-0/pager/h"]);
    let broken = HandlerSpec { matching: "\"rack\" == 'r'".into(), ..publish_to("q", &["pager"]) };
    member.define("b", broken).expect("valid");
    let made = member.publish(at(3, &["b"], Level::Critical));
    let why = Verdict::MatchFailed("no tag exists for rack".into());
    assert_eq!((made.deliveries.len(), &made.decisions[0].topics[0].handlers[0].1), (0, &why));
}

fn aggregate_into(id: &str, topic: &str) -> HandlerSpec {
    with(id, "aggregate", serde_json::json!({"id": "agg", "interval": 50, "topic": topic}))
}

fn close(topic: &str, handler: &str, now: i64) -> Command {
    let limits = OutboxLimits::default();
    Command::CloseWindow { topic: topic.into(), handler: handler.into(), now, limits }
}

#[test]
fn many_events_become_one() {
    let mut member = Restarting::default();
    member.define("a", aggregate_into("g", "sum")).expect("valid");
    member.define("sum", handler("h")).expect("valid");
    assert_eq!(member.catalog().windows().count(), 0);
    for (index, level) in [(1, Level::Info), (2, Level::Critical), (3, Level::Ok)] {
        assert_eq!(member.publish(at(index, &["a"], level)).deliveries.len(), 0, "it waits");
    }
    assert_eq!(member.catalog().deliveries().count(), 0, "nothing is to be handed out");
    let due: Vec<i64> = member.catalog().windows().map(|window| window.due).collect();
    assert_eq!(due, [150], "an interval after the first of them");
    assert!(matches!(member.apply(close("a", "g", 149)), Ok(Outcome::Done)), "not before its time");
    let made = published(member.apply(close("a", "g", 150)));
    let [delivery] = &made.deliveries[..] else { panic!("one event: {made:?}") };
    let Event { state, recoverable, data, .. } = &*delivery.event;
    assert_eq!((state.id.as_str(), state.level, state.time), ("agg", Level::Critical, 3_000_000_000));
    assert_eq!(state.message, "Received 3 events in the last 50ns.");
    assert_eq!(state.details, "e is INFO\ne is CRITICAL\ne is OK");
    assert_eq!((*recoverable, data.len()), (false, 3));
    assert!(
        matches!(member.apply(close("a", "g", 150)), Ok(Outcome::Done)),
        "whoever asks twice gets nothing"
    );
    assert_eq!((member.catalog().windows().count(), member.catalog().deliveries().count()), (0, 1));
    let topic = member.catalog().topic("sum").expect("it has an event");
    assert_eq!((topic.level(), topic.collected()), (Level::Critical, 1));

    // The next one has a key of its own and the level of the one before.
    member.publish(at(4, &["a"], Level::Ok));
    let next = published(member.apply(close("a", "g", 1000)));
    assert_ne!(next.deliveries[0].key(), delivery.key());
    assert_eq!(next.deliveries[0].previous_level, Level::Critical);
}

#[test]
fn an_aggregate_does_not_take_its_own_events() {
    let mut member = Restarting::default();
    member.define("a", aggregate_into("g", "b")).expect("valid");
    member.define("b", aggregate_into("g2", "c")).expect("valid");
    member.define("c", publish_to("p", &["a"])).expect("valid");
    member.publish(at(1, &["a"], Level::Critical));
    published(member.apply(close("a", "g", 1000)));
    let last = published(member.apply(close("b", "g2", 2000)));
    let circle = last.decisions[0].topics.iter().flat_map(|topic| &topic.handlers);
    assert!(circle.into_iter().any(|(spec, verdict)| &*spec.id == "g" && *verdict == Verdict::Circle));
    assert_eq!(member.catalog().windows().count(), 0, "it ends here");
}

#[test]
fn what_waits_for_an_aggregate_is_not_lost_with_it() {
    let limits = OutboxLimits::default();
    let (topic, now) = ("a".into(), 101);
    for command in [
        Command::DeleteHandler { topic: "a".into(), id: "g".into(), now, limits },
        Command::ReplaceHandler { topic: "a".into(), id: "g".into(), handler: handler("g"), now, limits },
        Command::ReplaceHandler { topic, id: "g".into(), handler: aggregate_into("g9", "sum"), now, limits },
    ] {
        let mut member = Restarting::default();
        member.define("a", aggregate_into("g", "sum")).expect("valid");
        member.define("sum", handler("h")).expect("valid");
        member.publish(at(1, &["a"], Level::Critical));
        let made = published(member.apply(command));
        assert_eq!(made.deliveries.len(), 1);
        assert_eq!(member.catalog().windows().count(), 0);
    }
    let mut member = Restarting::default();
    member.define("a", aggregate_into("g", "sum")).expect("valid");
    member.publish(at(1, &["a"], Level::Critical));
    let longer = with("g", "aggregate", serde_json::json!({"interval": 900, "topic": "sum"}));
    let replace = Command::ReplaceHandler { topic: "a".into(), id: "g".into(), handler: longer, now, limits };
    assert!(matches!(member.apply(replace), Ok(Outcome::Done)));
    assert_eq!(member.catalog().windows().map(|w| w.due).collect::<Vec<_>>(), [1000], "it waits on");
}

#[test]
fn handlers_have_their_rules() {
    let mut member = Restarting::default();
    let limits = OutboxLimits::default();
    member.define("t", handler("h")).expect("valid");
    assert_eq!(member.define("t", handler("h")).unwrap_err(), Rejection::HandlerExists("h".into()));
    let replace = |id: &str, new: &str| Command::ReplaceHandler {
        topic: "t".into(),
        id: id.into(),
        handler: handler(new),
        now: 1,
        limits,
    };
    assert_eq!(member.apply(replace("x", "x")).unwrap_err(), Rejection::NoHandler("x".into()));
    member.apply(replace("h", "h2")).expect("it is there");
    member.define("t", handler("a")).expect("valid");
    assert_eq!(member.apply(replace("a", "h2")).unwrap_err(), Rejection::HandlerExists("h2".into()));
    for (topic, spec) in
        [("a b", handler("h")), ("t", handler("a b")), ("t", with("x", "", serde_json::json!({})))]
    {
        assert!(matches!(member.define(topic, spec), Err(Rejection::Invalid(_))));
    }
    let ids = |member: &Restarting, topic: &str| -> Vec<String> {
        let handlers = member.catalog().topic(topic).map(|topic| topic.handlers()).unwrap_or_default();
        handlers.iter().map(|handler| handler.spec.id.to_string()).collect()
    };
    assert_eq!(ids(&member, "t"), ["a", "h2"]);
    // Deleting a topic forgets its events, not its handlers; it is not listed until the next event.
    member.apply(Command::DeleteTopic { topic: "t".into() }).expect("never refused");
    assert_eq!((ids(&member, "t").len(), member.catalog().topics().count()), (2, 0));
    assert_eq!(member.publish(at(1, &["t"], Level::Info)).deliveries.len(), 2);
    for id in ["a", "h2", "none"] {
        let delete = Command::DeleteHandler { topic: "t".into(), id: id.into(), now: 1, limits };
        member.apply(delete).expect("a missing one is no error");
    }
    assert_eq!(ids(&member, "t").len(), 0);
    assert_eq!(member.catalog().deliveries().count(), 2, "what waits is still delivered");
}

#[test]
fn handlers_beside_those_of_a_script() {
    let mut member = Restarting::default();
    let set = |ids: &[&str]| Command::SetTopicHandlers {
        topic: ANON.into(),
        handlers: ids.iter().map(|id| handler(id)).collect(),
    };
    member.apply(set(&["log0"])).expect("valid");
    assert_eq!(member.define(ANON, handler("log0")).unwrap_err(), Rejection::HandlerExists("log0".into()));
    member.define(ANON, handler("extra")).expect("valid");
    assert_eq!(member.apply(set(&["extra"])).unwrap_err(), Rejection::HandlerExists("extra".into()));
    let to = |member: &mut Restarting, index| -> BTreeSet<String> {
        let made = member.publish(at(index, &[ANON], Level::Info));
        made.deliveries.iter().map(|delivery| delivery.handler.id.to_string()).collect()
    };
    assert_eq!(to(&mut member, 1), ["extra".into(), "log0".into()].into());
    member.apply(Command::CloseTopic { topic: ANON.into() }).expect("never refused");
    assert_eq!(to(&mut member, 2), ["extra".into()].into(), "it stays when the task stops");
    member.apply(Command::DeleteTask { id: "a".into() }).expect("never refused");
    assert_eq!(to(&mut member, 3), ["extra".into()].into(), "and when it is deleted");
}

#[test]
fn the_topics_of_an_alert_are_brought_to_one_level() {
    let level_of = |member: &Restarting, topic: &str| {
        member.catalog().topic(topic).and_then(|topic| topic.event("e")).map(|state| state.level)
    };
    let both = |index| Event { purpose: Purpose::Restore, ..at(index, &[ANON, "named"], Level::Ok) };
    for (anonymous, named, expected) in [
        (Some(Level::Warning), Some(Level::Critical), (Some(Level::Warning), Some(Level::Warning))),
        (None, Some(Level::Critical), (Some(Level::Critical), Some(Level::Critical))),
        (Some(Level::Critical), None, (Some(Level::Critical), None)),
        (Some(Level::Critical), Some(Level::Ok), (Some(Level::Critical), Some(Level::Critical))),
        (None, None, (None, None)),
    ] {
        let mut member = Restarting::default();
        for (topic, level) in [(ANON, anonymous), ("named", named)] {
            let Some(level) = level else { continue };
            let state = at(0, &[], level).state;
            member.apply(Command::SetEventState { topic: topic.into(), state }).expect("never refused");
        }
        let made = member.publish(both(1));
        assert_eq!((made.decisions[0].reason, made.deliveries.len()), (Reason::NoAlert, 0));
        assert_eq!((level_of(&member, ANON), level_of(&member, "named")), expected);
    }
}
