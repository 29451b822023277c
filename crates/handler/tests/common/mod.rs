//! What the tests of this crate share: deliveries, a receiver of HTTP, and waiting for reports.
#![allow(dead_code, reason = "each test binary uses its part")]

use alert::{Delivery, DeliveryId, HandlerSpec};
use handler::{Deliverer, Handlers, Report, Services, Settings};
use model::{Event, EventState, Identity, Level, Purpose, Row, TagSet, Value};
use serde_json::{Value as Json, json};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Nothing here should take this long; a test that does has failed.
pub const LIMIT: Duration = Duration::from_secs(10);

pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_nanos()).expect("before 2262")
}

pub fn spec(id: &str, kind: &str, options: Json) -> Arc<HandlerSpec> {
    Arc::new(HandlerSpec::new(id, kind, options.as_object().expect("an object").clone()))
}

pub fn delivery(number: u64, event: &str, level: Level, spec: &Arc<HandlerSpec>) -> Delivery {
    let event = Event {
        identity: Identity { shard: 3, index: number, sequence: 0 },
        topics: vec!["main:t:alert2".into()],
        state: EventState {
            id: event.into(),
            message: format!("{event} is {level} <{number}>"),
            details: String::new(),
            time: 1_000_000_000,
            duration: 0,
            level,
        },
        previous_level: Level::Ok,
        recoverable: true,
        name: "m".into(),
        task: "t".into(),
        group: "".into(),
        category: "".into(),
        tags: TagSet::empty(),
        fields: vec![],
        data: vec![Row {
            name: "m".into(),
            tags: TagSet::new([("host", "a")]),
            columns: vec!["time".into(), "v".into()],
            values: vec![vec![Some(Value::Time(1_000_000_000)), Some(Value::Float(15.0))]],
        }],
        node: "alert2".into(),
        purpose: Purpose::Alert,
        inhibits: None,
        via: vec![],
    };
    Delivery {
        id: DeliveryId(number),
        event: Arc::new(event),
        topic: "main:t:alert2".into(),
        handler: spec.clone(),
        previous_level: Level::Ok,
        created: now(),
        attempts: 0,
        next_at: 0,
    }
}

pub fn payload(number: u64, event: &str, level: Level) -> String {
    format!(
        concat!(
            r#"{{"id":"{0}","message":"{0} is {1} \u003c{2}\u003e","details":"","time":"1970-01-01T00:00:01Z","#,
            r#""duration":0,"level":"{1}","data":{{"series":[{{"name":"m","tags":{{"host":"a"}},"columns":["time","v"],"#,
            r#""values":[["1970-01-01T00:00:01Z",15]]}}]}},"previousLevel":"OK","recoverable":true}}"#
        ),
        event, level, number
    )
}

pub struct Rig {
    pub deliverer: Deliverer,
    reports: mpsc::Receiver<Report>,
}

pub fn fast() -> Settings {
    Settings {
        backoff_min: Duration::from_millis(5),
        backoff_max: Duration::from_millis(20),
        ..Settings::default()
    }
}

impl Rig {
    pub fn new(settings: Settings) -> Rig {
        Rig::with(settings, Services::default())
    }

    pub fn with(settings: Settings, services: Services) -> Rig {
        let (sender, reports) = mpsc::channel(16);
        let runtime = tokio::runtime::Handle::current();
        Rig { deliverer: Deliverer::new(settings, Handlers::new(services), sender, runtime), reports }
    }

    pub fn submit(&self, number: u64, event: &str, level: Level, spec: &Arc<HandlerSpec>) {
        assert!(self.deliverer.submit(delivery(number, event, level, spec)), "not draining");
    }

    pub async fn report(&mut self) -> Report {
        timeout(LIMIT, self.reports.recv()).await.expect("a report in time").expect("the deliverer lives")
    }

    /// The next report that is not about a failed attempt.
    pub async fn outcome(&mut self) -> Report {
        loop {
            match self.report().await {
                Report::Failed { .. } => {}
                report => return report,
            }
        }
    }

    pub async fn delivered(&mut self, count: usize) -> Vec<u64> {
        let mut ids = Vec::new();
        while ids.len() < count {
            match self.outcome().await {
                Report::Delivered { id } => ids.push(id.0),
                other => panic!("not delivered: {other:?}"),
            }
        }
        ids
    }

    /// The error of the next failed attempt.
    pub async fn failure(&mut self) -> String {
        match self.report().await {
            Report::Failed { error, .. } => error,
            other => panic!("not a failure: {other:?}"),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Request {
    pub head: Vec<String>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.iter().filter_map(|line| line.split_once(": "));
        lines.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A receiver of HTTP that gives each request the next of its answers, and 200 after the last.
#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    arrived: Arc<tokio::sync::Notify>,
}

impl Receiver {
    pub async fn start(answers: &[&str]) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Receiver::on(listener, answers)
    }

    pub fn on(listener: TcpListener, answers: &[&str]) -> Receiver {
        let address = listener.local_addr().expect("bound");
        let answers: VecDeque<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let answers = Arc::new(Mutex::new(answers));
        let receiver = Receiver { address, requests: Arc::default(), arrived: Arc::default() };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream, answers.clone()));
            }
        });
        receiver
    }

    pub fn url(&self) -> String {
        format!("http://{}/a?b=c", self.address)
    }

    async fn serve(self, stream: TcpStream, answers: Arc<Mutex<VecDeque<String>>>) {
        let mut stream = BufReader::new(stream);
        while let Some(request) = read(&mut stream).await {
            self.requests.lock().expect("not poisoned").push(request);
            self.arrived.notify_waiters();
            let answer = answers.lock().expect("not poisoned").pop_front();
            let answer = answer.unwrap_or_else(|| "200 OK\r\ncontent-length: 0\r\n\r\n".to_owned());
            if answer == "never" {
                std::future::pending::<()>().await;
            }
            if stream.write_all(format!("HTTP/1.1 {answer}").as_bytes()).await.is_err() {
                return;
            }
        }
    }

    /// All requests, once there are at least `count`.
    pub async fn requests(&self, count: usize) -> Vec<Request> {
        let enough = async {
            loop {
                let arrived = self.arrived.notified();
                let requests = self.requests.lock().expect("not poisoned").clone();
                if requests.len() >= count {
                    return requests;
                }
                arrived.await;
            }
        };
        timeout(LIMIT, enough).await.expect("the requests in time")
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
        head.push(line.to_owned());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request { head, body: String::from_utf8(body).ok()? })
}

pub fn post(id: &str, url: &str) -> Arc<HandlerSpec> {
    spec(id, "post", json!({ "url": url }))
}
