//! The real binaries: a server in a temporary folder, on a free port, and the command line client.
#![allow(dead_code, unreachable_pub)] // Each test file uses its part.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Longest wait for anything: far above what a busy machine needs.
pub const LIMIT: Duration = Duration::from_secs(20);

/// What an operator has: a data directory, a configuration, a port.
pub struct Site {
    dir: tempfile::TempDir,
    port: u16,
}

/// A server that runs. Dropping it kills it.
pub struct Server {
    child: Child,
    port: u16,
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Body, of which chunks are put together.
    pub body: String,
}

/// What a process said before it ended.
#[derive(Debug)]
pub struct Ended {
    /// It ended with 0.
    pub success: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Site {
    /// An empty one. Its servers have the ids that the recorded cases were recorded with.
    pub fn new() -> Site {
        let dir = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let site = Site { port: listener.local_addr().expect("an address").port(), dir };
        std::fs::create_dir(site.data()).expect("a folder");
        for (file, id) in [
            ("cluster.id", "7fdb259b-e2ab-497b-8c1d-5b219034b28d"),
            ("server.id", "3ccae5df-ccd0-4892-ad14-cca5a15216ca"),
        ] {
            std::fs::write(site.data().join(file), id).expect("written");
        }
        site.configure("");
        site
    }

    /// A path in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Writes its configuration, with more at the end.
    pub fn configure(&self, more: &str) {
        let (data, port) = (self.data(), self.port);
        let text = format!(
            "hostname = \"localhost\"\ndata_dir = {data:?}\n[http]\nbind-address = \"127.0.0.1:{port}\"\nshutdown-timeout = \"1s\"\n{more}"
        );
        std::fs::write(self.path("kapacitor.conf"), text).expect("written");
    }

    /// `kapacitord` with its configuration, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kapacitord"));
        command.args(arguments).arg("-config").arg(self.path("kapacitor.conf"));
        command.env_clear().current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    /// Starts a server and waits until it answers. Its log goes to `server.log`.
    pub fn start(&self) -> Server {
        self.start_with(&[])
    }

    /// The same, with more arguments.
    pub fn start_with(&self, arguments: &[&str]) -> Server {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.path("server.log"));
        let log = log.expect("a log file");
        let child = self.command(&[&["run"], arguments].concat()).stderr(log).stdout(Stdio::null()).spawn();
        let mut server = Server { child: child.expect("kapacitord starts"), port: self.port };
        let begun = Instant::now();
        while server.try_request("GET", "/kapacitor/v1/ping", "").is_none_or(|answer| answer.status != 204) {
            let ended = server.child.try_wait().expect("its state");
            assert!(
                ended.is_none() && begun.elapsed() < LIMIT,
                "the server does not answer:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    /// Runs `kapacitord` to its end, which must come by itself.
    pub fn fails(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("kapacitord starts");
        let begun = Instant::now();
        while child.try_wait().expect("its state").is_none() {
            if begun.elapsed() > LIMIT {
                let _ = child.kill();
                panic!("kapacitord {arguments:?} with {environment:?} does not end");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        ended(child.wait_with_output().expect("its output"))
    }

    /// What the servers logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("server.log")).unwrap_or_default()
    }

    /// Runs `kapacitor`, which must succeed, and gives what it prints.
    pub fn kapacitor(&self, arguments: &[&str]) -> String {
        let ran = self.try_kapacitor(arguments);
        assert!(ran.success, "kapacitor {arguments:?}: {ran:?}");
        ran.stdout
    }

    /// The same, with what goes wrong.
    pub fn try_kapacitor(&self, arguments: &[&str]) -> Ended {
        let url = format!("http://127.0.0.1:{}", self.port);
        let output = Command::new(client()).args(["-url", &url]).args(arguments).env_clear().output();
        ended(output.expect("kapacitor runs"))
    }

    /// Writes a script of the cases, with its log file in this folder; gives the paths of both.
    pub fn script(&self, name: &str) -> (PathBuf, PathBuf) {
        let (tick, alerts) = (self.path(&format!("{name}.tick")), self.path(&format!("{name}.alerts")));
        let text = case(&format!("{name}.tick")).replace("/tmp/alerts.log", &alerts.display().to_string());
        std::fs::write(&tick, text).expect("written");
        (tick, alerts)
    }
}

impl Server {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks, and must be answered.
    pub fn request(&self, method: &str, path: &str, body: &str) -> Answer {
        self.try_request(method, path, body).unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    /// Asks; `None` when nobody answers.
    pub fn try_request(&self, method: &str, path: &str, body: &str) -> Option<Answer> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(LIMIT)).ok()?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).ok()?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok()?;
        parse(&String::from_utf8_lossy(&bytes))
    }

    /// Writes lines with times in seconds, which must be taken.
    pub fn write(&self, db: &str, rp: &str, lines: &str) {
        let path = format!("/kapacitor/v1/write?db={db}&rp={rp}&precision=s");
        let answer = self.request("POST", &path, lines);
        assert_eq!(answer.status, 204, "{}", answer.body);
    }

    /// What an endpoint of a task shows.
    pub fn endpoint(&self, task: &str, endpoint: &str) -> String {
        let answer = self.request("GET", &format!("/kapacitor/v1/tasks/{task}/{endpoint}"), "");
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// SIGKILL, whatever it is doing.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM, and waits for its end, which must be a success.
    pub fn terminate(mut self) {
        let pid = libc::pid_t::try_from(self.child.id()).expect("a process id");
        // SAFETY: a plain system call; the process is ours and has not been waited for.
        assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
        let mut status = None;
        until("the server to stop", || {
            status = self.child.try_wait().expect("its state");
            status.is_some()
        });
        assert!(status.is_some_and(|status| status.success()), "{status:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunk(body)? } else { body.to_owned() };
    Some(Answer { status, body })
}

fn unchunk(mut rest: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.push_str(after.get(..size)?);
        rest = after.get(size + 2..)?;
    }
}

fn ended(output: Output) -> Ended {
    Ended {
        success: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The client's binary. It belongs to another package: testing the whole workspace builds it,
/// testing this package alone does not.
fn client() -> &'static Path {
    static CLIENT: OnceLock<PathBuf> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let path = Path::new(env!("CARGO_BIN_EXE_kapacitord")).with_file_name("kapacitor");
        if !path.exists() {
            let built =
                Command::new(env!("CARGO")).args(["build", "-p", "farad-cli", "--bin", "kapacitor"]).status();
            assert!(built.is_ok_and(|status| status.success()), "cargo build -p farad-cli failed");
        }
        path
    })
}

/// A file of the recorded cases.
pub fn case(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of a file; none when there is no file.
pub fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Waits for something, and fails the test when it does not come.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "waited {LIMIT:?} for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
