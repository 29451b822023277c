//! Runs a script against a host: variables, constant expressions, chains of calls.

mod call;
mod vars;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ast::{Expr, ExprKind, Link, Program, Span, StatementKind, UnaryOp};
use crate::codes;
use crate::constant;
use crate::diagnostic::Diagnostic;
use crate::duration::format_go;
use crate::host::Host;
use crate::program::dbrps;
use crate::resolve::{Measures, resolve};
use crate::scope::Scope;
use crate::value::{ObjectId, Value, ValueType};

/// What a variable without default and without supplied value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// An error.
    Task,
    /// The zero value of its type stands in, so that the rest can be checked.
    Template,
}

/// A variable as the API shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct VarInfo {
    /// Its type.
    pub value_type: ValueType,
    /// Its default; what was supplied instead does not show here.
    pub value: Option<Value>,
    /// The comment before its declaration, lines joined by line feeds.
    pub description: String,
}

/// What evaluating a script gave, apart from what it did to the host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluated {
    /// The variables that could be supplied, by name.
    pub vars: BTreeMap<String, VarInfo>,
    /// The (database, retention policy) pairs of `dbrp` statements.
    pub dbrps: Vec<(String, String)>,
}

/// Evaluates a script. `supplied` values take the place of defaults; names the script does not
/// declare are ignored, as in Kapacitor.
///
/// # Errors
/// The first mistake found: an undefined name, a type that does not fit, or what the host refused.
pub fn evaluate(
    program: &Program,
    host: &mut dyn Host,
    supplied: &BTreeMap<String, Value>,
    mode: Mode,
) -> Result<Evaluated, Diagnostic> {
    let mut scope = Scope::new();
    for name in ["stream", "batch"] {
        if let Some(root) = host.root(name) {
            scope.set(name, Value::Object(root));
        }
    }
    let mut evaluator =
        Evaluator { host, scope, supplied, mode, vars: BTreeMap::new(), measures: Measures::default() };
    for statement in &program.statements {
        match &statement.kind {
            StatementKind::Declaration { name, value } => {
                evaluator.declaration(name, value, statement.comment.as_ref())?;
            }
            StatementKind::TypeDeclaration { name, type_name } => {
                evaluator.type_declaration(name, type_name, statement.comment.as_ref())?;
            }
            // A name that stands alone does nothing, in Kapacitor not even when it is undefined.
            StatementKind::Expression(Expr { kind: ExprKind::Ident(_), .. }) | StatementKind::Dbrp { .. } => {
            }
            StatementKind::Expression(expr) => {
                evaluator.expr(expr)?;
            }
        }
    }
    Ok(Evaluated { vars: evaluator.vars, dbrps: dbrps(program) })
}

struct Evaluator<'a> {
    host: &'a mut dyn Host,
    scope: Scope,
    supplied: &'a BTreeMap<String, Value>,
    mode: Mode,
    vars: BTreeMap<String, VarInfo>,
    measures: Measures,
}

impl Evaluator<'_> {
    fn expr(&mut self, expr: &Expr) -> Result<Value, Diagnostic> {
        match &expr.kind {
            ExprKind::Ident(name) => self.scope.get(name, expr.span),
            ExprKind::Reference(name) => Ok(Value::Reference(name.clone())),
            ExprKind::Star => Ok(Value::Star),
            ExprKind::Unary { op, operand } => self.unary(*op, operand, expr.span),
            ExprKind::Binary { op_span, .. } => self.binary(expr, *op_span),
            ExprKind::Lambda(body) => self.lambda(body),
            ExprKind::List(items) => self.list(items),
            ExprKind::Call(call) => self.global(call),
            ExprKind::Chain { receiver, link, link_span, member } => {
                let receiver = self.expr(receiver)?;
                self.member(&receiver, *link, *link_span, member)
            }
            ExprKind::Bool(value) => Ok(Value::Bool(*value)),
            ExprKind::Int { value, .. } => Ok(Value::Int(*value)),
            ExprKind::Float(value) => Ok(Value::Float(*value)),
            ExprKind::Duration { ns, .. } => Ok(Value::Duration(*ns)),
            ExprKind::String { value, .. } => Ok(Value::String(value.clone())),
            ExprKind::Regex(pattern) => Ok(Value::Regex(pattern.clone())),
        }
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr, span: Span) -> Result<Value, Diagnostic> {
        let value = self.expr(operand)?;
        let shown = self.shown(&value);
        constant::unary(op, value).map_err(|_| {
            let symbol = if op == UnaryOp::Neg { '-' } else { '!' };
            // The spelling is Kapacitor's.
            let message = format!("invalid arugument to '{symbol}' {shown}");
            Diagnostic::eval(codes::UNARY, span, message)
        })
    }

    /// An infix expression outside a lambda is a constant and evaluated at once.
    fn binary(&mut self, expr: &Expr, op_span: Span) -> Result<Value, Diagnostic> {
        let resolved = resolve(expr, &mut self.scope, &*self.host)?;
        let resolved = Arc::new(resolved);
        self.admit(&resolved)?;
        let result = constant::check(&resolved).and_then(|_| constant::eval(&resolved, &mut *self.host));
        let value = result.map_err(|error| {
            let diagnostic = Diagnostic::plain(codes::BINARY, op_span, error);
            match constant::reads_reference(&resolved) {
                true => diagnostic
                    .with_help("fields and tags are read in lambda expressions: write lambda: before it"),
                false => diagnostic,
            }
        })?;
        self.scope.spend(value.copied_bytes(), expr.span)?;
        Ok(value)
    }

    fn lambda(&mut self, body: &Expr) -> Result<Value, Diagnostic> {
        let resolved = Arc::new(resolve(body, &mut self.scope, &*self.host)?);
        self.admit(&resolved)?;
        Ok(Value::Lambda(resolved))
    }

    /// Refuses what would cost too much to evaluate or compile, alone or with all before it.
    fn admit(&mut self, resolved: &Arc<Expr>) -> Result<(), Diagnostic> {
        const EXPR_BYTES: usize = size_of::<Expr>();
        let size = self.measures.admit(resolved)?;
        self.scope.spend(size * EXPR_BYTES, resolved.span)
    }

    fn list(&mut self, items: &[Expr]) -> Result<Value, Diagnostic> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            let value = self.expr(item)?;
            if matches!(value, Value::List(_)) {
                let message = "a list cannot hold another list";
                return Err(Diagnostic::eval(codes::NOT_A_LITERAL, item.span, message));
            }
            values.push(value);
        }
        Ok(Value::List(values))
    }

    /// A value in messages that print it.
    fn shown(&self, value: &Value) -> String {
        match value {
            Value::Object(id) => self.host.describe(*id),
            // Kapacitor prints durations here as Go does, elsewhere as a script writes them.
            Value::Duration(ns) => format_go(*ns),
            other => other.to_string(),
        }
    }

    fn has_member(&self, object: ObjectId, link: Link, name: &str) -> bool {
        self.host.has_member(object, link, name)
    }
}
