//! The tasks that should run: what the catalog says, built, for the router and the shards.

use super::Member;
use super::follow::Wanted;
use super::lead::Run;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::watch;

/// Follows the catalog. Whoever waits for a change to be in force waits for `routed`.
pub async fn watch(member: Arc<Member>) {
    let mut applied = member.agreed().applied.subscribe();
    // A revision belongs to one start of one task.
    let mut known: Vec<u64> = Vec::new();
    loop {
        let index = *applied.borrow_and_update();
        if let Some(revisions) = member.changed_runs(&known) {
            let building = member.clone();
            // Compiling scripts is work: it must not hold up the threads that answer.
            let wanted = tokio::task::spawn_blocking(move || building.build()).await.unwrap_or_default();
            let wanted = Arc::new(wanted);
            *member.wanted.lock() = (index, wanted.clone());
            if let Some(engine) = member.engine() {
                engine.run_only(&wanted);
            }
            known = revisions;
        } else {
            member.wanted.lock().0 = index;
        }
        member.routed.send_replace(index);
        if applied.changed().await.is_err() {
            return;
        }
    }
}

impl Member {
    /// The revisions of all runs, if they are not the known ones. Asked with every change of the catalog,
    /// of which hardly any is one of runs.
    fn changed_runs(&self, known: &[u64]) -> Option<Vec<u64>> {
        let catalog = self.agreed().catalog.read_recursive();
        let revisions = || catalog.runs().map(|(_, run)| run.revision);
        (!revisions().eq(known.iter().copied())).then(|| revisions().collect())
    }

    fn build(&self) -> Wanted {
        let runs: Vec<(String, Run)> = {
            let catalog = self.agreed().catalog.read_recursive();
            let run =
                |run: &catalog::Run| Run { revision: run.revision, definition: run.definition.to_vec() };
            catalog.runs().map(|(id, of)| (id.to_string(), run(of))).collect()
        };
        let mut wanted = Wanted::new();
        for (id, run) in runs {
            match self.loader.built.task(&self.loader.server(), self.loader.options.shards, &run.encode()) {
                Ok(task) => {
                    wanted.insert(id, (run, task));
                }
                Err(error) => tracing::error!(
                    task = id,
                    error,
                    "a task of the cluster does not build on this member; are all of one version?"
                ),
            }
        }
        let encoded: BTreeSet<Vec<u8>> = wanted.values().map(|(run, _)| run.encode()).collect();
        self.loader.built.keep(|bytes| encoded.contains(bytes));
        wanted
    }

    /// Told of the catalog's index up to which the router knows the tasks.
    pub fn routed(&self) -> watch::Receiver<u64> {
        self.routed.subscribe()
    }

    /// The tasks that should run, and the catalog's index that says so.
    pub fn wanted_runs(&self) -> (u64, Arc<Wanted>) {
        self.wanted.lock().clone()
    }
}
