//! Links of a chain, and the functions a script can call by name.

use super::Evaluator;
use crate::ast::{Call, Expr, ExprKind, Ident, Link, Span};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::go::quote;
use crate::host::Arg;
use crate::scope::TIME;
use crate::suggest::did_you_mean;
use crate::value::{ObjectId, Value};

/// The links with their symbols and the words of messages: as what was wanted, and as what exists.
const LINKS: [(Link, &str, &str, &str); 3] = [
    (Link::Property, ".", "property", "property"),
    (Link::Chain, "|", "chaining", "chaining method"),
    (Link::Dynamic, "@", "dynamic", "dynamic method"),
];

impl Evaluator<'_> {
    /// What follows a link: a call, or a property that is read.
    pub(super) fn member(
        &mut self,
        receiver: &Value,
        link: Link,
        link_span: Span,
        member: &Expr,
    ) -> Result<Value, Diagnostic> {
        match &member.kind {
            ExprKind::Call(call) => {
                let args = self.args(&call.args)?;
                let object = match receiver {
                    Value::Object(object) => *object,
                    other => {
                        return Err(not_an_object(other, call.name.span, true, &call.name));
                    }
                };
                self.check_member(object, link, &call.name)?;
                self.host.call(object, link, &call.name, &args, call.name.span)
            }
            ExprKind::Ident(name) => {
                let name = Ident { name: name.clone(), span: member.span };
                let object = match receiver {
                    Value::Object(object) => *object,
                    other => return Err(not_an_object(other, link_span, false, &name)),
                };
                match self.host.property(object, &name)? {
                    Some(value) => Ok(value),
                    None => Err(self.no_property(object, link_span, &name)),
                }
            }
            _ => {
                let message = "invalid right operand to '.' operator";
                Err(Diagnostic::eval(codes::NO_MEMBER, member.span, message))
            }
        }
    }

    /// The values of arguments. A sole list stands for the arguments in it.
    fn args(&mut self, exprs: &[Expr]) -> Result<Vec<Arg>, Diagnostic> {
        let mut args = Vec::with_capacity(exprs.len());
        for expr in exprs {
            args.push(Arg { value: self.expr(expr)?, span: expr.span });
        }
        if let [Arg { value: Value::List(items), span }] = args.as_mut_slice() {
            let spans = match exprs.first().map(|expr| &expr.kind) {
                Some(ExprKind::List(exprs)) => exprs.iter().map(|item| item.span).collect(),
                _ => vec![*span; items.len()],
            };
            let items = std::mem::take(items).into_iter().zip(spans);
            args = items.map(|(value, span)| Arg { value, span }).collect();
        }
        Ok(args)
    }

    /// Makes sure that a member exists for this link, or says which link is right.
    fn check_member(&self, object: ObjectId, link: Link, name: &Ident) -> Result<(), Diagnostic> {
        if self.has_member(object, link, &name.name) {
            return Ok(());
        }
        let described = self.host.describe(object);
        let quoted = quote(&name.name);
        let wanted = LINKS.iter().find(|(candidate, ..)| *candidate == link);
        let right =
            LINKS.iter().find(|(other, ..)| *other != link && self.has_member(object, *other, &name.name));
        if let (Some((_, _, wanted, _)), Some((_, symbol, _, existing))) = (wanted, right) {
            let message = format!(
                "no {wanted} method {quoted} on {described}, but {existing} does exist. Use '{symbol}' operator instead: 'node{symbol}{}(..)'.",
                name.name,
            );
            return Err(Diagnostic::eval(codes::WRONG_LINK, name.span, message));
        }
        let message = format!("no method or property {quoted} on {described}");
        let names: Vec<String> =
            LINKS.iter().flat_map(|(link, ..)| self.host.members(object, *link)).collect();
        let suggestion = did_you_mean(&name.name, names.iter().map(String::as_str));
        Err(Diagnostic::eval(codes::NO_MEMBER, name.span, message).with_suggestion(suggestion))
    }

    fn no_property(&self, object: ObjectId, link_span: Span, name: &Ident) -> Diagnostic {
        let message = format!("object {} has no property {}", self.host.describe(object), name.name);
        let diagnostic = Diagnostic::eval(codes::NO_MEMBER, link_span, message);
        if self.has_member(object, Link::Property, &name.name) {
            return diagnostic.with_help(format!("call it: .{}()", name.name));
        }
        let names = self.host.members(object, Link::Property);
        diagnostic.with_suggestion(did_you_mean(&name.name, names.iter().map(String::as_str)))
    }

    /// A function called by its name alone: [`TIME`] is the only one.
    pub(super) fn global(&mut self, call: &Call) -> Result<Value, Diagnostic> {
        let args = self.args(&call.args)?;
        if call.name.name == TIME {
            return time(&args, call.name.span);
        }
        let message = format!("no global function {} defined", quote(&call.name.name));
        Err(Diagnostic::eval(codes::NO_FUNCTION, call.name.span, message)
            .with_help("functions belong in lambda expressions, members after . or |"))
    }
}

/// `time(every[, offset])`.
fn time(args: &[Arg], span: Span) -> Result<Value, Diagnostic> {
    let mut durations = [0; 2];
    if args.is_empty() {
        return Err(Diagnostic::calling(span, TIME, "<nil>", "reflect: Call with too few input arguments"));
    }
    if args.len() > durations.len() {
        let message = format!("time() function expects 1 or 2 args, got {}", args.len());
        return Err(Diagnostic::eval(codes::BAD_CALL, span, message));
    }
    for (slot, arg) in durations.iter_mut().zip(args) {
        match arg.value {
            Value::Duration(ns) => *slot = ns,
            ref other => {
                return Err(Diagnostic::argument(span, TIME, "<nil>", other, "time.Duration"));
            }
        }
    }
    let [every, offset] = durations;
    Ok(Value::TimeDimension { every, offset })
}

/// Why nothing can follow a value that is no object. In Kapacitor some are pointers to
/// structures without members, and so get a different text.
fn not_an_object(value: &Value, span: Span, is_call: bool, name: &Ident) -> Diagnostic {
    let is_pointer = matches!(value, Value::Lambda(_) | Value::Regex(_) | Value::Star | Value::Reference(_));
    let message = match (is_pointer, is_call) {
        (false, _) => "cannot get properties of non pointer value".to_owned(),
        (true, true) => format!("no method or property {} on {}", quote(&name.name), value.go_type()),
        (true, false) => format!("object {} has no property {}", value.go_type(), name.name),
    };
    Diagnostic::eval(codes::NO_MEMBER, span, message).with_help("only nodes have members")
}
