//! SIGSTOP: a leader that neither works nor dies, and comes back with old ideas.

use cluster_tests::run::{Run, Stage};
use cluster_tests::{Outcome, wait};
use std::time::{Duration, Instant};

/// Long enough that it is voted out and thought dead.
const PAUSE: Duration = Duration::from_secs(20);

/// The control group's leader.
pub fn leader(stage: &Stage) -> Outcome {
    let mut run = Run::start(stage, 3)?;
    let who = run.cluster.control_leader()?;
    let name = run.cluster.member(who)?.name();
    let begun = Instant::now();
    run.act(&format!("SIGSTOP to the control group's leader, {name}"), None, |cluster| {
        cluster.member(who)?.stop()
    })?;
    run.goes_on(100)?;
    run.step("the other two go on");
    wait::until("the pause to end", PAUSE * 2, || match begun.elapsed() {
        passed if passed < PAUSE => Err(format!("{passed:?} passed")),
        _ => Ok(()),
    })?;
    run.act(&format!("SIGCONT to {name}"), None, |cluster| cluster.member(who)?.resume())?;
    run.goes_on(100)?;
    run.verify()
}
