//! What is wrong before any flow is looked at.

use reqwest::{Method, header};
use serde_json::json;

use crate::support::{Server, Trial, send};

const FLOW: &str = "flows/7c1f4a52-2c55-4a1d-9a0f-3e6f0d9b1a77";

#[tokio::test]
async fn only_the_media_types_of_actions_are_taken() {
    let server = Server::delivering().await;
    for media_type in [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/vnd.pingidentity.otp.resend+json",
        "application/vnd.pingidentity.kerberos.lookup+json",
        "application/vnd.example.otp.check+json",
    ] {
        let request = server
            .at(Method::POST, FLOW)
            .header(header::CONTENT_TYPE, media_type)
            .body("{}");
        let body = send(request).await.refused_plainly(415, "INVALID_REQUEST");
        let named = media_type.split(';').next().unwrap();
        assert!(
            body["message"].as_str().unwrap().contains(named),
            "{body:#}"
        );
    }
    let none = send(server.at(Method::POST, FLOW).body("{}")).await;
    none.refused_plainly(415, "INVALID_REQUEST");
    let none = send(server.at(Method::POST, FLOW)).await;
    none.refused_plainly(415, "INVALID_REQUEST");
}

#[tokio::test]
async fn methods_that_are_not_there_are_named_with_those_that_are() {
    let server = Server::delivering().await;
    for (method, path) in [
        (Method::PUT, FLOW),
        (Method::DELETE, FLOW),
        (Method::PUT, "as/authorize"),
        (Method::DELETE, "as/resume"),
        (Method::PUT, "signon/"),
    ] {
        let answer = send(server.at(method, path)).await;
        answer.refused_plainly(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), Some("GET, POST"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
}

#[tokio::test]
async fn a_body_beyond_its_limit_is_too_large() {
    let server = Server::delivering().await;
    let otp = "x".repeat(32 * 1024);
    let request = server
        .at(Method::POST, FLOW)
        .header(
            header::CONTENT_TYPE,
            "application/vnd.pingidentity.otp.check+json",
        )
        .body(json!({ "otp": otp }).to_string());
    send(request).await.refused_plainly(413, "INVALID_REQUEST");
    let form = [("state", "x".repeat(64 * 1024))];
    let request = server.at(Method::POST, "as/authorize").form(&form);
    send(request).await.refused_plainly(413, "INVALID_REQUEST");
}

#[tokio::test]
async fn a_head_is_answered_without_a_body() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let request = trial
        .server
        .at(Method::HEAD, &format!("flows/{}", flow.id))
        .header(header::COOKIE, &flow.cookie);
    let answer = send(request).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text, "");
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn an_unknown_host_is_misdirected() {
    let server = Server::delivering().await;
    for path in [FLOW, "as/authorize", "signon/"] {
        let request = server
            .at(Method::GET, path)
            .header(header::HOST, "evil.test");
        let answer = send(request).await;
        assert_eq!(answer.json(421)["code"], "INVALID_REQUEST", "{path}");
    }
}
