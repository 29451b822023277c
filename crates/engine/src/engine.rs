//! The engine: everything of one member, opened, running, stopped.

use crate::adopt;
use crate::clock::Clock;
use crate::control::{Control, Message, WeakControl};
use crate::directory::Directory;
use crate::error::Error;
use crate::member::agreement::Agreed;
use crate::member::lead::{Built, Loader};
use crate::member::{ClusterOptions, Member, Parts, member_id, publisher};
use crate::options::Options;
use crate::outlet::Outlet;
use crate::outside::Outside;
use crate::queue::{Job, Queue, Room};
use crate::recover::{Recovered, Recovery};
use crate::router::{Database, Tasks};
use crate::signs::Signs;
use crate::tasks::RunningTasks;
use crate::ticker;
use crate::worker::{Held, Worker};
use crate::write::Builders;
use catalog::Catalog;
use handler::{Deliverer, Handlers, Report};
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use store::{Batch, DataDir, Family, Log, State};
use tokio::sync::{mpsc, oneshot};

/// Key of the number of shards, in the family of checkpoints, where no shard has such a number.
const SHARDS: &[u8] = b"shards";

/// Reports of deliveries that wait for the control thread.
const REPORTS_MAX: usize = 1024;

/// Least time for writing down what the last deliveries reported, when stopping.
const REPORTS: Duration = Duration::from_secs(1);

/// Longest time for the posts of nodes that wait, when stopping.
const POSTS: Duration = Duration::from_secs(5);

/// Databases and retention policies whose series are remembered from write to write.
const DATABASES_MAX: usize = 4096;

/// By name and retention policy.
type Databases = BTreeMap<(String, String), Arc<Mutex<Database>>>;

/// How what must be agreed on is agreed on.
pub(crate) enum Agreement {
    /// By this member alone.
    Alone(Control),
    /// By the members of a cluster.
    Cluster(Arc<Member>),
}

/// One member's engine.
pub struct Engine {
    pub(crate) options: Arc<Options>,
    pub(crate) log: Arc<Log>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) agreement: Agreement,
    pub(crate) deliverer: Deliverer,
    /// One a shard.
    pub(crate) directories: Vec<Arc<Mutex<Directory>>>,
    /// One a worker; shard `s` is run by worker `s % workers`.
    pub(crate) queues: Vec<Arc<Queue>>,
    pub(crate) room: Arc<Room>,
    /// Carries out what nodes want done outside of their shards.
    pub(crate) outside: Arc<Outside>,
    /// What the shards that are run here let the rest know.
    pub(crate) signs: Arc<Signs>,
    pub(crate) builders: Builders,
    pub(crate) databases: RwLock<Databases>,
    pub(crate) tasks: RunningTasks,
    pub(crate) stopping: AtomicBool,
    /// Writes refused because the tasks did not keep up.
    pub(crate) refused: AtomicU64,
    pub(crate) started: Instant,
    pub(crate) throughput: crate::stats::Throughput,
    /// Asks whether all reports of deliveries are with the control thread.
    reported: Option<mpsc::Sender<oneshot::Sender<()>>>,
    /// Stays locked until nothing writes to it any more.
    _data_dir: Arc<DataDir>,
    runtime: tokio::runtime::Handle,
    /// Runs the groups and the traffic with other members; none on a member alone.
    peers: Mutex<Option<tokio::runtime::Runtime>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Nanoseconds of a monotonic clock, for the nodes' statistics.
pub(crate) fn stopwatch() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

impl Engine {
    /// Opens the data directory, brings every shard back to where it was and starts to work. Call
    /// it within a tokio runtime of several threads, from a thread that may block.
    pub fn open(mut options: Options, data_dir: DataDir) -> Result<Arc<Engine>, Error> {
        let data_dir = Arc::new(data_dir);
        let state = Arc::new(State::open(data_dir.state_dir())?);
        options.shards = number_of_shards(&state, options.shards, options.cluster.is_some())?;
        let log_options = store::log::Options { sync: options.sync, ..store::log::Options::default() };
        let (log, found) = Log::open(data_dir.log_dir(), log_options)?;
        let log = Arc::new(log);
        tracing::info!(entries = found.entries, segments = found.segments, took = ?found.took, "opened the log");
        if let Some(torn) = found.torn {
            tracing::warn!(path = %torn.path.display(), offset = torn.offset, "cut off a record that was being written when the process died; it was never acknowledged");
        }
        match options.cluster.take() {
            None => Engine::open_alone(options, data_dir, state, log),
            Some(cluster) => Engine::open_member(options, cluster, data_dir, state, log),
        }
    }

    fn open_alone(
        mut options: Options,
        data_dir: Arc<DataDir>,
        state: Arc<State>,
        log: Arc<Log>,
    ) -> Result<Arc<Engine>, Error> {
        adopt::refuse_cluster(&state)?;
        let catalog = load_catalog(&state)?;
        let waiting: Vec<alert::Delivery> = catalog.deliveries().collect();
        let (deliverer, receiver) = deliverer(&mut options);
        let (control, thread) =
            Control::start(catalog, state.clone(), log.clone(), deliverer.clone(), data_dir.clone())?;
        let (reported, asked) = mpsc::channel(1);
        tokio::spawn(forward_reports(receiver, asked, control.downgrade()));
        for delivery in waiting {
            deliverer.submit(delivery);
        }
        let clock = Arc::new(Clock::default());
        let recovered = recover_all(&options, &log, &state, &control, &clock)?;
        let (mut held, mut directories, mut calls) = (Vec::new(), Vec::new(), Vec::new());
        let first = recovered.first();
        let built = first.map(|shard| shard.held.shard.tasks().cloned().collect()).unwrap_or_default();
        for shard in recovered {
            directories.push(Arc::new(Mutex::new(shard.directory)));
            held.push(shard.held);
            calls.extend(shard.calls);
        }
        let workers = Workers::new(&options);
        workers.start(held, &Outlet::Control(control.clone()), None)?;
        workers.threads.lock().push(thread);
        let mut engine = Engine::assemble(
            options.into(),
            log,
            clock,
            Agreement::Alone(control),
            deliverer,
            workers,
            data_dir,
        );
        engine.directories = directories;
        engine.reported = Some(reported);
        let engine = Arc::new(engine);
        tokio::spawn(checkpoint_regularly(Arc::downgrade(&engine)));
        tokio::spawn(ticker::tick(Arc::downgrade(&engine)));
        engine.tasks.found(built);
        engine.outside.attach(&engine);
        engine.outside.call(calls);
        Ok(engine)
    }

    fn open_member(
        mut options: Options,
        cluster: ClusterOptions,
        data_dir: Arc<DataDir>,
        state: Arc<State>,
        log: Arc<Log>,
    ) -> Result<Arc<Engine>, Error> {
        let (uuid, own) = (options.server.server_id.clone(), options.server.cluster_id.clone());
        let me = member_id(&uuid)?;
        adopt::adopt(&options, me, &data_dir, &state, &log)?;
        let (deliverer, reports) = deliverer(&mut options);
        let options = Arc::new(options);
        let agreed = Agreed::open(me, load_catalog(&state)?, state.clone(), deliverer.clone());
        let agreed = agreed.map_err(Error::Cluster)?;
        let clock = Arc::new(Clock::default());
        let workers = Workers::new(&options);
        let (publisher, published) = mpsc::channel(publisher::MESSAGES_MAX);
        let loader = Arc::new(Loader {
            options: options.clone(),
            log: log.clone(),
            state,
            clock: clock.clone(),
            catalog: agreed.catalog.clone(),
            built: Built::default(),
        });
        workers.start(Vec::new(), &Outlet::Publisher(publisher.clone()), Some(&loader))?;
        let directories: Vec<Arc<Mutex<Directory>>> = (0..options.shards).map(|_| Arc::default()).collect();
        let parts = Parts {
            uuid,
            cluster: own,
            agreed,
            loader,
            queues: workers.queues.clone(),
            room: workers.room.clone(),
            directories: directories.clone(),
            publisher,
        };
        let runtime = peer_runtime()?;
        let opened = runtime.block_on(Member::open(cluster, parts));
        let member = opened.inspect_err(|_| workers.end())?;
        let agreement = Agreement::Cluster(member.clone());
        let mut engine = Engine::assemble(options, log, clock, agreement, deliverer, workers, data_dir);
        engine.directories = directories;
        let engine = Arc::new(engine);
        let entered = runtime.enter();
        member.start(&engine, published, reports);
        drop(entered);
        *engine.peers.lock() = Some(runtime);
        engine.outside.attach(&engine);
        tokio::spawn(checkpoint_regularly(Arc::downgrade(&engine)));
        tokio::spawn(ticker::tick(Arc::downgrade(&engine)));
        Ok(engine)
    }

    fn assemble(
        options: Arc<Options>,
        log: Arc<Log>,
        clock: Arc<Clock>,
        agreement: Agreement,
        deliverer: Deliverer,
        workers: Workers,
        data_dir: Arc<DataDir>,
    ) -> Engine {
        Engine {
            options,
            log,
            clock,
            agreement,
            deliverer,
            directories: Vec::new(),
            queues: workers.queues,
            room: workers.room,
            signs: workers.signs,
            outside: workers.outside,
            builders: Builders::default(),
            databases: RwLock::default(),
            tasks: RunningTasks::default(),
            stopping: AtomicBool::new(false),
            refused: AtomicU64::new(0),
            started: Instant::now(),
            throughput: crate::stats::Throughput::default(),
            reported: None,
            runtime: tokio::runtime::Handle::current(),
            peers: Mutex::default(),
            threads: workers.threads,
            _data_dir: data_dir,
        }
    }

    /// The member of a cluster that this engine is part of.
    pub(crate) fn member(&self) -> Option<&Arc<Member>> {
        match &self.agreement {
            Agreement::Alone(_) => None,
            Agreement::Cluster(member) => Some(member),
        }
    }

    /// The database that a write goes to.
    pub(crate) fn database(&self, db: &str, rp: &str) -> Arc<Mutex<Database>> {
        let rp = if rp.is_empty() { &self.options.default_retention_policy } else { rp };
        let key = (db.to_owned(), rp.to_owned());
        if let Some(database) = self.databases.read().get(&key) {
            return database.clone();
        }
        let mut databases = self.databases.write();
        if databases.len() >= DATABASES_MAX {
            // Whoever makes names up pays with the speed of the writes, not with our memory.
            return Arc::new(Mutex::new(Database::new(db, rp, self.tasks.routed())));
        }
        let fresh = || Arc::new(Mutex::new(Database::new(db, rp, self.tasks.routed())));
        databases.entry(key).or_insert_with(fresh).clone()
    }

    /// Routes all writes by these tasks from now on.
    pub(crate) fn route_by(&self, tasks: Tasks) {
        for database in self.databases.read().values() {
            database.lock().set_tasks(tasks.clone());
        }
    }

    /// Asks for a checkpoint of every shard, and waits until it is with the control thread.
    pub async fn checkpoint(&self) {
        self.ask_workers(|done| Job::Checkpoint { part: (0, 1), done: Some(done) }).await;
    }

    /// Waits until all entries logged so far are run, and their events are in the topics.
    pub async fn settle(&self) {
        self.ask_workers(|done| Job::Passed { done }).await;
        self.flush().await;
    }

    /// Waits until what the shards' threads have said so far is agreed on.
    async fn flush(&self) {
        match &self.agreement {
            Agreement::Alone(control) => control.flush().await,
            Agreement::Cluster(member) => member.flush().await,
        }
    }

    async fn ask_workers(&self, job: impl Fn(oneshot::Sender<()>) -> Job) {
        let mut waits = Vec::new();
        for queue in &self.queues {
            let (done, wait) = oneshot::channel();
            queue.push([job(done)]);
            waits.push(wait);
        }
        for wait in waits {
            // A worker that has ended does nothing more, so there is nothing to wait for.
            let _ = wait.await;
        }
    }

    /// The catalog as it is now.
    pub fn catalog(&self) -> parking_lot::RwLockReadGuard<'_, Catalog> {
        match &self.agreement {
            Agreement::Alone(control) => control.catalog(),
            Agreement::Cluster(member) => member.agreed().catalog.read_recursive(),
        }
    }

    /// What it was opened with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Hands over to others what this member does for all, before it stops. A member alone has
    /// nobody to hand over to.
    pub async fn leave(&self, limit: Duration) {
        if let Some(member) = self.member() {
            member.leave(limit).await;
        }
    }

    /// Told why this member must not go on: it was removed from its cluster.
    pub async fn ended(&self) -> String {
        let Some(member) = self.member() else { return std::future::pending().await };
        let mut ended = member.ended();
        let why = ended.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        why.unwrap_or_default()
    }

    /// Stops: takes no more writes, runs what is queued, writes checkpoints, makes the deliveries
    /// that are due, all within `limit`. What is not done by then is continued by the next start.
    pub async fn stop(&self, limit: Duration) {
        let begun = Instant::now();
        self.stopping.store(true, Relaxed);
        let left = |limit: Duration| limit.saturating_sub(begun.elapsed());
        if tokio::time::timeout(limit, self.checkpoint()).await.is_err() {
            tracing::warn!(
                "the tasks did not finish what was queued in time; it is in the log and continues with the next start"
            );
        }
        let _ = tokio::time::timeout(left(limit), self.flush()).await;
        let posts = self.outside.end_calls(left(limit).min(POSTS)).await;
        if posts > 0 {
            tracing::warn!(posts, "posts of httpPost nodes are left unmade: their receivers are too slow");
        }
        let drained = self.deliverer.drain(left(limit)).await;
        if drained.left > 0 {
            tracing::info!(deliveries = drained.left, "deliveries wait in the outbox for the next start");
        }
        // What the last deliveries reported is written too.
        let _ = tokio::time::timeout(left(limit).max(REPORTS), self.reports_passed()).await;
        let _ = tokio::time::timeout(left(limit).max(REPORTS), self.flush()).await;
        if let Some(member) = self.member() {
            member.close().await;
        }
        self.end_workers();
        if let Agreement::Alone(control) = &self.agreement {
            control.send(Message::End).await;
        }
        let threads = std::mem::take(&mut *self.threads.lock());
        let joined = tokio::task::spawn_blocking(|| threads.into_iter().for_each(join));
        let _ = tokio::time::timeout(left(limit).max(REPORTS), joined).await;
    }

    /// Waits until what the deliverer reported so far is with the control thread.
    async fn reports_passed(&self) {
        let Some(reported) = &self.reported else { return };
        let (done, wait) = oneshot::channel();
        if reported.send(done).await.is_ok() {
            let _ = wait.await;
        }
    }

    fn end_workers(&self) {
        for queue in &self.queues {
            queue.push([Job::End]);
        }
    }
}

impl Drop for Engine {
    /// Ends the threads of an engine that was not stopped, and waits for them: none may still be in
    /// the store when the process ends. What they leave undone is in the log.
    fn drop(&mut self) {
        self.end_workers();
        if let Some(peers) = self.peers.lock().take() {
            peers.shutdown_background();
        }
        let deliverer = self.deliverer.clone();
        self.runtime.spawn(async move { deliverer.drain(Duration::ZERO).await });
        let threads = std::mem::take(&mut *self.threads.lock());
        if !threads.is_empty() {
            if let Agreement::Alone(control) = &self.agreement {
                control.end();
            }
            threads.into_iter().for_each(join);
        }
    }
}

/// The threads that run the shards, and the ways to them.
struct Workers {
    queues: Vec<Arc<Queue>>,
    room: Arc<Room>,
    signs: Arc<Signs>,
    outside: Arc<Outside>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Workers {
    fn new(options: &Options) -> Workers {
        Workers {
            queues: (0..worker_count(options)).map(|_| Arc::default()).collect(),
            room: Arc::new(Room::new(options.queue_bytes_max)),
            signs: Arc::new(Signs::new(options.shards)),
            outside: Arc::new(Outside::new(options.shards, options.queue_bytes_max)),
            threads: Mutex::default(),
        }
    }

    /// Starts the threads with the shards that are held already.
    fn start(&self, held: Vec<Held>, outlet: &Outlet, loader: Option<&Arc<Loader>>) -> Result<(), Error> {
        let mut shards: Vec<Vec<Held>> = self.queues.iter().map(|_| Vec::new()).collect();
        for held in held {
            let worker = held.number as usize % self.queues.len();
            shards[worker].push(held);
        }
        for (number, (queue, shards)) in self.queues.iter().zip(shards).enumerate() {
            let (room, signs) = (self.room.clone(), self.signs.clone());
            let ways = (outlet.clone(), self.outside.clone());
            let worker = Worker::new(queue.clone(), room, ways, loader.cloned(), shards, signs);
            let builder = std::thread::Builder::new().name(format!("shards-{number}"));
            self.threads.lock().push(builder.spawn(move || worker.run())?);
        }
        Ok(())
    }

    fn end(&self) {
        for queue in &self.queues {
            queue.push([Job::End]);
        }
    }
}

/// The runtime of the groups and of the traffic with other members: one thread, so that its many small
/// steps do not wake each other across cores, and clients' requests do not hold up heartbeats.
fn peer_runtime() -> Result<tokio::runtime::Runtime, Error> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.worker_threads(1).thread_name("peers").enable_all().build()?)
}

/// The deliverer, and what it reports.
fn deliverer(options: &mut Options) -> (Deliverer, mpsc::Receiver<Report>) {
    let (reports, receiver) = mpsc::channel(REPORTS_MAX);
    let handlers = Handlers::new(std::mem::take(&mut options.services));
    (Deliverer::new(options.deliveries, handlers, reports, tokio::runtime::Handle::current()), receiver)
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a thread of the engine ended by a panic; this is a bug of Farad, please report it");
    }
}

/// Processor cores that the process may use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Number of worker threads.
fn worker_count(options: &Options) -> usize {
    let wanted = if options.workers == 0 { cores() } else { options.workers };
    wanted.clamp(1, options.shards as usize)
}

/// The number of shards: the data directory keeps the one that it was made with.
fn number_of_shards(state: &State, wanted: u32, clustered: bool) -> Result<u32, Error> {
    match state.get(Family::Checkpoints, SHARDS)? {
        Some(found) => {
            let found = found.try_into().map_or(0, u32::from_be_bytes);
            let fits = found > 0 && (wanted == 0 || found == wanted);
            if fits { Ok(found) } else { Err(Error::Shards { found, wanted }) }
        }
        None => {
            let number = match wanted {
                // All members must come to the same number, whatever machines they have.
                0 if clustered => crate::member::SHARDS,
                0 => (2 * cores()).clamp(4, 16) as u32,
                wanted => wanted,
            };
            let mut batch = Batch::new();
            batch.put(Family::Checkpoints, SHARDS, number.to_be_bytes());
            state.write(batch, true)?;
            Ok(number)
        }
    }
}

pub(crate) fn load_catalog(state: &State) -> Result<Catalog, Error> {
    let mut entries = Vec::new();
    state.scan(Family::Control, b"", |key, value| entries.push((key.to_vec(), value.to_vec())))?;
    Ok(Catalog::load(entries)?)
}

pub(crate) fn recover_all(
    options: &Options,
    log: &Log,
    state: &State,
    control: &Control,
    clock: &Clock,
) -> Result<Vec<Recovered>, Error> {
    let mut recovery = Recovery { options, log, state, control, clock, built: BTreeMap::new() };
    let begun = Instant::now();
    let mut recovered = Vec::new();
    for number in 0..options.shards {
        recovered.push(recovery.shard(number)?);
    }
    let replayed: u64 = recovered.iter().map(|shard| shard.replayed).sum();
    tracing::info!(shards = options.shards, replayed, took = ?begun.elapsed(), "brought the shards back");
    Ok(recovered)
}

/// Carries reports to the control thread, and answers those who ask whether all have passed.
async fn forward_reports(
    mut reports: mpsc::Receiver<Report>,
    mut asked: mpsc::Receiver<oneshot::Sender<()>>,
    control: WeakControl,
) {
    loop {
        let message = tokio::select! {
            biased;
            report = reports.recv() => report,
            Some(done) = asked.recv() => {
                let _ = done.send(());
                continue;
            }
        };
        let (Some(report), Some(control)) = (message, control.upgrade()) else { return };
        control.send(Message::Report(report)).await;
    }
}

/// How often checkpoints are asked for, and the size of the log is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Asks for checkpoints of some of the shards each second, so that each has its turn once an
/// interval; of all when the log grows beyond its limit.
async fn checkpoint_regularly(engine: std::sync::Weak<Engine>) {
    let mut turn: u32 = 0;
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(engine) = engine.upgrade() else { return };
        let seconds = u32::try_from(engine.options.checkpoint_interval.as_secs()).unwrap_or(u32::MAX);
        let parts = seconds.clamp(1, engine.options.shards);
        let limit = engine.options.log_bytes_max;
        let large = limit > 0 && engine.log.stats().segment_bytes > limit;
        turn = turn.wrapping_add(1);
        // Recovery has just read the last checkpoints: the first ones are due after an interval.
        if !large && turn < parts {
            continue;
        }
        let part = if large { (0, 1) } else { (turn % parts, parts) };
        for queue in &engine.queues {
            queue.push([Job::Checkpoint { part, done: None }]);
        }
    }
}
