//! A member alone becomes the first member of a cluster and keeps all it has; there is no way back,
//! because others may have gone on from there.

mod support;

use engine::{ClusterOptions, Options};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};
use support::{LIMIT, Member};

const COUNT: &str = "stream|from().measurement('cpu').groupBy('host')
    |window().period(100s).every(10s)|count('v').as('n')|httpOut('n')";

/// A point a second of each of three hosts.
fn points(seconds: Range<u32>) -> String {
    seconds.flat_map(|t| (0..3).map(move |host| format!("cpu,host=h{host} v={t} {t}\n"))).collect()
}

fn identity(options: &mut Options) {
    options.server.server_id = "1e7b4d64-ac62-4e97-9e1f-aa0b6cfb37a8".into();
    options.server.cluster_id = "80b451da-7ca8-48f7-9d49-54839aec9dda".into();
}

fn clustered(options: &mut Options) {
    identity(options);
    options.cluster = Some(ClusterOptions {
        name: "m1".into(),
        version: "test".into(),
        gossip_bind: "127.0.0.1:0".into(),
        gossip_advertise: "127.0.0.1".into(),
        peers: Vec::new(),
        bootstrap_expect: 1,
        secret: "of a test".into(),
        replication: 3,
        rpc_bind: "127.0.0.1:0".into(),
        rpc_advertise: "127.0.0.1:0".into(),
        tls: None,
        api_advertise: "127.0.0.1:0".into(),
        roles: Vec::new(),
        replace_after: Duration::from_secs(300),
    });
}

/// Opens as a member of a cluster, and waits until its shards take writes and the task runs.
async fn open_clustered(dir: &Path) -> Member {
    let member = Member::open_with(dir, clustered).await;
    let begun = Instant::now();
    loop {
        member.engine.ready().await.expect("it founds its cluster");
        let status = member.engine.local_status();
        let led = status.shards.len() == 4 && status.shards.iter().all(|shard| shard.group.leader.is_some());
        let runs = member.engine.task("t").await.is_some_and(|view| view.executing());
        if led && runs {
            member.engine.settle().await;
            return member;
        }
        assert!(begun.elapsed() < LIMIT, "{status:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_member_alone_has_becomes_its_cluster() {
    let (dir, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let never = Member::open(whole.path()).await;
    never.define("t", COUNT).await;
    let alone = Member::open_with(dir.path(), identity).await;
    alone.define("t", COUNT).await;
    // Some of it in a checkpoint, some only in the log.
    for (from, checkpoint) in [(0, true), (12, false)] {
        for member in [&alone, &never] {
            member.write(&points(from..from + 12)).await;
        }
        if checkpoint {
            alone.checkpoint().await;
        }
    }
    drop(alone);
    for from in [24, 48] {
        // Once adopted, once found as it was left.
        let member = open_clustered(dir.path()).await;
        for member in [&member, &never] {
            member.write(&points(from..from + 24)).await;
            member.engine.settle().await;
        }
        assert_eq!(member.rows("t", "n").await, never.rows("t", "n").await);
        member.engine.stop(LIMIT).await;
    }
    let refused = Member::try_open(dir.path(), identity).await.err().expect("it belongs to a cluster");
    assert!(refused.contains("[cluster] enabled = true"), "{refused}");
}
