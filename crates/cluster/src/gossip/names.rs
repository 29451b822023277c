//! Addresses behind names, looked up when something is sent and kept for a few seconds: a container
//! that comes back under another address is found again without anybody being told.

use super::address::Target;
use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How many addresses of one name are used.
const ADDRESSES_MAX: usize = 64;
/// How many datagrams wait for a name that is looked up for the first time.
const HELD_MAX: usize = 8;
/// How many names are kept.
const NAMES_MAX: usize = 4096;
/// A name that nobody asked for in this time is dropped when there are too many.
const UNUSED: Duration = Duration::from_secs(60);

/// Finds addresses for a name.
pub trait Resolve: Send + Sync + 'static {
    /// Looks up a host. It may block: it is called where that does no harm.
    ///
    /// # Errors
    /// What the system says.
    fn resolve(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>>;
}

/// Asks the system, so `/etc/hosts`, Docker's DNS and the like.
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        (host, port).to_socket_addrs().map(Iterator::collect)
    }
}

/// The outcome of a look-up.
pub(super) struct Resolved {
    name: String,
    found: std::io::Result<Vec<SocketAddr>>,
}

struct Name {
    addresses: Vec<SocketAddr>,
    /// When they were looked up last.
    at: Option<Instant>,
    used: Instant,
    asking: bool,
    /// Where the member was heard from last.
    heard: Option<SocketAddr>,
    held: Vec<Vec<u8>>,
}

/// What a finished look-up brings.
pub(super) struct Found {
    pub name: String,
    /// Datagrams that were waiting.
    pub held: Vec<Vec<u8>>,
    /// Whether these are the first addresses of this name.
    pub first: bool,
    /// What went wrong, if so.
    pub error: Option<std::io::Error>,
}

/// All names in use.
pub(super) struct Names {
    resolver: Arc<dyn Resolve>,
    ttl: Duration,
    names: HashMap<String, Name>,
    done: mpsc::UnboundedSender<Resolved>,
}

impl Names {
    /// What is looked up comes back through the receiver, to be given to [`Names::resolved`].
    pub fn new(resolver: Arc<dyn Resolve>, ttl: Duration) -> (Self, mpsc::UnboundedReceiver<Resolved>) {
        let (done, results) = mpsc::unbounded_channel();
        (Self { resolver, ttl, names: HashMap::new(), done }, results)
    }

    /// The addresses behind `host:port` as far as known; looks them up again if that was long ago.
    /// What was known before is used meanwhile.
    pub fn find(&mut self, name: &str, now: Instant) -> &[SocketAddr] {
        self.bound(now);
        let entry = self.names.entry(name.to_owned()).or_insert_with(|| Name {
            addresses: Vec::new(),
            at: None,
            used: now,
            asking: false,
            heard: None,
            held: Vec::new(),
        });
        entry.used = now;
        let stale = entry.at.is_none_or(|at| now.saturating_duration_since(at) >= self.ttl);
        if stale && !entry.asking {
            match Target::parse("peers", name, 0) {
                Ok(target) => match target.numeric() {
                    Some(address) => {
                        entry.addresses = vec![address];
                        entry.at = Some(now);
                    }
                    None => {
                        entry.asking = true;
                        ask(self.resolver.clone(), self.done.clone(), name.to_owned(), target);
                    }
                },
                // Only a peer can have told us such a name; there is nothing to be found.
                Err(_) => entry.at = Some(now),
            }
        }
        &entry.addresses
    }

    /// The one address to use for a member that is reached at `host:port`: where it was heard from,
    /// if that is one of them.
    pub fn pick(&mut self, name: &str, now: Instant) -> Option<SocketAddr> {
        let first = self.find(name, now).first().copied();
        let entry = self.names.get(name)?;
        entry.heard.filter(|heard| entry.addresses.contains(heard)).or(first)
    }

    /// A member that is reached at `host:port` was heard from there.
    pub fn heard(&mut self, name: &str, from: SocketAddr) {
        if let Some(entry) = self.names.get_mut(name) {
            entry.heard = Some(from);
        }
    }

    /// Keeps a datagram until the name has been looked up for the first time. Returns whether it did.
    pub fn hold(&mut self, name: &str, datagram: Vec<u8>) -> bool {
        match self.names.get_mut(name) {
            Some(entry) if entry.asking && entry.held.len() < HELD_MAX => {
                entry.held.push(datagram);
                true
            }
            _ => false,
        }
    }

    /// Looks the name up again next time.
    pub fn expire(&mut self, name: &str) {
        if let Some(entry) = self.names.get_mut(name) {
            entry.at = None;
        }
    }

    /// Takes the outcome of a look-up. Addresses from before stay if it failed.
    pub fn resolved(&mut self, resolved: Resolved, now: Instant) -> Option<Found> {
        let entry = self.names.get_mut(&resolved.name)?;
        entry.asking = false;
        entry.at = Some(now);
        let held = std::mem::take(&mut entry.held);
        let (first, error) = match resolved.found {
            Ok(mut addresses) if !addresses.is_empty() => {
                addresses.truncate(ADDRESSES_MAX);
                let first = entry.addresses.is_empty();
                entry.addresses = addresses;
                (first, None)
            }
            Ok(_) => (false, Some(std::io::Error::other("no addresses"))),
            Err(error) => (false, Some(error)),
        };
        Some(Found { name: resolved.name, held, first, error })
    }

    fn bound(&mut self, now: Instant) {
        if self.names.len() >= NAMES_MAX {
            self.names.retain(|_, entry| now.saturating_duration_since(entry.used) < UNUSED);
        }
        if self.names.len() >= NAMES_MAX {
            self.names.clear();
        }
    }
}

/// Looks up where blocking does no harm. When nobody waits for the outcome any more, it is dropped.
fn ask(resolver: Arc<dyn Resolve>, done: mpsc::UnboundedSender<Resolved>, name: String, target: Target) {
    tokio::task::spawn_blocking(move || {
        let found = resolver.resolve(&target.host, target.port);
        let _stopped = done.send(Resolved { name, found });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;

    #[derive(Default)]
    struct Fixed(Mutex<Vec<SocketAddr>>);

    impl Resolve for Fixed {
        fn resolve(&self, _host: &str, _port: u16) -> std::io::Result<Vec<SocketAddr>> {
            Ok(self.0.lock().clone())
        }
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_name_is_looked_up_again_and_the_old_address_is_used_meanwhile() {
        let resolver = Arc::new(Fixed::default());
        *resolver.0.lock() = vec![address("10.0.0.1:1"), address("10.0.0.2:1")];
        let (mut names, mut results) = Names::new(resolver.clone(), Duration::from_secs(3));
        let start = Instant::now();
        assert_eq!(names.pick("a:1", start), None);
        assert!(names.hold("a:1", vec![1]));
        let found = names.resolved(results.recv().await.unwrap(), start).unwrap();
        assert!(found.first && found.error.is_none());
        assert_eq!((found.name.as_str(), found.held), ("a:1", vec![vec![1]]));
        assert!(!names.hold("a:1", vec![1]));
        assert_eq!(names.pick("a:1", start), Some(address("10.0.0.1:1")));
        names.heard("a:1", address("10.0.0.2:1"));
        assert_eq!(names.pick("a:1", start), Some(address("10.0.0.2:1")));

        *resolver.0.lock() = vec![address("10.0.0.3:1")];
        let later = start + Duration::from_secs(3);
        assert_eq!(names.pick("a:1", later), Some(address("10.0.0.2:1")));
        assert!(!names.resolved(results.recv().await.unwrap(), later).unwrap().first);
        assert_eq!(names.pick("a:1", later), Some(address("10.0.0.3:1")), "where it was heard is no more");

        resolver.0.lock().clear();
        names.expire("a:1");
        names.find("a:1", later);
        assert!(names.resolved(results.recv().await.unwrap(), later).unwrap().error.is_some());
        assert_eq!(names.find("a:1", later), [address("10.0.0.3:1")]);
    }

    #[tokio::test]
    async fn numbers_need_no_look_up_and_rubbish_gets_none() {
        let (mut names, mut results) = Names::new(Arc::new(Fixed::default()), Duration::from_secs(3));
        let now = Instant::now();
        assert_eq!(names.find("10.0.0.9:7", now), [address("10.0.0.9:7")]);
        assert_eq!(names.find("[::1]:7", now), [address("[::1]:7")]);
        assert_eq!(names.find("a/b", now), []);
        assert!(results.try_recv().is_err());
    }
}
