//! The fields of a checked line, one by one.
//!
//! Kapacitor checks fields with one reader and takes them apart with another, and the two do not
//! always agree on where a field ends. This is the second one; where Kapacitor would crash on the
//! difference, the line is refused.

use crate::error::Reason;
use crate::strict;
use crate::text::unescape_text;
use std::borrow::Cow;

/// A value as the line has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    Float(f64),
    Int(i64),
    Bool(bool),
    Str(Cow<'a, str>),
}

/// A field of a line.
#[derive(Debug)]
pub(crate) struct LineField<'a> {
    pub(crate) name: Cow<'a, str>,
    /// The name is written as it is, without bytes that mean something in a line: a later line can
    /// be compared with it byte by byte.
    pub(crate) plain: bool,
    pub(crate) value: Scalar<'a>,
}

/// Takes the fields apart; of a repeated name the last value counts.
pub(crate) fn split(fields: &[u8]) -> Result<Vec<LineField<'_>>, Reason> {
    let mut out: Vec<LineField<'_>> = Vec::new();
    let mut at = 0;
    while at < fields.len() {
        let equals = name_end(fields, at);
        let raw = &fields[at..equals];
        let start = (equals + 1).min(fields.len());
        let end = value_end(fields, start);
        at = end + 1;
        if raw.is_empty() || start == end {
            continue;
        }
        let value = value(&fields[start..end])?;
        let name = unescape_text(raw, b",\" =");
        out.push(LineField { plain: is_plain(raw), name, value });
    }
    keep_last(&mut out);
    Ok(out)
}

/// Takes away all but the last of each name, keeping the order otherwise.
fn keep_last(fields: &mut Vec<LineField<'_>>) {
    const FEW: usize = 16;
    let repeated =
        |names: &[LineField<'_>], at: usize| names[at + 1..].iter().any(|f| f.name == names[at].name);
    if fields.len() <= FEW {
        if (0..fields.len()).any(|at| repeated(fields, at)) {
            let keep: Vec<bool> = (0..fields.len()).map(|at| !repeated(fields, at)).collect();
            let mut keep = keep.into_iter();
            fields.retain(|_| keep.next().unwrap_or(true));
        }
        return;
    }
    let mut last = hashbrown::HashMap::<Cow<'_, str>, usize, foldhash::fast::RandomState>::default();
    for (at, field) in fields.iter().enumerate() {
        last.insert(field.name.clone(), at);
    }
    if last.len() < fields.len() {
        let mut at = 0..;
        fields.retain(|field| last.get(&field.name).copied() == at.next());
    }
}

/// Bytes that a name cannot have for a plain comparison with the text of a line.
#[inline(always)]
pub(crate) const fn is_special(byte: u8) -> bool {
    matches!(byte, b' ' | b',' | b'=' | b'"' | b'\\' | b'\n' | b'\t' | 0)
}

fn is_plain(raw: &[u8]) -> bool {
    std::str::from_utf8(raw).is_ok() && !raw.iter().any(|&byte| is_special(byte))
}

fn name_end(fields: &[u8], start: usize) -> usize {
    let escaped = |at: usize| at > 0 && fields[at - 1] == b'\\';
    (start..fields.len()).find(|&at| fields[at] == b'=' && !escaped(at)).unwrap_or(fields.len())
}

fn value_end(fields: &[u8], start: usize) -> usize {
    let mut at = start;
    let mut quoted = false;
    while let Some(&byte) = fields.get(at) {
        match byte {
            b'\\' if matches!(fields.get(at + 1), Some(b'"' | b'\\')) => at += 1,
            b'"' => quoted = !quoted,
            b',' if !quoted => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

fn value(text: &[u8]) -> Result<Scalar<'_>, Reason> {
    let parsed = match text {
        [b'"', inner @ .., _] => Some(Scalar::Str(unescape_text(inner, b"\"\\"))),
        [b'"'] => None,
        [b'0'..=b'9' | b'-' | b'.' | b'n' | b'N' | b'i' | b'I', ..] => match text.split_last() {
            Some((b'i', digits)) => strict::integer(digits).map(Scalar::Int),
            _ => strict::float(text).map(Scalar::Float),
        },
        _ => strict::truth(text).map(Scalar::Bool),
    };
    parsed.ok_or(Reason::InvalidFieldFormat)
}
