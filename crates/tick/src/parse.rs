//! From tokens to the tree: recursive descent, operators by precedence.
//!
//! A comment belongs to the token after it. Where that token starts a node, the node keeps it;
//! where it does not (a comma, a closing parenthesis), the comment moves on to the next token.
//! Kapacitor loses such comments.

mod expression;
mod tree;

use std::sync::Arc;

use crate::ast::{Comment, Expr, Ident, Program, Span, Statement, StatementKind};
use crate::codes;
use crate::comment;
use crate::diagnostic::{Diagnostic, Kind};
use crate::lex::lex;
use crate::limits::{MAX_HEIGHT, MAX_NESTING, MAX_SCRIPT_BYTES};
use crate::literal;
use crate::token::{Token, TokenKind};

/// Parses a script.
///
/// # Errors
/// The first place where the text is not TICKscript, or a limit ([`MAX_SCRIPT_BYTES`],
/// [`MAX_NESTING`], [`MAX_HEIGHT`]) that it exceeds.
pub fn parse(source: &str) -> Result<Program, Diagnostic> {
    let mut parser = Parser::new(source)?;
    let mut program = Program::default();
    while parser.peek() != TokenKind::Eof {
        program.statements.push(parser.statement()?);
    }
    parser.next();
    program.trailing = parser.take_comment();
    Ok(program)
}

/// Parses a lambda expression that stands alone, without `lambda:` in front. Identifiers stay
/// identifiers.
///
/// # Errors
/// As [`parse`].
pub fn parse_lambda(source: &str) -> Result<Arc<Expr>, Diagnostic> {
    let mut parser = Parser::new(source)?;
    let expr = parser.primary_expression()?.expr;
    parser.expect(TokenKind::Eof)?;
    Ok(Arc::new(expr))
}

/// An expression and the height of its tree, so that the limit is checked as the tree grows.
struct Tall {
    expr: Expr,
    height: usize,
}

struct Parser<'a> {
    source: &'a str,
    /// Without comments; ends with `Eof` or `Error`.
    tokens: Vec<Token>,
    /// The comment before each token, until a node takes it.
    comments: Vec<Option<Comment>>,
    /// The text of the `Error` token.
    error: Option<String>,
    /// The next token.
    pos: usize,
    nesting: usize,
}

impl<'a> Parser<'a> {
    fn new(source: &'a str) -> Result<Parser<'a>, Diagnostic> {
        if source.len() > MAX_SCRIPT_BYTES {
            let message = format!("script of {} bytes is longer than {MAX_SCRIPT_BYTES}", source.len());
            return Err(Diagnostic::parse(codes::TOO_LONG, Span::default(), message)
                .with_help("split it into several tasks"));
        }
        let lexed = lex(source);
        let mut tokens = Vec::with_capacity(lexed.tokens.len());
        let mut comments = Vec::with_capacity(lexed.tokens.len());
        let mut pending = None;
        for token in lexed.tokens {
            if token.kind == TokenKind::Comment {
                let lines = comment::from_token(text(source, token.span));
                comment::append(&mut pending, Some(lines));
            } else {
                tokens.push(token);
                comments.push(pending.take());
            }
        }
        Ok(Parser { source, tokens, comments, error: lexed.error, pos: 0, nesting: 0 })
    }

    fn statement(&mut self) -> Result<Statement, Diagnostic> {
        match self.peek() {
            TokenKind::Var => self.declaration(),
            TokenKind::Dbrp => self.dbrp(),
            _ => {
                let expr = self.expression()?.expr;
                let (span, kind) = (expr.span, StatementKind::Expression(expr));
                Ok(Statement { comment: None, span, kind })
            }
        }
    }

    fn declaration(&mut self) -> Result<Statement, Diagnostic> {
        let start = self.expect(TokenKind::Var)?.span;
        let mut comment = self.take_comment();
        let name = self.identifier()?;
        comment::append(&mut comment, self.take_comment());
        let kind = if self.peek() == TokenKind::Assign {
            self.next();
            comment::append(&mut comment, self.take_comment());
            let value = self.expression()?.expr;
            StatementKind::Declaration { name, value }
        } else {
            let type_name = self.identifier()?;
            comment::append(&mut comment, self.take_comment());
            StatementKind::TypeDeclaration { name, type_name }
        };
        Ok(Statement { comment, span: start.to(self.last_span()), kind })
    }

    fn dbrp(&mut self) -> Result<Statement, Diagnostic> {
        let start = self.expect(TokenKind::Dbrp)?.span;
        let mut comment = self.take_comment();
        let mut parts = [String::new(), String::new()];
        for (index, part) in parts.iter_mut().enumerate() {
            if index > 0 {
                self.expect(TokenKind::Dot)?;
                comment::append(&mut comment, self.take_comment());
            }
            let token = self.expect(TokenKind::Reference)?;
            comment::append(&mut comment, self.take_comment());
            *part = literal::reference(text(self.source, token.span));
        }
        let [db, rp] = parts;
        let kind = StatementKind::Dbrp { db, rp };
        Ok(Statement { comment, span: start.to(self.last_span()), kind })
    }

    /// A name; its comment stays with the token.
    fn identifier(&mut self) -> Result<Ident, Diagnostic> {
        let token = self.expect(TokenKind::Ident)?;
        Ok(Ident { name: text(self.source, token.span).to_owned(), span: token.span })
    }

    /// The token at `ahead` of the next; the last token is the answer beyond the end.
    fn token(&self, ahead: usize) -> Token {
        let eof = Token { kind: TokenKind::Eof, span: Span::default() };
        self.tokens.get(self.pos + ahead).or(self.tokens.last()).copied().unwrap_or(eof)
    }

    fn peek(&self) -> TokenKind {
        self.token(0).kind
    }

    fn next(&mut self) -> Token {
        let token = self.token(0);
        self.pos += 1;
        token
    }

    fn expect(&mut self, kind: TokenKind) -> Result<Token, Diagnostic> {
        let token = self.token(0);
        if token.kind != kind {
            return Err(self.unexpected(token, &[kind]));
        }
        self.pos += 1;
        Ok(token)
    }

    /// The span of the token read last.
    fn last_span(&self) -> Span {
        let index = self.pos.saturating_sub(1);
        self.tokens.get(index).map_or_else(Span::default, |token| token.span)
    }

    /// The comment before the token read last.
    fn take_comment(&mut self) -> Option<Comment> {
        self.comments.get_mut(self.pos.saturating_sub(1))?.take()
    }

    /// Moves the comment before the token read last to the next token.
    fn carry_comment(&mut self) {
        let carried = self.take_comment();
        if let Some(slot) = self.comments.get_mut(self.pos) {
            comment::prepend(slot, carried);
        }
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Diagnostic>) -> Result<T, Diagnostic> {
        if self.nesting >= MAX_NESTING {
            let message = format!("expression is nested more than {MAX_NESTING} levels deep");
            return Err(Diagnostic::parse(codes::TOO_DEEP, self.token(0).span, message)
                .with_help("move inner expressions into variables"));
        }
        self.nesting += 1;
        let result = parse(self);
        self.nesting -= 1;
        result
    }

    /// A node over children of the heights given.
    fn grown(&self, expr: Expr, children: impl IntoIterator<Item = usize>) -> Result<Tall, Diagnostic> {
        let height = 1 + children.into_iter().max().unwrap_or(0);
        if height > MAX_HEIGHT {
            let message = format!("expression has more than {MAX_HEIGHT} operators or links in a row");
            return Err(Diagnostic::parse(codes::TOO_DEEP, expr.span, message)
                .with_help("move parts of it into variables"));
        }
        Ok(Tall { expr, height })
    }

    fn unexpected(&self, token: Token, expected: &[TokenKind]) -> Diagnostic {
        let message = match (&self.error, token.kind) {
            (Some(error), TokenKind::Error) => format!("unexpected {error}"),
            _ => format!("unexpected {}", token.kind.name()),
        };
        let expected = expected.iter().map(|kind| kind.name()).collect();
        let kind = Kind::Parse { expected };
        let help = self.hint(token).map(str::to_owned);
        Diagnostic { code: codes::UNEXPECTED, span: token.span, message, help, kind }
    }

    /// What the author most likely meant, judging by the token alone.
    fn hint(&self, token: Token) -> Option<&'static str> {
        let rest = &self.source[token.span.start as usize..];
        match token.kind {
            TokenKind::Ident => match text(self.source, token.span) {
                "and" | "And" => Some("write AND in capitals"),
                "or" | "Or" => Some("write OR in capitals"),
                "not" | "NOT" => Some("write ! instead of NOT"),
                _ => self.hint_before(token),
            },
            TokenKind::Pipe if rest.starts_with("||") => Some("write OR instead of ||"),
            TokenKind::Assign if self.before() != Some(TokenKind::Var) => {
                Some("compare with ==, define with var")
            }
            TokenKind::Error if rest.starts_with("&&") => Some("write AND instead of &&"),
            TokenKind::Error if rest.starts_with('=') => Some("compare with ==, define with var"),
            TokenKind::Error if rest.starts_with(';') => Some("no semicolon ends a statement"),
            TokenKind::Error if rest.starts_with('#') => Some("comments start with //"),
            _ => self.hint_before(token),
        }
    }

    /// The kind of the token before the next.
    fn before(&self) -> Option<TokenKind> {
        self.tokens.get(self.pos.checked_sub(1)?).map(|token| token.kind)
    }

    /// The same, judging by the token before.
    fn hint_before(&self, token: Token) -> Option<&'static str> {
        let before = self.tokens.get(self.pos.checked_sub(1)?)?;
        let touches = before.span.end == token.span.start;
        match before.kind {
            TokenKind::Ident if text(self.source, before.span) == "lambda" => {
                Some("write lambda: with its colon")
            }
            TokenKind::Number | TokenKind::Duration if touches => {
                Some("a number has no exponent, a duration one number and one unit of u ms s m h d w")
            }
            _ => None,
        }
    }
}

fn text(source: &str, span: Span) -> &str {
    source.get(span.start as usize..span.end as usize).unwrap_or_default()
}
