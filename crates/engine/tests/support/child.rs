//! A member in a process of its own, to be killed. The process is this test program again, told
//! by the environment to run nothing but [`serve`]; it reads operations from its standard input
//! and answers each with a line.

use super::op::{Op, Seen};
use super::{LIMIT, Member};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Names the data directory to the process.
const DIR: &str = "FARAD_TEST_MEMBER";

/// Marks the lines that are answers, among what the test harness prints.
const ANSWER: &str = "answer ";

#[derive(Serialize, Deserialize)]
enum Request {
    Do(Op),
    See,
    Delivered,
}

/// A member in a process of its own.
pub struct Killable {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Killable {
    /// Starts a process. `test` is the name of the test that calls [`serve`].
    pub fn start(test: &str, dir: &Path) -> Killable {
        let program = std::env::current_exe().expect("the path of this program");
        let mut child = Command::new(program)
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(DIR, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start a process");
        let requests = child.stdin.take().expect("it is piped");
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut member = Killable { child, requests, answers };
        assert_eq!(member.answer(), "ready");
        member
    }

    /// Does it and waits until it is acknowledged, not until it is run.
    pub fn apply(&mut self, op: &Op) {
        assert_eq!(self.ask(&Request::Do(op.clone())), "done");
    }

    /// Sends all of them at once and waits until the first `acknowledged` are; the process goes on
    /// with the others.
    pub fn flood(&mut self, ops: &[Op], acknowledged: usize) {
        for op in ops {
            self.send(&Request::Do(op.clone()));
        }
        for _ in 0..acknowledged {
            assert_eq!(self.answer(), "done");
        }
    }

    /// Looks at everything.
    pub fn seen(&mut self) -> Seen {
        serde_json::from_str(&self.ask(&Request::See)).expect("what the process saw")
    }

    /// Waits until no delivery is on its way.
    pub fn delivered(&mut self) {
        assert_eq!(self.ask(&Request::Delivered), "done");
    }

    /// Kills it: SIGKILL, whatever it is doing.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // One that is dead already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn ask(&mut self, request: &Request) -> String {
        self.send(request);
        self.answer()
    }

    fn send(&mut self, request: &Request) {
        let text = serde_json::to_string(request).expect("plain values");
        writeln!(self.requests, "{text}").expect("the process reads");
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.answers.read_line(&mut line).expect("the process writes");
            assert!(read > 0, "the process ended");
            if let Some((_, answer)) = line.split_once(ANSWER) {
                return answer.trim_end().to_owned();
            }
        }
    }
}

impl Drop for Killable {
    fn drop(&mut self) {
        self.end();
    }
}

/// The process: serves operations until it is killed or its standard input ends. Returns at once
/// when this is not such a process.
pub async fn serve() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let member = Member::open(Path::new(&dir)).await;
    answer("ready");
    for line in std::io::stdin().lines() {
        let request: Request = serde_json::from_str(&line.expect("a line")).expect("a request");
        match request {
            Request::Do(op) => {
                member.apply(&op).await;
                answer("done");
            }
            Request::See => {
                let seen = tokio::time::timeout(LIMIT, member.seen()).await.expect("an answer in time");
                answer(&serde_json::to_string(&seen).expect("plain values"));
            }
            Request::Delivered => {
                member.delivered().await;
                answer("done");
            }
        }
    }
}

fn answer(text: &str) {
    let mut out = std::io::stdout();
    // Without a reader there is nobody to tell.
    let _ = writeln!(out, "\n{ANSWER}{text}").and_then(|()| out.flush());
}
