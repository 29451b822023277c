//! `|deadman()`: an alert on low throughput. It is no node of its own: the call stands for
//! `|stats().align()|derivative('emitted').unit().nonNegative()|alert()`, and what follows it in the
//! script speaks of that alert.

use crate::args::{Args, Duration};
use crate::edge::EdgeKind;
use crate::node::{AnyNode, Build, Definition, Kind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use template::number::format_duration;
use tick::Value;
use tick::ast::{BinaryOp, Expr, ExprKind, Span};

/// The kind of the call. No node of a graph is of this kind.
pub static KIND: Kind = Kind {
    name: "deadman",
    stem: "deadman",
    go: "AlertNode",
    wants: None,
    provides: Some(EdgeKind::Stream),
    joins: false,
    grouped: false,
    create: |a| Ok(Box::new(Deadman::from_args(a)?)),
    properties: &[],
    counters: &[],
};

/// The table `[deadman]` of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Put the switch on the source of every task.
    pub global: bool,
    /// How often the global one looks, nanoseconds.
    pub interval: i64,
    /// Points per interval at or below which the global one goes off.
    pub threshold: f64,
    /// Id of the alert; the first `NODE_NAME` stands for the node's name.
    pub id: String,
    /// Message of the alert; the first `INTERVAL` stands for the interval.
    pub message: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            global: false,
            interval: 10_000_000_000,
            threshold: 0.0,
            id: "{{ .Group }}:NODE_NAME for task '{{ .TaskName }}'".into(),
            message: "{{ .ID }} is {{ if eq .Level \"OK\" }}alive{{ else }}dead{{ end }}: \
                      {{ index .Fields \"emitted\" | printf \"%0.3f\" }} points/INTERVAL."
                .into(),
        }
    }
}

impl Settings {
    /// The switch that the configuration puts on every task.
    pub fn switch(&self) -> Option<Deadman> {
        self.global.then(|| Deadman {
            threshold: self.threshold,
            interval: self.interval,
            conditions: Vec::new(),
        })
    }
}

/// What the call says.
#[derive(Clone, Debug)]
pub struct Deadman {
    threshold: f64,
    /// Nanoseconds.
    interval: i64,
    /// What must hold, too.
    conditions: Vec<Arc<Expr>>,
}

/// A property of one of the nodes that the call stands for: its name and its arguments.
pub type Setting = (&'static str, Vec<Value>);

impl Deadman {
    fn from_args(a: &Args<'_>) -> Result<Deadman, crate::args::Refused> {
        a.between(2, usize::MAX)?;
        Ok(Deadman { threshold: a.get(0)?, interval: a.get::<Duration>(1)?.0, conditions: a.rest(2)? })
    }

    /// Arguments of the `stats` node.
    pub fn stats(&self) -> Vec<Value> {
        vec![Value::Duration(self.interval)]
    }

    /// Properties of the `derivative` node.
    pub fn derivative(&self) -> [Setting; 2] {
        [("unit", vec![Value::Duration(self.interval)]), ("nonNegative", Vec::new())]
    }

    /// Properties of the `alert` node, for the statistics of the node `of`.
    pub fn alert(&self, of: &str, settings: &Settings) -> [Setting; 3] {
        let id = settings.id.replacen("NODE_NAME", of, 1);
        let mut interval = String::new();
        format_duration(&mut interval, self.interval);
        let message = settings.message.replacen("INTERVAL", &interval, 1);
        [
            ("crit", vec![Value::Lambda(Arc::new(self.condition()))]),
            ("id", vec![Value::String(id)]),
            ("message", vec![Value::String(message)]),
        ]
    }

    /// `"emitted" <= threshold AND` what the script demands.
    fn condition(&self) -> Expr {
        let low = binary(
            BinaryOp::Le,
            expr(ExprKind::Reference("emitted".into())),
            expr(ExprKind::Float(self.threshold)),
        );
        self.conditions.iter().fold(low, |all, more| binary(BinaryOp::And, all, (**more).clone()))
    }
}

fn expr(kind: ExprKind) -> Expr {
    Expr { span: Span::default(), comment: None, kind }
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    expr(ExprKind::Binary {
        op,
        op_span: Span::default(),
        left: Box::new(left),
        right: Box::new(right),
        parens: false,
        multiline: false,
    })
}

impl Definition for Deadman {
    fn is_stateful(&self) -> bool {
        true
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        Err("deadman stands for three nodes and is none itself".into())
    }
}
