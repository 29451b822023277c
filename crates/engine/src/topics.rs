//! Topics: what the API may change of them and of their handlers.

use crate::clock::wall;
use crate::engine::Engine;
use crate::error::TaskError;
use alert::HandlerSpec;
use catalog::{Command, OutboxLimits};

impl Engine {
    /// Forgets the events of a topic. Its handlers stay, and see the next event; a topic that does
    /// not exist is no error.
    pub async fn delete_topic(&self, topic: &str) -> Result<(), TaskError> {
        self.propose(Command::DeleteTopic { topic: topic.into() }).await.map(|_| ())
    }

    /// Puts a handler on a topic, which is made if it does not exist. [`TaskError::Invalid`] says what
    /// is wrong with it.
    pub async fn define_handler(&self, topic: &str, handler: HandlerSpec) -> Result<(), TaskError> {
        self.check_handler(&handler)?;
        self.propose(Command::DefineHandler { topic: topic.into(), handler }).await.map(|_| ())
    }

    /// Changes the handler `id` of a topic, which may get another id. What waits for it goes where it
    /// leads now.
    pub async fn replace_handler(
        &self,
        topic: &str,
        id: &str,
        handler: HandlerSpec,
    ) -> Result<(), TaskError> {
        self.check_handler(&handler)?;
        let (topic, id) = (topic.into(), id.into());
        let (now, limits) = (wall(), OutboxLimits::default());
        self.propose(Command::ReplaceHandler { topic, id, handler, now, limits }).await.map(|_| ())
    }

    /// Takes a handler off a topic; one that is not there is no error. What waits for it is still
    /// delivered.
    pub async fn delete_handler(&self, topic: &str, id: &str) -> Result<(), TaskError> {
        let (topic, id) = (topic.into(), id.into());
        let (now, limits) = (wall(), OutboxLimits::default());
        self.propose(Command::DeleteHandler { topic, id, now, limits }).await.map(|_| ())
    }

    fn check_handler(&self, spec: &HandlerSpec) -> Result<(), TaskError> {
        let inside = [alert::PUBLISH, alert::AGGREGATE].contains(&&*spec.kind);
        match self.deliverer.check(spec) {
            Ok(()) => Ok(()),
            // As in Kapacitor such a handler is kept, and does nothing until its kind is switched on.
            Err(handler::Error::Disabled(kind)) if !inside => {
                tracing::error!(service = "alert", handler = &*spec.id, "handler '{kind}' is disabled");
                Ok(())
            }
            Err(error) => Err(TaskError::Invalid(error.to_string())),
        }
    }
}
