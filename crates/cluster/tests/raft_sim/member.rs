//! A member of the simulated cluster: what it has on its disk, and while it lives, its group.

use std::sync::Arc;
use std::time::Duration;

use cluster::MemberId;
use cluster::raft::{Group, Groups, Options, Timing};
use store::{Log, State};
use tempfile::TempDir;

use crate::net::Net;
use crate::oracle::Oracle;
use crate::recorder::{Applied, Disk, Recorder};

pub const GROUP: u64 = 1;

pub struct Member {
    pub me: MemberId,
    pub disk: Disk,
    pub life: Option<Life>,
    dir: TempDir,
    net: Net,
    oracle: Oracle,
    sync: bool,
    save_every: u64,
}

pub struct Life {
    pub group: Group,
    pub applied: Applied,
    groups: Groups,
    log: Arc<Log>,
    state: Arc<State>,
}

pub fn timing() -> Timing {
    let (heartbeat, election) = (Duration::from_millis(20), Duration::from_millis(100));
    Timing { heartbeat, election: election..election * 2, patience: heartbeat / 4 }
}

impl Member {
    pub fn new(me: MemberId, net: &Net, oracle: &Oracle, sync: bool, save_every: u64) -> Member {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let (net, oracle, disk) = (net.clone(), oracle.clone(), Disk::default());
        Member { me, disk, life: None, dir, net, oracle, sync, save_every }
    }

    pub async fn start(&mut self) {
        if self.life.is_some() {
            return;
        }
        let options = store::Options { segment_bytes: 64 << 10, ..store::Options::default() };
        let (log, _) = Log::open(self.dir.path().join("log"), options).unwrap();
        let (log, state) = (Arc::new(log), Arc::new(State::open(self.dir.path().join("state")).unwrap()));
        let machine = Recorder::new(self.me, self.oracle.clone(), self.disk.clone(), self.save_every);
        let applied = machine.applied();
        let options = Options {
            me: self.me,
            group: GROUP,
            timing: timing(),
            sync: self.sync,
            spool: self.dir.path().join("spool"),
        };
        let carrier = self.net.carrier(self.me);
        let group = Group::start(options, Arc::clone(&log), Arc::clone(&state), carrier, machine);
        let group = group.await.unwrap();
        let groups = Groups::new();
        groups.add(&group);
        self.net.join(self.me, groups.clone());
        self.life = Some(Life { group, applied, groups, log, state });
    }

    /// Ends its life, and waits until nothing of it holds the disk any more.
    pub async fn crash(&mut self) {
        let Some(Life { group, applied, groups, log, state }) = self.life.take() else {
            return;
        };
        self.net.leave(self.me);
        groups.remove(GROUP);
        group.stop().await;
        drop((group, groups, applied));
        let released = async {
            while Arc::strong_count(&log) > 1 || Arc::strong_count(&state) > 1 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let released = tokio::time::timeout(Duration::from_secs(20), released).await;
        released.expect("a stopped group keeps its log");
        drop(tokio::task::spawn_blocking(move || drop((log, state))).await);
    }

    pub fn group(&self) -> Option<&Group> {
        self.life.as_ref().map(|life| &life.group)
    }
}
