//! Character classes, and the escapes that stand for sets or single characters.

use super::Error;
use super::translate::{Translator, syntax};

/// Names of POSIX classes, as in `[[:alpha:]]`; both dialects mean ASCII.
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// Translates `[...]`; everything inside is written so that no character keeps a special role
/// that Go does not give it.
pub(super) fn translate(input: &mut Translator<'_>) -> Result<(), Error> {
    let start = input.pos;
    input.accept("[");
    input.out.push('[');
    if input.accept("^") {
        input.out.push('^');
    }
    let mut first = true;
    loop {
        match input.peek() {
            None => return Err(syntax("missing closing ]", &input.pattern[start..])),
            Some(']') if !first => {
                input.accept("]");
                input.out.push(']');
                return Ok(());
            }
            Some(_) => item(input)?,
        }
        first = false;
    }
}

/// One character, range or set inside a class.
fn item(input: &mut Translator<'_>) -> Result<(), Error> {
    let start = input.pos;
    if input.rest().starts_with("[:")
        && let Some(end) = input.rest().find(":]")
    {
        let name = &input.rest()[2..end];
        input.pos += end + 2;
        let plain = name.strip_prefix('^').unwrap_or(name);
        if !POSIX.contains(&plain) {
            return Err(syntax("invalid character class range", input.since(start)));
        }
        input.out.push_str(input.since(start));
        return Ok(());
    }
    if let Some(set) = perl_or_unicode(input)? {
        input.out.push_str(&set);
        return Ok(());
    }
    let low = single(input)?;
    input.out.push_str(&code(low));
    let is_range = input.rest().starts_with('-') && !input.rest().starts_with("-]") && input.rest().len() > 1;
    if is_range {
        input.accept("-");
        let high = single(input)?;
        if high < low {
            return Err(syntax("invalid character class range", input.since(start)));
        }
        input.out.push('-');
        input.out.push_str(&code(high));
    }
    Ok(())
}

fn single(input: &mut Translator<'_>) -> Result<char, Error> {
    match input.peek() {
        Some('\\') => escaped_char(input),
        Some(char) => {
            input.next();
            Ok(char)
        }
        None => Err(syntax("missing closing ]", input.pattern)),
    }
}

fn code(char: char) -> String {
    format!("\\x{{{:x}}}", u32::from(char))
}

/// `\d`, `\pL`, `\p{Greek}` and their negations, if one starts here.
pub(super) fn perl_or_unicode(input: &mut Translator<'_>) -> Result<Option<String>, Error> {
    let mut chars = input.rest().chars();
    if chars.next() != Some('\\') {
        return Ok(None);
    }
    let set = match chars.next() {
        Some('d') => "[0-9]",
        Some('D') => "[^0-9]",
        Some('w') => "[0-9A-Za-z_]",
        Some('W') => "[^0-9A-Za-z_]",
        Some('s') => "[\\t\\n\\x0C\\r ]",
        Some('S') => "[^\\t\\n\\x0C\\r ]",
        Some(negation @ ('p' | 'P')) => return unicode(input, negation == 'P').map(Some),
        _ => return Ok(None),
    };
    input.pos += 2;
    Ok(Some(set.to_owned()))
}

fn unicode(input: &mut Translator<'_>, mut negated: bool) -> Result<String, Error> {
    let start = input.pos;
    input.pos += 2;
    let name = if input.accept("{") {
        let Some((name, _)) = input.rest().split_once('}') else {
            return Err(syntax("invalid character class range", &input.pattern[start..]));
        };
        input.pos += name.len() + 1;
        name
    } else {
        let from = input.pos;
        input.next();
        input.since(from)
    };
    let plain = name.strip_prefix('^').unwrap_or(name);
    negated ^= plain.len() != name.len();
    let is_name = plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    // Go's tables are general categories and scripts, all named with a capital.
    if !is_name || !plain.starts_with(|char: char| char.is_ascii_uppercase()) {
        return Err(syntax("invalid character class range", input.since(start)));
    }
    // Asked once a name: patterns may repeat one many thousand times.
    if !input.properties.contains(plain) {
        if regex::Regex::new(&format!("\\p{{{plain}}}")).is_err() {
            return Err(syntax("invalid character class range", input.since(start)));
        }
        input.properties.insert(plain);
    }
    Ok(format!("\\{}{{{plain}}}", if negated { 'P' } else { 'p' }))
}

/// A backslash that stands for one character.
pub(super) fn escaped_char(input: &mut Translator<'_>) -> Result<char, Error> {
    let start = input.pos;
    input.accept("\\");
    let Some(char) = input.next() else {
        return Err(Error::Syntax {
            reason: "trailing backslash at end of expression",
            fragment: String::new(),
        });
    };
    let value = match char {
        'a' => Some('\u{7}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        'x' => hexadecimal(input),
        // A lone digit other than zero would be a back-reference, which RE2 does not have.
        '1'..='7' if !input.peek().is_some_and(|next| next.is_digit(8)) => None,
        '0'..='7' => octal(input, char),
        _ if char.is_ascii_punctuation() || char == ' ' || (char.is_ascii_control()) => Some(char),
        _ => None,
    };
    value.ok_or_else(|| syntax("invalid escape sequence", input.since(start)))
}

fn octal(input: &mut Translator<'_>, first: char) -> Option<char> {
    let mut value = first.to_digit(8)?;
    for _ in 0..2 {
        let Some(digit) = input.peek().and_then(|char| char.to_digit(8)) else {
            break;
        };
        input.next();
        value = value * 8 + digit;
    }
    char::from_u32(value)
}

/// `\x7F` or `\x{10FFFF}`, after the `x`.
fn hexadecimal(input: &mut Translator<'_>) -> Option<char> {
    if !input.accept("{") {
        let (high, low) = (input.next()?, input.next()?);
        return char::from_u32(high.to_digit(16)? * 16 + low.to_digit(16)?);
    }
    // An error quotes the escape up to the digit that makes it one.
    let mut value = None;
    loop {
        match input.next()? {
            '}' => return char::from_u32(value?),
            digit => {
                let next = value.unwrap_or(0) * 16 + digit.to_digit(16)?;
                value = Some(next).filter(|next| *next <= u32::from(char::MAX));
                value?;
            }
        }
    }
}
