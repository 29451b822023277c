//! The parts as the compose file starts them: processes of their own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A part that runs, and what it shows. It is ended with this value.
struct Part {
    child: Child,
    shown: BufReader<ChildStdout>,
}

impl Part {
    fn start(args: &[&str]) -> Part {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farad-demo"));
        let mut child = command.args(args).stdout(Stdio::piped()).spawn().expect("the program starts");
        let shown = BufReader::new(child.stdout.take().expect("a pipe"));
        Part { child, shown }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.shown.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// Asks it to stop as Docker does; it must end well.
    fn stop(mut self) {
        let pid = libc::pid_t::try_from(self.child.id()).expect("a process id");
        // SAFETY: a signal to a child that has not been waited for.
        unsafe { libc::kill(pid, libc::SIGTERM) };
        assert!(self.child.wait().expect("an end").success());
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn post(address: &str, key: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the receiver listens");
    let length = body.len();
    write!(stream, "POST / HTTP/1.1\r\nIdempotency-Key: {key}\r\nContent-Length: {length}\r\n\r\n{body}")
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn the_receiver_shows_alerts_and_marks_repeats() {
    let mut part = Part::start(&["receive", "-listen", "127.0.0.1:0"]);
    let first = part.line();
    let address = first.trim_start_matches("Receiving alerts on ").trim_end_matches('.');
    let alert = r#"{"time":"2026-01-02T03:04:05Z","level":"OK","message":"m","previousLevel":"INFO"}"#;
    for expected in ["ALERT 03:04:05 UTC  OK        m  (was INFO)  key k", "REPEAT of ALERT 03:04:05"] {
        assert!(post(address, "k", alert).starts_with("HTTP/1.1 200 "));
        let line = part.line();
        assert!(line.starts_with(expected), "{line}");
    }
    part.stop();
}

#[test]
fn the_feeder_writes_a_sample_again_with_the_same_key_until_it_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let part = Part::start(&["feed", "-url", &url, "-host", "a b"]);
    let mut requests = Vec::new();
    for status in [503, 204] {
        let (stream, _) = listener.accept().expect("a connection");
        requests.push(request(&stream));
        write!(&stream, "HTTP/1.1 {status} so\r\nContent-Length: 0\r\n\r\n").expect("an answer");
    }
    assert!(requests[0].starts_with("POST /write?db=demo&rp=autogen HTTP/1.1\r\n"), "{}", requests[0]);
    assert!(requests[0].contains("\r\nIdempotency-Key: a_b-"), "{}", requests[0]);
    assert!(requests[0].contains("\r\n\r\ncpu,host=a_b usage="), "{}", requests[0]);
    assert_eq!(requests[0], requests[1]);
    // Nobody listens any more: the feeder must not wait for an answer when it is asked to stop.
    drop(listener);
    part.stop();
}

/// Head and body of a request.
fn request(stream: &TcpStream) -> String {
    let mut stream = BufReader::new(stream);
    let (mut text, mut length) = (String::new(), 0);
    while !text.ends_with("\r\n\r\n") {
        let begin = text.len();
        assert!(stream.read_line(&mut text).expect("a header") > 0, "{text}");
        if let Some(value) = text[begin..].strip_prefix("Content-Length: ") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = String::new();
    stream.take(length).read_to_string(&mut body).expect("a body");
    text + &body
}

#[test]
fn wrong_words_are_answered_and_end_it() {
    for (args, expected) in [
        (&["fed"][..], "there is no part"),
        (&["feed"], "no member is named"),
        (&["define", "-url", "https://a"], "must begin with http://"),
        (&["receive", "-port", "1"], "unknown flag -port"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_farad-demo")).args(args).output().expect("it runs");
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && shown.contains(expected), "{args:?}: {shown}");
    }
}
