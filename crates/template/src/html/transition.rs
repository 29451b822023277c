//! How text moves the context: one function per syntax.

use super::attribute::{self, Kind};
use super::context::{Attr, Context, Delim, Element, JsSlash, State, UrlPart};
use super::{css, js};
use crate::quote;

/// The context after a prefix of the text, and the length of that prefix.
pub(super) type Step = Result<(Context, usize), String>;

const SPACES: &[u8] = b" \t\n\x0c\r";

fn find(text: &[u8], set: &[u8]) -> Option<usize> {
    text.iter().position(|byte| set.contains(byte))
}

fn find_str(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

fn skip_spaces(text: &[u8]) -> usize {
    text.iter().position(|byte| !SPACES.contains(byte)).unwrap_or(text.len())
}

/// Go's `%q` of bytes, cut to `limit` characters.
pub(super) fn shown(text: &[u8], limit: usize) -> String {
    let text: String = String::from_utf8_lossy(text).chars().take(limit).collect();
    quote::quote(&text)
}

/// Consumes some of `text`, which is not empty, in context `c`.
pub(super) fn step(c: Context, text: &[u8]) -> Step {
    match c.state {
        State::Text => Ok(in_text(c, text)),
        State::Tag => in_tag(c, text),
        State::AttrName => in_attr_name(c, text),
        State::AfterName => Ok(after_name(c, text)),
        State::BeforeValue => Ok(before_value(c, text)),
        State::HtmlComment => Ok(match find_str(text, b"-->") {
            Some(at) => (Context::default(), at + 3),
            None => (c, text.len()),
        }),
        State::Rcdata => Ok(special_end(c, text)),
        State::Attr | State::Error | State::Dead => Ok((c, text.len())),
        State::Url | State::Srcset => Ok((in_url(c, text), text.len())),
        State::Js => in_js(c, text),
        State::JsDouble | State::JsSingle | State::JsRegexp => in_js_delimited(c, text),
        State::JsTemplate => in_js_template(c, text),
        State::JsBlockComment | State::CssBlockComment => Ok(in_block_comment(c, text)),
        State::JsLineComment
        | State::JsHtmlOpenComment
        | State::JsHtmlCloseComment
        | State::CssLineComment => Ok(in_line_comment(c, text)),
        State::Css => Ok(in_css(c, text)),
        State::CssDouble | State::CssSingle | State::CssDoubleUrl | State::CssSingleUrl | State::CssUrl => {
            in_css_string(c, text)
        }
    }
}

fn in_text(c: Context, text: &[u8]) -> (Context, usize) {
    let mut from = 0;
    while let Some(offset) = text[from..].iter().position(|byte| *byte == b'<') {
        let open = from + offset;
        if text[open..].starts_with(b"<!--") {
            return (Context { state: State::HtmlComment, ..Context::default() }, open + 4);
        }
        let end = text.get(open + 1) == Some(&b'/');
        let name = open + 1 + usize::from(end);
        if name >= text.len() {
            break;
        }
        let len = tag_name(&text[name..]);
        if len > 0 {
            let element = if end { Element::None } else { element(&text[name..name + len]) };
            return (Context::in_tag(element), name + len);
        }
        from = name;
    }
    (c, text.len())
}

fn element(name: &[u8]) -> Element {
    match name.to_ascii_lowercase().as_slice() {
        b"script" => Element::Script,
        b"style" => Element::Style,
        b"textarea" => Element::Textarea,
        b"title" => Element::Title,
        _ => Element::None,
    }
}

/// Length of a tag name: letters and digits, with single colons and dashes inside.
fn tag_name(text: &[u8]) -> usize {
    if !text.first().is_some_and(u8::is_ascii_alphabetic) {
        return 0;
    }
    let mut len = 1;
    while let Some(byte) = text.get(len) {
        if byte.is_ascii_alphanumeric() {
            len += 1;
        } else if matches!(byte, b':' | b'-') && text.get(len + 1).is_some_and(u8::is_ascii_alphanumeric) {
            len += 2;
        } else {
            break;
        }
    }
    len
}

fn in_tag(c: Context, text: &[u8]) -> Step {
    let start = skip_spaces(text);
    if start == text.len() {
        return Ok((c, start));
    }
    if text[start] == b'>' {
        let state = match c.element {
            Element::None => State::Text,
            Element::Script => State::Js,
            Element::Style => State::Css,
            Element::Textarea | Element::Title => State::Rcdata,
        };
        return Ok((Context { state, element: c.element, ..Context::default() }, start + 1));
    }
    let len = attr_name(text, start)? - start;
    if len == 0 {
        let rest = shown(&text[start..], usize::MAX);
        return Err(format!("expected space, attr name, or end of tag, but got {rest}"));
    }
    let end = start + len;
    let name = String::from_utf8_lossy(&text[start..end]).to_lowercase();
    let attr = if c.element == Element::Script && name == "type" {
        Attr::ScriptType
    } else {
        match attribute::kind(&name) {
            Kind::Url => Attr::Url,
            Kind::Css => Attr::Style,
            Kind::Js => Attr::Script,
            Kind::Srcset => Attr::Srcset,
            Kind::Plain | Kind::Html | Kind::Unsafe => Attr::None,
        }
    };
    let state = if end == text.len() { State::AttrName } else { State::AfterName };
    Ok((Context { state, element: c.element, attr, ..Context::default() }, end))
}

/// End of the attribute's name at `start`; quotes and `<` in it are errors.
fn attr_name(text: &[u8], start: usize) -> Result<usize, String> {
    for (at, byte) in text.iter().enumerate().skip(start) {
        match byte {
            b' ' | b'\t' | b'\n' | 0x0c | b'\r' | b'=' | b'>' => return Ok(at),
            b'\'' | b'"' | b'<' => {
                let bad = shown(&[*byte], 1);
                return Err(format!("{bad} in attribute name: {}", shown(text, 32)));
            }
            _ => {}
        }
    }
    Ok(text.len())
}

fn in_attr_name(mut c: Context, text: &[u8]) -> Step {
    let len = attr_name(text, 0)?;
    if len != text.len() {
        c.state = State::AfterName;
    }
    Ok((c, len))
}

fn after_name(mut c: Context, text: &[u8]) -> (Context, usize) {
    let start = skip_spaces(text);
    if start == text.len() {
        return (c, start);
    }
    if text[start] != b'=' {
        c.state = State::Tag;
        return (c, start);
    }
    c.state = State::BeforeValue;
    (c, start + 1)
}

fn before_value(mut c: Context, text: &[u8]) -> (Context, usize) {
    let start = skip_spaces(text);
    if start == text.len() {
        return (c, start);
    }
    let (delim, len) = match text[start] {
        b'\'' => (Delim::SingleQuote, 1),
        b'"' => (Delim::DoubleQuote, 1),
        _ => (Delim::SpaceOrTagEnd, 0),
    };
    c.state = c.attr.value_state();
    c.delim = delim;
    (c, start + len)
}

/// Up to the end tag of a script, style, textarea or title.
pub(super) fn special_end(c: Context, text: &[u8]) -> (Context, usize) {
    if c.element == Element::Script && (c.state.is_js_literal() || c.state.is_comment()) {
        // It is part of the literal, and escaped there.
        return (c, text.len());
    }
    let tag: &[u8] = match c.element {
        Element::None => return (c, text.len()),
        Element::Script => b"script",
        Element::Style => b"style",
        Element::Textarea => b"textarea",
        Element::Title => b"title",
    };
    let mut from = 0;
    while let Some(offset) = find_str(&text[from..], b"</") {
        let name = from + offset + 2;
        let end = name + tag.len();
        let same = text.get(name..end).is_some_and(|name| name.eq_ignore_ascii_case(tag));
        if same && text.get(end).is_some_and(|byte| b"> \t\n\x0c/".contains(byte)) {
            return (Context::default(), from + offset);
        }
        from = if same { end } else { name };
    }
    (c, text.len())
}

fn in_url(mut c: Context, text: &[u8]) -> Context {
    if find(text, b"#?").is_some() {
        c.url = UrlPart::QueryOrFrag;
    } else if skip_spaces(text) != text.len() && c.url == UrlPart::None {
        c.url = UrlPart::PreQuery;
    }
    c
}

fn in_js(mut c: Context, text: &[u8]) -> Step {
    let Some(at) = find(text, b"\"`'/{}<-#") else {
        c.slash = js::slash_after(text, c.slash);
        return Ok((c, text.len()));
    };
    c.slash = js::slash_after(&text[..at], c.slash);
    let string = match text[at] {
        b'"' => Some(State::JsDouble),
        b'\'' => Some(State::JsSingle),
        b'`' => Some(State::JsTemplate),
        _ => None,
    };
    if let Some(state) = string {
        c.state = state;
        c.slash = JsSlash::Regexp;
        return Ok((c, at + 1));
    }
    if text[at] != b'/' {
        return in_js_mark(c, text, at);
    }
    match (text.get(at + 1), c.slash) {
        (Some(b'/'), _) => {
            c.state = State::JsLineComment;
            return Ok((c, at + 2));
        }
        (Some(b'*'), _) => {
            c.state = State::JsBlockComment;
            return Ok((c, at + 2));
        }
        (_, JsSlash::Regexp) => c.state = State::JsRegexp,
        (_, JsSlash::DivOp) => c.slash = JsSlash::Regexp,
        (_, JsSlash::Unknown) => {
            let rest = shown(&text[at..], 32);
            return Err(format!("'/' could start a division or regexp: {rest}"));
        }
    }
    Ok((c, at + 1))
}

/// A brace, or what may begin a line comment as HTML (`<!--`, `-->`) or a shell (`#!`) write it.
fn in_js_mark(mut c: Context, text: &[u8], at: usize) -> Step {
    let rest = &text[at..];
    let mut len = 1;
    if rest.starts_with(b"<!--") {
        c.state = State::JsHtmlOpenComment;
        len = 4;
    } else if rest.starts_with(b"-->") {
        c.state = State::JsHtmlCloseComment;
        len = 3;
    } else if rest.starts_with(b"#!") {
        c.state = State::JsLineComment;
        len = 2;
    } else if rest[0] == b'{' {
        c.braces.open();
    } else if rest[0] == b'}' && c.braces.close() {
        c.state = State::JsTemplate;
    }
    Ok((c, at + len))
}

fn in_js_template(mut c: Context, text: &[u8]) -> Step {
    let mut from = 0;
    while let Some(offset) = find(text.get(from..).unwrap_or_default(), b"`\\$") {
        let at = from + offset;
        match (text[at], text.get(at + 1)) {
            (b'`', _) => {
                c.state = State::Js;
                return Ok((c, at + 1));
            }
            (b'$', Some(b'{')) => {
                if !c.braces.enter() {
                    return Err("too many JS template literals within one another".into());
                }
                c.state = State::Js;
                return Ok((c, at + 2));
            }
            (b'\\', None) => return Err(unfinished_escape(text)),
            (b'\\', _) => from = at + 2,
            _ => from = at + 1,
        }
    }
    Ok((c, text.len()))
}

fn unfinished_escape(text: &[u8]) -> String {
    format!("unfinished escape sequence in JS string: {}", shown(text, usize::MAX))
}

fn in_js_delimited(mut c: Context, text: &[u8]) -> Step {
    let specials: &[u8] = match c.state {
        State::JsSingle => b"\\'",
        State::JsRegexp => b"\\/[]",
        _ => b"\\\"",
    };
    let (mut from, mut in_set) = (0, false);
    while let Some(offset) = find(text.get(from..).unwrap_or_default(), specials) {
        let mut at = from + offset;
        match text[at] {
            b'\\' => {
                at += 1;
                if at == text.len() {
                    return Err(unfinished_escape(text));
                }
            }
            // An end tag in a regular expression does not end it: it is escaped there.
            b'/' if is_script_end(text, at) => at += 1,
            b'[' => in_set = true,
            b']' => in_set = false,
            _ if !in_set => {
                c.state = State::Js;
                c.slash = JsSlash::DivOp;
                return Ok((c, at + 1));
            }
            _ => {}
        }
        from = at + 1;
    }
    if in_set {
        let text = shown(text, usize::MAX);
        return Err(format!("unfinished JS regexp charset: {text}"));
    }
    Ok((c, text.len()))
}

/// Whether the slash at `at` is that of `</script`.
fn is_script_end(text: &[u8], at: usize) -> bool {
    let tag = at.checked_sub(1).and_then(|start| text.get(start..at + 7));
    tag.is_some_and(|tag| tag.eq_ignore_ascii_case(b"</script"))
}

fn in_block_comment(mut c: Context, text: &[u8]) -> (Context, usize) {
    let Some(at) = find_str(text, b"*/") else {
        return (c, text.len());
    };
    c.state = if c.state == State::JsBlockComment { State::Js } else { State::Css };
    (c, at + 2)
}

/// A line comment ends before its line terminator, which is part of what follows.
fn in_line_comment(mut c: Context, text: &[u8]) -> (Context, usize) {
    let script = c.state.is_js_line_comment();
    let ends: &[u8] = if script { b"\n\r" } else { b"\n\x0c\r" };
    let mut end = find(text, ends);
    if script {
        for separator in ["\u{2028}", "\u{2029}"] {
            let at = find_str(text, separator.as_bytes());
            end = [end, at].into_iter().flatten().min();
        }
    }
    let Some(at) = end else {
        return (c, text.len());
    };
    c.state = if script { State::Js } else { State::Css };
    (c, at)
}

fn in_css(mut c: Context, text: &[u8]) -> (Context, usize) {
    let mut from = 0;
    while let Some(offset) = find(&text[from..], b"(\"'/") {
        let at = from + offset;
        match (text[at], text.get(at + 1)) {
            (b'(', _) if css::ends_with_url(&text[..at]) => {
                let start = at + 1 + skip_spaces(&text[at + 1..]);
                let (state, len) = match text.get(start) {
                    Some(b'"') => (State::CssDoubleUrl, 1),
                    Some(b'\'') => (State::CssSingleUrl, 1),
                    _ => (State::CssUrl, 0),
                };
                c.state = state;
                return (c, start + len);
            }
            (b'/', Some(b'/')) => c.state = State::CssLineComment,
            (b'/', Some(b'*')) => c.state = State::CssBlockComment,
            (b'"', _) => c.state = State::CssDouble,
            (b'\'', _) => c.state = State::CssSingle,
            _ => {
                from = at + 1;
                continue;
            }
        }
        return (c, at + if text[at] == b'/' { 2 } else { 1 });
    }
    (c, text.len())
}

fn in_css_string(mut c: Context, text: &[u8]) -> Step {
    let ends: &[u8] = match c.state {
        State::CssDouble | State::CssDoubleUrl => b"\\\"",
        State::CssSingle | State::CssSingleUrl => b"\\'",
        _ => b"\\\t\n\x0c\r )",
    };
    let mut from = 0;
    while let Some(offset) = find(text.get(from..).unwrap_or_default(), ends) {
        let mut at = from + offset;
        if text[at] != b'\\' {
            c.state = State::Css;
            return Ok((c, at + 1));
        }
        at += 1;
        if at == text.len() {
            let text = shown(text, usize::MAX);
            return Err(format!("unfinished escape sequence in CSS string: {text}"));
        }
        c = in_url(c, &css::decode(&text[..=at]));
        from = at + 1;
    }
    let rest = text.get(from..).unwrap_or_default();
    Ok((in_url(c, &css::decode(rest)), text.len()))
}
