//! The address that the API listens on.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::TcpListener;

/// A bound address, to be served.
#[derive(Debug)]
pub struct Listener(pub(crate) TcpListener);

impl Listener {
    /// The address with the port that was taken, of use when port 0 was asked for.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Takes an address: `:9092` for all interfaces (IPv6 and IPv4 where the machine has both),
/// `host:9092` for one.
pub async fn bind(address: &str) -> Result<Listener, String> {
    let bound = match address.strip_prefix(':') {
        Some(port) => all_interfaces(port).await,
        None => TcpListener::bind(address).await,
    };
    bound.map(Listener).map_err(|error| explain(address, &error))
}

async fn all_interfaces(port: &str) -> io::Result<TcpListener> {
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

fn explain(address: &str, error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => "another process listens there: stop it, or set [http] bind-address",
        io::ErrorKind::PermissionDenied => "ports below 1024 need privileges: set [http] bind-address",
        io::ErrorKind::AddrNotAvailable => "the machine has no such address: set [http] bind-address",
        _ => "set [http] bind-address to :PORT or HOST:PORT",
    };
    format!("cannot listen on {address}: {error}; {advice}")
}
