//! Topics and events, as an alert fills them.

use super::fixture::{Fixture, Response};
use serde_json::{Value, json};

const TOPICS: &str = "/kapacitor/v1/alerts/topics";

fn read(answer: &Response) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_slice(&answer.body).expect("JSON")
}

async fn alerting() -> Fixture {
    let server = Fixture::start(0).await;
    let script = "stream|from().measurement('cpu').groupBy('host')\n|alert().id('e {{ .Group }}').message('m').details('d').warn(lambda: \"v\" > 1).crit(lambda: \"v\" > 2).topic('tp')";
    let task = json!({"id": "al", "script": script, "status": "enabled", "dbrps": [{"db": "d", "rp": "r"}]});
    assert_eq!(server.post("/kapacitor/v1/tasks", &task.to_string()).await.status, 200);
    let points = "cpu,host=a v=1 1\ncpu,host=b v=2 2\ncpu,host=c v=3 3\ncpu,host=c v=3 5\n";
    assert_eq!(server.post("/write?db=d&rp=r&precision=s", points).await.status, 204);
    server.settle().await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_and_events() {
    let server = alerting().await;
    let topic = json!({
        "link": {"rel": "self", "href": "/kapacitor/v1/alerts/topics/tp"},
        "id": "tp",
        "level": "CRITICAL",
        "collected": 3,
        "events-link": {"rel": "events", "href": "/kapacitor/v1/alerts/topics/tp/events"},
        "handlers-link": {"rel": "handlers", "href": "/kapacitor/v1/alerts/topics/tp/handlers"},
    });
    assert_eq!(read(&server.get(&format!("{TOPICS}/tp")).await), topic);
    assert_eq!(read(&server.get(&format!("{TOPICS}/tp/bogus")).await), topic);
    for (query, found) in [("", 1), ("?min-level=crit", 1), ("?pattern=t*", 1), ("?pattern=x*", 0)] {
        let list = read(&server.get(&format!("{TOPICS}{query}")).await);
        assert_eq!(list["link"]["href"], format!("{TOPICS}{query}"));
        assert_eq!(list["topics"].as_array().map(Vec::len), Some(found), "{query}");
    }
    let event = json!({
        "link": {"rel": "self", "href": "/kapacitor/v1/alerts/topics/tp/events/e host=c"},
        "id": "e host=c",
        "state": {"message": "m", "details": "d", "time": "1970-01-01T00:00:05Z", "duration": "2s", "level": "CRITICAL"},
    });
    assert_eq!(read(&server.get(&format!("{TOPICS}/tp/events/e%20host=c")).await), event);
    let events = read(&server.get(&format!("{TOPICS}/tp/events?min-level=warning")).await);
    let ids: Vec<&str> =
        events["events"].as_array().expect("a list").iter().filter_map(|e| e["id"].as_str()).collect();
    assert_eq!(ids, ["e host=b", "e host=c"]);
    assert_eq!(read(&server.get(&format!("{TOPICS}/tp/handlers")).await)["handlers"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there() {
    let server = Fixture::start(0).await;
    for (path, status, text) in [
        ("/none", 404, "unknown topic: \"none\""),
        ("/", 404, "unknown topic: \"\""),
        ("/none/events", 500, "failed to get topic events: unknown topic \"none\""),
        ("/none/events/e", 404, "unknown event \"e\" in topic \"none\""),
        ("/none/handlers/h", 404, "unknown handler: \"h\""),
        ("?min-level=bogus", 400, "unknown alert level 'BOGUS'"),
        ("?pattern=[", 400, "invalid pattern: syntax error in pattern"),
    ] {
        let answer = server.get(&format!("{TOPICS}{path}")).await;
        let error: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(
            (answer.status, &error["error"], &error["message"]),
            (status, &json!(text), &json!(text)),
            "{path}"
        );
    }
    let list = server.get(&format!("{TOPICS}/none/handlers")).await;
    let expected = "{\n    \"link\": {\n        \"rel\": \"self\",\n        \"href\": \"/kapacitor/v1/alerts/topics/none/handlers\"\n    },\n    \"topic\": \"none\",\n    \"handlers\": []\n}";
    assert_eq!(list.text(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_forgotten() {
    let server = alerting().await;
    assert_eq!(server.send("DELETE", &format!("{TOPICS}/tp"), &[], b"").await.status, 204);
    assert_eq!(server.send("DELETE", &format!("{TOPICS}/tp"), &[], b"").await.status, 204);
    assert_eq!(server.get(&format!("{TOPICS}/tp/events/e%20host=c")).await.status, 404);
}
