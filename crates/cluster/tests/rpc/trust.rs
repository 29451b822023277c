//! Who is not let in.

use crate::member::*;
use crate::relay::Relay;
use bytes::Bytes;
use cluster::carrier::kind;
use cluster::rpc::{Error, Identity, Link, LinkOptions, Security, Server, VERSION};
use cluster::{CarryError, Topic};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[test]
fn without_any_proof_nothing_starts() {
    for secret in [None, Some("")] {
        let error = Security::new(secret, None).unwrap_err();
        assert!(matches!(error, Error::Unprotected));
        assert!(error.to_string().contains("[cluster] shared-secret"));
    }
}

#[tokio::test]
async fn a_wrong_secret() {
    let server = serve(2, secret()).await;
    let link = link(Security::new(Some("another"), None).unwrap());
    link.set_addresses(only(2, server.address()));
    is_denied(ask(&link, ECHO, "x").await, "another shared secret");
    let stats = server.stats();
    assert_eq!((stats.rejected_secret, stats.admitted, stats.requests), (1, 0, 0));
}

/// One who answers without knowing the secret does not get what is meant for a member.
#[tokio::test]
async fn a_server_that_only_pretends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = link(secret());
    link.set_addresses(only(2, listener.local_addr().unwrap()));
    let pretender = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_message(&mut stream).await;
        stream.write_all(&message(VERSION, 1, &[1; 32])).await.unwrap();
        read_message(&mut stream).await;
        let mut welcome = vec![2];
        welcome.extend_from_slice(&[0; 32]);
        stream.write_all(&message(VERSION, 3, &welcome)).await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        rest
    };
    let (asked, rest) = tokio::join!(ask(&link, ECHO, "confidential"), pretender);
    is_denied(asked, "does not know the shared secret");
    assert_eq!(rest, b"");
}

/// What was recorded of a member is worth nothing on another connection.
#[tokio::test]
async fn a_replay() {
    let server = serve(2, secret()).await;
    let relay = Relay::to(server.address()).await;
    let link = link(secret());
    link.set_addresses(only(2, relay.address));
    ask(&link, ECHO, "move the money").await.unwrap();
    let recorded = relay.sent.lock().clone();
    assert!(recorded.windows(14).any(|bytes| bytes == b"move the money"));
    let answer = say(&server, &recorded).await;
    assert!(answer.contains("another shared secret"), "{answer}");
    let stats = server.stats();
    assert_eq!((stats.admitted, stats.requests, stats.rejected_secret), (1, 1, 1));
}

#[tokio::test]
async fn another_version() {
    let server = serve(2, secret()).await;
    let answer = say(&server, &message(VERSION + 1, 0, b"whatever that version says")).await;
    assert!(answer.starts_with("FARAD") && answer.contains("speaks version 1"), "{answer}");
    assert_eq!(server.stats().rejected_version, 1);
}

#[tokio::test]
async fn a_server_of_another_version() {
    // It may say so with a refusal, or just go on.
    for answer in [message(VERSION + 1, 4, b"\x03too old"), message(VERSION + 1, 1, b"")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let link = link(secret());
        link.set_addresses(only(2, listener.local_addr().unwrap()));
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_message(&mut stream).await;
            stream.write_all(&answer).await.unwrap();
            stream
        };
        let (asked, _stream) = tokio::join!(ask(&link, ECHO, "x"), server);
        match asked {
            Err(CarryError::Denied { why, .. }) if why == "too old" || why.contains("version 2") => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn garbage() {
    let server = serve(2, secret()).await;
    let garbage: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        &[22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3],
        &[255; 5000],
        b"FARAD\x00\x01\x00\xff\xff too long",
    ];
    for (count, bytes) in garbage.iter().enumerate() {
        let answer = say(&server, bytes).await;
        assert!(answer.contains("not the protocol"), "{answer}");
        assert_eq!(server.stats().rejected_other, count as u64 + 1);
    }
    // A greeting of the right form with garbage in it, and half a greeting.
    say(&server, &message(VERSION, 0, &[255; 100])).await;
    say(&server, b"FARAD\x00\x01").await;
    assert_eq!((server.stats().rejected_other, server.stats().admitted), (7, 0));
    let link = link(secret());
    link.set_addresses(only(2, server.address()));
    assert_eq!(ask(&link, ECHO, "x").await.unwrap(), "x");
}

#[tokio::test]
async fn one_who_says_nothing() {
    let mut options = options();
    options.handshake_limit = Duration::from_millis(20);
    let server = Server::start(options, identity(2), secret(), Arc::new(Echo)).await.unwrap();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!((answer.len(), server.stats().rejected_other), (0, 1));
}

#[tokio::test]
async fn another_cluster() {
    let server = serve(2, secret()).await;
    let identity = Identity::new(1, name(1), "c2");
    let link = Link::new(identity.clone(), secret(), LinkOptions::default());
    link.set_addresses(only(2, server.address()));
    is_denied(ask(&link, ECHO, "x").await, "another cluster, c1");
    assert_eq!(ask(&link, JOIN, "may I?").await.unwrap(), "may I?");
    assert_eq!((server.stats().rejected_cluster, server.stats().requests), (1, 1));
    // A member of none yet may ask, and so may one that has joined meanwhile.
    for cluster in ["", "c1"] {
        identity.cluster.store(Arc::new(cluster.to_owned()));
        assert_eq!(ask(&link, ECHO, "x").await.unwrap(), "x");
    }
    assert_eq!(link.member_stats()[&2].dials, 1);
}

#[tokio::test]
async fn who_knows_an_address_only_may_join_only() {
    let server = serve(2, secret()).await;
    let link = link(secret());
    let address = server.address().to_string();
    let asked = |topic| link.call_address(&address, topic, Bytes::from_static(b"x"), LONG);
    assert_eq!(asked(JOIN).await.unwrap(), "x");
    is_denied(asked(ECHO).await, "nothing but to join");
    is_denied(asked(Topic { kind: kind::VOTE, group: 0 }).await, "nothing but to join");
}

/// An address that belongs to somebody else by now.
#[tokio::test]
async fn another_member_lives_there() {
    let server = serve(3, secret()).await;
    let link = link(secret());
    link.set_addresses(only(2, server.address()));
    is_unreachable(ask(&link, ECHO, "x").await, "member 3 lives there");
    assert_eq!(server.stats().admitted, 0);
}

/// Sends bytes to a server and gives all that it answers.
async fn say(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A message of the handshake.
fn message(version: u16, code: u8, payload: &[u8]) -> Vec<u8> {
    let mut message = b"FARAD".to_vec();
    message.extend_from_slice(&version.to_be_bytes());
    message.push(code);
    message.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    message.extend_from_slice(payload);
    message
}

async fn read_message(stream: &mut TcpStream) {
    let mut head = [0; 10];
    stream.read_exact(&mut head).await.unwrap();
    let mut payload = vec![0; usize::from(u16::from_be_bytes([head[8], head[9]]))];
    stream.read_exact(&mut payload).await.unwrap();
}
