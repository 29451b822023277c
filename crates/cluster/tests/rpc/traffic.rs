//! Calls, streams and uploads between members that trust each other.

use crate::member::*;
use bytes::Bytes;
use cluster::rpc::{MESSAGE_BYTES_MAX, Server};
use cluster::{Carrier, CarryError, Frames, MemberId, Receiver, Topic};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

#[tokio::test]
async fn calls() {
    let (server, link) = pair(&secret()).await;
    assert_eq!(ask(&link, ECHO, "hello").await.unwrap(), "hello");
    assert_eq!(ask(&link, ECHO, "").await.unwrap(), "");
    assert_eq!(ask(&link, WHO, "").await.unwrap(), "1 in 7");
    let stats = link.member_stats();
    assert_eq!((stats[&2].connections, stats[&2].dials, stats[&2].requests), (1, 1, 3));
    assert_eq!((stats[&2].sent_bytes, stats[&2].received_bytes, stats[&2].requests_failed), (5, 11, 0));
    assert_eq!((server.stats().admitted, server.stats().requests), (1, 3));
}

#[tokio::test]
async fn refusals_and_panics_cost_one_request() {
    let (server, link) = pair(&secret()).await;
    let Err(CarryError::Refused(text)) = ask(&link, REFUSES, "").await else { panic!("not refused") };
    assert!(text.starts_with("no ä no ä ") && text.len() > 4000 && text.len() <= 4096);
    assert!(matches!(ask(&link, PANICS, "").await, Err(CarryError::Refused(_))));
    let refused = link.stream(2, REFUSES, stream::empty().boxed()).await;
    assert!(matches!(refused.err(), Some(CarryError::Refused(text)) if text == "no streams"));
    let mut panicking = link.stream(2, PANICS, stream::empty().boxed()).await.unwrap();
    assert!(matches!(panicking.next().await, Some(Err(CarryError::Refused(_)))));
    assert!(panicking.next().await.is_none());
    assert_eq!(server.stats().panics, 2);
    assert_eq!(ask(&link, ECHO, "still there").await.unwrap(), "still there");
    assert_eq!(link.member_stats()[&2].dials, 1);
}

#[tokio::test]
async fn an_answer_that_is_late() {
    let (_server, link) = pair(&secret()).await;
    let limit = Duration::from_millis(20);
    let late = link.call(2, HANGS, Bytes::new(), limit).await;
    assert!(matches!(late, Err(CarryError::Timeout { limit: said, .. }) if said == limit), "{late:?}");
    assert_eq!(ask(&link, ECHO, "next").await.unwrap(), "next");
}

#[tokio::test]
async fn messages_have_a_largest_size() {
    let (_server, link) = pair(&secret()).await;
    let body = Bytes::from(vec![0; MESSAGE_BYTES_MAX + 1]);
    let refused = link.call(2, ECHO, body.clone(), LONG).await;
    assert!(matches!(refused, Err(CarryError::Refused(_))), "{refused:?}");
    let large = body.slice(..4 << 20);
    assert_eq!(link.call(2, ECHO, large.clone(), LONG).await.unwrap(), large);
}

/// The receiver must have accepted the stream before the first frame is made.
#[tokio::test]
async fn a_conversation() {
    let (_server, link) = pair(&secret()).await;
    let (send, sent) = futures::channel::mpsc::unbounded();
    let mut back = link.stream(2, FRAMES, sent.boxed()).await.unwrap();
    for n in 0..100 {
        let frame = Bytes::from(format!("frame {n}"));
        send.unbounded_send(frame.clone()).unwrap();
        assert_eq!(back.next().await.unwrap().unwrap(), frame);
    }
    drop(send);
    assert!(back.next().await.is_none());
}

/// Who drops what comes back ends what it sends.
#[tokio::test]
async fn an_abandoned_stream_ends() {
    let (_server, link) = pair(&secret()).await;
    let (held, gone) = tokio::sync::oneshot::channel::<()>();
    let sent = stream::pending::<Bytes>().inspect(move |_| {
        let _ = &held;
    });
    let back = link.stream(2, FRAMES, sent.boxed()).await.unwrap();
    drop(back);
    // Ends when the stream that was handed over is dropped, and `held` with it.
    assert!(tokio::time::timeout(LONG, gone).await.unwrap().is_err());
}

const PIECE: usize = 256 << 10;

/// Reads a frame only after the sender had time to run ahead, and notes how far it ran.
struct Slow {
    sent: Arc<AtomicU64>,
    lead: Arc<AtomicU64>,
}

impl Receiver for Slow {
    fn call(&self, _: MemberId, _: Topic, body: Bytes) -> BoxFuture<'static, Result<Bytes, String>> {
        async move { Ok(body) }.boxed()
    }

    fn stream(
        &self,
        _: MemberId,
        _: Topic,
        received: Frames,
    ) -> BoxFuture<'static, Result<BoxStream<'static, Bytes>, String>> {
        let (sent, lead) = (self.sent.clone(), self.lead.clone());
        async move {
            let read = received.enumerate().then(move |(read, frame)| {
                let (sent, lead) = (sent.clone(), lead.clone());
                async move {
                    for _ in 0..100 {
                        tokio::task::yield_now().await;
                    }
                    lead.fetch_max(sent.load(Relaxed).saturating_sub(read as u64), Relaxed);
                    frame.map(|frame| frame.slice(..1)).unwrap_or_default()
                }
            });
            Ok(read.boxed())
        }
        .boxed()
    }

    fn upload(&self, _: MemberId, _: Topic, _: Frames) -> BoxFuture<'static, Result<Bytes, String>> {
        async { Err("not asked for".to_owned()) }.boxed()
    }
}

#[tokio::test]
async fn a_slow_reader_holds_up_the_sender() {
    let (sent, lead) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let receiver = Arc::new(Slow { sent: sent.clone(), lead: lead.clone() });
    let server = Server::start(options(), identity(2), secret(), receiver).await.unwrap();
    let link = link(secret());
    link.set_addresses(only(2, server.address()));
    let piece = Bytes::from(vec![7; PIECE]);
    let pieces = 256;
    let counter = sent.clone();
    let frames = stream::repeat(piece).take(pieces).inspect(move |_| {
        counter.fetch_add(1, Relaxed);
    });
    let back = link.stream(2, FRAMES, frames.boxed()).await.unwrap();
    assert_eq!(back.filter(|frame| futures::future::ready(frame.is_ok())).count().await, pieces);
    // 8 MiB of window, and what both sides have in their buffers.
    let lead = lead.load(Relaxed);
    assert!((4..=64).contains(&lead), "the sender was {lead} pieces ahead of {pieces}");
}

#[tokio::test]
async fn an_upload_of_20_mib() {
    let (_server, link) = pair(&secret()).await;
    let frames = stream::iter((0..20_u8).map(|n| Bytes::from(vec![n; 1 << 20])));
    let answer = link.upload(2, UPLOAD, frames.boxed()).await.unwrap();
    assert_eq!(answer, format!("20 {}", 190_u64 << 20));
    let refused = link.upload(2, REFUSES, stream::repeat(Bytes::from_static(b"endless")).boxed()).await;
    assert!(matches!(&refused, Err(CarryError::Refused(text)) if text == "no uploads"), "{refused:?}");
    assert_eq!(link.member_stats()[&2].dials, 1);
}

/// Calls, bulk and uploads do not share a connection.
#[tokio::test]
async fn each_kind_of_traffic_has_its_connection() {
    let (server, link) = pair(&secret()).await;
    ask(&link, ECHO, "x").await.unwrap();
    let _bulk = link.stream(2, FRAMES, stream::pending().boxed()).await.unwrap();
    link.upload(2, UPLOAD, stream::empty().boxed()).await.unwrap();
    assert_eq!(link.member_stats()[&2].connections, 3);
    assert_eq!(server.stats().connections, 3);
}
