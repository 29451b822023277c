//! Signals: the first SIGINT or SIGTERM stops in order, the second at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that stop the server. Made before the API answers, so that none is missed.
pub struct Stops {
    interrupt: Signal,
    terminate: Signal,
}

impl Stops {
    /// Takes the signals over from the system.
    pub fn new() -> std::io::Result<Stops> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        // A reload has nothing to reload yet; it must not end the process.
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                tracing::info!("received SIGHUP: there is nothing to reload in this version");
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
