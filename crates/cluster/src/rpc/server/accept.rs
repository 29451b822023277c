//! From a connection to a member that has proved who it is. Nothing else gets further.

use super::gate::{Caller, certified};
use super::stats::{Counters, Rejected};
use super::{Phase, ServerOptions, reached};
use crate::MemberId;
use crate::rpc::handshake::{Failure, Guest, admit, refuse};
use crate::rpc::hello::{Reason, Refusal};
use crate::rpc::tls::is_refusal;
use crate::rpc::wire::{Guard, Pipe, Wire};
use crate::rpc::{Identity, Names, Security};
use futures::FutureExt;
use futures::future::BoxFuture;
use rustls_pki_types::CertificateDer;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tonic::transport::server::Connected;

/// Connections at the same time: a cluster of three hundred members has fewer.
const CONNECTIONS_MAX: usize = 1024;

/// Handshakes at the same time.
const HANDSHAKES_MAX: usize = 256;

/// Wait after the operating system refused a connection (no file descriptors, as a rule).
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// First byte of a TLS connection.
const TLS_HANDSHAKE: u8 = 22;

/// A connection that was let in.
pub type Admitted = Wire<Admission>;

/// Takes connections and lets members in.
#[derive(Clone)]
pub struct Acceptor(Arc<Inner>);

struct Inner {
    me: MemberId,
    names: Names,
    security: Security,
    counters: Arc<Counters>,
    phases: watch::Receiver<Phase>,
    handshake_limit: Duration,
    handshakes: Arc<Semaphore>,
    connections: Arc<Semaphore>,
}

impl Acceptor {
    pub fn new(
        options: ServerOptions,
        identity: Identity,
        security: Security,
        counters: Arc<Counters>,
        phases: watch::Receiver<Phase>,
    ) -> Acceptor {
        Acceptor(Arc::new(Inner {
            me: identity.me,
            names: options.names,
            security,
            counters,
            phases,
            handshake_limit: options.handshake_limit,
            handshakes: Arc::new(Semaphore::new(HANDSHAKES_MAX)),
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        }))
    }

    /// Runs until the server stops.
    pub async fn run(self, listener: TcpListener, admitted: mpsc::Sender<io::Result<Admitted>>) {
        let mut phases = self.0.phases.clone();
        loop {
            tokio::select! {
                () = reached(&mut phases, Phase::Stopping) => return,
                accepted = listener.accept() => match accepted {
                    Ok((stream, from)) => self.begin(stream, from, &admitted),
                    Err(error) => {
                        tracing::error!(%error, "cannot accept a connection of a peer; trying again");
                        tokio::time::sleep(ACCEPT_RETRY).await;
                    }
                },
            }
        }
    }

    /// Begins a handshake, or drops the connection if there are too many.
    fn begin(&self, stream: TcpStream, from: SocketAddr, admitted: &mpsc::Sender<io::Result<Admitted>>) {
        let permits =
            (self.0.handshakes.clone().try_acquire_owned(), self.0.connections.clone().try_acquire_owned());
        let (Ok(handshake), Ok(connection)) = permits else {
            self.0.counters.reject(Rejected::Other, &from, "too many connections at once");
            return;
        };
        let (acceptor, admitted) = (self.clone(), admitted.clone());
        tokio::spawn(async move {
            let wire = acceptor.0.wire(stream, from).await;
            drop(handshake);
            if let Some((pipe, caller)) = wire {
                let guard = Admission::new(caller, &acceptor.0, connection);
                // Fails if the server has stopped meanwhile.
                let _ = admitted.send(Ok(Wire { pipe, guard })).await;
            }
        });
    }
}

/// A handshake that failed, and where to say so.
struct Rejection {
    failure: Failure,
    pipe: Option<Pipe>,
}

impl From<io::Error> for Rejection {
    fn from(error: io::Error) -> Rejection {
        Rejection { failure: Failure::Broken(error), pipe: None }
    }
}

impl Inner {
    /// Finds out who is there. Who is refused is counted first and told afterwards.
    async fn wire(&self, stream: TcpStream, from: SocketAddr) -> Option<(Pipe, Caller)> {
        let rejection = match timeout(self.handshake_limit, self.handshake(stream, from)).await {
            Ok(Ok(wire)) => return Some(wire),
            Ok(Err(rejection)) => rejection,
            Err(_) => {
                self.counters.reject(Rejected::Other, &from, "too slow to introduce itself");
                return None;
            }
        };
        self.count(&from, &rejection.failure);
        if let Rejection { failure: Failure::Refusing(refusal), pipe: Some(mut pipe) } = rejection {
            // One who does not listen gets no more time.
            let _ = timeout(self.handshake_limit, refuse(&mut pipe, &refusal)).await;
        }
        None
    }

    async fn handshake(&self, stream: TcpStream, from: SocketAddr) -> Result<(Pipe, Caller), Rejection> {
        stream.set_nodelay(true)?;
        let (mut pipe, certificate) = self.secure(stream).await?;
        let check = |guest: &Guest| match &certificate {
            Some(certificate) => self.check(guest, certificate),
            None => Ok(()),
        };
        match admit(&mut pipe, self.me, self.security.secret(), check).await {
            Ok(guest) => Ok((pipe, Caller::new(guest, from, certificate))),
            Err(failure) => Err(Rejection { failure, pipe: Some(pipe) }),
        }
    }

    /// TLS, if it is configured; then there is a certificate.
    async fn secure(&self, stream: TcpStream) -> Result<(Pipe, Option<CertificateDer<'static>>), Rejection> {
        let Some(tls) = self.security.tls() else { return Ok((Pipe::Plain(stream), None)) };
        let refused = |why: &str, pipe| {
            let failure = Failure::Refusing(Refusal::new(Reason::Certificate, why));
            Rejection { failure, pipe: Some(pipe) }
        };
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first != [TLS_HANDSHAKE] {
            return Err(refused("it wants TLS: set [rpc] tls-enabled here as well", Pipe::Plain(stream)));
        }
        let stream = TlsAcceptor::from(tls.server.clone()).accept(stream).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let certificate = shown.map(|certificate| certificate.clone().into_owned());
        let pipe = Pipe::Tls(Box::new(stream.into()));
        match certificate {
            Some(certificate) => Ok((pipe, Some(certificate))),
            None => Err(refused("it wants a certificate: set [rpc] ssl-cert", pipe)),
        }
    }

    /// Whether a certificate is for who shows it: the name that the members know it by, or the name
    /// it claims if they do not know it yet.
    fn check(&self, guest: &Guest, certificate: &CertificateDer<'_>) -> Result<(), Refusal> {
        let name = self.names.of(guest.from).unwrap_or_else(|| guest.name.clone());
        certified(certificate, &name).map_err(|why| Refusal::new(Reason::Certificate, why))
    }

    /// Counts a handshake that failed.
    fn count(&self, from: &SocketAddr, failure: &Failure) {
        let (rejected, why) = match failure {
            Failure::Broken(error) if is_refusal(error) => (Rejected::Certificate, error.to_string()),
            Failure::Broken(error) => (Rejected::Other, error.to_string()),
            // The dialer refuses us: it is the one to know why.
            Failure::Refused(refusal) => (Rejected::Other, refusal.text.clone()),
            Failure::Refusing(refusal) => (rejected(refusal.reason), refusal.text.clone()),
        };
        self.counters.reject(rejected, from, &why);
    }
}

fn rejected(reason: Reason) -> Rejected {
    match reason {
        Reason::Secret => Rejected::Secret,
        Reason::Certificate => Rejected::Certificate,
        Reason::Version => Rejected::Version,
        Reason::Target | Reason::Other => Rejected::Other,
    }
}

/// What lives as long as a connection that was let in.
pub struct Admission {
    caller: Caller,
    /// Resolves when the server is cut; none afterwards.
    cut: Option<BoxFuture<'static, ()>>,
    counters: Arc<Counters>,
    _place: OwnedSemaphorePermit,
}

impl Admission {
    fn new(caller: Caller, server: &Inner, place: OwnedSemaphorePermit) -> Admission {
        let mut phases = server.phases.clone();
        let cut = async move { reached(&mut phases, Phase::Cut).await };
        server.counters.connections.fetch_add(1, Relaxed);
        server.counters.admitted.fetch_add(1, Relaxed);
        Admission { caller, cut: Some(cut.boxed()), counters: server.counters.clone(), _place: place }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.counters.connections.fetch_sub(1, Relaxed);
    }
}

impl Guard for Admission {
    fn is_cut(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(cut) = &mut self.cut else { return true };
        let is_cut = cut.poll_unpin(cx) == Poll::Ready(());
        if is_cut {
            self.cut = None;
        }
        is_cut
    }
}

impl Connected for Admitted {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        self.guard.caller.clone()
    }
}
