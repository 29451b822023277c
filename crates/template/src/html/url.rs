//! URLs in attributes and style sheets.

use std::fmt::Write as _;

use super::FAILSAFE;
use super::escaper::{Plain, stringify};
use crate::value::{Content, Value};

/// Lets through relative URLs and the protocols that cannot run scripts.
pub(super) fn filter(args: &[Value<'_>]) -> String {
    let (text, content) = stringify(args);
    if content == Plain::Safe(Content::Url) || is_safe(&text) {
        return text.into_owned();
    }
    format!("#{FAILSAFE}")
}

fn is_safe(url: &str) -> bool {
    match url.split_once(':') {
        Some((protocol, _)) if !protocol.contains('/') => {
            ["http", "https", "mailto"].iter().any(|known| protocol.eq_ignore_ascii_case(known))
        }
        _ => true,
    }
}

/// Percent-encodes everything that is not part of a URL (`keep_reserved`) or of one component.
pub(super) fn escape(args: &[Value<'_>], keep_reserved: bool) -> String {
    let (text, content) = stringify(args);
    encode(&text, keep_reserved || content == Plain::Safe(Content::Url))
}

fn encode(text: &str, keep_reserved: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len() + 16);
    for (at, byte) in bytes.iter().enumerate() {
        let keep = match byte {
            b'!' | b'#' | b'$' | b'&' | b'*' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@'
            | b'[' | b']' => keep_reserved,
            b'-' | b'.' | b'_' | b'~' => true,
            // Valid escapes stay as they are.
            b'%' => {
                keep_reserved
                    && bytes.get(at + 1..at + 3).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit))
            }
            byte => byte.is_ascii_alphanumeric(),
        };
        if keep {
            out.push(char::from(*byte));
        } else {
            let _ = write!(out, "%{byte:02x}");
        }
    }
    out
}

/// The value of a `srcset`: URLs with sizes, separated by commas.
pub(super) fn srcset(args: &[Value<'_>]) -> String {
    let (text, content) = stringify(args);
    match content {
        Plain::Safe(Content::Srcset) => return text.into_owned(),
        Plain::Safe(Content::Url) => return encode(&text, true).replace(',', "%2c"),
        _ => {}
    }
    let parts: Vec<String> = text.split(',').map(srcset_part).collect();
    parts.join(",")
}

fn srcset_part(part: &str) -> String {
    let is_space = |c: char| matches!(c, '\t' | '\n' | '\x0c' | '\r' | ' ');
    let trimmed = part.trim_start_matches(is_space);
    let end = trimmed.find(is_space).unwrap_or(trimmed.len());
    let (url, size) = trimmed.split_at(end);
    let good_size = size.chars().all(|c| is_space(c) || c.is_ascii_alphanumeric());
    if !is_safe(url) || !good_size {
        return format!("#{FAILSAFE}");
    }
    let lead = &part[..part.len() - trimmed.len()];
    format!("{lead}{}{size}", encode(url, true))
}
