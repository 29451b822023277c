//! A stream of appends to another member that stays open from one session of openraft to the next:
//! heartbeats and probes are sessions of a single request, and opening a stream costs as much.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::carrier::{Carrier, CarryError, Frames, MemberId, Topic};

/// Frames that wait to be sent.
const WAITING_MAX: usize = 16;
/// Unanswered requests, of sessions that were given up, from which on the stream is given up too.
const STALE_MAX: u64 = 16;

/// An open stream.
pub(crate) struct Link {
    pub sent: mpsc::Sender<Bytes>,
    /// Never locked: the lock lets the stream be part of what threads share.
    pub received: Mutex<Frames>,
    /// Requests that were not answered yet.
    pub unanswered: u64,
}

/// The way to one member.
pub(crate) struct Dialer {
    carrier: Arc<dyn Carrier>,
    to: MemberId,
    topic: Topic,
    dialing: Option<Dialing>,
    open: Option<Link>,
    next: u64,
}

/// A stream on its way; it goes on while nobody waits for it, and ends with its owner.
struct Dialing(JoinHandle<Result<Link, CarryError>>);

impl Drop for Dialing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Dialer {
    pub(crate) fn new(carrier: Arc<dyn Carrier>, to: MemberId, topic: Topic) -> Dialer {
        Dialer { carrier, to, topic, dialing: None, open: None, next: 0 }
    }

    /// A number for the next request, larger than all before.
    pub(crate) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The open stream, opened if there is none.
    pub(crate) async fn link(&mut self) -> Result<&mut Link, CarryError> {
        if self.open.as_ref().is_some_and(|link| link.unanswered > STALE_MAX || link.sent.is_closed()) {
            self.open = None;
        }
        if self.open.is_none() {
            self.open = Some(self.dial().await?);
        }
        self.open.as_mut().ok_or_else(|| refused("there is no stream"))
    }

    /// The stream of the session that is under way.
    pub(crate) fn current(&mut self) -> Option<&mut Link> {
        self.open.as_mut()
    }

    /// Gives up the stream; the next session opens another one.
    pub(crate) fn close(&mut self) {
        self.open = None;
    }

    async fn dial(&mut self) -> Result<Link, CarryError> {
        let (carrier, to, topic) = (&self.carrier, self.to, self.topic);
        let dialing = self.dialing.get_or_insert_with(|| {
            let (sent, waiting) = mpsc::channel(WAITING_MAX);
            let frames = tokio_stream::wrappers::ReceiverStream::new(waiting).boxed();
            let stream = carrier.stream(to, topic, frames);
            Dialing(tokio::spawn(async move {
                let received = Mutex::new(stream.await?);
                Ok(Link { sent, received, unanswered: 0 })
            }))
        });
        let dialed = (&mut dialing.0).await;
        self.dialing = None;
        dialed.unwrap_or_else(|error| Err(refused(&error.to_string())))
    }
}

fn refused(why: &str) -> CarryError {
    CarryError::Refused(why.to_owned())
}
