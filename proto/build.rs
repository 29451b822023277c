//! Makes Rust of the schemas. Needs no `protoc`: protox reads them.

use std::error::Error;

const SCHEMA: &str = "proto/peer.proto";

fn main() -> Result<(), Box<dyn Error>> {
    let set = protox::compile([SCHEMA], ["proto"])?;
    tonic_prost_build::configure().bytes(".").compile_fds(set)?;
    // The build script's output is read by cargo, not by people.
    #[allow(clippy::print_stdout)]
    {
        println!("cargo:rerun-if-changed={SCHEMA}");
    }
    Ok(())
}
