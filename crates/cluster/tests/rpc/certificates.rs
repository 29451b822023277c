//! Mutual TLS with certificates of a test's own authority.

use crate::member::*;
use bytes::Bytes;
use cluster::carrier::Carrier;
use cluster::rpc::{Error, Names, Security, Server, TlsFiles};
use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use std::sync::Arc;
use tempfile::TempDir;

/// A certificate authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Certificate and key for a name.
    fn certify(&self, name: &str, expired: bool) -> (String, String) {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        if expired {
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

/// Files of one member.
struct Files {
    folder: TempDir,
}

impl Files {
    /// Trusts one authority, shows a certificate of another.
    fn new(trusted: &Authority, certificate: (String, String)) -> Files {
        let files = Files { folder: TempDir::new().unwrap() };
        files.write(trusted, certificate);
        files
    }

    fn write(&self, trusted: &Authority, (certificate, key): (String, String)) {
        for (name, text) in [("ca", trusted.0.pem()), ("cert", certificate), ("key", key)] {
            std::fs::write(self.folder.path().join(name), text).unwrap();
        }
    }

    fn paths(&self) -> TlsFiles {
        let path = |name| self.folder.path().join(name);
        TlsFiles { ca: path("ca"), cert: path("cert"), key: path("key") }
    }

    fn security(&self) -> Security {
        Security::new(None, Some(self.paths())).unwrap()
    }
}

/// Good files of a member.
fn good(authority: &Authority, member: u64) -> Files {
    Files::new(authority, authority.certify(&name(member), false))
}

#[tokio::test]
async fn good_certificates() {
    let authority = Authority::new();
    let (first, second) = (good(&authority, 1), good(&authority, 2));
    let server = serve(2, second.security()).await;
    let link = link(first.security());
    link.set_addresses(only(2, server.address()));
    assert_eq!(ask(&link, WHO, "").await.unwrap(), "1 in 7");
    let frames = futures::stream::iter((0..4).map(|n| Bytes::from(vec![n; 1 << 20])));
    let answer = link.upload(2, UPLOAD, Box::pin(frames)).await.unwrap();
    assert_eq!(answer, format!("4 {}", 6 << 20));
}

#[tokio::test]
async fn certificates_and_a_secret() {
    let authority = Authority::new();
    let (first, second) = (good(&authority, 1), good(&authority, 2));
    let both = |files: &Files, secret| Security::new(Some(secret), Some(files.paths())).unwrap();
    let server = serve(2, both(&second, SECRET)).await;
    for (security, denied) in [
        (both(&first, SECRET), None),
        (both(&first, "another"), Some("another shared secret")),
        (first.security(), Some("wants a shared secret")),
        (secret(), Some("wants TLS")),
    ] {
        let link = link(security);
        link.set_addresses(only(2, server.address()));
        let asked = ask(&link, ECHO, "x").await;
        match denied {
            None => assert_eq!(asked.unwrap(), "x"),
            Some(words) => is_denied(asked, words),
        }
    }
    let stats = server.stats();
    assert_eq!((stats.rejected_secret, stats.rejected_certificate, stats.admitted), (2, 1, 1));
}

#[tokio::test]
async fn bad_certificates() {
    let (authority, other) = (Authority::new(), Authority::new());
    let second = good(&authority, 2);
    let server = serve(2, second.security()).await;
    let certificates = [
        ("a stranger's authority", Files::new(&authority, other.certify(&name(1), false))),
        ("another name", Files::new(&authority, authority.certify(&name(3), false))),
        ("expired", Files::new(&authority, authority.certify(&name(1), true))),
        ("trusts somebody else", Files::new(&other, authority.certify(&name(1), false))),
    ];
    for (count, (what, files)) in certificates.iter().enumerate() {
        let link = link(files.security());
        link.set_addresses(only(2, server.address()));
        let asked = ask(&link, ECHO, "x").await;
        assert!(matches!(asked, Err(cluster::CarryError::Denied { .. })), "{what}: {asked:?}");
        // The server may learn of it a moment later.
        let counted = async {
            while server.stats().rejected_certificate <= count as u64 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, counted).await.unwrap_or_else(|_| panic!("{what}: {:?}", server.stats()));
    }
    assert_eq!(server.stats().admitted, 0);
}

/// Who is dialed must show the name that it is known by.
#[tokio::test]
async fn a_server_with_a_bad_certificate() {
    let (authority, other) = (Authority::new(), Authority::new());
    let first = good(&authority, 1);
    for certificate in [
        authority.certify(&name(3), false),
        authority.certify(&name(2), true),
        other.certify(&name(2), false),
    ] {
        let server = serve(2, Files::new(&authority, certificate).security()).await;
        let link = link(first.security());
        link.set_addresses(only(2, server.address()));
        is_denied(ask(&link, ECHO, "x").await, "certificate");
    }
}

#[tokio::test]
async fn a_server_without_tls() {
    let authority = Authority::new();
    let server = serve(2, secret()).await;
    let link = link(good(&authority, 1).security());
    link.set_addresses(only(2, server.address()));
    assert!(matches!(ask(&link, ECHO, "x").await, Err(cluster::CarryError::Denied { .. })));
}

/// One that is no member may ask to become one, under the name that it can prove; and what it may
/// do changes with the list of members, not with the connection.
#[tokio::test]
async fn one_who_is_no_member_yet() {
    let authority = Authority::new();
    let (first, second) = (good(&authority, 1), good(&authority, 2));
    let known: Arc<Mutex<Option<&str>>> = Arc::default();
    let names = known.clone();
    let mut options = options();
    options.names = Names::new(move |_| names.lock().map(str::to_owned));
    let server = Server::start(options, identity(2), second.security(), Arc::new(Echo)).await.unwrap();
    let link = link(first.security());
    link.set_addresses(only(2, server.address()));
    assert_eq!(ask(&link, JOIN, "may I?").await.unwrap(), "may I?");
    is_denied(ask(&link, ECHO, "x").await, "must join");
    *known.lock() = Some("m1.test");
    assert_eq!(ask(&link, ECHO, "x").await.unwrap(), "x");
    *known.lock() = Some("m5.test");
    is_denied(ask(&link, ECHO, "x").await, "not for m5.test");
    assert_eq!(link.member_stats()[&2].dials, 1);

    // One that claims a name it has no certificate for.
    *known.lock() = None;
    let liar = Files::new(&authority, authority.certify("m9.test", false));
    let link = crate::member::link(liar.security());
    link.set_addresses(only(2, server.address()));
    is_denied(ask(&link, JOIN, "x").await, "not for m1.test");
}

/// A new authority and new certificates are taken while the old connections go on.
#[tokio::test]
async fn new_certificates() {
    let (old, new) = (Authority::new(), Authority::new());
    let (first, second) = (good(&old, 1), good(&old, 2));
    let security = second.security();
    let server = serve(2, security.clone()).await;
    let link_before = link(first.security());
    link_before.set_addresses(only(2, server.address()));
    ask(&link_before, ECHO, "x").await.unwrap();

    second.write(&new, new.certify(&name(2), false));
    security.reload().unwrap();
    assert_eq!(ask(&link_before, ECHO, "goes on").await.unwrap(), "goes on");
    let reached = async |security| {
        let link = link(security);
        link.set_addresses(only(2, server.address()));
        ask(&link, ECHO, "x").await
    };
    is_denied(reached(first.security()).await, "certificate");
    first.write(&new, new.certify(&name(1), false));
    assert_eq!(reached(first.security()).await.unwrap(), "x");

    // Files that cannot be used change nothing.
    std::fs::write(&second.paths().key, "no key").unwrap();
    let error = security.reload().unwrap_err();
    assert!(matches!(error, Error::File { key: "ssl-key", .. }), "{error}");
    assert!(error.to_string().contains("[rpc] ssl-key"));
    assert_eq!(reached(first.security()).await.unwrap(), "x");
}

#[test]
fn files_that_cannot_be_used() {
    let authority = Authority::new();
    let files = good(&authority, 1);
    let paths = files.paths();
    let broken = |change: &dyn Fn(&mut TlsFiles)| {
        let mut paths = paths.clone();
        change(&mut paths);
        Security::new(None, Some(paths)).unwrap_err().to_string()
    };
    assert!(broken(&|paths| paths.ca = "/nowhere".into()).contains("[rpc] ssl-ca"));
    assert!(broken(&|paths| paths.cert = paths.key.clone()).contains("[rpc] ssl-cert"));
    assert!(broken(&|paths| paths.key = paths.ca.clone()).contains("[rpc] ssl-key"));
    // A key of another certificate.
    std::fs::write(&paths.key, authority.certify("x", false).1).unwrap();
    assert!(broken(&|_| {}).contains("ssl-cert and ssl-key"));
}
