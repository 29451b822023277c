//! `kapacitord run`: everything is opened, wired, served, and stopped in order.

use crate::pidfile::Pidfile;
use crate::signals::Stops;
use crate::{logging, options};
use config::{Config, Loaded};
use engine::Engine;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use store::DataDir;

/// The version in `X-Kapacitor-Version`, and of `kapacitord version`.
pub const VERSION: &str = match option_env!("FARAD_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// How long stopping may take before the process ends anyway. What is not done by then is in the
/// log, and the next start continues it.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// How long handing over to other members may take.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);

/// Runs the server until a signal stops it.
pub fn run(loaded: Loaded, pidfile: Option<PathBuf>, disabled: &str) -> Result<(), String> {
    let Loaded { config, source, warnings } = loaded;
    let log = logging::start(&config.logging)?;
    match &source {
        Some(path) => tracing::info!(path = %path.display(), "using configuration file"),
        None => tracing::info!("using the built-in configuration"),
    }
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    options::refuse(&config)?;
    for table in options::without_effect(&config) {
        tracing::warn!(table, "this table has no effect in this version of Farad");
    }
    let _pidfile = pidfile.as_deref().map(Pidfile::write).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))?;
    let result = runtime.block_on(serve(&config, disabled, log));
    runtime.shutdown_timeout(Duration::from_secs(1));
    if let Err(error) = &result {
        tracing::error!("{error}");
    }
    result
}

async fn serve(config: &Config, disabled: &str, log: logging::Handle) -> Result<(), String> {
    let running: Arc<OnceLock<Weak<Engine>>> = Arc::default();
    let reloaded = running.clone();
    let reload = move || match reloaded.get().and_then(Weak::upgrade) {
        Some(engine) => reload(&engine),
        None => tracing::info!("received SIGHUP: there is nothing to reload yet"),
    };
    let mut stops = Stops::new(reload).map_err(|error| format!("cannot take over signals: {error}"))?;
    let listener = api::bind(&config.http.bind_address).await?;
    let (engine, server) = open(config, disabled)?;
    // Set once, here.
    let _ = running.set(Arc::downgrade(&engine));
    engine.reconcile().await;
    let settings = api::Settings {
        version: VERSION.to_owned(),
        log_enabled: config.http.log_enabled,
        write_tracing: config.http.write_tracing,
        max_body_bytes: config.farad.max_body_bytes.0,
        server,
    };
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let serving = tokio::spawn(api::serve(listener, engine.clone(), settings, Arc::new(log), stopped));
    tracing::info!(address = config.http.bind_address, version = VERSION, "listening");
    let signal = tokio::select! {
        signal = stops.next() => Ok(signal),
        why = engine.ended() => Err(why),
    };
    tracing::info!(signal = signal.as_ref().unwrap_or(&"none"), "stopping; a second signal stops at once");
    let in_order = async {
        // What this member does for others is done by them before anything else ends.
        engine.leave(LEAVE_LIMIT).await;
        // The API goes first, so that nothing comes in behind what is being finished.
        let _ = stop.send(true);
        if tokio::time::timeout(config.http.shutdown_timeout, serving).await.is_err() {
            tracing::warn!("some requests did not finish in time");
        }
        engine.stop(STOP_LIMIT).await;
    };
    tokio::select! {
        () = in_order => tracing::info!("stopped"),
        signal = stops.next() => {
            tracing::warn!(signal, "stopping at once");
            // SAFETY: nothing is left to be done in order; what is unfinished is in the log.
            unsafe { libc::_exit(1) }
        }
    }
    signal.map(|_| ())
}

/// Reads again what may change while the server runs.
fn reload(engine: &Arc<Engine>) {
    match engine.reload() {
        Ok(()) => tracing::info!("received SIGHUP: read the certificates of the peer port again"),
        Err(error) => tracing::error!(%error, "received SIGHUP: the certificates stay as they were"),
    }
    let engine = engine.clone();
    tokio::spawn(async move {
        match engine.reload_sources().await {
            Ok(()) => tracing::info!("received SIGHUP: read the sources of sideload nodes again"),
            Err(error) => tracing::error!(error, "failed to reload sideload sources"),
        }
    });
}

/// Opens the data directory and the engine in it.
fn open(config: &Config, disabled: &str) -> Result<(Arc<Engine>, pipeline::Server), String> {
    let path = Path::new(&config.data_dir);
    let data_dir = DataDir::open(path).map_err(|error| error.to_string())?;
    let id = |name: &str| {
        let fresh = uuid::Uuid::new_v4().to_string();
        data_dir.read_or_create(name, &fresh).map_err(|error| error.to_string())
    };
    let server = pipeline::Server {
        hostname: config.hostname.clone(),
        cluster_id: id("cluster.id")?,
        server_id: id("server.id")?,
        task_master: "main".to_owned(),
        ..pipeline::Server::default()
    };
    let options = options::engine(config, path, server.clone(), disabled)?;
    let engine = tokio::task::block_in_place(|| Engine::open(options, data_dir));
    Ok((engine.map_err(|error| error.to_string())?, server))
}
