//! POST /write: line protocol, fed to the engine as it comes in.

mod check;

use self::check::Check;
use crate::body::gunzip::{Gunzip, GzipError};
use crate::body::room::Held;
use crate::body::{self, Unreadable};
use crate::call::Call;
use crate::reply::Reply;
use axum::body::Body;
use engine::WriteError;
use http::header::{CONTENT_ENCODING, EXPECT};
use http::{HeaderName, StatusCode};
use line::{Precision, Summary};

/// Seconds after which a write that was refused for lack of room is worth another try.
const RETRY_AFTER: u32 = 1;

/// Names a write, so that it may be sent again.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Why a write is not taken.
enum Refusal {
    TooLong(u64),
    NoRoom,
    Unreadable(Unreadable),
    Gzip(GzipError),
    Write(WriteError),
    Line(line::Error),
    NoDatabase,
}

/// Where a body goes. The large variant is the usual one: a box would only cost.
#[allow(clippy::large_enum_variant)]
enum Target<'e> {
    /// To the engine.
    Write(engine::Write<'e>),
    /// Nowhere: no database is named, but mistakes in the body are told first.
    Check(Box<Check>),
}

impl Target<'_> {
    fn feed(&mut self, chunk: &[u8]) {
        match self {
            Target::Write(write) => write.feed(chunk),
            Target::Check(check) => check.feed(chunk),
        }
    }

    async fn finish(self) -> Result<Summary, Refusal> {
        match self {
            Target::Write(write) => write.finish().await.map_err(Refusal::Write),
            Target::Check(check) => check.finish().map_err(Refusal::Line).and(Err(Refusal::NoDatabase)),
        }
    }
}

/// POST /write
pub async fn write(mut call: Call) -> Reply {
    let max = call.server.settings.max_body_bytes;
    let refusal = match body::announced(&call) {
        Some(bytes) if max > 0 && bytes > max => Refusal::TooLong(max),
        _ => match take(&mut call, max).await {
            Ok(summary) => {
                if call.server.settings.write_tracing {
                    let (db, rp) = (call.param("db"), call.param("rp"));
                    tracing::info!(%db, %rp, points = summary.points, bytes = summary.bytes, "took a write");
                }
                return Reply::no_content();
            }
            Err(refusal) => refusal,
        },
    };
    // Who asks before it sends has not sent anything, and need not.
    let sent = !call.parts.headers.contains_key(EXPECT);
    if sent && let Refusal::TooLong(_) | Refusal::Gzip(_) = refusal {
        body::drain(&mut call.body).await;
    }
    if let Refusal::Write(WriteError::Log(error)) = &refusal {
        call.server.health.log_failed(error);
    }
    let reply = explain(refusal);
    if call.server.settings.write_tracing {
        tracing::info!(db = %call.param("db"), status = reply.status.as_u16(), "refused a write");
    }
    reply
}

async fn take(call: &mut Call, max: u64) -> Result<Summary, Refusal> {
    let gzip = call.header(CONTENT_ENCODING) == "gzip";
    let precision = Precision::parse(&call.param("precision"));
    let (db, rp) = (call.param("db").into_owned(), call.param("rp").into_owned());
    let engine = call.server.engine.clone();
    if !db.is_empty() {
        engine.ready().await.map_err(Refusal::Write)?;
    }
    let mut target = match db.is_empty() {
        true => Target::Check(Box::new(Check::new(precision))),
        false => {
            let mut write = engine.write(&db, &rp, precision);
            let name = call.header(IDEMPOTENCY_KEY);
            if !name.is_empty() {
                write.name(name);
            }
            Target::Write(write)
        }
    };
    let server = call.server.clone();
    let mut meter = Meter { held: server.bodies.hold(), max };
    match gzip {
        true => read_gzip(&mut call.body, &mut target, &mut meter).await?,
        false => read(&mut call.body, &mut target, &mut meter).await?,
    }
    target.finish().await
}

/// Counts what is fed: line protocol, decompressed.
struct Meter<'r> {
    held: Held<'r>,
    max: u64,
}

impl Meter<'_> {
    fn count(&mut self, bytes: usize) -> Result<(), Refusal> {
        if !self.held.take(bytes) {
            return Err(Refusal::NoRoom);
        }
        self.check(self.held.bytes())
    }

    fn check(&self, bytes: u64) -> Result<(), Refusal> {
        if self.max > 0 && bytes > self.max { Err(Refusal::TooLong(self.max)) } else { Ok(()) }
    }
}

async fn read(body: &mut Body, target: &mut Target<'_>, meter: &mut Meter<'_>) -> Result<(), Refusal> {
    while let Some(chunk) = body::next(body).await.map_err(Refusal::Unreadable)? {
        meter.count(chunk.len())?;
        target.feed(&chunk);
    }
    Ok(())
}

async fn read_gzip(body: &mut Body, target: &mut Target<'_>, meter: &mut Meter<'_>) -> Result<(), Refusal> {
    let mut gunzip = Gunzip::new();
    let mut compressed = 0;
    while let Some(chunk) = body::next(body).await.map_err(Refusal::Unreadable)? {
        compressed += chunk.len() as u64;
        meter.check(compressed)?;
        let mut counted = Ok(());
        let fed = gunzip.feed(&chunk, |text| {
            counted = meter.count(text.len());
            if counted.is_ok() {
                target.feed(text);
            }
            counted.is_ok()
        });
        counted?;
        fed.map_err(Refusal::Gzip)?;
    }
    gunzip.finish().map_err(Refusal::Gzip)
}

fn explain(refusal: Refusal) -> Reply {
    let bad = |text: &str| Reply::text(StatusCode::BAD_REQUEST, text);
    match refusal {
        Refusal::TooLong(max) => {
            let text = format!(
                "the body is longer than {max} bytes: write less at once, or raise [farad] max-body-bytes"
            );
            Reply::text(StatusCode::PAYLOAD_TOO_LARGE, &text).closing()
        }
        Refusal::NoRoom => {
            Reply::text(StatusCode::SERVICE_UNAVAILABLE, &body::no_room()).retry_after(RETRY_AFTER).closing()
        }
        Refusal::Unreadable(unreadable) => {
            let (status, text) = unreadable.answer();
            Reply::text(status, &text).closing()
        }
        Refusal::Gzip(error) => bad(error.text()),
        Refusal::NoDatabase => bad("database is required"),
        Refusal::Line(error) | Refusal::Write(WriteError::Line(error)) => bad(&error.to_string()),
        Refusal::Write(error) => not_taken(&error),
    }
}

fn not_taken(error: &WriteError) -> Reply {
    let status = match error {
        WriteError::Log(store::Error::DiskFull { .. }) => StatusCode::INSUFFICIENT_STORAGE,
        WriteError::Log(store::Error::TooLarge { .. }) => {
            return Reply::text(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string());
        }
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    Reply::text(status, &error.to_string()).retry_after(RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn refusals_by_the_engine() {
        let full = || store::Error::DiskFull { path: "/x".into(), needed: 1 };
        for (error, status, retry) in [
            (WriteError::Busy(Duration::from_secs(30), 1), 503, true),
            (WriteError::Stopping, 503, true),
            (WriteError::Log(full()), 507, true),
            (WriteError::Log(store::Error::TooLarge { bytes: 2, limit: 1 }), 413, false),
            (WriteError::Log(store::Error::Closed), 503, true),
        ] {
            let text = format!("{error}\n");
            let reply = explain(Refusal::Write(error));
            assert_eq!((reply.status.as_u16(), reply.retry_after.is_some()), (status, retry));
            assert_eq!(reply.body, text);
        }
    }
}
