//! One session of appending to another member: requests go out as openraft makes them, several at a
//! time; answers come back in the same order.

use std::collections::VecDeque;
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use openraft::RPCTypes;
use openraft::errors::{NetworkError, Timeout, Unreachable};
use tokio::time::Instant;

use super::link::Dialer;
use super::types::{AppendRequest, AppendResult, LogId, RpcError};
use super::wire::{self, Appended};
use crate::carrier::MemberId;

/// Requests under way at once.
const FLYING_MAX: usize = 16;

/// Who talks to whom, how long silence may last, and how long news may wait.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    pub me: MemberId,
    pub to: MemberId,
    pub silence: Duration,
    /// How long a request without entries, which only tells what is committed, waits for one with
    /// entries to tell it. After each commit openraft makes such a request, and at a low rate they are
    /// half of all messages.
    pub patience: Duration,
}

impl Route {
    pub(crate) fn timeout(&self, action: RPCTypes, timeout: Duration) -> Timeout<super::types::Types> {
        Timeout { action, id: self.me, target: self.to, timeout }
    }
}

struct Session<'a, S> {
    dialer: &'a mut Dialer,
    route: Route,
    requests: Option<S>,
    flying: VecDeque<Flying>,
    /// A request without entries that waits, and until when.
    held: Option<(AppendRequest, Instant)>,
    /// Answers that are known already.
    ready: VecDeque<AppendResult>,
    /// Answers to requests before this one belong to an earlier session.
    since: u64,
    heard: Instant,
    ended: bool,
}

/// A request under way.
struct Flying {
    number: u64,
    /// Where the requests ended that were held for this one: its success is theirs, for it builds on
    /// the same entry.
    held: Vec<Option<LogId>>,
}

/// What happens next in a session.
enum Event {
    Patience,
    Answer(Option<Result<bytes::Bytes, crate::CarryError>>),
    Request(Option<AppendRequest>),
    Silence,
}

/// Sends the requests and gives the answers; it ends after the first error.
///
/// The first request is awaited before the stream is opened: openraft waits inside the stream of
/// requests when it is to back off, and would never do so if dialing failed before.
pub(crate) async fn append<'a, S>(
    dialer: &'a mut Dialer,
    route: Route,
    mut requests: S,
) -> Result<BoxStream<'a, Result<AppendResult, RpcError>>, RpcError>
where
    S: Stream<Item = AppendRequest> + Send + Unpin + 'static,
{
    let Some(first) = requests.next().await else {
        return Ok(futures::stream::empty().boxed());
    };
    dialer.link().await.map_err(|error| RpcError::Unreachable(Unreachable::new(&error)))?;
    let since = dialer.number();
    let (flying, heard) = (VecDeque::with_capacity(FLYING_MAX), Instant::now());
    let (held, ready) = (None, VecDeque::new());
    let mut session =
        Session { dialer, route, requests: Some(requests), flying, held, ready, since, heard, ended: false };
    session.send(since, first, Vec::new()).await?;
    Ok(futures::stream::unfold(session, async |mut session| {
        let answer = session.next().await?;
        Some((answer, session))
    })
    .boxed())
}

impl<S> Session<'_, S>
where
    S: Stream<Item = AppendRequest> + Send + Unpin + 'static,
{
    async fn send(
        &mut self,
        number: u64,
        request: AppendRequest,
        held: Vec<Option<LogId>>,
    ) -> Result<(), RpcError> {
        let frame = wire::encode_append(number, &request);
        let silence = self.route.silence;
        let Some(link) = self.dialer.current() else {
            return Err(broken("the stream is closed"));
        };
        let sent = tokio::time::timeout(silence, link.sent.send(frame)).await;
        let error = match sent {
            Ok(Ok(())) => {
                link.unanswered += 1;
                if self.flying.is_empty() {
                    self.heard = Instant::now();
                }
                self.flying.push_back(Flying { number, held });
                return Ok(());
            }
            Ok(Err(_)) => broken("the stream is closed"),
            Err(_) => RpcError::Timeout(self.route.timeout(RPCTypes::AppendEntries, silence)),
        };
        self.dialer.close();
        Err(error)
    }

    /// The next answer; none when all requests are answered and no more come.
    async fn next(&mut self) -> Option<Result<AppendResult, RpcError>> {
        while !self.ended {
            if let Some(known) = self.ready.pop_front() {
                return Some(Ok(known));
            }
            if self.requests.is_none() && self.flying.is_empty() && self.held.is_none() {
                return None;
            }
            let event = self.event().await?;
            let answer = match event {
                Event::Answer(frame) => self.answer(frame),
                Event::Request(Some(request)) => self.take(request).await.err().map(Err),
                Event::Patience => self.send_held().await.err().map(Err),
                Event::Request(None) => {
                    self.requests = None;
                    None
                }
                Event::Silence => {
                    let timeout = self.route.timeout(RPCTypes::AppendEntries, self.route.silence);
                    Some(Err(RpcError::Timeout(timeout)))
                }
            };
            if let Some(answer) = answer {
                // The receiver ends its side with the first answer that is not a success.
                if !matches!(answer, Ok(Ok(_))) {
                    self.ended = true;
                    self.dialer.close();
                }
                return Some(answer);
            }
        }
        None
    }

    /// Sends a request, or holds it when it has no entries.
    async fn take(&mut self, request: AppendRequest) -> Result<(), RpcError> {
        if request.entries.is_empty() && self.held.is_none() && !self.route.patience.is_zero() {
            self.held = Some((request, Instant::now() + self.route.patience));
            return Ok(());
        }
        let same = self
            .held
            .as_ref()
            .is_some_and(|(held, _)| (&held.vote, held.prev_log_id) == (&request.vote, request.prev_log_id));
        if !same {
            self.send_held().await?;
        }
        let held = self.held.take().map(|(held, _)| held.prev_log_id);
        let number = self.dialer.number();
        self.send(number, request, held.into_iter().collect()).await
    }

    async fn send_held(&mut self) -> Result<(), RpcError> {
        let Some((request, _)) = self.held.take() else { return Ok(()) };
        let number = self.dialer.number();
        self.send(number, request, Vec::new()).await
    }

    async fn event(&mut self) -> Option<Event> {
        let silent = self.heard + self.route.silence;
        let waiting = !self.flying.is_empty();
        let room = self.flying.len() < FLYING_MAX;
        let patience = self.held.as_ref().map(|(_, until)| *until);
        let link = self.dialer.current()?;
        let more = async {
            match &mut self.requests {
                Some(requests) if room => requests.next().await,
                _ => std::future::pending().await,
            }
        };
        // Answers first: they free what the requests need.
        Some(tokio::select! {
            biased;
            frame = link.received.get_mut().next() => Event::Answer(frame),
            request = more => Event::Request(request),
            () = tokio::time::sleep_until(silent), if waiting => Event::Silence,
            () = tokio::time::sleep_until(patience.unwrap_or(silent)), if patience.is_some() => Event::Patience,
        })
    }

    /// The answer in a frame; none when it belongs to an earlier session.
    fn answer(
        &mut self,
        frame: Option<Result<bytes::Bytes, crate::CarryError>>,
    ) -> Option<Result<AppendResult, RpcError>> {
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Some(Err(RpcError::Network(NetworkError::new(&error)))),
            None => return Some(Err(broken("the receiver has ended the stream"))),
        };
        let Appended { number, result } = match wire::decode(frame) {
            Ok(answer) => answer,
            Err(torn) => return Some(Err(broken(&format!("an answer cannot be read: {torn}")))),
        };
        if let Some(link) = self.dialer.current() {
            link.unanswered = link.unanswered.saturating_sub(1);
        }
        self.heard = Instant::now();
        if number < self.since {
            // A session that nobody follows any more was refused: so would this one be.
            return result.is_err().then(|| Err(broken("an earlier request was refused")));
        }
        let Some(flying) = self.flying.pop_front().filter(|flying| flying.number == number) else {
            return Some(Err(broken("answers came out of order")));
        };
        if result.is_err() {
            return Some(Ok(result));
        }
        self.ready.extend(flying.held.into_iter().map(Ok));
        self.ready.push_back(result);
        None
    }
}

fn broken(why: &str) -> RpcError {
    RpcError::Network(NetworkError::from_string(why))
}
