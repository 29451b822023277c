//! Clients that are slow, broken or hostile.

use super::fixture::{Fixture, read_one};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_end_is_cut() {
    let server = Fixture::start(0).await;
    let mut silent = server.connect().await;
    let mut half = server.connect().await;
    half.write_all(b"GET /kapacitor/v1/ping HTTP/1.1\r\nHost: x\r\n").await.expect("sent");
    let mut second = server.connect().await;
    second.write_all(b"GET /kapacitor/v1/ping HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    assert_eq!(read_one(&mut second).await.status, 204);
    second.write_all(b"GET /kapacitor/v1/ping HT").await.expect("sent");
    for stream in [&mut silent, &mut half, &mut second] {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_gets_400() {
    let server = Fixture::start(0).await;
    assert_eq!(server.raw(b"rubbish\r\n\r\n").await.status, 400);
    assert_eq!(server.raw(b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n").await.status, 400);
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100 << 10));
    assert_eq!(server.raw(long.as_bytes()).await.status, 431);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_tasks_are_bounded() {
    let server = Fixture::start(0).await;
    let deep = format!("{{\"vars\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let answer = server.post("/kapacitor/v1/tasks", &deep).await;
    assert_eq!((answer.status, answer.text().contains("invalid JSON")), (400, true));
    let long = format!("{{\"script\": \"{}\"}}", " ".repeat(17 << 20));
    assert_eq!(server.post("/kapacitor/v1/tasks", &long).await.status, 413);
    for body in [
        "",
        "[]",
        "1",
        "null",
        "{\"vars\":[]}",
        "{\"dbrps\":{}}",
        "{\"status\":1}",
        "{\"script\":[]}",
        "\"",
        "{\"id\":\"\\ud800\"}",
    ] {
        assert_eq!(server.post("/kapacitor/v1/tasks", body).await.status, 400, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_a_json_value_does_not_count() {
    let server = Fixture::start(0).await;
    let task = r#"{"ID":"t","Script":"stream|from()","dbrps":[{"db":"d","rp":"r"}]} and more"#;
    assert_eq!(server.post("/kapacitor/v1/tasks", task).await.status, 200);
    let template = r#"{"id":"u","template-id":"x"}"#;
    let answer = server.post("/kapacitor/v1/tasks", template).await;
    assert_eq!((answer.status, answer.text().contains("templates are not available")), (400, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_may_follow_at_once() {
    let server = Fixture::start(0).await;
    let mut stream = server.connect().await;
    let one = b"POST /write?db=d HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nm v=1";
    stream.write_all(&one.repeat(50)).await.expect("sent");
    for _ in 0..50 {
        assert_eq!(read_one(&mut stream).await.status, 204);
    }
    assert_eq!(server.points(), 50);
}
