//! What gossip needs to be told, and whether that makes sense.

use super::address::{self, Target};
use super::names::{Resolve, SystemResolver};
use super::packet;
use crate::carrier::MemberId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Longest text in an [`About`], in bytes: what a DNS name may have, and a port.
const TEXT_BYTES_MAX: usize = 263;

/// What a member says of itself to the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its number.
    pub id: MemberId,
    /// Its host name, such as `kapacitor-1`.
    pub name: String,
    /// Where its gossip is reached: host and port.
    pub gossip: String,
    /// Where its peer RPC is reached: host and port.
    pub rpc: String,
    /// Where its API is reached.
    pub api: String,
    /// The id in its data directory.
    pub uuid: String,
    /// The version of its program.
    pub version: String,
    /// When its process started, in Unix milliseconds.
    pub started: i64,
}

impl About {
    fn texts(&self) -> [&str; 6] {
        [&self.name, &self.gossip, &self.rpc, &self.api, &self.uuid, &self.version]
    }

    /// Whether no text is longer than what a member may say.
    pub(super) fn is_bounded(&self) -> bool {
        self.texts().iter().all(|text| text.len() <= TEXT_BYTES_MAX)
    }
}

/// How fast things go. The default suits a local network: a process that is killed is seen as down
/// by all after about three seconds.
#[derive(Clone, Debug)]
pub struct Timing {
    /// How often one of the others is probed.
    pub probe_period: Duration,
    /// How long a probe may take before others are asked to probe too; less than half a period.
    pub probe_rtt: Duration,
    /// How long a member that answers no probe has to object before it is taken for down.
    pub suspicion: Duration,
    /// How often news is passed on while there is any.
    pub spread: Duration,
    /// How often peers that have not answered, and members that are down, are greeted.
    pub hello: Duration,
    /// How often peers that have answered are greeted.
    pub hello_again: Duration,
    /// How long an address found for a name is used before it is looked up again.
    pub resolve_ttl: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            probe_period: Duration::from_millis(500),
            probe_rtt: Duration::from_millis(200),
            suspicion: Duration::from_secs(2),
            spread: Duration::from_millis(150),
            hello: Duration::from_secs(1),
            hello_again: Duration::from_secs(10),
            resolve_ttl: Duration::from_secs(3),
        }
    }
}

/// What [`Gossip::start`](super::Gossip::start) needs.
#[derive(Clone)]
pub struct Options {
    /// Where to listen: `host:port`; without a host on all addresses.
    pub bind: String,
    /// Where the others reach this member: `host:port`; without a port that of `bind`.
    pub advertise: String,
    /// Where others may be found: `host:port`, or `host`, which means the port of `bind`. A name may
    /// stand for many addresses.
    pub peers: Vec<String>,
    /// What all members of a cluster know and nobody else.
    pub secret: String,
    /// Which cluster this member belongs to; empty until it has been founded or joined.
    pub cluster: String,
    /// How fast things go.
    pub timing: Timing,
    /// How addresses are found for names.
    pub resolver: Arc<dyn Resolve>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bind: ":9090".to_owned(),
            advertise: String::new(),
            peers: Vec::new(),
            secret: String::new(),
            cluster: String::new(),
            timing: Timing::default(),
            resolver: Arc::new(SystemResolver),
        }
    }
}

/// Leaves the secret out.
impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Options")
            .field("bind", &self.bind)
            .field("advertise", &self.advertise)
            .field("peers", &self.peers)
            .field("cluster", &self.cluster)
            .field("timing", &self.timing)
            .finish_non_exhaustive()
    }
}

/// Why gossip cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no secret.
    #[error(
        "a cluster needs a secret: set [cluster] shared-secret (KAPACITOR_CLUSTER_SHARED_SECRET) to the same \
         value on all members"
    )]
    NoSecret,
    /// An address cannot be read.
    #[error("[cluster] {option}: {given:?} is no address: {why}")]
    Address {
        /// The option.
        option: &'static str,
        /// What it holds.
        given: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The socket cannot be opened.
    #[error("cannot listen for gossip on {address} (UDP), change [cluster] bind-address: {source}")]
    Bind {
        /// Where.
        address: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// What the member says of itself does not fit into a packet.
    #[error(
        "what this member says of itself does not fit into a gossip packet: use shorter host names in \
         [cluster] and [rpc] advertise-address and [http] bind-address"
    )]
    AboutTooLong,
    /// The id of the cluster is too long.
    #[error("a cluster id has at most {max} bytes, and this one has {length}", max = packet::CLUSTER_BYTES_MAX)]
    ClusterIdTooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// A duration makes no sense.
    #[error("gossip timing: {0}")]
    Timing(&'static str),
    /// The thread cannot be started.
    #[error("cannot start the gossip thread: {0}")]
    Thread(std::io::Error),
}

/// Options that make sense.
pub(super) struct Checked {
    pub bind: String,
    pub peers: Vec<Target>,
    pub secret: String,
    pub cluster: String,
    pub timing: Timing,
    pub resolver: Arc<dyn Resolve>,
    /// Its `gossip` is what is advertised.
    pub about: About,
}

/// Checks all there is to check before the socket is opened.
pub(super) fn check(options: Options, mut about: About) -> Result<Checked, Error> {
    if options.secret.is_empty() {
        return Err(Error::NoSecret);
    }
    check_cluster(&options.cluster)?;
    check_timing(&options.timing)?;
    let port = address::port_of(&options.bind)?;
    let advertise = Target::parse("advertise-address", &options.advertise, port)?;
    let peers = options
        .peers
        .iter()
        .map(|peer| peer.trim())
        .filter(|peer| !peer.is_empty())
        .map(|peer| Target::parse("peers", peer, port))
        .collect::<Result<Vec<_>, _>>()?;
    about.gossip = advertise.to_string();
    if !about.is_bounded() || !packet::card_fits(&about) {
        return Err(Error::AboutTooLong);
    }
    Ok(Checked {
        bind: options.bind,
        peers,
        secret: options.secret,
        cluster: options.cluster,
        timing: options.timing,
        resolver: options.resolver,
        about,
    })
}

pub(super) fn check_cluster(id: &str) -> Result<(), Error> {
    if id.len() > packet::CLUSTER_BYTES_MAX {
        return Err(Error::ClusterIdTooLong { length: id.len() });
    }
    Ok(())
}

/// Foca works only if the probe's answer has its time within the period, and loops with a zero would
/// never end.
fn check_timing(timing: &Timing) -> Result<(), Error> {
    let all = [
        timing.probe_period,
        timing.probe_rtt,
        timing.suspicion,
        timing.spread,
        timing.hello,
        timing.hello_again,
        timing.resolve_ttl,
    ];
    if all.iter().any(Duration::is_zero) {
        return Err(Error::Timing("no duration may be zero"));
    }
    if timing.probe_rtt.saturating_mul(2) > timing.probe_period {
        return Err(Error::Timing("probe_rtt must be at most half of probe_period"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> (Options, About) {
        let options = Options {
            advertise: "kapacitor-1".to_owned(),
            peers: vec!["kapacitor-2".to_owned(), " ".to_owned(), "[::1]:7".to_owned()],
            secret: "s".to_owned(),
            ..Options::default()
        };
        (options, About { id: 1, name: "kapacitor-1".to_owned(), ..About::default() })
    }

    fn refused(change: impl FnOnce(&mut Options, &mut About)) -> String {
        let (mut options, mut about) = good();
        change(&mut options, &mut about);
        check(options, about).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_missing_port_is_that_of_the_socket() {
        let (options, about) = good();
        let checked = check(options, about).unwrap();
        assert_eq!(checked.about.gossip, "kapacitor-1:9090");
        let peers: Vec<_> = checked.peers.iter().map(Target::to_string).collect();
        assert_eq!(peers, ["kapacitor-2:9090", "[::1]:7"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_name_of_the_key() {
        assert!(refused(|options, _| options.secret.clear()).contains("KAPACITOR_CLUSTER_SHARED_SECRET"));
        assert!(refused(|options, _| options.advertise.clear()).contains("advertise-address"));
        assert!(refused(|options, _| options.peers.push("a:b".to_owned())).contains("[cluster] peers"));
        assert!(refused(|options, _| options.bind = "9090".to_owned()).contains("bind-address"));
        assert!(refused(|options, _| options.cluster = "x".repeat(65)).contains("65"));
        assert!(refused(|options, _| options.timing.hello = Duration::ZERO).contains("zero"));
        assert!(refused(|options, _| options.timing.probe_rtt = Duration::from_secs(9)).contains("half"));
        assert!(refused(|_, about| about.name = "n".repeat(264)).contains("does not fit"));
        let long = "l".repeat(250);
        let all_long = |options: &mut Options, about: &mut About| {
            options.advertise = long.clone();
            let About { name, rpc, api, uuid, .. } = about;
            [name, rpc, api, uuid].into_iter().for_each(|text| text.clone_from(&long));
        };
        assert!(refused(all_long).contains("does not fit"));
    }
}
