//! All topics, and the decision what becomes of an event.

use crate::aggregate::via;
use crate::role::Role;
use crate::topic::Matching;
use crate::{Handler, HandlerSpec, Inhibitors, Source, Topic};
use model::{Event, Identity, Level, Name, Purpose, Time};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// All topics, who holds back whose alerts, and how far the events of each shard were taken.
#[derive(Clone, Debug, Default)]
pub struct Topics {
    topics: BTreeMap<Name, Topic>,
    taken: BTreeMap<u32, Identity>,
    /// Who holds back whose alerts.
    pub inhibitors: Inhibitors,
}

/// Why an event was taken or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is new: its topics were updated.
    Taken,
    /// It came before, or a later one of its shard did: a replay. Nothing changed.
    AlreadyTaken,
    /// It names no topic: only its identity, and what its alert holds back, was noted.
    NoTopic,
    /// Another alert holds it back: no topic sees it.
    Inhibited,
    /// It is not there to be handled.
    NoAlert,
}

/// What a handler does with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It gets the event.
    Notify,
    /// Its match expression is false.
    NoMatch,
    /// Its match expression cannot be evaluated; the text says why.
    MatchFailed(String),
    /// It gives the event to other topics; those that the event had come to before are left out.
    Published {
        /// Topics that get the event now.
        to: Vec<Name>,
        /// Topics that have it.
        again: Vec<Name>,
    },
    /// The event was made by this handler, or of events that were: it does not take it once more.
    Circle,
}

/// What an event does to one topic.
#[derive(Clone, Debug)]
pub struct TopicDecision {
    /// The topic.
    pub topic: Name,
    /// The topic was new or closed before.
    pub opened: bool,
    /// Level of the event in this topic before it.
    pub previous_level: Level,
    /// Level of the topic after it.
    pub topic_level: Level,
    /// The event that the topic forgot to have room.
    pub forgotten: Option<Name>,
    /// Each handler of the topic in order, and what it does.
    pub handlers: Vec<(Arc<HandlerSpec>, Verdict)>,
}

impl TopicDecision {
    /// The handlers that get the event.
    pub fn notified(&self) -> impl Iterator<Item = &Arc<HandlerSpec>> {
        self.handlers.iter().filter(|(_, verdict)| *verdict == Verdict::Notify).map(|(spec, _)| spec)
    }
}

/// A topic that was brought to the level that another has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The topic.
    pub topic: Name,
    /// It was new or closed before.
    pub opened: bool,
    /// The event that the topic forgot to have room.
    pub forgotten: Option<Name>,
}

/// What becomes of an event.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The event.
    pub identity: Identity,
    /// Why it was taken or not.
    pub reason: Reason,
    /// What it does to each of its topics, and to those that it was published to; empty unless it
    /// was taken.
    pub topics: Vec<TopicDecision>,
    /// The topic that was brought to the level of the alert's other one.
    pub repaired: Option<Repaired>,
}

impl Topics {
    /// The topics in order of their names, closed ones included.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Topic)> {
        self.topics.iter()
    }

    /// One topic.
    pub fn get(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name)
    }

    /// One topic, made when it does not exist.
    pub fn entry(&mut self, name: &Name) -> &mut Topic {
        self.topics.entry(name.clone()).or_default()
    }

    /// One topic, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Topic> {
        self.topics.get_mut(name)
    }

    /// Forgets a topic with its events and handlers.
    pub fn remove(&mut self, name: &str) -> Option<Topic> {
        self.topics.remove(name)
    }

    /// Puts a topic under a name, in place of the one that had it.
    pub fn insert(&mut self, name: Name, topic: Topic) {
        self.topics.insert(name, topic);
    }

    /// The last event taken of each shard.
    pub fn taken(&self) -> impl Iterator<Item = &Identity> {
        self.taken.values()
    }

    /// The last event taken of one shard.
    pub fn taken_of(&self, shard: u32) -> Option<Identity> {
        self.taken.get(&shard).copied()
    }

    /// Notes an event as taken, and with it all earlier ones of its shard. False when it was taken
    /// before.
    pub fn take(&mut self, identity: Identity) -> bool {
        let new = self.taken.get(&identity.shard).is_none_or(|last| *last < identity);
        if new {
            self.taken.insert(identity.shard, identity);
        }
        new
    }
}

/// Takes an event, once: the events of a shard arrive in the order of their identities, so what
/// is not above the highest one taken is a replay. Notes what its alert holds back; then, unless
/// somebody holds it back, updates the event's topics and says which handlers get it. `now` is the
/// clock that match expressions see.
pub fn decide(topics: &mut Topics, event: &Event, now: Time) -> Decision {
    let identity = event.identity;
    let mut decision =
        Decision { identity, reason: Reason::AlreadyTaken, topics: Vec::new(), repaired: None };
    if !topics.take(identity) {
        return decision;
    }
    // Before it is weighed itself: as in Kapacitor an alert that holds back its own category is
    // silent until it recovers.
    if let Some(holds) = &event.inhibits {
        topics.inhibitors.set(Source::of(event), holds.clone());
    }
    decision.reason = match event.purpose {
        Purpose::Inhibit => Reason::NoAlert,
        Purpose::Restore => {
            decision.repaired = repair(topics, event);
            Reason::NoAlert
        }
        Purpose::Alert if topics.inhibitors.hold(&event.category, &event.tags) => Reason::Inhibited,
        Purpose::Alert if event.topics.is_empty() => Reason::NoTopic,
        Purpose::Alert => {
            decision.topics = decide_topics(topics, event, now);
            Reason::Taken
        }
    };
    decision
}

/// Brings the event to its topics, and wherever their handlers publish it. It comes to each topic
/// once, whatever ways lead there: so it cannot go round.
fn decide_topics(topics: &mut Topics, event: &Event, now: Time) -> Vec<TopicDecision> {
    let mut reached: Vec<Name> = Vec::with_capacity(event.topics.len());
    for name in &event.topics {
        // An alert node may name its anonymous topic explicitly.
        if !reached.contains(name) {
            reached.push(name.clone());
        }
    }
    let mut waiting: VecDeque<Name> = reached.iter().cloned().collect();
    let mut decisions = Vec::with_capacity(reached.len());
    while let Some(name) = waiting.pop_front() {
        let topic = topics.entry(&name);
        let opened = !topic.is_open();
        let remembered = topic.collect(&event.state);
        let level = remembered.previous_level;
        let handlers = topic.handlers().iter().map(|handler| {
            let verdict = verdict(handler, &name, event, level, now, &mut reached);
            if let Verdict::Published { to, .. } = &verdict {
                waiting.extend(to.iter().cloned());
            }
            (handler.spec.clone(), verdict)
        });
        let handlers = handlers.collect();
        decisions.push(TopicDecision {
            opened,
            previous_level: level,
            topic_level: topic.level(),
            forgotten: remembered.forgotten,
            handlers,
            topic: name,
        });
    }
    decisions
}

fn verdict(
    handler: &Handler,
    topic: &Name,
    event: &Event,
    previous_level: Level,
    now: Time,
    reached: &mut Vec<Name>,
) -> Verdict {
    match &handler.matching {
        Matching::All => {}
        Matching::Expression(matcher) => match matcher.matches(event, previous_level, now) {
            Ok(true) => {}
            Ok(false) => return Verdict::NoMatch,
            Err(error) => return Verdict::MatchFailed(error),
        },
        Matching::Broken(error) => return Verdict::MatchFailed(error.clone()),
    }
    match &handler.role {
        Role::Deliver => Verdict::Notify,
        Role::Aggregate(_) if event.via.contains(&via(topic, &handler.spec.id)) => Verdict::Circle,
        Role::Aggregate(_) => Verdict::Notify,
        Role::Publish(targets) => {
            let (mut to, mut again) = (Vec::new(), Vec::new());
            for target in targets {
                if reached.contains(target) {
                    again.push(target.clone());
                } else {
                    reached.push(target.clone());
                    to.push(target.clone());
                }
            }
            Verdict::Published { to, again }
        }
    }
}

/// Brings an alert's two topics, which it has gone on from, to one level of an id: the anonymous one
/// goes before the named one, and one that does not know the id takes it from the other if that is
/// the named one.
fn repair(topics: &mut Topics, event: &Event) -> Option<Repaired> {
    let [anonymous, named] = &event.topics[..] else { return None };
    let id = &event.state.id;
    let state = |name: &Name| topics.get(name).and_then(|topic| topic.event(id)).cloned();
    let (to, state) = match (state(anonymous), state(named)) {
        (Some(ours), Some(theirs)) if ours.level != theirs.level => (named, ours),
        (None, Some(theirs)) if theirs.level != Level::Ok => (anonymous, theirs),
        _ => return None,
    };
    let topic = topics.entry(to);
    let opened = !topic.is_open();
    topic.open();
    let forgotten = topic.remember(&state).forgotten;
    Some(Repaired { topic: to.clone(), opened, forgotten })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use model::{EventState, TagSet};

    pub(crate) fn event(shard: u32, index: u64, id: &str, level: Level) -> Event {
        Event {
            identity: Identity { shard, index, sequence: 0 },
            topics: vec!["main:task:alert2".into(), "named".into()],
            state: EventState {
                id: id.into(),
                message: "m".into(),
                details: "d".into(),
                time: index as i64,
                duration: 0,
                level,
            },
            previous_level: Level::Ok,
            recoverable: true,
            name: "cpu".into(),
            task: "task".into(),
            group: "".into(),
            category: "".into(),
            tags: TagSet::empty(),
            fields: vec![],
            data: vec![],
            node: "alert2".into(),
            purpose: Purpose::Alert,
            inhibits: None,
            via: vec![],
        }
    }

    fn spec(id: &str, matching: &str) -> Handler {
        let spec =
            HandlerSpec { matching: matching.into(), ..HandlerSpec::new(id, "log", Default::default()) };
        Handler::new(spec).expect("valid")
    }

    fn notified(decision: &Decision, topic: usize) -> Vec<&str> {
        decision.topics[topic].notified().map(|spec| &*spec.id).collect()
    }

    #[test]
    fn each_topic_has_its_own_previous_level() {
        let mut topics = Topics::default();
        topics.entry(&"named".into()).remember(&event(0, 0, "e", Level::Warning).state);
        let decision = decide(&mut topics, &event(0, 1, "e", Level::Critical), 0);
        assert_eq!(decision.reason, Reason::Taken);
        let seen: Vec<_> =
            decision.topics.iter().map(|t| (&*t.topic, t.opened, t.previous_level, t.topic_level)).collect();
        assert_eq!(
            seen,
            [
                ("main:task:alert2", true, Level::Ok, Level::Critical),
                ("named", true, Level::Warning, Level::Critical)
            ]
        );
    }

    #[test]
    fn a_replayed_event_changes_nothing() {
        let mut topics = Topics::default();
        decide(&mut topics, &event(0, 5, "e", Level::Critical), 0);
        for index in [5, 4] {
            let decision = decide(&mut topics, &event(0, index, "e", Level::Ok), 0);
            assert_eq!((decision.reason, decision.topics.len()), (Reason::AlreadyTaken, 0));
        }
        let named = topics.get("named").expect("made by the event");
        assert_eq!((named.level(), named.collected()), (Level::Critical, 1));
        let other_shard = decide(&mut topics, &event(1, 1, "e", Level::Ok), 0);
        assert_eq!(other_shard.reason, Reason::Taken);
    }

    #[test]
    fn handlers_get_what_they_match() {
        let mut topics = Topics::default();
        let handlers =
            vec![spec("all", ""), spec("worse", "level() > WARNING"), spec("rack", "\"rack\" == 'r1'")];
        topics.entry(&"named".into()).set_handlers(handlers);
        let decision = decide(&mut topics, &event(0, 1, "e", Level::Warning), 0);
        assert_eq!(notified(&decision, 1), ["all"]);
        assert_eq!(decision.topics[1].handlers[1].1, Verdict::NoMatch);
        assert!(
            matches!(&decision.topics[1].handlers[2].1, Verdict::MatchFailed(error) if error.contains("rack"))
        );
        assert_eq!(
            notified(&decide(&mut topics, &event(0, 2, "e", Level::Critical), 0), 1),
            ["all", "worse"]
        );

        let broken = HandlerSpec { matching: "(".into(), ..HandlerSpec::new("b", "log", Default::default()) };
        topics.entry(&"named".into()).set_handlers(vec![Handler::load(broken)]);
        let decision = decide(&mut topics, &event(0, 3, "e", Level::Critical), 0);
        assert!(matches!(decision.topics[1].handlers[0].1, Verdict::MatchFailed(_)));
    }

    #[test]
    fn a_topic_named_twice_is_one_topic() {
        let mut topics = Topics::default();
        let mut twice = event(0, 1, "e", Level::Info);
        twice.topics = vec!["t".into(), "t".into()];
        assert_eq!(decide(&mut topics, &twice, 0).topics.len(), 1);
        let mut none = event(0, 2, "e", Level::Info);
        none.topics.clear();
        assert_eq!(decide(&mut topics, &none, 0).reason, Reason::NoTopic);
        assert_eq!(decide(&mut topics, &none, 0).reason, Reason::AlreadyTaken);
    }
}
