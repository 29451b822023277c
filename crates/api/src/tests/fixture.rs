//! A server for one test, and a client that speaks HTTP by hand.

use crate::{LogLevel, Settings, bind, serve};
use engine::{Engine, Options};
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use store::DataDir;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running server.
pub struct Fixture {
    pub address: SocketAddr,
    pub engine: Arc<Engine>,
    pub level: Arc<Level>,
    pub stop: watch::Sender<bool>,
    pub serving: JoinHandle<()>,
    _dir: TempDir,
}

/// Notes the levels that the log is set to.
#[derive(Default)]
pub struct Level(pub Mutex<Vec<String>>);

impl LogLevel for Level {
    fn set(&self, level: &str) -> bool {
        self.0.lock().push(level.to_owned());
        level != "ERROR"
    }
}

/// An answer.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a text")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Fixture {
    /// Starts a server that takes bodies of up to so many bytes.
    pub async fn start(max_body_bytes: u64) -> Fixture {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("data");
        let data_dir = DataDir::open(&path).expect("a data directory");
        let options = Options { shards: 4, workers: 2, ..Options::new(&path) };
        let engine = tokio::task::block_in_place(|| Engine::open(options, data_dir)).expect("an engine");
        let listener = bind("127.0.0.1:0").await.expect("a port");
        let address = listener.address().expect("an address");
        let server = pipeline::Server {
            hostname: "localhost".into(),
            cluster_id: "c".into(),
            server_id: "s".into(),
            task_master: "main".into(),
            ..pipeline::Server::default()
        };
        let settings = Settings {
            version: "1.2.3".into(),
            log_enabled: true,
            write_tracing: true,
            max_body_bytes,
            server,
        };
        let level = Arc::new(Level::default());
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(serve(listener, engine.clone(), settings, level.clone(), stopped));
        Fixture { address, engine, level, stop, serving, _dir: dir }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// Sends a request as it stands, and reads until the connection ends.
    pub async fn raw(&self, request: &[u8]) -> Response {
        let mut stream = self.connect().await;
        stream.write_all(request).await.expect("sent");
        read_all(stream).await
    }

    /// One request on a connection of its own.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        self.raw(&bytes).await
    }

    pub async fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], b"").await
    }

    pub async fn post(&self, path: &str, body: &str) -> Response {
        self.send("POST", path, &[], body.as_bytes()).await
    }

    /// Points taken so far.
    pub fn points(&self) -> u64 {
        self.engine.local_ingress().iter().map(|ingress| ingress.points).sum()
    }

    /// Waits until the events of what was written are in their topics.
    pub async fn settle(&self) {
        self.engine.checkpoint().await;
        self.engine.delete_topic("none").await.expect("a running engine");
    }
}

/// Reads an answer from a connection that the server closes.
pub async fn read_all(mut stream: TcpStream) -> Response {
    let mut bytes = Vec::new();
    // A reset after the answer is an end, too.
    let _ = stream.read_to_end(&mut bytes).await;
    parse(&bytes)
}

/// Reads one answer from a connection that goes on. It must have a length.
pub async fn read_one(stream: &mut TcpStream) -> Response {
    let mut bytes = Vec::new();
    loop {
        let byte = stream.read_u8().await.expect("an answer");
        bytes.push(byte);
        if bytes.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    let mut response = parse(&bytes);
    let len = response.header("Content-Length").map_or(0, |len| len.parse().expect("a length"));
    response.body = vec![0; len];
    stream.read_exact(&mut response.body).await.expect("a body");
    response
}

fn parse(bytes: &[u8]) -> Response {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Response { status, head, body: bytes[end + 4..].to_vec() }
}
