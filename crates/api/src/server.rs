//! The server: accepts connections, bounds them, and ends them in order.

mod answer;
mod connection;
mod pulse;

use crate::body::room::Room;
use crate::health::Health;
use crate::listen::Listener;
use crate::settings::{LogLevel, Settings};
use engine::Engine;
use http::HeaderValue;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

/// Connections at the same time.
const CONNECTIONS_MAX: u32 = 8192;

/// Wait after the operating system refused a connection (no file descriptors, as a rule).
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// How often the state of health is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Answer to a connection above the limit.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 28\r\n\r\ntoo many connections at once";

/// What all requests share.
pub struct Server {
    /// The engine.
    pub engine: Arc<Engine>,
    /// What the configuration says.
    pub settings: Settings,
    /// The log's level.
    pub log: Arc<dyn LogLevel>,
    /// Whether the member can do its work.
    pub health: Health,
    /// Memory for bodies on their way.
    pub bodies: Room,
    /// The version, as a header.
    version: HeaderValue,
    /// The part of a request's id that names this process.
    node: [u8; 6],
}

/// Answers requests until `stopped` is true and the running ones have finished.
pub async fn serve(
    listener: Listener,
    engine: Arc<Engine>,
    settings: Settings,
    log: Arc<dyn LogLevel>,
    mut stopped: watch::Receiver<bool>,
) {
    let version = HeaderValue::from_str(&settings.version).unwrap_or(HeaderValue::from_static("unknown"));
    let random = uuid::Uuid::new_v4().into_bytes();
    let node = [random[0] | 1, random[1], random[2], random[3], random[4], random[5]];
    let server = Arc::new(Server {
        engine,
        settings,
        log,
        health: Health::default(),
        bodies: Room::default(),
        version,
        node,
    });
    let router = crate::routes::router(server.clone());
    let watching = tokio::spawn(watch_health(server.clone()));
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX as usize));
    let on_stop = stopped.clone();
    loop {
        tokio::select! {
            () = told(&mut stopped) => break,
            accepted = listener.0.accept() => match accepted {
                Ok((stream, peer)) => match room.clone().try_acquire_owned() {
                    Ok(permit) => {
                        let task = connection::run(stream, peer, server.clone(), router.clone(), on_stop.clone());
                        tokio::spawn(async move {
                            task.await;
                            drop(permit);
                        });
                    }
                    Err(_) => refuse(stream),
                },
                Err(error) => {
                    tracing::error!(%error, "cannot accept a connection; trying again");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            },
        }
    }
    drop(listener);
    // All permits are back when the last connection has ended. The semaphore is never closed.
    let _ = room.acquire_many(CONNECTIONS_MAX).await;
    watching.abort();
}

/// Returns when it is time to stop; also when nobody is left who could say so.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn refuse(mut stream: TcpStream) {
    tokio::spawn(async move {
        let _ = tokio::time::timeout(LOOK, stream.write_all(FULL)).await;
    });
}

async fn watch_health(server: Arc<Server>) {
    loop {
        server.health.look(server.engine.stats().control_failures);
        tokio::time::sleep(LOOK).await;
    }
}
