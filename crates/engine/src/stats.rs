//! Figures of the engine for the API.

use crate::engine::{Agreement, Engine};
use crate::member::wire::Question;
use parking_lot::Mutex;
use pipeline::task::Task;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Points taken from one measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ingress {
    /// Database.
    pub db: String,
    /// Retention policy.
    pub rp: String,
    /// Measurement.
    pub measurement: String,
    /// Points since the process started.
    pub points: u64,
}

/// Figures of the engine as a whole.
#[derive(Clone, Debug)]
pub struct EngineStats {
    /// Since the engine was opened.
    pub uptime: Duration,
    /// Bytes of entries that wait for the pipeline.
    pub queue_bytes: usize,
    /// How many may.
    pub queue_bytes_max: usize,
    /// Writes refused because the tasks did not keep up.
    pub writes_refused: u64,
    /// Failed attempts to write the control state.
    pub control_failures: u64,
    /// Series by shard.
    pub series: Vec<u32>,
    /// Groups that the tasks know, in the shards that are run here.
    pub groups: u64,
    /// Groups that were forgotten because they were idle, since the process started.
    pub groups_expired: u64,
    /// Next index of the log by shard.
    pub next_index: Vec<u64>,
    /// The log.
    pub log: store::LogStats,
    /// The deliveries' lanes.
    pub lanes: Vec<handler::LaneStats>,
}

/// Points a second of each task, worked out when somebody asks, at most once a second.
#[derive(Default)]
pub struct Throughput(Mutex<BTreeMap<String, Sample>>);

struct Sample {
    at: Instant,
    collected: u64,
    rate: f64,
}

impl Throughput {
    /// Forgets a task that stopped.
    pub fn forget(&self, task: &str) {
        self.0.lock().remove(task);
    }

    /// Points a second that the task took in since it was last asked for, or lately.
    pub fn of(&self, task: &Arc<Task>) -> f64 {
        let collected = task.source_stats.collected.load(Relaxed);
        let now = Instant::now();
        let mut samples = self.0.lock();
        let sample = samples.entry(task.id.to_string()).or_insert(Sample { at: now, collected, rate: 0.0 });
        let past = now.duration_since(sample.at);
        if past >= Duration::from_secs(1) {
            let points = collected.saturating_sub(sample.collected);
            *sample = Sample { at: now, collected, rate: points as f64 / past.as_secs_f64() };
        }
        sample.rate
    }
}

impl Engine {
    /// Points taken, by measurement, over all members.
    pub async fn ingress(&self) -> Vec<Ingress> {
        let mut all = self.local_ingress();
        let Some(member) = self.member() else { return all };
        // No task has an empty id: only what came in is asked for.
        let question = Question::Figures { tasks: vec![String::new()] };
        for (_, answer) in member.ask_all(&question).await.0 {
            for other in answer.ingress {
                let same = |one: &&mut Ingress| {
                    (&one.db, &one.rp, &one.measurement) == (&other.db, &other.rp, &other.measurement)
                };
                match all.iter_mut().find(same) {
                    Some(one) => one.points += other.points,
                    None => all.push(other),
                }
            }
        }
        all
    }

    /// Points taken by this member, by measurement.
    pub fn local_ingress(&self) -> Vec<Ingress> {
        let mut found = Vec::new();
        for database in self.databases.read().values() {
            let database = database.lock();
            found.extend(database.points().filter(|(_, points)| *points > 0).map(|(origin, points)| {
                Ingress {
                    db: origin.db.to_string(),
                    rp: origin.rp.to_string(),
                    measurement: origin.name.to_string(),
                    points,
                }
            }));
        }
        found
    }

    fn control_failures(&self) -> u64 {
        match &self.agreement {
            Agreement::Alone(control) => control.failures(),
            Agreement::Cluster(member) => member.agreed().failures.load(Relaxed),
        }
    }

    /// Figures as a whole.
    pub fn stats(&self) -> EngineStats {
        let of_shards = |figure: fn(&crate::directory::Directory) -> u64| -> Vec<u64> {
            self.directories.iter().map(|directory| figure(&directory.lock())).collect()
        };
        let (groups, groups_expired) = self.signs.groups();
        EngineStats {
            groups,
            groups_expired,
            uptime: self.started.elapsed(),
            queue_bytes: self.room.used(),
            queue_bytes_max: self.options.queue_bytes_max,
            writes_refused: self.refused.load(Relaxed),
            control_failures: self.control_failures(),
            series: of_shards(|directory| directory.len().into()).into_iter().map(|n| n as u32).collect(),
            next_index: of_shards(|directory| directory.next_index),
            log: self.log.stats(),
            lanes: self.deliverer.stats(),
        }
    }
}
