//! The differences between what members delivered and what one member alone would have.
//!
//! A member alone may have taken a write twice whose answer never came and that was written again.
//! The counts tell for each group whether that happened. Where it did, differences of that group are
//! *excused* and counted; a group whose count is right has no excuse.

use super::reference::Reference;
use super::totals::Totals;
use crate::feeder::Journal;
use crate::points::HOSTS;
use crate::receiver::Delivery;
use crate::tasks::{PERIOD, WHOLE, WINDOWED};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Most differences that are told.
const TOLD_MAX: usize = 8;

/// Most characters of an event that are shown.
const SAID_MAX: usize = 600;

/// What tells events apart: task, id, time, level.
pub type EventKey = (String, String, String, String);

/// Deliveries of an event.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Their idempotency keys, and how often each came.
    pub keys: BTreeMap<String, u64>,
    /// What they said; one, unless something is wrong.
    pub said: Vec<Value>,
}

/// Events by what tells them apart.
pub type Events = BTreeMap<EventKey, Told>;

/// Puts deliveries of one event together.
pub fn events(deliveries: &[Delivery]) -> Events {
    let mut events = Events::new();
    for delivery in deliveries {
        let told = events.entry(key(delivery)).or_default();
        *told.keys.entry(delivery.key.clone()).or_default() += 1;
        if !told.said.contains(&delivery.event) {
            told.said.push(delivery.event.clone());
        }
    }
    events
}

fn key(delivery: &Delivery) -> EventKey {
    let text = |name: &str| delivery.event[name].as_str().unwrap_or_default().to_owned();
    (delivery.task.clone(), text("id"), text("time"), text("level"))
}

/// The outcome.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What is wrong, in words.
    pub problems: Vec<String>,
    /// Differences that a doubtful write explains.
    pub excused: usize,
    /// Different events.
    pub events: usize,
    /// Deliveries that repeat an earlier one under the same key.
    pub repeats: u64,
    /// Points that were counted twice or more, of those whose write was doubtful.
    pub duplicates: u64,
}

/// Events of the reference that did not come; counts groups that may be excused.
pub fn missing<'e>(reference: &'e Reference, deliveries: &[Delivery]) -> Vec<&'e EventKey> {
    let found = events(deliveries);
    reference.events.keys().filter(|key| !found.contains_key(*key)).collect()
}

/// Compares everything. With `strict` nothing is excused: a cluster takes a write with an
/// `Idempotency-Key` once, however often it is sent. A member alone does not look at keys.
pub fn compare(
    reference: &Reference,
    deliveries: &[Delivery],
    totals: &Totals,
    journal: &Journal,
    strict: bool,
) -> Verdict {
    let mut judge = Judge { verdict: Verdict::default(), doubled: BTreeSet::new(), strict };
    judge.counts(reference, totals, journal);
    let found = events(deliveries);
    judge.verdict.events = found.len();
    judge.verdict.repeats = found.values().flat_map(|told| told.keys.values()).map(|times| times - 1).sum();
    for (key, told) in &reference.events {
        match found.get(key) {
            None => judge.wrong(key, "did not come"),
            Some(other) if other.said != told.said => judge.different(key, told, other),
            Some(_) => {}
        }
    }
    for (key, told) in &found {
        if !reference.events.contains_key(key) {
            judge.wrong(key, "should not have come");
        }
        if told.keys.len() > 1 {
            judge.wrong(key, &format!("came under {} keys: {:?}", told.keys.len(), told.keys.keys()));
        }
        if told.keys.contains_key("") {
            judge.verdict.problems.push(format!("{} came without a key", name(key)));
        }
    }
    judge.shared_keys(&found);
    judge.order(deliveries);
    judge.verdict
}

struct Judge {
    verdict: Verdict,
    /// Groups, as totals name them, whose points were counted more than once.
    doubled: BTreeSet<String>,
    strict: bool,
}

impl Judge {
    fn counts(&mut self, reference: &Reference, totals: &Totals, journal: &Journal) {
        let attempts: u64 = journal.doubtful.values().sum();
        for ((task, group), expected) in &reference.totals.0 {
            let found = totals.of(task, group);
            let most = if group.is_empty() { attempts * HOSTS } else { attempts };
            if found < *expected {
                let text = format!("{task} lost {} acknowledged points of {group:?}", expected - found);
                self.verdict.problems.push(text);
            } else if found - expected > if self.strict { 0 } else { most } {
                let text = format!(
                    "{task} counted {found} points of {group:?} instead of {expected}, with {attempts} doubtful writes"
                );
                self.verdict.problems.push(text);
            } else if found > *expected {
                self.doubled.insert(group.clone());
                self.verdict.duplicates += if group.is_empty() { 0 } else { found - expected };
            }
        }
    }

    /// Whether the group of an event has points that were counted more than once.
    fn excuse(&self, key: &EventKey) -> bool {
        let (task, id, _, _) = key;
        let group = if task == WHOLE { String::new() } else { format!("host={id}") };
        !self.strict && self.doubled.contains(&group)
    }

    fn wrong(&mut self, key: &EventKey, how: &str) {
        match self.excuse(key) {
            true => self.verdict.excused += 1,
            false => self.verdict.problems.push(format!("{} {how}", name(key))),
        }
    }

    fn different(&mut self, key: &EventKey, expected: &Told, found: &Told) {
        let what = if WINDOWED.contains(&key.0.as_str()) { format!(" ({PERIOD} s)") } else { String::new() };
        let show = |told: &Told| {
            let said =
                told.said.iter().map(|said| said.to_string().chars().take(SAID_MAX).collect::<String>());
            said.collect::<Vec<_>>().join(" and ")
        };
        self.wrong(key, &format!("{what}says {} instead of {}", show(found), show(expected)));
    }

    /// No key may stand for two events.
    fn shared_keys(&mut self, found: &Events) {
        let mut users: BTreeMap<&str, &EventKey> = BTreeMap::new();
        for (event, told) in found {
            for key in told.keys.keys().filter(|key| !key.is_empty()) {
                if let Some(other) = users.insert(key, event) {
                    let text = format!("{} and {} came under one key {key}", name(other), name(event));
                    self.verdict.problems.push(text);
                }
            }
        }
    }

    /// Within an id the first deliveries come in the order of time: no OK before its CRITICAL.
    fn order(&mut self, deliveries: &[Delivery]) {
        let (mut known, mut last) = (BTreeSet::new(), BTreeMap::new());
        for delivery in deliveries {
            let key = key(delivery);
            let (task, id, time, _) = key.clone();
            if !known.insert(key.clone()) {
                continue;
            }
            let before = last.insert((task, id), time.clone());
            if let Some(before) = before.filter(|before| later(before, &time)) {
                self.wrong(&key, &format!("came after that of {before}"));
            }
        }
    }
}

/// Whether a time is after another; both are RFC 3339 in UTC with whole seconds.
fn later(one: &str, other: &str) -> bool {
    one > other
}

fn name(key: &EventKey) -> String {
    let (task, id, time, level) = key;
    format!("{task}: {level} of {id} at {time}")
}

impl Verdict {
    /// What is wrong, cut to what a person reads.
    pub fn told(&self) -> String {
        let more = self.problems.len().saturating_sub(TOLD_MAX);
        let mut text = self.problems.iter().take(TOLD_MAX).cloned().collect::<Vec<_>>().join("\n    ");
        if more > 0 {
            text.push_str(&format!("\n    and {more} more"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn delivery(key: &str, id: &str, second: u32, level: &str) -> Delivery {
        let event = json!({"id": id, "time": format!("2023-11-14T22:14:{second:02}Z"), "level": level});
        Delivery { task: "alerts".to_owned(), key: key.to_owned(), event, from: None }
    }

    fn totals(h1: u64) -> Totals {
        Totals([(("alerts".to_owned(), "host=h1".to_owned()), h1)].into())
    }

    fn expected() -> Vec<Delivery> {
        vec![delivery("1", "h1", 1, "CRITICAL"), delivery("2", "h1", 5, "OK"), delivery("3", "h2", 5, "OK")]
    }

    fn judge(deliveries: &[Delivery], counted: u64, doubtful: u64) -> Verdict {
        let reference = Reference { events: events(&expected()), totals: totals(10) };
        let journal = Journal { doubtful: [(4, doubtful)].into(), ..Journal::default() };
        compare(&reference, deliveries, &totals(counted), &journal, false)
    }

    #[test]
    fn differences_are_found() {
        let same = expected();
        let without = |index: usize| {
            let mut list = same.clone();
            list.remove(index);
            list
        };
        let with = |more: Delivery| [same.clone(), vec![more]].concat();
        let mut swapped = same.clone();
        swapped.swap(0, 1);
        let mut other_words = same.clone();
        other_words[0].event["message"] = json!("else");
        for (deliveries, counted, doubtful, problem) in [
            (same.clone(), 10, 0, ""),
            (with(delivery("1", "h1", 1, "CRITICAL")), 10, 0, ""),
            (with(delivery("9", "h1", 1, "CRITICAL")), 10, 0, "under 2 keys"),
            (with(delivery("9", "h1", 7, "WARNING")), 10, 0, "should not have come"),
            (with(delivery("1", "h1", 7, "WARNING")), 10, 0, "came under one key"),
            (with(delivery("", "h1", 1, "CRITICAL")), 10, 0, "without a key"),
            (without(1), 10, 0, "OK of h1 at 2023-11-14T22:14:05Z did not come"),
            (swapped, 10, 0, "came after"),
            (other_words, 10, 0, "instead of"),
            (same.clone(), 9, 0, "lost 1 acknowledged"),
            (same.clone(), 11, 0, "counted 11 points"),
            (same.clone(), 11, 1, ""),
            (same.clone(), 12, 1, "counted 12 points"),
            (with(delivery("9", "h1", 7, "WARNING")), 11, 1, ""),
            (with(delivery("9", "h2", 7, "WARNING")), 11, 1, "should not have come"),
        ] {
            let verdict = judge(&deliveries, counted, doubtful);
            let found = verdict.told();
            assert!(found.contains(problem) && problem.is_empty() == found.is_empty(), "{problem}: {found}");
        }
    }

    #[test]
    fn repeats_and_excuses_are_counted() {
        let repeated = [expected(), expected(), vec![delivery("9", "h1", 7, "OK")]].concat();
        let verdict = judge(&repeated, 11, 1);
        assert_eq!((verdict.repeats, verdict.excused, verdict.duplicates, verdict.events), (3, 1, 1, 4));
    }
}
