//! The values of literal tokens.

use crate::ast::{ExprKind, Span};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::duration;
use crate::go::quote;
use crate::re2;

/// `12`, `0755`, `1.5`.
pub(crate) fn number(text: &str, span: Span) -> Result<ExprKind, Diagnostic> {
    let kind = if text.contains('.') {
        text.parse().ok().filter(|value: &f64| value.is_finite()).map(ExprKind::Float)
    } else {
        let octal = text.len() > 1 && text.starts_with('0');
        let value = i64::from_str_radix(text, if octal { 8 } else { 10 });
        value.ok().map(|value| ExprKind::Int { value, octal })
    };
    kind.ok_or_else(|| {
        let message = format!("illegal number syntax: {}", quote(text));
        Diagnostic::parse(codes::NUMBER, span, message)
    })
}

/// `10s`.
pub(crate) fn duration(text: &str, span: Span) -> Result<ExprKind, Diagnostic> {
    let ns = duration::parse_influx(text)
        .map_err(|error| Diagnostic::parse(codes::DURATION, span, error.to_string()))?;
    Ok(ExprKind::Duration { ns, literal: text.to_owned() })
}

/// `'text'` and `'''text'''`.
pub(crate) fn string(text: &str) -> ExprKind {
    let triple = text.len() >= 6 && text.starts_with("'''");
    let value = if triple { inner(text, 3).to_owned() } else { inner(text, 1).replace("\\'", "'") };
    ExprKind::String { value, triple }
}

/// `/re/`; the pattern must be one that RE2 takes.
pub(crate) fn regex(text: &str, span: Span) -> Result<ExprKind, Diagnostic> {
    let pattern = inner(text, 1).replace("\\/", "/");
    re2::compile(&pattern).map_err(|error| Diagnostic::parse(codes::REGEX, span, error.to_string()))?;
    Ok(ExprKind::Regex(pattern))
}

/// `"name"`.
pub(crate) fn reference(text: &str) -> String {
    inner(text, 1).replace("\\\"", "\"")
}

/// The text without `width` quotes on either side, which the lexer has seen.
fn inner(text: &str, width: usize) -> &str {
    text.get(width..text.len().saturating_sub(width)).unwrap_or_default()
}
