//! The client against a server that answers what each case says: `tests/cases/*.md`.
//!
//! A case has `run` (arguments, one command line), `file NAME` (written beforehand; `$DIR` is their
//! folder), `answer STATUS` in order, and what is expected: `request` in order, `stdout`, `stderr`,
//! `exit`. `$URL` stands for the server. Trailing spaces are shown as `·`.
//! `UPDATE=1` rewrites what is expected.

mod support;

use cli::Surroundings;
use support::Fake;
use support::runner::{Program, surroundings};

const PROGRAM: Program = Program { main: cli::kapacitor, cases: "tests/cases" };

fn run(args: &[&str], surroundings: &Surroundings) -> (i32, String, String) {
    PROGRAM.run(args, surroundings)
}

#[test]
fn define() {
    PROGRAM.check("define.md");
}

#[test]
fn tasks() {
    PROGRAM.check("tasks.md");
}

#[test]
fn topics_and_statistics() {
    PROGRAM.check("topics.md");
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
