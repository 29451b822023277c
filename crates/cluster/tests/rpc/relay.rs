//! A relay between a link and a server, that remembers what goes through and can fall silent.

use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Relay {
    pub address: SocketAddr,
    /// What the link has sent, over all its connections.
    pub sent: Arc<Mutex<Vec<u8>>>,
    silent: watch::Sender<bool>,
}

impl Relay {
    pub async fn to(server: SocketAddr) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let (silent, heard) = watch::channel(false);
        let record = sent.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(server).await.unwrap();
                let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
                tokio::spawn(copy(near_read, far_write, Some(record.clone()), heard.clone()));
                tokio::spawn(copy(far_read, near_write, None, heard.clone()));
            }
        });
        Relay { address, sent, silent }
    }

    /// From now on nothing goes through, and nothing is closed either.
    pub fn fall_silent(&self) {
        self.silent.send_replace(true);
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    record: Option<Arc<Mutex<Vec<u8>>>>,
    mut silent: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = tokio::select! {
            biased;
            () = async { drop(silent.wait_for(|silent| *silent).await) } => {
                // Holds both sockets open.
                return std::future::pending().await;
            }
            read = from.read(&mut buffer) => read.unwrap_or(0),
        };
        if read == 0 {
            let _ = to.shutdown().await;
            return;
        }
        if let Some(record) = &record {
            record.lock().extend_from_slice(&buffer[..read]);
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
