//! Handlers on topics: what Kapacitor answers to the same requests, in order.

use super::fixture::{Fixture, Response};
use serde_json::{Value, json};

const HANDLERS: &str = "/kapacitor/v1/alerts/topics/tp/handlers";

fn read(answer: &Response) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.text()))
}

async fn ask(server: &Fixture, method: &str, path: &str, body: &str) -> (u16, Value) {
    let answer = server.send(method, path, &[], body.as_bytes()).await;
    let value = if answer.body.is_empty() { Value::Null } else { read(&answer) };
    (answer.status, value)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused() {
    let server = Fixture::start(0).await;
    let id = "invalid handler spec: handler ID must contain only letters, numbers, '-', '.' and '_'. ";
    for (body, status, error) in [
        ("x", 400, "invalid handler json: invalid character 'x' looking for beginning of value"),
        ("", 400, "invalid handler json: EOF"),
        (
            "[]",
            400,
            "invalid handler json: json: cannot unmarshal array into Go value of type alert.HandlerSpec",
        ),
        (
            r#"{"id":1}"#,
            400,
            "invalid handler json: json: cannot unmarshal number into Go struct field HandlerSpec.id of type string",
        ),
        ("{}", 400, &format!("{id}\"\"")),
        (r#"{"id":"h1"}"#, 400, "invalid handler spec: handler Kind must not be empty"),
        (r#"{"id":"a b","kind":"log","options":{"path":"/tmp/h.log"}}"#, 400, &format!("{id}\"a b\"")),
        (r#"{"id":"h1","kind":"bogus"}"#, 500, "failed to create handler: unsupported action kind \"bogus\""),
        (
            r#"{"id":"h1","kind":"log"}"#,
            500,
            "failed to create handler: log path must be absolute:  is not absolute",
        ),
        (
            r#"{"id":"h1","kind":"log","options":{"path":"/tmp/h.log","bogus":1}}"#,
            500,
            "failed to create handler: failed to decode options into *alert.LogHandlerConfig: 1 error(s) decoding:\n\n* '' has invalid keys: bogus",
        ),
        (
            r#"{"id":"h1","kind":"log","options":{"path":1}}"#,
            500,
            "failed to create handler: failed to decode options into *alert.LogHandlerConfig: 1 error(s) decoding:\n\n* 'path' expected type 'string', got unconvertible type 'float64', value: '1'",
        ),
        (
            r#"{"id":"h7","kind":"post","options":{"endpoint":"none"}}"#,
            500,
            "failed to create handler: An appropriately formatted url must be specified if an endpoint is not specified",
        ),
    ] {
        let (given, answer) = ask(&server, "POST", HANDLERS, body).await;
        assert_eq!((given, &answer["error"]), (status, &json!(error)), "{body}");
    }
    let bad = r#"{"id":"h1","kind":"log","match":"bad ((","options":{"path":"/tmp/h.log"}}"#;
    let (status, answer) = ask(&server, "POST", HANDLERS, bad).await;
    let error = answer["error"].as_str().unwrap_or_default();
    let expected = "failed to create handler: invalid match expression: ";
    assert!(status == 500 && error.starts_with(expected) && error.contains("line 1 char 7"), "{error}");
    let (status, answer) =
        ask(&server, "POST", "/kapacitor/v1/alerts/topics/a%20b/handlers", r#"{"id":"h1","kind":"log"}"#)
            .await;
    let text =
        "invalid handler spec: handler topic must contain only letters, numbers, '-', '.' and '_'. \"h1\"";
    assert_eq!((status, &answer["error"]), (400, &json!(text)));
    assert_eq!(read(&server.get(HANDLERS).await)["handlers"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_handler() {
    let server = Fixture::start(0).await;
    let one = |id: &str| format!("{HANDLERS}/{id}");
    let shown = |id: &str, kind: &str, options: Value, matching: &str| {
        let link = json!({"rel": "self", "href": one(id)});
        json!({"link": link, "id": id, "kind": kind, "options": options, "match": matching})
    };
    let create = async |body: Value| ask(&server, "POST", HANDLERS, &body.to_string()).await;
    for (kind, options) in [
        ("log", json!({"path": "/tmp/h.log", "mode": 384})),
        ("publish", json!({"topics": ["x"]})),
        ("aggregate", json!({"interval": 10_000_000_000u64, "topic": "y"})),
        ("exec", json!({"prog": "/bin/true", "args": ["a"]})),
        ("tcp", json!({"address": "127.0.0.1:1"})),
        ("post", json!({"url": "http://127.0.0.1:1/"})),
    ] {
        let (status, answer) =
            create(json!({"id": kind, "kind": kind, "options": options, "bogus": 1})).await;
        assert_eq!((status, answer), (200, shown(kind, kind, options, "")));
    }
    let matching = "changed() == TRUE";
    let log = json!({"id": "h1", "kind": "log", "match": matching, "options": {"path": "/tmp/h.log"}});
    assert_eq!(create(log.clone()).await, (200, shown("h1", "log", json!({"path": "/tmp/h.log"}), matching)));
    let twice = "failed to create handler: cannot register handler, handler with ID \"h1\" already exists";
    assert_eq!(create(log).await.1["error"], twice);
    let order = server.get(&one("log")).await;
    assert!(order.text().find("\"mode\"") < order.text().find("\"path\""), "options are sorted");
    let listed = async |query: &str| -> Vec<String> {
        let list = read(&server.get(&format!("{HANDLERS}{query}")).await);
        let ids = list["handlers"].as_array().expect("a list").iter();
        ids.map(|handler| handler["id"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(listed("").await, ["aggregate", "exec", "h1", "log", "post", "publish", "tcp"]);
    assert_eq!(listed("?pattern=p*").await, ["post", "publish"]);

    let put = async |id: &str, body: &str| ask(&server, "PUT", &one(id), body).await;
    let h9 = json!({"path": "/tmp/h9.log"});
    let body = |id: &str| json!({"id": id, "kind": "log", "options": h9}).to_string();
    assert_eq!(put("h1", &body("h1")).await, (200, shown("h1", "log", h9.clone(), "")));
    assert_eq!(put("h1", &body("hz")).await, (200, shown("hz", "log", h9.clone(), "")));
    for (id, body, status, error) in [
        ("none", body("none"), 404, "unknown handler: \"none\""),
        (
            "hz",
            "x".to_owned(),
            400,
            "failed to unmarshal JSON: invalid character 'x' looking for beginning of value",
        ),
        (
            "hz",
            body("log"),
            500,
            "failed to update handler: cannot register handler, handler with ID \"log\" already exists",
        ),
    ] {
        let (given, answer) = put(id, &body).await;
        assert_eq!((given, &answer["error"]), (status, &json!(error)));
    }

    let patch = async |id: &str, body: &str| ask(&server, "PATCH", &one(id), body).await;
    let to = r#"[{"op":"replace","path":"/options/path","value":"/tmp/hq.log"}]"#;
    assert_eq!(patch("hz", to).await, (200, shown("hz", "log", json!({"path": "/tmp/hq.log"}), "")));
    for (id, body, status, error) in [
        ("none", "[]", 404, "unknown handler: \"none\""),
        (
            "hz",
            r#"{"kind":"x"}"#,
            400,
            "invalid patch json: json: cannot unmarshal object into Go value of type jsonpatch.Patch",
        ),
        (
            "hz",
            r#"[{"op":"replace","path":"/nosuch/x","value":1}]"#,
            400,
            "failed to apply patch: replace operation does not apply: doc is missing path: /nosuch/x: missing value",
        ),
        (
            "hz",
            r#"[{"op":"replace","path":"/kind","value":1}]"#,
            500,
            "failed to unmarshal patched json: json: cannot unmarshal number into Go struct field HandlerSpec.kind of type string",
        ),
        (
            "hz",
            r#"[{"op":"replace","path":"/topic","value":"other"}]"#,
            500,
            "failed to update handler: cannot change topic in update",
        ),
    ] {
        let (given, answer) = patch(id, body).await;
        assert_eq!((given, &answer["error"]), (status, &json!(error)), "{body}");
    }

    // The topic is there as long as it has not been deleted; its handlers stay.
    let topic = "/kapacitor/v1/alerts/topics/tp";
    assert_eq!(read(&server.get(topic).await)["collected"], 0);
    assert_eq!(ask(&server, "DELETE", topic, "").await.0, 204);
    assert_eq!((server.get(topic).await.status, listed("").await.len()), (404, 7));
    for id in ["hz", "none"] {
        assert_eq!(ask(&server, "DELETE", &one(id), "").await, (204, Value::Null));
    }
    assert_eq!(server.get(&one("hz")).await.status, 404);
}
