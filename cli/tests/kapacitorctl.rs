//! `kapacitorctl` against a server that answers what each case says: `tests/cases/ctl/*.md`, in the
//! form of `kapacitor.rs`. `UPDATE=1` rewrites what is expected.
//!
//! Answers that several cases share stand in `tests/cases/ctl/*.json`: `answer 200 NAME.json`, and
//! lines `/POINTER = JSON` in the block change them.

mod support;

use cli::Surroundings;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;
use support::{Case, Fake, read_cases};

struct Outcome {
    requests: Vec<String>,
    stdout: String,
    stderr: String,
    exit: i32,
}

fn surroundings() -> Surroundings {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().unwrap();
    });
    Surroundings { url: None, unsafe_ssl: None, color: false, zone: TimeZone::UTC }
}

fn run(args: &[&str], surroundings: &Surroundings) -> (i32, String, String) {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = cli::kapacitorctl(&args, surroundings, &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/ctl")
}

/// The body of an answer: as it stands, or a file with changes.
fn answer(tag: &str, body: &str) -> (u16, String) {
    let Some((status, file)) = tag.split_once(' ') else {
        return (tag.parse().unwrap(), body.to_owned());
    };
    let mut value: Value = serde_json::from_slice(&fs::read(folder().join(file)).unwrap()).unwrap();
    for line in body.lines() {
        let (pointer, changed) = line.split_once(" = ").expect("a pointer and a value");
        *value.pointer_mut(pointer).unwrap_or_else(|| panic!("nothing at {pointer}")) =
            serde_json::from_str(changed).unwrap();
    }
    (status.parse().unwrap(), value.to_string())
}

fn run_case(case: &Case) -> Outcome {
    let answers = case.all("answer ").map(|(tag, body)| answer(tag, body));
    let fake = Fake::start(answers.collect());
    let url = fake.url();
    let line = case.one("run");
    let args: Vec<&str> = line.split_whitespace().collect();
    let (exit, stdout, stderr) = run(&args, &Surroundings { url: Some(url.clone()), ..surroundings() });
    let hide = |text: String| text.replace(&url, "$URL");
    Outcome {
        requests: fake.requests().into_iter().map(|request| format!("{request}\n")).collect(),
        stdout: hide(stdout),
        stderr: hide(stderr),
        exit,
    }
}

/// The case as it should be written.
fn print_case(case: &Case, outcome: &Outcome) -> String {
    let mut text = format!("## {}\n", case.name);
    let mut block = |tag: &str, body: &str| text.push_str(&format!("\n```{tag}\n{body}```\n"));
    for kind in ["run", "answer "] {
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

fn check_file(name: &str) {
    let path = folder().join(name);
    let text = fs::read_to_string(&path).unwrap();
    let cases = read_cases(&text);
    assert!(!cases.is_empty(), "{name} has no cases");
    let outcomes: Vec<Outcome> = cases.iter().map(run_case).collect();
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

#[test]
fn members() {
    check_file("member.md");
}

#[test]
fn status_and_shards() {
    check_file("status.md");
}

#[test]
fn leaders() {
    check_file("leader.md");
}

#[test]
fn help_and_arguments() {
    check_file("help.md");
}

#[test]
fn no_server() {
    // A port that was free a moment ago: nobody listens.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://{address}?u=bob&p=secret");
    let (code, out, err) = run(&["-url", &url, "status"], &surroundings());
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with(&format!("Error: cannot connect to http://{address}: ")), "{err}");
    assert!(!err.contains("secret"), "{err}");
}

#[test]
fn credentials_and_environment() {
    let fake = Fake::start(vec![(200, "{}".to_owned())]);
    let url = format!("{}?u=user&p=pass", fake.url());
    let given = Surroundings { url: Some(url), unsafe_ssl: Some("1".to_owned()), ..surroundings() };
    let (code, out, err) = run(&["member", "list"], &given);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("State: \n"), "{out}");
    assert_eq!(fake.requests(), ["GET /kapacitor/v1/cluster\nauthorization: Basic dXNlcjpwYXNz"]);
    let wrong = Surroundings { unsafe_ssl: Some("perhaps".to_owned()), ..surroundings() };
    let (code, _, err) = run(&["status"], &wrong);
    assert_eq!(
        (code, err.as_str()),
        (1, "Error: KAPACITOR_UNSAFE_SSL=perhaps is not a boolean; write true or false\n")
    );
}

#[test]
fn waiting_ends() {
    let member = r#"{"id": "m4", "name": "k-4", "status": "joining"}"#;
    let status = format!(r#"{{"members": [{member}]}}"#);
    let mut answers = vec![(201, member.to_owned())];
    answers.extend((0..20).map(|_| (200, status.clone())));
    let fake = Fake::start(answers);
    let url = fake.url();
    let (code, out, err) =
        run(&["-url", &url, "-timeout", "200ms", "member", "add", "k-4:9091"], &surroundings());
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("Error: k-4 is not alive after 200ms, it goes on joining"), "{err}");
}

#[test]
fn version() {
    let (code, out, err) = run(&["version"], &surroundings());
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("Kapacitor OSS ") && out.contains(" (git: "), "{out}");
    let (_, out, _) = run(&["version", "-json"], &surroundings());
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert!(shown["version"].is_string(), "{out}");
}
