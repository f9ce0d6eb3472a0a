//! What the binary tells whoever runs it.

use serde_json::Value;
use stepgate_client::{Client, Request};

use crate::support::Server;

/// The log's lines with this message.
fn lines(server: &Server, message: &str) -> Vec<Value> {
    let log = server.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let says = |line: &Value| {
        line["message"]
            .as_str()
            .is_some_and(|text| text.starts_with(message))
    };
    lines.filter(says).collect()
}

#[tokio::test]
async fn a_server_that_can_send_nothing_warns_at_start() {
    let mute = Server::start_with(&[]).await;
    let warned = lines(&mute, "no passcode can be sent");
    assert_eq!(warned.len(), 1, "{}", mute.log());
    assert_eq!(warned[0]["level"], "WARN");
    let token = mute.data().join("token");
    std::fs::write(&token, "secret").unwrap();
    let by_text = Server::start_with(&[
        "--sms-base-url",
        "http://127.0.0.1:1",
        "--sms-account-sid",
        "AC1",
        "--sms-from",
        "+15005550006",
        "--sms-auth-token-file",
        token.to_str().unwrap(),
    ])
    .await;
    assert!(lines(&by_text, "no passcode can be sent").is_empty());
    assert_eq!(lines(&by_text, "no e-mail can be sent").len(), 1);
    let with_inbox = Server::start().await;
    for message in ["no passcode", "no e-mail", "no text message"] {
        assert!(lines(&with_inbox, message).is_empty(), "{message}");
    }
}

#[tokio::test]
async fn the_metrics_are_with_everything_else_or_on_a_listener_of_their_own() {
    let shared = Server::start().await;
    let shown = shared
        .client()
        .send(&Request::get("/metrics"))
        .await
        .unwrap();
    assert_eq!(shown.status, 200);

    let apart = Server::start_with(&["--inbox", "--metrics-listen", "127.0.0.1:0"]).await;
    let hidden = apart
        .client()
        .send(&Request::get("/metrics"))
        .await
        .unwrap();
    assert_eq!(hidden.status, 404);
    let announced = lines(&apart, "metrics are here");
    let address = announced[0]["address"].as_str().unwrap();
    let client = Client::new(format!("http://{address}")).unwrap();
    let shown = client.send(&Request::get("/metrics")).await.unwrap();
    assert_eq!(shown.status, 200);
    let elsewhere = client.send(&Request::get("/readyz")).await.unwrap();
    assert_eq!(elsewhere.status, 404, "nothing else is there");
}
