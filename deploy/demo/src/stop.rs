//! When to stop: SIGINT and SIGTERM. In a container this program is process 1, which a signal that
//! nobody handles does not end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

static STOP: AtomicBool = AtomicBool::new(false);

/// How often a pause looks whether it should end.
const LOOK: Duration = Duration::from_millis(50);

/// From now on the signals are noted rather than fatal.
pub fn on_signals() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the handler only stores to an atomic, which is allowed in a signal handler.
        unsafe { libc::signal(signal, on_signal as *const () as libc::sighandler_t) };
    }
}

extern "C" fn on_signal(_: libc::c_int) {
    STOP.store(true, Ordering::Relaxed);
}

/// A signal came.
pub fn asked() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// Waits until that moment, or until a signal comes.
pub fn pause_until(end: Instant) {
    while !asked() {
        match end.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => std::thread::sleep(left.min(LOOK)),
            _ => return,
        }
    }
}
