//! JSON as an html template shows it in text: escaped twice, first for JSON, then for HTML. What is
//! written here piece by piece are the bytes that the escaper makes of the whole, in one pass.

use super::{ESCAPES, Escapes, put_escaped};
use crate::html;
use crate::number;

/// A quotation mark, as in the keys that a caller writes by itself.
pub const QUOTE: &str = "&#34;";

/// Appends a string, its quotation marks included.
pub fn put_string(out: &mut String, text: &str) {
    out.push_str(QUOTE);
    put_escaped(out, text, &IN_HTML);
    out.push_str(QUOTE);
}

/// Appends a number. Returns false, and appends nothing, for NaN and the infinities, which JSON
/// cannot hold.
pub fn put_float(out: &mut String, value: f64) -> bool {
    // Only from here on is there an exponent with the plus sign that HTML escapes.
    if value.abs() < 1e21 {
        return number::json_float(out, value);
    }
    let mut text = String::new();
    let finite = number::json_float(&mut text, value);
    html::put_text(out, &text);
    finite
}

/// JSON's escapes hold one character at most that HTML escapes again: the quotation mark.
static IN_HTML: Escapes = {
    let mut table = ESCAPES;
    let mut byte = 0;
    while byte < table.len() {
        if table[byte].is_empty() {
            table[byte] = html::ESCAPES[byte];
        }
        byte += 1;
    }
    table[b'"' as usize] = "\\&#34;";
    table
};
