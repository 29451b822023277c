//! The one thread that owns the socket, foca and all that is known. Everything that happens (a
//! datagram, a timer, a name found, a word from a handle) is worked off one after the other.

use super::freshness::Freshness;
use super::greeter::Greeter;
use super::identity::{Identity, unix_ms};
use super::names::{Names, Resolved};
use super::notice::Notice;
use super::options::{About, Checked, Error, Timing};
use super::packet::{Body, Card, Envelope};
use super::seal::Seal;
use super::side::Side;
use super::stats::{Counters, Reject, add, count};
use super::swim::Swim;
use super::table::{Learned, MEMBERS_MAX, Table};
use super::{Command, Shown, address};
use crate::carrier::MemberId;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

mod receive;
mod round;
mod send;

/// Bytes read of a datagram: longer ones are refused, so one more than the longest would do.
const READ_BYTES: usize = 2048;
/// How many datagrams are worked off before timers get their turn.
const BURST: usize = 64;
/// When the socket reports an error it is left alone for so long, lest the thread spin.
const TROUBLE_PAUSE: Duration = Duration::from_millis(10);
/// A farewell is said twice, this far apart: a datagram may be lost.
const FAREWELL_PAUSE: Duration = Duration::from_millis(20);
/// Name look-ups that may hang at the same time.
const LOOKUPS_MAX: usize = 16;

struct Task {
    about: About,
    peers: Vec<String>,
    timing: Timing,
    local: SocketAddr,
    socket: UdpSocket,
    seal: Seal,
    swim: Swim,
    table: Table,
    side: Side,
    freshness: Freshness,
    names: Names,
    greeter: Greeter,
    notice: Notice,
    /// When members without a card were asked for it last.
    introduced: HashMap<MemberId, Instant>,
    shown: Arc<Shown>,
    /// The list of members is not what is shown any more.
    dirty: bool,
}

/// Starts the thread, and waits until it is ready.
pub(super) fn spawn(
    checked: Checked,
    socket: std::net::UdpSocket,
    shown: Arc<Shown>,
    inbox: mpsc::UnboundedReceiver<Command>,
) -> Result<(), Error> {
    let seal = Seal::new(&checked.secret)?;
    let (ready, wait) = std::sync::mpsc::sync_channel(1);
    let body = move || match prepare(checked, seal, socket, shown) {
        Ok((runtime, task, results)) => {
            // Nobody waits only if the caller's thread has been killed.
            let _gone = ready.send(Ok(()));
            let waiting = runtime.block_on(task.run(inbox, results));
            // A look-up that hangs must not hold up the end.
            runtime.shutdown_background();
            // Only now is the socket closed. The one who waits may have gone.
            if let Some(waiting) = waiting {
                let _gone = waiting.send(());
            }
        }
        Err(error) => {
            let _gone = ready.send(Err(error));
        }
    };
    std::thread::Builder::new().name("gossip".to_owned()).spawn(body).map_err(Error::Thread)?;
    wait.recv().unwrap_or_else(|_| Err(std::io::Error::other("it ended at once"))).map_err(Error::Thread)
}

/// Makes all that the thread needs. The runtime must not be dropped on a thread of another one.
fn prepare(
    checked: Checked,
    seal: Seal,
    socket: std::net::UdpSocket,
    shown: Arc<Shown>,
) -> std::io::Result<(Runtime, Task, mpsc::UnboundedReceiver<Resolved>)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(LOOKUPS_MAX)
        .thread_name("gossip-names")
        .build()?;
    let inside = runtime.enter();
    let socket = UdpSocket::from_std(socket)?;
    let local = socket.local_addr()?;
    let (task, results) = Task::new(checked, seal, socket, local, shown);
    drop(inside);
    Ok((runtime, task, results))
}

impl Task {
    fn new(
        checked: Checked,
        seal: Seal,
        socket: UdpSocket,
        local: SocketAddr,
        shown: Arc<Shown>,
    ) -> (Self, mpsc::UnboundedReceiver<Resolved>) {
        let Checked { mut about, timing, .. } = checked;
        if about.started <= 0 {
            about.started = unix_ms();
        }
        let generation = about.started.unsigned_abs();
        let own = Identity { address: about.gossip.clone(), id: about.id, generation };
        let (names, results) = Names::new(checked.resolver, timing.resolve_ttl);
        let task = Self {
            swim: Swim::new(own, &timing),
            about,
            peers: checked.peers.iter().map(ToString::to_string).collect(),
            local,
            socket,
            seal,
            table: Table::default(),
            side: Side::new(checked.cluster),
            freshness: Freshness::new(Instant::now()),
            names,
            greeter: Greeter::new(timing.hello_again),
            notice: Notice::default(),
            introduced: HashMap::new(),
            timing,
            shown,
            dirty: false,
        };
        (task, results)
    }

    /// Works until told to leave or all handles are gone. Returns who waits for it to have left.
    async fn run(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<Command>,
        mut results: mpsc::UnboundedReceiver<Resolved>,
    ) -> Option<oneshot::Sender<()>> {
        // Until the reactor has seen the socket once, it sends nothing.
        self.socket.writable().await.ok()?;
        let mut buffer = vec![0; READ_BYTES];
        let mut next_round = Instant::now();
        loop {
            // What lies in the socket comes before the timers: after a pause of this process it holds
            // the very answers whose lack the timers are about.
            if !self.drain(&mut buffer) {
                tokio::time::sleep(TROUBLE_PAUSE).await;
            }
            let now = Instant::now();
            self.swim.fire(now);
            if now >= next_round {
                self.round(now);
                next_round = now + self.timing.hello;
            }
            self.settle(now);
            let wake = self.swim.next_due().map_or(next_round, |due| due.min(next_round));
            tokio::select! {
                biased;
                command = inbox.recv() => match command {
                    None => return None,
                    Some(Command::Leave(done)) => {
                        self.leave().await;
                        return Some(done);
                    }
                    Some(command) => self.obey(command, Instant::now()),
                },
                Some(resolved) = results.recv() => self.resolved(resolved, Instant::now()),
                ready = self.socket.readable() => if ready.is_err() {
                    // The reactor is gone; nothing more can be read.
                    return None;
                },
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    fn counters(&self) -> &Counters {
        &self.shown.counters
    }

    /// Works off what has been received, up to a limit. Returns whether the socket is in order.
    fn drain(&mut self, buffer: &mut [u8]) -> bool {
        for _ in 0..BURST {
            match self.socket.try_recv_from(buffer) {
                Ok((length, from)) => {
                    count(&self.counters().packets_in);
                    add(&self.counters().bytes_in, length as u64);
                    let now = Instant::now();
                    if let Some(datagram) = buffer.get_mut(..length) {
                        self.receive(datagram, address::canonical(from), now);
                    }
                    self.settle(now);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return true,
                // Such as that an earlier datagram could not be delivered: it says nothing of the next.
                Err(error) => {
                    tracing::debug!(%error, "gossip socket");
                    return false;
                }
            }
        }
        true
    }

    /// Does what foca wants done, and shows what has changed.
    fn settle(&mut self, now: Instant) {
        let outcome = self.swim.take();
        for (to, data) in outcome.sends {
            self.send_to(&to.address, Body::Swim(&data), now);
        }
        for address in outcome.suspected {
            count(&self.counters().probes_failed);
            self.names.expire(&address);
        }
        if outcome.rejoins > 0 {
            add(&self.counters().rejoins, outcome.rejoins);
            tracing::info!(
                generation = self.swim.own().generation,
                "was held for down by others, and says it is not"
            );
            self.swim.reconnect(now);
            return self.settle(now);
        }
        if outcome.changed {
            self.introduce(now);
        }
        if self.table.refresh(self.swim.active(), unix_ms()) || self.dirty {
            self.dirty = false;
            *self.shown.seen.write() = self.table.seen();
            self.shown.changes.send_modify(|version| *version = version.wrapping_add(1));
        }
    }

    fn resolved(&mut self, resolved: Resolved, now: Instant) {
        let Some(found) = self.names.resolved(resolved, now) else { return };
        if let Some(error) = found.error {
            count(&self.counters().resolve_failures);
            tracing::debug!(name = found.name, %error, "no address found for a gossip peer");
        }
        if let Some(at) = self.names.pick(&found.name, now) {
            for datagram in found.held {
                self.transmit(&datagram, at);
            }
        }
        if found.first && self.peers.contains(&found.name) {
            self.greet_peer(&found.name, now);
        }
    }

    fn obey(&mut self, command: Command, now: Instant) {
        match command {
            Command::SetCluster(id) => {
                self.side.set(id);
                // Envelopes say it too; this is only faster.
                let addresses: Vec<String> =
                    self.swim.active().map(|member| member.address.clone()).collect();
                for address in addresses {
                    let body = Body::Tell { card: self.card() };
                    self.send_to(&address, body, now);
                }
            }
            Command::Forget(id) => {
                self.table.forget(id);
                self.swim.remove(id, now);
                self.dirty = true;
            }
            Command::Remember(id) => {
                self.table.remember(id);
                self.introduce(now);
            }
            // Obeyed in the loop, which it ends.
            Command::Leave(_) => {}
        }
    }

    /// Says farewell to all who are alive.
    async fn leave(&mut self) {
        let generation = self.swim.own().generation;
        let addresses: Vec<String> = self.swim.active().map(|member| member.address.clone()).collect();
        let now = Instant::now();
        for address in &addresses {
            self.send_to(address, Body::Bye { generation }, now);
        }
        self.swim.leave(now);
        self.settle(now);
        tokio::time::sleep(FAREWELL_PAUSE).await;
        for address in &addresses {
            self.send_to(address, Body::Bye { generation }, Instant::now());
        }
    }

    /// What this member says of itself.
    fn card(&self) -> Card {
        let cluster = self.side.own().to_owned();
        Card { generation: self.swim.own().generation, cluster, about: self.about.clone() }
    }

    fn reject(&mut self, why: Reject, from: SocketAddr, detail: &str, now: Instant) {
        self.counters().reject(why);
        self.notice.rejected(why, from, detail, now);
    }

    fn learn(&mut self, card: Card, direct: bool, now: Instant) {
        match self.table.learn(card, direct, unix_ms()) {
            Learned::News => self.dirty = true,
            Learned::Full => self.notice.full(MEMBERS_MAX, now),
            Learned::Nothing => {}
        }
    }
}
