//! Members of a cluster: how they find ([`gossip`]), trust and reach ([`rpc`]) each other, how they
//! agree ([`raft`]: the only place that names openraft), and who keeps what ([`placement`]).

pub mod carrier;
pub mod gossip;
pub mod placement;
pub mod raft;
pub mod rpc;

pub use carrier::{Carrier, CarryError, Frames, MemberId, Receiver, Topic};
