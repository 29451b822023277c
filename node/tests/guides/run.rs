//! Runs a guide: each block is a step.
//!
//! | Block | What it does |
//! |---|---|
//! | `conf` | adds to the configuration; only as the first block |
//! | `file NAME` | writes a file below `$DIR` |
//! | `tick TASK [ARGUMENTS]` | defines and enables a task, for `telegraf.autogen` if it names none |
//! | `lines [DB.RP]` | writes points, times in seconds |
//! | `kapacitor ARGUMENTS` | runs the client, which must succeed and print the block |
//! | `refused ARGUMENTS` | runs the client, which must fail and say the block first |
//! | `request METHOD PATH` | sends the block, which must be accepted |
//! | `httpOut TASK/ENDPOINT` | what the endpoint shows, at last |
//! | `log NAME` | the events in a file, one a line, without `details` |
//! | `received http`, `received tcp` | what was sent to `$HTTP`, `$TCP` |
//!
//! `$DIR` is the folder of the guide. Events of one id are compared in order, those of different ids
//! in any, and all once more after the server has stopped: by then nothing is on its way.

use crate::receiver::{self, Received};
use crate::script::{Block, blocks, fits};
use crate::support::{LIMIT, Server, Site, lines};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a reader of the guide has in front of him.
pub struct Desk {
    /// The folder and the port.
    pub site: Site,
    /// The server, running.
    pub server: Server,
    http: (String, Received),
    tcp: (String, Received),
}

/// Does what a guide says.
pub fn guide(name: &str) {
    let blocks = blocks(name);
    let first = blocks.first().filter(|block| block.words[0] == "conf");
    let desk = Desk::open(first.map_or("", |block| &block.text));
    let steps = blocks.iter().filter(|block| block.words[0] != "conf");
    steps.for_each(|block| desk.step(block));
    let Desk { site, server, http, tcp } = desk;
    server.terminate();
    // The last word on a file or a receiver holds when all is over.
    let last: BTreeMap<&[String], &Block> = blocks.iter().map(|block| (&*block.words, block)).collect();
    for block in last.values() {
        match (block.words[0].as_str(), block.words.get(1).map(String::as_str)) {
            ("log", Some(name)) => assert_eq!(logged(&site, name), by_id(&block.text), "{}", block.place),
            ("received", Some("http")) => {
                assert_eq!(grouped(http.1.all()), by_id(&block.text), "{}", block.place)
            }
            ("received", Some("tcp")) => {
                assert_eq!(grouped(tcp.1.all()), by_id(&block.text), "{}", block.place)
            }
            _ => (),
        }
    }
}

impl Desk {
    /// Starts a server with more at the end of its configuration. One after the other: a port that
    /// was found free is anybody's until the server listens on it.
    pub fn open(more: &str) -> Desk {
        static ALONE: Mutex<()> = Mutex::new(());
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (http, tcp) = (receiver::http(), receiver::tcp());
        let site = Site::new();
        site.configure(&more.replace("$HTTP", &format!("http://{}", http.0)));
        let server = site.start();
        Desk { site, server, http, tcp }
    }

    fn step(&self, block: &Block) {
        let arguments: Vec<String> = block.words[1..].iter().map(|word| self.filled(word)).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let text = self.filled(&block.text);
        let place = &block.place;
        match (block.words[0].as_str(), &*arguments) {
            ("file", [name]) => self.file(name, &text),
            ("tick", [task, more @ ..]) => self.tick(task, more, &text),
            ("lines", to) => {
                let (db, rp) =
                    to.first().and_then(|to| to.split_once('.')).unwrap_or(("telegraf", "autogen"));
                self.server.write(db, rp, &text);
            }
            ("kapacitor", arguments) => {
                let printed = || self.site.kapacitor(arguments);
                same(place, &text, printed, |text, printed| fits(text, printed));
            }
            ("refused", arguments) => {
                let ran = self.site.try_kapacitor(arguments);
                assert!(!ran.success, "{place}: kapacitor {arguments:?} did not fail: {ran:?}");
                // What follows the first line helps, and is our own.
                let said = ran.stderr.lines().next().unwrap_or_default();
                assert!(fits(&text, said.trim_start_matches("Error: ")), "{place}: {}", ran.stderr);
            }
            ("request", [method, path]) => {
                let answer = self.server.request(method, path, &text);
                assert!((200..300).contains(&answer.status), "{place}: {answer:?}");
            }
            ("httpOut", [path]) => {
                let (task, endpoint) = path.split_once('/').expect("TASK/ENDPOINT");
                let shown = || rows(&self.server.endpoint(task, endpoint));
                same(place, &rows(&text), shown, |expected, shown| expected == shown);
            }
            ("log", [name]) => same(place, &by_id(&text), || logged(&self.site, name), |a, b| a == b),
            ("received", ["http"]) => {
                same(place, &by_id(&text), || grouped(self.http.1.all()), |a, b| a == b)
            }
            ("received", ["tcp"]) => same(place, &by_id(&text), || grouped(self.tcp.1.all()), |a, b| a == b),
            _ => panic!("{place}: no step {:?}", block.words),
        }
    }

    fn filled(&self, text: &str) -> String {
        let data = self.site.data();
        let folder = data.parent().expect("a folder").display().to_string();
        let http = format!("http://{}", self.http.0);
        text.replace("$DIR", &folder).replace("$HTTP", &http).replace("$TCP", &self.tcp.0)
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.site.path(name);
        std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }

    fn tick(&self, task: &str, more: &[&str], text: &str) {
        let name = format!("{task}.tick");
        self.file(&name, text);
        let tick = self.site.path(&name).display().to_string();
        let mut arguments = vec!["define", task, "-tick", &tick];
        arguments.extend(more);
        if !more.contains(&"-dbrp") && !text.lines().any(|line| line.starts_with("dbrp ")) {
            arguments.extend(["-dbrp", "telegraf.autogen"]);
        }
        self.site.kapacitor(&arguments);
        self.site.kapacitor(&["enable", task]);
    }
}

/// Waits until what is there is what was expected, and shows both when it does not become so.
fn same<T: std::fmt::Debug>(
    place: &str,
    expected: &T,
    found: impl Fn() -> T,
    is_so: impl Fn(&T, &T) -> bool,
) {
    let begun = Instant::now();
    loop {
        let found = found();
        if is_so(expected, &found) {
            return;
        }
        assert!(begun.elapsed() < LIMIT, "{place}\nexpected: {expected:#?}\n   found: {found:#?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Series of an endpoint, sorted: their order says who came first, which a guide does not.
fn rows(text: &str) -> Value {
    let mut value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    if let Some(Value::Array(series)) = value.get_mut("series") {
        series.sort_by_key(Value::to_string);
    }
    value
}

/// Events by their ids, each id's in order.
type Events = BTreeMap<String, Vec<Value>>;

fn logged(site: &Site, name: &str) -> Events {
    // A line that is being written is not there yet.
    let lines = lines(&site.path(name));
    grouped(lines.iter().map_while(|line| serde_json::from_str(line).ok()).collect())
}

/// The events of a block.
fn by_id(text: &str) -> Events {
    let event = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    grouped(text.lines().map(event).collect())
}

fn grouped(values: Vec<Value>) -> Events {
    let mut events = Events::new();
    for mut value in values {
        let id = value.pointer("/id").or(value.pointer("/body/id")).unwrap_or(&value);
        // Two handlers of one alert do not wait for each other.
        let id = format!("{id} {}", value["path"]);
        for at in ["", "/body"] {
            if let Some(Value::Object(event)) = value.pointer_mut(at) {
                event.remove("details");
            }
        }
        events.entry(id).or_default().push(value);
    }
    events
}
