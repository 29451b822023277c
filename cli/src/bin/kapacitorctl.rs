//! `kapacitorctl`: looks after a cluster by way of the server's HTTP API.

use std::io::{stderr, stdout};
use std::process::exit;

fn main() {
    // Only the first caller can install a provider, and here nobody was before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args: Vec<String> =
        std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let surroundings = cli::Surroundings::of_process();
    exit(cli::kapacitorctl(&args, &surroundings, &mut stdout(), &mut stderr()));
}
