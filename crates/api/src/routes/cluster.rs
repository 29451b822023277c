//! The cluster: who is in it and how it is, and the few orders that one can give it.

mod leader;

use crate::body;
use crate::call::Call;
use crate::json;
use crate::reply::{Content, Reply};
use crate::routes::member;
use engine::status::ClusterError;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

const MEMBERS: &str = "/kapacitor/v1/cluster/members/";

/// GET /cluster: everything, gathered over the members.
pub async fn show(call: Call) -> Reply {
    shown(&call.server.engine.cluster_status().await)
}

/// GET /cluster/members
pub async fn members(call: Call) -> Reply {
    let status = call.server.engine.cluster_status().await;
    Reply::json(&json!({"members": value(&status.members)}))
}

/// GET /cluster/shards
pub async fn shards(call: Call) -> Reply {
    let status = call.server.engine.cluster_status().await;
    Reply::json(&json!({
        "epoch": status.epoch,
        "replication-factor": status.replication_factor,
        "shards": value(&status.shards),
    }))
}

/// POST /cluster/members: takes in the member whose RPC listens at an address.
pub async fn add(mut call: Call) -> Reply {
    let given = match order(&mut call).await {
        Ok(given) => given,
        Err(reply) => return reply,
    };
    let address = member(&given, "address").and_then(Value::as_str).unwrap_or_default().trim();
    if address.is_empty() {
        return Reply::bad_request(
            "must provide address: the host:port at which the new member's RPC listens (9091 as a rule)",
        );
    }
    match call.server.engine.add_member(address.to_owned()).await {
        Ok(member) => Reply { status: StatusCode::CREATED, ..shown(&member) },
        Err(error) => refusal(&error),
    }
}

/// DELETE /cluster/members/ID: lets a member go; a name does as well.
pub async fn remove(call: Call) -> Reply {
    let id = call.rest(MEMBERS);
    if id.is_empty() || id.contains('/') {
        return Reply::not_found();
    }
    done(call.server.engine.remove_member(id.to_owned()).await)
}

/// POST /cluster/leader: hands leadership over.
pub async fn leader(mut call: Call) -> Reply {
    let given = match order(&mut call).await {
        Ok(given) => given,
        Err(reply) => return reply,
    };
    match leader::Order::read(&given) {
        Ok(order) => done(leader::carry_out(&call.server.engine, &order).await),
        Err(text) => Reply::bad_request(&text),
    }
}

/// The JSON object of an order.
async fn order(call: &mut Call) -> Result<Value, Reply> {
    match body::json(call).await? {
        Ok(given) if given.is_object() => Ok(given),
        Ok(_) => Err(Reply::bad_request("invalid json: an object is wanted")),
        Err(error) => Err(Reply::bad_request(&format!("invalid json: {error}"))),
    }
}

fn done(result: Result<(), ClusterError>) -> Reply {
    match result {
        Ok(()) => Reply::no_content(),
        Err(error) => refusal(&error),
    }
}

/// What the API answers to an order that is not carried out.
pub fn refusal(error: &ClusterError) -> Reply {
    let status = match error {
        ClusterError::NotClustered => StatusCode::CONFLICT,
        ClusterError::NoMember(_) => StatusCode::NOT_FOUND,
        ClusterError::Invalid(_) => StatusCode::BAD_REQUEST,
        ClusterError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let reply = Reply::error(status, &error.to_string());
    if status == StatusCode::SERVICE_UNAVAILABLE { reply.retry_after(1) } else { reply }
}

fn shown(data: &impl Serialize) -> Reply {
    Reply::new(StatusCode::OK, Content::Json, json::pretty(&value(data)))
}

/// Plain data as JSON. Its keys are texts, so that this cannot fail.
fn value(data: &impl Serialize) -> Value {
    serde_json::to_value(data).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals() {
        for (error, status) in [
            (ClusterError::NotClustered, 409),
            (ClusterError::NoMember("x".into()), 404),
            (ClusterError::Invalid("no".into()), 400),
            (ClusterError::Unavailable("k-2 is missing".into()), 503),
        ] {
            let reply = refusal(&error);
            assert_eq!(reply.status.as_u16(), status, "{error}");
            assert_eq!(reply.retry_after.is_some(), status == 503);
        }
    }
}
