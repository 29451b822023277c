//! Topics: what the API may change of them.

use crate::engine::Engine;
use crate::error::TaskError;
use catalog::Command;

impl Engine {
    /// Forgets the events of a topic. Its handlers stay, and see the next event; a topic that does
    /// not exist is no error.
    pub async fn delete_topic(&self, topic: &str) -> Result<(), TaskError> {
        self.propose(Command::DeleteTopic { topic: topic.into() }).await.map(|_| ())
    }
}
