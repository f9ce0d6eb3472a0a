//! More than one address.

use super::{HEALTH, send, status};
use crate::support::Server;
use tokio::net::TcpStream;

#[tokio::test]
async fn every_listener_serves_and_is_written_down() {
    let mut server = Server::start_with(&["--listen=127.0.0.2:0,127.0.0.3:0"]).await;
    let addresses = server.addresses();
    let hosts: Vec<&str> = addresses
        .iter()
        .filter_map(|address| Some(address.split_once(':')?.0))
        .collect();
    assert_eq!(hosts, ["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    for address in &addresses {
        let mut stream = TcpStream::connect(address).await.unwrap();
        send(&mut stream, HEALTH).await;
        assert_eq!(status(&mut stream).await, Some(200), "{address}");
    }
    assert_eq!(server.stop().await, Some(0));
    for address in &addresses {
        assert!(TcpStream::connect(address).await.is_err(), "{address}");
    }
}
