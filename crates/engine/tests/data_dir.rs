//! A data directory that is not right: the error says what and what to do, and nothing is changed.

mod support;

use support::Member;

async fn refused(dir: &std::path::Path, change: impl FnOnce(&mut engine::Options)) -> String {
    match Member::try_open(dir, change).await {
        Ok(_) => panic!("opened"),
        Err(error) => error,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_use() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    let error = refused(dir.path(), |_| {}).await;
    assert!(error.contains(&format!("is in use by process {}", std::process::id())), "{error}");
    assert!(error.contains("stop that process"), "{error}");
    member.define("t", "stream|from()|httpOut('n')").await;
    member.stop().await;
    Member::open(dir.path()).await.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_number_of_shards() {
    let dir = tempfile::tempdir().expect("a folder");
    Member::open(dir.path()).await.stop().await;
    let error = refused(dir.path(), |options| options.shards = 8).await;
    assert_eq!(error, "the data directory has 4 shards, the configuration says 8: set [cluster] shards = 4");
    support::released(dir.path()).await;
    Member::open(dir.path()).await.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_version() {
    let dir = tempfile::tempdir().expect("a folder");
    Member::open(dir.path()).await.stop().await;
    std::fs::write(dir.path().join("FORMAT"), "farad 99\n").expect("written");
    let error = refused(dir.path(), |_| {}).await;
    assert!(error.contains("has layout version 99, this server reads version 1"), "{error}");
    assert!(error.contains("run the server version that wrote it"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn something_else() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("photo.jpg"), "x").expect("written");
    let error = refused(dir.path(), |_| {}).await;
    assert!(error.contains("is not a data directory of this server: it holds \"photo.jpg\""), "{error}");
    let left: Vec<_> = std::fs::read_dir(dir.path()).expect("the folder").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged() {
    let dir = tempfile::tempdir().expect("a folder");
    let member = Member::open(dir.path()).await;
    member.define("t", "stream|from().measurement('m')|window().period(1h).every(1h)|httpOut('n')").await;
    for at in 0..50 {
        member.write(&format!("m,host=h{at} v=1 {at}\n")).await;
    }
    member.crash().await;
    let log = dir.path().join("log");
    let largest = std::fs::read_dir(&log)
        .expect("the log")
        .map(|entry| entry.expect("an entry").path())
        .max_by_key(|path| path.metadata().map_or(0, |facts| facts.len()))
        .expect("a segment");
    let mut bytes = std::fs::read(&largest).expect("a segment");
    // In the middle of what is written: the rest of the segment is zeros.
    let written = bytes.iter().rposition(|byte| *byte != 0).expect("something is written");
    bytes[written / 2] ^= 0xff;
    std::fs::write(&largest, &bytes).expect("written");
    let error = refused(dir.path(), |_| {}).await;
    let name = largest.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(error.contains(&name) && error.contains("is damaged at byte"), "{error}");
    assert!(error.contains("restore the data directory from a backup"), "{error}");
}
