//! Stopping: what runs is finished, what is idle is closed, nothing new is taken.

use super::fixture::{Fixture, read_one};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn running_requests_are_finished() {
    let Fixture { address, engine, stop, serving, .. } = Fixture::start(0).await;
    let mut idle = TcpStream::connect(address).await.expect("a connection");
    idle.write_all(b"GET /kapacitor/v1/ping HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    assert_eq!(read_one(&mut idle).await.status, 204);
    let mut running = TcpStream::connect(address).await.expect("a connection");
    let head = b"POST /write?db=d HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    running.write_all(head).await.expect("sent");
    // The answer says that the handler waits for the body.
    assert_eq!(read_one(&mut running).await.status, 100);
    stop.send(true).expect("a server");
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.expect("an end");
    assert!(rest.is_empty() && !serving.is_finished());
    running.write_all(b"m v=1").await.expect("sent");
    assert_eq!(read_one(&mut running).await.status, 204);
    serving.await.expect("a clean end");
    assert_eq!(engine.local_ingress().len(), 1);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_told() {
    let server = Fixture::start(0).await;
    let error = crate::bind(&server.address.to_string()).await.expect_err("the port is taken");
    let expected = format!("cannot listen on {}: ", server.address);
    assert!(error.starts_with(&expected) && error.contains("another process listens there"), "{error}");
    for address in [":x", "nonsense", ":99999"] {
        assert!(crate::bind(address).await.is_err(), "{address}");
    }
    let all = crate::bind(":0").await.expect("a port");
    let port = all.address().expect("an address").port();
    TcpStream::connect(("127.0.0.1", port)).await.expect("all interfaces");
}
