//! `kapacitorctl member`: who is in the cluster, who comes, who goes.

use super::session::{BASE, Failure, Session};
use super::shapes::{Cluster, Member};
use super::text::{columns, count, row, span};
use super::{Command, Given};
use crate::client::{ClientError, escape};
use crate::flags::{Flag, Kind};
use serde_json::{Value, json};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The first wait between two looks at a member that joins; it doubles up to the second.
const LOOK_MIN: Duration = Duration::from_millis(50);
const LOOK_MAX: Duration = Duration::from_secs(1);

pub(super) const LIST: Command = Command {
    name: "member list",
    arguments: "",
    summary: "List the members of the cluster.",
    more: "
	Statuses: alive; down (it does not answer); left (it was stopped in order); joining.
",
    flags: &[],
    run: list,
};

pub(super) const ADD: Command = Command {
    name: "member add",
    arguments: "[-no-wait] ADDRESS",
    summary: "Take a new member into the cluster.",
    more: "
	ADDRESS is the host:port at which the RPC of the new member listens: 9091 as a rule. Run this
	against a member of the cluster. The new one must be running with [cluster] enabled and the
	same shared secret, on an empty data directory.

	It is told the cluster's id and state, and is then given replicas of shards, in the background.
	The command waits until the member is alive.

		$ kapacitorctl -url http://kapacitor-1:9092 member add kapacitor-4:9091
",
    flags: &[Flag { name: "no-wait", kind: Kind::Switch, doc: "Do not wait until the member is alive." }],
    run: add,
};

pub(super) const REMOVE: Command = Command {
    name: "member remove",
    arguments: "ID",
    summary: "Let a member go, for good.",
    more: "
	ID is the member's id or name as member list shows it. Run this against another member.

	What the removed member led and kept is given to others. A member that was removed while it was
	down stays outside when it comes back; to use the machine again, empty its data directory and
	add it as a new member. To restart a member, or to stop it for a while, do not remove it.
",
    flags: &[],
    run: remove,
};

fn list(session: &mut Session<'_>, given: &Given) -> Result<(), Failure> {
    given.nothing()?;
    let (value, cluster) = session.cluster()?;
    if session.json {
        return session.print(&json!({
            "state": value["state"],
            "cluster-id": value["cluster-id"],
            "member-id": value["member-id"],
            "members": value["members"],
        }));
    }
    Ok(session.out.write_all(listed(&cluster).as_bytes())?)
}

/// The list as Kapacitor Enterprise shows it.
fn listed(cluster: &Cluster) -> String {
    let mut rows =
        vec![row(["Member ID", "Gossip Address", "RPC Address", "API Address", "Roles", "Status"])];
    for member in &cluster.members {
        let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        rows.push(vec![
            member.id.clone(),
            dash(&member.gossip_address),
            dash(&member.rpc_address),
            dash(&member.api_address),
            dash(&member.roles.join(",")),
            member.status.clone(),
        ]);
    }
    format!("{}\n{}", head(cluster), columns(&rows))
}

/// The three lines above the members.
pub(super) fn head(cluster: &Cluster) -> String {
    format!(
        "State: {}\nCluster ID: {}\nLocal Member ID: {}\n",
        cluster.state, cluster.cluster_id, cluster.member_id
    )
}

fn add(session: &mut Session<'_>, given: &Given) -> Result<(), Failure> {
    let address = given.only("the address of the new member's RPC, like kapacitor-4:9091,")?;
    let begun = Instant::now();
    let server = session.client.server();
    session.progress(&format!("Asking {server} to take in {address}..."));
    let mut answer = session.client.order(&format!("{BASE}/members"), &json!({"address": address}))?;
    let mut member: Member = serde_json::from_value(answer.clone()).map_err(ClientError::Decode)?;
    session.progress(&format!(
        "{} is member {}. It learns what the cluster knows; then shards move to it in the background.",
        shown(&member),
        member.id
    ));
    if !given.flags.on("no-wait") && member.status != "alive" {
        (answer, member) = wait(session, member, begun)?;
    }
    if session.json {
        return session.print(&answer);
    }
    writeln!(session.out, "Added member {} ({}): {}", member.id, shown(&member), member.status)?;
    if member.status == "alive" {
        session.progress("Watch the shards move with kapacitorctl status.");
    }
    Ok(())
}

/// Waits until a member is alive, and says what it does meanwhile.
fn wait(session: &mut Session<'_>, mut member: Member, begun: Instant) -> Result<(Value, Member), Failure> {
    let mut pause = LOOK_MIN;
    session.progress(&format!("{} is {}; waiting...", shown(&member), member.status));
    loop {
        sleep(pause);
        pause = (pause * 2).min(LOOK_MAX);
        let (value, cluster) = session.cluster()?;
        let found = cluster.members.iter().position(|found| found.id == member.id);
        if let Some(at) = found {
            let now = &cluster.members[at];
            if now.status != member.status {
                let waited = span(i64::try_from(begun.elapsed().as_secs()).unwrap_or(i64::MAX));
                session.progress(&format!("{} is {} ({waited})", shown(now), now.status));
            }
            member = now.clone();
            if member.status == "alive" {
                return Ok((value["members"][at].clone(), member));
            }
        }
        if begun.elapsed() > session.timeout {
            return Err(Failure::Failed(format!(
                "{} is not alive after {:?}, it goes on joining: look at its log, and at kapacitorctl member list; wait longer with -timeout",
                shown(&member),
                session.timeout
            )));
        }
    }
}

fn shown(member: &Member) -> &str {
    [&member.name, &member.rpc_address].into_iter().find(|text| !text.is_empty()).unwrap_or(&member.id)
}

fn remove(session: &mut Session<'_>, given: &Given) -> Result<(), Failure> {
    let id = given.only("the id or name of the member")?;
    let (_, cluster) = session.cluster()?;
    let known = cluster.members.iter().find(|known| known.id == id || known.name == id);
    match known {
        Some(member) => session.progress(&format!(
            "Removing {} ({}): others take over {} that it leads and {} that it keeps...",
            shown(member),
            member.status,
            count(member.leads as usize, "shard"),
            count(member.replicas as usize, "replica"),
        )),
        // The server knows also what is abbreviated, and says so when it knows nobody.
        None => session.progress(&format!("Removing {id}...")),
    }
    let id = known.map_or(id, |member| &member.id);
    session.client.delete(&format!("{BASE}/members/{}", escape(id)))?;
    if session.json {
        return session.print(&json!({"removed": id}));
    }
    let name = known.map(|member| format!(" ({})", shown(member))).unwrap_or_default();
    Ok(writeln!(session.out, "Removed member {id}{name}")?)
}
