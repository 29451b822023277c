//! Bodies of requests: read piece by piece, bounded in size and in time.

pub mod gunzip;
pub mod room;

use crate::call::Call;
use crate::reply::Reply;
use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use serde::de::Deserialize;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// How long a client may stay silent in the middle of a body.
const SILENCE_MAX: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 60 });

/// Longest JSON body, in bytes.
const JSON_BYTES_MAX: usize = 16 << 20;

/// What is read of a body that is refused, so that the client comes to read the answer: most send
/// all they have before they look.
const DRAIN_BYTES_MAX: usize = 64 << 20;
const DRAIN_TIME_MAX: Duration = Duration::from_secs(3);

/// Why a body could not be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The client is silent.
    Silent,
    /// The connection ended before the body did, or the body is not what HTTP allows.
    Broken,
}

impl Unreadable {
    /// Status and text of the answer, in case somebody reads it.
    pub fn answer(&self) -> (StatusCode, String) {
        match self {
            Unreadable::Silent => {
                let text = format!("the body did not arrive: nothing was received for {SILENCE_MAX:?}");
                (StatusCode::REQUEST_TIMEOUT, text)
            }
            Unreadable::Broken => (StatusCode::BAD_REQUEST, "unexpected EOF".to_owned()),
        }
    }
}

/// What a client is told when all bodies together are too long.
pub fn no_room() -> String {
    format!("too many requests at once: unfinished bodies hold {} bytes; try again", room::BYTES_MAX)
}

/// The next piece of a body; `None` at its end.
pub async fn next(body: &mut Body) -> Result<Option<Bytes>, Unreadable> {
    loop {
        match timeout(SILENCE_MAX, body.frame()).await {
            Err(_) => return Err(Unreadable::Silent),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(Unreadable::Broken),
            Ok(Some(Ok(frame))) => {
                // Trailers say nothing that we need.
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// How long the body says it is.
pub fn announced(call: &Call) -> Option<u64> {
    call.header(CONTENT_LENGTH).parse().ok()
}

/// Reads and forgets what follows, within bounds.
pub async fn drain(body: &mut Body) {
    let read = async {
        let mut bytes = 0;
        while let Ok(Some(chunk)) = next(body).await {
            bytes += chunk.len();
            if bytes > DRAIN_BYTES_MAX {
                return;
            }
        }
    };
    // Whoever takes longer gets the answer with the connection closed.
    let _ = timeout(DRAIN_TIME_MAX, read).await;
}

/// Reads a JSON body. As in Go, what follows the first value does not count. `Ok(Err(_))` says
/// why it is no JSON.
pub async fn json(call: &mut Call) -> Result<Result<Value, serde_json::Error>, Reply> {
    let bytes = bytes(call).await?;
    Ok(Value::deserialize(&mut serde_json::Deserializer::from_slice(&bytes)))
}

/// Reads a body that is short enough to be JSON.
pub async fn bytes(call: &mut Call) -> Result<Vec<u8>, Reply> {
    let server = call.server.clone();
    let mut held = server.bodies.hold();
    let mut bytes = Vec::new();
    loop {
        match next(&mut call.body).await {
            Ok(Some(chunk)) if !held.take(chunk.len()) => {
                let reply = Reply::error(StatusCode::SERVICE_UNAVAILABLE, &no_room());
                return Err(reply.retry_after(1).closing());
            }
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= JSON_BYTES_MAX => bytes.extend_from_slice(&chunk),
            Ok(Some(_)) => {
                drain(&mut call.body).await;
                let text = format!("the body is longer than {JSON_BYTES_MAX} bytes");
                return Err(Reply::error(StatusCode::PAYLOAD_TOO_LARGE, &text).closing());
            }
            Ok(None) => break,
            Err(unreadable) => {
                let (status, text) = unreadable.answer();
                return Err(Reply::error(status, &text).closing());
            }
        }
    }
    Ok(bytes)
}
