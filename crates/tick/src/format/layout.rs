//! Which calls and infix expressions break their lines.
//!
//! A reader of the written form judges by line breaks between the positions of operands, so the
//! writer must judge in the same way, or the second pass would differ from the first. The
//! judgement needs what all children look like once written: one pass from the leaves up.

use std::collections::HashSet;
use std::ptr::from_ref;

use crate::ast::{Call, Expr, ExprKind, Program, StatementKind};

/// The calls and infix expressions that break, by address: the tree is borrowed while it is used.
#[derive(Default)]
pub(super) struct Layout {
    broken: HashSet<*const Expr>,
}

/// Where the written form of an expression breaks the line.
#[derive(Clone, Copy, Default)]
struct Breaks {
    /// Before its position: the operator of an infix expression, the last link of a chain, or
    /// else the start. A comment in front breaks here.
    before: bool,
    /// After its position.
    after: bool,
}

impl Breaks {
    fn any(self) -> bool {
        self.before || self.after
    }
}

impl Layout {
    pub(super) fn of_program(program: &Program) -> Layout {
        let mut layout = Layout::default();
        for statement in &program.statements {
            match &statement.kind {
                StatementKind::Declaration { value: expr, .. } | StatementKind::Expression(expr) => {
                    layout.measure(expr);
                }
                StatementKind::TypeDeclaration { .. } | StatementKind::Dbrp { .. } => {}
            }
        }
        layout
    }

    pub(super) fn of_expr(expr: &Expr) -> Layout {
        let mut layout = Layout::default();
        layout.measure(expr);
        layout
    }

    /// Whether a call puts its arguments on lines of their own, or an infix expression its right
    /// operand.
    pub(super) fn is_broken(&self, expr: &Expr) -> bool {
        self.broken.contains(&from_ref(expr))
    }

    fn measure(&mut self, expr: &Expr) -> Breaks {
        let mut breaks = match &expr.kind {
            ExprKind::Chain { receiver, member, .. } => {
                self.measure(receiver);
                Breaks { before: true, after: self.measure(member).any() }
            }
            ExprKind::Binary { left, right, multiline, .. } => {
                let (left, right) = (self.measure(left), self.measure(right));
                let broken = *multiline || left.after || right.before;
                self.record(expr, broken);
                Breaks { before: left.any(), after: broken || right.any() }
            }
            ExprKind::Call(call) => {
                let (broken, any) = self.measure_call(call);
                self.record(expr, broken);
                Breaks { before: false, after: any || call.trailing.is_some() }
            }
            ExprKind::Unary { operand: inner, .. } => after(self.measure(inner).any()),
            ExprKind::Lambda(inner) => after(self.measure(inner).any()),
            ExprKind::List(items) => {
                // Every item must be measured, also after one that breaks.
                let broken = items.iter().filter(|item| self.measure(item).any()).count();
                after(broken > 0)
            }
            ExprKind::String { value: text, .. } | ExprKind::Regex(text) | ExprKind::Reference(text) => {
                after(text.contains('\n'))
            }
            ExprKind::Bool(_)
            | ExprKind::Int { .. }
            | ExprKind::Float(_)
            | ExprKind::Duration { .. }
            | ExprKind::Star
            | ExprKind::Ident(_) => Breaks::default(),
        };
        breaks.before |= expr.comment.is_some();
        breaks
    }

    /// Whether the arguments go on lines of their own, and whether anything breaks a line.
    fn measure_call(&mut self, call: &Call) -> (bool, bool) {
        let args: Vec<Breaks> = call.args.iter().map(|arg| self.measure(arg)).collect();
        let Some((last, others)) = args.split_last() else {
            return (false, false);
        };
        let broken = call.multiline || last.before || others.iter().any(|arg| arg.any());
        (broken, broken || last.after)
    }

    fn record(&mut self, expr: &Expr, broken: bool) {
        if broken {
            self.broken.insert(from_ref(expr));
        }
    }
}

fn after(after: bool) -> Breaks {
    Breaks { before: false, after }
}
