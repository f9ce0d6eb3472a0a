//! What strangers' bodies cost in memory.

use std::fs;

use super::{connect_from, send, status};
use crate::support::Server;

const POSTS: u32 = 800;
const SIZE: usize = 1_040_000;
const MOST_GROWTH: u64 = 64 * 1024;

#[tokio::test]
async fn eight_hundred_large_bodies_of_strangers_cost_no_memory() {
    super::raise_descriptors();
    let server = Server::start_with(&["--connections-body-seconds=600"]).await;
    let environment = server.credentials().environment;
    let users = format!("/v1/environments/{environment}/users");
    let token = format!("/{environment}/as/token");
    let form = "application/x-www-form-urlencoded";
    for (path, media_type, length) in [
        (
            &users,
            "application/json",
            format!("content-length: {SIZE}"),
        ),
        (
            &users,
            "application/json",
            "transfer-encoding: chunked".to_owned(),
        ),
        (&token, form, format!("content-length: {SIZE}")),
        (&token, form, "transfer-encoding: chunked".to_owned()),
    ] {
        let before = forget_peak(&server);
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: {media_type}\r\n{length}\r\n\r\n",
            server.address()
        );
        let mut senders = Vec::new();
        for number in 0..POSTS {
            let mut stream = connect_from(u8::try_from(number % 20).unwrap(), &server).await;
            let head = head.clone();
            senders.push(tokio::spawn(async move {
                send(&mut stream, head).await;
                // One chunk that is never whole, or a body that is never whole.
                send(&mut stream, format!("{SIZE:x}\r\n")).await;
                send(&mut stream, vec![b'x'; SIZE - 1000]).await;
                stream
            }));
        }
        let mut connections = Vec::new();
        for sender in senders {
            connections.push(sender.await.unwrap());
        }
        let mut other = connect_from(99, &server).await;
        send(&mut other, super::HEALTH).await;
        assert_eq!(status(&mut other).await, Some(200));
        let growth = peak(&server).saturating_sub(before);
        assert!(growth < MOST_GROWTH, "{growth} kB for {length} at {path}");
        drop(connections);
    }
}

/// What is resident, in kB; the peak is counted from here.
fn forget_peak(server: &Server) -> u64 {
    fs::write(format!("/proc/{}/clear_refs", server.process()), "5").unwrap();
    of_status(server, "VmRSS:")
}

fn peak(server: &Server) -> u64 {
    of_status(server, "VmHWM:")
}

fn of_status(server: &Server, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process())).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
