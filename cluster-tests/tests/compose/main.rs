//! The compose file, tried as its reader tries it: up, an alert; a member is killed, the next alert;
//! the member comes back. Needs a Docker engine, or root and Debian's packages to start one
//! (`deploy/docker/engine.sh`); without it the test says why it does nothing.

mod command;
mod engine;
mod image;
mod project;
mod receiver;

use cluster_tests::{Failure, Outcome, wait};
use engine::Engine;
use image::Image;
use project::Project;
use receiver::Receiver;
use std::io::Write;
use std::time::{Duration, Instant};

/// With this variable, a machine that cannot run Docker fails the test.
const REQUIRED: &str = "FARAD_REQUIRE_DOCKER";

const MEMBERS: [&str; 3] = ["kapacitor-1", "kapacitor-2", "kapacitor-3"];

/// Most time for the timeline.
const LIMIT: Duration = Duration::from_secs(300);

/// Three members start, find each other, take a task and points. The feeder keeps the processors busy
/// once a minute, a window is five seconds, and a failover takes a few.
const ALERT: Duration = Duration::from_secs(100);

/// A member that starts reads its data and joins; the loss of one is noticed.
const JOINED: Duration = Duration::from_secs(60);

#[test]
fn a_cluster_in_containers_outlives_a_member() {
    match attempt() {
        Ok(()) => {}
        Err(Failure::Skipped(why)) if std::env::var_os(REQUIRED).is_none_or(|value| value.is_empty()) => {
            // Not println: nobody would see it, as the test passes.
            let _ = writeln!(std::io::stderr(), "skipped: the compose file is not tried: {why}");
        }
        Err(failure) => panic!("{failure}"),
    }
}

fn attempt() -> Outcome {
    let engine = Engine::get()?;
    let image = Image::build(&engine)?;
    let project = Project::up(&image)?;
    let timeline = Timeline {
        receiver: Receiver::follow(&engine, &project.container("receiver")?)?,
        project: &project,
        end: Instant::now() + LIMIT,
    };
    timeline.run().map_err(|failure| Failure::broken(format!("{failure}\n{}", project.logs())))
}

/// What is done to the services, and what is waited for.
struct Timeline<'a> {
    project: &'a Project<'a>,
    receiver: Receiver,
    end: Instant,
}

impl Timeline<'_> {
    fn run(&self) -> Outcome {
        self.alert("the first alert", 0)?;
        self.whole(&MEMBERS)?;

        self.project.compose(&["kill", "kapacitor-1"])?;
        self.alert("an alert after the loss of a member", self.receiver.alerts().len())?;
        self.whole(&MEMBERS[1..])?;

        self.project.compose(&["start", "kapacitor-1"])?;
        self.whole(&MEMBERS)?;
        self.alert("an alert of the whole cluster", self.receiver.alerts().len())?;
        no_alert_twice(self.receiver.alerts())
    }

    /// More alerts than there were.
    fn alert(&self, what: &str, before: usize) -> Outcome {
        self.until(what, ALERT, || match self.receiver.alerts().len() {
            now if now > before => Ok(()),
            now => Err(format!("there are {now} still")),
        })
    }

    /// These members are well and see each other, and nobody else, alive.
    fn whole(&self, members: &[&str]) -> Outcome {
        for member in members {
            self.until(member, JOINED, || self.project.is_well(member))?;
            self.until(member, JOINED, || self.project.sees(member, members))?;
        }
        Ok(())
    }

    fn until(&self, what: &str, limit: Duration, look: impl FnMut() -> Result<(), String>) -> Outcome {
        wait::until(what, limit.min(self.end.saturating_duration_since(Instant::now())), look)
    }
}

/// No alert came twice: neither under its own key, nor as another one of the same moment.
fn no_alert_twice(mut alerts: Vec<String>) -> Outcome {
    if let Some(repeat) = alerts.iter().find(|alert| alert.contains("REPEAT")) {
        return Err(Failure::broken(format!("an alert was delivered again: {repeat}")));
    }
    for alert in &mut alerts {
        match alert.rsplit_once("  key ") {
            Some((event, key)) if !key.is_empty() => *alert = event.to_owned(),
            _ => return Err(Failure::broken(format!("an alert has no key: {alert}"))),
        }
    }
    alerts.sort();
    match alerts.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Failure::broken(format!("an alert came under two keys: {}", pair[0]))),
        None => Ok(()),
    }
}
