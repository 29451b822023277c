//! A member of a cluster: its part in the control group and in the groups of its shards, and its
//! ways to the other members.
//!
//! [`agreement`] is the catalog under Raft, [`propose`] changes it from anywhere. [`shards`] keeps the
//! [`replica`]s that the catalog wants here; [`follow`] looks after each, [`lead`] brings its pipeline
//! up. Points go from [`sender`] to [`intake`]. [`publisher`] carries events and checkpoints to the
//! groups. [`belong`] founds and joins; [`place`] says who keeps what, on the control group's leader.
//! [`serve`] answers other members, [`gather`] asks them.

pub mod agreement;
mod belong;
pub mod follow;
mod gather;
pub mod intake;
pub mod lead;
pub mod options;
mod place;
mod propose;
pub mod publisher;
pub mod replica;
mod runs;
pub mod sender;
mod serve;
mod shards;
mod view;
pub mod wire;

pub use lead::Led;
pub use options::{ClusterOptions, SHARDS};
pub use propose::ChangeError;

use crate::directory::Directory;
use crate::error::Error;
use crate::outlet::Published;
use crate::queue::{Queue, Room};
use agreement::{Agreed, ControlMachine};
use cluster::gossip::{self, Gossip};
use cluster::raft::{self, Group, Groups, Timing};
use cluster::rpc::{Identity, Link, LinkOptions, Names, Security, Server, ServerOptions};
use cluster::{Carrier, MemberId};
use follow::Wanted;
use handler::Report;
use lead::Loader;
use parking_lot::{Mutex, RwLock};
use replica::Replica;
use sender::Sender;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// A member.
pub struct Member {
    options: ClusterOptions,
    uuid: String,
    started: Instant,
    agreed: Arc<Agreed>,
    control: Group,
    groups: Groups,
    identity: Identity,
    security: Security,
    link: Link,
    gossip: Gossip,
    server: OnceLock<Server>,
    replicas: RwLock<BTreeMap<u32, Arc<Replica>>>,
    senders: Vec<Arc<Sender>>,
    loader: Arc<Loader>,
    queues: Vec<Arc<Queue>>,
    room: Arc<Room>,
    /// What tasks should run, and the catalog's index that says so.
    wanted: Mutex<(u64, Arc<Wanted>)>,
    /// That index, for those who wait for it.
    routed: watch::Sender<u64>,
    publisher: mpsc::Sender<Published>,
    /// It knows what is agreed on.
    current: watch::Sender<bool>,
    /// Why the member must not go on.
    ended: watch::Sender<Option<String>>,
    /// Nothing of it runs any more.
    closed: watch::Sender<bool>,
    stopping: AtomicBool,
    engine: OnceLock<Weak<crate::Engine>>,
}

/// What the member shares with the rest of the engine.
pub struct Parts {
    /// The id in the data directory.
    pub uuid: String,
    /// The id of the cluster that this member would found.
    pub cluster: String,
    /// The catalog.
    pub agreed: Arc<Agreed>,
    /// How shards are brought back.
    pub loader: Arc<Loader>,
    /// The shards' threads.
    pub queues: Vec<Arc<Queue>>,
    /// What may wait for them.
    pub room: Arc<Room>,
    /// The router's numbers of the series, by shard.
    pub directories: Vec<Arc<Mutex<Directory>>>,
    /// The way to the publisher.
    pub publisher: mpsc::Sender<Published>,
}

/// The number of a member, from the id in its data directory.
pub fn member_id(uuid: &str) -> Result<MemberId, Error> {
    let parsed = uuid::Uuid::parse_str(uuid.trim()).map_err(|error| {
        Error::Cluster(format!("the file server.id of the data directory holds {uuid:?}, which is no UUID ({error}); remove it to get a new one"))
    })?;
    let (high, low) = parsed.as_u64_pair();
    Ok(high ^ low)
}

/// The address that connections to other members are made from: that of the peer port, where it is
/// bound to one.
fn local_ip(bind: &str) -> Option<IpAddr> {
    let host = bind.rsplit_once(':').map_or(bind, |(host, _)| host);
    let ip: IpAddr = host.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    (!ip.is_unspecified()).then_some(ip)
}

impl Member {
    /// Opens the peer ports and the control group.
    pub async fn open(options: ClusterOptions, parts: Parts) -> Result<Arc<Member>, Error> {
        let fail = |error: &dyn std::fmt::Display| Error::Cluster(error.to_string());
        let me = parts.agreed.me;
        let cluster = parts
            .agreed
            .catalog
            .read_recursive()
            .cluster()
            .map(|cluster| cluster.id.clone())
            .unwrap_or_default();
        let name = options.rpc_advertise.rsplit_once(':').map_or("", |(host, _)| host).to_owned();
        let identity = Identity::new(me, name, cluster.clone());
        let security = Security::new(Some(&options.secret), options.tls.clone()).map_err(|e| fail(&e))?;
        let link_options = LinkOptions { local_ip: local_ip(&options.rpc_bind), ..LinkOptions::default() };
        let link = Link::new(identity.clone(), security.clone(), link_options);
        let gossip = start_gossip(&options, me, &parts.uuid, &cluster)?;
        let spool = parts.loader.spool();
        let group = raft::Options { me, group: 0, timing: Timing::default(), sync: true, spool };
        let (log, state) = (parts.loader.log.clone(), parts.loader.state.clone());
        let carrier: Arc<dyn Carrier> = Arc::new(link.clone());
        let machine = ControlMachine(parts.agreed.clone());
        let control = Group::start(group, log, state, carrier, machine).await.map_err(|e| fail(&e))?;
        let groups = Groups::new();
        groups.add(&control);
        let sender = uuid::Uuid::new_v4().as_u64_pair().0;
        let senders = parts.directories.iter().enumerate();
        let senders = senders.map(|(shard, d)| Arc::new(Sender::new(shard as u32, sender, d.clone())));
        let member = Arc::new(Member {
            options,
            uuid: parts.uuid,
            started: Instant::now(),
            agreed: parts.agreed,
            control,
            groups,
            identity,
            security,
            link,
            gossip,
            server: OnceLock::new(),
            replicas: RwLock::default(),
            senders: senders.collect(),
            loader: parts.loader,
            queues: parts.queues,
            room: parts.room,
            wanted: Mutex::default(),
            routed: watch::Sender::new(0),
            publisher: parts.publisher,
            current: watch::Sender::new(false),
            ended: watch::Sender::new(None),
            closed: watch::Sender::new(false),
            stopping: AtomicBool::new(false),
            engine: OnceLock::new(),
        });
        let server = member.listen().await?;
        let _ = member.server.set(server);
        tokio::spawn(belong::belong(Arc::downgrade(&member), parts.cluster));
        Ok(member)
    }

    /// Starts to work for an engine.
    pub fn start(
        self: &Arc<Self>,
        engine: &Arc<crate::Engine>,
        published: mpsc::Receiver<Published>,
        reports: mpsc::Receiver<Report>,
    ) {
        let _ = self.engine.set(Arc::downgrade(engine));
        for sender in &self.senders {
            let (sender, member) = (sender.clone(), self.clone());
            self.spawn(async move { sender.run(member).await });
        }
        self.spawn(publisher::publish(self.clone(), published));
        self.spawn(publisher::report(self.clone(), reports));
        self.spawn(runs::watch(self.clone()));
        self.spawn(shards::keep(self.clone()));
        self.spawn(shards::keep_addresses(self.clone()));
        self.spawn(place::place(self.clone()));
        self.spawn(belong::guard(self.clone()));
    }

    /// Runs a part of the member until the member stops.
    fn spawn(self: &Arc<Self>, part: impl Future<Output = ()> + Send + 'static) {
        let mut closed = self.closed.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                () = part => {}
                _ = closed.wait_for(|closed| *closed) => {}
            }
        });
    }

    async fn listen(self: &Arc<Self>) -> Result<Server, Error> {
        let names = Arc::downgrade(self);
        let names = Names::new(move |id| names.upgrade().and_then(|member| member.host_of(id)));
        let options = ServerOptions::new(self.options.rpc_bind.clone(), names);
        let receiver = Arc::new(serve::Service(Arc::downgrade(self)));
        Server::start(options, self.identity.clone(), self.security.clone(), receiver)
            .await
            .map_err(|error| Error::Cluster(error.to_string()))
    }

    /// This member.
    pub fn me(&self) -> MemberId {
        self.agreed.me
    }

    /// The catalog as this member has it.
    pub fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// The control group.
    pub fn control(&self) -> &Group {
        &self.control
    }

    /// The way to other members.
    pub fn carrier(&self) -> &Link {
        &self.link
    }

    /// Who is there.
    pub fn gossip(&self) -> &Gossip {
        &self.gossip
    }

    /// Since the process started.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Waits until what the shards' threads have said so far is agreed on.
    pub async fn flush(&self) {
        let (done, wait) = tokio::sync::oneshot::channel();
        if self.publisher.send(Published::Flush(done)).await.is_ok() {
            // When the publisher has ended there is nothing to wait for.
            let _ = wait.await;
        }
    }

    /// Reads the certificates again. Connections that are made from then on use them.
    pub fn reload(&self) -> Result<(), String> {
        self.security.reload().map_err(|error| error.to_string())
    }

    /// This member's replica of a shard.
    pub fn replica(&self, shard: u32) -> Option<Arc<Replica>> {
        self.replicas.read().get(&shard).cloned()
    }

    /// All its replicas.
    pub fn replicas(&self) -> Vec<Arc<Replica>> {
        self.replicas.read().values().cloned().collect()
    }

    /// Sends to a shard.
    pub fn sender(&self, shard: u32) -> &Sender {
        &self.senders[shard as usize]
    }

    /// The member is stopping.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }

    /// Told why the member must not go on, once it must not.
    pub fn ended(&self) -> watch::Receiver<Option<String>> {
        self.ended.subscribe()
    }

    /// Has the server stop, because the member has no part in the cluster any more. What it took it
    /// still brings to where it belongs.
    fn end(&self, why: String) {
        self.ended.send_if_modified(|ended| ended.is_none() && ended.replace(why).is_none());
    }

    fn engine(&self) -> Option<Arc<crate::Engine>> {
        self.engine.get().and_then(Weak::upgrade)
    }

    /// Hands over all that this member leads, says farewell, and takes part no more.
    pub async fn leave(&self, limit: Duration) {
        self.stopping.store(true, Relaxed);
        let begun = Instant::now();
        let all = self.groups.all();
        let handed = futures::future::join_all(all.iter().map(|group| self.hand_over_any(group)));
        if tokio::time::timeout(limit, handed).await.is_err() {
            tracing::warn!(
                "leadership was not handed over in time; the others elect new leaders by themselves"
            );
        }
        self.agreed.set_delivering(false);
        let _ = tokio::time::timeout(Duration::from_secs(1), self.gossip.leave()).await;
        tracing::info!(took = ?begun.elapsed(), "handed leadership over");
    }

    /// Ends what still runs. After it nothing of the member touches the store.
    pub async fn close(&self) {
        self.end("the server is stopping".to_owned());
        self.closed.send_replace(true);
        if let Some(server) = self.server.get() {
            server.stop().await;
        }
        futures::future::join_all(self.groups.all().iter().map(Group::stop)).await;
    }

    /// Hands a group over to the first of its voters that is there.
    async fn hand_over_any(&self, group: &Group) {
        let status = group.status();
        if !status.leads() {
            return;
        }
        let behind = |id: &MemberId| std::cmp::Reverse(status.followers.get(id).copied().flatten());
        let mut others: Vec<MemberId> =
            status.voters.iter().copied().filter(|id| *id != self.me() && self.is_seen(*id)).collect();
        others.sort_by_key(behind);
        for to in others {
            match group.hand_over(to, Duration::from_secs(2)).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::info!(group = group.number(), to = self.name_of(to), %error, "does not take leadership over")
                }
            }
        }
    }
}

fn start_gossip(options: &ClusterOptions, me: MemberId, uuid: &str, cluster: &str) -> Result<Gossip, Error> {
    let about = gossip::About {
        id: me,
        name: options.name.clone(),
        gossip: options.gossip_advertise.clone(),
        rpc: options.rpc_advertise.clone(),
        api: options.api_advertise.clone(),
        uuid: uuid.to_owned(),
        version: options.version.clone(),
        started: crate::clock::wall() / 1_000_000,
    };
    let told = gossip::Options {
        bind: options.gossip_bind.clone(),
        advertise: options.gossip_advertise.clone(),
        peers: options.peers.clone(),
        secret: options.secret.clone(),
        cluster: cluster.to_owned(),
        ..gossip::Options::default()
    };
    Gossip::start(told, about).map_err(|error| Error::Cluster(error.to_string()))
}
