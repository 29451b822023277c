//! An HTTP receiver of alerts whose answers can be changed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering::SeqCst};
use std::thread;

/// The status that stands for no answer at all.
pub const SILENT: u16 = 0;

/// A receiver.
pub struct Sink {
    /// Where it listens.
    pub address: SocketAddr,
    status: Arc<AtomicU16>,
    accepted: Arc<Mutex<Vec<(String, String)>>>,
    asked: Arc<AtomicU16>,
}

impl Sink {
    /// Starts to answer with a status.
    pub fn start(status: u16) -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let sink = Sink {
            address: listener.local_addr().expect("an address"),
            status: Arc::new(AtomicU16::new(status)),
            accepted: Arc::default(),
            asked: Arc::default(),
        };
        let (status, accepted, asked) = (sink.status.clone(), sink.accepted.clone(), sink.asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (status, accepted, asked) = (status.clone(), accepted.clone(), asked.clone());
                thread::spawn(move || serve(stream, &status, &accepted, &asked));
            }
        });
        sink
    }

    /// Answers with another status from now on.
    pub fn answer(&self, status: u16) {
        self.status.store(status, SeqCst);
    }

    /// How many requests came.
    pub fn asked(&self) -> u16 {
        self.asked.load(SeqCst)
    }

    /// What was answered with 200: idempotency key and body.
    pub fn accepted(&self) -> Vec<(String, String)> {
        self.accepted.lock().expect("no panics").clone()
    }
}

fn serve(stream: TcpStream, status: &AtomicU16, accepted: &Mutex<Vec<(String, String)>>, asked: &AtomicU16) {
    let mut reader = BufReader::new(stream);
    loop {
        let Some((key, body)) = request(&mut reader) else { return };
        asked.fetch_add(1, SeqCst);
        let status = status.load(SeqCst);
        if status == SILENT {
            // Waits until the client gives up.
            let _ = reader.read(&mut [0]);
            return;
        }
        if status == 200 {
            accepted.lock().expect("no panics").push((key, body));
        }
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let (mut key, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(": ") else { continue };
        match name.to_ascii_lowercase().as_str() {
            "idempotency-key" => key = value.to_owned(),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((key, String::from_utf8(body).ok()?))
}
