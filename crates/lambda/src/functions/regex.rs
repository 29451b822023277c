//! Functions on regular expressions.

use super::{Body, Function, Signature, text};
use crate::error::CallError;
use crate::ops::TEXT_BYTES_MAX;
use crate::scope::Env;
use crate::types::{Ty, Val};
use regex::Regex;

pub(super) const FUNCTIONS: &[Function] = &[Function {
    name: "regexReplace",
    doc: "Puts the third argument in the place of every match in the second; `$1` is the first group.",
    signatures: &[Signature { args: &[Ty::Regex, Ty::Str, Ty::Str], result: Ty::Str }],
    body: Body::Any(regex_replace),
}];

fn regex_replace<'a>(args: &mut [Val<'a>], _: &Env) -> Result<Val<'a>, CallError> {
    let (source, replacement) = (text(args, 1), text(args, 2));
    Ok(Val::Str(match &args[0] {
        Val::Regex(regex) if !fits(regex, &source, &replacement) => return Err(CallError::TooLong),
        Val::Regex(regex) => tick::re2::replace_all(regex, &source, &replacement).into(),
        _ => source,
    }))
}

/// Each group in the replacement gives at most the whole source over all matches, and the rest of
/// the replacement occurs once for each.
fn fits(regex: &Regex, source: &str, replacement: &str) -> bool {
    let groups = replacement.bytes().filter(|b| *b == b'$').count() + 1;
    let copied = groups.saturating_mul(source.len());
    let written = |matches: usize| matches.saturating_mul(replacement.len()).saturating_add(copied);
    written(source.len() + 1) <= TEXT_BYTES_MAX || written(regex.find_iter(source).count()) <= TEXT_BYTES_MAX
}
