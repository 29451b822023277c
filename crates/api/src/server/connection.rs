//! One connection, from its first request to its end.

use super::pulse::{Pulse, Watch, Watched};
use super::{Server, answer, told};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval_at};

/// How often a connection is looked at.
const TICK: Duration = if cfg!(test) { Duration::from_millis(100) } else { Duration::from_secs(5) };

/// Longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Bytes that are read ahead on one connection.
const BUFFER_MAX: usize = 256 << 10;

/// Serves a connection.
pub async fn run(
    stream: TcpStream,
    peer: SocketAddr,
    server: Arc<Server>,
    router: axum::Router,
    mut stopped: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended before it began");
        return;
    }
    let pulse = Arc::new(Pulse::default());
    let io = TokioIo::new(Watched { stream, pulse: pulse.clone() });
    let of_requests = pulse.clone();
    let service = service_fn(move |request| {
        let (server, router, pulse) = (server.clone(), router.clone(), of_requests.request());
        async move {
            let response = answer::answer(server, router, request, peer).await;
            drop(pulse);
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = http1::Builder::new();
    builder
        .header_read_timeout(None)
        .max_buf_size(BUFFER_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        // As Go writes them: there are clients that compare.
        .title_case_headers(true);
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut watch = Watch::new(Instant::now());
    let mut ticks = interval_at(tokio::time::Instant::now() + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stopping = false;
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "a connection ended");
                }
                return;
            }
            () = told(&mut stopped), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = ticks.tick() => {
                if let Some(why) = watch.look(&pulse, Instant::now()) {
                    tracing::debug!(%peer, why, "cut a connection");
                    return;
                }
            }
        }
    }
}
