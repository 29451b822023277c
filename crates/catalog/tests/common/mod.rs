//! What the tests of this crate make their commands of.
#![allow(dead_code, reason = "each test binary uses its part")]

pub mod cluster;

use alert::HandlerSpec;
use catalog::{Catalog, Command, Dbrp, OutboxLimits, Outcome, Published, Status, Task, TaskKind};
use model::{Event, EventState, Identity, Level, Purpose, Row, TagSet, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

pub fn task(id: &str, status: Status) -> Task {
    Task {
        id: id.into(),
        kind: TaskKind::Stream,
        dbrps: vec![Dbrp { db: "telegraf".into(), rp: "autogen".into() }],
        script: "stream|from()".into(),
        vars: BTreeMap::new(),
        template_id: None,
        status,
        error: String::new(),
        created: 0,
        modified: 0,
        last_enabled: None,
    }
}

pub fn event(shard: u32, index: u64, topics: &[&str], id: &str, level: Level) -> Arc<Event> {
    Arc::new(Event {
        identity: Identity { shard, index, sequence: 0 },
        topics: topics.iter().map(|topic| (*topic).into()).collect(),
        state: EventState {
            id: id.into(),
            message: format!("{id} is {level}"),
            details: String::new(),
            time: index as i64 * 1_000_000_000,
            duration: 0,
            level,
        },
        previous_level: Level::Ok,
        recoverable: true,
        name: "cpu".into(),
        task: "a".into(),
        group: "host=x".into(),
        category: "".into(),
        tags: TagSet::new([("host", "x")]),
        fields: vec![("value".into(), Value::Float(f64::NAN))],
        data: vec![Row {
            name: "cpu".into(),
            tags: TagSet::new([("host", "x")]),
            columns: vec!["time".into(), "value".into()],
            values: vec![vec![Some(Value::Time(index as i64)), None]],
        }],
        node: "alert2".into(),
        purpose: Purpose::Alert,
        inhibits: None,
        via: vec![],
    })
}

pub fn handler(id: &str) -> HandlerSpec {
    let options = serde_json::json!({ "path": format!("/tmp/{id}") });
    HandlerSpec::new(id, "log", options.as_object().expect("an object").clone())
}

/// A catalog with its log index.
#[derive(Default)]
pub struct Member {
    pub catalog: Catalog,
    pub store: BTreeMap<Vec<u8>, Vec<u8>>,
    pub index: u64,
}

impl Member {
    /// Applies the next command as a member would: through bytes, then into its store.
    pub fn apply(&mut self, command: &Command) -> Result<Outcome, catalog::Rejection> {
        let command = Command::decode(&command.encode()).expect("a command reads back");
        self.index += 1;
        let outcome = self.catalog.apply(self.index, &command);
        self.save();
        outcome
    }

    /// Writes what changed to its store.
    pub fn save(&mut self) {
        for (key, value) in self.catalog.take_changes() {
            match value {
                Some(value) => self.store.insert(key, value),
                None => self.store.remove(&key),
            };
        }
    }

    pub fn publish(&mut self, events: Vec<Arc<Event>>, limits: OutboxLimits) -> Published {
        let now = self.index as i64;
        match self.apply(&Command::PublishEvents { events, now, limits }) {
            Ok(Outcome::Published(published)) => published,
            other => panic!("publishing is never refused: {other:?}"),
        }
    }

    pub fn restart(&mut self) {
        self.catalog = Catalog::load(&self.store).expect("what was stored can be loaded");
    }
}
