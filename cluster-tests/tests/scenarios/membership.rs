//! Members that come, go, and forget.

use cluster_tests::cluster::Cluster;
use cluster_tests::run::{Run, Stage};
use cluster_tests::{Failure, Outcome, wait};
use std::time::Duration;

/// Longest wait until a change of members has come through.
const CHANGE: Duration = Duration::from_secs(60);

/// A member loses its disk and comes back as a new one.
pub fn wipe(stage: &Stage) -> Outcome {
    let mut run = Run::start(stage, 3)?;
    let who = run.cluster.shard_leader()?;
    let name = run.cluster.member(who)?.name();
    let id = |cluster: &Cluster| -> Outcome<Option<String>> {
        Ok(cluster.roles()?.member(&name).map(|member| member.id.clone()))
    };
    let before = id(&run.cluster)?;
    run.act(&format!("kill -9 of {name}, and its disk is lost"), None, |cluster| {
        cluster.kill9(who)?;
        cluster.member(who)?.wipe()
    })?;
    run.goes_on(100)?;
    run.act(&format!("{name} comes back with nothing"), None, |cluster| cluster.start_member(who))?;
    wait::until("it to be taken in as another member", CHANGE, || {
        let roles = run.cluster.roles().map_err(|failure| failure.to_string())?;
        match roles.member(&name) {
            Some(member) if Some(&member.id) == before.as_ref() => Err("it has its old id".to_owned()),
            Some(member) if member.status == "alive" && member.replicas > 0 => Ok(()),
            _ => Err(roles.list()),
        }
    })?;
    run.step("it is taken in as another member, and keeps shards");
    run.goes_on(100)?;
    run.verify()
}

/// From three to five, and back to three, of which one is new.
pub fn grow_and_shrink(stage: &Stage) -> Outcome {
    let mut run = Run::start(stage, 3)?;
    for _ in 0..2 {
        let who = run.cluster.add();
        let name = run.cluster.member(who)?.name();
        run.act(&format!("{name} joins"), None, |cluster| cluster.start_member(who))?;
        wait::until("it to keep shards", CHANGE, || {
            let roles = run.cluster.roles().map_err(|failure| failure.to_string())?;
            match roles.member(&name) {
                Some(member) if member.status == "alive" && member.replicas > 0 => Ok(()),
                _ => Err(roles.list()),
            }
        })?;
        run.feeder.aim(run.cluster.targets());
        run.goes_on(100)?;
    }
    run.cluster.whole()?;
    run.step("five members are a whole cluster");
    for who in [run.cluster.control_leader()?, 3] {
        let name = run.cluster.member(who)?.name();
        let left = run.cluster.targets().into_iter().filter(|target| target.ip().to_string() != name);
        run.feeder.aim(left.collect());
        run.act(&format!("{name} is removed"), None, |cluster| {
            remove(cluster, who)?;
            // It has no place any more, and says so: how it ends is its own business.
            cluster.member(who)?.ends_by_itself().map(drop)
        })?;
        run.step(&format!("{name} has ended"));
        run.goes_on(50)?;
    }
    run.verify()
}

/// Asks another member to remove one, and waits until it leads and keeps nothing.
fn remove(cluster: &mut Cluster, who: usize) -> Outcome {
    let name = cluster.member(who)?.name();
    let id = cluster.roles()?.member(&name).map(|member| member.id.clone()).unwrap_or_default();
    let asked = cluster.running().into_iter().find(|index| *index != who).unwrap_or(who);
    let path = format!("/kapacitor/v1/cluster/members/{id}");
    let answer = cluster.member(asked)?.request("DELETE", &path, "").map_err(Failure::Broken)?;
    if answer.status != 204 {
        return Err(Failure::broken(format!("{name} is not removed: {} {}", answer.status, answer.body)));
    }
    wait::until("the removed member to be gone", CHANGE, || {
        let roles = cluster.seen_by(asked)?;
        let gone = roles.member(&name).is_none_or(|member| !member.voter && member.replicas == 0);
        if gone && roles.leads(&name) == 0 { Ok(()) } else { Err(roles.list()) }
    })
}
