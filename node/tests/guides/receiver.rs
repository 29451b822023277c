//! Somebody to send alerts to: keeps what comes over HTTP, or over bare TCP.

use serde_json::{Map, Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Headers that every client sends and that say nothing about the alert.
const IGNORED: [&str; 8] = [
    "host",
    "user-agent",
    "content-length",
    "accept",
    "accept-encoding",
    "connection",
    "idempotency-key",
    "date",
];

/// What a receiver has got: for HTTP objects of `path`, `headers` and `body`, for TCP the bodies.
#[derive(Clone, Default)]
pub struct Received(Arc<Mutex<Vec<Value>>>);

impl Received {
    /// All until now.
    pub fn all(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, value: Value) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(value);
    }
}

/// Listens on a free port; gives `127.0.0.1:PORT` and what will be received. It ends with the test.
fn listen(take: fn(TcpStream, Received)) -> (String, Received) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let received = Received::default();
    let keeper = received.clone();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| take(stream, keeper.clone())));
    (address, received)
}

/// Receives over bare TCP, one connection after the other: who connects first was first.
pub fn tcp() -> (String, Received) {
    listen(|mut stream, received| {
        let mut bytes = Vec::new();
        if stream.read_to_end(&mut bytes).is_ok() {
            received.push(body(&bytes));
        }
    })
}

/// Receives over HTTP; answers with 200 and the end of the connection.
pub fn http() -> (String, Received) {
    listen(|stream, received| {
        // A connection may be opened long before it is used.
        std::thread::spawn(move || request(&stream, &received));
    })
}

fn request(mut stream: &TcpStream, received: &Received) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut headers, mut length) = (Map::new(), 0);
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        let name = name.to_ascii_lowercase();
        if name == "content-length" {
            length = value.parse().ok()?;
        }
        if !IGNORED.contains(&name.as_str()) {
            headers.insert(name, value.into());
        }
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).ok()?;
    // Kept before it is answered: with the answer the next one may come.
    received.push(json!({"path": path, "headers": headers, "body": body(&bytes)}));
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").ok()
}

/// JSON when it is JSON, otherwise the text.
fn body(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into())
}
