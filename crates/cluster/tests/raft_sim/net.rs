//! A network in one process that delays, cuts (also one way) and breaks, but neither loses within a
//! stream nor duplicates: like TCP.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cluster::carrier::{Carrier, CarryError, Frames, MemberId, Receiver, Topic};
use cluster::raft::Groups;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::chance::Chance;

/// How long somebody waits for a connection.
const DIAL_LIMIT: Duration = Duration::from_millis(300);

#[derive(Clone)]
pub struct Net {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    changed: watch::Sender<()>,
    chance: Chance,
    delay_max: Duration,
}

#[derive(Default)]
struct State {
    members: HashMap<MemberId, Groups>,
    /// How often a member was started.
    lives: HashMap<MemberId, u64>,
    /// How often the connections between two members were broken.
    breaks: HashMap<(MemberId, MemberId), u64>,
    cut: HashSet<(MemberId, MemberId)>,
}

/// A connection holds as long as this stays the same.
type Token = (u64, u64, u64, u64);

impl Net {
    pub fn new(seed: u64, delay_max: Duration) -> Net {
        let inner = Inner {
            state: Mutex::default(),
            changed: watch::Sender::new(()),
            chance: Chance::new(seed),
            delay_max,
        };
        Net { inner: Arc::new(inner) }
    }

    pub fn carrier(&self, me: MemberId) -> Arc<dyn Carrier> {
        Arc::new(SimCarrier { net: self.clone(), me })
    }

    pub fn join(&self, me: MemberId, groups: Groups) {
        self.change(|state| {
            state.members.insert(me, groups);
            *state.lives.entry(me).or_default() += 1;
        });
    }

    pub fn leave(&self, me: MemberId) {
        self.change(|state| {
            state.members.remove(&me);
            *state.lives.entry(me).or_default() += 1;
        });
    }

    /// Nothing gets from one to the other. What is under way waits, or its connections break.
    pub fn cut(&self, from: MemberId, to: MemberId, breaking: bool) {
        self.change(|state| {
            state.cut.insert((from, to));
            if breaking {
                *state.breaks.entry((from, to)).or_default() += 1;
            }
        });
    }

    pub fn heal(&self) {
        self.change(|state| state.cut.clear());
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.inner.state.lock());
        self.inner.changed.send_replace(());
    }

    fn token(&self, from: MemberId, to: MemberId) -> Token {
        let state = self.inner.state.lock();
        let life = |member| state.lives.get(&member).copied().unwrap_or(0);
        let breaks = |pair| state.breaks.get(&pair).copied().unwrap_or(0);
        (life(from), life(to), breaks((from, to)), breaks((to, from)))
    }

    fn receiver(&self, to: MemberId) -> Result<Groups, CarryError> {
        self.inner.state.lock().members.get(&to).cloned().ok_or_else(|| unreachable(to))
    }

    /// Gets something from one to the other, late or not at all.
    async fn pass(&self, from: MemberId, to: MemberId, token: Token) -> Result<(), CarryError> {
        let mut changed = self.inner.changed.subscribe();
        let micros = self.inner.chance.below(self.inner.delay_max.as_micros() as u64 + 1);
        if micros > 0 {
            tokio::time::sleep(Duration::from_micros(micros)).await;
        }
        let pair = if token == self.token(from, to) { (from, to) } else { return Err(unreachable(to)) };
        while self.inner.state.lock().cut.contains(&pair) {
            if changed.changed().await.is_err() || token != self.token(from, to) {
                return Err(unreachable(to));
            }
        }
        Ok(())
    }

    /// Ends when the connection does.
    async fn broken(self, from: MemberId, to: MemberId, token: Token) {
        let mut changed = self.inner.changed.subscribe();
        while token == self.token(from, to) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Frames on their way, in order, until the connection breaks.
    fn carry(
        &self,
        (from, to): (MemberId, MemberId),
        token: Token,
        frames: BoxStream<'static, Bytes>,
    ) -> Frames {
        let net = self.clone();
        futures::stream::unfold(Some(frames), move |frames| {
            let net = net.clone();
            async move {
                let mut frames = frames?;
                let passed = async {
                    match frames.next().await {
                        Some(frame) => net.pass(from, to, token).await.map(|()| Some(frame)),
                        None => Ok(None),
                    }
                };
                let passed = tokio::select! {
                    passed = passed => passed,
                    () = net.clone().broken(from, to, token) => Err(unreachable(to)),
                };
                match passed {
                    Ok(frame) => Some((Ok(frame?), Some(frames))),
                    Err(error) => Some((Err(error), None)),
                }
            }
        })
        .boxed()
    }
}

fn unreachable(to: MemberId) -> CarryError {
    CarryError::Unreachable { member: to.to_string(), why: "the simulation says so".to_owned() }
}

struct SimCarrier {
    net: Net,
    me: MemberId,
}

impl Carrier for SimCarrier {
    fn call(
        &self,
        to: MemberId,
        topic: Topic,
        body: Bytes,
        limit: Duration,
    ) -> BoxFuture<'static, Result<Bytes, CarryError>> {
        let (net, me) = (self.net.clone(), self.me);
        let called = async move {
            let token = net.token(me, to);
            net.pass(me, to, token).await?;
            let answer = net.receiver(to)?.call(me, topic, body).await;
            net.pass(to, me, net.token(to, me)).await?;
            answer.map_err(CarryError::Refused)
        };
        Box::pin(async move {
            let late = CarryError::Timeout { member: to.to_string(), limit };
            tokio::time::timeout(limit, called).await.unwrap_or(Err(late))
        })
    }

    fn stream(
        &self,
        to: MemberId,
        topic: Topic,
        sent: BoxStream<'static, Bytes>,
    ) -> BoxFuture<'static, Result<Frames, CarryError>> {
        let (net, me) = (self.net.clone(), self.me);
        let opened = async move {
            let token = net.token(me, to);
            net.pass(me, to, token).await?;
            let received = net.carry((me, to), token, sent);
            let answers = net.receiver(to)?.stream(me, topic, received).await;
            let back = net.token(to, me);
            net.pass(to, me, back).await?;
            Ok(net.carry((to, me), back, answers.map_err(CarryError::Refused)?))
        };
        Box::pin(async move {
            let late = CarryError::Timeout { member: to.to_string(), limit: DIAL_LIMIT };
            tokio::time::timeout(DIAL_LIMIT, opened).await.unwrap_or(Err(late))
        })
    }

    fn upload(
        &self,
        to: MemberId,
        topic: Topic,
        sent: BoxStream<'static, Bytes>,
    ) -> BoxFuture<'static, Result<Bytes, CarryError>> {
        let (net, me) = (self.net.clone(), self.me);
        Box::pin(async move {
            let token = net.token(me, to);
            net.pass(me, to, token).await?;
            let received = net.carry((me, to), token, sent);
            let taken = net.receiver(to)?.upload(me, topic, received);
            let answer = tokio::select! {
                answer = taken => answer,
                () = net.clone().broken(me, to, token) => return Err(unreachable(to)),
            };
            net.pass(to, me, net.token(to, me)).await?;
            answer.map_err(CarryError::Refused)
        })
    }
}
