//! Tasks change at one place of every shard's log, and what runs after a crash is what the catalog
//! says.

mod support;

use catalog::{Command, Status};
use engine::TaskChange;
use store::Family;
use support::Member;
use support::op::Op;

const COUNT: &str = "stream|from().measurement('m').groupBy('host')|stateCount(lambda: TRUE)|httpOut('n')";
const MAX: &str =
    "stream|from().measurement('m').groupBy('host')|eval(lambda: \"v\" * 2.0).as('w')|httpOut('n')";

/// Writes a point to each of eight hosts, which live on all four shards.
async fn write_all(member: &Member, at: i64) {
    let lines: String = (0..8).map(|host| format!("m,host=h{host} v=1 {at}\n")).collect();
    member.write(&lines).await;
}

/// The last column of each row, in the order of the hosts.
async fn column(member: &Member, task: &str) -> Vec<String> {
    let mut rows = member.rows(task, "n").await;
    rows.sort();
    let last =
        |row: &String| row.trim_end_matches(['}', ']']).rsplit(',').next().unwrap_or_default().to_owned();
    rows.iter().map(last).collect()
}

/// Without the task's own counters: eight times the same.
fn eight(value: &str) -> Vec<String> {
    vec![value.to_owned(); 8]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_written_point_reaches_the_endpoint() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    member.define("t", COUNT).await;
    member.write("m,host=a v=1 1\nm,host=b v=5i 2\nother v=1 3\n").await;
    assert_eq!(
        member.rows("t", "n").await,
        [
            r#"{"name":"m","tags":{"host":"a"},"columns":["time","state_count","v"],"values":[["1970-01-01T00:00:01Z",1,1]]}"#,
            r#"{"name":"m","tags":{"host":"b"},"columns":["time","state_count","v"],"values":[["1970-01-01T00:00:02Z",1,5]]}"#,
        ]
    );
    assert!(member.engine.endpoint("t", "other").await.is_none());
    assert!(member.engine.endpoint("other", "n").await.is_none());
    assert_eq!(
        member.engine.local_ingress().iter().map(|i| (i.measurement.as_str(), i.points)).collect::<Vec<_>>(),
        [("m", 2), ("other", 1)]
    );
    let refused = member.try_write("m,host=a v=1 4\nm,host=a v= 5\n").await.expect_err("a bad line");
    assert!(refused.to_string().contains("unable to parse"), "{refused}");
    assert_eq!(column(&member, "t").await, ["1", "5"], "all of a write or nothing");
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_script_takes_over_when_the_task_is_enabled_anew() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    member.define("t", COUNT).await;
    write_all(&member, 1).await;
    member.apply(&Op::Redefine("t".into(), MAX.into())).await;
    write_all(&member, 2).await;
    assert!(member.rows("t", "n").await[0].contains("state_count"), "the old script goes on");
    member.crash().await;
    let member = Member::open(dir.path()).await;
    assert!(member.rows("t", "n").await[0].contains("state_count"), "a crash changes nothing");
    member.apply(&Op::Enable("t".into(), false)).await;
    assert!(member.engine.endpoint("t", "n").await.is_none());
    write_all(&member, 3).await;
    member.apply(&Op::Enable("t".into(), true)).await;
    assert_eq!(member.rows("t", "n").await, [""; 0], "it starts with nothing");
    write_all(&member, 4).await;
    assert_eq!(column(&member, "t").await, eight("2"));
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_survives_a_crash_with_and_without_a_checkpoint() {
    for checkpoint in [false, true] {
        let dir = tempfile::tempdir().expect("a folder");
        let mut member = Member::open(dir.path()).await;
        let changes = [
            Op::Define("a".into(), COUNT.into()),
            Op::Define("b".into(), COUNT.into()),
            Op::Enable("a".into(), false),
            Op::Enable("a".into(), true),
            Op::Rename("b".into(), "c".into()),
            Op::Delete("a".into()),
            Op::Define("a".into(), MAX.into()),
        ];
        for (at, change) in changes.iter().enumerate() {
            write_all(&member, at as i64).await;
            member.apply(change).await;
            if checkpoint {
                member.checkpoint().await;
            }
            write_all(&member, at as i64).await;
            let before = member.seen().await;
            member.crash().await;
            member = Member::open(dir.path()).await;
            assert_eq!(member.seen().await, before, "{change:?}, checkpoint {checkpoint}");
        }
        // Written to twice a round: since it was defined, enabled, renamed.
        assert_eq!(column(&member, "c").await, eight("5").iter().map(|_| "1").collect::<Vec<_>>());
        assert_eq!(column(&member, "a").await, eight("2"));
        member.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_catalog_and_log_is_made_good() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    for id in ["stays", "stops", "goes"] {
        member.define(id, COUNT).await;
    }
    member.define("starts", COUNT).await;
    member.apply(&Op::Enable("starts".into(), false)).await;
    write_all(&member, 1).await;
    member.checkpoint().await;
    member.crash().await;

    // What the catalog says is changed behind the log's back.
    let data_dir = store::DataDir::open(dir.path()).expect("the folder");
    let state = store::State::open(data_dir.state_dir()).expect("the state");
    let mut entries = Vec::new();
    state
        .scan(Family::Control, b"", |key, value| entries.push((key.to_vec(), value.to_vec())))
        .expect("a scan");
    let mut catalog = catalog::Catalog::load(entries).expect("the catalog");
    let patch = |status| catalog::TaskPatch { status: Some(status), ..catalog::TaskPatch::default() };
    let commands = [
        Command::UpdateTask { id: "starts".into(), patch: patch(Status::Enabled), now: 1 },
        Command::UpdateTask { id: "stops".into(), patch: patch(Status::Disabled), now: 1 },
        Command::DeleteTask { id: "goes".into() },
    ];
    for command in commands {
        let index = catalog.applied() + 1;
        catalog.apply(index, &command).expect("the change");
    }
    let mut batch = store::Batch::new();
    for (key, value) in catalog.take_changes() {
        match value {
            Some(value) => batch.put(Family::Control, key, value),
            None => batch.delete(Family::Control, key),
        }
    }
    state.write(batch, true).expect("written");
    drop((state, data_dir));

    let member = Member::open(dir.path()).await;
    write_all(&member, 2).await;
    assert_eq!(member.rows("stays", "n").await.len(), 8);
    assert!(member.rows("stays", "n").await[0].contains(",2,1]"), "it kept its state");
    assert!(member.rows("starts", "n").await[0].contains(",1,1]"), "it starts with nothing");
    assert!(member.engine.task("stops").await.expect("it is defined").running.is_none());
    assert!(
        member.engine.task("goes").await.is_none() && member.engine.endpoint("goes", "n").await.is_none()
    );
    let before = member.seen().await;
    member.crash().await;
    let member = Member::open(dir.path()).await;
    assert_eq!(member.seen().await, before);
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_changes_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    member.define("a", COUNT).await;
    member.define("b", COUNT).await;
    write_all(&member, 1).await;
    let before = member.seen().await;
    let change = |change: TaskChange| member.engine.update_task("a", change);
    let refusals = [
        change(TaskChange { id: Some("b".into()), ..TaskChange::default() }).await.map(drop),
        change(TaskChange { id: Some("a b".into()), ..TaskChange::default() }).await.map(drop),
        change(TaskChange { script: Some("stream|frm()".into()), ..TaskChange::default() }).await.map(drop),
        member.engine.update_task("c", TaskChange::default()).await.map(drop),
        member.try_define("a", COUNT).await,
        member.try_define("d", "stream|from(").await,
        member.try_define("", "").await,
    ];
    let texts: Vec<String> = refusals.map(|refusal| refusal.expect_err("refused").to_string()).into();
    assert_eq!(texts[0], "task b already exists");
    assert!(texts[1].starts_with("task ID must contain only letters"), "{}", texts[1]);
    assert!(texts[2].starts_with("invalid TICKscript: line"), "{}", texts[2]);
    assert_eq!(texts[3..5], ["no task exists", "task a already exists"]);
    assert_eq!(member.seen().await, before);
    member.engine.delete_task("never").await.expect("deleting what is not there is no error");
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_does_not_start_is_kept_with_its_error() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    let twice = "var s = stream|from().measurement('m')\ns|httpOut('x')\ns|httpOut('x')";
    let error = member.try_define("t", twice).await.expect_err("two endpoints of one name").to_string();
    let task = member.engine.task("t").await.expect("it is kept");
    assert_eq!((task.task.error.as_str(), task.running.is_none()), (error.as_str(), true));
    member.crash().await;
    let member = Member::open(dir.path()).await;
    assert_eq!(member.engine.task("t").await.expect("it is kept").task.error, error);
    member.apply(&Op::Redefine("t".into(), COUNT.into())).await;
    assert_eq!(member.engine.task("t").await.expect("it is kept").task.error, "", "it starts now");
    write_all(&member, 1).await;
    assert_eq!(member.rows("t", "n").await.len(), 8);
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_with_other_shapes_share_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    for db in ["a", "b"] {
        let new = engine::NewTask {
            id: db.into(),
            script: format!("dbrp \"{db}\".\"rp\"\nstream|from()|httpOut('n')"),
            status: Status::Enabled,
            ..engine::NewTask::default()
        };
        member.engine.create_task(new).await.expect("defined");
    }
    for at in 0..4 {
        for (db, body) in
            [("a", format!("x,k=1 p=1,q=2 {at}\n")), ("b", format!("y,l=2 r=\"s\",p=true {at}\n"))]
        {
            let mut write = member.engine.write(db, "rp", line::Precision::Second);
            write.feed(body.as_bytes());
            write.finish().await.expect("written");
        }
    }
    assert_eq!(
        member.rows("a", "n").await,
        [
            r#"{"name":"x","tags":{"k":"1"},"columns":["time","p","q"],"values":[["1970-01-01T00:00:03Z",1,2]]}"#
        ]
    );
    assert_eq!(
        member.rows("b", "n").await,
        [
            r#"{"name":"y","tags":{"l":"2"},"columns":["time","p","r"],"values":[["1970-01-01T00:00:03Z",true,"s"]]}"#
        ]
    );
    member.stop().await;
}
