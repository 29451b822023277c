//! Each kind of handler against the real thing: files, programs, sockets.

mod common;

use alert::DropReason;
use common::{LIMIT, Receiver, Rig, delivery, fast, payload, post, spec};
use handler::{Endpoint, Report, Services};
use model::Level;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

#[tokio::test]
async fn log_appends_lines_with_the_mode_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut rig = Rig::new(fast());
    for (id, options, mode) in [
        ("a", json!({}), 0o600),
        ("b", json!({ "mode": 0o640 }), 0o640),
        ("c", json!({ "Mode": "0604" }), 0o604),
    ] {
        let path = dir.path().join(id);
        let mut options = options;
        options["path"] = path.to_str().into();
        let spec = spec(id, "log", options);
        rig.submit(1, "e", Level::Critical, &spec);
        rig.submit(2, "e", Level::Ok, &spec);
        assert_eq!(rig.delivered(2).await, [1, 2]);
        let text = std::fs::read_to_string(&path).expect("written");
        assert_eq!(text, payload(1, "e", Level::Critical) + "\n" + &payload(2, "e", Level::Ok) + "\n");
        let about = std::fs::metadata(&path).expect("written");
        assert_eq!(about.permissions().mode() & 0o777, mode);
    }
}

#[tokio::test]
async fn log_waits_for_its_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("none/x.log");
    let mut rig = Rig::new(fast());
    rig.submit(1, "e", Level::Critical, &spec("a", "log", json!({ "path": path.to_str() })));
    let error = rig.failure().await;
    let expected =
        format!("failed to open file for alert logging: open {}: no such file or directory", path.display());
    assert!(error.starts_with(&expected), "{error}");
    std::fs::create_dir(dir.path().join("none")).expect("a folder");
    assert_eq!(rig.delivered(1).await, [1]);
    assert_eq!(std::fs::read_to_string(&path).expect("written"), payload(1, "e", Level::Critical) + "\n");
}

#[tokio::test]
async fn log_to_a_pipe_without_a_reader_does_not_hang() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
    assert!(made.success());
    let mut rig = Rig::new(fast());
    rig.submit(1, "e", Level::Critical, &spec("a", "log", json!({ "path": path.to_str() })));
    assert!(rig.failure().await.contains("no such device or address"));
}

#[tokio::test]
async fn exec_gets_the_event_and_its_key() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("out");
    let script = r#"cat >> "$1"; echo "$FARAD_IDEMPOTENCY_KEY" >> "$1"; echo noise; echo noise >&2"#;
    let args = json!(["-c", script, "sh", path.to_str()]);
    let mut rig = Rig::new(fast());
    rig.submit(1, "e", Level::Warning, &spec("x 1", "exec", json!({ "prog": "sh", "args": args })));
    assert_eq!(rig.delivered(1).await, [1]);
    let text = std::fs::read_to_string(&path).expect("written");
    assert_eq!(text, payload(1, "e", Level::Warning) + "\n3-1-0/main:t:alert2/x%201\n");
}

#[tokio::test]
async fn exec_that_fails_is_run_a_few_times() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("runs");
    let script = r#"echo run >> "$1"; echo out; echo err >&2; exit 3"#;
    let args = json!(["-c", script, "sh", path.to_str()]);
    let mut rig = Rig::new(fast());
    rig.submit(1, "e", Level::Warning, &spec("x", "exec", json!({ "prog": "/bin/sh", "args": args })));
    let Report::Dropped { reason, error, .. } = rig.outcome().await else { panic!("it cannot succeed") };
    assert_eq!(reason, DropReason::Attempts);
    assert_eq!(error, "exec command failed: exit status 3 (output: out\nerr)");
    assert_eq!(std::fs::read_to_string(&path).expect("written"), "run\nrun\nrun\n");
}

#[tokio::test]
async fn exec_of_nothing_and_of_a_killed_program() {
    for (prog, args, expected) in [
        ("/nonexistent", json!([]), "exec command failed: fork/exec /nonexistent: no such file or directory"),
        ("sh", json!(["-c", "kill -9 $$"]), "exec command failed: signal: 9"),
    ] {
        let mut rig = Rig::new(fast());
        rig.submit(1, "e", Level::Warning, &spec("x", "exec", json!({ "prog": prog, "args": args })));
        assert_eq!(rig.failure().await, expected);
    }
}

#[tokio::test]
async fn exec_neither_reads_nor_waits_for_what_it_leaves_behind() {
    let mut rig = Rig::new(fast());
    let args = json!(["-c", "exec <&-; (exec sleep 3) & exit 0"]);
    rig.submit(1, "e", Level::Warning, &spec("x", "exec", json!({ "prog": "sh", "args": args })));
    assert_eq!(rig.delivered(1).await, [1]);
}

#[tokio::test]
async fn a_program_that_hangs_is_killed_with_its_children() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("pids");
    let script = r#"sleep 600 & echo $! > "$1.new"; mv "$1.new" "$1"; wait"#;
    let args = json!(["-c", script, "sh", path.to_str()]);
    let rig = Rig::new(fast());
    rig.submit(1, "e", Level::Warning, &spec("x", "exec", json!({ "prog": "sh", "args": args })));
    let child = until(|| std::fs::read_to_string(&path).ok()).await;
    let child = child.trim();
    let drained = rig.deliverer.drain(std::time::Duration::from_millis(20)).await;
    assert_eq!(drained.left, 1, "it stays in the outbox");
    // A killed process may still be a zombie of whoever inherited it.
    until(|| {
        let stat = std::fs::read_to_string(Path::new("/proc").join(child).join("stat")).unwrap_or_default();
        let running = stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'));
        (!running).then_some(())
    })
    .await;
}

/// What a look at the world gives, as soon as it gives something.
async fn until<T>(look: impl Fn() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    timeout(LIMIT, found).await.expect("the world changes in time")
}

#[tokio::test]
async fn post_sends_what_kapacitor_sends() {
    let receiver = Receiver::start(&[]).await;
    let options =
        json!({ "url": receiver.url(), "headers": { "X-A": "1" }, "timeout": "2s", "endpoint": "" });
    let mut rig = Rig::new(fast());
    rig.submit(7, "e", Level::Info, &spec("post0", "post", options));
    assert_eq!(rig.delivered(1).await, [7]);
    let request = receiver.requests(1).await.remove(0);
    assert_eq!(request.head[0], "POST /a?b=c HTTP/1.1");
    assert!(request.head.contains(&"Content-Type: application/json".to_owned()), "{:?}", request.head);
    assert_eq!(request.header("x-a"), Some("1"));
    assert_eq!(request.header("idempotency-key"), Some("3-7-0/main:t:alert2/post0"));
    assert_eq!(request.body, payload(7, "e", Level::Info) + "\n");
}

#[tokio::test]
async fn post_to_an_endpoint() {
    let receiver = Receiver::start(&[]).await;
    let endpoint = Endpoint {
        url: format!("http://{}/{{{{ .Level }}}}", receiver.address),
        headers: [("X-From".to_owned(), "conf".to_owned()), ("X-A".to_owned(), "conf".to_owned())].into(),
        username: "user".into(),
        password: "secret".into(),
        alert_template: Some("{{ .ID }} {{ .PreviousLevel }} {{ range .Data.Series }}{{ .Name }} {{ index .Tags \"host\" }} {{ index .Columns 1 }}={{ index (index .Values 0) 1 }}{{ end }} {{ json .Data }}".into()),
    };
    let services = Services { endpoints: [("example".to_owned(), endpoint)].into(), ..Services::default() };
    let mut rig = Rig::with(fast(), services);
    let options = json!({ "endpoint": "example", "url": "ignored", "headers": { "X-A": "1" } });
    rig.submit(1, "e", Level::Info, &spec("p", "post", options));
    assert_eq!(rig.delivered(1).await, [1]);
    let request = receiver.requests(1).await.remove(0);
    assert_eq!(request.head[0], "POST /INFO HTTP/1.1");
    assert_eq!((request.header("x-from"), request.header("x-a")), (Some("conf"), Some("1")));
    assert_eq!(request.header("authorization"), Some("Basic dXNlcjpzZWNyZXQ="));
    assert_eq!(request.header("content-type"), None);
    assert!(request.body.starts_with("e OK m a v=15 {\"series\":[{\"name\":\"m\","), "{}", request.body);
}

#[tokio::test]
async fn post_tries_again_where_it_helps() {
    let body = "content-length: 10\r\n\r\nreply body";
    for (status, again) in [
        ("500 Oops", true),
        ("503 Busy", true),
        ("429 Slow", true),
        ("408 Late", true),
        ("400 Bad", false),
        ("404 None", false),
        ("301 Moved", false),
    ] {
        let receiver = Receiver::start(&[&format!("{status}\r\n{body}")]).await;
        let mut rig = Rig::new(fast());
        let options = json!({ "url": receiver.url(), "capture-response": again });
        rig.submit(1, "e", Level::Info, &spec("p", "post", options));
        let code = &status[..3];
        match (rig.report().await, again) {
            (Report::Failed { attempts: 1, error, .. }, true) => {
                assert_eq!(error, format!("POST returned non 2xx status code: reply body (code: {code})"));
                assert_eq!(rig.delivered(1).await, [1]);
                let requests = receiver.requests(2).await;
                assert_eq!(requests[0].body, requests[1].body);
                assert_eq!(requests[0].header("idempotency-key"), requests[1].header("idempotency-key"));
            }
            (Report::Dropped { reason: DropReason::Refused, error, .. }, false) => {
                assert!(error.contains("use .captureResponse()") && error.contains(code), "{error}");
            }
            (other, _) => panic!("{status}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn post_waits_as_long_as_it_is_told() {
    let receiver = Receiver::start(&["429 Slow\r\nretry-after: 1000\r\ncontent-length: 0\r\n\r\n"]).await;
    let mut rig = Rig::new(fast());
    rig.submit(1, "e", Level::Info, &post("p", &receiver.url()));
    let Report::Failed { next_at, .. } = rig.report().await else { panic!("429 is a failure") };
    assert!(next_at > common::now() + 900 * 1_000_000_000);
}

#[tokio::test]
async fn post_gives_up_a_request_that_takes_too_long() {
    let receiver = Receiver::start(&["never"]).await;
    let mut rig = Rig::new(fast());
    rig.submit(
        1,
        "e",
        Level::Info,
        &spec("p", "post", json!({ "url": receiver.url(), "timeout": 50_000_000 })),
    );
    assert_eq!(rig.failure().await, "delivery took too long: no success within 50ms");
    assert_eq!(rig.delivered(1).await, [1]);
}

#[tokio::test]
async fn post_to_no_url() {
    let mut rig = Rig::new(fast());
    rig.submit(1, "e", Level::Info, &post("p", "no url {{ .ID }}"));
    assert!(matches!(rig.report().await, Report::Dropped { reason: DropReason::Refused, .. }));
    rig.submit(2, "e", Level::Info, &post("q", "http://127.0.0.1/{{ .Nope }}"));
    assert!(matches!(rig.report().await, Report::Dropped { reason: DropReason::Refused, .. }));
}

#[tokio::test]
async fn tcp_sends_two_newlines() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let mut rig = Rig::new(fast());
    rig.submit(1, "e", Level::Info, &spec("t", "tcp", json!({ "address": address })));
    let (mut stream, _) = timeout(LIMIT, listener.accept()).await.expect("in time").expect("a connection");
    let mut text = String::new();
    timeout(LIMIT, stream.read_to_string(&mut text)).await.expect("in time").expect("UTF-8");
    assert_eq!(text, payload(1, "e", Level::Info) + "\n\n");
    assert_eq!(rig.delivered(1).await, [1]);
}

#[tokio::test]
async fn tcp_refused_and_then_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let mut rig = Rig::new(fast());
    rig.submit(1, "e", Level::Info, &spec("t", "tcp", json!({ "address": address.to_string() })));
    let expected = format!(
        "tcp handler failed to connect: dial tcp {address}: connect: connection refused (address: {address})"
    );
    assert_eq!(rig.failure().await, expected);
    let listener = TcpListener::bind(address).await.expect("the same port");
    let (mut stream, _) = timeout(LIMIT, listener.accept()).await.expect("in time").expect("a connection");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("UTF-8");
    assert_eq!(text, payload(1, "e", Level::Info) + "\n\n");
    assert_eq!(rig.delivered(1).await, [1]);
}

#[tokio::test]
async fn definitions_are_checked() {
    let services = Services { disabled: Services::parse_disabled("tcp, exec,"), ..Services::default() };
    let rig = Rig::with(fast(), services);
    for (kind, options, expected) in [
        ("log", json!({ "path": "/tmp/x" }), ""),
        ("log", json!({ "path": "x" }), "log path must be absolute: x is not absolute"),
        (
            "log",
            json!({ "path": "/x", "mode": 0o444 }),
            "invalid file mode -r--r--r--, must be user writable",
        ),
        (
            "log",
            json!({ "path": "/x", "mode": "9" }),
            "option \"mode\" of handler kind log must be a file mode",
        ),
        (
            "log",
            json!({ "path": "/x", "z": 1, "pth": "/x" }),
            "failed to decode options into *alert.LogHandlerConfig: 1 error(s) decoding:\n\n* '' has invalid keys: pth, z",
        ),
        ("exec", json!({ "prog": 5, "args": [1], "argz": 1 }), "handler 'exec' is disabled"),
        (
            "post",
            json!({ "url": 5, "x": [1], "capture-response": "y" }),
            "failed to decode options into *httppost.HandlerConfig: 3 error(s) decoding:\n\n\
             * '' has invalid keys: x\n\
             * 'capture-response' expected type 'bool', got unconvertible type 'string', value: 'y'\n\
             * 'url' expected type 'string', got unconvertible type 'float64', value: '5'",
        ),
        ("publish", json!({ "topics": ["a"] }), ""),
        (
            "publish",
            json!({ "topic": "a" }),
            "failed to decode options into *alert.PublishHandlerConfig: 1 error(s) decoding:\n\n* '' has invalid keys: topic",
        ),
        (
            "publish",
            json!({ "topics": [""] }),
            "option \"topics\" of handler kind publish must be a list of topics",
        ),
        ("aggregate", json!({ "topic": "t", "interval": "10s" }), ""),
        (
            "aggregate",
            json!({ "topic": "t", "interval": 0 }),
            "option \"interval\" of handler kind aggregate must be",
        ),
        (
            "aggregate",
            json!({ "topic": "t", "interval": 1, "message": "{{ .Nope }}" }),
            "failed to evaluate message template with aggregate message data: ",
        ),
        ("lgo", json!({}), "unsupported action kind \"lgo\"; did you mean \"log\"?"),
        ("tcp", json!({ "address": "x:1" }), "handler 'tcp' is disabled"),
        ("exec", json!({ "prog": "x" }), "handler 'exec' is disabled"),
        (
            "post",
            json!({}),
            "An appropriately formatted url must be specified if an endpoint is not specified",
        ),
        ("post", json!({ "url": "http://x/{{" }), "failed to parse template: template: body:1:"),
        (
            "post",
            json!({ "url": "http://x", "timeout": "soon" }),
            "option \"timeout\" of handler kind post must be a duration",
        ),
        (
            "post",
            json!({ "url": "http://x", "timeout": -1 }),
            "option \"timeout\" of handler kind post must be a duration",
        ),
        ("post", json!({ "url": "http://x", "headers": { "a b": "c" } }), "invalid header \"a b\""),
        (
            "post",
            json!({ "url": "http://x", "headers": { "a": 1 } }),
            "failed to decode options into *httppost.HandlerConfig: 1 error(s) decoding:\n\n* 'headers[a]' expected type 'string'",
        ),
        ("post", json!({ "url": "https://x", "skip-ssl-verification": true }), ""),
    ] {
        match rig.deliverer.check(&spec("h", kind, options.clone())) {
            Ok(()) => assert_eq!(expected, "", "{kind} {options}"),
            Err(error) => assert!(!expected.is_empty() && error.to_string().starts_with(expected), "{error}"),
        }
    }
    let all: Vec<&str> = handler::KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(all, ["aggregate", "exec", "log", "post", "publish", "tcp"]);
}

#[tokio::test]
async fn deliveries_to_a_disabled_kind_are_given_up() {
    let services = Services { disabled: Services::parse_disabled("tcp"), ..Services::default() };
    let mut rig = Rig::with(fast(), services);
    rig.deliverer.submit(delivery(1, "e", Level::Info, &spec("t", "tcp", json!({ "address": "x:1" }))));
    let Report::Dropped { reason, error, .. } = rig.report().await else { panic!("it cannot arrive") };
    assert_eq!((reason, error.as_str()), (DropReason::Disabled, "handler 'tcp' is disabled"));
}
