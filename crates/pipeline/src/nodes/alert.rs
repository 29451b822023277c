//! `|alert()`: decides how bad a point or batch is, and makes an event of it for the topics and
//! their handlers. Passes on only what triggered an event.

mod court;
mod departed;
pub mod handlers;
mod inhibiting;
mod levels;
mod marks;
mod memory;
mod operator;
mod scope;
mod templates;
#[cfg(test)]
mod tests;

use crate::args::{Args, Duration, Refused};
use crate::node::{AnyNode, Build, Definition, Kind, Server};
use crate::properties;
use crate::stats::NodeStats;
use crate::task::AlertTopics;
use handlers::{Inline, Receiver};
use inhibiting::Inhibiting;
use marks::Marks;
use memory::Flapping;
use model::{Level, Name};
use std::sync::Arc;
use tick::ast::Expr;

/// The kind.
pub static KIND: Kind = Kind {
    name: "alert",
    stem: "alert",
    go: "AlertNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: true,
    create: |a| {
        a.exactly(0)?;
        Ok(Box::new(Alert::default()))
    },
    properties: properties!(Alert {
        "topic" => |d, a| d.topic = a.set()?,
        "category" => |d, a| d.category = a.set()?,
        "id" => |d, a| d.id = a.set()?,
        "message" => |d, a| d.message = a.set()?,
        "details" => |d, a| d.details = a.set()?,
        "info" => |d, a| *d.level(Level::Info) = Some(a.set()?),
        "warn" => |d, a| *d.level(Level::Warning) = Some(a.set()?),
        "crit" => |d, a| *d.level(Level::Critical) = Some(a.set()?),
        "infoReset" => |d, a| *d.reset(Level::Info) = Some(a.set()?),
        "warnReset" => |d, a| *d.reset(Level::Warning) = Some(a.set()?),
        "critReset" => |d, a| *d.reset(Level::Critical) = Some(a.set()?),
        "flapping" => |d, a| d.set_flapping(a)?,
        "history" => |d, a| d.history = a.set()?,
        "levelTag" => |d, a| d.marks.level_tag = a.set()?,
        "idTag" => |d, a| d.marks.id_tag = a.set()?,
        "levelField" => |d, a| d.marks.level_field = a.set()?,
        "idField" => |d, a| d.marks.id_field = a.set()?,
        "messageField" => |d, a| d.marks.message_field = a.set()?,
        "durationField" => |d, a| d.marks.duration_field = a.set()?,
        "all" => |d, a| { d.all = a.flag()?; d.receiver = Receiver::Data },
        "noRecoveries" => |d, a| { d.no_recoveries = a.flag()?; d.receiver = Receiver::Data },
        "stateChangesOnly" => |d, a| d.set_state_changes_only(a)?,
        "inhibit" => |d, a| d.add_inhibitor(a)?,
        // The handlers, and what can be said of each.
        "log" => |d, a| d.open(Inline::log(a.one()?)),
        "mode" => |d, a| d.handler()?.put("mode", a.set::<i64>()?),
        "exec" => |d, a| d.open(Inline::exec(a.get(0)?, a.rest(1)?)),
        "tcp" => |d, a| d.open(Inline::tcp(a.one()?)),
        "post" => |d, a| d.open(Inline::post(a.rest(0)?)),
        "endpoint" => |d, a| d.handler()?.put("endpoint", a.set::<String>()?),
        "header" => |d, a| {
            a.exactly(2)?;
            d.handler()?.put_header(a.get(0)?, a.get(1)?);
        },
        "captureResponse" => |d, a| d.handler()?.put("capture-response", a.flag()?),
        "timeout" => |d, a| d.handler()?.put("timeout", a.set::<Duration>()?.0),
        "skipSSLVerification" => |d, a| d.handler()?.put("skip-ssl-verification", a.flag()?),
        // Handlers of Kapacitor that are still to come.
        "alerta" => |_d, a| handlers::not_available(a)?,
        "bigPanda" => |_d, a| handlers::not_available(a)?,
        "discord" => |_d, a| handlers::not_available(a)?,
        "email" => |_d, a| handlers::not_available(a)?,
        "hipChat" => |_d, a| handlers::not_available(a)?,
        "kafka" => |_d, a| handlers::not_available(a)?,
        "mqtt" => |_d, a| handlers::not_available(a)?,
        "opsGenie" => |_d, a| handlers::not_available(a)?,
        "opsGenie2" => |_d, a| handlers::not_available(a)?,
        "pagerDuty" => |_d, a| handlers::not_available(a)?,
        "pagerDuty2" => |_d, a| handlers::not_available(a)?,
        "pushover" => |_d, a| handlers::not_available(a)?,
        "sensu" => |_d, a| handlers::not_available(a)?,
        "serviceNow" => |_d, a| handlers::not_available(a)?,
        "slack" => |_d, a| handlers::not_available(a)?,
        "snmpTrap" => |_d, a| handlers::not_available(a)?,
        "talk" => |_d, a| handlers::not_available(a)?,
        "teams" => |_d, a| handlers::not_available(a)?,
        "telegram" => |_d, a| handlers::not_available(a)?,
        "victorOps" => |_d, a| handlers::not_available(a)?,
        "zenoss" => |_d, a| handlers::not_available(a)?,
    }),
    counters: &[
        "alerts_triggered",
        "alerts_inhibited",
        "oks_triggered",
        "infos_triggered",
        "warns_triggered",
        "crits_triggered",
    ],
};

/// Takes back that an event of a level was counted as triggered: another alert holds it back. That
/// is found out only where events are agreed on.
pub fn count_inhibited(stats: &NodeStats, level: Level) {
    use std::sync::atomic::Ordering::Relaxed;
    for counter in [operator::TRIGGERED, operator::OKS_TRIGGERED + level as usize] {
        let less = |count: u64| Some(count.saturating_sub(1));
        // It always gives a number.
        let _ = stats.counters[counter].fetch_update(Relaxed, Relaxed, less);
    }
    stats.count(operator::INHIBITED, 1);
}

/// Length of the history of a group unless the script says otherwise.
const HISTORY: i64 = 21;
/// The longest history: each point of an unsteady group walks over all of it.
const HISTORY_MAX: i64 = 10_000;

/// The definition.
#[derive(Clone, Debug)]
pub struct Alert {
    topic: String,
    category: String,
    id: String,
    message: String,
    details: String,
    /// What enters a level, and what leaves it: INFO, WARNING, CRITICAL.
    levels: [Option<Arc<Expr>>; 3],
    resets: [Option<Arc<Expr>>; 3],
    /// The low and the high threshold.
    flapping: Option<(f64, f64)>,
    history: i64,
    marks: Marks,
    all: bool,
    no_recoveries: bool,
    /// With the longest time of silence, nanoseconds; 0 is any time.
    state_changes_only: Option<i64>,
    inhibits: Vec<Inhibits>,
    handlers: Vec<Inline>,
    /// What the next property of the script speaks of.
    receiver: Receiver,
}

impl Default for Alert {
    fn default() -> Alert {
        Alert {
            topic: String::new(),
            category: String::new(),
            id: "{{ .Name }}:{{ .Group }}".into(),
            message: "{{ .ID }} is {{ .Level }}".into(),
            details: "{{ json . }}".into(),
            levels: Default::default(),
            resets: Default::default(),
            flapping: None,
            history: HISTORY,
            marks: Marks::default(),
            all: false,
            no_recoveries: false,
            state_changes_only: None,
            inhibits: Vec::new(),
            handlers: Vec::new(),
            receiver: Receiver::Node,
        }
    }
}

/// Alerts that are held back while a group of this one is not OK.
#[derive(Clone, Debug)]
struct Inhibits {
    category: Name,
    /// Tags that must have the values of the group.
    tags: Vec<Name>,
}

impl Alert {
    fn level(&mut self, level: Level) -> &mut Option<Arc<Expr>> {
        &mut self.levels[level as usize - 1]
    }

    fn reset(&mut self, level: Level) -> &mut Option<Arc<Expr>> {
        &mut self.resets[level as usize - 1]
    }

    fn set_flapping(&mut self, a: &Args<'_>) -> Result<(), Refused> {
        a.exactly(2)?;
        self.flapping = Some((a.get(0)?, a.get(1)?));
        self.receiver = Receiver::Data;
        Ok(())
    }

    fn set_state_changes_only(&mut self, a: &Args<'_>) -> Result<(), Refused> {
        let intervals: Vec<Duration> = a.rest(0)?;
        // More than one is taken for none, as Kapacitor does.
        let longest = if let [one] = intervals[..] { one.0 } else { 0 };
        // A second call without an interval leaves that of the first.
        let before = self.state_changes_only.unwrap_or(0);
        self.state_changes_only = Some(if intervals.len() == 1 { longest } else { before });
        self.receiver = Receiver::Data;
        Ok(())
    }

    fn add_inhibitor(&mut self, a: &Args<'_>) -> Result<(), Refused> {
        let category: String = a.get(0)?;
        let tags = a.rest::<String>(1)?.into_iter().map(Name::from).collect();
        self.inhibits.push(Inhibits { category: category.into(), tags });
        self.receiver = Receiver::Data;
        Ok(())
    }

    fn open(&mut self, handler: Inline) {
        self.handlers.push(handler);
        self.receiver = Receiver::Handler;
    }

    /// The handler that the script speaks of.
    fn handler(&mut self) -> Result<&mut Inline, Refused> {
        let none = || Refused::Here("no alert handler to set the property on: name the handler first".into());
        self.handlers.last_mut().filter(|_| self.receiver == Receiver::Handler).ok_or_else(none)
    }

    /// The topics that the node `node` of the task feeds.
    pub fn topics(&self, server: &Server, task: &Name, node: &Name) -> AlertTopics {
        let anonymous = format!("{}:{task}:{node}", server.task_master);
        AlertTopics {
            node: node.to_string(),
            anonymous: (!self.handlers.is_empty()).then_some(anonymous),
            named: (!self.topic.is_empty()).then(|| self.topic.clone()),
            handlers: self.handlers.iter().map(Inline::definition).collect(),
        }
    }

    fn flapping(&self) -> Result<Option<Flapping>, String> {
        let Some((low, high)) = self.flapping else { return Ok(None) };
        if low > 1.0 || high > 1.0 {
            return Err("alert flap thresholds are percentages and should be between 0 and 1".into());
        }
        if self.history > HISTORY_MAX {
            return Err(format!("alert history {} is too long: use at most {HISTORY_MAX}", self.history));
        }
        Ok(Some(Flapping { low, high, history: self.history.max(2) as usize }))
    }
}

impl Definition for Alert {
    fn has_property(&self, name: &str) -> bool {
        let handler = self.handlers.last().filter(|_| self.receiver == Receiver::Handler);
        handlers::opens(handler, name)
    }

    fn go(&self) -> Option<&'static str> {
        match self.receiver {
            Receiver::Node => None,
            Receiver::Data => Some("AlertNodeData"),
            Receiver::Handler => self.handlers.last().map(Inline::go),
        }
    }

    fn validate(&self, _parents: usize) -> Result<(), String> {
        self.handlers.iter().try_for_each(Inline::validate)
    }

    fn is_stateful(&self) -> bool {
        true
    }

    fn changes_tags(&self) -> Vec<String> {
        self.marks.tags()
    }

    fn build(&self, cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        let operator = operator::Operator::new(self, cx)?;
        if self.inhibits.is_empty() { Ok(Box::new(operator)) } else { Ok(Box::new(Inhibiting(operator))) }
    }
}
