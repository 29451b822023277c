//! What the tasks' sideload nodes have from outside, and the circles that tasks which write to the
//! server itself can make.

use crate::definition::{Answered, Other, Sources};
use crate::engine::Engine;
use crate::error::TaskError;
use crate::member::wire::Question;
use crate::outside::loops;
use pipeline::node::Answer;
use pipeline::task::Task;
use std::sync::Arc;

impl Engine {
    /// Reads all sources of a task. The error is the first one's.
    pub(crate) async fn read_sources(&self, task: &Task) -> Result<Sources, String> {
        let mut sources = Sources::new();
        for sideload in &task.sideloads {
            let content = self.outside.read(sideload).await?;
            sources.insert(sideload.node.to_string(), Arc::new(content));
        }
        Ok(sources)
    }

    /// Has all sideload nodes read their sources again, on all members. A node whose source cannot be
    /// read keeps what it has; the error is that of the first such one.
    pub async fn reload_sources(&self) -> Result<(), String> {
        let own = self.reload_own_sources().await;
        let Some(member) = self.member() else { return own };
        let (answers, missing) = member.ask_all(&Question::ReadSources).await;
        own?;
        if let Some(problem) = answers.into_iter().find_map(|(_, answer)| answer.problem) {
            return Err(problem);
        }
        if !missing.is_empty() {
            return Err(format!(
                "members that do not answer may not have read their sources again: {}",
                missing.join(", ")
            ));
        }
        Ok(())
    }

    /// The same in the shards that this member leads.
    pub(crate) async fn reload_own_sources(&self) -> Result<(), String> {
        let led: Vec<u32> = match self.member() {
            None => (0..self.options.shards).collect(),
            Some(member) => {
                member.replicas().iter().filter(|r| r.feed.is_leading()).map(|r| r.shard).collect()
            }
        };
        let mut failed = None;
        for task in self.tasks.routed().iter() {
            for sideload in &task.sideloads {
                let content = match self.outside.read(sideload).await {
                    Ok(content) => content.encode(),
                    Err(why) => {
                        tracing::error!(
                            task = &*task.id,
                            node = &*sideload.node,
                            why,
                            "cannot read the source of a sideload node again; it keeps what it has"
                        );
                        failed.get_or_insert(why);
                        continue;
                    }
                };
                for &shard in &led {
                    let (task, node, bytes) = (task.id.clone(), sideload.node.clone(), content.clone());
                    let answer = Answer { task, node, call: (0, 0), bytes };
                    let other = |clock| Other::Answered(Answered { clock, answer });
                    if let Err(why) = self.log_other(shard, other).await {
                        failed
                            .get_or_insert(format!("shard {shard} did not take what a source holds: {why}"));
                    }
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Refuses a task through which points would go round.
    pub(crate) fn refuse_circle(&self, task: &Task) -> Result<(), TaskError> {
        match loops::circle(task, &self.tasks.routed()) {
            Some(circle) => Err(TaskError::Start(loops::refusal(&circle))),
            None => Ok(()),
        }
    }

    /// In a cluster another member may have started a task at the same time, so that there is a circle
    /// now: of its tasks the last one that was started is stopped again.
    pub(crate) async fn break_circle(&self, task: &Task) -> Result<(), TaskError> {
        let Some(circle) = loops::circle(task, &self.tasks.routed()) else { return Ok(()) };
        let last = {
            let catalog = self.catalog();
            let revision = |id: &str| catalog.run(id).map_or(0, |run| run.revision);
            circle.iter().all(|id| revision(id) <= revision(&task.id))
        };
        if !last {
            return Ok(());
        }
        self.stop_task(&task.id).await?;
        Err(TaskError::Start(loops::refusal(&circle)))
    }
}
