//! Handing leadership over: which groups an order means, and to whom each goes.

use crate::routes::member;
use engine::Engine;
use engine::status::{ClusterError, ClusterStatus, GroupView};
use serde_json::Value;

/// Words for the groups of an order, for those who wrote another one.
const GROUPS: &str = "control, shards, all, or shard-N with the number of a shard";

/// What is asked for: `{"group": ..., "from": ..., "to": ...}`.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    groups: Groups,
    /// Only groups that this member leads, by id or name.
    from: Option<String>,
    /// Who is to lead, by id or name.
    to: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Groups {
    Control,
    Shard(u32),
    Shards,
    All,
}

/// One group changes its leader. `None` stands for the control group, and for whoever fits best.
type Step = (Option<u32>, Option<String>);

impl Order {
    /// Reads an order; the error says what is wrong with it.
    pub fn read(given: &Value) -> Result<Order, String> {
        let text = |name: &str| match member(given, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("{name} must be a string")),
        };
        let group = text("group")?.ok_or_else(|| format!("must provide group: {GROUPS}"))?;
        let groups = match group.as_str() {
            "control" => Groups::Control,
            "shards" => Groups::Shards,
            "all" => Groups::All,
            other => {
                let number = other.strip_prefix("shard-").and_then(|number| number.parse().ok());
                Groups::Shard(
                    number
                        .ok_or_else(|| format!("invalid group {}: must be {GROUPS}", tick::quote(other)))?,
                )
            }
        };
        Ok(Order { groups, from: text("from")?, to: text("to")? })
    }

    /// The steps that lead to what is ordered; none when it is so already.
    fn steps(&self, status: &ClusterStatus) -> Result<Vec<Step>, ClusterError> {
        let id = |name: &Option<String>| match name {
            None => Ok(None),
            Some(name) => {
                let found = status.member(name).map(|member| member.id.clone());
                found.map(Some).ok_or_else(|| ClusterError::NoMember(name.clone()))
            }
        };
        let (from, to) = (id(&self.from)?, id(&self.to)?);
        if from.is_some() && from == to {
            return Err(ClusterError::Invalid("from and to are the same member".to_owned()));
        }
        let led = |group: &GroupView| from.is_none() || group.leader == from;
        let mut steps = Vec::new();
        match self.groups {
            Groups::Control => steps.extend(led(&status.control).then_some((None, to.clone()))),
            Groups::Shard(number) => {
                let found = status.shards.iter().find(|shard| shard.shard == number);
                let unknown = || {
                    let last = status.shards.last().map_or(0, |shard| shard.shard);
                    ClusterError::Invalid(format!(
                        "there is no shard {number}: shards are numbered 0 to {last}"
                    ))
                };
                let shard = found.ok_or_else(unknown)?;
                steps.extend(led(&shard.group).then_some((Some(number), to.clone())));
            }
            Groups::Shards | Groups::All => {
                if self.groups == Groups::All
                    && (from.is_some() || to.is_some())
                    && led(&status.control)
                    && fits(&status.control, to.as_ref())
                {
                    steps.push((None, to.clone()));
                }
                for shard in status.shards.iter().filter(|shard| led(&shard.group)) {
                    let preferred = Some(shard.preferred_leader.clone()).filter(|id| !id.is_empty());
                    // Without from and to, each goes to whom it belongs.
                    let to = if from.is_none() && to.is_none() { preferred } else { to.clone() };
                    let known = from.is_some() || to.is_some();
                    if known && fits(&shard.group, to.as_ref()) {
                        steps.push((Some(shard.shard), to));
                    }
                }
            }
        }
        Ok(steps)
    }
}

/// Whether a member can take a group that it does not lead yet.
fn fits(group: &GroupView, to: Option<&String>) -> bool {
    to.is_none_or(|to| group.voters.contains(to) && group.leader.as_ref() != Some(to))
}

/// Takes one step after the other. Those that fail do not hold up the rest; the first error of
/// them is told, with their number.
pub async fn carry_out(engine: &Engine, order: &Order) -> Result<(), ClusterError> {
    let status = engine.cluster_status().await;
    if status.state == engine::status::State::Standalone {
        return Err(ClusterError::NotClustered);
    }
    let steps = order.steps(&status)?;
    let all = steps.len();
    let mut failed = Vec::new();
    for (group, to) in steps {
        if let Err(error) = engine.hand_over(group, to).await {
            failed.push(error);
        }
    }
    let number = failed.len();
    match failed.into_iter().next() {
        Some(error) if all == 1 => Err(error),
        Some(error) => {
            Err(ClusterError::Unavailable(format!("{number} of {all} groups kept their leader: {error}")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::status::{MemberView, ShardView};
    use serde_json::json;

    #[test]
    fn orders() {
        let order = |groups| Order { groups, from: None, to: None };
        for (given, expected) in [
            (json!({"group": "control"}), Ok(order(Groups::Control))),
            (json!({"group": "shards", "to": ""}), Ok(order(Groups::Shards))),
            (json!({"Group": "all", "from": null}), Ok(order(Groups::All))),
            (
                json!({"group": "shard-12", "to": "k-2", "from": "k-1"}),
                Ok(Order { groups: Groups::Shard(12), from: Some("k-1".into()), to: Some("k-2".into()) }),
            ),
            (
                json!({}),
                Err("must provide group: control, shards, all, or shard-N with the number of a shard"),
            ),
            (
                json!({"group": "shard-x"}),
                Err(
                    "invalid group \"shard-x\": must be control, shards, all, or shard-N with the number of a shard",
                ),
            ),
            (
                json!({"group": "shard--1"}),
                Err(
                    "invalid group \"shard--1\": must be control, shards, all, or shard-N with the number of a shard",
                ),
            ),
            (json!({"group": "all", "to": 3}), Err("to must be a string")),
        ] {
            assert_eq!(Order::read(&given), expected.map_err(str::to_owned), "{given}");
        }
    }

    /// Three members; b leads control and shard 0, a shard 1 (which c does not keep), c shard 2.
    fn cluster() -> ClusterStatus {
        let ids = ["a", "b", "c"].map(str::to_owned);
        let group = |leader: &str, voters: &[String]| GroupView {
            leader: Some(leader.to_owned()),
            voters: voters.to_vec(),
            ..GroupView::default()
        };
        let shard = |shard, leader: &str, preferred: &str, voters: &[String]| ShardView {
            shard,
            group: group(leader, voters),
            preferred_leader: preferred.to_owned(),
            ..ShardView::default()
        };
        let member =
            |id: &String| MemberView { id: id.clone(), name: format!("k-{id}"), ..MemberView::default() };
        ClusterStatus {
            members: ids.iter().map(member).collect(),
            control: group("b", &ids),
            shards: vec![shard(0, "b", "b", &ids), shard(1, "a", "b", &ids[..2]), shard(2, "c", "a", &ids)],
            ..ClusterStatus::default()
        }
    }

    #[test]
    fn steps() {
        let to = |id: &str| Some(id.to_owned());
        for (given, expected) in [
            (json!({"group": "control"}), Ok(vec![(None, None)])),
            (json!({"group": "control", "to": "k-a"}), Ok(vec![(None, to("a"))])),
            (json!({"group": "control", "from": "a"}), Ok(vec![])),
            (json!({"group": "shard-2", "to": "b"}), Ok(vec![(Some(2), to("b"))])),
            (json!({"group": "shards"}), Ok(vec![(Some(1), to("b")), (Some(2), to("a"))])),
            (json!({"group": "all"}), Ok(vec![(Some(1), to("b")), (Some(2), to("a"))])),
            (json!({"group": "all", "from": "k-b"}), Ok(vec![(None, None), (Some(0), None)])),
            (json!({"group": "all", "to": "k-c"}), Ok(vec![(None, to("c")), (Some(0), to("c"))])),
            (json!({"group": "shards", "from": "c", "to": "a"}), Ok(vec![(Some(2), to("a"))])),
            (json!({"group": "shards", "to": "x"}), Err(ClusterError::NoMember("x".into()))),
            (
                json!({"group": "shards", "from": "a", "to": "k-a"}),
                Err(ClusterError::Invalid("from and to are the same member".into())),
            ),
            (
                json!({"group": "shard-3"}),
                Err(ClusterError::Invalid("there is no shard 3: shards are numbered 0 to 2".into())),
            ),
        ] {
            let order = Order::read(&given).expect("an order");
            assert_eq!(order.steps(&cluster()), expected, "{given}");
        }
    }
}
