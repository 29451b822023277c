//! From an address to a connection that speaks gRPC.

use super::{Address, LinkOptions};
use crate::MemberId;
use crate::carrier::CarryError;
use crate::rpc::handshake::{Failure, introduce};
use crate::rpc::hello::{Reason, Refusal};
use crate::rpc::tls::is_refusal;
use crate::rpc::wire::{Guard, Pipe, Wire};
use crate::rpc::{CONNECTION_WINDOW, FRAME_BYTES_MAX, Identity, STREAM_WINDOW, Security};
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tower::Service;

/// Largest metadata of an answer, in bytes: a refusal's text is in it, escaped.
const METADATA_BYTES_MAX: u32 = 64 << 10;

/// Makes connections.
pub struct Dialer {
    pub identity: Identity,
    pub security: Security,
    pub options: LinkOptions,
}

/// A connection, as long as it is open.
pub struct Dialed {
    pub channel: Channel,
    /// Becomes false when the connection ends.
    pub open: Arc<AtomicBool>,
}

/// Why there is no connection.
#[derive(Clone, Debug)]
pub struct DialError {
    pub error: CarryError,
    /// The machine answered that nobody listens: trying again costs little.
    pub is_cheap: bool,
}

impl Dialer {
    /// Dials an address, and makes sure that the given member answers if one is given.
    pub async fn dial(&self, address: &Address, to: Option<MemberId>) -> Result<Dialed, DialError> {
        let deadline = Instant::now() + self.options.connect_timeout;
        let dialed = timeout_at(deadline, self.connect(address, to, deadline)).await;
        let late = || Failure::Broken(io::ErrorKind::TimedOut.into());
        dialed.unwrap_or_else(|_| Err(late())).map_err(|failure| explain(address, failure))
    }

    async fn connect(
        &self,
        address: &Address,
        to: Option<MemberId>,
        deadline: Instant,
    ) -> Result<Dialed, Failure> {
        let mut stream = self.tcp(&address.rpc, deadline).await?;
        stream.set_nodelay(true)?;
        let secret = self.security.secret();
        let pipe = match self.security.tls() {
            None => {
                introduce(&mut stream, &self.identity, to, secret).await?;
                Pipe::Plain(stream)
            }
            Some(tls) => {
                let name = ServerName::try_from(address.name.clone()).map_err(|_| {
                    let why = format!("{:?} is no name that a certificate could hold", address.name);
                    Failure::Refusing(Refusal::new(Reason::Certificate, why))
                })?;
                let mut stream = TlsConnector::from(tls.client.clone()).connect(name, stream).await?;
                introduce(&mut stream, &self.identity, to, secret).await?;
                Pipe::Tls(Box::new(stream.into()))
            }
        };
        self.speak(pipe).await
    }

    /// Connects to the first address that answers.
    async fn tcp(&self, address: &str, deadline: Instant) -> io::Result<TcpStream> {
        let found: Vec<SocketAddr> = tokio::net::lookup_host(address).await?.collect();
        let local = self.options.local_ip;
        let fits = |found: &SocketAddr| local.is_none_or(|local| local.is_ipv4() == found.is_ipv4());
        let found: Vec<SocketAddr> = found.into_iter().filter(fits).collect();
        let mut error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for (tried, remote) in found.iter().enumerate() {
            // One that does not answer must leave time for the others.
            let now = Instant::now();
            let share = deadline.saturating_duration_since(now) / (found.len() - tried) as u32;
            match timeout_at(now + share, self.tcp_to(*remote)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(why)) => error = why,
                Err(_) => error = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(error)
    }

    async fn tcp_to(&self, remote: SocketAddr) -> io::Result<TcpStream> {
        let socket = if remote.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(local) = self.options.local_ip {
            socket.bind(SocketAddr::new(local, 0))?;
        }
        socket.connect(remote).await
    }

    /// Begins HTTP/2.
    async fn speak(&self, pipe: Pipe) -> Result<Dialed, Failure> {
        let open = Arc::new(AtomicBool::new(true));
        let wire = Wire { pipe, guard: Open(open.clone()) };
        let channel = Endpoint::from_static("http://peer")
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME_BYTES_MAX)
            .http2_max_header_list_size(METADATA_BYTES_MAX)
            .http2_keep_alive_interval(self.options.keepalive_interval)
            .keep_alive_timeout(self.options.keepalive_timeout)
            .keep_alive_while_idle(true)
            .connect_with_connector(Once(Some(wire)))
            .await
            .map_err(io::Error::other)?;
        Ok(Dialed { channel, open })
    }
}

/// What to tell of a connection that was not made.
fn explain(address: &Address, failure: Failure) -> DialError {
    let member = format!("{} ({})", address.name, address.rpc);
    let unreachable = |why| CarryError::Unreachable { member: member.clone(), why };
    let denied = |why| CarryError::Denied { member: member.clone(), why };
    let mut is_cheap = false;
    let error = match failure {
        Failure::Broken(error) if is_refusal(&error) => denied(error.to_string()),
        Failure::Broken(error) => {
            is_cheap = error.kind() == io::ErrorKind::ConnectionRefused;
            unreachable(error.to_string())
        }
        Failure::Refused(refusal) | Failure::Refusing(refusal) => match refusal.reason {
            Reason::Secret | Reason::Certificate | Reason::Version => denied(refusal.text),
            Reason::Target | Reason::Other => unreachable(refusal.text),
        },
    };
    DialError { error, is_cheap }
}

/// Says when a connection has ended.
struct Open(Arc<AtomicBool>);

impl Guard for Open {}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

/// Gives a connection that exists to tonic, which would dial by itself. A second time there is none:
/// when to dial again is ours to decide.
struct Once(Option<Wire<Open>>);

impl Service<Uri> for Once {
    type Response = TokioIo<Wire<Open>>;
    type Error = io::Error;
    type Future = Ready<io::Result<TokioIo<Wire<Open>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let wire = self.0.take().map(TokioIo::new);
        ready(wire.ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "the connection has ended")))
    }
}
