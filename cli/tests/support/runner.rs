//! Runs a program of this package against a server that answers what each case says, and compares.

use super::{Case, Fake, read_cases};
use cli::Surroundings;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// A program, and where its cases are.
pub struct Program {
    /// Runs it with arguments.
    pub main: fn(&[String], &Surroundings, &mut dyn Write, &mut dyn Write) -> i32,
    /// Folder of its cases, below the package.
    pub cases: &'static str,
}

/// What a run gave.
struct Outcome {
    requests: Vec<String>,
    stdout: String,
    stderr: String,
    exit: i32,
}

pub fn surroundings() -> Surroundings {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().unwrap();
    });
    Surroundings { url: None, unsafe_ssl: None, color: false, zone: TimeZone::UTC }
}

/// Trailing spaces made visible, so that an editor cannot take them away.
fn visible(text: &str) -> String {
    let line = |line: &str| {
        let bare = line.trim_end_matches(' ');
        format!("{bare}{}\n", "·".repeat(line.len() - bare.len()))
    };
    text.lines().map(line).collect()
}

impl Program {
    /// Exit code, standard output, standard error.
    pub fn run(&self, args: &[&str], surroundings: &Surroundings) -> (i32, String, String) {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = (self.main)(&args, surroundings, &mut out, &mut err);
        (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    fn folder(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(self.cases)
    }

    /// Status and body of an answer: as it stands, or a file with changes.
    fn answer(&self, tag: &str, body: &str) -> (u16, String) {
        let Some((status, file)) = tag.split_once(' ') else {
            return (tag.parse().unwrap(), body.to_owned());
        };
        let mut value: Value = serde_json::from_slice(&fs::read(self.folder().join(file)).unwrap()).unwrap();
        for line in body.lines() {
            let (pointer, changed) = line.split_once(" = ").expect("a pointer and a value");
            *value.pointer_mut(pointer).unwrap_or_else(|| panic!("nothing at {pointer}")) =
                serde_json::from_str(changed).unwrap();
        }
        (status.parse().unwrap(), value.to_string())
    }

    fn run_case(&self, case: &Case) -> Outcome {
        let dir = tempfile::tempdir().unwrap();
        for (name, body) in case.all("file ") {
            fs::write(dir.path().join(name), body).unwrap();
        }
        let fake = Fake::start(case.all("answer ").map(|(tag, body)| self.answer(tag, body)).collect());
        let url = fake.url();
        let folder = dir.path().to_str().unwrap();
        let line = case.one("run").replace("$DIR", folder);
        let args: Vec<&str> = line.split_whitespace().collect();
        let surroundings = Surroundings { url: Some(url.clone()), ..surroundings() };
        let (exit, stdout, stderr) = self.run(&args, &surroundings);
        let hide = |text: String| text.replace(&url, "$URL").replace(folder, "$DIR");
        Outcome {
            requests: fake.requests().into_iter().map(|request| format!("{request}\n")).collect(),
            stdout: visible(&hide(stdout)),
            stderr: visible(&hide(stderr)),
            exit,
        }
    }

    /// Runs the cases of a file. `UPDATE=1` rewrites what they expect.
    pub fn check(&self, name: &str) {
        let path = self.folder().join(name);
        let text = fs::read_to_string(&path).unwrap();
        let cases = read_cases(&text);
        assert!(!cases.is_empty(), "{name} has no cases");
        let outcomes: Vec<Outcome> = cases.iter().map(|case| self.run_case(case)).collect();
        if std::env::var_os("UPDATE").is_some() {
            let head = text.split("\n## ").next().unwrap().trim_end();
            let cases: Vec<String> =
                cases.iter().zip(&outcomes).map(|(case, outcome)| print_case(case, outcome)).collect();
            fs::write(&path, format!("{head}\n\n{}", cases.join("\n"))).unwrap();
            return;
        }
        for (case, outcome) in cases.iter().zip(&outcomes) {
            let requests: Vec<&str> = case.all("request").map(|(_, body)| body).collect();
            assert_eq!(outcome.requests, requests, "requests of {}", case.name);
            assert_eq!(outcome.stdout, case.one("stdout"), "stdout of {}", case.name);
            assert_eq!(outcome.stderr, case.one("stderr"), "stderr of {}", case.name);
            assert_eq!(format!("{}\n", outcome.exit), case.one("exit"), "exit code of {}", case.name);
        }
    }
}

/// The case as it should be written.
fn print_case(case: &Case, outcome: &Outcome) -> String {
    let mut text = format!("## {}\n", case.name);
    let mut block = |tag: &str, body: &str| text.push_str(&format!("\n```{tag}\n{body}```\n"));
    for kind in ["run", "file ", "answer "] {
        for (rest, body) in case.all(kind) {
            block(format!("{kind}{rest}").trim(), body);
        }
    }
    for request in &outcome.requests {
        block("request", request);
    }
    for (tag, body) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr)] {
        if !body.is_empty() {
            block(tag, body);
        }
    }
    block("exit", &format!("{}\n", outcome.exit));
    text
}
