//! What tasks do outside of their shards: posts, points written back, sources that are read.

mod support;

use catalog::Status;
use engine::{NewTask, TaskError};
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use support::sink::{SILENT, Sink};
use support::{Member, until};

/// Counts the points of each measurement.
const COUNT: &str =
    "stream|from().groupBy('host').groupByMeasurement()|stateCount(lambda: TRUE)|httpOut('n')";

async fn try_define(
    member: &Member,
    id: &str,
    (db, rp): (&str, &str),
    script: &str,
) -> Result<(), TaskError> {
    let script = format!("dbrp \"{db}\".\"{rp}\"\n{script}");
    let new = NewTask { id: id.to_owned(), script, status: Status::Enabled, ..NewTask::default() };
    member.engine.create_task(new).await.map(drop)
}

async fn define(member: &Member, id: &str, dbrp: (&str, &str), script: &str) {
    try_define(member, id, dbrp, script).await.unwrap_or_else(|error| panic!("task {id}: {error}"));
}

/// Errors of a node, and why.
async fn errors(member: &Member, task: &str, node: &str) -> (u64, String) {
    let views = member.engine.task_views().await;
    let view = views.iter().find(|view| view.task.id.as_ref() == task).expect("the task runs");
    let running = view.running.as_ref().expect("the task runs");
    let at = running.names.iter().position(|name| **name == *node).expect("such a node");
    let stats = running.stats(at);
    let reasons: Vec<String> = stats.reasons().iter().map(|r| format!("{}: {}", r.what, r.last)).collect();
    (stats.errors.load(Relaxed), reasons.join("; "))
}

/// The value of `state_count`, or of the last column, in each row.
async fn shown(member: &Member, task: &str) -> Vec<String> {
    let mut rows = member.rows(task, "n").await;
    rows.sort();
    rows
}

async fn rows_hold(member: &Member, task: &str, what: &str) {
    let begun = std::time::Instant::now();
    loop {
        member.engine.settle().await;
        let rows = shown(member, task).await.join("\n");
        if rows.contains(what) {
            return;
        }
        assert!(begun.elapsed() < support::LIMIT, "waited for {what:?}, there is {rows}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_come_in_order_each_with_a_key_of_its_own() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    let sink = Sink::start(200);
    let url = format!("http://{}/", sink.address);
    let script = format!("stream|from().measurement('m')|httpPost('{url}')|httpOut('n')");
    define(&member, "t", ("db", "rp"), &script).await;
    for at in 1..=20 {
        member.write(&format!("m,host=a v={at} {at}\n")).await;
    }
    until("20 posts", || sink.accepted().len() == 20).await;
    let accepted = sink.accepted();
    for (at, (_, body)) in accepted.iter().enumerate() {
        assert!(body.contains(&format!(",{}]]", at + 1)), "{at}: {body}");
    }
    let mut keys: Vec<&String> = accepted.iter().map(|(key, _)| key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 20);
    assert_eq!(errors(&member, "t", "http_post2").await, (0, String::new()));
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_posts_are_errors_of_the_node_and_codes_are_fields() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    let sink = Sink::start(503);
    let url = format!("http://{}/", sink.address);
    let script = format!("stream|from().measurement('m')|httpPost('{url}').codeField('code')|httpOut('n')");
    define(&member, "t", ("db", "rp"), &script).await;
    let nowhere =
        "stream|from().measurement('m')|httpPost('http://127.0.0.1:1/').codeField('code')|httpOut('n')";
    define(&member, "nowhere", ("db", "rp"), nowhere).await;
    member.write("m v=1 1\n").await;
    rows_hold(
        &member,
        "t",
        "\"columns\":[\"time\",\"code\",\"v\"],\"values\":[[\"1970-01-01T00:00:01Z\",503,1]]",
    )
    .await;
    rows_hold(&member, "nowhere", "[\"1970-01-01T00:00:01Z\",0,1]").await;
    let (count, why) = errors(&member, "t", "http_post2").await;
    assert_eq!(count, 1);
    assert_eq!(
        why,
        "POST returned non 2xx status code: unknown error, use .captureResponse() to capture the HTTP response"
    );
    let (count, why) = errors(&member, "nowhere", "http_post2").await;
    assert!(count == 1 && why.starts_with("failed to POST data: "), "{why}");
    sink.answer(200);
    member.write("m v=2 2\n").await;
    rows_hold(&member, "t", "[\"1970-01-01T00:00:02Z\",200,2]").await;
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_never_answers_stops_nobody_and_is_asked_again_after_a_crash() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    let sink = Sink::start(SILENT);
    let url = format!("http://{}/", sink.address);
    define(&member, "t", ("db", "rp"), &format!("stream|from()|httpPost('{url}')|httpOut('n')")).await;
    for at in 1..=50 {
        member.write(&format!("m v={at} {at}\n")).await;
    }
    rows_hold(&member, "t", "[\"1970-01-01T00:00:50Z\",50]").await;
    until("a first request", || sink.asked() > 0).await;
    member.crash().await;
    sink.answer(200);
    let member = Member::open(dir.path()).await;
    until("all posts", || sink.accepted().len() == 50).await;
    let bodies: Vec<String> = sink.accepted().into_iter().map(|(_, body)| body).collect();
    assert!(bodies[0].contains(",1]]") && bodies[49].contains(",50]]"), "{bodies:?}");
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_are_made_again_under_the_same_key() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    let sink = Sink::start(200);
    let url = format!("http://{}/", sink.address);
    define(&member, "t", ("db", "rp"), &format!("stream|from()|httpPost('{url}')")).await;
    member.write("m v=1 1\n").await;
    until("a post", || sink.accepted().len() == 1).await;
    member.crash().await;
    let member = Member::open(dir.path()).await;
    until("it is made again", || sink.accepted().len() == 2).await;
    let accepted = sink.accepted();
    assert_eq!(accepted[0], accepted[1]);
    member.checkpoint().await;
    member.crash().await;
    let member = Member::open(dir.path()).await;
    member.write("m v=2 2\n").await;
    until("the next post", || sink.accepted().len() == 3).await;
    assert!(sink.accepted()[2].1.contains(",2]]"), "what a checkpoint has is not asked for again");
    member.stop().await;
}

const LOOP: &str =
    "stream|from().measurement('m')|kapacitorLoopback().database('d').retentionPolicy('r').tag('by','loop')";

/// Twelve points, of hosts that live on all shards.
async fn twelve(member: &Member, at: i64) {
    let lines: String = (0..12).map(|host| format!("m,host=h{host} v={at} {at}\n")).collect();
    member.write(&lines).await;
}

/// Waits until each of the twelve hosts has exactly so many points.
async fn twelve_have(member: &Member, count: usize) {
    let have = || async {
        member.engine.settle().await;
        let rows = shown(member, "reader").await;
        let counted = |row: &String| row.contains(&format!("Z\",{count},"));
        (rows.len() == 12 && rows.iter().all(counted), rows)
    };
    let begun = std::time::Instant::now();
    loop {
        let (all, rows) = have().await;
        if all {
            return;
        }
        assert!(begun.elapsed() < support::LIMIT, "waited for {count} points each, there is {rows:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_that_tasks_write_back_are_taken_once_whatever_crashes() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut member = Member::open(dir.path()).await;
    define(&member, "writer", ("db", "rp"), LOOP).await;
    define(&member, "reader", ("d", "r"), COUNT).await;
    for round in 0..8usize {
        // Some of these have been written back when the crash comes, others not.
        for at in 0..5usize {
            twelve(&member, (round * 5 + at + 1) as i64).await;
            if (round + at) % 4 == 0 {
                member.checkpoint().await;
            }
        }
        if round % 3 == 0 {
            twelve_have(&member, (round + 1) * 5).await;
        }
        if round == 5 {
            member.stop().await;
        } else {
            member.crash().await;
        }
        member = Member::open(dir.path()).await;
    }
    // The counts never fall, so one that is too high would stay.
    twelve_have(&member, 40).await;
    twelve(&member, 41).await;
    twelve_have(&member, 41).await;
    let rows = shown(&member, "reader").await;
    assert!(rows.iter().all(|row| row.contains("\"by\":\"loop\"")), "{rows:?}");
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn circles_of_tasks_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    let to = |db: &str, more: &str| {
        format!("stream|from(){more}|kapacitorLoopback().database('{db}').retentionPolicy('r')")
    };
    define(&member, "a", ("one", "r"), &to("two", "")).await;
    define(&member, "b", ("two", "r"), &to("three", "")).await;
    let error = try_define(&member, "c", ("three", "r"), &to("one", "")).await.expect_err("a circle");
    assert!(error.to_string().contains("c -> a -> b -> c"), "{error}");
    let own = try_define(&member, "own", ("x", "r"), &to("x", "")).await.expect_err("its own");
    assert_eq!(own.to_string(), "loop detected on dbrp: \"x\".\"r\"");
    // It is there with its error, and does not run.
    assert!(member.engine.catalog().task("c").is_some_and(|task| task.error.contains("loop detected")));
    // Measurements tell what can come back from what cannot.
    define(&member, "e", ("m1", "r"), &to("m2", ".measurement('cpu')")).await;
    let back = to("m1", ".measurement('cpu')") + ".measurement('other')";
    define(&member, "f", ("m2", "r"), &back).await;
    let back = to("m1", ".measurement('cpu')") + ".measurement('cpu')";
    let error = try_define(&member, "g", ("m2", "r"), &back).await.expect_err("a circle");
    assert!(error.to_string().contains("g -> e -> g"), "{error}");
    // Without the first there is none.
    member.engine.delete_task("e").await.expect("it goes");
    let change = engine::TaskChange { status: Some(Status::Disabled), ..Default::default() };
    member.engine.update_task("g", change).await.expect("it is disabled");
    let change = engine::TaskChange { status: Some(Status::Enabled), ..Default::default() };
    member.engine.update_task("g", change).await.expect("it starts");
    member.stop().await;
}

fn file(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
    std::fs::write(path, text).expect("it is written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_are_read_at_the_start_and_when_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let source = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    let script = format!(
        "stream|from().groupBy('host')|sideload().source('file://{}').order('host/{{{{.host}}}}.yml','all.json').field('limit', 1).tag('owner','nobody')|httpOut('n')",
        source.path().display()
    );
    let missing = script.replace("file://", "file:///none");
    let error = try_define(&member, "missing", ("db", "rp"), &missing).await.expect_err("no source");
    assert!(error.to_string().contains("failed to update sideload cache"), "{error}");
    file(source.path(), "host/a.yml", "limit: 10\n");
    file(source.path(), "all.json", r#"{"limit": 20, "owner": "me"}"#);
    define(&member, "t", ("db", "rp"), &script).await;
    member.write("m,host=a v=1 1\nm,host=b v=1 1\n").await;
    rows_hold(
        &member,
        "t",
        r#""host":"a","owner":"me"},"columns":["time","limit","v"],"values":[["1970-01-01T00:00:01Z",10,1]]"#,
    )
    .await;
    rows_hold(&member, "t", "[\"1970-01-01T00:00:01Z\",20,1]").await;

    // What was read is in the log, whatever the files say now.
    file(source.path(), "host/a.yml", "limit: 11\n");
    member.crash().await;
    let member = Member::open(dir.path()).await;
    member.write("m,host=a v=1 2\n").await;
    rows_hold(&member, "t", "[\"1970-01-01T00:00:02Z\",10,1]").await;

    member.engine.reload_sources().await.expect("they are read");
    member.write("m,host=a v=1 3\n").await;
    rows_hold(&member, "t", "[\"1970-01-01T00:00:03Z\",11,1]").await;

    // A source that is broken leaves everything as it is, and is told of.
    file(source.path(), "host/a.yml", "limit: [\n");
    let error = member.engine.reload_sources().await.expect_err("it is broken");
    assert!(error.contains("failed to unmarshal yaml values"), "{error}");
    member.checkpoint().await;
    member.crash().await;
    let member = Member::open(dir.path()).await;
    member.write("m,host=a v=1 4\n").await;
    rows_hold(&member, "t", "[\"1970-01-01T00:00:04Z\",11,1]").await;
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_can_be_an_http_server() {
    let dir = tempfile::tempdir().expect("a folder");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (ask, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let mut reader = std::io::BufReader::new(stream);
            let mut head = String::new();
            while std::io::BufRead::read_line(&mut reader, &mut head).is_ok_and(|read| read > 2) {}
            let body = if number < 2 { r#"{"a":{"limit":98.5}}"# } else { "no json" };
            let answer = format!(
                "HTTP/1.1 200 X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = std::io::Write::write_all(reader.get_mut(), answer.as_bytes());
            let _ = ask.send(head);
        }
    });
    let endpoint = pipeline::nodes::http_post::Endpoint {
        url: format!("http://{address}/values"),
        username: "user".into(),
        password: "word".into(),
        ..Default::default()
    };
    let member = Member::open_with(dir.path(), |options| {
        options.server.endpoints.insert("values".into(), endpoint);
    })
    .await;
    let script =
        "stream|from()|sideload().source('values').order('{{.host}}').field('limit', 1.0)|httpOut('n')";
    define(&member, "t", ("db", "rp"), script).await;
    let head = asked.recv().expect("it is asked");
    assert!(head.starts_with("GET /values ") && head.contains("Basic dXNlcjp3b3Jk"), "{head}");
    member.write("m,host=a v=1 1\n").await;
    rows_hold(&member, "t", "[\"1970-01-01T00:00:01Z\",98.5,1]").await;
    member.engine.reload_sources().await.expect("it is read again");
    let error = member.engine.reload_sources().await.expect_err("no JSON");
    assert!(error.contains("Error fetching sideload data"), "{error}");
    member.write("m,host=a v=1 2\n").await;
    rows_hold(&member, "t", "[\"1970-01-01T00:00:02Z\",98.5,1]").await;
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_beyond_what_can_wait_are_counted_and_dropped() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    let sink = Sink::start(SILENT);
    let url = format!("http://{}/", sink.address);
    let script = format!("stream|from()|httpPost('{url}').quiet()|httpOut('n')");
    define(&member, "t", ("db", "rp"), &script).await;
    let lines: String = (1..=10_100).map(|at| format!("m v={at} {at}\n")).collect();
    member.write(&lines).await;
    rows_hold(&member, "t", ",10100]]").await;
    let (count, why) = errors(&member, "t", "http_post2").await;
    // One may be on its way and not wait any more.
    assert!(count == 99 || count == 100, "{count}");
    assert_eq!(why, "failed to POST data: too many others wait: the receiver is too slow");
    member.crash().await;
}
