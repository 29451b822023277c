//! What the tests of the engine share: a member in this process, one in a process of its own that
//! can be killed, and the operations that both understand.
#![allow(dead_code, unreachable_pub)] // Each test file uses its part.

pub mod child;
pub mod op;
pub mod sink;

use engine::{Engine, NewTask, Options};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::DataDir;

/// Longest wait for anything: far above what a busy machine needs.
pub const LIMIT: Duration = Duration::from_secs(20);

/// An engine on a data directory, as the server opens it.
pub struct Member {
    /// The engine.
    pub engine: Arc<Engine>,
    dir: PathBuf,
}

impl Member {
    /// Opens with settings for tests: four shards, no checkpoint but those asked for.
    pub async fn open(dir: &Path) -> Member {
        Member::open_with(dir, |_| {}).await
    }

    /// The same, with other options.
    pub async fn open_with(dir: &Path, change: impl FnOnce(&mut Options)) -> Member {
        Member::try_open(dir, change)
            .await
            .unwrap_or_else(|error| panic!("cannot open {}: {error}", dir.display()))
    }

    /// The same, with what goes wrong.
    pub async fn try_open(dir: &Path, change: impl FnOnce(&mut Options)) -> Result<Member, String> {
        let mut options = Options::new(dir);
        options.shards = 4;
        options.workers = 2;
        options.checkpoint_interval = Duration::from_secs(3600);
        options.deliveries.backoff_min = Duration::from_millis(20);
        options.deliveries.backoff_max = Duration::from_millis(100);
        change(&mut options);
        let data_dir = DataDir::open(dir).map_err(|error| error.to_string())?;
        let opened = tokio::task::block_in_place(|| Engine::open(options, data_dir));
        let engine = opened.map_err(|error| error.to_string())?;
        engine.reconcile().await;
        Ok(Member { engine, dir: dir.to_owned() })
    }

    /// Defines and enables a task.
    pub async fn define(&self, id: &str, script: &str) {
        self.try_define(id, script).await.unwrap_or_else(|error| panic!("task {id}: {error}"));
    }

    /// The same, with what goes wrong.
    pub async fn try_define(&self, id: &str, script: &str) -> Result<(), engine::TaskError> {
        let new = NewTask {
            id: id.to_owned(),
            script: format!("dbrp \"db\".\"rp\"\n{script}"),
            status: catalog::Status::Enabled,
            ..NewTask::default()
        };
        self.engine.create_task(new).await.map(drop)
    }

    /// Writes lines with times in seconds.
    pub async fn write(&self, lines: &str) {
        self.try_write(lines).await.unwrap_or_else(|error| panic!("write: {error}"));
    }

    /// The same, with what goes wrong.
    pub async fn try_write(&self, lines: &str) -> Result<(), engine::WriteError> {
        let mut write = self.engine.write("db", "rp", line::Precision::Second);
        write.feed(lines.as_bytes());
        write.finish().await.map(drop)
    }

    /// What an endpoint shows, a row of JSON a group.
    pub async fn rows(&self, task: &str, endpoint: &str) -> Vec<String> {
        let shown = self.engine.endpoint(task, endpoint).await;
        let (shown, _) = shown.unwrap_or_else(|| panic!("no endpoint {endpoint} of {task}"));
        shown.iter().flatten().map(row_text).collect()
    }

    /// Saves every shard, and waits until that is on the platter.
    pub async fn checkpoint(&self) {
        self.engine.checkpoint().await;
        self.engine.settle().await;
    }

    /// Waits until no delivery is on its way.
    pub async fn delivered(&self) {
        self.engine.settle().await;
        until("the outbox to be empty", || self.engine.catalog().deliveries().next().is_none()).await;
    }

    /// Ends without stopping: no checkpoint, no drain. The next start replays the log.
    pub async fn crash(self) {
        let Member { engine, dir } = self;
        drop(engine);
        released(&dir).await;
    }

    /// Stops in order.
    pub async fn stop(self) {
        self.engine.stop(LIMIT).await;
        self.crash().await;
    }
}

/// Waits until nobody holds the data directory.
pub async fn released(dir: &Path) {
    until("the data directory to be released", || DataDir::open(dir).is_ok()).await;
}

/// Waits for something, and fails the test when it does not come.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "waited {LIMIT:?} for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A row as the API prints it.
pub fn row_text(row: &model::Row) -> String {
    let mut bytes = Vec::new();
    alert::row_json(row, &mut bytes);
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// The lines of a file; none when there is no file.
pub fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}
