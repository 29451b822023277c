//! Members that die, fall silent and come back.

use crate::member::*;
use crate::relay::Relay;
use bytes::Bytes;
use cluster::rpc::{Error, Link, LinkOptions, Server};
use cluster::{Carrier, Frames};
use futures::{StreamExt, stream};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// An echo with one frame that has come back, from member 2.
async fn conversation(link: &Link) -> Frames {
    let first = stream::iter([Bytes::from_static(b"first")]);
    let mut back = link.stream(2, FRAMES, first.chain(stream::pending()).boxed()).await.unwrap();
    assert_eq!(back.next().await.unwrap().unwrap(), "first");
    back
}

/// The stream ends with an error, and soon.
async fn breaks(mut back: Frames) {
    let next = tokio::time::timeout(LONG, back.next()).await.unwrap();
    is_unreachable(next.unwrap(), "");
    assert!(back.next().await.is_none());
}

/// A port where nobody listens.
async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_member_that_dies() {
    // In a runtime of its own, which closes all sockets when it goes, as the end of a process does.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.spawn(serve(2, secret())).await.unwrap();
    let link = link(secret());
    link.set_addresses(only(2, server.address()));
    let back = conversation(&link).await;
    let call = link.call(2, HANGS, Bytes::new(), LONG);
    let calling = tokio::spawn(call);
    let upload = tokio::spawn(link.upload(2, UPLOAD, stream::pending().boxed()));
    while server.stats().requests < 3 {
        tokio::task::yield_now().await;
    }
    runtime.shutdown_background();
    breaks(back).await;
    is_unreachable(calling.await.unwrap(), "");
    is_unreachable(upload.await.unwrap(), "");
}

#[tokio::test]
async fn a_member_that_falls_silent() {
    let server = serve(2, secret()).await;
    let relay = Relay::to(server.address()).await;
    let keepalive_interval = Duration::from_millis(30);
    let options = LinkOptions {
        keepalive_interval,
        keepalive_timeout: Duration::from_millis(100),
        ..Default::default()
    };
    let link = Link::new(identity(1), secret(), options);
    link.set_addresses(only(2, relay.address));
    let back = conversation(&link).await;
    relay.fall_silent();
    breaks(back).await;
}

/// The other way round: the server notices that a caller is gone.
#[tokio::test]
async fn a_caller_that_falls_silent() {
    let mut options = options();
    options.keepalive_interval = Duration::from_millis(30);
    options.keepalive_timeout = Duration::from_millis(100);
    let server = Server::start(options, identity(2), secret(), Arc::new(Echo)).await.unwrap();
    let relay = Relay::to(server.address()).await;
    let link = link(secret());
    link.set_addresses(only(2, relay.address));
    let _back = conversation(&link).await;
    assert_eq!(server.stats().connections, 1);
    relay.fall_silent();
    let gone = async {
        while server.stats().connections > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, gone).await.unwrap();
}

/// A machine that takes connections, but where the process stands still.
#[tokio::test]
async fn a_member_that_does_not_answer_a_dial() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = LinkOptions { connect_timeout: Duration::from_millis(50), ..Default::default() };
    let link = Link::new(identity(1), secret(), options);
    link.set_addresses(only(2, listener.local_addr().unwrap()));
    is_unreachable(ask(&link, ECHO, "x").await, "timed out");
}

#[tokio::test]
async fn a_dead_member_is_not_dialed_all_the_time() {
    let link = link(secret());
    link.set_addresses(only(2, nobody().await));
    let start = Instant::now();
    for _ in 0..1000 {
        is_unreachable(ask(&link, ECHO, "x").await, "refused");
    }
    let stats = link.member_stats();
    let most = 1 + start.elapsed().as_millis() as u64 / 50;
    assert!((1..=most).contains(&stats[&2].dials), "{} dials of {most}", stats[&2].dials);
    assert_eq!((stats[&2].requests_failed, stats[&2].dials_failed), (1000, stats[&2].dials));
    assert!(stats[&2].error.as_deref().is_some_and(|error| error.contains("refused")));
    // Someone has heard of it.
    link.retry_now(2);
    is_unreachable(ask(&link, ECHO, "x").await, "refused");
    assert_eq!(link.member_stats()[&2].dials, stats[&2].dials + 1);
}

/// Streams wait for the next dial by themselves.
#[tokio::test]
async fn streams_opened_in_a_loop_do_not_spin() {
    let link = link(secret());
    link.set_addresses(only(2, nobody().await));
    let start = Instant::now();
    for _ in 0..4 {
        is_unreachable(link.stream(2, FRAMES, stream::empty().boxed()).await.map(drop), "refused");
    }
    // 50, 100 and 150 ms between them.
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(link.member_stats()[&2].dials, 4);
}

#[tokio::test]
async fn a_member_that_starts_again() {
    let server = serve(2, secret()).await;
    let address = server.address();
    let link = link(secret());
    link.set_addresses(only(2, address));
    let back = conversation(&link).await;
    ask(&link, ECHO, "x").await.unwrap();
    server.stop().await;
    breaks(back).await;
    for _ in 0..5 {
        is_unreachable(link.stream(2, FRAMES, stream::empty().boxed()).await.map(drop), "");
    }
    let options = options_on(&address.to_string());
    let server = Server::start(options, identity(2), secret(), Arc::new(Echo)).await.unwrap();
    let start = Instant::now();
    drop(conversation(&link).await);
    // 150 ms at most until the next dial; the rest is for a busy machine.
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(ask(&link, ECHO, "again").await.unwrap(), "again");
    assert_eq!(server.stats().rejected_other, 0);
}

#[tokio::test]
async fn a_server_that_stops() {
    let (server, link) = pair(&secret()).await;
    let back = conversation(&link).await;
    server.stop().await;
    breaks(back).await;
    assert_eq!(server.stats().connections, 0);
    server.stop().await;
    is_unreachable(ask(&link, ECHO, "x").await, "");
}

#[tokio::test]
async fn a_server_that_is_dropped() {
    let (server, link) = pair(&secret()).await;
    let back = conversation(&link).await;
    drop(server);
    breaks(back).await;
}

#[tokio::test]
async fn addresses() {
    let (second, third) = (serve(2, secret()).await, serve(3, secret()).await);
    let link = link(secret());
    is_unreachable(ask(&link, ECHO, "x").await, "not known");
    link.set_addresses(only(2, format!("localhost:{}", second.address().port())));
    assert_eq!(ask(&link, ECHO, "x").await.unwrap(), "x");
    let mut both: BTreeMap<_, _> = only(2, format!("localhost:{}", second.address().port()));
    both.extend(only(3, third.address()));
    link.set_addresses(both);
    assert_eq!(link.call(3, ECHO, Bytes::new(), LONG).await.unwrap(), "");
    // The connection of the one whose address stays is kept.
    assert_eq!(ask(&link, ECHO, "x").await.unwrap(), "x");
    assert_eq!(second.stats().admitted, 1);
    link.set_addresses(only(2, "no-such-host.invalid:1"));
    is_unreachable(ask(&link, ECHO, "x").await, "");
    is_unreachable(link.call(3, ECHO, Bytes::new(), LONG).await, "not known");
}

#[tokio::test]
async fn from_a_given_address() {
    let (server, _) = pair(&secret()).await;
    let options = LinkOptions { local_ip: Some("127.0.0.9".parse().unwrap()), ..Default::default() };
    let link = Link::new(identity(1), secret(), options);
    link.set_addresses(only(2, server.address()));
    assert_eq!(ask(&link, ECHO, "x").await.unwrap(), "x");
    // Nothing of the other family can be reached from there.
    link.set_addresses(only(2, "[::1]:1"));
    is_unreachable(ask(&link, ECHO, "x").await, "no address");
}

#[tokio::test]
async fn an_address_that_is_taken() {
    let server = serve(2, secret()).await;
    let address = server.address().to_string();
    let taken = Server::start(options_on(&address), identity(3), secret(), Arc::new(Echo)).await;
    let error = taken.unwrap_err();
    assert!(matches!(error, Error::Bind { .. }) && error.to_string().contains("[rpc] bind-address"));
    for nonsense in [":x", ":70000", "nonsense", ""] {
        let refused = Server::start(options_on(nonsense), identity(3), secret(), Arc::new(Echo)).await;
        assert!(refused.is_err(), "{nonsense}");
    }
    let all = Server::start(options_on(":0"), identity(3), secret(), Arc::new(Echo)).await.unwrap();
    let link = link(secret());
    link.set_addresses(only(3, format!("127.0.0.1:{}", all.address().port())));
    assert_eq!(link.call(3, ECHO, Bytes::from_static(b"x"), LONG).await.unwrap(), "x");
}
