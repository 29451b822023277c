//! What members prove to each other with: a shared secret, certificates, or both.

use super::Error;
use super::tls::{Configs, Tls};
use ring::hmac;
use std::path::PathBuf;
use std::sync::Arc;

/// Paths of PEM files for mutual TLS. The certificate must be good for both a server and a client,
/// and hold the member's name (host part of its advertised address) among its alternative names.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Authorities that sign members' certificates; nobody else's are accepted.
    pub ca: PathBuf,
    /// This member's certificate, followed by intermediate ones.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The means of proof. There is always at least one. Cloning shares them.
#[derive(Clone)]
pub struct Security {
    secret: Option<Arc<hmac::Key>>,
    tls: Option<Arc<Tls>>,
}

impl Security {
    /// From the configuration. An empty secret is none.
    ///
    /// # Errors
    /// [`Error::Unprotected`] with neither, and whatever is wrong with the files.
    pub fn new(secret: Option<&str>, tls: Option<TlsFiles>) -> Result<Security, Error> {
        let secret = secret.filter(|secret| !secret.is_empty());
        if secret.is_none() && tls.is_none() {
            return Err(Error::Unprotected);
        }
        Ok(Security {
            secret: secret.map(|secret| Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))),
            tls: tls.map(Tls::new).transpose()?.map(Arc::new),
        })
    }

    /// Reads the certificates again, now. Connections made from here on use them; if they cannot be
    /// used, the old ones stay. Changed files are noticed without this, too, within ten seconds of
    /// use.
    ///
    /// # Errors
    /// What is wrong with the files.
    pub fn reload(&self) -> Result<(), Error> {
        self.tls.as_ref().map_or(Ok(()), |tls| tls.reload())
    }

    /// The key that proofs are made with.
    pub(super) fn secret(&self) -> Option<&hmac::Key> {
        self.secret.as_deref()
    }

    /// What TLS works with at the moment.
    pub(super) fn tls(&self) -> Option<Arc<Configs>> {
        self.tls.as_ref().map(|tls| tls.current())
    }
}

impl std::fmt::Debug for Security {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Security")
            .field("secret", &self.secret.is_some())
            .field("tls", &self.tls.is_some())
            .finish()
    }
}
