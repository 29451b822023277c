//! A server on its own: nothing that it acknowledged is lost either.

use cluster_tests::cluster::Cluster;
use cluster_tests::disk::Disk;
use cluster_tests::run::{Run, Stage};
use cluster_tests::{Failure, Outcome};

/// Killed twice, then stopped and started.
pub fn killed_and_stopped(stage: &Stage) -> Outcome {
    let mut run = Run::start(stage, 1)?;
    if run.topic_owner("alerts")? != 0 {
        return Err(Failure::broken("another member delivers"));
    }
    for _ in 0..2 {
        run.act("kill -9 and start", None, |cluster| {
            cluster.kill9(0)?;
            cluster.start_member(0)
        })?;
        run.goes_on(100)?;
    }
    run.act("stop and start", None, |cluster| {
        cluster.shut_down(0)?;
        cluster.start_member(0)
    })?;
    run.goes_on(100)?;
    run.verify()
}

/// Megabytes of the disk: two segments of the log, and some for RocksDB.
const DISK: u32 = 160;

/// Megabytes that do not fit into the segment that the log has reserved.
const TOO_MUCH: u64 = 90;

/// The disk is full for a while; nothing is acknowledged that is not kept.
pub fn with_a_full_disk(stage: &Stage) -> Outcome {
    let mut cluster = Cluster::prepare(stage.plan(1));
    let disk = Disk::mount(&cluster.member(0)?.data(), DISK)?;
    let mut run = Run::with(stage, cluster)?;
    run.define_bulk()?;
    let filled = run.act("the disk fills up", None, |_| disk.fill())?;
    run.step(&format!("{filled} MB filled it"));
    if run.write_bulk(0, TOO_MUCH)? == TOO_MUCH {
        return Err(Failure::broken("a full disk takes everything"));
    }
    run.act("there is room again", None, |_| disk.free())?;
    run.goes_on(100)?;
    run.act("kill -9 and start", None, |cluster| {
        cluster.kill9(0)?;
        cluster.start_member(0)
    })?;
    run.goes_on(50)?;
    run.verify()
}
