//! Why members cannot be talked with at all: told once, at the start or at a reload.

use std::path::PathBuf;

/// What keeps the server or the link from starting, or new certificates from being taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither a secret nor TLS.
    #[error(
        "anyone could speak to the peer port: set [cluster] shared-secret, or [rpc] tls-enabled with ssl-ca, \
         ssl-cert and ssl-key"
    )]
    Unprotected,
    /// A file that cannot be read, or holds something else.
    #[error("cannot take {}: {why}; check [rpc] {key}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The key that names it.
        key: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Certificate, key and authority do not make a whole.
    #[error("cannot use the certificate of the peer port: {0}; check [rpc] ssl-ca, ssl-cert and ssl-key")]
    Certificate(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address} for other members: {why}; set [rpc] bind-address")]
    Bind {
        /// The address as configured.
        address: String,
        /// What the operating system says.
        why: std::io::Error,
    },
}
