//! The life of connections, tried on the binary: how many there may be, how long, and how they end.

mod bodies;
mod limits;
mod listeners;
mod stopping;
mod tls;

use std::{net::Ipv4Addr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::support::Server;

/// Ends a test that hangs.
const PATIENCE: Duration = Duration::from_mins(1);

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// A client at this address of the loopback network.
async fn connect_from(last: u8, server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let own = Ipv4Addr::new(127, 0, 1, last);
    socket.bind((own, 0).into()).unwrap();
    socket
        .connect(server.address().parse().unwrap())
        .await
        .unwrap()
}

async fn send(stream: &mut TcpStream, bytes: impl AsRef<[u8]>) {
    // A server that has answered already may close while more is sent.
    let _ = stream.write_all(bytes.as_ref()).await;
}

/// The status of the next answer; `None` where the server closes without one.
async fn status(stream: &mut TcpStream) -> Option<u16> {
    let mut line = Vec::new();
    let read = async {
        while !line.ends_with(b"\r\n") {
            line.push(stream.read_u8().await.ok()?);
        }
        Some(())
    };
    timeout(PATIENCE, read).await.expect("an answer")?;
    let line = String::from_utf8(line).unwrap();
    Some(line.split(' ').nth(1)?.parse().unwrap())
}

/// The headers and the body of an answer whose status was read.
async fn rest_of_answer(stream: &mut TcpStream) -> String {
    let read = async {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(char::from(stream.read_u8().await.unwrap()));
        }
        let length = head.split_once("content-length: ").unwrap().1;
        let length = length.split_once("\r\n").unwrap().0.parse().unwrap();
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        String::from_utf8(body).unwrap()
    };
    timeout(PATIENCE, read).await.expect("an answer")
}

/// Waits until the server has closed.
async fn closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .expect("an end");
}

/// Waits until this holds.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    let wait = async {
        while !holds().await {
            pause.tick().await;
        }
    };
    timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

/// As many descriptors as the system gives, for this process and those that it starts.
fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}
