//! A disk that is full, on one of three members.

use cluster_tests::Outcome;
use cluster_tests::cluster::Cluster;
use cluster_tests::disk::Disk;
use cluster_tests::run::{Run, Stage};

/// Megabytes of each member's disk: enough for the first segment of the log and RocksDB.
const DISK: u32 = 256;

/// Megabytes that do not fit into the segment that the log has reserved.
const MUCH: u64 = 80;

/// That of the control group's leader.
pub fn full(stage: &Stage) -> Outcome {
    let mut cluster = Cluster::prepare(stage.plan(3));
    let mut disks = Vec::new();
    for index in 0..3 {
        disks.push(Disk::mount(&cluster.member(index)?.data(), DISK)?);
    }
    let mut run = Run::with(stage, cluster)?;
    run.define_bulk()?;
    let who = run.cluster.control_leader()?;
    let name = run.cluster.member(who)?.name();
    let disk = &disks[who];
    let filled =
        run.act(&format!("the disk of the control group's leader, {name}, is full"), None, |_| disk.fill())?;
    run.step(&format!("{filled} MB filled it"));
    let other = run.cluster.follower()?;
    let taken = run.write_bulk(other, MUCH)?;
    run.step(&format!("{taken} MB of other points were taken by the cluster"));
    // The member may end itself rather than promise what it cannot keep: that is no failure.
    let died = run.goes_on(200).is_err() && run.cluster.member(who)?.check().is_err();
    if died {
        run.act(&format!("{name} has ended; the others go on"), None, |cluster| cluster.kill9(who))?;
        run.goes_on(100)?;
    }
    run.act("there is room again", None, |cluster| {
        disk.free()?;
        if died { cluster.start_member(who) } else { Ok(()) }
    })?;
    run.goes_on(100)?;
    if run.cluster.whole().is_err() {
        run.act(&format!("{name} does not recover by itself: it is started again"), None, |cluster| {
            cluster.kill9(who)?;
            cluster.start_member(who)
        })?;
    }
    run.verify()
}
