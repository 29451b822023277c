//! Follows literal text through the contexts, and makes it safe where it stands.

use std::ops::Range;

use super::attribute;
use super::context::{Attr, Context, Delim, Element, State};
use super::entity;
use super::transition::{self, shown};

/// The text with comments taken out and stray `<` escaped, and the context after it; `Err` says
/// what is wrong with the text.
pub(super) fn escape(c: Context, text: &str) -> Result<(Context, String), String> {
    let bytes = text.as_bytes();
    let (mut c, mut at, mut written) = (c, 0, 0);
    let mut out: Vec<u8> = Vec::new();
    while at < bytes.len() {
        let (next, len) = after_text(c, &bytes[at..])?;
        let end = at + len;
        if len == 0 && next.state == c.state {
            return Err(format!("no way on from {c}"));
        }
        if matches!(c.state, State::Text | State::Rcdata) {
            let open = bytes[at..end].iter().rposition(|byte| *byte == b'<');
            let stop = match open {
                Some(open) if next.state != c.state => at + open,
                _ => end,
            };
            for stray in (at..stop).filter(|stray| bytes[*stray] == b'<') {
                if !is_doctype(&bytes[stray..]) {
                    out.extend_from_slice(&bytes[written..stray]);
                    out.extend_from_slice(b"&lt;");
                    written = stray + 1;
                }
            }
        } else if c.state.is_comment() && c.delim == Delim::None {
            out.extend_from_slice(comment_stand_in(c.state, &bytes[written..end]));
            written = end;
        }
        if c.state != next.state && next.state.is_comment() && next.delim == Delim::None {
            let mark = match next.state {
                State::HtmlComment | State::JsHtmlOpenComment => 4,
                State::JsHtmlCloseComment => 3,
                _ => 2,
            };
            out.extend_from_slice(&bytes[written..end - mark]);
            written = end;
        }
        if c.state.is_js_literal() && put_without_tags(&mut out, bytes, written, at..end) {
            written = end;
        }
        (c, at) = (next, end);
    }
    if written == 0 {
        return Ok((c, text.to_owned()));
    }
    if !c.state.is_comment() || c.delim != Delim::None {
        out.extend_from_slice(&bytes[written..]);
    }
    Ok((c, String::from_utf8_lossy(&out).into_owned()))
}

/// Appends `bytes[written..part.end]` with the tags that a browser would obey even within the
/// literals of a script escaped in the part; false, and nothing appended, when it has none.
fn put_without_tags(out: &mut Vec<u8>, bytes: &[u8], written: usize, part: Range<usize>) -> bool {
    let mut from = written;
    let end = part.end;
    for at in part {
        if bytes[at] == b'<' && begins_script_tag(&bytes[at + 1..end]) {
            out.extend_from_slice(&bytes[from..at]);
            out.extend_from_slice(b"\\x3C");
            from = at + 1;
        }
    }
    if from == written {
        return false;
    }
    out.extend_from_slice(&bytes[from..end]);
    true
}

/// Whether `script`, `/script` or `!--` comes next.
fn begins_script_tag(rest: &[u8]) -> bool {
    if rest.starts_with(b"!--") {
        return true;
    }
    let mut rest = rest.strip_prefix(b"/").unwrap_or(rest);
    b"script".iter().all(|letter| {
        // Go folds the long s too.
        let long = *letter == b's' && rest.starts_with("ſ".as_bytes());
        let same = rest.first().is_some_and(|byte| byte.eq_ignore_ascii_case(letter));
        rest = rest.get(if long { 2 } else { 1 }..).unwrap_or_default();
        long || same
    })
}

fn is_doctype(text: &[u8]) -> bool {
    text.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"<!DOCTYPE"))
}

/// A block comment separates words, and in a script with a newline in it, statements.
fn comment_stand_in(state: State, comment: &[u8]) -> &'static [u8] {
    let text = String::from_utf8_lossy(comment);
    match state {
        State::JsBlockComment if text.contains(['\n', '\r', '\u{2028}', '\u{2029}']) => b"\n",
        State::JsBlockComment | State::CssBlockComment => b" ",
        _ => b"",
    }
}

fn after_text(c: Context, text: &[u8]) -> transition::Step {
    if c.delim == Delim::None {
        let (end, len) = transition::special_end(c, text);
        if len == 0 {
            // The end tag of a script or style stands here.
            return Ok((end, 0));
        }
        return transition::step(c, &text[..len]);
    }
    let ends: &[u8] = match c.delim {
        Delim::DoubleQuote => b"\"",
        Delim::SingleQuote => b"'",
        _ => b" \t\n\x0c\r>",
    };
    let end = text.iter().position(|byte| ends.contains(byte)).unwrap_or(text.len());
    if c.delim == Delim::SpaceOrTagEnd {
        // Browsers do not agree what these mean in a value without quotes.
        if let Some(bad) = text[..end].iter().find(|byte| b"\"'<=`".contains(byte)) {
            let (bad, value) = (shown(&[*bad], 1), shown(&text[..end], usize::MAX));
            return Err(format!("{bad} in unquoted attr: {value}"));
        }
    }
    if end == text.len() {
        return within_attribute(c, text);
    }
    let mut element = c.element;
    let script_type = c.state == State::Attr && c.attr == Attr::ScriptType;
    if script_type && element == Element::Script {
        // A script of another type is not JavaScript.
        let mime = String::from_utf8_lossy(&text[..end]);
        if !attribute::is_js_type(&mime) {
            element = Element::None;
        }
    }
    let quote = usize::from(c.delim != Delim::SpaceOrTagEnd);
    Ok((Context::in_tag(element), end + quote))
}

/// The value goes on past this text: its language sees it with the references decoded.
fn within_attribute(c: Context, text: &[u8]) -> transition::Step {
    let decoded = entity::unescape(&String::from_utf8_lossy(text));
    let (mut c, mut rest) = (c, decoded.as_bytes());
    while !rest.is_empty() {
        let (next, len) = transition::step(c, rest)?;
        if len == 0 && next == c {
            break;
        }
        (c, rest) = (next, &rest[len..]);
    }
    Ok((c, text.len()))
}
