//! What is wrong with a script, where, and what to do about it.

use std::fmt;

use crate::ast::Span;
use crate::codes;
use crate::go::quote;
use crate::source::{context, position};
use crate::value::Value;

/// Which of Kapacitor's forms the one-line text of a diagnostic takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Found by the parser. With `expected` tokens the text quotes the place; without, Kapacitor
    /// gives only the message.
    Parse {
        /// What the grammar allows instead, in the order Kapacitor lists it.
        expected: Vec<&'static str>,
    },
    /// Found while evaluating, text starts with `line N char M:`.
    Eval,
    /// Found while evaluating, but Kapacitor's text names no place. The span still does.
    Plain,
}

/// A mistake in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code, listed in [`codes`] (other crates have their own lists).
    pub code: &'static str,
    /// Where; its start is the place that the text names.
    pub span: Span,
    /// What is wrong, in Kapacitor's words where it has any.
    pub message: String,
    /// What to do, if that can be said.
    pub help: Option<String>,
    /// The form of the one-line text.
    pub kind: Kind,
}

impl Diagnostic {
    /// A mistake found while evaluating, whose text names the place.
    pub fn eval(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { code, span, message: message.into(), help: None, kind: Kind::Eval }
    }

    /// A mistake found while evaluating, whose text names no place.
    pub fn plain(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { code, span, message: message.into(), help: None, kind: Kind::Plain }
    }

    /// A mistake found by the parser that is not about an unexpected token.
    pub(crate) fn parse(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        let kind = Kind::Parse { expected: Vec::new() };
        Diagnostic { code, span, message: message.into(), help: None, kind }
    }

    /// The same with a hint.
    pub fn with_help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// The same, with "did you mean" as hint when something near was found.
    pub fn with_suggestion(self, name: Option<&str>) -> Diagnostic {
        match name {
            Some(name) => self.with_help(format!("did you mean {}?", quote(name))),
            None => self,
        }
    }

    /// A double-quoted reference was given where the parameter is a string. `span` is the call's
    /// name, as in Kapacitor.
    pub fn reference_for_string(span: Span) -> Diagnostic {
        Diagnostic::eval(
            codes::WRONG_QUOTES,
            span,
            "cannot assign *ast.ReferenceNode to type string, did you use double quotes instead of single quotes?",
        )
    }

    /// A call failed for the reason given: `error calling func "name" on obj TYPE: cause`.
    /// `object` is the host's description of the receiver, `<nil>` for a function.
    pub fn calling(span: Span, name: &str, object: &str, cause: impl fmt::Display) -> Diagnostic {
        let message = format!("error calling func {} on obj {object}: {cause}", quote(name));
        Diagnostic::eval(codes::BAD_CALL, span, message)
    }

    /// An argument has a type that the parameter does not take; `wanted` is the Go type, such as
    /// `string` or `time.Duration`. A reference where a string belongs gets its own text.
    pub fn argument(span: Span, name: &str, object: &str, got: &Value, wanted: &str) -> Diagnostic {
        if wanted == "string" && matches!(got, Value::Reference(_)) {
            return Diagnostic::reference_for_string(span);
        }
        let cause = format!("reflect: Call using {} as type {wanted}", got.go_type());
        Diagnostic::calling(span, name, object, cause)
    }

    /// A value has a type that the property does not take. As [`Diagnostic::argument`], for
    /// properties that are plain fields in Kapacitor.
    pub fn assignment(span: Span, name: &str, object: &str, got: &Value, wanted: &str) -> Diagnostic {
        if wanted == "string" && matches!(got, Value::Reference(_)) {
            return Diagnostic::reference_for_string(span);
        }
        let got = got.go_type();
        let cause = format!("reflect.Set: value of type {got} is not assignable to type {wanted}");
        Diagnostic::calling(span, name, object, cause)
    }

    /// The text Kapacitor's API answers with, hint appended after it.
    pub fn one_line(&self, source: &str) -> String {
        let offset = self.span.start as usize;
        let place = position(source, offset);
        let mut text = match &self.kind {
            Kind::Parse { expected } if expected.is_empty() => format!("parser: {}", self.message),
            Kind::Parse { expected } => format!(
                "parser: {} line {} char {} in \"{}\". expected: {}",
                self.message,
                place.line,
                place.char,
                context(source, offset),
                expected.iter().map(|token| quote(token)).collect::<Vec<_>>().join(","),
            ),
            Kind::Eval => format!("line {} char {}: {}", place.line, place.char, self.message),
            Kind::Plain => self.message.clone(),
        };
        if let Some(help) = &self.help {
            text.push_str("; ");
            text.push_str(help);
        }
        text
    }
}

/// The message and the hint without the place, for logs that have no source at hand.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}
