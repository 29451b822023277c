//! The standard layout of a script: Kapacitor's, byte for byte, and the same again when applied
//! to its own output. Where Kapacitor needs two passes to settle (a chain as an argument on one
//! line), this gives the second at once.

mod layout;

use std::borrow::Cow;

use crate::ast::{Call, Comment, Expr, ExprKind, Link, Program, Statement, StatementKind, UnaryOp};
use crate::comment::GAP;
use layout::Layout;

const STEP: &str = "    ";

/// The script in standard layout.
pub fn format(program: &Program) -> String {
    let program = &*guarded(program);
    let mut out = Formatter { out: String::new(), layout: Layout::of_program(program) };
    for (index, statement) in program.statements.iter().enumerate() {
        if index > 0 {
            out.out.push('\n');
        }
        let guard = continues(&program.statements, index);
        out.statement(statement, guard);
        out.out.push('\n');
    }
    if let Some(trailing) = &program.trailing {
        if !program.statements.is_empty() {
            out.out.push('\n');
        }
        out.comment(trailing, At { indent: 0, new_line: true });
        out.out.push('\n');
    }
    out.out
}

/// Whether a statement would be read as the rest of the one before it: that one ends in an operand,
/// and this one starts with what can also be an operator.
fn continues(statements: &[Statement], index: usize) -> bool {
    let ends_in_operand = |statement: &Statement| {
        matches!(statement.kind, StatementKind::Declaration { .. } | StatementKind::Expression(_))
    };
    let follows = index.checked_sub(1).and_then(|before| statements.get(before)).is_some_and(ends_in_operand);
    let first = statements.get(index).and_then(|statement| match &statement.kind {
        StatementKind::Expression(expr) => Some(first_operand(expr)),
        _ => None,
    });
    let is_operator =
        matches!(first, Some(ExprKind::Unary { op: UnaryOp::Neg, .. } | ExprKind::Star | ExprKind::Regex(_)));
    follows && is_operator
}

/// What an expression starts with, once written.
fn first_operand(expr: &Expr) -> &ExprKind {
    match &expr.kind {
        ExprKind::Binary { left, parens: false, .. } => first_operand(left),
        other => other,
    }
}

/// The program with parentheses around the infix expressions that need them to stand alone.
/// Kapacitor drops them, and what it then reads back is another script.
fn guarded(program: &Program) -> Cow<'_, Program> {
    let mut program = Cow::Borrowed(program);
    for index in 0..program.statements.len() {
        if continues(&program.statements, index)
            && let Some(statement) = program.to_mut().statements.get_mut(index)
            && let StatementKind::Expression(Expr { kind: ExprKind::Binary { parens, .. }, .. }) =
                &mut statement.kind
        {
            *parens = true;
        }
    }
    program
}

/// An expression in standard layout; for a lambda this is its text without `lambda:`.
pub fn format_expr(expr: &Expr) -> String {
    let mut out = Formatter { out: String::new(), layout: Layout::of_expr(expr) };
    out.expr(expr, At { indent: 0, new_line: true });
    out.out
}

/// Where the next node is written.
#[derive(Clone, Copy)]
struct At {
    /// Steps of indentation.
    indent: usize,
    /// The node starts its line, and so writes the indentation itself.
    new_line: bool,
}

impl At {
    /// Further along the same line.
    fn inline(self) -> At {
        At { new_line: false, ..self }
    }

    fn deeper(self, steps: usize) -> At {
        At { indent: self.indent + steps, ..self }
    }
}

struct Formatter {
    out: String,
    layout: Layout,
}

impl Formatter {
    fn indent(&mut self, at: At) {
        for _ in 0..at.indent {
            self.out.push_str(STEP);
        }
    }

    fn comment(&mut self, comment: &Comment, at: At) {
        if !at.new_line {
            self.out.push('\n');
        }
        for line in &comment.lines {
            if line != GAP {
                self.indent(at);
                self.out.push_str("//");
                if !line.is_empty() {
                    self.out.push(' ');
                    self.out.push_str(line);
                }
            }
            self.out.push('\n');
        }
    }

    fn statement(&mut self, statement: &Statement, guard: bool) {
        let at = At { indent: 0, new_line: true };
        if let Some(comment) = &statement.comment {
            self.comment(comment, at);
        }
        match &statement.kind {
            StatementKind::Declaration { name, value } => {
                self.out.push_str("var ");
                self.out.push_str(&name.name);
                self.out.push_str(" = ");
                self.expr(value, at.inline());
            }
            StatementKind::TypeDeclaration { name, type_name } => {
                self.out.push_str("var ");
                self.out.push_str(&name.name);
                self.out.push(' ');
                self.out.push_str(&type_name.name);
            }
            StatementKind::Dbrp { db, rp } => {
                self.out.push_str("dbrp ");
                self.quoted(db, '"');
                self.out.push('.');
                self.quoted(rp, '"');
            }
            StatementKind::Expression(expr) if guard => {
                self.out.push('(');
                self.expr(expr, at.inline());
                self.out.push(')');
            }
            StatementKind::Expression(expr) => self.expr(expr, at),
        }
    }

    fn expr(&mut self, expr: &Expr, mut at: At) {
        if let ExprKind::Chain { receiver, link, member, .. } = &expr.kind {
            // The comment of a chain stands before its last link, not before the whole.
            return self.link(receiver, expr.comment.as_ref(), *link, member, at);
        }
        if let Some(comment) = &expr.comment {
            self.comment(comment, at);
            at.new_line = true;
        }
        if at.new_line {
            self.indent(at);
        }
        match &expr.kind {
            ExprKind::Binary { op, left, right, parens, .. } => {
                // The empty regular expression at the start of a line would be a comment.
                let broken = self.layout.is_broken(expr) && !is_empty_regex(right);
                let inner = at.inline().deeper(usize::from(*parens));
                if *parens {
                    self.out.push('(');
                }
                self.expr(left, inner);
                self.out.push(' ');
                self.out.push_str(op.symbol());
                self.out.push(if broken { '\n' } else { ' ' });
                self.expr(right, At { new_line: broken, ..inner });
                if *parens {
                    self.out.push(')');
                }
            }
            ExprKind::Unary { op, operand } => {
                self.out.push(match op {
                    UnaryOp::Neg => '-',
                    UnaryOp::Not => '!',
                });
                self.expr(operand, at.inline());
            }
            ExprKind::Call(call) => self.call(call, self.layout.is_broken(expr), at),
            ExprKind::Lambda(body) => {
                self.out.push_str("lambda: ");
                self.expr(body, at.inline());
            }
            ExprKind::List(items) => {
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(", ");
                    }
                    // Kapacitor hands the line start on to every item, and so indents each.
                    self.expr(item, at);
                }
                self.out.push(']');
            }
            literal => self.literal(literal),
        }
    }

    fn link(&mut self, receiver: &Expr, comment: Option<&Comment>, link: Link, member: &Expr, at: At) {
        self.expr(receiver, at);
        self.out.push('\n');
        let (symbol, steps) = match link {
            Link::Property => ('.', 2),
            Link::Chain => ('|', 1),
            Link::Dynamic => ('@', 1),
        };
        let at = At { new_line: true, ..at.deeper(steps) };
        if let Some(comment) = comment {
            self.comment(comment, at);
        }
        self.indent(at);
        self.out.push(symbol);
        self.expr(member, at.inline());
    }

    fn call(&mut self, call: &Call, broken: bool, at: At) {
        let inner = At { new_line: broken, ..at.deeper(1) };
        self.out.push_str(&call.name.name);
        self.out.push('(');
        for (index, arg) in call.args.iter().enumerate() {
            if index > 0 {
                self.out.push_str(if broken { "," } else { ", " });
            }
            if broken {
                self.out.push('\n');
            }
            self.expr(arg, inner);
        }
        match &call.trailing {
            Some(trailing) => {
                self.comment(trailing, inner.inline());
                self.indent(at);
            }
            None if broken => {
                self.out.push('\n');
                self.indent(at);
            }
            None => {}
        }
        self.out.push(')');
    }

    fn literal(&mut self, literal: &ExprKind) {
        match literal {
            ExprKind::Bool(true) => self.out.push_str("TRUE"),
            ExprKind::Bool(false) => self.out.push_str("FALSE"),
            ExprKind::Int { value, octal: false } => self.out.push_str(&value.to_string()),
            ExprKind::Int { value, octal: true } => self.out.push_str(&format!("0{value:o}")),
            ExprKind::Float(value) => {
                let text = value.to_string();
                self.out.push_str(&text);
                if !text.contains('.') {
                    self.out.push_str(".0");
                }
            }
            ExprKind::Duration { literal, .. } => self.out.push_str(literal),
            ExprKind::String { value, triple: true } => {
                self.out.push_str("'''");
                self.out.push_str(value);
                self.out.push_str("'''");
            }
            ExprKind::String { value, triple: false } => self.quoted(value, '\''),
            ExprKind::Regex(pattern) => self.quoted(pattern, '/'),
            ExprKind::Star => self.out.push('*'),
            ExprKind::Reference(name) => self.quoted(name, '"'),
            ExprKind::Ident(name) => self.out.push_str(name),
            _ => unreachable!("compound expressions are written by `expr`"),
        }
    }

    fn quoted(&mut self, text: &str, quote: char) {
        self.out.push(quote);
        for char in text.chars() {
            if char == quote {
                self.out.push('\\');
            }
            self.out.push(char);
        }
        self.out.push(quote);
    }
}

fn is_empty_regex(expr: &Expr) -> bool {
    expr.comment.is_none() && matches!(&expr.kind, ExprKind::Regex(pattern) if pattern.is_empty())
}
