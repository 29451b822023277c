//! The client against a server that answers what each case says: `tests/cases/*.md`.
//!
//! A case has `run` (arguments, one command line), `file NAME` (written beforehand; `$DIR` is their
//! folder), `answer STATUS` in order, and what is expected: `request` in order, `stdout`, `stderr`,
//! `exit`. `$URL` stands for the server. Trailing spaces are shown as `·`.
//! `UPDATE=1` rewrites what is expected.

mod support;

use std::fs;
use std::path::Path;
use std::sync::Once;

use cli::Surroundings;
use jiff::tz::TimeZone;
use support::{Case, Fake, read_cases};

/// What a run gave.
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
    let code = cli::kapacitor(&args, surroundings, &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

/// Trailing spaces made visible, so that an editor cannot take them away.
fn visible(text: &str) -> String {
    let line = |line: &str| {
        let bare = line.trim_end_matches(' ');
        format!("{bare}{}\n", "·".repeat(line.len() - bare.len()))
    };
    text.lines().map(line).collect()
}

fn run_case(case: &Case) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    for (name, body) in case.all("file ") {
        fs::write(dir.path().join(name), body).unwrap();
    }
    let answers = case.all("answer ").map(|(status, body)| (status.parse().unwrap(), body.to_owned()));
    let fake = Fake::start(answers.collect());
    let url = fake.url();
    let folder = dir.path().to_str().unwrap();
    let line = case.one("run").replace("$DIR", folder);
    let args: Vec<&str> = line.split_whitespace().collect();
    let surroundings = Surroundings { url: Some(url.clone()), ..surroundings() };
    let (exit, stdout, stderr) = run(&args, &surroundings);
    let hide = |text: String| text.replace(&url, "$URL").replace(folder, "$DIR");
    Outcome {
        requests: fake.requests().into_iter().map(|request| format!("{request}\n")).collect(),
        stdout: visible(&hide(stdout)),
        stderr: visible(&hide(stderr)),
        exit,
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

fn check_file(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
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
fn define() {
    check_file("define.md");
}

#[test]
fn tasks() {
    check_file("tasks.md");
}

#[test]
fn topics_and_statistics() {
    check_file("topics.md");
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
    let url = format!("http://user:secret@{address}");
    let (code, out, err) = run(&["-url", &url, "list", "tasks"], &surroundings());
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(err.starts_with(&format!("Error: cannot connect to http://{address}: ")), "{err}");
    assert!(
        err.ends_with(
            "check that kapacitord runs there, or name another server with -url or KAPACITOR_URL\n"
        ),
        "{err}"
    );
    assert!(!err.contains("secret"), "{err}");
}

#[test]
fn urls_that_cannot_be_used() {
    for (url, expected) in [
        ("ftp://h", "Unsupported protocol scheme: ftp, your address must start with http:// or https://\n"),
        (
            "localhost:9092",
            "Unsupported protocol scheme: localhost, your address must start with http:// or https://\n",
        ),
        (
            "127.0.0.1:9092",
            "cannot use \"127.0.0.1:9092\" as a URL: relative URL without a base; write it as http://host:port\n",
        ),
    ] {
        let (code, out, err) = run(&["-url", url, "version"], &surroundings());
        assert_eq!((code, out.as_str(), err.as_str()), (4, "", expected));
    }
}

#[test]
fn the_environment() {
    let wrong = Surroundings { unsafe_ssl: Some("perhaps".to_owned()), ..surroundings() };
    let (code, _, err) = run(&["version"], &wrong);
    assert_eq!(
        (code, err.as_str()),
        (1, "KAPACITOR_UNSAFE_SSL=perhaps is not a boolean; write true or false\n")
    );
    let fake = Fake::start(vec![(200, "{\"num_tasks\": 3}".to_owned())]);
    let url = fake.url().replace("http://", "http://user:pass@");
    let (code, out, _) =
        run(&["vars"], &Surroundings { url: Some(url), unsafe_ssl: Some("1".to_owned()), ..surroundings() });
    assert_eq!((code, out.as_str()), (0, "{\"num_tasks\": 3}"));
    assert_eq!(fake.requests(), ["GET /kapacitor/v1/debug/vars\nauthorization: Basic dXNlcjpwYXNz"]);
}

#[test]
fn version() {
    let (code, out, err) = run(&["version"], &surroundings());
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("Kapacitor OSS ") && out.ends_with(")\n") && out.contains(" (git: "), "{out}");
}

/// More tasks than one page holds are fetched page by page before any is changed.
#[test]
fn pages() {
    let page = |ids: std::ops::Range<usize>| {
        let tasks: Vec<String> =
            ids.map(|n| format!(r#"{{"link":{{"href":"/kapacitor/v1/tasks/t{n}"}},"id":"t{n}"}}"#)).collect();
        (200, format!(r#"{{"tasks":[{}]}}"#, tasks.join(",")))
    };
    let mut answers = vec![page(0..100), page(100..101)];
    answers.extend((0..101).map(|_| (204, String::new())));
    let fake = Fake::start(answers);
    let (code, _, err) = run(&["-url", &fake.url(), "delete", "tasks", "t*"], &surroundings());
    assert_eq!((code, err.as_str()), (0, ""));
    let requests = fake.requests();
    assert_eq!(requests.len(), 103);
    assert_eq!(requests[1], "GET /kapacitor/v1/tasks?pattern=t*&offset=100&limit=100&fields=link");
    assert_eq!(requests[102], "DELETE /kapacitor/v1/tasks/t100");
}
