//! One member: a `kapacitord` process with an address, a data directory and a log.

use crate::clock::Clock;
use crate::failure::{Failure, Outcome, Trying};
use crate::http::{self, Answer};
use crate::parting;
use crate::wait;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Longest wait for a member to answer, and to end.
pub const LIMIT: Duration = Duration::from_secs(40);

/// Longest wait for an answer of the API.
const ANSWER: Duration = Duration::from_secs(10);

/// What all members are started with.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program.
    pub kapacitord: PathBuf,
    /// Folder of logs and data directories.
    pub folder: PathBuf,
    /// Members that find each other; 1 for a server on its own.
    pub expect: usize,
    /// Shards.
    pub shards: u32,
    /// Last part of the first member's address: of 127.0.0.x. None may be 127.0.0.1, from which the
    /// harness calls.
    pub first: u8,
}

impl Plan {
    /// A member's address: its own one of the loopback addresses.
    pub fn ip(&self, index: usize) -> Ipv4Addr {
        Ipv4Addr::new(127, 0, 0, self.first.saturating_add(u8::try_from(index).unwrap_or(u8::MAX)))
    }
}

/// A member, running or not. Dropping it ends it.
#[derive(Debug)]
pub struct Member {
    /// Its number, from 0.
    pub index: usize,
    plan: Plan,
    clock: Option<Clock>,
    child: Option<Child>,
}

/// API port of every member.
const API: u16 = 9092;
/// Gossip port of every member, UDP.
const GOSSIP: u16 = 9090;
/// Port for traffic between members.
const RPC: u16 = 9091;

impl Member {
    /// One that does not run yet.
    pub fn new(index: usize, plan: &Plan) -> Member {
        Member { index, plan: plan.clone(), clock: None, child: None }
    }

    /// Its name, which is its address.
    pub fn name(&self) -> String {
        self.ip().to_string()
    }

    /// Its address.
    pub fn ip(&self) -> Ipv4Addr {
        self.plan.ip(self.index)
    }

    /// Where its API listens.
    pub fn api(&self) -> SocketAddr {
        (self.ip(), API).into()
    }

    /// Where it listens for other members.
    pub fn rpc(&self) -> SocketAddr {
        (self.ip(), RPC).into()
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.plan.folder.join(format!("data-{}", self.name()))
    }

    /// Where its log goes.
    pub fn log(&self) -> PathBuf {
        self.plan.folder.join(format!("member-{}.log", self.name()))
    }

    /// Its process, while it has one.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Gives it a clock of its own from its next start on.
    pub fn set_clock(&mut self, clock: Clock) {
        self.clock = Some(clock);
    }

    /// Starts its process; it need not answer yet.
    pub fn start(&mut self) -> Outcome {
        if self.child.is_some() {
            return Err(Failure::broken(format!("{} runs already", self.name())));
        }
        let config = self.plan.folder.join("kapacitor.conf");
        std::fs::write(&config, CONFIG).trying("write a configuration")?;
        let mut log = std::fs::OpenOptions::new();
        let log = log.create(true).append(true).open(self.log()).trying("open a member's log")?;
        let mut command = Command::new(&self.plan.kapacitord);
        command.arg("-config").arg(&config).env_clear().envs(self.environment());
        if let Some(clock) = &self.clock {
            command.envs(clock.environment());
        }
        command.current_dir(&self.plan.folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        parting::end_with_us(&mut command);
        self.child = Some(command.spawn().trying("start kapacitord")?);
        Ok(())
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let name = self.name();
        let mut variables = vec![
            ("KAPACITOR_HOSTNAME", name.clone()),
            ("KAPACITOR_DATA_DIR", self.data().display().to_string()),
            ("KAPACITOR_HTTP_BIND_ADDRESS", format!("{name}:{API}")),
            ("KAPACITOR_LOGGING_LEVEL", "INFO".to_owned()),
            ("KAPACITOR_CLUSTER_SHARDS", self.plan.shards.to_string()),
            // Often, so that each fault meets one.
            ("KAPACITOR_FARAD_CHECKPOINT_INTERVAL", "2s".to_owned()),
            ("RUST_BACKTRACE", "1".to_owned()),
        ];
        if self.plan.expect > 1 {
            let peers: Vec<String> =
                (0..self.plan.expect).map(|index| format!("{}:{GOSSIP}", self.plan.ip(index))).collect();
            variables.extend([
                ("KAPACITOR_CLUSTER_ENABLED", "true".to_owned()),
                ("KAPACITOR_CLUSTER_BIND_ADDRESS", format!("{name}:{GOSSIP}")),
                ("KAPACITOR_CLUSTER_PEERS", peers.join(",")),
                ("KAPACITOR_CLUSTER_BOOTSTRAP_EXPECT", self.plan.expect.to_string()),
                ("KAPACITOR_CLUSTER_SHARED_SECRET", "of these tests".to_owned()),
                ("KAPACITOR_RPC_BIND_ADDRESS", format!("{name}:{RPC}")),
            ]);
        }
        variables
    }

    /// Waits until its API answers.
    pub fn answers(&mut self) -> Outcome {
        let what = format!("{} to answer", self.name());
        wait::until(&what, LIMIT, || {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                return Err(format!("it ended: {status}"));
            }
            match http::request(self.api(), "GET", "/kapacitor/v1/ping", "", ANSWER)?.status {
                204 => Ok(()),
                status => Err(format!("ping answers {status}")),
            }
        })
    }

    /// Fails when it ended by itself.
    pub fn check(&mut self) -> Outcome {
        let ended = match &mut self.child {
            Some(child) => child.try_wait().trying("look at a member")?,
            None => None,
        };
        match ended {
            Some(status) => Err(Failure::broken(format!("{} ended by itself: {status}", self.name()))),
            None => Ok(()),
        }
    }

    /// SIGKILL, whatever it is doing.
    pub fn kill9(&mut self) -> Outcome {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill().trying("kill a member")?;
        child.wait().trying("wait for a killed member")?;
        Ok(())
    }

    /// SIGTERM.
    pub fn terminate(&mut self) -> Outcome {
        self.signal(libc::SIGTERM)
    }

    /// Waits for its end, which must be a success.
    pub fn ends(&mut self) -> Outcome {
        match self.ends_by_itself()? {
            Some(status) if !status.success() => {
                Err(Failure::broken(format!("{} ended with {status}", self.name())))
            }
            _ => Ok(()),
        }
    }

    /// Waits for its end, whatever it says; nothing for one that does not run.
    pub fn ends_by_itself(&mut self) -> Outcome<Option<ExitStatus>> {
        let what = format!("{} to end", self.name());
        let Some(child) = &mut self.child else { return Ok(None) };
        let status = wait::until(&what, LIMIT, || match child.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("it goes on".to_owned()),
            Err(error) => Err(error.to_string()),
        })?;
        self.child = None;
        Ok(Some(status))
    }

    /// SIGSTOP: it keeps its memory, its sockets and its idea of the world, and does nothing.
    pub fn stop(&self) -> Outcome {
        self.signal(libc::SIGSTOP)
    }

    /// SIGCONT.
    pub fn resume(&self) -> Outcome {
        self.signal(libc::SIGCONT)
    }

    /// Deletes its data, which needs it dead.
    pub fn wipe(&self) -> Outcome {
        if self.child.is_some() {
            return Err(Failure::broken(format!("{} runs: its data cannot be deleted", self.name())));
        }
        std::fs::remove_dir_all(self.data()).trying("delete a data directory")
    }

    /// Asks its API.
    pub fn request(&self, method: &str, path: &str, body: &str) -> Result<Answer, String> {
        http::request(self.api(), method, path, body, ANSWER)
    }

    /// Asks its API for JSON.
    pub fn json(&self, path: &str) -> Result<serde_json::Value, String> {
        let answer = self.request("GET", path, "")?;
        if answer.status != 200 {
            return Err(format!("{}{path}: {} {}", self.name(), answer.status, answer.body.trim()));
        }
        serde_json::from_str(&answer.body).map_err(|error| format!("{}{path}: {error}", self.name()))
    }

    fn signal(&self, signal: libc::c_int) -> Outcome {
        let Some(pid) = self.pid() else {
            return Err(Failure::broken(format!("{} does not run: no signal can be sent", self.name())));
        };
        // SAFETY: a plain system call; the process is ours and has not been waited for.
        match unsafe { libc::kill(pid.cast_signed(), signal) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()).trying("send a signal"),
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // One that has ended is as good.
        let _ = self.kill9();
    }
}

/// The rest is in the environment.
const CONFIG: &str = "[http]\n  log-enabled = false\n[[influxdb]]\n  enabled = false\n";

/// The end of a log, for people.
pub fn tail(log: &Path, lines: usize) -> String {
    let text =
        std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}
