//! A server that answers what a case says, and cases read from Markdown.

pub mod runner;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A server for one case: it answers the requests in order, whatever they are, and notes them.
pub struct Fake {
    address: String,
    thread: JoinHandle<Vec<String>>,
}

/// Ends the server: no client sends it.
const END: &str = "END";

impl Fake {
    /// Starts a server with its answers: status and body.
    pub fn start(answers: Vec<(u16, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let thread = thread::spawn(move || serve(&listener, answers));
        Self { address, thread }
    }

    /// Where the client finds it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops it and returns the requests: first line without the version, then the body.
    pub fn requests(self) -> Vec<String> {
        TcpStream::connect(&self.address).unwrap().write_all(END.as_bytes()).unwrap();
        self.thread.join().unwrap()
    }
}

fn serve(listener: &TcpListener, answers: Vec<(u16, String)>) -> Vec<String> {
    let mut answers = answers.into_iter();
    let mut requests = Vec::new();
    loop {
        let (mut stream, _) = listener.accept().unwrap();
        // A client that stalls must fail the test, not hang it.
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let request = read_request(&mut stream);
        if request == END {
            return requests;
        }
        requests.push(request);
        let (status, body) =
            answers.next().unwrap_or((500, r#"{"error": "the case has no answer for this"}"#.to_owned()));
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
    }
}

/// Method, target and, if there is one, the authorization and the body.
fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if text == END {
            return text;
        }
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let header = |name: &str| {
                head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
            };
            let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                let mut request = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
                if let Some(authorization) = header("authorization") {
                    request.push_str(&format!("\nauthorization: {authorization}"));
                }
                if !body.is_empty() {
                    request.push_str(&format!("\n{body}"));
                }
                return request;
            }
        }
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "the request ends early: {text}");
        bytes.extend_from_slice(&chunk[..count]);
    }
}

/// One case: a heading and its blocks, each a tag line and a body.
pub struct Case {
    /// The heading.
    pub name: String,
    /// Tag and body of each fenced block.
    pub blocks: Vec<(String, String)>,
}

impl Case {
    /// Bodies of the blocks whose tag begins with `kind`, with the rest of the tag.
    pub fn all<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.blocks.iter().filter_map(move |(tag, body)| {
            let rest = tag.strip_prefix(kind)?;
            Some((rest.trim(), body.as_str()))
        })
    }

    /// The body of the one block of that kind; empty if there is none.
    pub fn one(&self, kind: &str) -> String {
        self.all(kind).next().map_or(String::new(), |(_, body)| body.to_owned())
    }
}

/// Reads the cases of a Markdown text: `##` headings, blocks fenced by four tildes or backticks.
pub fn read_cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("## ") {
            cases.push(Case { name: name.to_owned(), blocks: Vec::new() });
        } else if let Some(tag) = line.strip_prefix("```") {
            let body: String =
                lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            cases.last_mut().expect("a block before the first heading").blocks.push((tag.to_owned(), body));
        }
    }
    cases
}
