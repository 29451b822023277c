//! Just enough HTTP to talk to members: every wait has a limit, and a write says how far it got.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_millis(500);

/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Status and body of an answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// The body, of which chunks are put together.
    pub body: String,
}

/// How a write ended.
#[derive(Debug)]
pub enum Written {
    /// 204.
    Acknowledged,
    /// The member never saw the body: it may be written elsewhere without a doubt.
    Untaken(String),
    /// The body went out, and no 204 came back: some of it may have been taken.
    Doubtful(String),
}

/// Asks and waits for the answer, no longer than `limit` for each part of it.
pub fn request(
    to: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
    limit: Duration,
) -> Result<Answer, String> {
    let fail = |error: std::io::Error| format!("{method} http://{to}{path}: {error}");
    let mut stream = open(to, limit).map_err(fail)?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).map_err(fail)?;
    let bytes = read_all(&mut stream, limit).map_err(fail)?;
    parse(&String::from_utf8_lossy(&bytes))
        .ok_or_else(|| format!("{method} http://{to}{path}: the answer is cut off or not HTTP"))
}

/// Writes points. The body is sent only once the member has said that it wants it (`100 Continue`):
/// one that is stopped or cut off says nothing, and no doubt is left about the body.
pub fn write(to: SocketAddr, path: &str, key: &str, body: &str, limits: WriteLimits) -> Written {
    let mut stream = match announce(to, path, key, body.len(), limits) {
        Ok(stream) => stream,
        Err(why) => return Written::Untaken(why),
    };
    let sent = stream.set_read_timeout(Some(limits.answer)).and_then(|()| stream.write_all(body.as_bytes()));
    if let Err(error) = sent {
        return Written::Doubtful(error.to_string());
    }
    match read_all(&mut stream, limits.answer) {
        Ok(bytes) => match parse(&String::from_utf8_lossy(&bytes)) {
            Some(answer) if answer.status == 204 => Written::Acknowledged,
            Some(answer) => Written::Doubtful(format!("{} {}", answer.status, answer.body.trim())),
            None => Written::Doubtful("the connection ended before the answer".to_owned()),
        },
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            Written::Doubtful(format!("no answer within {:?}", limits.answer))
        }
        Err(error) => Written::Doubtful(error.to_string()),
    }
}

/// How long a write waits.
#[derive(Clone, Copy, Debug)]
pub struct WriteLimits {
    /// For the word that the body is wanted.
    pub wanted: Duration,
    /// For the acknowledgement.
    pub answer: Duration,
}

fn announce(
    to: SocketAddr,
    path: &str,
    key: &str,
    length: usize,
    limits: WriteLimits,
) -> Result<TcpStream, String> {
    let mut stream = open(to, limits.wanted).map_err(|error| error.to_string())?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nIdempotency-Key: {key}\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).map_err(|error| error.to_string())?;
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n\r\n") && line.len() < 4096 {
        match stream.read(&mut byte) {
            Ok(0) => return Err("the connection ended before the body was wanted".to_owned()),
            Ok(_) => line.push(byte[0]),
            Err(error) => return Err(error.to_string()),
        }
    }
    let line = String::from_utf8_lossy(&line);
    match line.starts_with("HTTP/1.1 100") {
        true => Ok(stream),
        false => Err(format!("refused: {}", line.lines().next().unwrap_or_default())),
    }
}

fn open(to: SocketAddr, limit: Duration) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&to, CONNECT.min(limit))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    Ok(stream)
}

fn read_all(stream: &mut TcpStream, limit: Duration) -> std::io::Result<Vec<u8>> {
    let begun = Instant::now();
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let taken = stream.read(&mut buffer)?;
        bytes.extend_from_slice(buffer.get(..taken).unwrap_or_default());
        if taken == 0 || bytes.len() > ANSWER_BYTES_MAX {
            return Ok(bytes);
        }
        if begun.elapsed() > limit {
            return Err(ErrorKind::TimedOut.into());
        }
    }
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let head = head.to_ascii_lowercase();
    if head.contains("transfer-encoding: chunked") {
        return Some(Answer { status, body: unchunk(body)? });
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    if length.is_some_and(|length: usize| body.len() < length) {
        return None;
    }
    Some(Answer { status, body: body.to_owned() })
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
        rest = after.get(size.checked_add(2)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_halves_of_them_are_not() {
        for (text, expected) in [
            ("HTTP/1.1 204 No Content\r\n\r\n", Some((204, ""))),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", Some((200, "ab"))),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", None),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", Some((200, "ab"))),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab", None),
            ("HTTP/1.1 200", None),
        ] {
            let parsed = parse(text);
            let found = parsed.as_ref().map(|answer| (answer.status, answer.body.as_str()));
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
