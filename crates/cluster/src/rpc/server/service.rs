//! From gRPC to the receiver and back. A receiver that panics costs one request, not the connection.

use super::gate::Passed;
use super::stats::Counters;
use crate::carrier::{Frames, Receiver};
use crate::rpc::link::frames;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use proto::peer::peer_server::Peer;
use proto::peer::{Frame, Reply, Request as Asked};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tonic::{Extensions, Request, Response, Status, Streaming};

/// Longest text of a refusal, in bytes: it travels in a header.
const TEXT_BYTES_MAX: usize = 4096;

/// The service.
pub struct Service {
    pub receiver: Arc<dyn Receiver>,
    pub counters: Arc<Counters>,
}

impl Service {
    /// Waits for a receiver's answer.
    async fn answer<T>(&self, answer: impl Future<Output = Result<T, String>>) -> Result<T, Status> {
        match AssertUnwindSafe(answer).catch_unwind().await {
            Ok(answer) => answer.map_err(|why| Status::failed_precondition(cut(why))),
            Err(_) => Err(panicked(&self.counters)),
        }
    }
}

#[tonic::async_trait]
impl Peer for Service {
    async fn call(&self, request: Request<Asked>) -> Result<Response<Reply>, Status> {
        let Passed { caller, topic } = passed(request.extensions())?;
        let body = request.into_inner().body;
        // The receiver is called within, so that it may panic before it gives its future as well.
        let answer = async { self.receiver.call(caller.member(), topic, body).await };
        Ok(Response::new(Reply { body: self.answer(answer).await? }))
    }

    type StreamStream = BoxStream<'static, Result<Frame, Status>>;

    async fn stream(
        &self,
        request: Request<Streaming<Frame>>,
    ) -> Result<Response<Self::StreamStream>, Status> {
        let Passed { caller, topic } = passed(request.extensions())?;
        let received: Frames = frames(request.into_inner(), caller.name().to_owned(), |_| {});
        let answer = async { self.receiver.stream(caller.member(), topic, received).await };
        let sent = self.answer(answer).await?;
        let counters = self.counters.clone();
        let sent = AssertUnwindSafe(sent).catch_unwind().map(move |frame| match frame {
            Ok(body) => Ok(Frame { body }),
            Err(_) => Err(panicked(&counters)),
        });
        Ok(Response::new(sent.boxed()))
    }

    async fn upload(&self, request: Request<Streaming<Frame>>) -> Result<Response<Reply>, Status> {
        let Passed { caller, topic } = passed(request.extensions())?;
        let received: Frames = frames(request.into_inner(), caller.name().to_owned(), |_| {});
        let answer = async { self.receiver.upload(caller.member(), topic, received).await };
        Ok(Response::new(Reply { body: self.answer(answer).await? }))
    }
}

fn passed(extensions: &Extensions) -> Result<Passed, Status> {
    extensions.get().cloned().ok_or_else(|| Status::internal("a request that was not checked"))
}

fn panicked(counters: &Counters) -> Status {
    counters.panics.fetch_add(1, Relaxed);
    tracing::error!("a request of another member ended in a panic; this is a bug, please report it");
    Status::aborted("it failed with a panic; its log says where")
}

fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        let mut end = TEXT_BYTES_MAX;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    text
}
