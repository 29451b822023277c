//! Alerts that hold others back and events that are put together, in a cluster: who holds back and who
//! is held back are in different shards, and a leader dies between.

use cluster_tests::catalogs;
use cluster_tests::oracle;
use cluster_tests::run::{Run, SUDDEN, Stage};
use cluster_tests::tasks::{HOSTS_DOWN, SERVICES};
use cluster_tests::{Failure, Outcome, wait};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Longest wait for events: a failover, and the interval of the aggregate.
const LATE: Duration = Duration::from_secs(40);

/// Hosts that go down, and hosts that do not.
const DOWN: [&str; 5] = ["h0", "h1", "h2", "h3", "h4"];
const UP: [&str; 5] = ["h5", "h6", "h7", "h8", "h9"];

/// Hosts go down, services of all hosts fail, a leader dies, hosts come up, services fail again.
pub fn back_across_a_kill(stage: &Stage) -> Outcome {
    let mut run = Run::start(stage, 3)?;
    for task in [HOSTS_DOWN, SERVICES] {
        oracle::define_one(&run.cluster, &task.request(&run.receiver.url()))?;
    }
    handle(
        &run,
        "services",
        &json!({
            "id": "together", "kind": "aggregate",
            "options": {"id": "together", "interval": "3s", "topic": "summary", "message": "{{ .Count }} events"},
        }),
    )?;
    let url = format!("{}/summary", run.receiver.url());
    handle(&run, "summary", &json!({"id": "tell", "kind": "post", "options": {"url": url}}))?;
    catalogs::equal(&run.cluster)?;

    write(&run, "up", &DOWN, 0)?;
    events(&run, HOSTS_DOWN.id, "CRITICAL", &DOWN)?;
    write(&run, "errors", &[DOWN, UP].concat(), 1)?;
    events(&run, SERVICES.id, "CRITICAL", &UP)?;
    let who = run.cluster.shard_leader()?;
    run.act("kill -9 of a leader of shards, and the hosts come up", SUDDEN, |cluster| cluster.kill9(who))?;
    write(&run, "up", &DOWN, 1)?;
    events(&run, HOSTS_DOWN.id, "OK", &DOWN)?;
    let held: Vec<Value> = came(&run, SERVICES.id).into_iter().filter(|event| is_of(event, &DOWN)).collect();
    if !held.is_empty() {
        return Err(Failure::broken(format!("these were to be held back, and came: {held:?}")));
    }
    run.act("services fail again, and the member returns", None, |cluster| cluster.start_member(who))?;
    write(&run, "errors", &DOWN, 2)?;
    events(&run, SERVICES.id, "CRITICAL", &[DOWN, UP].concat())?;
    let summaries = wait::until("all events to be put together", LATE, || {
        let summaries: Vec<Value> = came(&run, "summary");
        let counts = summaries
            .iter()
            .filter_map(|event| event["message"].as_str()?.split(' ').next()?.parse::<usize>().ok());
        match counts.sum() {
            10 => Ok(summaries.len()),
            count => Err(format!("{count} of 10 are")),
        }
    })?;
    run.step(&format!("ten events came one by one, and put together in {summaries}"));
    Ok(())
}

fn handle(run: &Run, topic: &str, handler: &Value) -> Outcome {
    let member = run.cluster.running_members().next().ok_or_else(|| Failure::broken("no member runs"))?;
    let path = format!("/kapacitor/v1/alerts/topics/{topic}/handlers");
    let answer = member.request("POST", &path, &handler.to_string()).map_err(Failure::broken)?;
    match answer.status {
        200 => Ok(()),
        status => Err(Failure::broken(format!("the handler is refused: {status} {}", answer.body))),
    }
}

/// A point of each host, the same number of seconds on each time.
fn write(run: &Run, measurement: &str, hosts: &[&str], value: u32) -> Outcome {
    let point = |host: &&str| format!("{measurement},host={host} v={value}i {value}000000000\n");
    let lines: String = hosts.iter().map(point).collect();
    wait::until("a write to be taken", LATE, || run.write(&format!("{measurement}-{value}"), &lines))
}

/// Waits until events of a level have come for exactly these hosts.
fn events(run: &Run, task: &str, level: &str, hosts: &[&str]) -> Outcome {
    let wanted: BTreeSet<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    wait::until(&format!("{level} of {task}"), LATE, || {
        let of_level = came(run, task).into_iter().filter(|event| event["level"] == level);
        let found: BTreeSet<String> =
            of_level.filter_map(|event| Some(event["id"].as_str()?.to_owned())).collect();
        if found == wanted { Ok(()) } else { Err(format!("{found:?} came")) }
    })
}

/// The events that were posted, each once.
fn came(run: &Run, task: &str) -> Vec<Value> {
    let mut keys = BTreeSet::new();
    let all = run.receiver.deliveries().into_iter().filter(|delivery| delivery.task == task);
    all.filter(|delivery| keys.insert(delivery.key.clone())).map(|delivery| delivery.event).collect()
}

fn is_of(event: &Value, hosts: &[&str]) -> bool {
    hosts.iter().any(|host| event["id"] == *host)
}
