//! One member on its own, fed with the same bodies in the same order.

use super::compare::{Events, events};
use super::totals::Totals;
use crate::cluster::{Cluster, Processes};
use crate::failure::{Failure, Outcome, Trying};
use crate::http::{self, WriteLimits, Written};
use crate::member::{LIMIT, Plan};
use crate::points::{self, DATABASE};
use crate::receiver::Receiver;
use crate::run::SHARDS;
use crate::tasks::TASKS;
use crate::wait;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bodies written at once: how the input is cut must not matter.
const BODIES: u64 = 20;

const LIMITS: WriteLimits = WriteLimits { wanted: LIMIT, answer: LIMIT };

/// Where it lives, away from the members.
const FIRST: u8 = 211;

/// What one member makes of the points.
#[derive(Debug)]
pub struct Reference {
    /// Every event.
    pub events: Events,
    /// Every count.
    pub totals: Totals,
}

/// Runs one member over the first `bodies` bodies, in a folder of its own below `folder`.
pub fn reference(kapacitord: PathBuf, folder: &Path, bodies: u64) -> Outcome<Reference> {
    let folder = folder.join("reference");
    std::fs::create_dir_all(&folder).trying("make a folder for the reference")?;
    let mut cluster = Cluster::start(Plan { kapacitord, folder, expect: 1, shards: SHARDS, first: FIRST })?;
    let receiver = Receiver::start(Processes::default())?;
    define(&cluster, &receiver.url())?;
    feed(&mut cluster, bodies)?;
    let totals = counted(&mut cluster, bodies)?;
    // A server that is told to stop first delivers what it has.
    cluster.shut_down(0)?;
    let events = events(&receiver.deliveries());
    Ok(Reference { events, totals })
}

/// Defines the tasks at the first running member.
pub fn define(cluster: &Cluster, receiver: &str) -> Outcome {
    TASKS.iter().try_for_each(|task| define_one(cluster, &task.request(receiver)))
}

/// Defines one there.
pub fn define_one(cluster: &Cluster, request: &Value) -> Outcome {
    let member = cluster.running_members().next().ok_or_else(|| Failure::broken("no member runs"))?;
    let asked = member.request("POST", "/kapacitor/v1/tasks", &request.to_string());
    let answer = asked.map_err(Failure::Broken)?;
    match answer.status {
        200 => Ok(()),
        status => {
            let (id, body) = (&request["id"], answer.body);
            Err(Failure::broken(format!("task {id} was refused: {status} {body}")))
        }
    }
}

fn feed(cluster: &mut Cluster, bodies: u64) -> Outcome {
    let to = cluster.member(0)?.api();
    let path = format!("/kapacitor/v1/write?db={DATABASE}&rp=autogen&precision=s");
    for first in (0..bodies).step_by(BODIES as usize) {
        let body: String = (first..bodies.min(first + BODIES)).map(points::body).collect();
        match http::write(to, &path, &format!("reference-{first}"), &body, LIMITS) {
            Written::Acknowledged => {}
            other => return Err(Failure::broken(format!("the reference does not take points: {other:?}"))),
        }
    }
    Ok(())
}

/// Waits until all is counted; the reference must count exactly what it was given.
fn counted(cluster: &mut Cluster, bodies: u64) -> Outcome<Totals> {
    let mut expected = Totals::default();
    for host in 0..points::HOSTS {
        expected.0.insert(("alerts".to_owned(), format!("host=h{host}")), bodies);
    }
    expected.0.insert(("total".to_owned(), String::new()), bodies * points::HOSTS);
    let member = cluster.member(0)?;
    let totals = wait::until("the reference to count its points", Duration::from_secs(60), || {
        let totals = Totals::ask(member)?;
        totals.reach(&expected).map(|()| totals)
    })?;
    match totals == expected {
        true => Ok(totals),
        false => Err(Failure::broken(format!("the reference counts {totals:?} for {bodies} bodies"))),
    }
}
