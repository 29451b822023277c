//! A webhook receiver: takes every POST, and remembers its idempotency key, when it came, and which
//! member sent it.

use crate::cluster::Processes;
use crate::failure::{Outcome, Trying};
use crate::sockets;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Largest body that is taken.
const BODY_BYTES_MAX: u64 = 16 << 20;

/// Largest head of a request.
const HEAD_BYTES_MAX: u64 = 64 << 10;

/// How long a connection may rest.
const IDLE: Duration = Duration::from_secs(300);

/// An event that was posted.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Last part of the path: the task.
    pub task: String,
    /// The `Idempotency-Key`; empty without one.
    pub key: String,
    /// The event; null when it was no JSON.
    pub event: Value,
    /// Number of the member that sent it, when that could be found out.
    pub from: Option<usize>,
}

struct Shared {
    deliveries: Mutex<Vec<Delivery>>,
    processes: Processes,
    stop: AtomicBool,
}

/// A receiver that runs. Dropping it stops it.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Starts one on a free port of 127.0.0.1, for these members.
    pub fn start(processes: Processes) -> Outcome<Receiver> {
        let listener = TcpListener::bind("127.0.0.1:0").trying("listen for webhooks")?;
        let address = listener.local_addr().trying("find the port for webhooks")?;
        let shared =
            Arc::new(Shared { deliveries: Mutex::default(), processes, stop: AtomicBool::new(false) });
        let own = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if own.stop.load(Relaxed) {
                    break;
                }
                let own = own.clone();
                // A connection that breaks is the sender's to repeat.
                std::thread::spawn(move || serve(&stream, &own).unwrap_or(()));
            }
        });
        Ok(Receiver { address, shared })
    }

    /// Its address as a URL without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that came so far, in order.
    pub fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.shared.deliveries).clone()
    }

    /// How much came so far.
    pub fn count(&self) -> usize {
        lock(&self.shared.deliveries).len()
    }

    /// The member that sent the last event of a task.
    pub fn last_sender(&self, task: &str) -> Option<usize> {
        lock(&self.shared.deliveries).iter().rev().find(|delivery| delivery.task == task)?.from
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.stop.store(true, Relaxed);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_nodelay(true)?;
    let peer = stream.peer_addr()?;
    let mut reader = BufReader::new(stream);
    let mut from = None;
    while let Some(request) = read(&mut reader)? {
        from = from.or_else(|| sender(peer, &shared.processes));
        let event = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let task = request.path.rsplit('/').next().unwrap_or_default().to_owned();
        lock(&shared.deliveries).push(Delivery { task, key: request.key, event, from });
        (&*stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
    }
    Ok(())
}

fn sender(peer: SocketAddr, processes: &Processes) -> Option<usize> {
    let known = lock(processes).clone();
    let pids: Vec<u32> = known.iter().map(|(pid, _)| *pid).collect();
    let owner = sockets::owner(peer, &pids)?;
    known.iter().find(|(pid, _)| *pid == owner).map(|(_, member)| *member)
}

#[derive(Debug, Default)]
struct Request {
    path: String,
    key: String,
    body: Vec<u8>,
}

/// The next request of a connection; `None` at its end.
fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut head = reader.by_ref().take(HEAD_BYTES_MAX);
    let mut line = String::new();
    if head.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut request = Request { path, ..Request::default() };
    let mut length = 0;
    loop {
        line.clear();
        head.read_line(&mut line)?;
        if !line.ends_with('\n') {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().map_err(std::io::Error::other)?,
            "idempotency-key" => request.key = value.trim().to_owned(),
            "transfer-encoding" => return Err(std::io::ErrorKind::Unsupported.into()),
            _ => {}
        }
    }
    if length > BODY_BYTES_MAX {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    request.body = vec![0; length as usize];
    reader.read_exact(&mut request.body)?;
    Ok(Some(request))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_a_connection_are_told_apart() {
        let text = "POST /alerts HTTP/1.1\r\nContent-Length: 2\r\nIdempotency-Key: a/b\r\n\r\n{}POST /total HTTP/1.1\r\ncontent-length: 4\r\n\r\nnull";
        let mut reader = text.as_bytes();
        for (path, key, body) in [("/alerts", "a/b", "{}"), ("/total", "", "null")] {
            let request = read(&mut reader).expect("well-formed").expect("one more");
            assert_eq!((request.path.as_str(), request.key.as_str()), (path, key));
            assert_eq!(request.body, body.as_bytes());
        }
        assert!(read(&mut reader).expect("the end").is_none());
        assert!(read(&mut "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{".as_bytes()).is_err());
        assert!(read(&mut "POST / HTTP/1.1\r\nContent-Le".as_bytes()).is_err());
    }
}
