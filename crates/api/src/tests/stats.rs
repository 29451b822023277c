//! Figures and health.

use super::fixture::Fixture;
use serde_json::{Value, json};

async fn busy() -> Fixture {
    let server = Fixture::start(0).await;
    let script = "stream|from().measurement('m')|where(lambda: \"v\" > 1)|httpOut('x')";
    let task = json!({"id": "t", "script": script, "status": "enabled", "dbrps": [{"db": "d", "rp": "r"}]});
    assert_eq!(server.post("/kapacitor/v1/tasks", &task.to_string()).await.status, 200);
    assert_eq!(server.post("/write?db=d&rp=r", "m v=1 1\nm v=2 2\no v=1 1").await.status, 204);
    server.settle().await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn debug_vars() {
    let server = busy().await;
    let answer = server.get("/kapacitor/v1/debug/vars").await;
    let vars: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert!(answer.text().starts_with("{\n\"cluster_id\": \"c\",\n\"cmdline\": ["), "{}", answer.text());
    assert_eq!((&vars["num_tasks"], &vars["num_enabled_tasks"]), (&json!(1), &json!(1)));
    let find = |name: &str, tags: Value| {
        let stats = vars["kapacitor"].as_object().expect("an object").values();
        let fits = |stat: &&Value| {
            stat["name"] == name
                && tags.as_object().expect("tags").iter().all(|(key, value)| &stat["tags"][key] == value)
        };
        let found: Vec<&Value> = stats.filter(fits).collect();
        assert_eq!(found.len(), 1, "{name} {tags}: {found:?}");
        found[0]["values"].clone()
    };
    let ingress = json!({"measurement": "m", "database": "d", "retention_policy": "r", "task_master": "main", "host": "localhost"});
    assert_eq!(find("ingress", ingress), json!({"points_received": 2}));
    let edge =
        |parent: &str, child: &str| json!({"task": "t", "parent": parent, "child": child, "type": "stream"});
    assert_eq!(find("edges", edge("stream", "stream0")), json!({"collected": 2, "emitted": 2}));
    assert_eq!(find("edges", edge("from1", "where2")), json!({"collected": 2, "emitted": 2}));
    assert_eq!(find("edges", edge("where2", "http_out3")), json!({"collected": 1, "emitted": 1}));
    let node = find(
        "nodes",
        json!({"task": "t", "node": "where2", "kind": "where", "type": "stream", "server_id": "s"}),
    );
    assert_eq!((&node["errors"], node["avg_exec_time_ns"].is_string()), (&json!(0), true));
    assert_eq!(find("edges", json!({"task": "task_master:main"})), json!({"collected": 3, "emitted": 3}));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics() {
    let server = busy().await;
    let answer = server.get("/metrics").await;
    assert_eq!(answer.header("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    for line in [
        "farad_build_info{version=\"1.2.3\"} 1",
        "farad_tasks 1",
        "farad_ingress_points_total{database=\"d\",retention_policy=\"r\",measurement=\"m\"} 2",
        "farad_task_executing{task=\"t\"} 1",
        "farad_node_collected_total{task=\"t\",node=\"where2\"} 2",
        "farad_node_emitted_total{task=\"t\",node=\"where2\"} 1",
        "farad_writes_refused_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value = line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
        assert!(value.is_some_and(f64::is_finite), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health() {
    let server = Fixture::start(0).await;
    let answer = server.get("/health").await;
    let state: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!((answer.status, &state["status"], &state["reasons"]), (200, &json!("pass"), &json!([])));
}
