//! Addresses as they are written: `host:port`, `:port`, `host`, `[::1]:port`.

use super::options::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

/// Longest host name that DNS knows.
const HOST_BYTES_MAX: usize = 255;

/// A host, by name or number, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Target {
    /// Without brackets.
    pub host: String,
    pub port: u16,
}

/// Host and port, the port empty when there is none.
fn split(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) => Some((host, port)),
            None if after.is_empty() => Some((host, "")),
            None => None,
        };
    }
    // More than one colon and no brackets: an IPv6 address without a port.
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some((text, ""));
    }
    Some(text.split_once(':').unwrap_or((text, "")))
}

impl Target {
    /// Reads the value of `option`; `port` is taken when none is written.
    pub fn parse(option: &'static str, text: &str, port: u16) -> Result<Self, Error> {
        let wrong = |why| Error::Address { option, given: text.to_owned(), why };
        let (host, written) = split(text.trim()).ok_or_else(|| wrong("expected host:port"))?;
        if host.is_empty() {
            return Err(wrong("the host is missing"));
        }
        if host.len() > HOST_BYTES_MAX {
            return Err(wrong("the host is longer than 255 bytes"));
        }
        if host.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/') {
            return Err(wrong("a host has no blanks or slashes"));
        }
        if host.contains(':') && host.parse::<Ipv6Addr>().is_err() {
            return Err(wrong("expected host:port"));
        }
        let port = match written {
            "" => port,
            digits => digits.parse().map_err(|_| wrong("the port is not a number up to 65535"))?,
        };
        Ok(Self { host: host.to_owned(), port })
    }

    /// The address, when the host is a number and nobody needs to be asked.
    pub fn numeric(&self) -> Option<SocketAddr> {
        let host: IpAddr = self.host.parse().ok()?;
        Some(SocketAddr::new(host, self.port))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

/// Port of the bind address.
pub(super) fn port_of(bind: &str) -> Result<u16, Error> {
    let wrong = |why| Error::Address { option: "bind-address", given: bind.to_owned(), why };
    let (_, port) = bind.rsplit_once(':').ok_or_else(|| wrong("expected host:port or :port"))?;
    port.parse().map_err(|_| wrong("the port is not a number up to 65535"))
}

/// Opens the socket. Without a host it listens on all addresses, of IPv6 too where an IPv6 socket
/// takes both.
pub(super) fn bind(address: &str) -> Result<UdpSocket, Error> {
    let failed = |source| Error::Bind { address: address.to_owned(), source };
    let socket = match address.strip_prefix(':') {
        Some(_) => bind_all(port_of(address)?),
        None => address.to_socket_addrs().and_then(|found| UdpSocket::bind(&found.collect::<Vec<_>>()[..])),
    }
    .map_err(failed)?;
    socket.set_nonblocking(true).map_err(failed)?;
    Ok(socket)
}

fn bind_all(port: u16) -> std::io::Result<UdpSocket> {
    let takes_both =
        std::fs::read_to_string("/proc/sys/net/ipv6/bindv6only").is_ok_and(|text| text.trim() == "0");
    if takes_both && let Ok(socket) = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port)) {
        return Ok(socket);
    }
    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))
}

/// The address as a socket that listens on `local` must write it; none if it cannot reach it.
pub(super) fn for_socket(local: SocketAddr, to: SocketAddr) -> Option<SocketAddr> {
    match (local.ip(), to.ip().to_canonical()) {
        (IpAddr::V4(_), ip @ IpAddr::V4(_)) => Some(SocketAddr::new(ip, to.port())),
        (IpAddr::V6(_), IpAddr::V6(_)) => Some(to),
        (IpAddr::V6(own), IpAddr::V4(ip)) if own.is_unspecified() => {
            Some(SocketAddr::new(ip.to_ipv6_mapped().into(), to.port()))
        }
        _ => None,
    }
}

/// The address as people know it: an IPv4 address seen by an IPv6 socket is an IPv4 address.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let cases = [
            ("kapacitor-1:9090", Some("kapacitor-1:9090")),
            ("kapacitor-1", Some("kapacitor-1:1")),
            ("10.0.0.1:5", Some("10.0.0.1:5")),
            ("[::1]:5", Some("[::1]:5")),
            ("[::1]", Some("[::1]:1")),
            ("fe80::2", Some("[fe80::2]:1")),
            (" a.b:7 ", Some("a.b:7")),
            ("", None),
            (":9090", None),
            ("a:", Some("a:1")),
            ("a:99999", None),
            ("a:b:c", None),
            ("[::1", None),
            ("[a:b]:1", None),
            ("[::1]x", None),
            ("http://a:1", None),
            ("a b:1", None),
        ];
        for (text, wanted) in cases {
            let got = Target::parse("peers", text, 1).ok().map(|target| target.to_string());
            assert_eq!(got.as_deref(), wanted, "{text:?}");
        }
        assert!(Target::parse("peers", &"a".repeat(256), 1).is_err());
    }

    #[test]
    fn a_socket_for_both_writes_ipv4_mapped() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let cases = [
            ("0.0.0.0:1", "10.0.0.1:2", Some("10.0.0.1:2")),
            ("0.0.0.0:1", "[::1]:2", None),
            ("[::]:1", "10.0.0.1:2", Some("[::ffff:10.0.0.1]:2")),
            ("[::]:1", "[::1]:2", Some("[::1]:2")),
            ("[::1]:1", "10.0.0.1:2", None),
        ];
        for (local, to, wanted) in cases {
            assert_eq!(for_socket(address(local), address(to)), wanted.map(address), "{local} {to}");
        }
        assert_eq!(canonical(address("[::ffff:10.0.0.1]:2")), address("10.0.0.1:2"));
    }
}
