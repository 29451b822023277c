//! What a member of a cluster is told by its configuration.

use cluster::rpc::TlsFiles;
use std::time::Duration;

/// Shards of a new cluster, unless the configuration says otherwise: two for each of three members to
/// lead. Each shard that a write touches is an entry to be agreed on.
pub const SHARDS: u32 = 6;

/// Options of a member of a cluster.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// Its host name: how others know it, also when its address changes.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Where to listen for gossip: `host:port`, UDP.
    pub gossip_bind: String,
    /// The same as others reach it.
    pub gossip_advertise: String,
    /// Members to ask first.
    pub peers: Vec<String>,
    /// Members that must see each other before a new cluster starts; 0 never starts one.
    pub bootstrap_expect: usize,
    /// What all members know.
    pub secret: String,
    /// Replicas of each shard.
    pub replication: u32,
    /// Where to listen for other members: `host:port`, TCP.
    pub rpc_bind: String,
    /// The same as others reach it.
    pub rpc_advertise: String,
    /// Certificates for mutual TLS.
    pub tls: Option<TlsFiles>,
    /// Where clients reach the API, for others to show.
    pub api_advertise: String,
    /// What it does, for others to show.
    pub roles: Vec<String>,
    /// How long a member may be down before its shards get replicas elsewhere.
    pub replace_after: Duration,
}
