//! Who leads what, as a member sees it: `GET /kapacitor/v1/cluster`.

use serde_json::Value;

/// A member as another one sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Its name, which these tests make its address.
    pub name: String,
    /// Its id.
    pub id: String,
    /// `alive`, `down`, `left` or `joining`.
    pub status: String,
    /// Whether it votes in the control group.
    pub voter: bool,
    /// Shards it keeps.
    pub replicas: u64,
}

/// A view of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    /// `initialized` once it is founded.
    pub state: String,
    /// All members, by name.
    pub members: Vec<Seen>,
    /// Name of the control group's leader.
    pub control: Option<String>,
    /// Names of the shards' leaders, by shard.
    pub shards: Vec<Option<String>>,
}

impl Roles {
    /// Reads the answer of the API.
    pub fn read(answer: &Value) -> Result<Roles, String> {
        let missing = |what: &str| format!("the status of the cluster has no {what}: {answer}");
        let members = answer["members"].as_array().ok_or_else(|| missing("members"))?;
        let mut members: Vec<Seen> = members.iter().map(seen).collect();
        members.sort();
        let name = |id: &Value| {
            let id = id.as_str().filter(|id| !id.is_empty())?;
            let known = members.iter().find(|member| member.id == id);
            Some(known.map_or_else(|| id.to_owned(), |member| member.name.clone()))
        };
        let control = name(&answer["control"]["leader"]);
        let shards = answer["shards"].as_array().ok_or_else(|| missing("shards"))?;
        let shards = shards.iter().map(|shard| name(&shard["group"]["leader"])).collect();
        Ok(Roles { state: text(&answer["state"]), control, shards, members })
    }

    /// Says what keeps these members from being a whole cluster: each alive and known, a leader
    /// everywhere, nobody else alive.
    pub fn check(&self, running: &[String], shards: usize) -> Result<(), String> {
        if self.state != "initialized" {
            return Err(format!("it is {}", self.state));
        }
        for name in running {
            if !self.members.iter().any(|member| member.name == *name && member.status == "alive") {
                return Err(format!("{name} is not alive: {}", self.list()));
            }
        }
        let stranger = |member: &&Seen| member.status == "alive" && !running.contains(&member.name);
        if let Some(member) = self.members.iter().find(stranger) {
            return Err(format!("{} is still thought alive", member.name));
        }
        let leads = |leader: &Option<String>| leader.as_ref().is_some_and(|name| running.contains(name));
        if !leads(&self.control) {
            return Err(format!("the control group has no leader that runs ({:?})", self.control));
        }
        if self.shards.len() != shards {
            return Err(format!("{} of {shards} shards are known", self.shards.len()));
        }
        match self.shards.iter().position(|leader| !leads(leader)) {
            Some(shard) => {
                Err(format!("shard {shard} has no leader that runs ({:?})", self.shards.get(shard)))
            }
            None => Ok(()),
        }
    }

    /// A member by its name, alive rather than not.
    pub fn member(&self, name: &str) -> Option<&Seen> {
        let named = || self.members.iter().filter(|member| member.name == name);
        named().find(|member| member.status == "alive").or_else(|| named().next())
    }

    /// How many shards a member leads.
    pub fn leads(&self, name: &str) -> usize {
        self.shards.iter().flatten().filter(|leader| *leader == name).count()
    }

    /// Everybody, for people.
    pub fn list(&self) -> String {
        let one = |member: &Seen| {
            let voter = if member.voter { " voter" } else { "" };
            format!("{} {}{voter} leads {}", member.name, member.status, self.leads(&member.name))
        };
        let list: Vec<String> = self.members.iter().map(one).collect();
        format!("control {}; {}", self.control.as_deref().unwrap_or("nobody"), list.join(", "))
    }
}

fn seen(member: &Value) -> Seen {
    Seen {
        name: text(&member["name"]),
        id: text(&member["id"]),
        status: text(&member["status"]),
        voter: member["voter"].as_bool().unwrap_or(false),
        replicas: member["replicas"].as_u64().unwrap_or(0),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_keeps_members_from_being_a_cluster_is_said() {
        let whole = json!({
            "state": "initialized",
            "members": [
                {"id": "1", "name": "a", "status": "alive", "voter": true, "replicas": 2},
                {"id": "2", "name": "b", "status": "alive", "voter": true, "replicas": 2},
                {"id": "0", "name": "b", "status": "down"},
            ],
            "control": {"leader": "2"},
            "shards": [{"shard": 0, "group": {"leader": "1"}}, {"shard": 1, "group": {"leader": "2"}}],
        });
        let both = ["a".to_owned(), "b".to_owned()];
        let check = |change: &dyn Fn(&mut Value), running: &[String], shards| {
            let mut answer = whole.clone();
            change(&mut answer);
            Roles::read(&answer).and_then(|roles| roles.check(running, shards)).err().unwrap_or_default()
        };
        for (found, expected) in [
            (check(&|_| (), &both, 2), ""),
            (check(&|_| (), &both, 3), "2 of 3 shards"),
            (check(&|_| (), &both[..1], 2), "b is still thought alive"),
            (check(&|all| all["members"][0]["status"] = json!("down"), &both, 2), "a is not alive"),
            (check(&|all| all["control"]["leader"] = json!(""), &both, 2), "control group has no leader"),
            (check(&|all| all["shards"][1]["group"]["leader"] = json!(null), &both, 2), "shard 1 has no"),
            (check(&|all| all["state"] = json!("standalone"), &both, 2), "it is standalone"),
            (check(&|all| all["members"] = json!(null), &both, 2), "has no members"),
        ] {
            assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{found:?}");
        }
    }
}
