//! SIGTERM while clients have half a request open.

use super::{HEALTH, connect_from, eventually, send, status};
use crate::support::Server;

/// Nobody is late in these tests: only the grace ends anything.
const PATIENT: [&str; 3] = [
    "--connections-headers-seconds=600",
    "--connections-body-seconds=600",
    "--connections-write-seconds=600",
];

/// What a client may have sent, besides nothing and a whole request.
fn halves() -> [String; 4] {
    let form = "POST /as/token HTTP/1.1\r\nhost: localhost\r\n\
                content-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\ngrant";
    [
        "GET /heal".to_owned(),
        "GET /healthz HTTP/1.1\r\nhost: localhost\r\n".to_owned(),
        form.to_owned(),
        // More answers than the system's buffers hold, and nobody reads them.
        "GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(200),
    ]
}

#[tokio::test]
async fn half_a_request_does_not_hold_up_the_end() {
    for half in halves() {
        let arguments = [&PATIENT[..], &["--connections-grace-seconds=1"]].concat();
        let mut server = Server::start_with(&arguments).await;
        let mut silent = connect_from(1, &server).await;
        let mut idle = connect_from(1, &server).await;
        send(&mut idle, HEALTH).await;
        assert_eq!(status(&mut idle).await, Some(200));
        let mut stuck = connect_from(1, &server).await;
        send(&mut stuck, &half).await;
        assert_eq!(server.stop().await, Some(0), "{half:.40?}");
        drop((stuck, idle));
        send(&mut silent, HEALTH).await;
        assert_eq!(status(&mut silent).await, None);
    }
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let arguments = [&PATIENT[..], &["--connections-grace-seconds=600"]].concat();
    let mut server = Server::start_with(&arguments).await;
    let mut stuck = connect_from(1, &server).await;
    send(&mut stuck, &halves()[2]).await;
    // The server has the half request once it has answered a later one.
    let mut other = connect_from(1, &server).await;
    send(&mut other, HEALTH).await;
    assert_eq!(status(&mut other).await, Some(200));
    server.terminate();
    eventually("it finishes", async || {
        server.log().contains("finishing what was taken")
    })
    .await;
    assert_eq!(server.stop().await, Some(1));
}

#[tokio::test]
async fn who_was_in_the_queue_is_answered() {
    let mut server = Server::start_with(&[]).await;
    let mut waiting = Vec::new();
    for last in 1..40 {
        let mut stream = connect_from(last, &server).await;
        send(&mut stream, HEALTH).await;
        waiting.push(stream);
    }
    assert_eq!(server.stop().await, Some(0));
    for stream in &mut waiting {
        assert_eq!(status(stream).await, Some(200));
    }
}
