//! Makes Rust of the schemas. Needs no `protoc`: protox reads them.

use std::error::Error;

const SCHEMA: &str = "proto/peer.proto";

fn main() -> Result<(), Box<dyn Error>> {
    let set = protox::compile([SCHEMA], ["proto"])?;
    tonic_prost_build::configure().bytes(".").compile_fds(set)?;
    #[allow(clippy::print_stdout, reason = "a build script talks to cargo by its output")]
    {
        println!("cargo:rerun-if-changed={SCHEMA}");
    }
    Ok(())
}
