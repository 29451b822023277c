//! Splits a template's source into tokens: text, delimiters, and the words between them.

use std::borrow::Cow;

/// Kinds of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Eof,
    Text,
    LeftDelim,
    RightDelim,
    Space,
    Bool,
    Char,
    CharConstant,
    Assign,
    Declare,
    Field,
    Identifier,
    LeftParen,
    RightParen,
    Number,
    Complex,
    Pipe,
    RawString,
    Str,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

const KEYWORDS: &[(&str, Kind)] = &[
    ("block", Kind::Block),
    ("break", Kind::Break),
    ("continue", Kind::Continue),
    ("define", Kind::Define),
    ("else", Kind::Else),
    ("end", Kind::End),
    ("if", Kind::If),
    ("nil", Kind::Nil),
    ("range", Kind::Range),
    ("template", Kind::Template),
    ("with", Kind::With),
];

/// A token, or the error that ended the scan.
#[derive(Clone, Debug)]
pub(crate) struct Token<'s> {
    pub kind: Kind,
    pub pos: usize,
    pub text: Cow<'s, str>,
    pub line: usize,
}

impl Token<'_> {
    /// The token as Go shows it in `unexpected ...`.
    pub fn describe(&self) -> String {
        match self.kind {
            Kind::Eof => "EOF".to_owned(),
            Kind::Error => self.text.to_string(),
            kind if kind == Kind::Dot || KEYWORDS.iter().any(|(_, word)| *word == kind) => {
                format!("<{}>", self.text)
            }
            _ if self.text.len() > 10 => {
                let short: String = self.text.chars().take(10).collect();
                format!("{}...", crate::quote::quote(&short))
            }
            _ => crate::quote::quote(&self.text),
        }
    }
}

const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

fn is_space(c: char) -> bool {
    SPACES.contains(&c)
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// `{{- ` trims the text before it.
fn has_left_trim(rest: &str) -> bool {
    let bytes = rest.as_bytes();
    bytes.first() == Some(&b'-') && bytes.get(1).is_some_and(|byte| is_space(char::from(*byte)))
}

/// ` -}}` trims the text after it.
fn has_right_trim(rest: &str) -> bool {
    let bytes = rest.as_bytes();
    bytes.first().is_some_and(|byte| is_space(char::from(*byte))) && bytes.get(1) == Some(&b'-')
}

/// All tokens of `source`. The last is `Eof`, or `Error` with its message as text.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { source, pos: 0, start: 0, line: 1, parens: 0, out: Vec::new() };
    if let Err(message) = lexer.run() {
        let (pos, line) = (lexer.start, lexer.line);
        lexer.out.push(Token { kind: Kind::Error, pos, text: Cow::Owned(message), line });
    }
    lexer.out
}

struct Lexer<'s> {
    source: &'s str,
    pos: usize,
    start: usize,
    /// Line of `start`, from 1.
    line: usize,
    parens: usize,
    out: Vec<Token<'s>>,
}

type Scan = Result<(), String>;

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.pos..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        Some(c)
    }

    fn accept(&mut self, set: &str) -> bool {
        let found = self.peek().is_some_and(|c| set.contains(c));
        if found {
            self.bump();
        }
        found
    }

    fn accept_run(&mut self, set: &str) {
        while self.accept(set) {}
    }

    fn skip(&mut self) {
        self.line += self.source[self.start..self.pos].matches('\n').count();
        self.start = self.pos;
    }

    fn emit(&mut self, kind: Kind) {
        let text = Cow::Borrowed(&self.source[self.start..self.pos]);
        self.out.push(Token { kind, pos: self.start, text, line: self.line });
        self.skip();
    }

    fn run(&mut self) -> Scan {
        while let Some(offset) = self.rest().find("{{") {
            let open = self.pos + offset;
            self.text_before(open);
            self.pos = open + 2;
            let trim = if has_left_trim(self.rest()) { 2 } else { 0 };
            if self.rest()[trim..].starts_with("/*") {
                self.pos += trim;
                self.skip();
                self.comment()?;
            } else {
                self.emit(Kind::LeftDelim);
                self.pos += trim;
                self.skip();
                self.parens = 0;
                while self.inside()? {}
            }
        }
        self.pos = self.source.len();
        if self.pos > self.start {
            self.emit(Kind::Text);
        }
        self.emit(Kind::Eof);
        Ok(())
    }

    fn text_before(&mut self, open: usize) {
        let text = &self.source[self.start..open];
        let kept = match has_left_trim(&self.source[open + 2..]) {
            true => text.trim_end_matches(SPACES).len(),
            false => text.len(),
        };
        self.pos = self.start + kept;
        if kept > 0 {
            // Go counts the lines of a text before it emits it: a text stands on its last line.
            self.line += text[..kept].matches('\n').count();
            let token = Cow::Borrowed(&text[..kept]);
            self.out.push(Token { kind: Kind::Text, pos: self.start, text: token, line: self.line });
            self.start = self.pos;
        }
        self.pos = open;
        self.skip();
    }

    fn comment(&mut self) -> Scan {
        let Some(end) = self.rest()[2..].find("*/") else {
            return Err("unclosed comment".into());
        };
        self.pos += 2 + end + 2;
        let trim = has_right_trim(self.rest()) && self.rest()[2..].starts_with("}}");
        if !trim && !self.rest().starts_with("}}") {
            return Err("comment ends before closing delimiter".into());
        }
        self.close(trim);
        Ok(())
    }

    /// Steps over the right delimiter without a token.
    fn close(&mut self, trim: bool) {
        self.pos += if trim { 4 } else { 2 };
        if trim {
            self.pos += self.rest().len() - self.rest().trim_start_matches(SPACES).len();
        }
        self.skip();
    }

    fn right_delim(&mut self, trim: bool) {
        if trim {
            self.pos += 2;
            self.skip();
        }
        self.pos += 2;
        self.emit(Kind::RightDelim);
        if trim {
            self.pos += self.rest().len() - self.rest().trim_start_matches(SPACES).len();
            self.skip();
        }
    }

    /// Whether a right delimiter stands here, and whether it trims.
    fn at_right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_trim(rest) && rest[2..].starts_with("}}") {
            return Some(true);
        }
        rest.starts_with("}}").then_some(false)
    }

    /// Scans one token inside an action; false once the action is closed.
    fn inside(&mut self) -> Result<bool, String> {
        if let Some(trim) = self.at_right_delim() {
            if self.parens > 0 {
                return Err("unclosed left paren".into());
            }
            self.right_delim(trim);
            return Ok(false);
        }
        let Some(c) = self.bump() else {
            return Err("unclosed action".into());
        };
        match c {
            c if is_space(c) => self.space(),
            '=' => self.emit(Kind::Assign),
            ':' => {
                if self.bump() != Some('=') {
                    return Err("expected :=".into());
                }
                self.emit(Kind::Declare);
            }
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted('"', Kind::Str, "unterminated quoted string")?,
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant")?,
            '`' => {
                let Some(end) = self.rest().find('`') else {
                    return Err("unterminated raw quoted string".into());
                };
                self.pos += end + 1;
                self.emit(Kind::RawString);
            }
            '$' => self.field_or_variable(Kind::Variable)?,
            // A dot that ends the source is scanned as a number, and refused as one.
            '.' if self.peek().is_some_and(|c| !c.is_ascii_digit()) => {
                self.field_or_variable(Kind::Field)?;
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.pos = self.start;
                self.number()?;
            }
            c if is_word(c) => self.identifier()?,
            '(' => {
                self.emit(Kind::LeftParen);
                self.parens += 1;
            }
            ')' => {
                if self.parens == 0 {
                    return Err("unexpected right paren".into());
                }
                self.emit(Kind::RightParen);
                self.parens -= 1;
            }
            ' '..='~' => self.emit(Kind::Char),
            c => {
                return Err(format!("unrecognized character in action: {}", describe(Some(c))));
            }
        }
        Ok(true)
    }

    fn space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.bump();
        }
        // The last space may belong to a trimming delimiter: " -}}".
        let last = &self.source[self.pos - 1..];
        if has_right_trim(last) && last[2..].starts_with("}}") {
            self.pos -= 1;
        }
        if self.pos > self.start {
            self.emit(Kind::Space);
        }
    }

    fn identifier(&mut self) -> Scan {
        while self.peek().is_some_and(is_word) {
            self.bump();
        }
        if !self.at_terminator() {
            return Err(format!("bad character {}", describe(self.peek())));
        }
        let word = &self.source[self.start..self.pos];
        let kind = match KEYWORDS.iter().find(|(keyword, _)| *keyword == word) {
            Some((_, kind)) => *kind,
            None if word == "true" || word == "false" => Kind::Bool,
            None => Kind::Identifier,
        };
        self.emit(kind);
        Ok(())
    }

    fn field_or_variable(&mut self, kind: Kind) -> Scan {
        if self.at_terminator() {
            self.emit(if kind == Kind::Field { Kind::Dot } else { Kind::Variable });
            return Ok(());
        }
        while self.peek().is_some_and(is_word) {
            self.bump();
        }
        if !self.at_terminator() {
            return Err(format!("bad character {}", describe(self.peek())));
        }
        self.emit(kind);
        Ok(())
    }

    /// Whether what follows may end a word, so that `.X.Y` is two fields and `$x+2` an error.
    fn at_terminator(&self) -> bool {
        match self.peek() {
            None => true,
            Some(c) => is_space(c) || ".,|:)(".contains(c) || self.rest().starts_with("}}"),
        }
    }

    fn quoted(&mut self, end: char, kind: Kind, unterminated: &str) -> Scan {
        loop {
            match self.bump() {
                Some('\\') => match self.bump() {
                    None | Some('\n') => return Err(unterminated.into()),
                    Some(_) => {}
                },
                None | Some('\n') => return Err(unterminated.into()),
                Some(c) if c == end => break,
                Some(_) => {}
            }
        }
        self.emit(kind);
        Ok(())
    }

    fn number(&mut self) -> Scan {
        let plain = self.scan_number();
        let complex = plain && self.peek().is_some_and(|c| matches!(c, '+' | '-'));
        let good = if complex { self.scan_number() && self.source[..self.pos].ends_with('i') } else { plain };
        if !good {
            let text = crate::quote::quote(&self.source[self.start..self.pos]);
            return Err(format!("bad number syntax: {text}"));
        }
        self.emit(if complex { Kind::Complex } else { Kind::Number });
        Ok(())
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        let exponent = match digits.len() {
            11 => "eE",
            23 => "pP",
            _ => "",
        };
        if self.accept(exponent) {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if self.peek().is_some_and(is_word) {
            self.bump();
            return false;
        }
        true
    }
}

/// A character as Go's `%#U` prints it.
fn describe(c: Option<char>) -> String {
    let Some(c) = c else {
        return "U+FFFFFFFFFFFFFFFF".into();
    };
    if crate::quote::is_print(c) {
        format!("U+{:04X} '{c}'", c as u32)
    } else {
        format!("U+{:04X}", c as u32)
    }
}
