//! The peer port: takes connections of other members and hands what they say to a receiver.

mod accept;
mod gate;
mod service;
mod stats;

pub use stats::ServerStats;

use super::{
    CONNECTION_WINDOW, Error, FRAME_BYTES_MAX, Identity, MESSAGE_BYTES_MAX, Names, STREAM_WINDOW, Security,
};
use crate::Receiver;
use accept::Acceptor;
use gate::Gate;
use parking_lot::Mutex;
use proto::peer::peer_server::PeerServer;
use service::Service;
use stats::Counters;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::interceptor::InterceptedService;

/// Requests under way at the same time on one connection.
const REQUESTS_MAX: u32 = 1024;

/// Largest metadata of a request, in bytes.
const METADATA_BYTES_MAX: u32 = 16 << 10;

/// Connections past their handshake that wait to be served.
const ADMITTED_MAX: usize = 64;

/// How the peer port works.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where to listen: `:9091` for all interfaces, `host:9091` for one.
    pub bind: String,
    /// Names of members, which their certificates must hold.
    pub names: Names,
    /// How long a connection may take until it has proved who it is.
    pub handshake_limit: Duration,
    /// How often a silent connection is asked whether it lives.
    pub keepalive_interval: Duration,
    /// How long it has for the answer.
    pub keepalive_timeout: Duration,
    /// How long requests may go on after [`Server::stop`].
    pub grace: Duration,
}

impl ServerOptions {
    /// The usual: 3 s for the handshake, keepalive after 2 s with 3 s for the answer, 1 s of grace.
    pub fn new(bind: impl Into<String>, names: Names) -> ServerOptions {
        ServerOptions {
            bind: bind.into(),
            names,
            handshake_limit: Duration::from_secs(3),
            keepalive_interval: Duration::from_secs(2),
            keepalive_timeout: Duration::from_secs(3),
            grace: Duration::from_secs(1),
        }
    }
}

/// How far the server is on its way to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// It serves.
    Serving,
    /// It takes nothing new.
    Stopping,
    /// All connections are closed.
    Cut,
}

/// Returns when the server has come so far; also when it was dropped, which is an end, too.
async fn reached(phases: &mut watch::Receiver<Phase>, phase: Phase) {
    let _ = phases.wait_for(|now| *now >= phase).await;
}

/// A running peer port. Dropping it closes all connections at once.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    counters: Arc<Counters>,
    phase: watch::Sender<Phase>,
    running: Mutex<Option<JoinHandle<()>>>,
    grace: Duration,
}

impl Server {
    /// Listens, and serves from then on. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Bind`] if the address cannot be had.
    pub async fn start(
        options: ServerOptions,
        identity: Identity,
        security: Security,
        receiver: Arc<dyn Receiver>,
    ) -> Result<Server, Error> {
        let bound = listen(&options.bind).await.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = bound.map_err(|why| Error::Bind { address: options.bind.clone(), why })?;
        let counters = Arc::new(Counters::default());
        let (phase, phases) = watch::channel(Phase::Serving);
        let (admitted, incoming) = mpsc::channel(ADMITTED_MAX);
        let gate = Gate {
            names: options.names.clone(),
            cluster: identity.cluster.clone(),
            counters: counters.clone(),
        };
        let grace = options.grace;
        let serving = serve(options.clone(), gate, receiver, ReceiverStream::new(incoming), phases.clone());
        let acceptor = Acceptor::new(options, identity, security, counters.clone(), phases);
        let accepting = acceptor.run(listener, admitted);
        let running = tokio::spawn(async move {
            // Accepting ends with the phase `Stopping`, serving with the last connection.
            tokio::join!(accepting, serving);
        });
        Ok(Server { address, counters, phase, running: Mutex::new(Some(running)), grace })
    }

    /// Where it listens, with the port that was taken if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has happened since the start.
    pub fn stats(&self) -> ServerStats {
        self.counters.read()
    }

    /// Takes nothing new, lets requests under way finish for the configured time, and closes what is
    /// left. Streams last until then.
    pub async fn stop(&self) {
        self.phase.send_replace(Phase::Stopping);
        let running = self.running.lock().take();
        let Some(mut running) = running else { return };
        if tokio::time::timeout(self.grace, &mut running).await.is_err() {
            self.phase.send_replace(Phase::Cut);
            // It cannot panic, and nobody else aborts it.
            let _ = running.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::Cut);
    }
}

/// Runs HTTP/2 on the connections that were let in.
async fn serve(
    options: ServerOptions,
    gate: Gate,
    receiver: Arc<dyn Receiver>,
    incoming: ReceiverStream<io::Result<accept::Admitted>>,
    mut phases: watch::Receiver<Phase>,
) {
    let service = Service { receiver, counters: gate.counters.clone() };
    let service = PeerServer::new(service)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let service = InterceptedService::new(service, gate);
    let stopped = async move { reached(&mut phases, Phase::Stopping).await };
    let served = tonic::transport::Server::builder()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_concurrent_streams(REQUESTS_MAX)
        .http2_max_header_list_size(METADATA_BYTES_MAX)
        .http2_keepalive_interval(Some(options.keepalive_interval))
        .http2_keepalive_timeout(Some(options.keepalive_timeout))
        .serve_with_incoming_shutdown(service, incoming, stopped)
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "the peer port ended");
    }
}

/// Takes an address: `:9091` for all interfaces (IPv6 and IPv4 where the machine has both).
async fn listen(address: &str) -> io::Result<TcpListener> {
    let Some(port) = address.strip_prefix(':') else { return TcpListener::bind(address).await };
    let port: u16 = port.parse().map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidInput, "the port is not a number from 0 to 65535")
    })?;
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        // A machine without IPv6.
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
        }
        bound => bound,
    }
}
