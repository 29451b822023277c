//! Patterns from Go's syntax to that of the `regex` crate, everything but character classes.

use std::collections::HashSet;

use super::Error;
use super::class;

/// The pattern in the syntax of the `regex` crate.
pub(super) fn translate(pattern: &str) -> Result<String, Error> {
    let mut translator = Translator {
        pattern,
        pos: 0,
        out: String::with_capacity(pattern.len() + 16),
        names: HashSet::new(),
        properties: HashSet::new(),
    };
    translator.run()?;
    Ok(translator.out)
}

/// An error about a fragment of the pattern.
pub(super) fn syntax(reason: &'static str, fragment: &str) -> Error {
    Error::Syntax { reason, fragment: fragment.to_owned() }
}

/// A reader of a pattern that writes its translation.
pub(super) struct Translator<'a> {
    pub(super) pattern: &'a str,
    pub(super) pos: usize,
    pub(super) out: String,
    /// The groups named so far.
    names: HashSet<&'a str>,
    /// The Unicode classes known to exist.
    pub(super) properties: HashSet<&'a str>,
}

/// Go refuses to repeat anything more often than this.
const REPEAT_MAX: u32 = 1000;

impl<'a> Translator<'a> {
    pub(super) fn rest(&self) -> &'a str {
        &self.pattern[self.pos..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.pos += char.len_utf8();
        Some(char)
    }

    pub(super) fn accept(&mut self, wanted: &str) -> bool {
        let accepted = self.rest().starts_with(wanted);
        if accepted {
            self.pos += wanted.len();
        }
        accepted
    }

    /// The pattern from `start` to here.
    pub(super) fn since(&self, start: usize) -> &'a str {
        &self.pattern[start..self.pos]
    }

    /// Writes a character that stands for itself.
    pub(super) fn literal(&mut self, char: char) {
        if char.is_ascii() && !char.is_ascii_alphanumeric() {
            self.out.push_str(&format!("\\x{:02x}", u32::from(char)));
        } else {
            self.out.push(char);
        }
    }

    fn run(&mut self) -> Result<(), Error> {
        // Whether a repetition operator may follow, and where the last one started.
        let mut repeatable = false;
        let mut last_repeat = None;
        let mut depth = 0_usize;
        while let Some(char) = self.peek() {
            let start = self.pos;
            if let Some(quantifier) = self.quantifier()? {
                if let Some(previous) = last_repeat {
                    return Err(syntax("invalid nested repetition operator", self.since(previous)));
                }
                if !repeatable {
                    return Err(syntax("missing argument to repetition operator", self.since(start)));
                }
                self.out.push_str(&quantifier);
                last_repeat = Some(start);
                continue;
            }
            last_repeat = None;
            repeatable = true;
            match char {
                '(' => {
                    let opens = self.group()?;
                    depth += usize::from(opens);
                    repeatable = false;
                }
                ')' if depth == 0 => return Err(syntax("unexpected )", self.pattern)),
                ')' => {
                    depth -= 1;
                    self.copy();
                }
                '|' => {
                    repeatable = false;
                    self.copy();
                }
                '[' => class::translate(self)?,
                '\\' => self.escape()?,
                '.' | '^' | '$' => self.copy(),
                _ => {
                    self.next();
                    self.literal(char);
                }
            }
        }
        if depth > 0 { Err(syntax("missing closing )", self.pattern)) } else { Ok(()) }
    }

    fn copy(&mut self) {
        if let Some(char) = self.next() {
            self.out.push(char);
        }
    }

    /// A repetition operator if one starts here, with its `?`.
    fn quantifier(&mut self) -> Result<Option<String>, Error> {
        let start = self.pos;
        let mut quantifier = match self.peek() {
            Some(char @ ('*' | '+' | '?')) => {
                self.next();
                char.to_string()
            }
            Some('{') => match counts(self.rest()) {
                Some((least, most, length)) => {
                    self.pos += length;
                    let beyond = |count| count > REPEAT_MAX;
                    if beyond(least) || most.is_some_and(|most| beyond(most) || most < least) {
                        return Err(syntax("invalid repeat count", self.since(start)));
                    }
                    self.since(start).to_owned()
                }
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        if self.accept("?") {
            quantifier.push('?');
        }
        Ok(Some(quantifier))
    }

    /// An opening parenthesis with its flags or name; whether it opens a group rather than only
    /// setting flags.
    fn group(&mut self) -> Result<bool, Error> {
        let start = self.pos;
        self.next();
        if !self.accept("?") {
            self.out.push('(');
            return Ok(true);
        }
        if self.accept("P<")
            || (!self.rest().starts_with("<=") && !self.rest().starts_with("<!") && self.accept("<"))
        {
            return self.named(start);
        }
        let (mut negative, mut flags) = (false, 0);
        while let Some(char) = self.next() {
            match char {
                'i' | 'm' | 's' | 'U' => flags += 1,
                '-' if !negative => (negative, flags) = (true, 0),
                ':' | ')' if !negative || flags > 0 => {
                    self.out.push_str(self.since(start));
                    return Ok(char == ':');
                }
                _ => break,
            }
        }
        Err(syntax("invalid or unsupported Perl syntax", self.since(start)))
    }

    fn named(&mut self, start: usize) -> Result<bool, Error> {
        let Some((name, _)) = self.rest().split_once('>') else {
            return Err(syntax("invalid named capture", &self.pattern[start..]));
        };
        self.pos += name.len() + 1;
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if name.is_empty() || !is_word {
            return Err(syntax("invalid named capture", self.since(start)));
        }
        if !self.names.insert(name) {
            return Err(syntax("duplicate capture group name", name));
        }
        // The `regex` crate has no names that start with a digit; the group keeps its number.
        let numeric = name.starts_with(|char: char| char.is_ascii_digit());
        if numeric {
            self.out.push('(');
        } else {
            self.out.push_str(&format!("(?P<{name}>"));
        }
        Ok(true)
    }

    /// A backslash outside a class.
    fn escape(&mut self) -> Result<(), Error> {
        if self.accept("\\Q") {
            let rest = self.rest();
            let (quoted, length) = match rest.find("\\E") {
                Some(end) => (&rest[..end], end + 2),
                None => (rest, rest.len()),
            };
            quoted.chars().for_each(|char| self.literal(char));
            // `\Q\E` leaves nothing that a repetition could apply to.
            if quoted.is_empty() {
                self.out.push_str("(?:)");
            }
            self.pos += length;
            return Ok(());
        }
        for (written, translated) in
            [("\\A", "\\A"), ("\\z", "\\z"), ("\\b", "(?-u:\\b)"), ("\\B", "(?-u:\\B)")]
        {
            if self.accept(written) {
                self.out.push_str(translated);
                return Ok(());
            }
        }
        if let Some(set) = class::perl_or_unicode(self)? {
            self.out.push_str(&set);
            return Ok(());
        }
        let char = class::escaped_char(self)?;
        self.literal(char);
        Ok(())
    }
}

/// `{n}`, `{n,}` or `{n,m}` at the start of `text`: least, most (none for exactly or open-ended),
/// and length. Anything else is no repetition.
fn counts(text: &str) -> Option<(u32, Option<u32>, usize)> {
    let (inner, _) = text.strip_prefix('{')?.split_once('}')?;
    let (least, most) = match inner.split_once(',') {
        Some((least, "")) => (count(least)?, None),
        Some((least, most)) => (count(least)?, Some(count(most)?)),
        None => (count(inner)?, None),
    };
    Some((least, most, inner.len() + 2))
}

/// Digits without a leading zero; more than fits counts as too many.
fn count(digits: &str) -> Option<u32> {
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    let valid = !digits.is_empty() && !leading_zero && digits.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| digits.parse().unwrap_or(u32::MAX))
}
