//! What the tests are made of: a receiver that does what its topic says, servers and links.

use bytes::Bytes;
use cluster::carrier::kind;
use cluster::rpc::{Address, Identity, Link, LinkOptions, Names, Security, Server, ServerOptions};
use cluster::{Carrier, CarryError, Frames, MemberId, Receiver, Topic};
use futures::future::{BoxFuture, ready};
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Longer than anything takes, unless it hangs.
pub const LONG: Duration = Duration::from_secs(20);

pub const SECRET: &str = "a secret that members share";

/// Topics that [`Echo`] knows.
pub const ECHO: Topic = Topic { kind: kind::PROPOSE, group: 0 };
pub const JOIN: Topic = Topic { kind: kind::JOIN, group: 0 };
pub const WHO: Topic = Topic { kind: kind::GATHER, group: 7 };
pub const REFUSES: Topic = Topic { kind: kind::ORDER, group: 0 };
pub const PANICS: Topic = Topic { kind: kind::TRANSFER, group: 0 };
pub const HANGS: Topic = Topic { kind: kind::SETTLE, group: 0 };
pub const FRAMES: Topic = Topic { kind: kind::INGEST, group: 3 };
pub const UPLOAD: Topic = Topic { kind: kind::SNAPSHOT, group: 3 };

/// Answers.
pub struct Echo;

impl Receiver for Echo {
    fn call(&self, from: MemberId, topic: Topic, body: Bytes) -> BoxFuture<'static, Result<Bytes, String>> {
        assert_ne!(topic, PANICS, "a panic as asked for");
        async move {
            match topic {
                ECHO | JOIN => Ok(body),
                WHO => Ok(format!("{from} in {}", topic.group).into()),
                HANGS => futures::future::pending().await,
                _ => Err("no ä ".repeat(10_000)),
            }
        }
        .boxed()
    }

    fn stream(
        &self,
        _: MemberId,
        topic: Topic,
        received: Frames,
    ) -> BoxFuture<'static, Result<BoxStream<'static, Bytes>, String>> {
        async move {
            match topic {
                REFUSES => Err("no streams".to_owned()),
                PANICS => Ok(futures::stream::once(async { panic!("a panic as asked for") }).boxed()),
                _ => Ok(received
                    .take_while(|frame| ready(frame.is_ok()))
                    .filter_map(|frame| ready(frame.ok()))
                    .boxed()),
            }
        }
        .boxed()
    }

    fn upload(
        &self,
        _: MemberId,
        topic: Topic,
        received: Frames,
    ) -> BoxFuture<'static, Result<Bytes, String>> {
        async move {
            if topic == REFUSES {
                return Err("no uploads".to_owned());
            }
            let sum = received.try_fold((0, 0_u64), |(frames, bytes), frame| async move {
                Ok((frames + 1, bytes + frame.iter().map(|byte| u64::from(*byte)).sum::<u64>()))
            });
            let (frames, bytes) = sum.await.map_err(|error| error.to_string())?;
            Ok(format!("{frames} {bytes}").into())
        }
        .boxed()
    }
}

/// Member `n` is called `m<n>.test`.
pub fn name(member: MemberId) -> String {
    format!("m{member}.test")
}

pub fn identity(member: MemberId) -> Identity {
    Identity::new(member, name(member), "c1")
}

pub fn secret() -> Security {
    Security::new(Some(SECRET), None).unwrap()
}

/// Options of a server on a free port, where members are as [`name`] calls them.
pub fn options() -> ServerOptions {
    options_on("127.0.0.1:0")
}

pub fn options_on(bind: &str) -> ServerOptions {
    let mut options = ServerOptions::new(bind, Names::new(|member| Some(name(member))));
    options.grace = Duration::from_millis(50);
    options
}

/// A server of the given member.
pub async fn serve(member: MemberId, security: Security) -> Server {
    Server::start(options(), identity(member), security, Arc::new(Echo)).await.unwrap()
}

/// A link of member 1.
pub fn link(security: Security) -> Link {
    Link::new(identity(1), security, LinkOptions::default())
}

/// Addresses of one member.
pub fn only(member: MemberId, rpc: impl ToString) -> BTreeMap<MemberId, Address> {
    BTreeMap::from([(member, Address { name: name(member), rpc: rpc.to_string() })])
}

/// A server that is member 2, and member 1's link to it.
pub async fn pair(security: &Security) -> (Server, Link) {
    let server = serve(2, security.clone()).await;
    let link = link(security.clone());
    link.set_addresses(only(2, server.address()));
    (server, link)
}

/// Asks member 2.
pub async fn ask(link: &Link, topic: Topic, body: &'static str) -> Result<String, CarryError> {
    let answer = link.call(2, topic, Bytes::from_static(body.as_bytes()), LONG).await?;
    Ok(String::from_utf8(answer.to_vec()).unwrap())
}

/// Whether the text of an error of the kind `Denied` has the given words.
pub fn is_denied<T: std::fmt::Debug>(result: Result<T, CarryError>, words: &str) {
    match result {
        Err(CarryError::Denied { why, .. }) if why.contains(words) => {}
        other => panic!("not denied with {words:?}: {other:?}"),
    }
}

/// Whether the text of an error of the kind `Unreachable` has the given words.
pub fn is_unreachable<T: std::fmt::Debug>(result: Result<T, CarryError>, words: &str) {
    match result {
        Err(CarryError::Unreachable { why, .. }) if why.contains(words) => {}
        other => panic!("not unreachable with {words:?}: {other:?}"),
    }
}
