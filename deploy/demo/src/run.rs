//! `make run`: starts `kapacitord` with its data in `.data/`, defines a task, feeds it this machine's
//! own CPU and memory once a second, and shows the alerts as they arrive.

use crate::arguments::Arguments;
use crate::http::LOCAL;
use crate::{alerts, burst, define, http, sample, say, server, stop};
use std::path::Path;
use std::time::Instant;

/// Where everything is kept, below the current folder.
const FOLDER: &str = ".data";

/// The demonstration task.
const SCRIPT: &str = include_str!("demo.tick");

/// Runs until a signal comes.
pub fn run(flags: &Arguments) -> Result<(), String> {
    flags.only(&[])?;
    stop::on_signals();
    std::fs::create_dir_all(FOLDER).map_err(|error| format!("cannot make {FOLDER}: {error}"))?;
    let folder =
        Path::new(FOLDER).canonicalize().map_err(|error| format!("cannot find {FOLDER}: {error}"))?;
    let mut server = server::Server::start(&folder)?;
    let log = folder.join("alerts.log");
    let mut alerts = alerts::Alerts::follow(&log);
    define_here(&log.display().to_string())?;
    say("kapacitord runs on http://127.0.0.1:9092, the task `demo` watches this machine.");
    say("Try `kapacitor show demo`, or http://127.0.0.1:9092/kapacitor/v1/tasks/demo/usage. Ctrl-C ends it.");
    let host = sample::host()?;
    let mut cpu = sample::Cpu::default();
    let mut burst = burst::Burst::new();
    while !stop::asked() {
        let begun = Instant::now();
        server.check()?;
        burst.step();
        if let Some(sample) = sample::look(&mut cpu) {
            http::request(LOCAL, "POST", sample::WRITE, &[], &sample.lines(&host, None))
                .map_err(|error| error.to_string())?;
        }
        alerts.show();
        stop::pause_until(begun + sample::EVERY);
    }
    burst.stop();
    say("Stopping. The next `make run` goes on where this one stopped.");
    server.stop();
    alerts.show();
    Ok(())
}

/// Defines the task, unless it is there from the last run.
fn define_here(log: &str) -> Result<(), String> {
    if http::request(LOCAL, "GET", define::TASK, &[], "").is_ok() {
        say("The task `demo` is there from the last run, with all that it remembers.");
        return Ok(());
    }
    let task = define::task(&SCRIPT.replace("ALERTS_LOG", log));
    http::request(LOCAL, "POST", define::TASKS, &[], &task).map(|_| ()).map_err(|error| error.to_string())
}
