//! Functions on texts. Places and lengths count bytes.

use super::strings_go as go;
use super::{Body, Function, Signature, int, text};
use crate::error::CallError;
use crate::ops::TEXT_BYTES_MAX;
use crate::scope::Env;
use crate::types::{Ty, Val};
use std::borrow::Cow;

macro_rules! function {
    ($name:literal, ($($arg:ident),*) -> $result:ident, $body:expr, $doc:literal) => {
        Function {
            name: $name,
            doc: $doc,
            signatures: &[Signature { args: &[$(Ty::$arg),*], result: Ty::$result }],
            body: $body,
        }
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    function!("strContains", (Str, Str) -> Bool, Body::StrBool(|s, part| s.contains(part)),
        "Whether the second text occurs in the first."),
    function!("strContainsAny", (Str, Str) -> Bool, Body::StrBool(|s, chars| go::index_any(s, chars) >= 0),
        "Whether any character of the second text occurs in the first."),
    function!("strCount", (Str, Str) -> Int, Body::StrInt(|s, part| s.matches(part).count() as i64),
        "How often the second text occurs in the first, without overlap."),
    function!("strHasPrefix", (Str, Str) -> Bool, Body::StrBool(|s, prefix| s.starts_with(prefix)),
        "Whether the first text starts with the second."),
    function!("strHasSuffix", (Str, Str) -> Bool, Body::StrBool(|s, suffix| s.ends_with(suffix)),
        "Whether the first text ends with the second."),
    function!("strIndex", (Str, Str) -> Int, Body::StrInt(|s, part| place(s.find(part))),
        "The place of the second text in the first, or -1."),
    function!("strIndexAny", (Str, Str) -> Int, Body::StrInt(go::index_any),
        "The first place in the first text of any character of the second, or -1."),
    function!("strLastIndex", (Str, Str) -> Int, Body::StrInt(|s, part| place(s.rfind(part))),
        "The last place of the second text in the first, or -1."),
    function!("strLastIndexAny", (Str, Str) -> Int, Body::StrInt(go::last_index_any),
        "The last place in the first text of any character of the second, or -1."),
    function!("strLength", (Str) -> Int, Body::Any(length), "The length of a text in bytes."),
    function!("strReplace", (Str, Str, Str, Int) -> Str, Body::Any(replace),
        "Puts the third text in the place of the second, at most as often as the number says (-1: always)."),
    function!("strSubstring", (Str, Int, Int) -> Str, Body::Any(substring),
        "The part of a text from one place up to another, which must be before its last byte."),
    function!("strToLower", (Str) -> Str, Body::Any(|args, _| Ok(Val::Str(go::lower(text(args, 0))))),
        "The text in lower case."),
    function!("strToUpper", (Str) -> Str, Body::Any(|args, _| Ok(Val::Str(go::upper(text(args, 0))))),
        "The text in upper case."),
    function!("strTrim", (Str, Str) -> Str, Body::Part(|s, cut| s.trim_matches(|c| cut.contains(c))),
        "The text without the characters of the second at both ends."),
    function!("strTrimLeft", (Str, Str) -> Str, Body::Part(|s, cut| s.trim_start_matches(|c| cut.contains(c))),
        "The text without the characters of the second at its start."),
    function!("strTrimPrefix", (Str, Str) -> Str, Body::Part(|s, prefix| s.strip_prefix(prefix).unwrap_or(s)),
        "The text without the second at its start."),
    function!("strTrimRight", (Str, Str) -> Str, Body::Part(|s, cut| s.trim_end_matches(|c| cut.contains(c))),
        "The text without the characters of the second at its end."),
    function!("strTrimSpace", (Str) -> Str, Body::Any(trim_space), "The text without white space at both ends."),
    function!("strTrimSuffix", (Str, Str) -> Str, Body::Part(|s, suffix| s.strip_suffix(suffix).unwrap_or(s)),
        "The text without the second at its end."),
];

fn place(found: Option<usize>) -> i64 {
    found.map_or(-1, |at| at as i64)
}

fn length<'a>(args: &mut [Val<'a>], _: &Env) -> Result<Val<'a>, CallError> {
    Ok(Val::Int(text(args, 0).len() as i64))
}

fn trim_space<'a>(args: &mut [Val<'a>], _: &Env) -> Result<Val<'a>, CallError> {
    Ok(Val::Str(match text(args, 0) {
        Cow::Borrowed(s) => Cow::Borrowed(s.trim()),
        Cow::Owned(s) => Cow::Owned(s.trim().to_owned()),
    }))
}

fn replace<'a>(args: &mut [Val<'a>], _: &Env) -> Result<Val<'a>, CallError> {
    let (whole, old, new) = (text(args, 0), text(args, 1), text(args, 2));
    let times = usize::try_from(int(args, 3)).unwrap_or(usize::MAX);
    if times == 0 || old == new {
        return Ok(Val::Str(whole));
    }
    let growth = new.len().saturating_sub(old.len());
    if whole.len().saturating_add(1).saturating_mul(growth) > TEXT_BYTES_MAX {
        let found = whole.matches(old.as_ref()).take(times).count();
        if whole.len().saturating_add(found.saturating_mul(growth)) > TEXT_BYTES_MAX {
            return Err(CallError::TooLong);
        }
    }
    Ok(Val::Str(whole.replacen(old.as_ref(), &new, times).into()))
}

fn substring<'a>(args: &mut [Val<'a>], _: &Env) -> Result<Val<'a>, CallError> {
    let (start, stop) = (int(args, 1), int(args, 2));
    if let Some(negative) = [start, stop].into_iter().find(|at| *at < 0) {
        return Err(CallError::NegativeIndex(negative));
    }
    let whole = text(args, 0);
    let (from, to) = (start as usize, stop as usize);
    if to >= whole.len() {
        return Err(CallError::StopIndex(stop));
    }
    let Some(part) = whole.as_bytes().get(from..to) else {
        return Err(CallError::StartIndex(start, stop));
    };
    // A place may fall within a character: what is left of it becomes the replacement character.
    Ok(Val::Str(match &whole {
        Cow::Borrowed(whole) if whole.get(from..to).is_some() => Cow::Borrowed(&whole[from..to]),
        _ => String::from_utf8_lossy(part).into_owned().into(),
    }))
}
