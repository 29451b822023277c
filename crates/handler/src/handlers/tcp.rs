//! `tcp`: sends the event as JSON over a connection of its own.

use super::{Attempt, Built, Handler, Kind, Limits, Services};
use crate::error::os_text;
use crate::options::Options;
use crate::{DeliveryError, OptionDef, OptionKind};
use alert::Delivery;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

pub(super) static KIND: Kind = Kind {
    name: "tcp",
    method: "tcp",
    config: "alert.TCPHandlerConfig",
    summary: "sends the event as JSON over a TCP connection",
    options: &[OptionDef { name: "address", kind: OptionKind::Text, summary: "host:port of the receiver" }],
    build,
};

fn build(options: &Options<'_>, _: &Services) -> Built {
    Ok(Arc::new(Tcp { address: options.needed_text("address")? }))
}

struct Tcp {
    address: String,
}

impl Handler for Tcp {
    fn limits(&self) -> Limits {
        Limits { timeout: Duration::from_secs(10), concurrency_max: 4, attempts_max: None }
    }

    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> Attempt<'a> {
        Box::pin(async move {
            let failed = |what: &'static str, error: &str| {
                DeliveryError::retryable(what, error).with("address", &self.address)
            };
            let mut stream = TcpStream::connect(dialable(&self.address)).await.map_err(|error| {
                let error = format!("dial tcp {}: connect: {}", self.address, os_text(&error));
                failed("tcp handler failed to connect", &error)
            })?;
            let mut line = delivery.payload();
            // Kapacitor ends the event with two newlines, and receivers may count on it.
            line.extend_from_slice(b"\n\n");
            let written = async {
                stream.write_all(&line).await?;
                stream.shutdown().await
            };
            written.await.map_err(|error| failed("tcp handler failed to send", &os_text(&error)))
        })
    }
}

/// Go dials this host when the address names none (`:5678`).
fn dialable(address: &str) -> String {
    if address.starts_with(':') { format!("localhost{address}") } else { address.to_owned() }
}
