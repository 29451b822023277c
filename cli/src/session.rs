//! What a command works with: the client, the two outputs, and how it may end.

use std::io::{self, Write};

use crate::client::{Client, ClientError};
use crate::surroundings::Surroundings;

/// One run of the client.
pub struct Session<'a> {
    /// The server.
    pub client: Client,
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error.
    pub err: &'a mut dyn Write,
    /// Terminal and time zone.
    pub surroundings: &'a Surroundings,
}

/// How a command may fail.
#[derive(Debug)]
pub enum Failure {
    /// The arguments are wrong: the text, then the command's usage. Exit code 2.
    Arguments(String),
    /// `-h` was given: the command's usage. Exit code 0.
    Help,
    /// A text, then the list of all commands. Exit code 1.
    Commands(Option<String>),
    /// The command could not do its work. Exit code 3.
    Failed(String),
    /// The same, with the command's usage before the text.
    FailedWithUsage(String),
    /// The same, with an excerpt of a script after the text.
    FailedInScript(String, Vec<u8>),
    /// Nobody reads the output any more.
    Closed,
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Failure::Failed(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Closed,
            _ => Failure::Failed(format!("cannot write the output: {error}")),
        }
    }
}

impl From<crate::flags::Refusal> for Failure {
    fn from(refusal: crate::flags::Refusal) -> Self {
        match refusal {
            crate::flags::Refusal::Help => Failure::Help,
            crate::flags::Refusal::Wrong(text) => Failure::Arguments(text),
        }
    }
}
