//! What members say to each other, as generated from the schemas in `proto/proto`.

/// The peer service: calls, streams and uploads of opaque bytes between two members.
#[allow(missing_docs, unused_qualifications, rust_2018_idioms, clippy::all)]
pub mod peer {
    tonic::include_proto!("farad.peer");
}
