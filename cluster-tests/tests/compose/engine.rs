//! The Docker engine: one that runs, or one of our own for the time of the test.

use crate::command::{root, run, within};
use cluster_tests::failure::Trying;
use cluster_tests::{Failure, Outcome};
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const SCRIPT: &str = "deploy/docker/engine.sh";

/// Making the base image loads and unpacks a small Debian.
const LIMIT: Duration = Duration::from_secs(240);

/// An engine that answers. Ends with this value when it began with it.
pub struct Engine {
    /// Its address, as `DOCKER_HOST` has it.
    host: String,
    /// The compose program that works here: `docker compose`, or `docker-compose`.
    compose: &'static [&'static str],
    ours: bool,
    /// Tests of several checkouts take turns: they share the engine and the names in it.
    _turn: File,
}

impl Engine {
    /// Finds an engine or starts one; skipped where neither can be.
    pub fn get() -> Outcome<Engine> {
        let turn = turn()?;
        let running = run(&mut script("running")).is_ok();
        let host = run(&mut script("start"))?;
        let mut engine = Engine { host, compose: &[], ours: !running, _turn: turn };
        engine.compose = engine.find_compose()?;
        Ok(engine)
    }

    /// `docker` with this engine, for as long as it takes.
    pub fn docker(&self) -> Command {
        let mut command = Command::new("docker");
        command.env("DOCKER_HOST", &self.host);
        command
    }

    /// `docker` with this engine, no longer than `limit`.
    pub fn docker_within(&self, limit: Duration) -> Command {
        let mut command = within(limit, "docker");
        command.env("DOCKER_HOST", &self.host);
        command
    }

    /// The compose program with this engine.
    pub fn compose(&self, limit: Duration) -> Command {
        let (program, rest) = self.compose.split_first().unwrap_or((&"docker-compose", &[]));
        let mut command = within(limit, program);
        command.args(rest).env("DOCKER_HOST", &self.host);
        command
    }

    /// Name of the base image, which is made when it is not there.
    pub fn base(&self) -> Outcome<String> {
        run(script("base").env("DOCKER_HOST", &self.host))
    }

    fn find_compose(&self) -> Outcome<&'static [&'static str]> {
        let programs: [&'static [&'static str]; 2] = [&["docker", "compose"], &["docker-compose"]];
        let works = |program: &&'static [&'static str]| {
            let mut command = within(Duration::from_secs(20), program[0]);
            run(command.args(&program[1..]).arg("version")).is_ok()
        };
        programs.into_iter().find(works).ok_or_else(|| {
            Failure::Skipped("there is no docker compose: apt-get install docker-compose".to_owned())
        })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.ours {
            // The script ends the process whose number it wrote down. There is nobody to tell when
            // that fails; the next test finds the engine and uses it.
            let _ = run(&mut script("stop"));
        }
    }
}

fn script(order: &str) -> Command {
    let mut command = within(LIMIT, &root().join(SCRIPT).display().to_string());
    command.arg(order);
    command
}

fn turn() -> Outcome<File> {
    let home = std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = home.join(".cache/farad/docker");
    std::fs::create_dir_all(&folder).trying("make ~/.cache/farad/docker")?;
    let file = File::create(folder.join("test.lock")).trying("make a lock in ~/.cache/farad/docker")?;
    file.lock().trying("take turns with other tests")?;
    Ok(file)
}
