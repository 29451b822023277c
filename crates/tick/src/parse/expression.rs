//! The expressions: chains, calls, lists, lambdas, operators and literals.

use std::sync::Arc;

use super::tree::{front, parenthesised, position};
use super::{Parser, Tall, text};
use crate::ast::{BinaryOp, Call, Expr, ExprKind, Link, Span, UnaryOp};
use crate::comment;
use crate::diagnostic::Diagnostic;
use crate::literal;
use crate::token::TokenKind;

/// What can start an operand, in the order Kapacitor lists it (`==` is its own slip).
const OPERANDS: [TokenKind; 10] = [
    TokenKind::Number,
    TokenKind::String,
    TokenKind::Duration,
    TokenKind::Ident,
    TokenKind::True,
    TokenKind::False,
    TokenKind::Op(BinaryOp::Eq),
    TokenKind::LParen,
    TokenKind::Op(BinaryOp::Sub),
    TokenKind::Not,
];

const ITEMS: [TokenKind; 3] = [TokenKind::Ident, TokenKind::String, TokenKind::Star];

/// Whose grammar the arguments of a call follow.
#[derive(Clone, Copy)]
enum Args {
    /// Anything, also lambdas, lists and chains.
    Script,
    /// Operands and operators only.
    Lambda,
}

impl Parser<'_> {
    /// Anything that a variable or an argument may be.
    pub(super) fn expression(&mut self) -> Result<Tall, Diagnostic> {
        match self.peek() {
            TokenKind::Ident => match self.token(1).kind {
                TokenKind::LParen => {
                    let call = self.call(Args::Script)?;
                    if ends_or_links(self.peek()) { self.chain(call) } else { self.operators(call, 0) }
                }
                next if ends_or_links(next) => {
                    let name = self.name()?;
                    self.chain(name)
                }
                _ => self.primary_expression(),
            },
            TokenKind::Lambda => self.lambda(),
            TokenKind::LBracket => self.list(),
            _ => self.primary_expression(),
        }
    }

    /// Operands joined by operators.
    pub(super) fn primary_expression(&mut self) -> Result<Tall, Diagnostic> {
        let left = self.primary()?;
        self.operators(left, 0)
    }

    /// `receiver|member(...)`, as many links as there are.
    fn chain(&mut self, mut receiver: Tall) -> Result<Tall, Diagnostic> {
        loop {
            let link = match self.peek() {
                TokenKind::Dot => Link::Property,
                TokenKind::Pipe => Link::Chain,
                TokenKind::At => Link::Dynamic,
                _ => return Ok(receiver),
            };
            let link_span = self.next().span;
            let comment = self.take_comment();
            let is_call = link == Link::Chain || self.token(1).kind == TokenKind::LParen;
            let member = if is_call { self.call(Args::Script)? } else { self.name()? };
            let span = receiver.expr.span.to(self.last_span());
            let heights = [receiver.height, member.height];
            let kind = ExprKind::Chain {
                receiver: Box::new(receiver.expr),
                link,
                link_span,
                member: Box::new(member.expr),
            };
            receiver = self.grown(Expr { span, comment, kind }, heights)?;
        }
    }

    fn name(&mut self) -> Result<Tall, Diagnostic> {
        let name = self.identifier()?;
        let comment = self.take_comment();
        self.grown(Expr { span: name.span, comment, kind: ExprKind::Ident(name.name) }, [])
    }

    /// `name(args)`.
    fn call(&mut self, grammar: Args) -> Result<Tall, Diagnostic> {
        let name = self.identifier()?;
        let comment = self.take_comment();
        self.expect(TokenKind::LParen)?;
        self.carry_comment();
        let (args, height) = self.nested(|parser| parser.arguments(grammar))?;
        self.expect(TokenKind::RParen)?;
        let trailing = self.take_comment();
        let start = name.span.start as usize;
        let multiline = args.last().is_some_and(|last| self.breaks_line(start, position(last)));
        let span = name.span.to(self.last_span());
        let kind = ExprKind::Call(Call { name, args, multiline, trailing });
        self.grown(Expr { span, comment, kind }, [height])
    }

    fn arguments(&mut self, grammar: Args) -> Result<(Vec<Expr>, usize), Diagnostic> {
        let (mut args, mut height) = (Vec::new(), 0);
        while self.peek() != TokenKind::RParen {
            let arg = match grammar {
                Args::Script => self.expression()?,
                Args::Lambda => self.primary_expression()?,
            };
            height = height.max(arg.height);
            args.push(arg.expr);
            if self.peek() != TokenKind::Comma {
                break;
            }
            self.next();
            self.carry_comment();
        }
        Ok((args, height))
    }

    /// `[name, 'text', *]`.
    fn list(&mut self) -> Result<Tall, Diagnostic> {
        let start = self.expect(TokenKind::LBracket)?.span;
        let comment = self.take_comment();
        let mut items = Vec::new();
        while self.peek() != TokenKind::RBracket {
            if !ITEMS.contains(&self.peek()) {
                return Err(self.unexpected(self.token(0), &ITEMS));
            }
            items.push(self.operand()?.expr);
            if self.peek() != TokenKind::Comma {
                break;
            }
            self.next();
            self.carry_comment();
        }
        let end = self.expect(TokenKind::RBracket)?.span;
        self.carry_comment();
        self.grown(Expr { span: start.to(end), comment, kind: ExprKind::List(items) }, [1])
    }

    /// `lambda: expression`.
    fn lambda(&mut self) -> Result<Tall, Diagnostic> {
        let start = self.expect(TokenKind::Lambda)?.span;
        let comment = self.take_comment();
        let body = self.primary_expression()?;
        let span = start.to(body.expr.span);
        self.grown(Expr { span, comment, kind: ExprKind::Lambda(Arc::new(body.expr)) }, [body.height])
    }

    /// Operators of at least the precedence given, after their first operand.
    fn operators(&mut self, mut left: Tall, least: u8) -> Result<Tall, Diagnostic> {
        while let TokenKind::Op(op) = self.peek() {
            if precedence(op) < least {
                break;
            }
            let op_span = self.next().span;
            // Nothing is printed before an operator, so its comment goes before the expression.
            comment::append(front(&mut left.expr), self.take_comment());
            let mut right = self.primary()?;
            while let TokenKind::Op(tighter) = self.peek() {
                if precedence(tighter) <= precedence(op) {
                    break;
                }
                right = self.operators(right, precedence(tighter))?;
            }
            left = self.binary(left, op, op_span, right)?;
        }
        Ok(left)
    }

    fn binary(&self, left: Tall, op: BinaryOp, op_span: Span, right: Tall) -> Result<Tall, Diagnostic> {
        let multiline = self.breaks_line(position(&left.expr), position(&right.expr));
        let span = left.expr.span.to(right.expr.span);
        let heights = [left.height, right.height];
        let kind = ExprKind::Binary {
            op,
            op_span,
            left: Box::new(left.expr),
            right: Box::new(right.expr),
            parens: false,
            multiline,
        };
        self.grown(Expr { span, comment: None, kind }, heights)
    }

    /// An operand: a literal, a name, a call, a prefix operator or parentheses.
    fn primary(&mut self) -> Result<Tall, Diagnostic> {
        match self.peek() {
            TokenKind::LParen => self.nested(Self::parentheses),
            TokenKind::Op(BinaryOp::Sub) => self.nested(|parser| parser.unary(UnaryOp::Neg)),
            TokenKind::Not => self.nested(|parser| parser.unary(UnaryOp::Not)),
            TokenKind::Ident if self.token(1).kind == TokenKind::LParen => self.call(Args::Lambda),
            _ => self.operand(),
        }
    }

    fn parentheses(&mut self) -> Result<Tall, Diagnostic> {
        let start = self.next().span;
        let comment = self.take_comment();
        let mut inner = self.primary_expression()?;
        let end = self.expect(TokenKind::RParen)?.span;
        self.carry_comment();
        parenthesised(&mut inner.expr, start.to(end), comment);
        Ok(inner)
    }

    fn unary(&mut self, op: UnaryOp) -> Result<Tall, Diagnostic> {
        let start = self.next().span;
        let comment = self.take_comment();
        let operand = self.primary()?;
        let span = start.to(operand.expr.span);
        let kind = ExprKind::Unary { op, operand: Box::new(operand.expr) };
        self.grown(Expr { span, comment, kind }, [operand.height])
    }

    /// A literal or a name: one token.
    fn operand(&mut self) -> Result<Tall, Diagnostic> {
        let token = self.token(0);
        let (span, text) = (token.span, text(self.source, token.span));
        let kind = match token.kind {
            TokenKind::Number => literal::number(text, span)?,
            TokenKind::Duration => literal::duration(text, span)?,
            TokenKind::String => literal::string(text),
            TokenKind::Regex => literal::regex(text, span)?,
            TokenKind::Reference => ExprKind::Reference(literal::reference(text)),
            TokenKind::True => ExprKind::Bool(true),
            TokenKind::False => ExprKind::Bool(false),
            TokenKind::Star => ExprKind::Star,
            TokenKind::Ident => ExprKind::Ident(text.to_owned()),
            _ => return Err(self.unexpected(token, &OPERANDS)),
        };
        self.next();
        let comment = self.take_comment();
        self.grown(Expr { span, comment, kind }, [])
    }

    /// Whether a line ends between two bytes of the source.
    fn breaks_line(&self, start: usize, end: usize) -> bool {
        self.source.as_bytes().get(start..end).is_some_and(|between| between.contains(&b'\n'))
    }
}

/// After a name or call: a link, or the start of the next statement.
fn ends_or_links(kind: TokenKind) -> bool {
    let links = [TokenKind::Dot, TokenKind::Pipe, TokenKind::At];
    links.contains(&kind) || matches!(kind, TokenKind::Var | TokenKind::Ident)
}

/// How tightly an operator binds; unlike C, equality binds more loosely than order.
fn precedence(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 0,
        BinaryOp::And => 1,
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Match | BinaryOp::NotMatch => 2,
        BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => 3,
        BinaryOp::Add | BinaryOp::Sub => 4,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => 5,
    }
}
