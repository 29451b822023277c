//! The cluster's routes on a server that is alone.

use super::fixture::Fixture;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn alone_is_a_cluster_of_itself() {
    let server = Fixture::start(0).await;
    let get = async |path: &str| {
        let answer = server.get(&format!("/kapacitor/v1/cluster{path}")).await;
        assert_eq!(answer.status, 200, "{path} {}", answer.text());
        serde_json::from_slice::<Value>(&answer.body).expect("JSON")
    };
    let status = get("").await;
    assert_eq!((&status["state"], &status["healthy"]), (&json!("standalone"), &json!(true)));
    assert_eq!((&status["problems"], &status["gossip"]), (&json!([]), &Value::Null));
    let members = get("/members").await;
    assert_eq!(members["members"], status["members"]);
    assert_eq!(members["members"].as_array().map(Vec::len), Some(1));
    let this = &members["members"][0];
    assert_eq!(
        (&this["this"], &this["status"], &this["id"]),
        (&json!(true), &json!("alive"), &status["member-id"])
    );
    assert!(get("/shards").await["shards"].is_array());
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_refused() {
    let server = Fixture::start(0).await;
    let members = "/kapacitor/v1/cluster/members";
    let leader = "/kapacitor/v1/cluster/leader";
    let not_clustered =
        "this server is not clustered: set [cluster] enabled = true and a shared-secret, and restart it";
    for (method, path, body, status, text) in [
        ("POST", members, r#"{"address": "k-2:9091"}"#, 409, not_clustered),
        ("POST", members, r#"{"ADDRESS": " k-2:9091 "}"#, 409, not_clustered),
        (
            "POST",
            members,
            "{}",
            400,
            "must provide address: the host:port at which the new member's RPC listens (9091 as a rule)",
        ),
        ("POST", members, "[]", 400, "invalid json: an object is wanted"),
        ("POST", members, "{", 400, "invalid json: EOF while parsing an object at line 1 column 1"),
        ("DELETE", "/kapacitor/v1/cluster/members/k-2", "", 409, not_clustered),
        ("DELETE", "/kapacitor/v1/cluster/members/", "", 404, "Not Found"),
        ("DELETE", "/kapacitor/v1/cluster/members/a/b", "", 404, "Not Found"),
        ("POST", leader, r#"{"group": "control"}"#, 409, not_clustered),
        (
            "POST",
            leader,
            r#"{"group": "some"}"#,
            400,
            "invalid group \"some\": must be control, shards, all, or shard-N with the number of a shard",
        ),
        ("POST", leader, "3", 400, "invalid json: an object is wanted"),
        ("GET", leader, "", 404, "Not Found"),
    ] {
        let answer = server.send(method, path, &[], body.as_bytes()).await;
        let said: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!((answer.status, &said["error"]), (status, &json!(text)), "{method} {path} {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn consistency_is_local_or_linearizable() {
    let server = Fixture::start(0).await;
    for (path, status) in [
        ("tasks?consistency=linearizable", 200),
        ("tasks?consistency=local", 200),
        ("tasks?consistency=", 200),
        ("alerts/topics?consistency=linearizable", 200),
        ("cluster/members?consistency=linearizable", 200),
        ("tasks?consistency=eventual", 400),
        ("tasks/t?consistency=LOCAL", 400),
        // Where nothing agreed on is read, it is as unknown as any other parameter.
        ("ping?consistency=eventual", 204),
    ] {
        let answer = server.get(&format!("/kapacitor/v1/{path}")).await;
        assert_eq!(answer.status, status, "{path} {}", answer.text());
    }
    let answer = server.get("/kapacitor/v1/tasks?consistency=eventual").await;
    assert!(answer.text().contains("invalid consistency parameter \\\"eventual\\\""), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn alone_has_no_figures_of_a_cluster() {
    let server = Fixture::start(0).await;
    assert!(!server.get("/metrics").await.text().contains("farad_raft"));
    assert!(!server.get("/kapacitor/v1/debug/vars").await.text().contains("dropped_member_events"));
}
