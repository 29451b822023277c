//! A wall clock that jumps for one member: a small library, compiled here and loaded before all
//! others, adds what a file says to the time. The server knows nothing of it.

use crate::failure::{Failure, Outcome, Trying};
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = include_str!("clock/offset.c");

/// The clock of one member.
#[derive(Clone, Debug)]
pub struct Clock {
    library: PathBuf,
    file: PathBuf,
}

impl Clock {
    /// Compiles the library into `folder`. Skips the scenario where there is no C compiler.
    pub fn build(folder: &Path) -> Outcome<Clock> {
        let (source, library, file) =
            (folder.join("offset.c"), folder.join("offset.so"), folder.join("offset.bytes"));
        std::fs::write(&source, SOURCE).trying("write the clock's source")?;
        let compiled =
            Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).output();
        let output = compiled.map_err(|error| {
            Failure::Skipped(format!("a jump of the clock needs a C compiler: cc: {error}"))
        })?;
        if !output.status.success() {
            return Err(Failure::broken(format!("cc: {}", String::from_utf8_lossy(&output.stderr).trim())));
        }
        let clock = Clock { library, file };
        clock.shift(0)?;
        Ok(clock)
    }

    /// Variables of the process that shall have this clock.
    pub fn environment(&self) -> [(&'static str, &Path); 2] {
        [("LD_PRELOAD", &self.library), ("FARAD_CLOCK_FILE", &self.file)]
    }

    /// From now on the clock is off by so many seconds.
    pub fn shift(&self, seconds: i64) -> Outcome {
        // In place: the process has the file mapped.
        let mut options = std::fs::OpenOptions::new();
        let mut file =
            options.create(true).write(true).truncate(false).open(&self.file).trying("open the clock")?;
        let nanoseconds = seconds.saturating_mul(1_000_000_000).to_ne_bytes();
        std::io::Write::write_all(&mut file, &nanoseconds).trying("shift the clock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    fn seconds_of_a_process_with(clock: &Clock) -> i64 {
        let output = Command::new("date").arg("+%s").envs(clock.environment()).output().expect("date runs");
        String::from_utf8_lossy(&output.stdout).trim().parse().expect("seconds")
    }

    #[test]
    fn a_process_sees_the_shift_and_we_do_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = match Clock::build(folder.path()) {
            Err(Failure::Skipped(_)) => return,
            other => other.expect("a clock"),
        };
        let now =
            || SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs().cast_signed();
        for shift in [0, 3600, -86_400, 0] {
            clock.shift(shift).expect("shifted");
            let off = seconds_of_a_process_with(&clock) - now();
            assert!((shift - 2..=shift + 2).contains(&off), "{off} instead of {shift}");
        }
    }
}
