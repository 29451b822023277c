//! Wall clocks that jump: data time and Raft must not care.

use cluster_tests::Outcome;
use cluster_tests::clock::Clock;
use cluster_tests::cluster::Cluster;
use cluster_tests::failure::Trying;
use cluster_tests::run::{Run, Stage};

/// Seconds by which the clock of one member is off, one after the other.
const JUMPS: [i64; 4] = [3600, -3600, -240, 0];

/// The clock of whoever leads the control group.
pub fn jumps(stage: &Stage) -> Outcome {
    jumps_among(stage, 3)
}

/// The clock of a server on its own.
pub fn jumps_alone(stage: &Stage) -> Outcome {
    jumps_among(stage, 1)
}

fn jumps_among(stage: &Stage, members: usize) -> Outcome {
    let mut clocks = Vec::new();
    let mut cluster = Cluster::prepare(stage.plan(members));
    for index in 0..members {
        let folder = stage.folder.join(format!("clock-{index}"));
        std::fs::create_dir_all(&folder).trying("make a folder for a clock")?;
        let clock = Clock::build(&folder)?;
        cluster.member(index)?.set_clock(clock.clone());
        clocks.push(clock);
    }
    let mut run = Run::with(stage, cluster)?;
    for jump in JUMPS {
        let who = run.cluster.control_leader()?;
        let name = run.cluster.member(who)?.name();
        run.act(
            &format!("the clock of the control group's leader, {name}, is off by {jump} s"),
            None,
            |_| clocks.get(who).map_or(Ok(()), |clock| clock.shift(jump)),
        )?;
        run.goes_on(80)?;
    }
    run.act("all clocks are right again", None, |_| clocks.iter().try_for_each(|clock| clock.shift(0)))?;
    run.goes_on(50)?;
    run.verify()
}
