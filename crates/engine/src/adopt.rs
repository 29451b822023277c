//! From a member alone to a member of a cluster: what it has stays, under Raft.

use crate::clock::Clock;
use crate::control::Control;
use crate::engine::{load_catalog, recover_all};
use crate::error::Error;
use crate::member::agreement::Agreed;
use crate::member::lead::POSITION;
use crate::options::Options;
use crate::outlet::Outlet;
use crate::submit::group;
use crate::worker::prefix;
use cluster::MemberId;
use cluster::raft;
use handler::{Deliverer, Handlers, Services};
use std::sync::Arc;
use std::time::Duration;
use store::{Batch, DataDir, Family, Log, State};
use tokio::sync::mpsc;

/// Brings the data directory of a member alone under Raft, once: checkpoints everything, and notes
/// where each group's log begins. Doing it again after a crash in between goes on with it.
pub fn adopt(
    options: &Options,
    me: MemberId,
    data_dir: &Arc<DataDir>,
    state: &Arc<State>,
    log: &Arc<Log>,
) -> Result<(), Error> {
    let catalog = load_catalog(state)?;
    if Agreed::is_adopted(state)? || catalog.applied() == 0 && log.groups().is_empty() {
        return Ok(());
    }
    tracing::info!("this member was alone until now; what it has becomes the beginning of a cluster");
    let applied = checkpoint_all(options, data_dir, state, log)?;
    for (shard, index) in applied.into_iter().enumerate() {
        let shard = shard as u32;
        let position =
            raft::adopt(state, me, group(shard), index).map_err(|error| Error::Cluster(error.to_string()))?;
        let mut batch = Batch::new();
        batch.put(Family::Checkpoints, [prefix(shard).as_slice(), POSITION].concat(), position.encode());
        state.write(batch, true)?;
    }
    let index = load_catalog(state)?.applied();
    let position = raft::adopt(state, me, 0, index).map_err(|error| Error::Cluster(error.to_string()))?;
    Ok(Agreed::adopt(state, &position)?)
}

/// Refuses to go on alone with what belongs to a cluster: others may have gone on with it.
pub fn refuse_cluster(state: &State) -> Result<(), Error> {
    if Agreed::is_adopted(state)? {
        return Err(Error::Cluster(
            "the data directory belongs to a member of a cluster: set [cluster] enabled = true, or use another data directory".to_owned(),
        ));
    }
    Ok(())
}

/// Brings all shards back and saves them. Gives the last entry of each.
fn checkpoint_all(
    options: &Options,
    data_dir: &Arc<DataDir>,
    state: &Arc<State>,
    log: &Arc<Log>,
) -> Result<Vec<u64>, Error> {
    let (reports, _unread) = mpsc::channel(1);
    let runtime = tokio::runtime::Handle::current();
    // No delivery goes out here: all stay in the outbox, for their owners.
    let deliverer =
        Deliverer::new(options.deliveries, Handlers::new(Services::default()), reports, runtime.clone());
    runtime.block_on(deliverer.drain(Duration::ZERO));
    let catalog = load_catalog(state)?;
    let (control, thread) = Control::start(catalog, state.clone(), log.clone(), deliverer, data_dir.clone())?;
    let recovered = recover_all(options, log, state, &control, &Clock::default());
    let outlet = Outlet::Control(control.clone());
    let save = |mut shard: crate::recover::Recovered| {
        shard.held.checkpoint(&outlet);
        shard.held.applied
    };
    let applied = recovered.map(|shards| shards.into_iter().map(save).collect());
    control.end();
    if thread.join().is_err() {
        return Err(Error::Cluster(
            "the control thread ended by a panic; this is a bug of Farad, please report it".to_owned(),
        ));
    }
    applied
}
