//! What the receiver of the compose file shows, followed while it runs.

use crate::engine::Engine;
use cluster_tests::failure::Trying;
use cluster_tests::{Failure, Outcome};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// The receiver's container, followed.
pub struct Receiver {
    docker: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    /// Follows that container from its first line on.
    pub fn follow(engine: &Engine, container: &str) -> Outcome<Receiver> {
        let mut command = engine.docker();
        command.args(["logs", "--follow", container]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut docker = command.spawn().trying("run docker logs")?;
        let output = docker.stdout.take().ok_or_else(|| Failure::broken("docker logs has no output"))?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let shown = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                shown.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Ok(Receiver { docker, lines })
    }

    /// The alerts so far, a line each.
    pub fn alerts(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| line.contains("ALERT ")).cloned().collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // It ends with its container anyway.
        let _ = self.docker.kill();
        let _ = self.docker.wait();
    }
}
