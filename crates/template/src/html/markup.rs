//! HTML text, attribute values and names.

use super::FAILSAFE;
use super::attribute::{self, Kind};
use super::context::{Context, Delim, Element, State};
use super::escaper::{Plain, stringify};
use super::transition;
use crate::value::{Content, Value};

/// Appends `text` escaped for HTML text and quoted attribute values.
pub(crate) fn put_text(out: &mut String, text: &str) {
    put_replaced(out, text, true);
}

fn put_replaced(out: &mut String, text: &str, ampersands: bool) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| IS_ESCAPED[byte as usize]) {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        match tail.as_bytes()[0] {
            b'&' if !ampersands => out.push('&'),
            byte => out.push_str(ESCAPES[byte as usize]),
        }
        rest = &tail[1..];
    }
    out.push_str(rest);
}

/// What stands for a byte in HTML text; empty for one that stands for itself. Only ASCII is escaped.
pub(crate) static ESCAPES: [&str; 256] = {
    let mut table = [""; 256];
    table[b'<' as usize] = "&lt;";
    table[b'>' as usize] = "&gt;";
    table[b'&' as usize] = "&amp;";
    table[b'"' as usize] = "&#34;";
    table[b'\'' as usize] = "&#39;";
    table[b'+' as usize] = "&#43;";
    table[0] = "\u{fffd}";
    table
};

static IS_ESCAPED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = !ESCAPES[byte].is_empty();
        byte += 1;
    }
    table
};

fn replaced(text: &str, ampersands: bool) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    put_replaced(&mut out, text, ampersands);
    out
}

/// For HTML text.
pub(super) fn text(args: &[Value<'_>]) -> String {
    let (text, content) = stringify(args);
    if content == Plain::Safe(Content::Html) {
        return text.into_owned();
    }
    replaced(&text, true)
}

/// For a quoted attribute value.
pub(super) fn attr(args: &[Value<'_>]) -> String {
    let (text, content) = stringify(args);
    if content == Plain::Safe(Content::Html) {
        return replaced(&strip_tags(&text), false);
    }
    replaced(&text, true)
}

/// For a textarea or title.
pub(super) fn rcdata(args: &[Value<'_>]) -> String {
    let (text, content) = stringify(args);
    replaced(&text, content != Plain::Safe(Content::Html))
}

/// For an attribute value without quotes.
pub(super) fn nospace(args: &[Value<'_>]) -> String {
    let (text, content) = stringify(args);
    if text.is_empty() {
        // Nothing at all would let the next attribute be read as this one's value.
        return FAILSAFE.to_owned();
    }
    let html = content == Plain::Safe(Content::Html);
    let text = if html { strip_tags(&text) } else { text.into_owned() };
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\0' => out.push_str("&#xfffd;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' if !html => out.push_str("&amp;"),
            '\t' | '\n' | '\x0b' | '\x0c' | '\r' | ' ' | '"' | '\'' | '+' | '=' | '`' => {
                out.push_str(&format!("&#{};", c as u32));
            }
            '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{ffff}' => {
                out.push_str(&format!("&#x{:x};", c as u32));
            }
            c => out.push(c),
        }
    }
    out
}

/// For an attribute's name: only plain, known-harmless ones.
pub(super) fn name(args: &[Value<'_>]) -> String {
    let (text, content) = stringify(args);
    if content == Plain::Safe(Content::HtmlAttr) {
        return text.into_owned();
    }
    let name = text.to_lowercase();
    let word =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if word && attribute::kind(&name) == Kind::Plain { name } else { FAILSAFE.to_owned() }
}

/// The text content of some HTML: `<b>&iexcl;Hi!</b>` gives `&iexcl;Hi!`.
fn strip_tags(html: &str) -> String {
    let bytes = html.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let (mut c, mut at, mut all_text) = (Context::default(), 0, true);
    while at < bytes.len() {
        if c.delim != Delim::None {
            let ends: &[u8] = match c.delim {
                Delim::DoubleQuote => b"\"",
                Delim::SingleQuote => b"'",
                _ => b" \t\n\x0c\r>",
            };
            let Some(end) = bytes[at..].iter().position(|byte| ends.contains(byte)) else {
                break;
            };
            at += end + usize::from(c.delim != Delim::SpaceOrTagEnd);
            c = Context::in_tag(c.element);
            continue;
        }
        let mut from = c;
        if c.element != Element::None && !c.state.is_in_tag() {
            // Scripts and styles are skipped, not read.
            from.state = State::Rcdata;
        }
        let Ok((next, len)) = transition::step(from, &bytes[at..]) else {
            break;
        };
        if len == 0 && next == c {
            break;
        }
        if matches!(c.state, State::Text | State::Rcdata) {
            let mut end = at + len;
            if next.state != c.state {
                let open = bytes[at..end].iter().rposition(|byte| *byte == b'<');
                end = open.map_or(end, |open| at + open);
            }
            out.extend_from_slice(&bytes[at..end]);
        } else {
            all_text = false;
        }
        (c, at) = (next, at + len);
    }
    if all_text {
        return html.to_owned();
    }
    if matches!(c.state, State::Text | State::Rcdata) {
        out.extend_from_slice(&bytes[at..]);
    }
    String::from_utf8_lossy(&out).into_owned()
}
