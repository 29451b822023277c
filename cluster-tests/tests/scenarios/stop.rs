//! SIGTERM: leadership is handed over first, so nearly nothing is felt.

use cluster_tests::Outcome;
use cluster_tests::run::{GRACEFUL, Run, Stage};

/// The control group's leader stops and returns.
pub fn gracefully(stage: &Stage) -> Outcome {
    let mut run = Run::start(stage, 3)?;
    let who = run.cluster.control_leader()?;
    stop_and_return(&mut run, who)?;
    let who = run.cluster.shard_leader()?;
    stop_and_return(&mut run, who)?;
    run.verify()
}

/// All members, one after the other.
pub fn rolling_restart(stage: &Stage) -> Outcome {
    let mut run = Run::start(stage, 3)?;
    (0..3).try_for_each(|who| stop_and_return(&mut run, who))?;
    run.verify()
}

fn stop_and_return(run: &mut Run, who: usize) -> Outcome {
    let name = run.cluster.member(who)?.name();
    run.act(&format!("SIGTERM to {name}"), GRACEFUL, |cluster| cluster.shut_down(who))?;
    run.goes_on(50)?;
    run.act(&format!("{name} returns"), None, |cluster| {
        cluster.start_member(who)?;
        cluster.whole()
    })?;
    run.goes_on(50)
}
