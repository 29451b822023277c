//! The process of one scenario.

use super::{Scenario, find};
use crate::failure::{Failure, Outcome};
use crate::run::Stage;
use crate::timeline::{Timeline, say};
use crate::{binary, isolation};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

/// Tells this program to play a scenario: the name and the folder follow.
pub const FLAG: &str = "--play-scenario";

/// Exit code of a scenario that this machine cannot play.
pub const SKIPPED: i32 = 77;

/// Plays a scenario. Its members end when it returns, also by a panic.
pub fn play(scenarios: &[Scenario], name: &str, folder: &Path) -> ExitCode {
    let timeline = Timeline::begin();
    let played = catch_unwind(AssertUnwindSafe(|| perform(scenarios, name, folder, &timeline)));
    match played {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(Failure::Skipped(why))) => {
            timeline.step(&format!("SKIPPED: {why}"));
            ExitCode::from(SKIPPED as u8)
        }
        Ok(Err(failure)) => {
            timeline.step(&format!("FAILED: {failure}"));
            ExitCode::FAILURE
        }
        Err(_) => {
            say("the scenario panicked");
            ExitCode::FAILURE
        }
    }
}

fn perform(scenarios: &[Scenario], name: &str, folder: &Path, timeline: &Timeline) -> Outcome {
    let scenario = find(scenarios, name)?;
    isolation::prepare()?;
    let kapacitord = binary::kapacitord()?;
    let stage = Stage { folder: folder.to_owned(), kapacitord, timeline: timeline.clone() };
    (scenario.play)(&stage)
}
