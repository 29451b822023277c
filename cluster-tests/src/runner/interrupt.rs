//! Ctrl-C and SIGTERM: the runner first ends the scenario and cleans up.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static CAME: AtomicBool = AtomicBool::new(false);

/// Whether somebody wants an end.
pub fn came() -> bool {
    CAME.load(Relaxed)
}

/// Takes over both signals.
pub fn watch() {
    let handler = note as extern "C" fn(libc::c_int) as libc::sighandler_t;
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the handler only stores to an atomic, which is allowed in a signal handler.
        unsafe { libc::signal(signal, handler) };
    }
}

extern "C" fn note(_: libc::c_int) {
    CAME.store(true, Relaxed);
}
