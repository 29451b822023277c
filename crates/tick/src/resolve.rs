//! Replaces the identifiers of a lambda expression by the values they have where it is defined.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ast::{Call, Expr, ExprKind, Span};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::host::Host;
use crate::limits::{MAX_HEIGHT, MAX_LAMBDA_SIZE};
use crate::scope::Scope;
use crate::value::Value;

/// The expression with literals or embedded lambdas in place of its identifiers.
pub(crate) fn resolve(expr: &Expr, scope: &mut Scope, host: &dyn Host) -> Result<Expr, Diagnostic> {
    let mut inner = |expr: &Expr| resolve(expr, scope, host).map(Box::new);
    let kind = match &expr.kind {
        ExprKind::Ident(name) => {
            let value = scope.get_in_lambda(name, expr.span)?;
            return literal(&value, expr.span, host);
        }
        ExprKind::Unary { op, operand } => ExprKind::Unary { op: *op, operand: inner(operand)? },
        ExprKind::Binary { op, op_span, left, right, parens, multiline } => ExprKind::Binary {
            op: *op,
            op_span: *op_span,
            left: inner(left)?,
            right: inner(right)?,
            parens: *parens,
            multiline: *multiline,
        },
        ExprKind::Call(call) => {
            let args = call.args.iter().map(|arg| resolve(arg, scope, host));
            ExprKind::Call(Call { args: args.collect::<Result<_, _>>()?, ..call.clone() })
        }
        other => other.clone(),
    };
    Ok(Expr { span: expr.span, comment: expr.comment.clone(), kind })
}

fn literal(value: &Value, span: Span, host: &dyn Host) -> Result<Expr, Diagnostic> {
    value.to_literal(span).ok_or_else(|| {
        let type_name = match value {
            Value::Object(id) => host.describe(*id),
            other => other.go_type().to_owned(),
        };
        let message = format!("unsupported literal type {type_name}");
        Diagnostic::plain(codes::NOT_A_LITERAL, span, message)
    })
}

/// The size and height of trees, embedded lambdas included each time they occur.
#[derive(Default)]
pub(crate) struct Measures {
    /// Lambdas met so far. Holding them keeps their addresses from being used again.
    known: HashMap<*const Expr, (Measure, Arc<Expr>)>,
}

#[derive(Clone, Copy)]
struct Measure {
    size: usize,
    height: usize,
}

impl Measures {
    /// The size of a lambda, refused if it embeds more than can be afforded.
    pub(crate) fn admit(&mut self, lambda: &Arc<Expr>) -> Result<usize, Diagnostic> {
        let measure = self.lambda(lambda);
        if measure.size > MAX_LAMBDA_SIZE || measure.height > MAX_HEIGHT {
            let message = format!(
                "lambda expression has more than {MAX_LAMBDA_SIZE} parts or {MAX_HEIGHT} levels once its variables are put in"
            );
            return Err(Diagnostic::eval(codes::TOO_LARGE, lambda.span, message)
                .with_help("embed fewer lambda variables in each other"));
        }
        Ok(measure.size)
    }

    fn lambda(&mut self, lambda: &Arc<Expr>) -> Measure {
        let address = Arc::as_ptr(lambda);
        if let Some((measure, _)) = self.known.get(&address) {
            return *measure;
        }
        let measure = self.tree(lambda);
        self.known.insert(address, (measure, Arc::clone(lambda)));
        measure
    }

    fn tree(&mut self, expr: &Expr) -> Measure {
        let mut total = Measure { size: 1, height: 0 };
        let mut add = |part: Measure| {
            total.size = total.size.saturating_add(part.size);
            total.height = total.height.max(part.height);
        };
        match &expr.kind {
            ExprKind::Unary { operand, .. } => add(self.tree(operand)),
            ExprKind::Binary { left, right, .. } => {
                add(self.tree(left));
                add(self.tree(right));
            }
            ExprKind::Call(Call { args: parts, .. }) | ExprKind::List(parts) => {
                parts.iter().for_each(|part| add(self.tree(part)));
            }
            ExprKind::Chain { receiver, member, .. } => {
                add(self.tree(receiver));
                add(self.tree(member));
            }
            ExprKind::Lambda(body) => add(self.lambda(body)),
            _ => {}
        }
        total.height += 1;
        total
    }
}
