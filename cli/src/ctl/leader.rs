//! `kapacitorctl leader`: who leads what.

use super::session::{BASE, Failure, Session};
use super::shapes::Cluster;
use super::text::count;
use super::{Command, Given};
use crate::flags::{Flag, Kind};
use serde_json::{Map, Value, json};

pub(super) const TRANSFER: Command = Command {
    name: "leader transfer",
    arguments: "[-from MEMBER] [-to MEMBER] [control|shard-N|shards|all]",
    summary: "Hand the leadership of groups over to other members.",
    more: "
	Members are named by their id or name. Nothing is lost: writes wait for a moment.

	The control group to any other member, and to a certain one:

		$ kapacitorctl leader transfer control
		$ kapacitorctl leader transfer -to kapacitor-2 control

	One shard; all shards back to the members that should lead them:

		$ kapacitorctl leader transfer -to kapacitor-3 shard-7
		$ kapacitorctl leader transfer shards

	Everything that a member leads, for example before its machine is looked after (a member that
	is stopped in order does this by itself):

		$ kapacitorctl leader transfer -from kapacitor-1 all
",
    flags: &[
        Flag { name: "from", kind: Kind::Text, doc: "Only groups that this member leads." },
        Flag {
            name: "to",
            kind: Kind::Text,
            doc: "The member that is to lead. Defaults to the one that fits best.",
        },
    ],
    run,
};

fn run(session: &mut Session<'_>, given: &Given) -> Result<(), Failure> {
    let from = given.flags.text("from");
    let group = match given.rest.as_slice() {
        [] if !from.is_empty() => "all",
        _ => given.only("the group (control, shard-N, shards or all)")?,
    };
    let mut order = Map::from_iter([("group".to_owned(), json!(group))]);
    for name in ["from", "to"] {
        let member = given.flags.text(name);
        if !member.is_empty() {
            order.insert(name.to_owned(), json!(member));
        }
    }
    session.progress(&format!("Handing over {}...", described(group)));
    session.client.order(&format!("{BASE}/leader"), &Value::Object(order))?;
    let (value, cluster) = session.cluster()?;
    if session.json {
        let shards = value["shards"].as_array().into_iter().flatten();
        let leaders: Vec<Value> = shards
            .map(|shard| json!({"shard": shard["shard"], "leader": shard["group"]["leader"]}))
            .collect();
        return session.print(&json!({"control": value["control"]["leader"], "shards": leaders}));
    }
    Ok(session.out.write_all(leaders(&cluster).as_bytes())?)
}

fn described(group: &str) -> String {
    match group {
        "control" => "the control group".to_owned(),
        "shards" => "shards".to_owned(),
        "all" => "all groups".to_owned(),
        other => other.to_owned(),
    }
}

/// Who leads what now.
fn leaders(cluster: &Cluster) -> String {
    let mut text = String::new();
    for member in &cluster.members {
        let led =
            cluster.shards.iter().filter(|shard| shard.group.leader.as_ref() == Some(&member.id)).count();
        let control = match cluster.control.leader.as_ref() == Some(&member.id) {
            true => "the control group and ",
            false => "",
        };
        text.push_str(&format!("{} leads {control}{}\n", cluster.name(&member.id), count(led, "shard")));
    }
    text
}
