//! Compares with real Go: `cases/*.md` hold templates and what Go 1.25 made of them, with which
//! Kapacitor is built. (They were run by the template packages of 1.24 with the one change of 1.25
//! that shows, on `fmt`, `time` and `encoding/json` of 1.19, with JSON's two new escapes.)

mod fixture;

use std::fmt::Write as _;

use template::{Error, Object, Template, Value};

/// A template, how it is parsed, and what Go did with it.
struct Case {
    mode: String,
    source: String,
    kind: String,
    expected: String,
    line: usize,
}

/// The pairs of lines in the ```` ```cases ```` blocks of a file.
fn cases(text: &str) -> Vec<Case> {
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```cases";
            continue;
        }
        if !inside {
            continue;
        }
        let (word, literal) = line.split_once(' ').expect("a word and a literal");
        let literal = unquote(literal);
        match open.take() {
            None => open = Some((word.to_owned(), literal)),
            Some((mode, source)) => {
                found.push(Case { mode, source, kind: word.to_owned(), expected: literal, line: number + 1 })
            }
        }
    }
    found
}

/// Reads a Go string literal; bytes that are not UTF-8 become U+FFFD, as in our output.
fn unquote(literal: &str) -> String {
    let body = &literal[1..literal.len() - 1];
    let mut bytes = Vec::new();
    let mut chars = body.chars();
    let code = |chars: &mut std::str::Chars<'_>, len: usize| {
        let digits: String = chars.by_ref().take(len).collect();
        u32::from_str_radix(&digits, 16).expect("hexadecimal digits")
    };
    while let Some(c) = chars.next() {
        let c = if c != '\\' {
            c
        } else {
            match chars.next().expect("an escape") {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'a' => '\x07',
                'b' => '\x08',
                'f' => '\x0c',
                'v' => '\x0b',
                'x' => {
                    bytes.push(code(&mut chars, 2) as u8);
                    continue;
                }
                'u' => char::from_u32(code(&mut chars, 4)).expect("a character"),
                'U' => char::from_u32(code(&mut chars, 8)).expect("a character"),
                c => c,
            }
        };
        bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn outcome(result: Result<(), Error>, out: String) -> (&'static str, String) {
    match result {
        Ok(()) => ("=>", out),
        Err(error) => ("error", error.to_string()),
    }
}

fn run(case: &Case, data: &dyn Object) -> (&'static str, String) {
    let parsed = match case.mode.as_str() {
        "text" => Template::text(&case.source, "message"),
        "body" => Template::text_with_json(&case.source, "message"),
        "html" => Template::html(&case.source, "details"),
        mode => panic!("unknown mode {mode}"),
    };
    let template = match parsed {
        Ok(template) => template,
        Err(error) => return ("parse", error.to_string()),
    };
    let (mut fast, mut slow) = (String::new(), String::new());
    let fast_result = template.render(data, &mut fast);
    let slow_result = template.render_value(Value::Object(data), &mut slow);
    assert_eq!(fast_result, slow_result, "the two paths disagree on {}", case.source);
    assert_eq!(fast, slow, "the two paths disagree on {}", case.source);
    outcome(fast_result, fast)
}

fn check(file: &str) {
    let path = format!("{}/cases/{file}.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the case file");
    let data = fixture::Test::new();
    let all = cases(&text);
    assert!(all.len() > 50, "only {} cases found in {path}", all.len());
    let mut wrong = String::new();
    let mut count = 0;
    for case in &all {
        let (kind, got) = run(case, &data);
        if (kind, &got) != (case.kind.as_str(), &case.expected) {
            count += 1;
            let _ = writeln!(
                wrong,
                "{file}.md:{}\n  template {:?}\n  go    {} {:?}\n  farad {kind} {got:?}",
                case.line, case.source, case.kind, case.expected
            );
        }
    }
    assert!(wrong.is_empty(), "{count} of {} cases differ:\n{wrong}", all.len());
}

#[test]
fn language() {
    check("language");
}

#[test]
fn functions() {
    check("functions");
}

#[test]
fn printf() {
    check("printf");
}

#[test]
fn html() {
    check("html");
}

#[test]
fn sampled_text() {
    check("sampled_text");
}

#[test]
fn sampled_html() {
    check("sampled_html");
}
