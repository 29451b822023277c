//! The values that a script's variables and arguments take while it is evaluated.

use std::fmt;
use std::sync::Arc;

use crate::ast::{Expr, ExprKind, Span};
use crate::duration;
use crate::format::format_expr;

/// An object of the host: a node, a handler, whatever a chain can hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u32);

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `TRUE`, `FALSE`.
    Bool(bool),
    /// `12`.
    Int(i64),
    /// `1.5`.
    Float(f64),
    /// `10s`, in nanoseconds.
    Duration(i64),
    /// `'text'`.
    String(String),
    /// `/re/`: the pattern in RE2 syntax, already known to be valid.
    Regex(String),
    /// `*`.
    Star,
    /// `lambda: expr`, without the keyword, its variables replaced by literals.
    Lambda(Arc<Expr>),
    /// `['a', *]`; never nested.
    List(Vec<Value>),
    /// `"name"` outside a lambda; almost always a mistake for a string.
    Reference(String),
    /// `time(every, offset)` for a batch query's `groupBy`, both in nanoseconds.
    TimeDimension {
        /// Length of an interval.
        every: i64,
        /// Shift of its start; zero unless given.
        offset: i64,
    },
    /// An object of the host.
    Object(ObjectId),
}

/// The type of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueType {
    /// Not a type that a variable can be declared with, such as a node.
    Invalid,
    /// `float`
    Float,
    /// `int`
    Int,
    /// `string`
    String,
    /// `bool`
    Bool,
    /// `regex`
    Regex,
    /// `duration`
    Duration,
    /// `lambda`
    Lambda,
    /// `list`
    List,
    /// `star`
    Star,
}

impl ValueType {
    /// The types a script can declare, in the order of the manual.
    pub const DECLARABLE: [ValueType; 9] = [
        ValueType::Int,
        ValueType::Float,
        ValueType::Bool,
        ValueType::String,
        ValueType::Regex,
        ValueType::Duration,
        ValueType::Lambda,
        ValueType::List,
        ValueType::Star,
    ];

    /// The name in a declaration and in the API: `bool`, not `boolean`.
    pub fn declared_name(self) -> &'static str {
        match self {
            ValueType::Invalid => "invalid",
            ValueType::Float => "float",
            ValueType::Int => "int",
            ValueType::String => "string",
            ValueType::Bool => "bool",
            ValueType::Regex => "regex",
            ValueType::Duration => "duration",
            ValueType::Lambda => "lambda",
            ValueType::List => "list",
            ValueType::Star => "star",
        }
    }

    /// The type with that name in a declaration.
    pub fn from_declared_name(name: &str) -> Option<ValueType> {
        Self::DECLARABLE.into_iter().find(|candidate| candidate.declared_name() == name)
    }

    /// What stands in for a value that a template does not have yet. `None` for `Invalid`. A
    /// lambda's stand-in is the reference `""`, which can have any type.
    pub fn zero(self) -> Option<Value> {
        Some(match self {
            ValueType::Invalid => return None,
            ValueType::Float => Value::Float(0.0),
            ValueType::Int => Value::Int(0),
            ValueType::String => Value::String(String::new()),
            ValueType::Bool => Value::Bool(false),
            ValueType::Regex => Value::Regex(String::new()),
            ValueType::Duration => Value::Duration(0),
            ValueType::Lambda => {
                let kind = ExprKind::Reference(String::new());
                Value::Lambda(Arc::new(Expr { span: Span::default(), comment: None, kind }))
            }
            ValueType::List => Value::List(Vec::new()),
            ValueType::Star => Value::Star,
        })
    }
}

/// The name in Kapacitor's messages: `boolean`, not `bool`.
impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValueType::Invalid => "invalid type",
            ValueType::Bool => "boolean",
            other => other.declared_name(),
        })
    }
}

impl Value {
    /// The type.
    pub fn value_type(&self) -> ValueType {
        match self {
            Value::Bool(_) => ValueType::Bool,
            Value::Int(_) => ValueType::Int,
            Value::Float(_) => ValueType::Float,
            Value::Duration(_) => ValueType::Duration,
            Value::String(_) => ValueType::String,
            Value::Regex(_) => ValueType::Regex,
            Value::Star => ValueType::Star,
            Value::Lambda(_) => ValueType::Lambda,
            Value::List(_) => ValueType::List,
            Value::Reference(_) | Value::TimeDimension { .. } | Value::Object(_) => ValueType::Invalid,
        }
    }

    /// The Go type that Kapacitor's messages name. Objects are described by the host instead.
    pub fn go_type(&self) -> &'static str {
        match self {
            Value::Bool(_) => "bool",
            Value::Int(_) => "int64",
            Value::Float(_) => "float64",
            Value::Duration(_) => "time.Duration",
            Value::String(_) => "string",
            Value::Regex(_) => "*regexp.Regexp",
            Value::Star => "*ast.StarNode",
            Value::Lambda(_) => "*ast.LambdaNode",
            Value::List(_) => "[]interface {}",
            Value::Reference(_) => "*ast.ReferenceNode",
            Value::TimeDimension { .. } => "kapacitor.TimeDimension",
            Value::Object(_) => "pipeline.Node",
        }
    }

    /// The value as a literal at `span`; `None` where a script has no literal for it.
    pub fn to_literal(&self, span: Span) -> Option<Expr> {
        let kind = match self {
            Value::Bool(value) => ExprKind::Bool(*value),
            Value::Int(value) => ExprKind::Int { value: *value, octal: false },
            Value::Float(value) => ExprKind::Float(*value),
            Value::Duration(ns) => ExprKind::Duration { ns: *ns, literal: duration::format_influx(*ns) },
            Value::String(value) => ExprKind::String { value: value.clone(), triple: false },
            Value::Regex(pattern) => ExprKind::Regex(pattern.clone()),
            Value::Star => ExprKind::Star,
            Value::Lambda(body) => ExprKind::Lambda(Arc::clone(body)),
            Value::List(items) => {
                ExprKind::List(items.iter().map(|item| item.to_literal(span)).collect::<Option<_>>()?)
            }
            Value::Reference(_) | Value::TimeDimension { .. } | Value::Object(_) => return None,
        };
        Some(Expr { span, comment: None, kind })
    }

    /// Roughly how many bytes a copy takes.
    pub(crate) fn copied_bytes(&self) -> usize {
        match self {
            Value::String(text) | Value::Regex(text) | Value::Reference(text) => 32 + text.len(),
            Value::List(items) => 32 + items.iter().map(Value::copied_bytes).sum::<usize>(),
            _ => 32,
        }
    }
}

/// As Go's `%v` prints it; expressions and references as a script writes them.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(value) => write!(f, "{value}"),
            Value::Int(value) => write!(f, "{value}"),
            Value::Float(value) if value.is_infinite() => {
                f.write_str(if *value > 0.0 { "+Inf" } else { "-Inf" })
            }
            Value::Float(value) => write!(f, "{value}"),
            Value::Duration(ns) => f.write_str(&duration::format_influx(*ns)),
            Value::String(text) | Value::Regex(text) => f.write_str(text),
            Value::Star => f.write_str("*"),
            Value::Lambda(body) => write!(f, "lambda: {}", format_expr(body)),
            Value::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index > 0 { " " } else { "" })?;
                }
                f.write_str("]")
            }
            Value::Reference(name) => write!(f, "\"{name}\""),
            Value::TimeDimension { every, offset } => {
                let (every, offset) = (duration::format_influx(*every), duration::format_influx(*offset));
                write!(f, "time({every}, {offset})")
            }
            Value::Object(_) => f.write_str("node"),
        }
    }
}
