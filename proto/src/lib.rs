//! What members say to each other, as generated from the schemas in `proto/proto`.

/// The peer service: calls, streams and uploads of opaque bytes between two members.
#[allow(
    missing_docs,
    unused_qualifications,
    rust_2018_idioms,
    clippy::all,
    reason = "prost and tonic write this code at build time"
)]
pub mod peer {
    tonic::include_proto!("farad.peer");
}
