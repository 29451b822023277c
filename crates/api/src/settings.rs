//! What the API is told when it starts.

/// What the server is told by its configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For `X-Kapacitor-Version`.
    pub version: String,
    /// Each request is logged.
    pub log_enabled: bool,
    /// Each write is logged with its size.
    pub write_tracing: bool,
    /// Longest body of a write in bytes, before and after decompression; 0 for no limit.
    pub max_body_bytes: u64,
    /// Names of this member, for the statistics.
    pub server: pipeline::Server,
}

/// Changes the level of the log while the server runs.
pub trait LogLevel: Send + Sync {
    /// Sets the level by its name, in any case. False: there is no such level.
    fn set(&self, level: &str) -> bool;
}
