//! Nodes that go by the clock, across the death of a leader: who falls silent is found dead once, who
//! goes on is not.

use cluster_tests::catalogs;
use cluster_tests::oracle;
use cluster_tests::run::{Run, SUDDEN, Stage};
use cluster_tests::tasks::SILENCE;
use cluster_tests::{Failure, Outcome, wait};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longest wait for somebody to be found dead or alive: some intervals of the deadman, and a failover.
const FOUND: Duration = Duration::from_secs(40);

/// The next beat comes no sooner than this after the last.
const BEAT: Duration = Duration::from_millis(200);

/// A host falls silent as the leader of shards dies; another one goes on.
pub fn across_a_kill(stage: &Stage) -> Outcome {
    let mut run = Run::start(stage, 3)?;
    oracle::define_one(&run.cluster, &SILENCE.request(&run.receiver.url()))?;
    catalogs::equal(&run.cluster)?;
    beat_until(&mut run, &["a", "b"], "both hosts to be counted", |run| counted(run, "b"))?;
    let who = run.cluster.shard_leader()?;
    run.act("kill -9 of a leader of shards, and one host falls silent", SUDDEN, |cluster| {
        cluster.kill9(who)
    })?;
    beat_until(&mut run, &["a"], "the silent host to be found dead", |run| heard(run, "b", "CRITICAL"))?;
    run.act("the member returns, and so does the host", None, |cluster| cluster.start_member(who))?;
    beat_until(&mut run, &["a", "b"], "the host to be found alive", |run| heard(run, "b", "OK"))?;
    let deliveries: Vec<_> =
        run.receiver.deliveries().into_iter().filter(|delivery| delivery.task == SILENCE.id).collect();
    let events: BTreeSet<(String, String)> =
        deliveries.iter().map(|delivery| (delivery.key.clone(), delivery.event.to_string())).collect();
    let levels: Vec<&str> = events.iter().filter_map(|(_, event)| level(event)).collect();
    if events.len() != 2 || deliveries.iter().any(|delivery| delivery.event["id"] != "b") {
        return Err(Failure::broken(format!(
            "one host was dead once and alive again, but these came: {deliveries:?}"
        )));
    }
    run.step(&format!("two events came, {} and {}", levels[0], levels[1]));
    Ok(())
}

fn level(event: &str) -> Option<&'static str> {
    ["CRITICAL", "OK"].into_iter().find(|level| event.contains(&format!("\"level\":\"{level}\"")))
}

/// Lets hosts beat until something holds.
fn beat_until(
    run: &mut Run,
    hosts: &[&str],
    what: &str,
    holds: impl Fn(&Run) -> Result<(), String>,
) -> Outcome {
    let mut beaten = std::time::Instant::now();
    wait::until(what, FOUND, || {
        if beaten.elapsed() >= BEAT {
            beaten = std::time::Instant::now();
            beat(run, hosts)?;
        }
        holds(run)
    })
}

/// A point of each host.
fn beat(run: &Run, hosts: &[&str]) -> Result<(), String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let lines: String = hosts.iter().map(|host| format!("pulse,host={host} v=1 {now}\n")).collect();
    run.write(&format!("pulse-{now}"), &lines)
}

fn counted(run: &Run, host: &str) -> Result<(), String> {
    let member = run.cluster.running_members().next().ok_or("no member runs")?;
    let answer = member.request("GET", &format!("/kapacitor/v1/tasks/{}/beats", SILENCE.id), "")?;
    let group = format!("\"host\":\"{host}\"");
    if answer.body.contains(&group) { Ok(()) } else { Err(answer.body) }
}

fn heard(run: &Run, host: &str, level: &str) -> Result<(), String> {
    let deliveries = run.receiver.deliveries();
    let came = deliveries.iter().filter(|delivery| delivery.task == SILENCE.id);
    let mut levels = came.filter(|delivery| delivery.event["id"] == host).map(|d| d.event["level"].clone());
    match levels.any(|found| found == level) {
        true => Ok(()),
        false => Err(format!("no {level} of {host} yet")),
    }
}
