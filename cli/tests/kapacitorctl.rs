//! `kapacitorctl` against a server that answers what each case says: `tests/cases/ctl/*.md`, in the
//! form of `kapacitor.rs`.
//!
//! Answers that several cases share stand in `tests/cases/ctl/*.json`: `answer 200 NAME.json`, and
//! lines `/POINTER = JSON` in the block change them.

mod support;

use cli::Surroundings;
use serde_json::Value;
use support::Fake;
use support::runner::{Program, surroundings};

const PROGRAM: Program = Program { main: cli::kapacitorctl, cases: "tests/cases/ctl" };

fn run(args: &[&str], surroundings: &Surroundings) -> (i32, String, String) {
    PROGRAM.run(args, surroundings)
}

#[test]
fn members() {
    PROGRAM.check("member.md");
}

#[test]
fn status_and_shards() {
    PROGRAM.check("status.md");
}

#[test]
fn leaders() {
    PROGRAM.check("leader.md");
}

#[test]
fn help_and_arguments() {
    PROGRAM.check("help.md");
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
