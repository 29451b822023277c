//! The server of the demonstration: a `kapacitord` of our own.

use crate::http;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// How long the server may take to answer, and to stop.
const LIMIT: Duration = Duration::from_secs(30);

/// A running `kapacitord`. Dropping it ends it.
pub struct Server(Child);

impl Server {
    /// Starts the `kapacitord` that lies beside this program, with its data in `folder`.
    pub fn start(folder: &Path) -> Result<Server, String> {
        // A server that is there already would take our points.
        TcpListener::bind(http::LOCAL).map_err(|error| {
            format!("{} is taken ({error}): stop what listens there and try again", http::LOCAL)
        })?;
        let program =
            std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
        let kapacitord = program.with_file_name("kapacitord");
        let config = folder.join("kapacitor.conf");
        std::fs::write(&config, settings(folder))
            .map_err(|error| format!("cannot write {}: {error}", config.display()))?;
        let child = Command::new(&kapacitord)
            .arg("-config")
            .arg(&config)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", kapacitord.display()))?;
        let mut server = Server(child);
        let begun = Instant::now();
        while http::request(http::LOCAL, "GET", "/kapacitor/v1/ping", &[], "").is_err() {
            server.check()?;
            if begun.elapsed() > LIMIT {
                return Err(format!(
                    "kapacitord does not answer; see {}",
                    folder.join("kapacitord.log").display()
                ));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// Says whether the server still runs.
    pub fn check(&mut self) -> Result<(), String> {
        match self.0.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("kapacitord ended ({status}); its log is .data/kapacitord.log")),
            Err(error) => Err(format!("cannot look at kapacitord: {error}")),
        }
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(&mut self) {
        if let Ok(pid) = libc::pid_t::try_from(self.0.id()) {
            // SAFETY: a signal to a child that has not been waited for.
            unsafe { libc::kill(pid, libc::SIGTERM) };
        }
        let begun = Instant::now();
        while begun.elapsed() < LIMIT && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

fn settings(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "# Written by `make run`.\n\
         data_dir = \"{folder}/kapacitor\"\n\
         [http]\n  bind-address = \"{}\"\n  log-enabled = false\n\
         [logging]\n  file = \"{folder}/kapacitord.log\"\n  level = \"INFO\"\n\
         [[influxdb]]\n  enabled = false\n",
        http::LOCAL
    )
}
