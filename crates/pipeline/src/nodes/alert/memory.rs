//! What an alert remembers of a group: its level, since when, and how restless it is.

use super::departed::Departed;
use super::levels::SLOTS;
use model::{Level, Name, Time};
use serde::{Deserialize, Serialize};

/// When a group is flapping: thresholds of the weighted share of changes among the last events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flapping {
    /// Below this it ends.
    pub low: f64,
    /// Above this it starts.
    pub high: f64,
    /// Events that are looked at, at least 2.
    pub history: usize,
}

/// What is remembered of a group.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Memory {
    /// The level.
    pub level: Level,
    /// The topics were asked what they remember of the group.
    pub met: bool,
    /// When the alert left OK, as far as that was reported.
    first: Option<Time>,
    /// When it last triggered.
    last: Option<Time>,
    /// Only if flapping is looked for.
    history: Option<Box<History>>,
    /// What the expressions remember, by their places; empty while none remembers anything.
    lambdas: Box<[lambda::State]>,
    /// What has to outlive the group.
    pub legacy: Option<Box<Legacy>>,
    /// What the node remembers of groups that are over; with group 0 only, whatever that is.
    pub departed: Option<Box<Departed>>,
}

/// What has to be known of a group when it is over.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Legacy {
    /// The group's id.
    pub group: Name,
    /// The topics, or an earlier group of the same id, knew a level of it.
    pub found: bool,
    /// It holds other alerts back.
    pub inhibits: bool,
}

impl Memory {
    /// What has to outlive the group `id`.
    pub fn legacy(&mut self, id: &Name) -> &mut Legacy {
        let new = || Box::new(Legacy { group: id.clone(), found: false, inhibits: false });
        self.legacy.get_or_insert_with(new)
    }

    /// When it last triggered.
    pub fn last(&self) -> Option<Time> {
        self.last
    }

    /// What the expression at a place remembers.
    pub fn lambda(&mut self, slot: usize) -> &mut lambda::State {
        if self.lambdas.is_empty() {
            self.lambdas = (0..SLOTS).map(|_| lambda::State::default()).collect();
        }
        &mut self.lambdas[slot]
    }

    /// Takes an event in. True when the level changed.
    pub fn add(&mut self, level: Level, flapping: Option<&Flapping>) -> bool {
        if let Some(flapping) = flapping {
            let history = self.history.get_or_insert_with(|| Box::new(History::new(flapping.history)));
            history.add(level, flapping);
        }
        std::mem::replace(&mut self.level, level) != level
    }

    /// Whether the group is flapping.
    pub fn is_flapping(&self) -> bool {
        self.history.as_ref().is_some_and(|history| history.flapping)
    }

    /// The alert has been silent for `longest` nanoseconds at the time `t`.
    pub fn is_silent(&self, t: Time, longest: i64) -> bool {
        since(self.last, t) >= longest
    }

    /// The alert triggers at `t`; the level before was `before`. Gives its duration, nanoseconds.
    pub fn trigger(&mut self, t: Time, before: Level) -> i64 {
        self.last = Some(t);
        if before == Level::Ok {
            self.first = Some(t);
        }
        since(self.first, t)
    }

    /// Takes over what a topic remembers.
    pub fn restore(&mut self, level: Level, time: Time, flapping: Option<&Flapping>) {
        self.add(level, flapping);
        self.trigger(time, Level::Ok);
    }
}

/// Time since `then`; since a time that never was, as much as there can be: what Kapacitor makes
/// of the difference to Go's zero time.
fn since(then: Option<Time>, t: Time) -> i64 {
    then.map_or(i64::MAX, |then| t.saturating_sub(then))
}

/// The last levels.
#[derive(Debug, Serialize, Deserialize)]
struct History {
    /// A ring.
    levels: Vec<Level>,
    /// Place of the newest.
    newest: usize,
    /// How many of the newest in a row are the same, up to all.
    same: usize,
    flapping: bool,
}

/// Weight of the newest change: Kapacitor's largest weight, by how much more it weighs than the
/// smallest.
const WEIGHT_MAX: f64 = 1.2;
const WEIGHT_RATIO: f64 = 1.5;

impl History {
    fn new(len: usize) -> History {
        History { levels: vec![Level::Ok; len], newest: 0, same: len, flapping: false }
    }

    fn add(&mut self, level: Level, flapping: &Flapping) {
        let len = self.levels.len();
        let changed = self.levels[self.newest] != level;
        self.newest = (self.newest + 1) % len;
        self.levels[self.newest] = level;
        self.same = if changed { 1 } else { (self.same + 1).min(len) };
        let restless = if self.same == len { 0.0 } else { self.restlessness() };
        if self.flapping && restless < flapping.low {
            self.flapping = false;
        } else if !self.flapping && restless > flapping.high {
            self.flapping = true;
        }
    }

    /// The weighted share of changes. This is Kapacitor's arithmetic with its slip: the walk
    /// begins with the newest change at the *smallest* weight, goes on with the (meaningless) step
    /// from the newest to the oldest, and ends before the second newest. Users have tuned their
    /// thresholds to it.
    fn restlessness(&self) -> f64 {
        let len = self.levels.len();
        let steps = (len - 1) as f64;
        let mut weight = WEIGHT_MAX / WEIGHT_RATIO;
        let step = (WEIGHT_MAX - weight) / steps;
        let mut changes = 0.0;
        for offset in 0..len - 1 {
            let at = (self.newest + offset) % len;
            let before = at.checked_sub(1).unwrap_or(len - 1);
            if self.levels[at] != self.levels[before] {
                changes += weight;
            }
            weight += step;
        }
        changes / steps
    }
}
