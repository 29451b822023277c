//! Just enough HTTP to talk to a server: one request a connection.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Where the server of `make run` listens.
pub const LOCAL: &str = "127.0.0.1:9092";

/// A machine that is gone answers nothing at all, not even a refusal.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// How long an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Why a request has no result.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The server was not reached or did not answer.
    Silent(String),
    /// It answered with a status of 400 or above.
    Refused(u16, String),
}

impl Failure {
    /// The same request may succeed later, or elsewhere.
    pub fn may_pass(&self) -> bool {
        match self {
            Failure::Silent(_) => true,
            Failure::Refused(status, _) => *status >= 500 || *status == 429,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Silent(why) => f.write_str(why),
            Failure::Refused(status, why) => write!(f, "{status} {why}"),
        }
    }
}

/// Sends a request to `address` (host and port) and gives the body of its answer.
pub fn request(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<String, Failure> {
    let answer = exchange(address, method, path, headers, body)
        .map_err(|error| Failure::Silent(format!("{method} {address}{path}: {error}")))?;
    let status = answer.split_whitespace().nth(1).and_then(|status| status.parse::<u16>().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    match status {
        Some(200..400) => Ok(body.to_owned()),
        Some(status) => Err(Failure::Refused(status, body.trim().to_owned())),
        None => Err(Failure::Silent(format!("{method} {address}{path}: no answer"))),
    }
}

fn exchange(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<String> {
    let mut stream = connect(address)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    stream.set_write_timeout(Some(ANSWER_LIMIT))?;
    let length = body.len();
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"));
    stream.write_all(text.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The name is looked up each time: a container that comes back may have another address.
fn connect(address: &str) -> std::io::Result<TcpStream> {
    let mut last = Error::new(ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
