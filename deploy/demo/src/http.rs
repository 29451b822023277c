//! Just enough HTTP to talk to a server on this machine.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Where the server listens.
pub const ADDRESS: &str = "127.0.0.1:9092";

/// Sends a request and gives the body of its answer; an error for any status of 400 and above.
pub fn request(method: &str, path: &str, body: &str) -> Result<String, String> {
    let answer = exchange(method, path, body).map_err(|error| format!("{method} {path}: {error}"))?;
    let status: u16 = answer.split_whitespace().nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    match status {
        200..400 => Ok(body.to_owned()),
        _ => Err(format!("{method} {path}: {status} {}", body.trim())),
    }
}

fn exchange(method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(ADDRESS)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {ADDRESS}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
