//! Questions about a tree that the parser asks while it builds it.

use crate::ast::{Comment, Expr, ExprKind, Span};
use crate::comment;

/// The byte that Kapacitor takes for the position of a node: the operator of an infix expression
/// or a link, otherwise the start. Whether a call or an expression spans lines is measured
/// between positions.
pub(super) fn position(expr: &Expr) -> usize {
    let start = match &expr.kind {
        ExprKind::Binary { op_span, .. } => op_span.start,
        ExprKind::Chain { link_span, .. } => link_span.start,
        _ => expr.span.start,
    };
    start as usize
}

/// The expression that would take a comment written in front of `expr`.
pub(super) fn front(mut expr: &mut Expr) -> &mut Option<Comment> {
    loop {
        match expr.kind {
            ExprKind::Binary { parens: false, .. } | ExprKind::Chain { .. } => {}
            _ => return &mut expr.comment,
        }
        expr = match &mut expr.kind {
            ExprKind::Binary { left, .. } => left,
            ExprKind::Chain { receiver, .. } => receiver,
            _ => unreachable!("all other kinds returned above"),
        };
    }
}

/// Marks `(inner)`: parentheses are kept around infix expressions only.
pub(super) fn parenthesised(inner: &mut Expr, span: Span, comment: Option<Comment>) {
    if let ExprKind::Binary { parens, .. } = &mut inner.kind {
        // What stood before the first operand stays inside; a second pair takes over the first.
        *parens = true;
        inner.span = span;
        comment::prepend(&mut inner.comment, comment);
    } else {
        comment::prepend(front(inner), comment);
    }
}
