//! The demonstration: starts `kapacitord` with its data in `.data/`, defines a task, feeds it this
//! machine's own CPU and memory once a second, and shows the alerts as they arrive.

mod alerts;
mod burst;
mod http;
mod sample;
mod server;

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Where everything is kept, below the current folder.
const FOLDER: &str = ".data";

/// The demonstration task.
const SCRIPT: &str = include_str!("demo.tick");

/// How often the machine is looked at.
const EVERY: Duration = Duration::from_secs(1);

static STOP: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    match demonstrate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes a line for the user.
fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn demonstrate() -> Result<(), String> {
    stop_on_signals();
    std::fs::create_dir_all(FOLDER).map_err(|error| format!("cannot make {FOLDER}: {error}"))?;
    let folder =
        Path::new(FOLDER).canonicalize().map_err(|error| format!("cannot find {FOLDER}: {error}"))?;
    let mut server = server::Server::start(&folder)?;
    let log = folder.join("alerts.log");
    let mut alerts = alerts::Alerts::follow(&log);
    define(&log.display().to_string())?;
    say("kapacitord runs on http://127.0.0.1:9092, the task `demo` watches this machine.");
    say("Try `kapacitor show demo`, or http://127.0.0.1:9092/kapacitor/v1/tasks/demo/usage. Ctrl-C ends it.");
    let mut cpu = sample::Cpu::default();
    let mut burst = burst::Burst::new();
    while !STOP.load(Ordering::Relaxed) {
        let begun = Instant::now();
        server.check()?;
        burst.step();
        if let Some(lines) = sample::lines(&mut cpu) {
            http::request("POST", "/write?db=demo&rp=autogen", &lines)?;
        }
        alerts.show();
        while begun.elapsed() < EVERY && !STOP.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    burst.stop();
    say("Stopping. The next `make run` goes on where this one stopped.");
    server.stop();
    alerts.show();
    Ok(())
}

/// Defines the task, or changes the one of the last run.
fn define(log: &str) -> Result<(), String> {
    let script = SCRIPT.replace("ALERTS_LOG", log);
    let task = serde_json::json!({
        "id": "demo", "type": "stream", "status": "enabled", "script": script,
        "dbrps": [{"db": "demo", "rp": "autogen"}],
    });
    if http::request("GET", "/kapacitor/v1/tasks/demo", "").is_ok() {
        say("The task `demo` is there from the last run, with all that it remembers.");
        return Ok(());
    }
    http::request("POST", "/kapacitor/v1/tasks", &task.to_string()).map(|_| ())
}

extern "C" fn on_signal(_: libc::c_int) {
    STOP.store(true, Ordering::Relaxed);
}

fn stop_on_signals() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the handler only stores to an atomic, which is allowed in a signal handler.
        unsafe { libc::signal(signal, on_signal as *const () as libc::sighandler_t) };
    }
}
