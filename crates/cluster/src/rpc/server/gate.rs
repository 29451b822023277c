//! What is checked of each request before its body is read: that the caller is of this cluster, is
//! still who its certificate says, and may ask for this.

use super::stats::{Counters, Rejected};
use crate::carrier::kind;
use crate::rpc::handshake::Guest;
use crate::rpc::{Names, metadata, tls};
use crate::{MemberId, Topic};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls_pki_types::CertificateDer;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tonic::metadata::MetadataMap;
use tonic::service::Interceptor;
use tonic::{Request, Status};

/// Who is at the other end of a connection.
#[derive(Clone)]
pub struct Caller(Arc<Known>);

struct Known {
    from: MemberId,
    name: String,
    /// Whether it dialed a member, or just an address.
    knows_us: bool,
    address: SocketAddr,
    certificate: Option<CertificateDer<'static>>,
    /// The name that the certificate was checked for last.
    checked: Mutex<Option<String>>,
}

impl Caller {
    pub fn new(guest: Guest, address: SocketAddr, certificate: Option<CertificateDer<'static>>) -> Caller {
        let Guest { from, name, knows_us } = guest;
        Caller(Arc::new(Known { from, name, knows_us, address, certificate, checked: Mutex::new(None) }))
    }

    /// Its number.
    pub fn member(&self) -> MemberId {
        self.0.from
    }

    /// Its name, as it says.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether its certificate speaks for the name it has among the members now.
    fn certified(&self, name: &str) -> Result<(), String> {
        let Some(certificate) = &self.0.certificate else { return Ok(()) };
        let mut checked = self.0.checked.lock();
        if checked.as_deref() != Some(name) {
            certified(certificate, name)?;
            *checked = Some(name.to_owned());
        }
        Ok(())
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "member {} ({:?}, {})", self.0.from, self.0.name, self.0.address)
    }
}

/// Whether a certificate is for the given name; if not, words for who showed it.
pub fn certified(certificate: &CertificateDer<'_>, name: &str) -> Result<(), String> {
    tls::names(certificate, name).map_err(|why| format!("{why}; the certificate must hold the member's name"))
}

/// A request that was let in.
#[derive(Clone)]
pub struct Passed {
    pub caller: Caller,
    pub topic: Topic,
}

/// Checks requests.
#[derive(Clone)]
pub struct Gate {
    pub names: Names,
    pub cluster: Arc<ArcSwap<String>>,
    pub counters: Arc<Counters>,
}

impl Interceptor for Gate {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let Some(caller) = request.extensions().get::<Caller>().cloned() else {
            return Err(Status::internal("a connection without a caller"));
        };
        let topic = topic(request.metadata())?;
        if let Err((rejected, why)) = self.check(&caller, topic, request.metadata()) {
            self.counters.reject(rejected, &caller, &why);
            return Err(Status::permission_denied(why));
        }
        self.counters.requests.fetch_add(1, Relaxed);
        request.extensions_mut().insert(Passed { caller, topic });
        Ok(request)
    }
}

impl Gate {
    fn check(&self, caller: &Caller, topic: Topic, metadata: &MetadataMap) -> Result<(), (Rejected, String)> {
        if topic.kind != kind::JOIN {
            self.same_cluster(metadata)?;
            if !caller.0.knows_us {
                let why = "who knows an address only may ask for nothing but to join";
                return Err((Rejected::Other, why.to_owned()));
            }
        }
        if caller.0.certificate.is_none() {
            return Ok(());
        }
        let name = match self.names.of(caller.member()) {
            Some(name) => name,
            None if topic.kind == kind::JOIN => caller.name().to_owned(),
            None => return Err((Rejected::Other, "it must join before it may ask for anything else".into())),
        };
        caller.certified(&name).map_err(|why| (Rejected::Certificate, why))
    }

    fn same_cluster(&self, metadata: &MetadataMap) -> Result<(), (Rejected, String)> {
        let ours = self.cluster.load();
        let theirs = metadata.get(metadata::CLUSTER).map(|value| value.as_bytes()).unwrap_or_default();
        if ours.is_empty() || theirs.is_empty() || theirs == ours.as_bytes() {
            return Ok(());
        }
        Err((Rejected::Cluster, format!("it belongs to another cluster, {}", ours.as_str())))
    }
}

fn topic(metadata: &MetadataMap) -> Result<Topic, Status> {
    Ok(Topic { kind: number(metadata, metadata::KIND)?, group: number(metadata, metadata::GROUP)? })
}

fn number<T: FromStr>(metadata: &MetadataMap, key: &'static str) -> Result<T, Status> {
    let value = metadata.get(key).and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok());
    value.ok_or_else(|| Status::invalid_argument(format!("{key} must be a number")))
}
