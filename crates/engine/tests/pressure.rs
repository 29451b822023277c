//! Tasks that do not keep up: writers wait, then are told so, and what was acknowledged is run.

mod support;

use engine::WriteError;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;
use support::op::Op;
use support::{Member, lines, until};

const ROOM: usize = 20_000;

/// Each point is an event, and is counted.
const SCRIPT: &str = "var s = stream|from().measurement('m')
s|stateCount(lambda: TRUE)|httpOut('n')
s|alert().crit(lambda: TRUE).topic('t')";

/// Keeps the control thread, which the shards wait for with their events, from going on.
struct Held(mpsc::Sender<()>);

fn hold(member: &Member) -> Held {
    let (release, released) = mpsc::channel();
    let (holding, held) = mpsc::channel();
    let engine = member.engine.clone();
    std::thread::spawn(move || {
        let _catalog = engine.catalog();
        let _ = holding.send(());
        let _ = released.recv();
    });
    held.recv().expect("it holds");
    Held(release)
}

impl Held {
    fn release(self) {
        self.0.send(()).expect("it is held");
    }
}

async fn open(dir: &std::path::Path, wait: Duration) -> Member {
    let member = Member::open_with(dir, |options| {
        options.queue_bytes_max = ROOM;
        options.write_timeout = wait;
    })
    .await;
    member.define("t", SCRIPT).await;
    member
}

async fn counted(member: &Member) -> String {
    member.engine.settle().await;
    member.rows("t", "n").await.concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_is_refused_when_nothing_moves() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = open(dir.path(), Duration::from_millis(100)).await;
    let held = hold(&member);
    let mut taken = 0;
    let refusal = loop {
        match member.try_write(&format!("m v=1 {taken}\n")).await {
            Ok(()) => taken += 1,
            Err(refusal) => break refusal,
        }
        assert!(taken < 100_000, "the queue has no end");
    };
    assert!(
        matches!(refusal, WriteError::Busy(waited, bytes) if waited == Duration::from_millis(100) && bytes >= ROOM)
    );
    assert!(refusal.to_string().starts_with("timeout: tasks have been behind for 100ms"), "{refusal}");
    assert_eq!(member.engine.stats().writes_refused, 1);
    held.release();
    assert!(counted(&member).await.contains(&format!(",{taken},1]")), "all that was taken, and nothing else");
    member.write("m v=1 999999\n").await;
    member.crash().await;
    let member = Member::open(dir.path()).await;
    assert!(counted(&member).await.contains(&format!(",{},1]", taken + 1)));
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_that_wait_do_not_fill_the_same_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Arc::new(open(dir.path(), support::LIMIT).await);
    let held = hold(&member);
    // Fills the way to the control thread.
    let mut before = 0;
    while member.engine.stats().queue_bytes < ROOM {
        member.write(&format!("m v=1 {before}\n")).await;
        before += 1;
    }
    let body: String = (0..200).map(|at| format!("m v=1 {}\n", 1_000_000 + at)).collect();
    let writers: Vec<_> = (0..50)
        .map(|_| {
            let (member, body) = (member.clone(), body.clone());
            tokio::spawn(async move { member.write(&body).await })
        })
        .collect();
    let full = member.engine.stats().queue_bytes;
    assert!(full < ROOM + 20_000, "{full}");
    let largest = {
        let member = member.clone();
        tokio::spawn(async move {
            let mut largest = 0;
            while member.engine.stats().queue_bytes > 0 {
                largest = largest.max(member.engine.stats().queue_bytes);
                tokio::task::yield_now().await;
            }
            largest
        })
    };
    held.release();
    for writer in writers {
        writer.await.expect("written");
    }
    // One write of 200 points takes about 4000 bytes; two threads may be at it at once.
    let largest = largest.await.expect("looked");
    assert!(largest < ROOM + 20_000, "{largest} bytes waited at once");
    assert!(counted(&member).await.contains(&format!(",{},1]", before + 50 * 200)));
    until("the queue to be empty", || member.engine.stats().queue_bytes == 0).await;
    Arc::into_inner(member).expect("the last one").stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_engine_answers() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = open(dir.path(), support::LIMIT).await;
    member.engine.stop(support::LIMIT).await;
    assert!(matches!(member.try_write("m v=1 1\n").await, Err(WriteError::Stopping)));
    let refused = member.try_define("u", SCRIPT).await.expect_err("it is stopping").to_string();
    assert_eq!(refused, "the server is stopping");
    assert_eq!(member.engine.endpoint("t", "n").await, Some((vec![], vec![])), "nothing hangs");
    member.crash().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_is_behind_when_it_is_stopped_says_everything() {
    let dir = tempfile::tempdir().expect("a folder");
    let (file, data) = (dir.path().join("events"), dir.path().join("data"));
    let member = Member::open(&data).await;
    let script =
        format!("stream|from().measurement('m')|alert().crit(lambda: TRUE).log('{}')", file.display());
    member.define("t", &script).await;
    // One entry that takes the shard longer than logging the stop takes.
    const EVENTS: usize = 4000;
    let body: String = (0..EVENTS).map(|at| format!("m v=1 {at}\n")).collect();
    member.write(&body).await;
    member.apply(&Op::Enable("t".into(), false)).await;
    member.delivered().await;
    assert_eq!(lines(&file).len(), EVENTS);
    let topic = member.engine.catalog().topic("main:t:alert2").map(|topic| (topic.is_open(), topic.level()));
    assert_eq!(topic, Some((false, model::Level::Critical)));
    member.stop().await;
}
