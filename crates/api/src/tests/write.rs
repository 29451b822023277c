//! Writes: what is taken, what is refused, and that nothing of a refused one is taken.

use super::fixture::{Fixture, read_all, read_one};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use tokio::io::AsyncWriteExt;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

const GZIP: [(&str, &str); 1] = [("Content-Encoding", "gzip")];

#[tokio::test(flavor = "multi_thread")]
async fn gzip_bodies() {
    let server = Fixture::start(1 << 20).await;
    let good = gzip(b"m v=1\nm v=2\n");
    for (body, status, text) in [
        (&good[..], 204, ""),
        (b"", 400, "EOF\n"),
        (&good[..good.len() - 1], 400, "unexpected EOF\n"),
        (b"no gzip at all", 400, "gzip: invalid header\n"),
    ] {
        let answer = server.send("POST", "/write?db=d", &GZIP, body).await;
        assert_eq!((answer.status, answer.text()), (status, text));
    }
    assert_eq!(server.points(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_is_refused() {
    let server = Fixture::start(1 << 20).await;
    let lines = b"m,host=a v=1 1\n".repeat(2 << 20);
    let bomb = gzip(&lines);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let answer = server.send("POST", "/write?db=d", &GZIP, &bomb).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert_eq!(server.points(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_bodies_are_refused() {
    let server = Fixture::start(1000).await;
    let line = "m,host=a v=1 1\n";
    let body = line.repeat(100_000);
    let answer = server.post("/kapacitor/v1/write?db=d", &body).await;
    assert_eq!((answer.status, answer.header("Connection")), (413, Some("close")));
    assert_eq!(
        answer.text(),
        "the body is longer than 1000 bytes: write less at once, or raise [farad] max-body-bytes\n"
    );

    // Without a length nobody knows it before.
    let mut chunked = b"POST /write?db=d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..200 {
        chunked.extend_from_slice(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes());
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let answer = server.raw(&chunked).await;
    assert_eq!(answer.status, 413);
    assert_eq!(server.points(), 0);

    // Who asks first is told before it sends.
    let asks =
        b"POST /write?db=d HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n";
    assert_eq!(server.raw(asks).await.status, 413);

    assert_eq!(server.post("/write?db=d", line).await.status, 204);
    assert_eq!(server.points(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_are_one_body() {
    let server = Fixture::start(0).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"POST /write?db=d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await
        .expect("sent");
    for chunk in ["m,host=", "a v=1 ", "1\nm v", "=2 2"] {
        stream.write_all(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes()).await.expect("sent");
        stream.flush().await.expect("sent");
    }
    stream.write_all(b"0\r\n\r\n").await.expect("sent");
    assert_eq!(read_one(&mut stream).await.status, 204);
    assert_eq!(server.points(), 2);
    // The connection goes on.
    stream
        .write_all(b"POST /write?db=d HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nm v=1")
        .await
        .expect("sent");
    assert_eq!(read_one(&mut stream).await.status, 204);
    assert_eq!(server.points(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_body_is_nothing() {
    let server = Fixture::start(0).await;
    let head = "POST /write?db=d HTTP/1.1\r\nHost: x\r\n";
    for request in [
        format!("{head}Content-Length: 100\r\n\r\nm v=1 1\nm v=2 2\n"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n8\r\nm v=1 1\n\r\n"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n8\r\nm v=1 1\n\r\nzz\r\n"),
    ] {
        let mut stream = server.connect().await;
        stream.write_all(request.as_bytes()).await.expect("sent");
        stream.shutdown().await.expect("half closed");
        // Whether the client gets to read an answer does not matter, only that it ends.
        let mut bytes = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut bytes).await;
        assert!(!bytes.starts_with(b"HTTP/1.1 204"), "{request}");
    }
    assert_eq!(server.points(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_is_cut() {
    let server = Fixture::start(0).await;
    let mut stream = server.connect().await;
    let request = b"POST /write?db=d HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nm v=1 1\n";
    stream.write_all(request).await.expect("sent");
    let answer = read_all(stream).await;
    assert_eq!((answer.status, answer.header("Connection")), (408, Some("close")));
    assert_eq!(server.points(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_refuse_all() {
    let server = Fixture::start(0).await;
    let answer = server.post("/write?db=d", "m v=1\nbad\nm v=x").await;
    let text = "unable to parse 'bad': missing fields\nunable to parse 'm v=x': invalid boolean\n";
    assert_eq!((answer.status, answer.text()), (400, text));
    // What no database is named for is checked, and counts nowhere.
    assert_eq!(server.post("/write", "m v=1").await.text(), "database is required\n");
    assert_eq!(server.post("/write", "m v=1\nbad").await.text(), "unable to parse 'bad': missing fields\n");
    assert_eq!(server.points(), 0);
    let answer = server.post("/write?db=d&precision=s&rp=a%20b", "m v=1 1").await;
    assert_eq!(answer.status, 204);
    assert_eq!(server.engine.local_ingress()[0].rp, "a b");
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_after_the_stop_are_to_be_tried_again() {
    let server = Fixture::start(0).await;
    server.engine.stop(std::time::Duration::from_secs(5)).await;
    let answer = server.post("/write?db=d", "m v=1").await;
    assert_eq!((answer.status, answer.header("Retry-After")), (503, Some("1")));
    assert_eq!(answer.text(), "the server is stopping: write again to another member, or later\n");
}
