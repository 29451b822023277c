//! The YAML of sideload files: a mapping of keys to plain values. Values that are mappings or lists
//! are told from plain ones but not looked into, for no field or tag can have them.
//!
//! Written by hand because that is all a sideload node can use of YAML; what is beyond it (anchors,
//! tags, several documents) is refused by name, not misread.

use pipeline::nodes::sideload::Datum;
use pipeline::nodes::sideload::of_object;

/// The values of a file.
pub fn values(bytes: &[u8]) -> Result<Vec<(String, Datum)>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Much of JSON is YAML, and some write it so.
    if text.trim_start().starts_with('{') {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)
            .map_err(|error| format!("a flow mapping must be JSON here: {error}"))?;
        return Ok(of_object(&object));
    }
    Reader { lines: text.lines().enumerate().collect(), at: 0, values: Vec::new() }.read()
}

struct Reader<'a> {
    lines: Vec<(usize, &'a str)>,
    at: usize,
    values: Vec<(String, Datum)>,
}

/// A line without its indentation; nothing for one that says nothing.
fn said(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with('#') { "" } else { line }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

impl<'a> Reader<'a> {
    fn read(mut self) -> Result<Vec<(String, Datum)>, String> {
        let mut base = None;
        while let Some(&(number, line)) = self.lines.get(self.at) {
            self.at += 1;
            let (text, wrong) = (said(line), |why: &str| format!("line {}: {why}", number + 1));
            match text {
                "" => continue,
                "---" if self.values.is_empty() => continue,
                "---" => return Err(wrong("only one document can be read")),
                "..." => break,
                "~" | "null" if self.values.is_empty() && base.is_none() => continue,
                _ => {}
            }
            if line.trim_start_matches(' ').starts_with('\t') {
                return Err(wrong("found a tab where an indentation is: use spaces"));
            }
            if *base.get_or_insert(indent(line)) != indent(line) {
                return Err(wrong("it is not indented as the keys before it"));
            }
            let (key, rest) = key(text).map_err(wrong)?;
            if self.values.iter().any(|(known, _)| *known == key) {
                return Err(wrong(&format!("key {key:?} is there twice")));
            }
            let value = self.value(rest, indent(line)).map_err(|why| wrong(&why))?;
            self.values.push((key, value));
        }
        Ok(self.values)
    }

    /// The value behind a key, which may go on in the lines below it.
    fn value(&mut self, rest: &str, base: usize) -> Result<Datum, String> {
        let below = self.below(base);
        match rest.chars().next() {
            None | Some('#') => Ok(match below.iter().map(|line| said(line)).find(|line| !line.is_empty()) {
                None => Datum::Null,
                Some(first) if first == "-" || first.starts_with("- ") => Datum::List,
                Some(first) if key(first).is_ok() => Datum::Map,
                // A plain value that begins on the next line.
                Some(_) => plain(&folded(&below)),
            }),
            Some('|' | '>') => block(rest, &below).map(Datum::Text),
            Some('[') => flow(rest, &below, ']').map(|()| Datum::List),
            Some('{') => flow(rest, &below, '}').map(|()| Datum::Map),
            Some('"' | '\'') => {
                let whole =
                    std::iter::once(rest).chain(below.iter().map(|line| line.trim())).collect::<Vec<_>>();
                let whole = whole.join(" ");
                let (text, after) = quoted(whole.trim_end())?;
                match said(after) {
                    "" => Ok(Datum::Text(text)),
                    after => Err(format!("did not expect {after:?} behind a quoted text")),
                }
            }
            Some('&' | '*' | '!') => Err(format!("anchors, aliases and tags cannot be used here: {rest:?}")),
            Some('@' | '`' | '%') => Err(format!("no value can begin like {rest:?}: quote it")),
            Some(_) => {
                let first = without_comment(rest);
                let more = folded(&below);
                let whole = if more.is_empty() { first.to_owned() } else { format!("{first} {more}") };
                if whole.contains(": ") || whole.ends_with(':') {
                    return Err(format!("mapping values are not allowed in {whole:?}: quote it"));
                }
                Ok(if more.is_empty() { plain(first) } else { Datum::Text(whole) })
            }
        }
    }

    /// The lines that are indented deeper, or are the list of a key.
    fn below(&mut self, base: usize) -> Vec<&'a str> {
        let mut found = Vec::new();
        while let Some(&(_, line)) = self.lines.get(self.at) {
            let empty = line.trim().is_empty();
            let item = indent(line) == base && (line.trim() == "-" || line.trim_start().starts_with("- "));
            let comment = line.trim_start().starts_with('#') && indent(line) <= base;
            if !empty && !comment && indent(line) <= base && !item {
                break;
            }
            found.push(line);
            self.at += 1;
        }
        found
    }
}

/// The key of a line, and what follows its colon.
fn key(text: &str) -> Result<(String, &str), &'static str> {
    const NO_KEY: &str = "expected a key, a colon and a value";
    if text.starts_with(['"', '\'']) {
        let (key, rest) = quoted(text).map_err(|_| "the quotes of the key have no end")?;
        let rest = rest.trim_start().strip_prefix(':').ok_or(NO_KEY)?;
        return if rest.is_empty() || rest.starts_with(' ') { Ok((key, rest.trim())) } else { Err(NO_KEY) };
    }
    if text.starts_with(['[', '{', '&', '*', '!', '|', '>', '@', '`', '%', '?']) || text.starts_with("- ") {
        return Err("expected a mapping of plain keys to values");
    }
    let (key, rest) = match text.split_once(": ") {
        Some((key, rest)) => (key, rest.trim()),
        None => (text.strip_suffix(':').ok_or(NO_KEY)?, ""),
    };
    if key.contains(" #") { Err(NO_KEY) } else { Ok((key.trim_end().to_owned(), rest)) }
}

fn without_comment(text: &str) -> &str {
    text.find(" #").map_or(text, |at| &text[..at]).trim_end()
}

fn folded(lines: &[&str]) -> String {
    let lines = lines.iter().map(|line| without_comment(said(line))).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

/// A quoted text, and what follows it.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut chars = text.char_indices().skip(1).peekable();
    let mut out = String::new();
    let single = text.starts_with('\'');
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' if single && chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                out.push('\'');
                chars.next();
            }
            '\'' if single => return Ok((out, &text[at + 1..])),
            '"' if !single => return Ok((out, &text[at + 1..])),
            '\\' if !single => {
                let (_, escape) = chars.next().ok_or("the text ends behind a backslash")?;
                let mut code = |digits: usize| {
                    let hex: String = chars.by_ref().take(digits).map(|(_, digit)| digit).collect();
                    let code = u32::from_str_radix(&hex, 16).ok().filter(|_| hex.len() == digits);
                    code.and_then(char::from_u32).ok_or(format!("{hex:?} is no code of a letter"))
                };
                out.push(match escape {
                    '0' => '\0',
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    't' => '\t',
                    'n' => '\n',
                    'v' => '\u{b}',
                    'f' => '\u{c}',
                    'r' => '\r',
                    'e' => '\u{1b}',
                    ' ' | '"' | '/' | '\\' => escape,
                    'N' => '\u{85}',
                    '_' => '\u{a0}',
                    'L' => '\u{2028}',
                    'P' => '\u{2029}',
                    'x' => code(2)?,
                    'u' => code(4)?,
                    'U' => code(8)?,
                    other => return Err(format!("found unknown escape character {other:?}")),
                });
            }
            c => out.push(c),
        }
    }
    Err("the quotes have no end".to_owned())
}

/// A text in the lines below its key.
fn block(head: &str, below: &[&str]) -> Result<String, String> {
    let head = without_comment(head);
    let (folds, marks) = (head.starts_with('>'), &head[1..]);
    let keep = match marks {
        "" => "\n",
        "-" | "+" => marks,
        other => return Err(format!("a block text cannot begin with {other:?} here")),
    };
    let depth =
        below.iter().filter(|line| !line.trim().is_empty()).map(|line| indent(line)).min().unwrap_or(0);
    let lines: Vec<&str> = below.iter().map(|line| line.get(depth..).unwrap_or_default()).collect();
    let text = lines.join("\n");
    let body = text.trim_end_matches('\n');
    let mut out = String::new();
    match folds {
        false => out.push_str(body),
        true => {
            // A line goes on in the next; empty lines are breaks.
            for (at, line) in body.split('\n').enumerate() {
                let before = if at == 0 || out.ends_with('\n') || line.is_empty() { "" } else { " " };
                out.push_str(before);
                out.push_str(if line.is_empty() { "\n" } else { line });
            }
        }
    }
    if !out.is_empty() {
        out.push_str(match keep {
            "-" => "",
            "+" => return Ok(out + "\n" + &"\n".repeat(text.len() - body.len())),
            _ => "\n",
        });
    }
    Ok(out)
}

/// Checks that a list or mapping in brackets ends.
fn flow(rest: &str, below: &[&str], end: char) -> Result<(), String> {
    let whole =
        std::iter::once(rest).chain(below.iter().copied()).map(without_comment).collect::<Vec<_>>().join(" ");
    let open = whole.chars().filter(|c| matches!(c, '[' | '{')).count();
    let closed = whole.chars().filter(|c| matches!(c, ']' | '}')).count();
    if whole.trim_end().ends_with(end) && open == closed {
        return Ok(());
    }
    Err(format!("did not find expected {end:?}"))
}

/// A value without quotes, as YAML 1.1 reads it.
fn plain(text: &str) -> Datum {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Datum::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Datum::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Datum::Bool(false);
        }
        _ => {}
    }
    number(text).map_or_else(|| Datum::Text(text.to_owned()), Datum::Number)
}

fn number(text: &str) -> Option<f64> {
    let first = text.chars().next()?;
    if !(first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return None;
    }
    let digits = text.replace('_', "");
    let (sign, unsigned) = match digits.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let radix = |prefix: &str, radix| {
        let rest = unsigned.strip_prefix(prefix)?;
        u64::from_str_radix(rest, radix).ok().map(|number| sign * number as f64)
    };
    let octal =
        unsigned.len() > 1 && unsigned.starts_with('0') && unsigned.bytes().all(|b| b.is_ascii_digit());
    let based = radix("0x", 16).or_else(|| radix("0b", 2)).or_else(|| radix("0o", 8));
    if based.is_some() || octal && unsigned.bytes().all(|b| b < b'8') {
        return based.or_else(|| radix("0", 8));
    }
    let decimal = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !unsigned.chars().all(decimal) || !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    unsigned.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| sign * number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Datum {
        Datum::Text(text.into())
    }

    #[test]
    fn mappings_of_plain_values() {
        let read = values(
            b"---\n# what the hosts are like\ncpu: 95.5\nint: 5   # five\n\"quoted key\": 'it''s'\nhex: 0x1f\noct: 017\nbig: 1_000\n\
              neg: -3\nexp: 1e3\nyes: yes\noff: off\nnone:\nnull: ~\nname: web server\nurl: http://x/y#z\nesc: \"a\\tb\\u00e9\"\n\
              nested:\n  a: 1\nlist:\n- 1\n- 2\nflow: [1, 2]\nmap: {a: 1}\nversion: 1.2.3\ndate: 2020-01-02\nb: |\n  one\n  two\nf: >-\n  one\n  two\n\n  three\nend: last\n",
        );
        let expected: Vec<(&str, Datum)> = vec![
            ("cpu", Datum::Number(95.5)),
            ("int", Datum::Number(5.0)),
            ("quoted key", text("it's")),
            ("hex", Datum::Number(31.0)),
            ("oct", Datum::Number(15.0)),
            ("big", Datum::Number(1000.0)),
            ("neg", Datum::Number(-3.0)),
            ("exp", Datum::Number(1000.0)),
            ("yes", Datum::Bool(true)),
            ("off", Datum::Bool(false)),
            ("none", Datum::Null),
            ("null", Datum::Null),
            ("name", text("web server")),
            ("url", text("http://x/y#z")),
            ("esc", text("a\tbé")),
            ("nested", Datum::Map),
            ("list", Datum::List),
            ("flow", Datum::List),
            ("map", Datum::Map),
            ("version", text("1.2.3")),
            ("date", text("2020-01-02")),
            ("b", text("one\ntwo\n")),
            ("f", text("one two\nthree")),
            ("end", text("last")),
        ];
        let expected: Vec<(String, Datum)> =
            expected.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        assert_eq!(read, Ok(expected));
        assert_eq!(values(b""), Ok(Vec::new()));
        assert_eq!(values(b"{\"a\": 1}"), Ok(vec![("a".into(), Datum::Number(1.0))]));
        assert_eq!(values(b"  a: 1\n  b: 2\r\n").map(|read| read.len()), Ok(2));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (wrong, why) in [
            ("a: 1\n b: 2", "not allowed"),
            (" a: 1\nb: 2", "line 2"),
            ("a: 1\na: 2", "twice"),
            ("a: &x 1", "anchors"),
            ("a: *x", "aliases"),
            ("a: b: c", "not allowed"),
            ("\ta: 1", "tab"),
            ("just text", "colon"),
            ("- a\n- b", "mapping"),
            ("a: \"x", "quotes"),
            ("a: 'x' y", "behind"),
            ("a: \"\\q\"", "escape"),
            ("a: [1", "expected"),
            ("a: 1\n---\nb: 2", "one document"),
            ("{a: 1}", "JSON"),
        ] {
            let error = values(wrong.as_bytes()).expect_err(wrong);
            assert!(error.contains(why), "{wrong:?}: {error}");
        }
        assert!(values(b"a: \xff").is_err());
    }

    proptest::proptest! {
        #[test]
        fn nothing_crashes_it(lines in proptest::collection::vec("[ -]{0,3}[a\"'|>{\\[&\\\\é]{0,3}:?[ #]?[0-9a-e+x_.\"'é\\\\]{0,6}", 0..8)) {
            let _ = values(lines.join("\n").as_bytes());
        }

        #[test]
        fn texts_in_quotes_are_what_they_were(given in "[^\u{0}-\u{1f}\u{7f}-\u{9f}]*") {
            let json = format!("k: {}", serde_json::Value::from(given.clone()));
            // JSON's quotes are YAML's, but a quoted text loses spaces at the end of no line.
            proptest::prop_assert_eq!(values(json.as_bytes()), Ok(vec![("k".to_owned(), Datum::Text(given))]));
        }
    }
}
