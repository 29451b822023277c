//! Traffic between members over TCP: [`Link`] sends (it is the [`Carrier`](crate::Carrier) of real
//! members), [`Server`] takes in and hands to a [`Receiver`](crate::Receiver).
//!
//! A connection begins with a handshake of our own (`handshake`), before a byte of HTTP/2 is read:
//! version of the protocol, who speaks, to whom, and a proof on both sides that the shared secret is
//! known. The proof answers a challenge that is made anew for each connection, so a recorded one is
//! worth nothing, here or elsewhere, and clocks do not matter. The secret itself is never sent. With
//! TLS the handshake runs inside of it, and both sides show certificates of the configured
//! authority; the names in a certificate must fit the member that it speaks for.
//!
//! What a shared secret alone does not give: what members say to each other is not encrypted, and
//! one who can change packets between them can take over a connection. Where that is a danger, set
//! `[rpc] tls-enabled`. A secret that can be guessed can be guessed from a recording, too: make it
//! random, 32 characters or more.
//!
//! Afterwards gRPC runs over the connection (`proto/peer.proto`).

mod error;
mod handshake;
mod hello;
mod identity;
mod link;
mod security;
mod server;
mod tls;
mod wire;

pub use error::Error;
pub use hello::VERSION;
pub use identity::{Identity, Names};
pub use link::{Address, Link, LinkOptions, MemberStats};
pub use security::{Security, TlsFiles};
pub use server::{Server, ServerOptions, ServerStats};

/// Largest message, in bytes. It is refused before it is read.
pub const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// Largest HTTP/2 frame that is taken, in bytes: the usual 16 KiB cost a fifth of the CPU.
const FRAME_BYTES_MAX: u32 = 1 << 20;

/// How far a stream may run ahead of its reader, in bytes.
const STREAM_WINDOW: u32 = 8 << 20;

/// How far all streams of a connection may run ahead together, in bytes.
const CONNECTION_WINDOW: u32 = 32 << 20;

/// Names of what travels with each request.
mod metadata {
    pub const KIND: &str = "farad-kind";
    pub const GROUP: &str = "farad-group";
    pub const CLUSTER: &str = "farad-cluster";
}
