//! Events on their way to topics and handlers: once into a topic, at least once to a handler, past
//! receivers that are dead.

mod support;

use model::Level;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};
use support::op::Op;
use support::sink::{SILENT, Sink};
use support::{LIMIT, Member, lines, until};

/// Every point above 10 is an event.
fn alert(rest: &str) -> String {
    format!(
        "stream|from().measurement('m').groupBy('host')|alert().crit(lambda: \"v\" > 10)\
         .id('{{{{ index .Tags \"host\" }}}}').message('{{{{ .Level }}}} {{{{ index .Fields \"v\" }}}}'){rest}"
    )
}

fn log_to(path: &Path) -> String {
    format!(".log('{}')", path.display())
}

async fn write_events(member: &Member, from: i64, count: i64) {
    for at in from..from + count {
        member.write(&format!("m,host=h{} v={} {at}\n", at % 5, 11 + at)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replayed_event_is_taken_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("events");
    let data = dir.path().join("data");
    let member = Member::open(&data).await;
    member.define("t", &alert(&format!(".topic('named'){}", log_to(&file)))).await;
    write_events(&member, 0, 40).await;
    member.delivered().await;
    assert_eq!(lines(&file).len(), 40);
    let taken: Vec<_> = (0..4).map(|shard| member.engine.catalog().taken_of(shard)).collect();
    // No checkpoint was made: all of the log is replayed.
    member.crash().await;
    let member = Member::open(&data).await;
    member.delivered().await;
    assert_eq!(lines(&file).len(), 40, "nothing is told twice");
    {
        let catalog = member.engine.catalog();
        assert_eq!((0..4).map(|shard| catalog.taken_of(shard)).collect::<Vec<_>>(), taken);
        for topic in ["named", "main:t:alert2"] {
            let topic = catalog.topic(topic).expect("it has events that are not OK");
            assert_eq!(
                (topic.level(), topic.collected(), topic.events(Level::Critical).count()),
                (Level::Critical, 40, 5)
            );
        }
    }
    write_events(&member, 40, 5).await;
    member.delivered().await;
    assert_eq!(lines(&file).len(), 45, "new ones are");
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_go_on_after_a_crash() {
    let dir = tempfile::tempdir().expect("a folder");
    let sink = Sink::start(503);
    let member = Member::open(dir.path()).await;
    member.define("t", &alert(&format!(".post('http://{}')", sink.address))).await;
    write_events(&member, 0, 20).await;
    member.engine.settle().await;
    until("an attempt to be noted", || {
        member.engine.catalog().deliveries().any(|delivery| delivery.attempts > 0)
    })
    .await;
    member.crash().await;
    assert_eq!(sink.accepted().len(), 0);
    let member = Member::open(dir.path()).await;
    assert!(
        member.engine.catalog().deliveries().any(|delivery| delivery.attempts > 0),
        "attempts are remembered"
    );
    sink.answer(200);
    member.delivered().await;
    let accepted = sink.accepted();
    let keys: BTreeSet<&String> = accepted.iter().map(|(key, _)| key).collect();
    let bodies: BTreeSet<&String> = accepted.iter().map(|(_, body)| body).collect();
    assert_eq!((keys.len(), bodies.len()), (20, 20), "each event has a key of its own");
    for host in 0..5 {
        let of_host = accepted.iter().filter(|(_, body)| body.contains(&format!("\"id\":\"h{host}\"")));
        let times: Vec<String> = of_host
            .map(|(_, body)| {
                serde_json::from_str::<serde_json::Value>(body).expect("JSON")["time"].to_string()
            })
            .collect();
        assert!(times.is_sorted(), "the events of one id come in order: {times:?}");
    }
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_receiver_holds_nothing_up() {
    let dir = tempfile::tempdir().expect("a folder");
    let (file, data) = (dir.path().join("events"), dir.path().join("data"));
    let sink = Sink::start(SILENT);
    let member = Member::open(&data).await;
    member.define("dead", &alert(&format!(".post('http://{}').timeout(1h)", sink.address))).await;
    member.define("alive", &alert(&log_to(&file))).await;
    write_events(&member, 0, 100).await;
    member.engine.settle().await;
    until("the dead receiver to be asked", || sink.asked() > 0).await;
    until("the other handler to have all", || lines(&file).len() == 100).await;
    let begun = Instant::now();
    member.engine.stop(Duration::from_secs(2)).await;
    assert!(begun.elapsed() < LIMIT / 2, "stopping took {:?}", begun.elapsed());
    member.crash().await;
    sink.answer(200);
    let member = Member::open(&data).await;
    member.delivered().await;
    assert_eq!(sink.accepted().len(), 100, "they were waiting in the outbox");
    assert_eq!(lines(&file).len(), 100);
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_delivers_what_was_written_just_before() {
    let dir = tempfile::tempdir().expect("a folder");
    let (file, data) = (dir.path().join("events"), dir.path().join("data"));
    for round in 1..=3 {
        let member = Member::open(&data).await;
        if round == 1 {
            member.define("t", &alert(&log_to(&file))).await;
        }
        write_events(&member, 0, 7).await;
        member.stop().await;
        assert_eq!(lines(&file).len(), 7 * round);
    }
    let member = Member::open(&data).await;
    assert_eq!(member.engine.catalog().deliveries().count(), 0, "and that they arrived is written down");
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_started_again_finds_the_levels_it_left() {
    let dir = tempfile::tempdir().expect("a folder");
    let (file, data) = (dir.path().join("events"), dir.path().join("data"));
    let member = Member::open(&data).await;
    member.define("t", &alert(&format!(".stateChangesOnly(){}", log_to(&file)))).await;
    for round in 0..5 {
        let at = round * 10;
        // The event may still be on its way when the task is stopped.
        member.write(&format!("m,host=a v=50 {at}\n")).await;
        member.apply(&Op::Enable("t".into(), false)).await;
        let open = member.engine.catalog().topic("main:t:alert2").map(|topic| topic.is_open());
        assert_eq!(open, Some(false), "its topic is closed, and remembers");
        member.apply(&Op::Enable("t".into(), true)).await;
        member.write(&format!("m,host=a v=50 {}\nm,host=a v=1 {}\n", at + 1, at + 2)).await;
        member.delivered().await;
        assert_eq!(
            lines(&file).len(),
            2 * (round as usize + 1),
            "CRITICAL before, OK after, not CRITICAL again"
        );
    }
    // A new name does not lose them either.
    member.write("m,host=a v=50 100\n").await;
    member.apply(&Op::Rename("t".into(), "u".into())).await;
    member.write("m,host=a v=1 101\n").await;
    member.delivered().await;
    let told = lines(&file);
    assert_eq!(told.len(), 12);
    assert!(told[11].contains("\"previousLevel\":\"CRITICAL\""), "{}", told[11]);
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_on_the_platter_before_the_events_it_led_to() {
    let dir = tempfile::tempdir().expect("a folder");
    let late =
        |options: &mut engine::Options| options.sync = store::Sync::Interval(Duration::from_secs(3600));
    let member = Member::open_with(dir.path(), late).await;
    member.define("t", &alert(".topic('x')")).await;
    member.write("m,host=a v=1 1\n").await;
    member.engine.settle().await;
    assert!(member.engine.stats().log.pending_bytes > 0, "points alone may wait");
    member.write("m,host=a v=50 2\n").await;
    member.engine.settle().await;
    assert_eq!(member.engine.stats().log.pending_bytes, 0);
    member.write("m,host=a v=1 3\n").await;
    member.checkpoint().await;
    let marks = 4 * 40;
    assert!(
        member.engine.stats().log.pending_bytes <= marks,
        "only the purge marks that follow a checkpoint may wait"
    );
    member.stop().await;
}
