//! What can be learnt from a script without evaluating it.

use crate::ast::{Expr, ExprKind, Ident, Program, Span, StatementKind};
use crate::codes;
use crate::comment;
use crate::diagnostic::Diagnostic;
use crate::value::ValueType;

/// Where a task's data comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskType {
    /// Points as they are written.
    Stream,
    /// Results of queries on a schedule.
    Batch,
}

impl TaskType {
    /// As in the API, and as the script names the source.
    pub fn name(self) -> &'static str {
        match self {
            TaskType::Stream => "stream",
            TaskType::Batch => "batch",
        }
    }
}

/// A variable as the script declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared<'a> {
    /// Its name.
    pub name: &'a Ident,
    /// Its type where that can be seen without evaluating; `Invalid` for an unknown type name.
    pub value_type: Option<ValueType>,
    /// Its default; without one a value must be supplied.
    pub default: Option<&'a Expr>,
    /// The comment before the declaration.
    pub description: String,
}

/// The variables a script declares, in order. A declaration that holds a node is among them.
pub fn declared_vars(program: &Program) -> Vec<Declared<'_>> {
    let declared = program.statements.iter().filter_map(|statement| {
        let description = comment::text(statement.comment.as_ref());
        match &statement.kind {
            StatementKind::Declaration { name, value } => {
                Some(Declared { name, value_type: static_type(value), default: Some(value), description })
            }
            StatementKind::TypeDeclaration { name, type_name } => {
                let value_type = ValueType::from_declared_name(&type_name.name);
                let value_type = Some(value_type.unwrap_or(ValueType::Invalid));
                Some(Declared { name, value_type, default: None, description })
            }
            StatementKind::Dbrp { .. } | StatementKind::Expression(_) => None,
        }
    });
    declared.collect()
}

/// The type of a literal.
fn static_type(expr: &Expr) -> Option<ValueType> {
    Some(match &expr.kind {
        ExprKind::Bool(_) => ValueType::Bool,
        ExprKind::Int { .. } => ValueType::Int,
        ExprKind::Float(_) => ValueType::Float,
        ExprKind::Duration { .. } => ValueType::Duration,
        ExprKind::String { .. } => ValueType::String,
        ExprKind::Regex(_) => ValueType::Regex,
        ExprKind::Star => ValueType::Star,
        ExprKind::Lambda(_) => ValueType::Lambda,
        ExprKind::List(_) => ValueType::List,
        _ => return None,
    })
}

/// The (database, retention policy) pairs of the script's `dbrp` statements, in order.
pub fn dbrps(program: &Program) -> Vec<(String, String)> {
    let dbrps = program.statements.iter().filter_map(|statement| match &statement.kind {
        StatementKind::Dbrp { db, rp } => Some((db.clone(), rp.clone())),
        _ => None,
    });
    dbrps.collect()
}

/// Whether the script's chains start from `stream` or from `batch`.
///
/// # Errors
/// Neither is used, or both are.
pub fn task_type(program: &Program) -> Result<TaskType, Diagnostic> {
    let mut found: Option<TaskType> = None;
    for (task_type, span) in program.statements.iter().filter_map(|statement| source(&statement.kind)) {
        match found {
            Some(earlier) if earlier != task_type => {
                return Err(invalid(span, "a task reads either from stream or from batch, not from both"));
            }
            _ => found = Some(task_type),
        }
    }
    found.ok_or_else(|| invalid(Span::default(), "start a chain with stream or with batch"))
}

fn invalid(span: Span, help: &str) -> Diagnostic {
    Diagnostic::plain(codes::TASK_TYPE, span, "invalid task type: invalid").with_help(help)
}

/// The source that a declaration or a chain starts from.
fn source(statement: &StatementKind) -> Option<(TaskType, Span)> {
    let mut head = match statement {
        StatementKind::Declaration { value, .. } => value,
        StatementKind::Expression(expr) if matches!(expr.kind, ExprKind::Chain { .. }) => expr,
        _ => return None,
    };
    while let ExprKind::Chain { receiver, .. } = &head.kind {
        head = receiver;
    }
    match &head.kind {
        ExprKind::Ident(name) if name == "stream" => Some((TaskType::Stream, head.span)),
        ExprKind::Ident(name) if name == "batch" => Some((TaskType::Batch, head.span)),
        _ => None,
    }
}
