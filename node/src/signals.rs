//! Signals: the first SIGINT or SIGTERM stops in order, the second at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that stop the server. Made before the API answers, so that none is missed.
pub struct Stops {
    interrupt: Signal,
    terminate: Signal,
}

impl Stops {
    /// Takes the signals over from the system. SIGHUP has the server read again what may change
    /// while it runs.
    pub fn new(reload: impl Fn() + Send + 'static) -> std::io::Result<Stops> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                reload();
            }
        });
        Ok(Stops { interrupt, terminate })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
