//! The control thread: the only one that changes the catalog. What comes together is applied
//! together and flushed once; then the askers get their answers and the deliveries go out.

pub mod decided;
pub mod windows;

use crate::clock::wall;
use catalog::{Catalog, Command, OutboxLimits, Outcome, Rejection};
use decided::{Complaints, Figures, Running, Touched};
use handler::{Deliverer, Report};
use model::Event;
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use store::{Batch, DataDir, Family, Log, State};
use tokio::sync::{Notify, mpsc, oneshot};

/// Messages that wait for the control thread: when it is behind, the shards wait too.
const MESSAGES_MAX: usize = 1024;

/// Messages that are applied and flushed together.
const TOGETHER_MAX: usize = 256;

/// Wait before a failed flush is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Something for the control thread.
pub enum Message {
    /// Changes the catalog and answers once that is on the platter.
    Command {
        /// The change.
        command: Command,
        /// The asker.
        reply: oneshot::Sender<Result<Outcome, Rejection>>,
    },
    /// Events of a shard, in order.
    Events(Vec<Event>),
    /// What became of deliveries.
    Report(Report),
    /// A checkpoint of a shard. All events up to its index came before it.
    Checkpoint {
        /// Its log group.
        group: u64,
        /// The last entry that it contains.
        index: u64,
        /// The changed values.
        batch: Batch,
    },
    /// Answers when all that came before is done.
    Flush(oneshot::Sender<()>),
    /// Ends the thread once all that came before is done.
    End,
}

/// The catalog, to be read by anyone, and the way to the thread that changes it.
#[derive(Clone)]
pub struct Control {
    catalog: Arc<RwLock<Catalog>>,
    messages: mpsc::Sender<Message>,
    failures: Arc<AtomicU64>,
    figures: Arc<Figures>,
}

struct Thread {
    catalog: Arc<RwLock<Catalog>>,
    figures: Arc<Figures>,
    complaints: Complaints,
    /// Told when events may wait to become one.
    waiting: Arc<Notify>,
    state: Arc<State>,
    log: Arc<Log>,
    deliverer: Deliverer,
    failures: Arc<AtomicU64>,
    /// Stays locked until nothing writes to it any more. The last field: dropped last.
    _data_dir: Arc<DataDir>,
}

/// A [`Control`] that does not keep the thread alive.
pub struct WeakControl {
    catalog: Arc<RwLock<Catalog>>,
    messages: mpsc::WeakSender<Message>,
    failures: Arc<AtomicU64>,
    figures: Arc<Figures>,
}

type Answer = (oneshot::Sender<Result<Outcome, Rejection>>, Result<Outcome, Rejection>);

/// What a round leaves to be done once the state is flushed.
#[derive(Default)]
struct Round {
    batch: Batch,
    answers: Vec<Answer>,
    flushed: Vec<oneshot::Sender<()>>,
    outcomes: Vec<Outcome>,
    touched: Touched,
    purge: Vec<(u64, u64)>,
    /// It holds what entries of the log led to.
    of_log: bool,
    end: bool,
}

impl Control {
    /// Starts the thread, within a tokio runtime. It ends with [`Message::End`], or when the last [`Control`] is gone.
    pub fn start(
        catalog: Catalog,
        state: Arc<State>,
        log: Arc<Log>,
        deliverer: Deliverer,
        data_dir: Arc<DataDir>,
    ) -> std::io::Result<(Control, std::thread::JoinHandle<()>)> {
        let (sender, receiver) = mpsc::channel(MESSAGES_MAX);
        let catalog = Arc::new(RwLock::new(catalog));
        let failures = Arc::new(AtomicU64::new(0));
        let figures = Arc::new(Figures::default());
        let control = Control {
            catalog: catalog.clone(),
            messages: sender,
            failures: failures.clone(),
            figures: figures.clone(),
        };
        let (complaints, waiting) = (Complaints::default(), Arc::new(Notify::new()));
        tokio::spawn(close_windows(control.downgrade(), waiting.clone()));
        let thread = Thread {
            catalog,
            figures,
            complaints,
            waiting,
            state,
            log,
            deliverer,
            failures,
            _data_dir: data_dir,
        };
        let handle =
            std::thread::Builder::new().name("control".into()).spawn(move || thread.run(receiver))?;
        Ok((control, handle))
    }

    /// The catalog as it is now.
    pub fn catalog(&self) -> parking_lot::RwLockReadGuard<'_, Catalog> {
        self.catalog.read_recursive()
    }

    /// Corrects the figures of these tasks by what is decided about their events.
    pub fn correct(&self, running: Running) {
        self.figures.of(running);
    }

    /// Failed attempts to write the control state since the process started.
    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// The same, for those that the thread itself keeps alive.
    pub fn downgrade(&self) -> WeakControl {
        let (catalog, failures) = (self.catalog.clone(), self.failures.clone());
        let figures = self.figures.clone();
        WeakControl { catalog, messages: self.messages.downgrade(), failures, figures }
    }

    /// Changes the catalog. `None`: the thread is gone, the server is stopping.
    pub async fn command(&self, command: Command) -> Option<Result<Outcome, Rejection>> {
        let (reply, answer) = oneshot::channel();
        self.messages.send(Message::Command { command, reply }).await.ok()?;
        answer.await.ok()
    }

    /// Hands a message over from a thread that may wait for room.
    pub fn send_blocking(&self, message: Message) {
        // The thread only ends after everyone who sends to it.
        let _ = self.messages.blocking_send(message);
    }

    /// Hands a message over.
    pub async fn send(&self, message: Message) {
        let _ = self.messages.send(message).await;
    }

    /// Ends the thread once it has done what was sent before. May be called where neither waiting
    /// in a task nor blocking one is possible.
    pub fn end(&self) {
        // A full channel is being emptied by the thread that is to end.
        while let Err(mpsc::error::TrySendError::Full(_)) = self.messages.try_send(Message::End) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until all that was sent before is done.
    pub async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        self.send(Message::Flush(done)).await;
        let _ = wait.await;
    }
}

impl WeakControl {
    /// The control, while its thread runs.
    pub fn upgrade(&self) -> Option<Control> {
        let messages = self.messages.upgrade()?;
        let (catalog, failures) = (self.catalog.clone(), self.failures.clone());
        Some(Control { catalog, messages, failures, figures: self.figures.clone() })
    }
}

/// Has events become one when their time has come, until the control thread is gone.
async fn close_windows(control: WeakControl, waiting: Arc<Notify>) {
    loop {
        let Some(control) = control.upgrade() else { return };
        let look = windows::look(control.catalog().windows(), |_| true);
        for command in look.close {
            control.command(command).await;
        }
        drop(control);
        match look.again {
            Some(again) => drop(tokio::time::timeout(again, waiting.notified()).await),
            None => waiting.notified().await,
        }
    }
}

impl Thread {
    fn run(self, mut messages: mpsc::Receiver<Message>) {
        while let Some(first) = messages.blocking_recv() {
            let mut round = Round::default();
            self.apply(first, &mut round);
            for _ in 1..TOGETHER_MAX {
                if round.end {
                    break;
                }
                match messages.try_recv() {
                    Ok(message) => self.apply(message, &mut round),
                    Err(_) => break,
                }
            }
            let end = round.end;
            self.finish(round);
            if end {
                break;
            }
        }
        // Nobody is left to ask.
        drop(messages);
        self.waiting.notify_one();
    }

    fn apply(&self, message: Message, round: &mut Round) {
        match message {
            Message::Command { command, reply } => {
                let outcome = self.change(&command);
                round.touched.note(&command);
                round.outcomes.extend(outcome.clone().ok());
                round.answers.push((reply, outcome));
            }
            Message::Events(events) => {
                let limits = OutboxLimits::default();
                let events: Vec<Arc<Event>> = events.into_iter().map(Arc::new).collect();
                let command = Command::PublishEvents { events: events.clone(), now: wall(), limits };
                let outcome = self.change(&command);
                if let Ok(Outcome::Published(published)) = &outcome {
                    self.figures.correct(&events, &published.decisions);
                }
                round.outcomes.extend(outcome.ok());
                round.of_log = true;
            }
            Message::Report(report) => {
                round.outcomes.extend(self.change(&of_report(report)).ok());
            }
            Message::Checkpoint { group, index, batch } => {
                round.batch.append(batch);
                round.purge.push((group, index));
                round.of_log = true;
            }
            Message::Flush(done) => round.flushed.push(done),
            Message::End => round.end = true,
        }
    }

    fn change(&self, command: &Command) -> Result<Outcome, Rejection> {
        let mut catalog = self.catalog.write();
        let index = catalog.applied() + 1;
        catalog.apply(index, command)
    }

    /// Flushes what the round changed, however often that must be tried, and only then tells
    /// anyone: what was said to be done is done.
    fn finish(&self, mut round: Round) {
        for (key, value) in self.catalog.write().take_changes() {
            match value {
                Some(value) => round.batch.put(Family::Control, key, value),
                None => round.batch.delete(Family::Control, key),
            }
        }
        if round.of_log {
            self.sync_log();
        }
        if !round.batch.is_empty() {
            while let Err(error) = self.state.write(round.batch.clone(), true) {
                self.failures.fetch_add(1, Relaxed);
                tracing::error!(%error, "cannot write the control state; tasks and alerts wait until it can be written");
                std::thread::sleep(RETRY);
            }
        }
        for (group, index) in round.purge {
            if let Err(error) = self.log.purge(group, index) {
                tracing::warn!(%error, group, "cannot purge the log; it is tried again with the next checkpoint");
            }
        }
        round.touched.carry_out(&self.catalog, &self.deliverer);
        for outcome in round.outcomes {
            self.carry_out(outcome);
        }
        if self.catalog.read_recursive().windows().next().is_some() {
            self.waiting.notify_one();
        }
        for (reply, answer) in round.answers {
            let _ = reply.send(answer);
        }
        for done in round.flushed {
            let _ = done.send(());
        }
    }

    /// Events and checkpoints must not be on the platter before the entries that led to them: after
    /// a power cut other entries would get the same indexes, and their events would be taken for
    /// replays.
    fn sync_log(&self) {
        let synced = self.log.append(&[]).and_then(|written| self.log.wait_durable(written));
        if let Err(error) = synced {
            self.failures.fetch_add(1, Relaxed);
            // Alerts go on: they are worth more than their order of writing on a disk that is lost.
            tracing::error!(%error, "cannot flush the log before the control state");
        }
    }

    fn carry_out(&self, outcome: Outcome) {
        let dropped = match outcome {
            Outcome::Published(published) => {
                self.complaints.tell(&published.decisions, |_| true);
                for delivery in published.deliveries {
                    self.deliverer.submit(delivery);
                }
                published.dropped
            }
            Outcome::Dropped(dropped) => dropped,
            Outcome::Repeated | Outcome::Done | Outcome::Task(_) | Outcome::Started { .. } => return,
        };
        self.deliverer.cancel(dropped.iter().map(|d| (&d.topic, &d.handler, d.id)));
    }
}

/// The command that a report asks for.
pub fn of_report(report: Report) -> Command {
    match report {
        Report::Delivered { id } => Command::Delivered { ids: vec![id] },
        Report::Failed { id, attempts, next_at, error } => {
            Command::DeliveryFailed { id, attempts, next_at, error }
        }
        Report::Dropped { id, reason, .. } => Command::DropDelivery { id, reason },
    }
}
