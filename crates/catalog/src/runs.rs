//! The tasks that run: started and stopped once for the whole cluster.

use crate::key::Key;
use crate::{Catalog, Outcome, Rejection, Task};
use alert::HandlerSpec;
use model::Name;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A task that runs, as it was when it was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Index of the start in the catalog's log: a later start has a higher one.
    pub revision: u64,
    /// What runs. The catalog does not look inside.
    pub definition: Arc<[u8]>,
}

impl Catalog {
    /// The tasks that run, in order of their ids.
    pub fn runs(&self) -> impl Iterator<Item = (&Name, &Run)> {
        self.runs.iter()
    }

    /// One task that runs.
    pub fn run(&self, id: &str) -> Option<&Run> {
        self.runs.get(id)
    }

    pub(crate) fn start_task(
        &mut self,
        revision: u64,
        id: &Name,
        definition: &[u8],
        topics: &[(Name, Vec<HandlerSpec>)],
    ) -> Result<Outcome, Rejection> {
        let task = self.tasks.get(id).ok_or_else(|| Rejection::NoTask(id.to_string()))?;
        let cured = (!task.error.is_empty()).then(|| Task { error: String::new(), ..Task::clone(task) });
        let mut opened = Vec::with_capacity(topics.len());
        for (topic, specs) in topics {
            // A wrong one must be found before the first is opened.
            opened.push((topic, self.checked_handlers(topic, specs)?));
        }
        // It begins anew: nothing is held back for what it was before.
        self.release_inhibitors(id);
        for (topic, handlers) in opened {
            self.open_topic(topic, handlers);
        }
        if let Some(task) = cured {
            self.put_task(task);
        }
        self.runs.insert(id.clone(), Run { revision, definition: definition.into() });
        self.dirty.insert(Key::Run(id.clone()));
        Ok(Outcome::Started { revision })
    }

    /// Forgets that a task runs, and what it holds back; one that does not run is no error.
    pub(crate) fn stop_task(&mut self, id: &Name) -> Outcome {
        self.release_inhibitors(id);
        if self.runs.remove(id).is_some() {
            self.dirty.insert(Key::Run(id.clone()));
        }
        Outcome::Done
    }
}
