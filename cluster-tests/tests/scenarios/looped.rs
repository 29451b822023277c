//! Points that a task writes back to the cluster, across the death of a leader: each counts once.

use cluster_tests::catalogs;
use cluster_tests::oracle;
use cluster_tests::run::{Run, SUDDEN, Stage};
use cluster_tests::tasks::{LOOPED, WRITES_BACK};
use cluster_tests::{Failure, Outcome, wait};
use serde_json::{Value, json};
use std::time::Duration;

/// Hosts, and so points a write.
const HOSTS: u64 = 10;

/// Writes before the leader dies, while it is away, and after it returned.
const WRITES: u64 = 40;

/// Longest wait for points: a failover and what is sent again after it.
const LATE: Duration = Duration::from_secs(40);

/// Points go round while a leader of shards dies and returns.
pub fn across_a_kill(stage: &Stage) -> Outcome {
    let mut run = Run::start(stage, 3)?;
    let mut looped = LOOPED.request("");
    looped["dbrps"] = json!([{"db": "looped", "rp": "autogen"}]);
    oracle::define_one(&run.cluster, &looped)?;
    oracle::define_one(&run.cluster, &WRITES_BACK.request(""))?;
    catalogs::equal(&run.cluster)?;
    write(&run, 0)?;
    let who = run.cluster.shard_leader()?;
    run.act("kill -9 of a leader of shards", SUDDEN, |cluster| cluster.kill9(who))?;
    write(&run, WRITES)?;
    run.act("the member returns", None, |cluster| cluster.start_member(who))?;
    write(&run, 2 * WRITES)?;
    let wanted = 3 * WRITES * HOSTS;
    wait::until("all points to have gone round", LATE, || match counted(&run)? {
        count if count >= wanted => Ok(()),
        count => Err(format!("{count} of {wanted} have")),
    })?;
    // What came twice would be counted by the time that the members are whole again.
    run.cluster.whole()?;
    let count = counted(&run).map_err(Failure::broken)?;
    if count != wanted {
        return Err(Failure::broken(format!("{wanted} points were written, {count} went round")));
    }
    run.step(&format!("{count} points went round, each once"));
    Ok(())
}

/// Writes with numbers from `first` on.
fn write(run: &Run, first: u64) -> Outcome {
    for number in first..first + WRITES {
        let point = |host: u64| format!("ring,host=h{host} v=1i {}\n", (number + 1) * 1_000_000_000);
        let lines: String = (0..HOSTS).map(point).collect();
        wait::until("a write to be taken", LATE, || run.write(&format!("ring-{number}"), &lines))?;
    }
    Ok(())
}

/// Points that were written back, by what the task that reads them counts.
fn counted(run: &Run) -> Result<u64, String> {
    let member = run.cluster.running_members().next().ok_or("no member runs")?;
    let answer = member.request("GET", &format!("/kapacitor/v1/tasks/{}/n", LOOPED.id), "")?;
    let shown: Value = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
    let series = shown["series"].as_array().into_iter().flatten();
    Ok(series.filter_map(|row| row["values"][0][1].as_u64()).sum())
}
