//! What follows from a change of topics besides deliveries: handlers that are defined anew, alerts
//! that turn out to be held back, and what an operator should know of match expressions and circles.

use alert::{Decision, Reason, Role, Verdict};
use catalog::{Catalog, Command};
use handler::Deliverer;
use model::{Event, Level, Name};
use parking_lot::{Mutex, RwLock};
use pipeline::task::Task;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Match expressions that fail are told so often a second at most.
const LINES_MAX: u32 = 20;

/// Handlers whose circles are remembered, so that each is told once.
const CIRCLES_MAX: usize = 1000;

/// The tasks that run, by id.
pub type Running = Arc<RwLock<BTreeMap<String, Arc<Task>>>>;

/// Handlers that commands touched.
#[derive(Default)]
pub struct Touched {
    /// Topics whose handlers may be others now.
    topics: Vec<Name>,
    /// Handlers that are gone: topic, id.
    gone: Vec<(Name, Name)>,
}

impl Touched {
    /// Notes what a command touches.
    pub fn note(&mut self, command: &Command) {
        match command {
            Command::SetTopicHandlers { topic, .. } => self.topics.push(topic.clone()),
            Command::StartTask { topics, .. } => {
                self.topics.extend(topics.iter().map(|(topic, _)| topic.clone()));
            }
            Command::ReplaceHandler { topic, id, handler, .. } => {
                if *id != handler.id {
                    self.gone.push((topic.clone(), id.clone()));
                }
                self.topics.push(topic.clone());
            }
            Command::DeleteHandler { topic, id, .. } => self.gone.push((topic.clone(), id.clone())),
            _ => {}
        }
    }

    /// Lets what waits for the handlers go where they lead now.
    pub fn carry_out(self, catalog: &RwLock<Catalog>, deliverer: &Deliverer) {
        for (topic, id) in &self.gone {
            deliverer.retire_handler(topic, id);
        }
        if self.topics.is_empty() {
            return;
        }
        let catalog = catalog.read_recursive();
        for name in &self.topics {
            let handlers = catalog.topic(name).map(alert::Topic::handlers).unwrap_or_default();
            for handler in handlers.iter().filter(|handler| matches!(handler.role, Role::Deliver)) {
                deliverer.redefine(name, &handler.spec);
            }
        }
    }
}

/// Which events of a command are held back, by their places.
pub fn inhibited(decisions: &[Decision]) -> Vec<u32> {
    let decisions = decisions.iter().enumerate();
    let held = decisions.filter(|(_, decision)| decision.reason == Reason::Inhibited);
    held.map(|(at, _)| at as u32).collect()
}

/// Takes back that an alert's event was counted as triggered, on the member that counted it.
pub fn count_inhibited(task: Option<&Task>, node: &str, level: Level) {
    // A task that stopped in the meantime has taken its figures along.
    let Some(task) = task else { return };
    if let Some(at) = task.names.iter().position(|name| **name == *node) {
        pipeline::nodes::alert::count_inhibited(task.stats(at), level);
    }
}

/// The figures of a member alone that decisions correct.
#[derive(Default)]
pub struct Figures(Mutex<Figured>);

#[derive(Default)]
struct Figured {
    running: Option<Running>,
    /// What was decided before the tasks were known: task, node, level.
    early: Vec<(Name, Name, Level)>,
}

impl Figures {
    /// Corrects the figures of these tasks from now on.
    pub fn of(&self, running: Running) {
        let mut figured = self.0.lock();
        for (task, node, level) in std::mem::take(&mut figured.early) {
            count_inhibited(running.read().get(&*task).map(|task| &**task), &node, level);
        }
        figured.running = Some(running);
    }

    /// Notes the events that were held back.
    pub fn correct(&self, events: &[Arc<Event>], decisions: &[Decision]) {
        for at in inhibited(decisions) {
            let Some(event) = events.get(at as usize) else { continue };
            let mut figured = self.0.lock();
            let level = event.state.level;
            match &figured.running {
                Some(running) => {
                    let task = running.read().get(&*event.task).cloned();
                    count_inhibited(task.as_deref(), &event.node, level);
                }
                None => figured.early.push((event.task.clone(), event.node.clone(), level)),
            }
        }
    }
}

/// Tells what is wrong with handlers, so often as is of use.
#[derive(Default)]
pub struct Complaints(Mutex<Told>);

#[derive(Default)]
struct Told {
    since: Option<Instant>,
    lines: u32,
    left_out: u64,
    circles: BTreeSet<(Name, Name)>,
}

impl Complaints {
    /// Tells what decisions show, of the topics that are this member's to tell of.
    pub fn tell(&self, decisions: &[Decision], mine: impl Fn(&Name) -> bool) {
        for topic in decisions.iter().flat_map(|decision| &decision.topics) {
            for (handler, verdict) in &topic.handlers {
                let fine = match verdict {
                    Verdict::Notify | Verdict::NoMatch => true,
                    Verdict::Published { again, .. } => again.is_empty(),
                    Verdict::MatchFailed(_) | Verdict::Circle => false,
                };
                if !fine && mine(&topic.topic) {
                    self.complain(&topic.topic, &handler.id, verdict);
                }
            }
        }
    }

    fn complain(&self, topic: &Name, handler: &Name, verdict: &Verdict) {
        let mut told = self.0.lock();
        match verdict {
            Verdict::MatchFailed(error) => {
                if told.may_tell() {
                    tracing::error!(service = "alert", %handler, %topic, err = error, "failed to evaluate match expression");
                }
            }
            Verdict::Published { again, .. } => {
                if told.is_new_circle(topic, handler) {
                    let again: Vec<&str> = again.iter().map(|topic| &**topic).collect();
                    tracing::warn!(service = "alert", %handler, %topic, again = again.join(","), "a handler publishes events to topics that have them already; each takes an event once. Do the handlers of these topics publish in a circle?");
                }
            }
            Verdict::Circle => {
                if told.is_new_circle(topic, handler) {
                    tracing::warn!(service = "alert", %handler, %topic, "an aggregate gets its own events back; it does not take them. Let its topic lead elsewhere, or give it a match expression");
                }
            }
            Verdict::Notify | Verdict::NoMatch => {}
        }
    }
}

impl Told {
    fn may_tell(&mut self) -> bool {
        if self.since.is_none_or(|since| since.elapsed() >= Duration::from_secs(1)) {
            if self.left_out > 0 {
                tracing::warn!(
                    lines = self.left_out,
                    "log lines about match expressions left out: too many in a second"
                );
            }
            (self.since, self.lines, self.left_out) = (Some(Instant::now()), 0, 0);
        }
        let may = self.lines < LINES_MAX;
        if may {
            self.lines += 1;
        } else {
            self.left_out += 1;
        }
        may
    }

    fn is_new_circle(&mut self, topic: &Name, handler: &Name) -> bool {
        self.circles.len() < CIRCLES_MAX && self.circles.insert((topic.clone(), handler.clone()))
    }
}
