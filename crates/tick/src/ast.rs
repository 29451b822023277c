//! The syntax tree of a TICKscript: what the parser makes, the formatter prints, the evaluator
//! and `lambda` read. Nothing here knows what a node is.

use std::sync::Arc;

/// A range of bytes in the source text, `start..end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// Adjacent `//` lines before a node, one string a line, without the slashes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comment {
    /// The lines, trimmed.
    pub lines: Vec<String>,
}

/// A whole script.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// The statements in order.
    pub statements: Vec<Statement>,
    /// Comments after the last statement.
    pub trailing: Option<Comment>,
}

/// One statement with the comment that stands before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The comment before it; the description of a variable.
    pub comment: Option<Comment>,
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: StatementKind,
}

/// The kinds of statement.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// `var name = expr`.
    Declaration {
        /// The variable.
        name: Ident,
        /// Its value.
        value: Expr,
    },
    /// `var name type`: a parameter of a template without a default.
    TypeDeclaration {
        /// The variable.
        name: Ident,
        /// `int float bool string regex duration lambda list star`.
        type_name: Ident,
    },
    /// `dbrp "db"."rp"`.
    Dbrp {
        /// Database.
        db: String,
        /// Retention policy.
        rp: String,
    },
    /// An expression for its effect, nearly always a chain.
    Expression(Expr),
}

/// A name with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Ident {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// An expression with its place and the comment directly before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Where it stands.
    pub span: Span,
    /// The comment before it.
    pub comment: Option<Comment>,
    /// What it is.
    pub kind: ExprKind,
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `TRUE`, `FALSE`.
    Bool(bool),
    /// `12`, `0755`; the base is kept for the formatter.
    Int {
        /// Value.
        value: i64,
        /// Written with a leading zero.
        octal: bool,
    },
    /// `1.5`, `.5`, `5.`.
    Float(f64),
    /// `10s`; the text is kept for the formatter.
    Duration {
        /// Nanoseconds.
        ns: i64,
        /// As written.
        literal: String,
    },
    /// `'text'` or `'''text'''`.
    String {
        /// Without quotes and escapes.
        value: String,
        /// Triple-quoted.
        triple: bool,
    },
    /// `/re/`, without the slashes and with `\/` undone.
    Regex(String),
    /// `*`.
    Star,
    /// `"name"`: a field or tag of a point.
    Reference(String),
    /// A bare name: a variable, or the head of a chain (`stream`, `batch`).
    Ident(String),
    /// `[a, 'b', *]`.
    List(Vec<Expr>),
    /// `-x`, `!x`.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Its operand.
        operand: Box<Expr>,
    },
    /// `a + b`.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Where the operator itself stands.
        op_span: Span,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
        /// Written within parentheses.
        parens: bool,
        /// The operands stand on different lines.
        multiline: bool,
    },
    /// `name(args)`, or `recv.name(args)` as part of a chain.
    Call(Call),
    /// `recv|name(...)`, `recv.name(...)`, `recv@name(...)`, `recv.name`.
    Chain {
        /// What stands before the operator.
        receiver: Box<Expr>,
        /// `.`, `|` or `@`.
        link: Link,
        /// Where the operator stands.
        link_span: Span,
        /// A [`ExprKind::Call`], or an [`ExprKind::Ident`] for a property read.
        member: Box<Expr>,
    },
    /// `lambda: expr`. Shared, because tasks keep it after the tree is gone.
    Lambda(Arc<Expr>),
}

/// A function or method call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its name.
    pub name: Ident,
    /// The arguments.
    pub args: Vec<Expr>,
    /// The arguments span lines.
    pub multiline: bool,
    /// A comment before the closing parenthesis.
    pub trailing: Option<Comment>,
}

/// How a chain continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// `.`: a property.
    Property,
    /// `|`: a new node.
    Chain,
    /// `@`: a user-defined function.
    Dynamic,
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `!`
    Not,
}

/// Infix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `=~`
    Match,
    /// `!~`
    NotMatch,
    /// `AND`
    And,
    /// `OR`
    Or,
}

impl BinaryOp {
    /// As written in a script.
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Mod => "%",
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::Match => "=~",
            BinaryOp::NotMatch => "!~",
            BinaryOp::And => "AND",
            BinaryOp::Or => "OR",
        }
    }
}
