//! What moves on a connection, so that one that does not move can be cut. The counters cost a
//! store a read; timers for each read and each request would cost more than the request.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How long a client may take for the head of a request.
const HEAD_MAX: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 30 });

/// How long a connection may wait for its next request. Clients give up theirs after 90 seconds.
const IDLE_MAX: Duration = Duration::from_secs(180);

/// How long a client may not read an answer.
const UNREAD_MAX: Duration = Duration::from_secs(60);

/// Counters of one connection.
#[derive(Debug, Default)]
pub struct Pulse {
    read: AtomicU64,
    written: AtomicU64,
    /// Writes that wait for the client to read: 0 or 1.
    stuck: AtomicU64,
    /// Requests that have begun.
    begun: AtomicU64,
    /// Requests that have ended.
    ended: AtomicU64,
    /// `read` when the last request ended.
    read_at_end: AtomicU64,
}

impl Pulse {
    /// A request begins; it ends when the guard is dropped.
    pub fn request(self: &Arc<Pulse>) -> InRequest {
        self.begun.fetch_add(1, Relaxed);
        InRequest(self.clone())
    }
}

/// A request under way.
pub struct InRequest(Arc<Pulse>);

impl Drop for InRequest {
    fn drop(&mut self) {
        self.0.read_at_end.store(self.0.read.load(Relaxed), Relaxed);
        self.0.ended.fetch_add(1, Relaxed);
    }
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    /// For us.
    Served,
    /// For the client to read the answer; so many bytes are written.
    Unread(u64),
    /// For the rest of a request's head, the one after so many requests.
    Head(u64),
    /// For the next request.
    Idle(u64),
}

/// Watches a connection through its counters.
pub struct Watch {
    waits: Waits,
    since: Instant,
}

impl Watch {
    /// From the moment a connection is made.
    pub fn new(now: Instant) -> Watch {
        Watch { waits: Waits::Head(0), since: now }
    }

    /// Looks at the counters. Says why the connection must be cut, if it must.
    pub fn look(&mut self, pulse: &Pulse, now: Instant) -> Option<&'static str> {
        let waits = waits(pulse);
        if waits != self.waits {
            *self = Watch { waits, since: now };
            return None;
        }
        let (limit, why) = match waits {
            Waits::Served => return None,
            Waits::Unread(_) => (UNREAD_MAX, "the client does not read the answer"),
            Waits::Head(_) => (HEAD_MAX, "the client does not finish its request"),
            Waits::Idle(_) => (IDLE_MAX, "idle"),
        };
        (now.duration_since(self.since) >= limit).then_some(why)
    }
}

fn waits(pulse: &Pulse) -> Waits {
    let ended = pulse.ended.load(Relaxed);
    if pulse.begun.load(Relaxed) > ended {
        Waits::Served
    } else if pulse.stuck.load(Relaxed) > 0 {
        Waits::Unread(pulse.written.load(Relaxed))
    } else if ended == 0 || pulse.read.load(Relaxed) > pulse.read_at_end.load(Relaxed) {
        Waits::Head(ended)
    } else {
        Waits::Idle(ended)
    }
}

/// A stream that counts.
pub struct Watched {
    /// The stream.
    pub stream: TcpStream,
    /// The counters.
    pub pulse: Arc<Pulse>,
}

impl Watched {
    fn wrote(&self, result: &Poll<std::io::Result<usize>>) {
        match result {
            Poll::Ready(Ok(bytes)) => {
                self.pulse.written.fetch_add(*bytes as u64, Relaxed);
                self.pulse.stuck.store(0, Relaxed);
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.pulse.stuck.store(1, Relaxed),
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.pulse.read.fetch_add((buf.filled().len() - before) as u64, Relaxed);
        result
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    const IDLE: u64 = IDLE_MAX.as_secs();
    const UNREAD: u64 = UNREAD_MAX.as_secs();

    #[test]
    fn a_head_that_trickles_is_cut() {
        let (pulse, start) = (Arc::new(Pulse::default()), Instant::now());
        let mut watch = Watch::new(start);
        for part in 0..10 {
            pulse.read.fetch_add(1, Relaxed);
            assert_eq!(watch.look(&pulse, start + HEAD_MAX * part / 10), None);
        }
        assert!(watch.look(&pulse, start + HEAD_MAX).is_some());
    }

    #[test]
    fn a_request_may_take_its_time() {
        let (pulse, start) = (Arc::new(Pulse::default()), Instant::now());
        let mut watch = Watch::new(start);
        let request = pulse.request();
        assert_eq!(watch.look(&pulse, after(start, 1)), None);
        assert_eq!(watch.look(&pulse, after(start, 10_000)), None);
        drop(request);
        assert_eq!(watch.look(&pulse, after(start, 10_001)), None);
        assert_eq!(watch.look(&pulse, after(start, 10_000 + IDLE)), None);
        assert_eq!(watch.look(&pulse, after(start, 10_001 + IDLE)), Some("idle"));
    }

    #[test]
    fn requests_one_after_the_other_are_not_idle() {
        let (pulse, start) = (Arc::new(Pulse::default()), Instant::now());
        let mut watch = Watch::new(start);
        for second in 0..1000 {
            drop(pulse.request());
            assert_eq!(watch.look(&pulse, after(start, second)), None);
        }
    }

    #[test]
    fn an_answer_that_is_not_read_is_cut() {
        let (pulse, start) = (Arc::new(Pulse::default()), Instant::now());
        let mut watch = Watch::new(start);
        drop(pulse.request());
        pulse.stuck.store(1, Relaxed);
        assert_eq!(watch.look(&pulse, after(start, 1)), None);
        pulse.written.fetch_add(1, Relaxed);
        assert_eq!(watch.look(&pulse, after(start, 50)), None);
        assert_eq!(watch.look(&pulse, after(start, 49 + UNREAD)), None);
        assert!(watch.look(&pulse, after(start, 50 + UNREAD)).is_some());
    }
}
