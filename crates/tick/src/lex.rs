//! From text to tokens. Which token `/`, `*`, `-` and `!` make depends on whether an operand or
//! an operator may stand there, so the lexer is always in one of two states.
//!
//! Kapacitor takes no operator after a regular expression, a star or a comment, although its
//! formatter writes such text (it drops the parentheses of `(/a/) == x`). Here an operator may
//! follow every operand; scripts that Kapacitor accepts give the same tokens.

use crate::ast::{BinaryOp, Span};
use crate::go::{is_digit, is_letter, quote_char};
use crate::token::{Token, TokenKind};

/// All tokens up to the end, or up to and including the first error.
pub(crate) struct Lexed {
    /// Ends with `Eof` or `Error`, comments included.
    pub(crate) tokens: Vec<Token>,
    /// The text of the `Error` token.
    pub(crate) error: Option<String>,
}

/// Splits a script into tokens.
pub(crate) fn lex(source: &str) -> Lexed {
    let mut lexer = Lexer { source, start: 0, pos: 0, tokens: Vec::new(), error: None };
    let mut state = Some(State::Operand);
    while let Some(now) = state {
        state = match now {
            State::Operand => lexer.operand(),
            State::Operator => lexer.operator(),
            State::Keyword => lexer.after_keyword(),
        };
    }
    Lexed { tokens: lexer.tokens, error: lexer.error }
}

/// What may stand next.
#[derive(Clone, Copy)]
enum State {
    Operand,
    Operator,
    /// An operand too, but an infix operator in its place is named by the parser.
    Keyword,
}

struct Lexer<'a> {
    source: &'a str,
    start: usize,
    pos: usize,
    tokens: Vec<Token>,
    error: Option<String>,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.source[self.pos..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.pos += char.len_utf8();
        Some(char)
    }

    /// Consumes `wanted` if it stands next.
    fn accept(&mut self, wanted: char) -> bool {
        let accepted = self.peek() == Some(wanted);
        if accepted {
            self.pos += wanted.len_utf8();
        }
        accepted
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.next();
        }
    }

    fn skip_space(&mut self) {
        self.skip_while(char::is_whitespace);
        self.start = self.pos;
    }

    fn emit(&mut self, kind: TokenKind, then: State) -> Option<State> {
        // The parser refuses scripts beyond `MAX_SCRIPT_BYTES` before they get here.
        let span = Span { start: self.start as u32, end: self.pos as u32 };
        self.tokens.push(Token { kind, span });
        self.start = self.pos;
        Some(then)
    }

    fn fail(&mut self, message: impl Into<String>) -> Option<State> {
        self.emit(TokenKind::Error, State::Operand);
        self.error = Some(message.into());
        None
    }

    /// Where an operand, a bracket or the end may stand.
    fn operand(&mut self) -> Option<State> {
        self.skip_space();
        let Some(char) = self.peek() else {
            self.emit(TokenKind::Eof, State::Operand);
            return None;
        };
        match char {
            '"' => return self.reference(),
            '\'' => return self.string(),
            '/' if self.source[self.pos..].starts_with("//") => {
                return self.comment(State::Operand);
            }
            '/' => return self.regex(),
            '.' => return self.number(),
            _ if is_digit(char) => return self.number(),
            _ if is_letter(char) => return self.word(),
            _ => {}
        }
        self.next();
        let (kind, then) = match char {
            '-' => (TokenKind::Op(BinaryOp::Sub), State::Operand),
            '!' => (TokenKind::Not, State::Operand),
            '(' => (TokenKind::LParen, State::Operand),
            ')' => (TokenKind::RParen, State::Operator),
            '[' => (TokenKind::LBracket, State::Operand),
            ']' => (TokenKind::RBracket, State::Operand),
            '|' => (TokenKind::Pipe, State::Operand),
            '@' => (TokenKind::At, State::Operand),
            ',' => (TokenKind::Comma, State::Operand),
            '*' => (TokenKind::Star, State::Operator),
            _ => return self.fail(format!("unknown state, last char: {}", quote_char(char))),
        };
        self.emit(kind, then)
    }

    /// After an operand, where an infix operator may stand.
    fn operator(&mut self) -> Option<State> {
        self.skip_space();
        let rest = &self.source[self.pos..];
        if rest.starts_with("//") {
            return self.comment(State::Operator);
        }
        let Some((text, kind)) = OPERATORS.iter().find(|(text, _)| rest.starts_with(text)) else {
            return Some(State::Operand);
        };
        self.pos += text.len();
        let then = self.emit(*kind, State::Operand);
        if matches!(*text, "=~" | "!~" | "=") && self.empty_regex() {
            self.skip_space();
            return self.regex();
        }
        then
    }

    /// After `AND`, `OR` and `lambda:`. Kapacitor looks for an operator here, as after any word, so
    /// its errors name the operator and not the character. Regular expressions and stars may stand
    /// here, because the formatter drops parentheses around them.
    fn after_keyword(&mut self) -> Option<State> {
        self.skip_space();
        let rest = &self.source[self.pos..];
        let starts = OPERATORS.iter().find(|(text, _)| rest.starts_with(text));
        match starts {
            Some((text, _)) if !matches!(*text, "/" | "*" | "-" | "!") => self.operator(),
            _ => Some(State::Operand),
        }
    }

    /// Whether `//` is the empty regular expression here rather than a comment. Kapacitor always
    /// takes it for one after `=`, `=~` and `!~`, and so reads `var x = // why` as two statements.
    fn empty_regex(&self) -> bool {
        let line = self.source[self.pos..].split('\n').next().unwrap_or_default();
        let Some(rest) = line.trim_start().strip_prefix("//") else {
            return false;
        };
        let rest = rest.trim_start();
        let is_word = |char| is_letter(char) || is_digit(char) || char == '_';
        let word = rest.split(|char| !is_word(char)).next().unwrap_or_default();
        matches!(word, "AND" | "OR")
            || rest.is_empty()
            || rest.starts_with([')', ',', '|', '.', '@', '=', '!', '/', '+', '-', '*', '%', '<', '>'])
    }

    fn word(&mut self) -> Option<State> {
        self.skip_while(|char| is_digit(char) || is_letter(char) || char == '_');
        let kind = match &self.source[self.start..self.pos] {
            "AND" => TokenKind::Op(BinaryOp::And),
            "OR" => TokenKind::Op(BinaryOp::Or),
            "TRUE" => TokenKind::True,
            "FALSE" => TokenKind::False,
            "var" => TokenKind::Var,
            "dbrp" => TokenKind::Dbrp,
            "lambda" if self.accept(':') => TokenKind::Lambda,
            _ => TokenKind::Ident,
        };
        let then = match kind {
            TokenKind::Op(_) | TokenKind::Lambda => State::Keyword,
            _ => State::Operator,
        };
        self.emit(kind, then)
    }

    /// A number, a duration, or the dot of a property.
    fn number(&mut self) -> Option<State> {
        let mut decimal = false;
        while let Some(char) = self.next() {
            match char {
                '.' if self.pos == self.start + 1 && !self.peek().is_some_and(is_digit) => {
                    return self.emit(TokenKind::Dot, State::Operand);
                }
                '.' if decimal => return self.fail("multiple decimals in number"),
                '.' => decimal = true,
                _ if is_digit(char) => {}
                'u' | 'µ' | 's' | 'm' | 'h' | 'd' | 'w' if !decimal => {
                    if char == 'm' {
                        self.accept('s');
                    }
                    return self.emit(TokenKind::Duration, State::Operator);
                }
                _ => {
                    self.pos -= char.len_utf8();
                    break;
                }
            }
        }
        self.emit(TokenKind::Number, State::Operator)
    }

    fn reference(&mut self) -> Option<State> {
        self.next();
        while let Some(char) = self.next() {
            match char {
                '\\' => {
                    self.accept('"');
                }
                '"' => return self.emit(TokenKind::Reference, State::Operator),
                _ => {}
            }
        }
        self.fail("unterminated field reference")
    }

    fn string(&mut self) -> Option<State> {
        self.next();
        let quotes = if self.accept('\'') {
            if !self.accept('\'') {
                return self.emit(TokenKind::String, State::Operator);
            }
            3
        } else {
            1
        };
        // Counts down over adjacent quotes. A backslash escapes only when one quote is missing,
        // which Kapacitor also does on the verge of closing a triple-quoted string.
        let mut missing = quotes;
        while let Some(char) = self.next() {
            match char {
                '\\' if missing == 1 => {
                    self.accept('\'');
                }
                '\'' => {
                    missing -= 1;
                    if missing == 0 {
                        return self.emit(TokenKind::String, State::Operator);
                    }
                }
                _ => missing = quotes,
            }
        }
        self.fail("unterminated string")
    }

    fn regex(&mut self) -> Option<State> {
        self.next();
        while let Some(char) = self.next() {
            match char {
                '\\' => {
                    self.accept('/');
                }
                '/' => return self.emit(TokenKind::Regex, State::Operator),
                _ => {}
            }
        }
        self.fail("unterminated regex")
    }

    /// Adjacent comment lines, one token.
    fn comment(&mut self, then: State) -> Option<State> {
        loop {
            self.skip_while(|char| char != '\n');
            let end = self.pos;
            self.next();
            self.skip_while(|char| char != '\n' && char.is_whitespace());
            if !self.source[self.pos..].starts_with("//") {
                self.pos = end;
                return self.emit(TokenKind::Comment, then);
            }
        }
    }
}

/// The operators that are not words; where one begins another, the longer stands first.
const OPERATORS: [(&str, TokenKind); 15] = [
    ("+", TokenKind::Op(BinaryOp::Add)),
    ("-", TokenKind::Op(BinaryOp::Sub)),
    ("*", TokenKind::Op(BinaryOp::Mul)),
    ("/", TokenKind::Op(BinaryOp::Div)),
    ("%", TokenKind::Op(BinaryOp::Mod)),
    ("!=", TokenKind::Op(BinaryOp::Ne)),
    ("!~", TokenKind::Op(BinaryOp::NotMatch)),
    ("!", TokenKind::Not),
    (">=", TokenKind::Op(BinaryOp::Ge)),
    (">", TokenKind::Op(BinaryOp::Gt)),
    ("<=", TokenKind::Op(BinaryOp::Le)),
    ("<", TokenKind::Op(BinaryOp::Lt)),
    ("==", TokenKind::Op(BinaryOp::Eq)),
    ("=~", TokenKind::Op(BinaryOp::Match)),
    ("=", TokenKind::Assign),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens as `kind:text`, blank separated.
    fn shown(source: &str) -> String {
        let lexed = lex(source);
        let mut shown: Vec<String> = Vec::new();
        for token in &lexed.tokens {
            let text = &source[token.span.start as usize..token.span.end as usize];
            match (token.kind, &lexed.error) {
                (TokenKind::Eof, _) => {}
                (TokenKind::Error, Some(message)) => shown.push(format!("!{message}")),
                (kind, _) => shown.push(format!("{}:{text}", kind.name())),
            }
        }
        shown.join(" ")
    }

    #[test]
    fn tokens() {
        for (source, expected) in [
            ("", ""),
            ("var x = 5", "var:var identifier:x =:= number:5"),
            ("lambda: x lambda", "lambda:lambda: identifier:x identifier:lambda"),
            ("10ms 5m 3s1 4u 5µ", "duration:10ms duration:5m duration:3s number:1 duration:4u duration:5µ"),
            ("1.5 .5 5. a.b", "number:1.5 number:.5 number:5. identifier:a .:. identifier:b"),
            ("1.5s", "number:1.5 identifier:s"),
            ("1..2", "!multiple decimals in number"),
            (r#""a\"b" "c\d""#, r#"reference:"a\"b" reference:"c\d""#),
            (r"'it\'s' '' 'a\b'", r"string:'it\'s' string:'' string:'a\b'"),
            ("'''a'b''c''' ''''x'''", "string:'''a'b''c''' string:''''x'''"),
            ("''''''", "string:''''''"),
            (r"x =~ /a\/b/", r"identifier:x =~:=~ regex:/a\/b/"),
            ("x = // b", "identifier:x =:= //:// b"),
            (
                "x = //\ny =~ // AND z !~ //)",
                "identifier:x =:= regex:// identifier:y =~:=~ regex:// AND:AND identifier:z !~:!~ regex:// ):)",
            ),
            ("x =\n//\n5", "identifier:x =:= //:// number:5"),
            ("lambda: /a/ AND /b/", "lambda:lambda: regex:/a/ AND:AND regex:/b/"),
            ("a / b", "identifier:a /:/ identifier:b"),
            ("(/re/, *)", "(:( regex:/re/ ,:, *:* ):)"),
            ("AND == b", "AND:AND ==:== identifier:b"),
            ("lambda: * AND *", "lambda:lambda: *:* AND:AND *:*"),
            ("OR !a AND -b", "OR:OR !:! identifier:a AND:AND -:- identifier:b"),
            ("a * -b", "identifier:a *:* -:- identifier:b"),
            ("a !b !~ /c/ != d", "identifier:a !:! identifier:b !~:!~ regex:/c/ !=:!= identifier:d"),
            (
                "a<=b>=c<d>e==f",
                "identifier:a <=:<= identifier:b >=:>= identifier:c <:< identifier:d >:> identifier:e ==:== identifier:f",
            ),
            ("// a\n  // b\n\n// c\nx", "//:// a\n  // b //:// c identifier:x"),
            ("x // c\n+ y", "identifier:x //:// c +:+ identifier:y"),
            ("(// all\n/re/)", "(:( //:// all regex:/re/ ):)"),
            ("_x", "!unknown state, last char: '_'"),
            ("'abc", "!unterminated string"),
            ("'''abc''", "!unterminated string"),
            ("\"abc", "!unterminated field reference"),
            ("/abc", "!unterminated regex"),
            ("été9 AND TRUE", "identifier:été9 AND:AND TRUE:TRUE"),
        ] {
            assert_eq!(shown(source), expected, "{source}");
        }
    }
}
