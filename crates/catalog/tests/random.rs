//! Random commands: what is stored is what is held, and nothing is taken twice.

mod common;

use alert::{DeliveryId, DropReason, HandlerSpec};
use catalog::{Catalog, Command, OutboxLimits, Outcome, Status, TaskPatch, Var, VarKind};
use common::cluster::TASKS;
use common::{Member, event, handler, task};
use model::{Inhibitor, Level, Name, Purpose};
use proptest::prelude::*;
use std::sync::Arc;

const TOPICS: [&str; 4] = ["main:a:alert2", "main:b:alert3", "named", "not a name"];
const EVENTS: [&str; 4] = ["e1", "e2", "ö", ""];
const REASONS: [DropReason; 3] = [DropReason::Refused, DropReason::Attempts, DropReason::Disabled];
const HANDLERS: [&str; 3] = ["h1", "h2", "h1"];

fn name(names: &'static [&'static str]) -> impl Strategy<Value = Name> {
    prop::sample::select(names).prop_map(Name::from)
}

fn level() -> impl Strategy<Value = Level> {
    prop::sample::select(&Level::ALL)
}

fn status() -> impl Strategy<Value = Status> {
    prop::bool::ANY.prop_map(|on| if on { Status::Enabled } else { Status::Disabled })
}

fn an_event() -> impl Strategy<Value = Arc<model::Event>> {
    let topics = prop::sample::subsequence(&TOPICS, 0..3);
    let event = (0..3u32, 1..30u64, topics, prop::sample::select(&EVENTS), level())
        .prop_map(|(shard, index, topics, id, level)| event(shard, index, &topics, id, level));
    let purpose = prop::sample::select(&[Purpose::Alert, Purpose::Alert, Purpose::Inhibit, Purpose::Restore]);
    let category = || prop::sample::select(&["", "svc"]);
    let value = prop::sample::select(&["x", "y"]);
    let holds = prop::option::of(prop::collection::vec((category(), value), 0..2));
    (event, purpose, category(), holds, name(&TASKS)).prop_map(|(event, purpose, category, holds, task)| {
        let held = |(category, value): (&str, &str)| Inhibitor {
            category: category.into(),
            tags: vec![("host".into(), value.into())],
        };
        let inhibits = holds.map(|holds| holds.into_iter().map(held).collect());
        Arc::new(model::Event { purpose, category: category.into(), inhibits, task, ..(*event).clone() })
    })
}

/// Handlers of each role, among them some that publish to each other.
fn defined() -> impl Strategy<Value = HandlerSpec> {
    let options = prop::sample::select(&[
        ("log", r#"{"path":"/tmp/x"}"#),
        ("publish", r#"{"topics":["named","main:a:alert2"]}"#),
        ("publish", r#"{"topics":["other"]}"#),
        ("aggregate", r#"{"id":"agg","interval":10,"topic":"named"}"#),
        ("aggregate", r#"{"interval":"20u","topic":"other"}"#),
        ("aggregate", r#"{"topic":"other"}"#),
    ]);
    let matching = prop::sample::select(&["", "changed()", "\"rack\" == 'r'", "level() >="]);
    (name(&HANDLERS), options, matching).prop_map(|(id, (kind, options), matching)| {
        let options = serde_json::from_str(options).expect("JSON");
        HandlerSpec { matching: matching.into(), ..HandlerSpec::new(&id, kind, options) }
    })
}

fn patch() -> impl Strategy<Value = TaskPatch> {
    let var = Var {
        kind: VarKind::List,
        value: serde_json::json!([{"type": "string", "value": "x"}]),
        description: "d".into(),
    };
    let vars = prop::option::of(Just([("v".to_owned(), var)].into()));
    let template = prop::option::of(prop::option::of(name(&TASKS)));
    let fields = (prop::option::of(name(&TASKS)), prop::option::of(status()), vars, template);
    fields.prop_map(|(id, status, vars, template_id)| TaskPatch {
        id,
        status,
        vars,
        template_id,
        ..TaskPatch::default()
    })
}

fn command() -> impl Strategy<Value = Command> {
    let limits = || {
        (1..6u32, 300..3000u64, 5..40i64).prop_map(|(entries_max, bytes_max, age_max)| OutboxLimits {
            entries_max,
            bytes_max,
            age_max,
        })
    };
    let id = || (0..40u64).prop_map(DeliveryId);
    prop_oneof![
        2 => (name(&TASKS), status(), 0..9i64)
            .prop_map(|(id, status, now)| Command::CreateTask { task: task(&id, status), now }),
        2 => (name(&TASKS), patch(), 0..9i64).prop_map(|(id, patch, now)| Command::UpdateTask { id, patch, now }),
        1 => name(&TASKS).prop_map(|id| Command::DeleteTask { id }),
        1 => name(&TASKS).prop_map(|id| Command::SetTaskError { id, error: "no".into() }),
        6 => (prop::collection::vec(an_event(), 0..4), 0..90i64, limits())
            .prop_map(|(events, now, limits)| Command::PublishEvents { events, now, limits }),
        3 => (name(&TOPICS), prop::sample::subsequence(&HANDLERS, 0..3)).prop_map(|(topic, ids)| {
            Command::SetTopicHandlers { topic, handlers: ids.into_iter().map(handler).collect() }
        }),
        1 => name(&TOPICS).prop_map(|topic| Command::CloseTopic { topic }),
        1 => name(&TOPICS).prop_map(|topic| Command::DeleteTopic { topic }),
        1 => (name(&TOPICS), prop::sample::select(&EVENTS), level()).prop_map(|(topic, id, level)| {
            Command::SetEventState { topic, state: event(0, 0, &[], id, level).state.clone() }
        }),
        2 => prop::collection::vec(id(), 0..4).prop_map(|ids| Command::Delivered { ids }),
        2 => (id(), 1..9u32, "\\PC{0,20}").prop_map(|(id, attempts, error)| {
            Command::DeliveryFailed { id, attempts, next_at: 7, error }
        }),
        1 => (id(), prop::sample::select(&REASONS)).prop_map(|(id, reason)| Command::DropDelivery { id, reason }),
        2 => (name(&TOPICS), defined()).prop_map(|(topic, handler)| Command::DefineHandler { topic, handler }),
        1 => (name(&TOPICS), name(&HANDLERS), defined(), 0..90i64, limits()).prop_map(
            |(topic, id, handler, now, limits)| Command::ReplaceHandler { topic, id, handler, now, limits }
        ),
        1 => (name(&TOPICS), name(&HANDLERS), 0..90i64, limits())
            .prop_map(|(topic, id, now, limits)| Command::DeleteHandler { topic, id, now, limits }),
        2 => (name(&TOPICS), name(&HANDLERS), 0..20_000i64, limits())
            .prop_map(|(topic, handler, now, limits)| Command::CloseWindow { topic, handler, now, limits }),
        6 => common::cluster::command(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn stored_is_held(commands in prop::collection::vec(command(), 0..60)) {
        let mut member = Member::default();
        for command in &commands {
            let before = member.catalog.digest();
            let rejected = member.apply(command).is_err();
            if rejected {
                // Only the index moves.
                let mut other = Catalog::load(&member.store).expect("loads");
                other.take_changes();
                prop_assert_ne!(before, other.digest());
            }
            let loaded = Catalog::load(&member.store).expect("loads");
            prop_assert_eq!(loaded.digest(), member.catalog.digest(), "after {:?}", command);
            prop_assert_eq!(loaded.entries(), member.catalog.entries());
            prop_assert_eq!(member.store.clone().into_iter().collect::<Vec<_>>(), loaded.entries());
        }
    }

    #[test]
    fn restarts_do_not_show(commands in prop::collection::vec(command(), 0..40), stops in prop::collection::vec(any::<bool>(), 40)) {
        let (mut steady, mut stopping) = (Member::default(), Member::default());
        for (command, stop) in commands.iter().zip(stops) {
            let one = steady.apply(command).map(|outcome| deliveries(&outcome));
            let other = stopping.apply(command).map(|outcome| deliveries(&outcome));
            prop_assert_eq!(one, other);
            if stop {
                stopping.restart();
            }
            prop_assert_eq!(steady.catalog.digest(), stopping.catalog.digest(), "after {:?}", command);
        }
    }

    #[test]
    fn replays_change_nothing(commands in prop::collection::vec(command(), 0..40)) {
        let mut member = Member::default();
        for command in &commands {
            let _ = member.apply(command);
        }
        let digest = member.catalog.digest();
        // A log that is replayed over stored state...
        for (index, command) in (1..).zip(&commands) {
            prop_assert!(matches!(member.catalog.apply(index, command), Ok(Outcome::Repeated)));
        }
        prop_assert_eq!(member.catalog.digest(), digest);
        // ...and shards that replay theirs.
        for command in &commands {
            if let Command::PublishEvents { events, limits, .. } = command {
                let published = member.publish(events.clone(), *limits);
                prop_assert!(published.deliveries.is_empty());
            }
        }
    }

    #[test]
    fn snapshots_replace_everything(
        ours in prop::collection::vec(command(), 0..30),
        theirs in prop::collection::vec(command(), 0..30),
        late in command(),
    ) {
        let (mut one, mut other) = (Member::default(), Member::default());
        for command in &ours {
            let _ = one.apply(command);
        }
        for command in &theirs {
            let _ = other.apply(command);
        }
        let entries = other.catalog.entries();
        let mut damaged = entries.clone();
        damaged.push((b"?".to_vec(), Vec::new()));
        let before = one.catalog.digest();
        prop_assert!(one.catalog.replace(damaged).is_err());
        prop_assert_eq!(one.catalog.digest(), before);
        // A change that the store has not seen yet must not survive there either.
        let _ = one.catalog.apply(one.index + 1, &late);
        one.catalog.replace(entries).expect("entries load");
        one.save();
        prop_assert_eq!(one.store.into_iter().collect::<Vec<_>>(), other.catalog.entries());
        prop_assert_eq!(one.catalog.digest(), other.catalog.digest());
        prop_assert_eq!(one.catalog.applied(), other.catalog.applied());
    }

    #[test]
    fn damaged_bytes_are_errors(commands in prop::collection::vec(command(), 1..10), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = commands[0].encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = Command::decode(&bytes);
        bytes.truncate(at);
        prop_assert!(Command::decode(&bytes).is_err());
    }
}

/// Ids, topics and handlers of deliveries made and dropped.
fn deliveries(outcome: &Outcome) -> Vec<(DeliveryId, String, Level)> {
    let Outcome::Published(published) = outcome else {
        return Vec::new();
    };
    let made = published.deliveries.iter().map(|made| (made.id, made.key(), made.previous_level));
    let dropped = published.dropped.iter().map(|gone| (gone.id, gone.reason.to_string(), Level::Ok));
    made.chain(dropped).collect()
}
