//! Mutual TLS: certificates from files, read again when the files change, and the check of the
//! names in them.

use super::{Error, TlsFiles};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::client::{Resumption, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How often the files are looked at, at most.
const LOOK: Duration = Duration::from_secs(10);

/// Who comes with another protocol is turned away by TLS already.
const PROTOCOL: &[u8] = b"farad-peer";

/// Both sides of TLS, made of the same files.
pub struct Configs {
    /// For connections that come in.
    pub server: Arc<ServerConfig>,
    /// For connections that go out.
    pub client: Arc<ClientConfig>,
}

/// The files, and what was made of them last.
pub struct Tls {
    files: TlsFiles,
    current: ArcSwap<Configs>,
    seen: Mutex<Seen>,
}

/// The state of the files when they were last taken.
struct Seen {
    stamps: [Option<Stamp>; 3],
    looked: Instant,
}

/// Tells one version of a file from the next.
type Stamp = (SystemTime, u64);

impl Tls {
    /// Reads the files.
    pub fn new(files: TlsFiles) -> Result<Tls, Error> {
        // Before the files, so that a change in between is seen later.
        let stamps = stamps(&files);
        let configs = configs(&files)?;
        let seen = Mutex::new(Seen { stamps, looked: Instant::now() });
        Ok(Tls { files, current: ArcSwap::from_pointee(configs), seen })
    }

    /// Reads the files again.
    pub fn reload(&self) -> Result<(), Error> {
        let stamps = stamps(&self.files);
        let configs = configs(&self.files)?;
        self.current.store(Arc::new(configs));
        *self.seen.lock() = Seen { stamps, looked: Instant::now() };
        Ok(())
    }

    /// What to use for the next connection.
    pub fn current(&self) -> Arc<Configs> {
        if self.changed() {
            match self.reload() {
                Ok(()) => tracing::info!("the certificates of the peer port changed: took the new ones"),
                Err(error) => tracing::warn!(%error, "keeping the old certificates of the peer port"),
            }
        }
        self.current.load_full()
    }

    fn changed(&self) -> bool {
        let mut seen = self.seen.lock();
        if seen.looked.elapsed() < LOOK {
            return false;
        }
        seen.looked = Instant::now();
        stamps(&self.files) != seen.stamps
    }
}

fn stamps(files: &TlsFiles) -> [Option<Stamp>; 3] {
    [&files.ca, &files.cert, &files.key].map(|path| {
        let file = std::fs::metadata(path).ok()?;
        Some((file.modified().ok()?, file.len()))
    })
}

fn configs(files: &TlsFiles) -> Result<Configs, Error> {
    let roots = Arc::new(roots(&files.ca)?);
    let chain = certificates(&files.cert, "ssl-cert")?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|why| unusable(&files.key, "ssl-key", why))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = server(roots.clone(), chain.clone(), key.clone_key(), provider.clone())?;
    let client = client(roots, chain, key, provider)?;
    Ok(Configs { server: Arc::new(server), client: Arc::new(client) })
}

fn server(
    roots: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: Arc<CryptoProvider>,
) -> Result<ServerConfig, Error> {
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
        .build()
        .map_err(|why| Error::Certificate(why.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .and_then(|builder| builder.with_client_cert_verifier(verifier).with_single_cert(chain, key))
        .map_err(|why| Error::Certificate(why.to_string()))?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    // A resumed session would outlive a certificate that has expired or been replaced.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn client(
    roots: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, Error> {
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .and_then(|builder| builder.with_root_certificates(roots).with_client_auth_cert(chain, key))
        .map_err(|why| Error::Certificate(why.to_string()))?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn roots(path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, "ssl-ca")? {
        roots.add(certificate).map_err(|why| unusable(path, "ssl-ca", why))?;
    }
    Ok(roots)
}

fn certificates(path: &Path, key: &'static str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let all: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(|certificates| certificates.collect());
    let all = all.map_err(|why| unusable(path, key, why))?;
    if all.is_empty() { Err(unusable(path, key, "it holds no certificate")) } else { Ok(all) }
}

fn unusable(path: &Path, key: &'static str, why: impl ToString) -> Error {
    Error::File { path: path.to_owned(), key, why: why.to_string() }
}

/// Whether a certificate speaks for a host name or IP address. The certificate's signatures have
/// been verified by TLS before.
pub fn names(certificate: &CertificateDer<'_>, name: &str) -> Result<(), String> {
    let wanted = ServerName::try_from(name).map_err(|_| format!("{name:?} is no host name"))?;
    ParsedCertificate::try_from(certificate)
        .and_then(|certificate| verify_server_name(&certificate, &wanted))
        .map_err(|_| format!("its certificate is not for {name}"))
}

/// Whether TLS refused the other side (or was refused by it) for good: a second try ends the same.
pub fn is_refusal(error: &io::Error) -> bool {
    use rustls::AlertDescription as Alert;
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return false;
    };
    match error {
        rustls::Error::AlertReceived(alert) => {
            !matches!(alert, Alert::CloseNotify | Alert::InternalError | Alert::UserCanceled)
        }
        rustls::Error::InvalidCertificate(_)
        | rustls::Error::NoCertificatesPresented
        | rustls::Error::PeerIncompatible(_)
        | rustls::Error::InvalidMessage(_)
        | rustls::Error::NoApplicationProtocol => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use tempfile::TempDir;

    fn write(folder: &TempDir) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["m1.test".to_owned(), "10.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let files = [("ca", authority.pem()), ("cert", certificate.pem()), ("key", key.serialize_pem())];
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        certificate.der().clone()
    }

    fn tls(folder: &TempDir) -> Tls {
        let path = |name| folder.path().join(name);
        Tls::new(TlsFiles { ca: path("ca"), cert: path("cert"), key: path("key") }).unwrap()
    }

    #[test]
    fn changed_files_are_noticed() {
        let folder = TempDir::new().unwrap();
        write(&folder);
        let tls = tls(&folder);
        let first = tls.current();
        let look = || {
            let before = Instant::now().checked_sub(LOOK).expect("the machine runs longer than that");
            tls.seen.lock().looked = before;
            tls.current()
        };
        assert!(Arc::ptr_eq(&first, &look()), "nothing has changed");
        write(&folder);
        assert!(Arc::ptr_eq(&first, &tls.current()), "not looked at all the time");
        let second = look();
        assert!(!Arc::ptr_eq(&first, &second));
        std::fs::write(folder.path().join("cert"), "half a certif").unwrap();
        assert!(Arc::ptr_eq(&second, &look()), "the old ones stay");
        write(&folder);
        assert!(!Arc::ptr_eq(&second, &look()));
    }

    #[test]
    fn names_in_certificates() {
        let certificate = write(&TempDir::new().unwrap());
        for (name, expected) in [
            ("m1.test", true),
            ("M1.test", true),
            ("10.0.0.1", true),
            ("10.0.0.2", false),
            ("m2.test", false),
            ("test", false),
            ("", false),
            ("no name", false),
        ] {
            assert_eq!(names(&certificate, name).is_ok(), expected, "{name:?}");
        }
        assert!(names(&CertificateDer::from(vec![1, 2, 3]), "m1.test").is_err());
    }
}
