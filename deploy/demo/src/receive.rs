//! A webhook receiver: shows each alert that is posted in one line, and whether its idempotency key
//! was there before.

use crate::arguments::Arguments;
use crate::seen::Seen;
use crate::{alerts, say, stop};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most bytes of a request's head and body.
const HEAD_MAX: u64 = 16 << 10;
const BODY_MAX: u64 = 4 << 20;

/// Connections at a time, and how long one may stay silent.
const CONNECTIONS_MAX: usize = 64;
const LIMIT: Duration = Duration::from_secs(10);

/// What a request is answered with.
type Status = (u16, &'static str);

/// What is received: its key, if it has one, and its body.
#[derive(Debug, PartialEq)]
struct Request {
    key: Option<String>,
    body: Vec<u8>,
}

/// Runs until a signal comes.
pub fn receive(flags: &Arguments) -> Result<(), String> {
    flags.only(&["listen"])?;
    stop::on_signals();
    let listen = flags.value("listen").unwrap_or(":8080");
    let address = if listen.starts_with(':') { format!("0.0.0.0{listen}") } else { listen.to_owned() };
    let cannot = |error: std::io::Error| format!("cannot listen on {address}: {error}");
    let listener = TcpListener::bind(&address).map_err(cannot)?;
    listener.set_nonblocking(true).map_err(cannot)?;
    say(&format!("Receiving alerts on {}.", listener.local_addr().map_err(cannot)?));
    let seen = Arc::new(Mutex::new(Seen::default()));
    let open = Arc::new(AtomicUsize::new(0));
    while !stop::asked() {
        match listener.accept() {
            Ok((stream, _)) => start(stream, &seen, &open),
            Err(_) => stop::pause_until(Instant::now() + Duration::from_millis(20)),
        }
    }
    Ok(())
}

/// Serves a connection on a thread of its own. One too many is closed: its sender tries again.
fn start(stream: TcpStream, seen: &Arc<Mutex<Seen>>, open: &Arc<AtomicUsize>) {
    if open.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS_MAX {
        open.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    let (seen, open) = (seen.clone(), open.clone());
    std::thread::spawn(move || {
        // A connection that breaks is the sender's to repeat.
        let _ = serve(&stream, &seen);
        open.fetch_sub(1, Ordering::Relaxed);
    });
}

fn serve(mut stream: &TcpStream, seen: &Mutex<Seen>) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let (status, reason) = match read(&mut BufReader::new(stream))? {
        Ok(request) => {
            let new = request.key.as_deref().is_none_or(|key| {
                // What a panicking thread left is a whole set of keys still.
                seen.lock().unwrap_or_else(PoisonError::into_inner).is_new(key)
            });
            say(&line(&request, new));
            (200, "OK")
        }
        Err(status) => status,
    };
    write!(stream, "HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")?;
    stream.flush()
}

/// Reads a request; a status when it is none that can be taken.
fn read(stream: &mut impl BufRead) -> std::io::Result<Result<Request, Status>> {
    let mut head = stream.by_ref().take(HEAD_MAX);
    let mut first = String::new();
    head.read_line(&mut first)?;
    let (mut key, mut length) = (None, None);
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Ok(Err((431, "Request Header Fields Too Large")));
        }
        match line.trim_end().split_once(':') {
            None if line.trim_end().is_empty() => break,
            None => return Ok(Err((400, "Bad Request"))),
            Some((name, value)) if name.eq_ignore_ascii_case("idempotency-key") => {
                key = Some(value.trim().to_owned());
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse::<u64>().ok();
            }
            Some(_) => {}
        }
    }
    if !first.starts_with("POST ") {
        return Ok(Err((405, "Method Not Allowed")));
    }
    match length {
        None => Ok(Err((411, "Length Required"))),
        Some(length) if length > BODY_MAX => Ok(Err((413, "Content Too Large"))),
        Some(length) => {
            let mut body = Vec::new();
            let whole = stream.take(length).read_to_end(&mut body)? as u64 == length;
            Ok(if whole { Ok(Request { key, body }) } else { Err((400, "Bad Request")) })
        }
    }
}

/// One line for what was received.
fn line(request: &Request, new: bool) -> String {
    let text = match serde_json::from_slice::<Value>(&request.body) {
        Ok(alert) if alert["level"].is_string() => alerts::text(&alert),
        _ => format!("{} bytes that are no alert", request.body.len()),
    };
    // The sender's text must stay one line, and must not steer a terminal.
    let clean = |text: &str| text.replace(|c: char| c.is_control(), " ");
    let key = request
        .key
        .as_deref()
        .map_or_else(|| "without a key".to_owned(), |key| format!("key {}", clean(key)));
    let repeat = if new { "" } else { "REPEAT of " };
    format!("{repeat}{}  {key}", clean(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &str) -> Result<Request, Status> {
        read(&mut text.as_bytes()).expect("bytes can be read")
    }

    #[test]
    fn requests_are_read_or_refused() {
        let good = status("POST / HTTP/1.1\r\nidempotency-key: 1-2\r\nContent-Length: 3\r\n\r\nabcd");
        assert_eq!(good, Ok(Request { key: Some("1-2".to_owned()), body: b"abc".to_vec() }));
        let long = format!("POST / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(20_000));
        let cases = [
            ("GET / HTTP/1.1\r\n\r\n", 405),
            ("POST / HTTP/1.1\r\n\r\n", 411),
            ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 411),
            ("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
            ("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", 400),
            ("POST / HTTP/1.1\r\nnonsense\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\n", 431),
            (&long, 431),
        ];
        for (text, expected) in cases {
            assert_eq!(status(text).expect_err("refused").0, expected, "{text:.60}");
        }
    }

    #[test]
    fn a_line_tells_level_message_key_and_repeat() {
        let body =
            r#"{"time":"2026-01-02T03:04:05Z","level":"CRITICAL","message":"a\nb","previousLevel":"OK"}"#;
        let request = Request { key: Some("7".to_owned()), body: body.into() };
        let first = line(&request, true);
        assert_eq!(first, "ALERT 03:04:05 UTC  CRITICAL  a b  (was OK)  key 7");
        assert_eq!(line(&request, false), format!("REPEAT of {first}"));
        let nothing = Request { key: None, body: b"[]".to_vec() };
        assert_eq!(line(&nothing, true), "2 bytes that are no alert  without a key");
    }
}
