//! How many connections there may be.

use std::fs;

use super::{
    HEALTH, closed, connect_from, eventually, raise_descriptors, rest_of_answer, send, status,
};
use crate::support::Server;

#[tokio::test]
async fn three_thousand_silent_connections_keep_nobody_out_and_are_closed() {
    raise_descriptors();
    let server = Server::start_with(&["--connections-headers-seconds=5"]).await;
    let before = descriptors(&server);
    let mut silent = Vec::new();
    for number in 0..3000_u32 {
        let last = u8::try_from(number % 40).unwrap();
        silent.push(connect_from(last, &server).await);
    }
    let mut other = connect_from(99, &server).await;
    send(&mut other, HEALTH).await;
    assert_eq!(status(&mut other).await, Some(200));
    for stream in &mut silent {
        closed(stream).await;
    }
    drop(other);
    eventually("the descriptors are free", async || {
        descriptors(&server) <= before
    })
    .await;
}

#[tokio::test]
async fn an_address_has_a_share_of_the_connections() {
    let server = Server::start_with(&["--connections-per-address=3"]).await;
    let mut taken = Vec::new();
    for _ in 0..3 {
        let mut stream = connect_from(1, &server).await;
        send(&mut stream, HEALTH).await;
        assert_eq!(status(&mut stream).await, Some(200));
        taken.push(stream);
    }
    for _ in 0..50 {
        closed(&mut connect_from(1, &server).await).await;
    }
    let mut other = connect_from(2, &server).await;
    send(&mut other, HEALTH).await;
    assert_eq!(status(&mut other).await, Some(200));
    drop(taken);
    eventually("the address is served again", async || {
        let mut again = connect_from(1, &server).await;
        send(&mut again, HEALTH).await;
        status(&mut again).await == Some(200)
    })
    .await;
    let log = server.log();
    let lines = log.matches("too many connections of one address").count();
    assert!((1..10).contains(&lines), "{log}");
    assert!(log.contains("127.0.1.1"), "{log}");
}

#[tokio::test]
async fn a_quarter_of_the_descriptors_is_never_a_clients() {
    let server = Server::start_under("ulimit -n 256").await;
    let mut taken = Vec::new();
    for number in 0..192 {
        let mut stream = connect_from(1 + number / 96, &server).await;
        send(&mut stream, HEALTH).await;
        taken.push(stream);
    }
    for stream in &mut taken {
        assert_eq!(status(stream).await, Some(200));
    }
    for _ in 0..20 {
        closed(&mut connect_from(3, &server).await).await;
    }
    // Files can be opened still, and whoever is there is served.
    let ready = "GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for stream in &mut taken {
        rest_of_answer(stream).await;
        send(stream, ready).await;
        assert_eq!(status(stream).await, Some(200));
    }
    drop(taken);
    eventually("others are served again", async || {
        let mut again = connect_from(3, &server).await;
        send(&mut again, HEALTH).await;
        status(&mut again).await == Some(200)
    })
    .await;
    assert!(server.log().contains("too many connections in all"));
}

fn descriptors(server: &Server) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.process()))
        .unwrap()
        .count()
}
