//! What only the leaders of the shards know, gathered from all members: figures of tasks, what
//! endpoints show.

use super::Member;
use super::wire::{self, Answer, Question};
use crate::queue::Job;
use crate::tasks::TaskFigures;
use cluster::{Carrier, MemberId, Topic, carrier::kind};
use pipeline::endpoint::Shown;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a member may take to answer.
const LIMIT: Duration = Duration::from_secs(2);

impl Member {
    /// Asks all other members. Those that should answer and do not are named.
    pub async fn ask_all(&self, question: &Question) -> (Vec<(MemberId, Answer)>, Vec<String>) {
        let others: Vec<MemberId> = {
            let catalog = self.agreed().catalog.read_recursive();
            let others = catalog.members().filter(|member| member.id != self.me());
            others
                .filter(|member| member.status == catalog::MemberStatus::Alive)
                .map(|member| member.id)
                .collect()
        };
        let topic = Topic { kind: kind::GATHER, group: 0 };
        let asked = others.into_iter().map(|id| {
            let answer = self.carrier().call(id, topic, wire::encode(question), LIMIT);
            async move {
                (id, answer.await.map_err(|error| error.to_string()).and_then(|answer| wire::decode(&answer)))
            }
        });
        let (mut answers, mut missing) = (Vec::new(), Vec::new());
        for (id, answer) in futures::future::join_all(asked).await {
            match answer {
                Ok(answer) => answers.push((id, answer)),
                Err(why) => {
                    tracing::debug!(member = self.name_of(id), why, "a member does not answer");
                    missing.push(self.name_of(id));
                }
            }
        }
        (answers, missing)
    }

    /// This member's own answer.
    pub async fn say(&self, question: &Question) -> Answer {
        let mut answer = Answer::default();
        let Some(engine) = self.engine() else { return answer };
        match question {
            Question::Figures { tasks } => {
                for task in engine.tasks.routed().iter() {
                    if tasks.is_empty() || tasks.iter().any(|id| *id == *task.id) {
                        answer
                            .figures
                            .insert(task.id.to_string(), TaskFigures::of(task, engine.throughput.of(task)));
                    }
                }
                answer.ingress = engine.local_ingress();
            }
            Question::Endpoint { task, node } => {
                let led: Vec<u32> =
                    self.replicas().iter().filter(|r| r.feed.is_leading()).map(|r| r.shard).collect();
                answer.shown = engine.shown(led, task, *node).await;
            }
            Question::ReadSources => answer.problem = engine.reload_own_sources().await.err(),
            Question::Status => answer.status = Some(self.local_status()),
        }
        answer
    }
}

impl crate::Engine {
    /// What a node of a task shows in some of the shards on this member.
    pub(crate) async fn shown(&self, shards: Vec<u32>, task: &str, node: usize) -> Vec<Shown> {
        let mut waits = Vec::new();
        for shard in shards {
            let (reply, wait) = oneshot::channel();
            let job = Job::Show { shard, task: task.to_owned(), node, reply };
            self.queues[shard as usize % self.queues.len()].push([job]);
            waits.push(wait);
        }
        let mut shown: Vec<Shown> = Vec::new();
        for wait in waits {
            shown.extend(wait.await.ok().flatten().unwrap_or_default());
        }
        shown
    }
}
