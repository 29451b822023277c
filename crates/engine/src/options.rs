//! What the engine can be told.

use pipeline::Server;
use std::path::PathBuf;
use std::time::Duration;
use store::Sync;

/// Options of the engine.
#[derive(Debug)]
pub struct Options {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Number of shards, fixed when the data directory is made; 0 takes the number that it has, or
    /// twice the cores, 4 to 16, for a new one.
    pub shards: u32,
    /// Threads that run the shards; 0 takes one a core.
    pub workers: usize,
    /// When writes reach the platter.
    pub sync: Sync,
    /// Longest time between two checkpoints of a shard that has work.
    pub checkpoint_interval: Duration,
    /// Bytes of log on disk above which checkpoints are made at once; 0 for no such limit.
    pub log_bytes_max: u64,
    /// Bytes of entries that may wait for the pipeline before writers are slowed.
    pub queue_bytes_max: usize,
    /// How long a writer waits for room before it is refused.
    pub write_timeout: Duration,
    /// How long groups live after their last point, unless a script says otherwise; zero is for ever.
    pub group_ttl: Duration,
    /// Memory of the process above which the groups that are idle longest are forgotten; 0 for no limit.
    pub group_memory_max: u64,
    /// Retention policy of writes that name none.
    pub default_retention_policy: String,
    /// What the configuration says of `deadman`.
    pub deadman: pipeline::nodes::deadman::Settings,
    /// Facts that templates may name.
    pub server: Server,
    /// How deliveries are carried out.
    pub deliveries: handler::Settings,
    /// The cluster that this is a member of; none for a member alone.
    pub cluster: Option<crate::member::ClusterOptions>,
    /// What handlers need.
    pub services: handler::Services,
}

impl Options {
    /// How long groups live, for the shards.
    pub fn lifetimes(&self) -> pipeline::Lifetimes {
        let ttl = i64::try_from(self.group_ttl.as_nanos()).unwrap_or(i64::MAX);
        pipeline::Lifetimes { ttl, ranked: self.group_memory_max > 0 }
    }

    /// Defaults, with the data in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Options {
        Options {
            data_dir: data_dir.into(),
            shards: 0,
            workers: 0,
            sync: Sync::Interval(Duration::from_secs(1)),
            checkpoint_interval: Duration::from_secs(10),
            log_bytes_max: 4 << 30,
            queue_bytes_max: 16 << 20,
            write_timeout: Duration::from_secs(30),
            group_ttl: Duration::ZERO,
            group_memory_max: 0,
            default_retention_policy: String::new(),
            deadman: Default::default(),
            server: Server { hostname: "localhost".into(), task_master: "main".into(), ..Server::default() },
            deliveries: handler::Settings::default(),
            cluster: None,
            services: handler::Services::default(),
        }
    }
}
