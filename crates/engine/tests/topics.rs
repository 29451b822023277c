//! Topics and their handlers: alerts of two tasks that hold each other back, chains of topics, and
//! events that become one across a restart.

mod support;

use alert::HandlerSpec;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use support::{Member, lines, until};

fn handler(id: &str, kind: &str, options: Value) -> HandlerSpec {
    HandlerSpec::new(id, kind, options.as_object().expect("an object").clone())
}

fn log_to(id: &str, path: &Path) -> HandlerSpec {
    handler(id, "log", json!({ "path": path }))
}

async fn define(member: &Member, topic: &str, spec: HandlerSpec) {
    member.engine.define_handler(topic, spec).await.expect("a valid handler");
}

/// The events of a log, as id, level, level before.
fn told(path: &Path) -> Vec<(String, String, String)> {
    let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let events = lines(path).into_iter().map(|line| serde_json::from_str(&line).expect("JSON"));
    events
        .map(|event: Value| (text(&event, "id"), text(&event, "level"), text(&event, "previousLevel")))
        .collect()
}

/// The figures of a task's alert.
async fn figures(member: &Member, task: &str) -> [u64; 3] {
    use std::sync::atomic::Ordering::Relaxed;
    let view = member.engine.task(task).await.expect("a task");
    let running = view.running.clone().expect("it runs");
    let node = running.names.iter().position(|name| &**name == "alert2").expect("an alert");
    let counters = &view.stats(&running, node).counters;
    // Triggered, inhibited, critical.
    [0, 1, 5].map(|at| counters[at].load(Relaxed))
}

fn script(measurement: &str, category: &str, inhibits: &str) -> String {
    format!(
        "stream|from().measurement('{measurement}').groupBy('host')|alert().id('{category} {{{{ index .Tags \"host\" }}}}')\
         .category('{category}').inhibit('{inhibits}', 'host').crit(lambda: \"v\" > 10).topic('t')"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_of_two_tasks_hold_each_other_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let (file, data) = (dir.path().join("events"), dir.path().join("data"));
    let member = Member::open(&data).await;
    define(&member, "t", log_to("h", &file)).await;
    member.define("hosts", &script("m", "host", "svc")).await;
    member.define("services", &script("n", "svc", "host")).await;
    let write = async |member: &Member, line: &str| {
        member.write(line).await;
        member.delivered().await;
    };
    write(&member, "m,host=a v=20 1\n").await;
    write(&member, "n,host=a v=20 2\nn,host=b v=20 2\n").await;
    write(&member, "m,host=b v=20 3\n").await;
    // Who holds back survives a crash, replay and all.
    member.crash().await;
    let member = Member::open(&data).await;
    write(&member, "n,host=a v=21 4\n").await;
    assert_eq!(figures(&member, "services").await[1], 1, "it is still held back");
    write(&member, "m,host=a v=1 5\n").await;
    let critical = |id: &str, before: &str| (id.to_owned(), "CRITICAL".to_owned(), before.to_owned());
    let expected = [critical("host a", "OK"), critical("svc b", "OK")];
    assert_eq!(told(&file)[..2], expected);
    // Since both hold the other back by now, only a task that stops lets go.
    let held = told(&file).len();
    write(&member, "n,host=a v=22 6\n").await;
    let change =
        engine::TaskChange { status: Some(catalog::Status::Disabled), ..engine::TaskChange::default() };
    member.engine.update_task("services", change).await.expect("it is there");
    assert!(member.engine.catalog().inhibitors().of_task("services").next().is_none());
    write(&member, "m,host=a v=23 7\n").await;
    let last = told(&file).last().cloned().expect("events");
    assert_eq!((last.0.as_str(), last.1.as_str()), ("host a", "CRITICAL"));
    assert!(told(&file).len() > held);
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_back_is_not_counted_as_triggered() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    member.define("t", &script("m", "own", "own")).await;
    for time in 1..=3 {
        member.write(&format!("m,host=a v=20 {time}\n")).await;
    }
    member.engine.settle().await;
    assert_eq!(figures(&member, "t").await, [0, 3, 0]);
    member.write("m,host=a v=1 4\n").await;
    member.engine.settle().await;
    assert_eq!(figures(&member, "t").await, [1, 3, 0], "the recovery lets go before it is weighed");
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_go_through_chains_of_topics() {
    let dir = tempfile::tempdir().expect("a folder");
    let (first, last, data) = (dir.path().join("first"), dir.path().join("last"), dir.path().join("data"));
    let member = Member::open(&data).await;
    define(&member, "a", handler("p", "publish", json!({"topics": ["b"]}))).await;
    define(&member, "a", log_to("h", &first)).await;
    let worse = HandlerSpec {
        matching: "changed() AND level() > WARNING".into(),
        ..handler("p", "publish", json!({"topics": ["c", "a"]}))
    };
    define(&member, "b", worse).await;
    define(&member, "c", log_to("h", &last)).await;
    let alert = "stream|from().measurement('m')|alert().id('e').warn(lambda: \"v\" > 10).crit(lambda: \"v\" > 20).topic('a')";
    member.define("t", alert).await;
    for (time, v) in [(1, 15), (2, 25), (3, 26), (4, 1)] {
        member.write(&format!("m v={v} {time}\n")).await;
    }
    member.delivered().await;
    assert_eq!(told(&first).len(), 4, "each once, though the topics publish in a circle");
    let only = ("e".to_owned(), "CRITICAL".to_owned(), "OK".to_owned());
    assert_eq!(told(&last), [only], "what matches, with the level before in that topic");
    // A handler that leads elsewhere takes along what waits for it.
    let nowhere = dir.path().join("no/where");
    member.engine.replace_handler("c", "h", log_to("h", &nowhere)).await.expect("valid");
    for (time, v) in [(5, 25), (6, 1)] {
        member.write(&format!("m v={v} {time}\n")).await;
    }
    member.engine.settle().await;
    until("an attempt", || member.engine.catalog().deliveries().any(|delivery| delivery.attempts > 0)).await;
    member.engine.replace_handler("c", "h", log_to("h", &last)).await.expect("valid");
    member.delivered().await;
    assert_eq!(told(&last).len(), 2);
    member.engine.delete_handler("c", "h").await.expect("never refused");
    member.write("m v=25 7\n").await;
    member.delivered().await;
    assert_eq!(told(&last).len(), 2);
    let refused = member.engine.define_handler("c", handler("x", "log", json!({"paht": "/x"}))).await;
    let text = refused.expect_err("no such option").to_string();
    assert!(text.ends_with("* '' has invalid keys: paht"), "{text}");
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_become_one_across_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let (file, data) = (dir.path().join("events"), dir.path().join("data"));
    let member = Member::open(&data).await;
    let long = Duration::from_secs(3600).as_nanos() as u64;
    define(&member, "a", handler("g", "aggregate", json!({"id": "agg", "interval": long, "topic": "sum"})))
        .await;
    define(&member, "sum", log_to("h", &file)).await;
    member.define("t", "stream|from().measurement('m').groupBy('h')|alert().id('{{ index .Tags \"h\" }}').message('m {{ .ID }}').crit(lambda: \"v\" > 10).topic('a')").await;
    member.write("m,h=a v=11 1\nm,h=b v=12 2\n").await;
    member.engine.settle().await;
    member.crash().await;
    let member = Member::open(&data).await;
    member.write("m,h=a v=1 3\n").await;
    member.delivered().await;
    assert_eq!(member.engine.catalog().windows().count(), 1, "they wait");
    assert!(lines(&file).is_empty());
    // A shorter interval is over at once.
    let short = handler("g", "aggregate", json!({"id": "agg", "interval": "1ms", "topic": "sum"}));
    member.engine.replace_handler("a", "g", short).await.expect("valid");
    until("the event", || lines(&file).len() == 1).await;
    let event: Value = serde_json::from_str(&lines(&file)[0]).expect("JSON");
    assert_eq!(event["message"], "Received 3 events in the last 1ms.");
    let mut details: Vec<&str> = event["details"].as_str().expect("a text").lines().collect();
    details.sort_unstable();
    assert_eq!(details, ["m a", "m a", "m b"]);
    assert_eq!((&event["level"], &event["recoverable"]), (&json!("CRITICAL"), &json!(false)));
    assert_eq!(event["data"]["series"].as_array().map(Vec::len), Some(3));
    member.delivered().await;
    assert_eq!(member.engine.catalog().windows().count(), 0);
    member.stop().await;
}
