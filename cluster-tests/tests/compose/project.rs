//! The services of `docker-compose.yml`, under a name and ports of the test's own.

use crate::command::run;
use crate::image::Image;
use cluster_tests::failure::Trying;
use cluster_tests::{Outcome, http};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

const PROJECT: &str = "farad-test";

/// A stop may take the members 40 s.
const LIMIT: Duration = Duration::from_secs(90);

/// How long a member may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Services that run. All that belongs to them goes with this value.
pub struct Project<'a> {
    image: &'a Image<'a>,
    /// Where each member's API is published.
    ports: BTreeMap<&'static str, u16>,
}

impl<'a> Project<'a> {
    /// Starts them, after removing what a test that was killed left.
    pub fn up(image: &'a Image<'a>) -> Outcome<Project<'a>> {
        let project = Project { image, ports: free_ports()? };
        project.down()?;
        project.compose(&["up", "-d", "--no-build"])?;
        Ok(project)
    }

    /// Runs the compose program with these arguments.
    pub fn compose(&self, args: &[&str]) -> Outcome<String> {
        let mut command = self.image.engine.compose(LIMIT);
        command.args(["-p", PROJECT, "-f", "docker-compose.yml"]).args(args);
        for (number, port) in self.ports.values().enumerate() {
            command.env(format!("FARAD_PORT_{}", number + 1), port.to_string());
        }
        command.env("FARAD_BIND", "127.0.0.1").env("FARAD_IMAGE", &self.image.name);
        run(command.env("FARAD_SECRET", "a secret of the test"))
    }

    /// The container of a service.
    pub fn container(&self, service: &str) -> Outcome<String> {
        self.compose(&["ps", "-q", service])
    }

    /// Whether the member says that it can take points.
    pub fn is_well(&self, member: &str) -> Result<(), String> {
        let body = self.get(member, "/health")?;
        if body["status"] == "pass" { Ok(()) } else { Err(format!("{member} says {body}")) }
    }

    /// Whether the member sees exactly these members alive.
    pub fn sees(&self, member: &str, expected: &[&str]) -> Result<(), String> {
        let body = self.get(member, "/kapacitor/v1/cluster/members")?;
        let all = body["members"].as_array().ok_or_else(|| format!("{member} lists no members: {body}"))?;
        let alive = all.iter().filter(|other| other["status"] == "alive");
        let mut names: Vec<_> = alive.filter_map(|other| other["name"].as_str()).collect();
        names.sort_unstable();
        if names == expected { Ok(()) } else { Err(format!("{member} sees {names:?} alive of {body}")) }
    }

    /// The state of the services and their last lines, for whoever must find out what went wrong.
    pub fn logs(&self) -> String {
        let told = |args: &[&str]| self.compose(args).unwrap_or_else(|failure| failure.to_string());
        format!("{}\n{}", told(&["ps"]), told(&["logs", "--no-color", "--tail", "60"]))
    }

    fn get(&self, member: &str, path: &str) -> Result<Value, String> {
        let port = *self.ports.get(member).ok_or_else(|| format!("there is no {member}"))?;
        let answer = http::request(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), "GET", path, "", ANSWER)?;
        serde_json::from_str(&answer.body)
            .map_err(|error| format!("{member}: GET {path}: {} {}: {error}", answer.status, answer.body))
    }

    fn down(&self) -> Outcome {
        self.compose(&["down", "-v", "--remove-orphans", "-t", "10"]).map(|_| ())
    }
}

impl Drop for Project<'_> {
    fn drop(&mut self) {
        // The next test removes what stays.
        let _ = self.down();
    }
}

/// Ports that nobody listened on a moment ago.
fn free_ports() -> Outcome<BTreeMap<&'static str, u16>> {
    let mut listeners = Vec::new();
    for member in crate::MEMBERS {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).trying("find a free port")?;
        listeners.push((member, listener));
    }
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
    listeners
        .iter()
        .map(|(member, listener)| Ok((*member, port(listener).trying("find a free port")?)))
        .collect()
}
