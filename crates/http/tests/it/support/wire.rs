//! A connection that is written to byte by byte, for what no client library would send.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::Server;

/// Ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Wire {
    stream: TcpStream,
}

impl Wire {
    pub(crate) async fn to(server: &Server) -> Self {
        let address = server.base.strip_prefix("http://").unwrap();
        Self {
            stream: TcpStream::connect(address).await.unwrap(),
        }
    }

    /// A server that has answered already may close while more is sent.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// Says that nothing more will come.
    pub(crate) async fn end(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// One head, or what comes until the server closes.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        let read = async {
            while !head.ends_with(b"\r\n\r\n") {
                match self.stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
        };
        timeout(PATIENCE, read).await.unwrap();
        String::from_utf8(head).unwrap()
    }

    /// The status of the next answer; 0 where the server closes without one.
    pub(crate) async fn status(&mut self) -> u16 {
        let head = self.head().await;
        let status = head.split(' ').nth(1);
        status.map_or(0, |status| status.parse().unwrap())
    }

    /// Whatever still comes until the server closes.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let read = self.stream.read_to_end(&mut rest);
        // A reset is an end too.
        let _ = timeout(PATIENCE, read).await.unwrap();
        String::from_utf8_lossy(&rest).into_owned()
    }
}

impl Server {
    /// What the server answers first to these bytes, which nothing follows.
    pub(crate) async fn status_of(&self, bytes: &str) -> u16 {
        let mut wire = Wire::to(self).await;
        wire.send(bytes).await;
        wire.status().await
    }
}
