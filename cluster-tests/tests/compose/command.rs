//! Programs with a time limit: whatever Docker does, the test ends.

use cluster_tests::failure::Trying;
use cluster_tests::{Failure, Outcome};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

/// What a program of `deploy/docker/engine.sh` ends with when this machine cannot do it.
const IMPOSSIBLE: i32 = 69;

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A command in the root of the repository that is ended after `limit`.
pub fn within(limit: Duration, program: &str) -> Command {
    let mut command = Command::new("timeout");
    command.arg("--kill-after=5").arg(limit.as_secs().to_string()).arg(program).current_dir(root());
    command
}

/// Runs it and gives what it prints; everything it said when it fails.
pub fn run(command: &mut Command) -> Outcome<String> {
    let output = command.output().trying("run timeout, of coreutils")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.code() {
        Some(0) => Ok(text(&output.stdout)),
        Some(IMPOSSIBLE) => Err(Failure::Skipped(text(&output.stderr))),
        _ => Err(Failure::broken(told(command, &output))),
    }
}

fn told(command: &Command, output: &Output) -> String {
    let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}: {}\n{}{}", args.join(" "), output.status, text(&output.stdout), text(&output.stderr))
}
