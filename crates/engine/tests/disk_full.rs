//! A disk that takes no more: writes are refused whole, and work again when there is space. The
//! disk is filled by a limit on the size of this process's files, so this test has a program to
//! itself.

mod support;

use engine::WriteError;
use support::Member;
use support::op::Op;

const COUNT: &str = "stream|from().measurement('m').groupBy('host')|stateCount(lambda: TRUE)|httpOut('n')";

/// No file of this process may be written beyond this many bytes.
fn limit_files(bytes: libc::rlim_t) {
    // SAFETY: plain calls with values that outlive them. A signal would end the process where the
    // write should fail.
    let done = unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
        libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit)
    };
    assert_eq!(done, 0, "setrlimit: {}", std::io::Error::last_os_error());
}

/// A point for each of eight hosts, on all shards, with enough text to fill a disk.
fn body(at: usize) -> String {
    let text = "x".repeat(10_000);
    (0..8).map(|host| format!("m,host=h{host} v=1,text=\"{text}\" {at}\n")).collect()
}

async fn counts(member: &Member) -> Vec<String> {
    member.engine.settle().await;
    let mut rows = member.rows("t", "n").await;
    rows.sort();
    let of = |row: &String| {
        row.split("Z\",").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or("").to_owned()
    };
    rows.iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_whole_writes_until_there_is_space() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    member.define("t", COUNT).await;
    limit_files(3_000_000);
    let mut taken = 0;
    let refusal = loop {
        match member.try_write(&body(taken)).await {
            Ok(()) => taken += 1,
            Err(refusal) => break refusal,
        }
        assert!(taken < 1000, "the disk is never full");
    };
    assert!(taken > 10, "{refusal}");
    assert!(matches!(&refusal, WriteError::Log(error) if error.is_retriable()), "{refusal:?}");
    assert!(refusal.to_string().contains("no space left"), "{refusal}");
    assert_eq!(counts(&member).await, vec![taken.to_string(); 8], "a refused write reaches no shard");
    // What is smaller still fits, for a while.
    let mut small = 0;
    while member.try_write("m,host=h0 v=1 1\n").await.is_ok() {
        small += 1;
        assert!(small < 100_000, "the disk is never full");
    }
    let refused = member.try_define("u", COUNT).await.expect_err("its start cannot be logged").to_string();
    assert!(refused.starts_with("cannot log the task's change: no space left"), "{refused}");
    let refused = member.engine.delete_task("t").await.expect_err("its stop cannot be logged").to_string();
    assert!(refused.starts_with("cannot log the task's change: no space left"), "{refused}");
    assert!(member.engine.task("t").await.is_some_and(|view| view.executing()), "it goes on");

    limit_files(libc::RLIM_INFINITY);
    member.write(&body(taken)).await;
    taken += 1;
    member.apply(&Op::Enable("u".into(), true)).await;
    member.write("m,host=new v=1 2\n").await;
    let mut expected = vec![taken.to_string(); 8];
    expected[0] = (taken + small).to_string();
    expected.push("1".to_owned());
    assert_eq!(counts(&member).await, expected);
    let before = member.seen().await;
    assert_eq!(before.rows["u/n"].len(), 1);
    member.crash().await;
    let member = Member::open(dir.path()).await;
    assert_eq!(member.seen().await, before, "the log holds exactly what was acknowledged");
    member.stop().await;
}
