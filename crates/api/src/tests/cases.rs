//! `cases/kapacitor.md`: requests in order, and what Kapacitor answers.

use super::fixture::Fixture;
use serde_json::Value;

struct Case {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
    status: u16,
    answer: String,
}

fn cases() -> Vec<Case> {
    let text = include_str!("../../cases/kapacitor.md");
    text.split("\n### ").skip(1).map(case).collect()
}

fn case(text: &str) -> Case {
    let (request, answer) = text.split_once("\n```\n").unwrap_or((text, ""));
    let mut lines = request.lines();
    let (method, path) = lines.next().and_then(|line| line.split_once(' ')).expect("method and path");
    let mut case = Case {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        body: String::new(),
        status: 0,
        answer: answer.trim_end().strip_suffix("```").unwrap_or_default().trim_end().to_owned(),
    };
    for line in lines.filter(|line| !line.is_empty()) {
        match line.split_once(": ").expect("a key") {
            ("headers", json) => {
                let headers: Value = serde_json::from_str(json).expect("headers");
                let headers = headers.as_object().expect("an object").iter();
                let text = |value: &Value| value.as_str().expect("a text").to_owned();
                case.headers = headers.map(|(name, value)| (name.clone(), text(value))).collect();
            }
            ("body", body) => case.body = body.to_owned(),
            ("status", status) => case.status = status.parse().expect("a status"),
            (key, _) => panic!("unknown key {key}"),
        }
    }
    case
}

/// Without what differs from run to run.
fn normal(text: &str) -> String {
    let replacements = [
        (r#""20\d\d-[^"]*Z""#, r#""TIME""#),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r#""avg_exec_time_ns": \d+"#, r#""avg_exec_time_ns": 0"#),
        (r#"avg_exec_time_ns=\\"[^"]*\\""#, r#"avg_exec_time_ns=\"0s\""#),
        (r"avg_exec_time_ns=[0-9][0-9a-zµ.]*", "avg_exec_time_ns=0s"),
        (r#"throughput": [\d.]+"#, r#"throughput": 0"#),
    ];
    let replaced = replacements.into_iter().fold(text.to_owned(), |text, (pattern, with)| {
        regex::Regex::new(pattern).expect("a pattern").replace_all(&text, with).into_owned()
    });
    replaced.trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn as_kapacitor_answers() {
    let server = Fixture::start(0).await;
    let cases = cases();
    assert!(cases.len() > 200, "{}", cases.len());
    for case in cases {
        let headers: Vec<(&str, &str)> =
            case.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let answer = server.send(&case.method, &case.path, &headers, case.body.as_bytes()).await;
        let what = format!("{} {} {}", case.method, case.path, case.body);
        assert_eq!(answer.status, case.status, "{what}\n{}", answer.text());
        assert_eq!(normal(answer.text()), case.answer, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads() {
    let server = Fixture::start(0).await;
    let ping = server.get("/kapacitor/v1/ping").await;
    assert_eq!(ping.header("X-Kapacitor-Version"), Some("1.2.3"));
    assert_eq!(ping.header("Content-Type"), Some("application/json; charset=utf-8"));
    assert_eq!(ping.header("Request-Id").map(str::len), Some(36));
    assert!(ping.header("Date").is_some() && ping.header("Access-Control-Allow-Origin").is_none());

    let moved = server.get("/kapacitor/v1//tasks/?limit=1").await;
    assert_eq!((moved.status, moved.header("Location")), (301, Some("/kapacitor/v1/tasks/?limit=1")));

    let origin = [("Origin", "http://x.example")];
    let options = server.send("OPTIONS", "/nosuch", &origin, b"").await;
    assert_eq!((options.status, options.body.len(), options.header("X-Kapacitor-Version")), (200, 0, None));
    assert_eq!(options.header("Access-Control-Allow-Origin"), Some("http://x.example"));
    assert_eq!(options.header("Access-Control-Allow-Methods"), Some("DELETE, GET, OPTIONS, POST, PATCH"));

    let zipped = server.send("GET", "/kapacitor/v1/tasks", &[("Accept-Encoding", "gzip")], b"").await;
    assert_eq!(zipped.header("Content-Encoding"), Some("gzip"));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*zipped.body), &mut text).expect("gzip");
    assert_eq!(text, "{\n    \"tasks\": []\n}");

    assert_eq!(server.get("/kapacitor/v1/tasks/%zz").await.status, 400);
    assert_eq!(server.send("PROPFIND", "/kapacitor/v1/tasks", &[], b"").await.status, 404);
    let routes: Value =
        serde_json::from_slice(&server.get("/kapacitor/v1/:routes").await.body).expect("JSON");
    assert_eq!(routes["/write"], serde_json::json!(["POST"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn placement_is_shown() {
    let server = Fixture::start(0).await;
    for (script, expected) in [
        ("stream|from().measurement('m')|httpOut('x')", serde_json::json!("whole")),
        ("stream|from().measurement('m').groupBy('host')|httpOut('x')", serde_json::json!({"by": ["host"]})),
        ("stream|from().measurement('m')|where(lambda: TRUE)", serde_json::json!({"all-but": []})),
    ] {
        for status in ["disabled", "enabled"] {
            let task = serde_json::json!({"id": "t", "script": script, "status": status, "dbrps": [{"db": "d", "rp": "r"}]});
            let answer = server.post("/kapacitor/v1/tasks", &task.to_string()).await;
            let shown: Value = serde_json::from_slice(&answer.body).expect("JSON");
            assert_eq!(shown["placement"], expected, "{script} {status} {shown}");
            let list = server.get("/kapacitor/v1/tasks?fields=placement").await;
            let list: Value = serde_json::from_slice(&list.body).expect("JSON");
            assert_eq!(list["tasks"][0]["placement"], expected);
            assert_eq!(server.send("DELETE", "/kapacitor/v1/tasks/t", &[], b"").await.status, 204);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_level_is_set() {
    let server = Fixture::start(0).await;
    for (body, status) in [
        (r#"{"level":"debug"}"#, 204),
        (r#"{"level":"warn"}"#, 400),
        // The fixture's log refuses this one.
        (r#"{"level":"ERROR"}"#, 400),
        (r#"{"level":1}"#, 400),
        ("[]", 400),
        ("", 400),
    ] {
        assert_eq!(server.post("/kapacitor/v1/loglevel", body).await.status, status, "{body}");
    }
    assert_eq!(*server.level.0.lock(), ["DEBUG", "ERROR"]);
}
