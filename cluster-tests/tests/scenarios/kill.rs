//! `kill -9`, to each role in turn.

use cluster_tests::Outcome;
use cluster_tests::cluster::Cluster;
use cluster_tests::run::{Run, SUDDEN, Stage};

/// Nothing happens: what a cluster says without faults is what one member says.
pub fn steady(stage: &Stage) -> Outcome {
    let mut run = Run::start(stage, 3)?;
    run.act("nothing", None, |_| Ok(()))?;
    run.goes_on(300)?;
    run.verify()
}

/// The leader of the control group.
pub fn control_leader(stage: &Stage) -> Outcome {
    let run = Run::start(stage, 3)?;
    let who = run.cluster.control_leader()?;
    kill_and_return(run, who, "the control group's leader")
}

/// A leader of shards.
pub fn shard_leader(stage: &Stage) -> Outcome {
    let run = Run::start(stage, 3)?;
    let who = run.cluster.shard_leader()?;
    kill_and_return(run, who, "a leader of shards")
}

/// The member that delivers the events of a topic.
pub fn topic_owner(stage: &Stage) -> Outcome {
    let run = Run::start(stage, 3)?;
    let who = run.topic_owner("alerts")?;
    kill_and_return(run, who, "the owner of a topic")
}

/// The member that leads least.
pub fn follower(stage: &Stage) -> Outcome {
    let run = Run::start(stage, 3)?;
    let who = run.cluster.follower()?;
    kill_and_return(run, who, "a follower")
}

fn kill_and_return(mut run: Run, who: usize, role: &str) -> Outcome {
    let name = run.cluster.member(who)?.name();
    run.act(&format!("kill -9 of {role}, {name}"), SUDDEN, |cluster| cluster.kill9(who))?;
    run.goes_on(150)?;
    run.act(&format!("{name} returns"), None, |cluster| cluster.start_member(who))?;
    run.goes_on(100)?;
    run.verify()
}

/// The leader of the control group, and as soon as it is back, its successor.
pub fn twice_in_a_row(stage: &Stage) -> Outcome {
    let mut run = Run::start(stage, 3)?;
    for turn in ["a leader", "its successor"] {
        let who = run.cluster.control_leader()?;
        let name = run.cluster.member(who)?.name();
        run.act(&format!("kill -9 of {turn}, {name}"), SUDDEN, |cluster| cluster.kill9(who))?;
        run.goes_on(50)?;
        run.act(&format!("{name} returns"), None, |cluster| {
            cluster.start_member(who)?;
            cluster.whole()
        })?;
        run.goes_on(50)?;
    }
    run.verify()
}

/// All members at one moment.
pub fn all_at_once(stage: &Stage) -> Outcome {
    let mut run = Run::start(stage, 3)?;
    run.act("kill -9 of all three, and they return", None, |cluster| {
        cluster.running().into_iter().try_for_each(|who| cluster.kill9(who))?;
        restart(cluster)
    })?;
    run.goes_on(200)?;
    run.verify()
}

fn restart(cluster: &mut Cluster) -> Outcome {
    (0..3).try_for_each(|who| cluster.launch(who))
}
