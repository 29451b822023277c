//! Commands about tasks.

use crate::key::Key;
use crate::{Catalog, Outcome, Rejection, Status, Task, TaskPatch};
use alert::{Topic, check_task_id};
use model::{Name, Time};
use std::sync::Arc;

impl Catalog {
    pub(crate) fn create_task(&mut self, task: &Task, now: Time) -> Result<Outcome, Rejection> {
        check_task_id(&task.id)?;
        if self.tasks.contains_key(&task.id) {
            return Err(Rejection::TaskExists(task.id.to_string()));
        }
        let mut task = task.clone();
        task.created = now;
        task.modified = now;
        task.last_enabled = (task.status == Status::Enabled).then_some(now);
        Ok(self.put_task(task))
    }

    pub(crate) fn update_task(
        &mut self,
        id: &Name,
        patch: &TaskPatch,
        now: Time,
    ) -> Result<Outcome, Rejection> {
        let before = self.tasks.get(id).ok_or_else(|| Rejection::NoTask(id.to_string()))?;
        let mut task = Task::clone(before);
        let enabled = before.status == Status::Disabled && patch.status == Some(Status::Enabled);
        if let Some(new) = patch.id.as_ref().filter(|new| *new != id) {
            check_task_id(new)?;
            if self.tasks.contains_key(new) {
                return Err(Rejection::TaskExists(new.to_string()));
            }
            task.id = new.clone();
        }
        set(&mut task.kind, &patch.kind);
        set(&mut task.dbrps, &patch.dbrps);
        set(&mut task.script, &patch.script);
        set(&mut task.vars, &patch.vars);
        set(&mut task.template_id, &patch.template_id);
        set(&mut task.status, &patch.status);
        task.modified = now;
        if enabled {
            task.last_enabled = Some(now);
        }
        if task.id != *id {
            self.tasks.remove(id);
            self.dirty.insert(Key::Task(id.clone()));
            // Whoever renames a task stops it first: what runs bears the old id.
            self.stop_task(id);
            self.rename_topics(id, &task.id);
        }
        Ok(self.put_task(task))
    }

    pub(crate) fn delete_task(&mut self, id: &Name) -> Outcome {
        if self.tasks.remove(id).is_some() {
            self.dirty.insert(Key::Task(id.clone()));
        }
        self.stop_task(id);
        for topic in self.topics_of(id) {
            self.remove_topic(&topic);
        }
        Outcome::Done
    }

    pub(crate) fn set_task_error(&mut self, id: &Name, error: &str) -> Result<Outcome, Rejection> {
        let task = self.tasks.get(id).ok_or_else(|| Rejection::NoTask(id.to_string()))?;
        let mut task = Task::clone(task);
        error.clone_into(&mut task.error);
        Ok(self.put_task(task))
    }

    pub(crate) fn put_task(&mut self, task: Task) -> Outcome {
        let task = Arc::new(task);
        self.dirty.insert(Key::Task(task.id.clone()));
        self.tasks.insert(task.id.clone(), task.clone());
        Outcome::Task(task)
    }

    fn topics_of(&self, task: &str) -> Vec<Name> {
        let prefix = Task::topic_prefix(task);
        self.topics.iter().map(|(name, _)| name).filter(|name| name.starts_with(&prefix)).cloned().collect()
    }

    /// The levels of a task's alerts follow it to its new id.
    fn rename_topics(&mut self, before: &str, after: &str) {
        for name in self.topics_of(before) {
            let node = &name[Task::topic_prefix(before).len()..];
            let new = Name::from(Task::anonymous_topic(after, node));
            // What an earlier task of that id may have left is not this task's.
            self.remove_topic(&new);
            self.mark_topic(&name);
            let Some(mut topic) = self.topics.remove(&name) else { continue };
            // What somebody put on a topic stays with its name.
            self.put_defined(&name, topic.take_defined());
            let there = self.topics.get_mut(&new).map(Topic::take_defined).unwrap_or_default();
            there.into_iter().for_each(|handler| topic.define(handler));
            self.topics.insert(new.clone(), topic);
            self.mark_topic(&new);
        }
    }
}

fn set<T: Clone>(place: &mut T, new: &Option<T>) {
    if let Some(new) = new {
        place.clone_from(new);
    }
}
