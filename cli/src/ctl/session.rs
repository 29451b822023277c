//! What a command works with, and how it may end.

use super::Command;
use super::shapes::Cluster;
use crate::client::{Client, ClientError};
use reqwest::Url;
use serde_json::Value;
use std::io::Write;
use std::time::Duration;

/// Where the cluster's routes begin.
pub const BASE: &str = "/kapacitor/v1/cluster";

/// One run.
pub struct Session<'a> {
    /// The member that is asked.
    pub client: Client,
    /// Standard output: the result.
    pub out: &'a mut dyn Write,
    /// Standard error: progress and mistakes.
    pub err: &'a mut dyn Write,
    /// The result is JSON.
    pub json: bool,
    /// How long to wait for things to happen.
    pub timeout: Duration,
}

/// How a command may fail.
pub enum Failure {
    /// The arguments are wrong: the text, then the usage. Exit code 1.
    Usage(String),
    /// `-h` was given: the usage of the command, or of the program. Exit code 0.
    Help(Option<&'static Command>),
    /// The command could not do its work. Exit code 1.
    Failed(String),
    /// All was said, and it is not good. Exit code 2.
    Unhealthy,
    /// Nobody reads the output any more.
    Closed,
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            // An older server, or Kapacitor, has no such routes.
            ClientError::Refused { status, message } if status.as_u16() == 404 && message == "Not Found" => {
                Failure::Failed(
                    "the server knows nothing of clusters: it is no Farad, or an old one".to_owned(),
                )
            }
            _ => Failure::Failed(error.to_string()),
        }
    }
}

impl Session<'_> {
    /// The cluster as it came, and what is read of it.
    pub fn cluster(&self) -> Result<(Value, Cluster), Failure> {
        let value: Value = self.client.get(BASE, &[])?;
        let cluster = serde_json::from_value(value.clone()).map_err(ClientError::Decode)?;
        Ok((value, cluster))
    }

    /// Prints a result as JSON.
    pub fn print(&mut self, value: &Value) -> Result<(), Failure> {
        serde_json::to_writer_pretty(&mut self.out, value).map_err(std::io::Error::from)?;
        Ok(writeln!(self.out)?)
    }

    /// A line about what goes on. That nobody can read it is no reason to stop.
    pub fn progress(&mut self, line: &str) {
        let _ = writeln!(self.err, "{line}");
    }
}

/// The URL with the credentials at the place where HTTP wants them: Kapacitor Enterprise took
/// them as `?u=USER&p=PASSWORD`. What is no URL is told by whoever uses it.
pub fn server_url(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    let of = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let (user, password) = (of("u"), of("p"));
    if let Some(user) = user {
        let _ = url.set_username(&user);
    }
    if let Some(password) = password {
        let _ = url.set_password(Some(&password));
    }
    url.set_query(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials() {
        for (given, expected) in [
            ("http://h:9092", "http://h:9092/"),
            ("http://h:9092?u=bob&p=a%26b", "http://bob:a&b@h:9092/"),
            ("https://x:y@h/?u=bob", "https://bob:y@h/"),
            ("no url", "no url"),
        ] {
            assert_eq!(server_url(given), expected);
        }
    }
}
