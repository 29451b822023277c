//! The tokens of TICKscript.

use crate::ast::{BinaryOp, Span};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// The lexer could not go on; the message is kept with the tokens.
    Error,
    Eof,
    Var,
    Dbrp,
    Assign,
    Dot,
    Pipe,
    At,
    Ident,
    Reference,
    /// `lambda:`.
    Lambda,
    Number,
    String,
    Duration,
    LParen,
    RParen,
    LBracket,
    RBracket,
    Comma,
    /// `!`; the minus sign is `Op(Sub)` in either role.
    Not,
    True,
    False,
    Regex,
    Comment,
    /// `*` where no multiplication can stand.
    Star,
    Op(BinaryOp),
}

impl TokenKind {
    /// The name that messages use.
    pub(crate) fn name(self) -> &'static str {
        match self {
            TokenKind::Error => "ERR",
            TokenKind::Eof => "EOF",
            TokenKind::Var => "var",
            TokenKind::Dbrp => "dbrp",
            TokenKind::Assign => "=",
            TokenKind::Dot => ".",
            TokenKind::Pipe => "|",
            TokenKind::At => "@",
            TokenKind::Ident => "identifier",
            TokenKind::Reference => "reference",
            TokenKind::Lambda => "lambda",
            TokenKind::Number => "number",
            TokenKind::String => "string",
            TokenKind::Duration => "duration",
            TokenKind::LParen => "(",
            TokenKind::RParen => ")",
            TokenKind::LBracket => "[",
            TokenKind::RBracket => "]",
            TokenKind::Comma => ",",
            TokenKind::Not => "!",
            TokenKind::True => "TRUE",
            TokenKind::False => "FALSE",
            TokenKind::Regex => "regex",
            TokenKind::Comment => "//",
            TokenKind::Star => "*",
            TokenKind::Op(op) => op.symbol(),
        }
    }
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
}
