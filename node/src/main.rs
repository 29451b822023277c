//! `kapacitord`: the server. Reads flags and configuration, opens the engine, serves the API, and
//! stops in order.

mod commands;
mod logging;
mod options;
mod pidfile;
mod run;
mod signals;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Freed memory goes back to the system within a second: what a burst needed does not stay with the
/// process, and costs little to get again.
// SAFETY: the allocator reads a C string under this name before `main`; nothing else has the name.
// The first word of a slice is the pointer that it wants.
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static MALLOC_CONF: &[u8] = b"dirty_decay_ms:1000,muzzy_decay_ms:0\0";

fn main() -> std::process::ExitCode {
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args: Vec<String> = std::env::args().skip(1).collect();
    match commands::main(&args) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln(&error);
            std::process::ExitCode::FAILURE
        }
    }
}

/// Writes a line for the user. When standard error is closed there is nobody to tell.
fn eprintln(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes what a command was asked for.
fn println(text: &str) {
    use std::io::Write;
    let _ = write!(std::io::stdout(), "{text}");
}
