use reqwest::{Method, header};
use serde_json::json;
use stepgate_domain::time::Duration;

use crate::support::{Flow, Trial, send};

#[tokio::test]
async fn the_right_code_completes_the_flow() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let code = trial.server.code().await;
    let answer = trial.server.check(&flow, &code).await;
    let body = answer.json(200);
    assert_eq!(body["status"], "COMPLETED");
    assert_eq!(body["_links"].as_object().unwrap().len(), 1);
    assert_eq!(body["authenticators"], json!(["otp", "sms"]));
    assert_eq!(body.get("authorizeResponse"), None);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let read = send(trial.server.read(&flow)).await.json(200);
    assert_eq!(read["status"], "COMPLETED");
}

#[tokio::test]
async fn the_media_type_is_read_generously_and_authorization_not_at_all() {
    let trial = Trial::start().await;
    for media_type in [
        "application/vnd.pingidentity.otp.check",
        "APPLICATION/vnd.PingIdentity.OTP.Check+JSON",
        "application/vnd.pingidentity.otp.check+json; charset=utf-8",
    ] {
        let flow = trial.begin().await;
        let code = trial.server.code().await;
        let (first, rest) = code.split_at(3);
        let request = trial
            .server
            .at(Method::POST, &format!("flows/{}", flow.id))
            .header(header::COOKIE, &flow.cookie)
            .header(header::CONTENT_TYPE, media_type)
            .header(header::ACCEPT, "application/hal+json")
            .header(header::AUTHORIZATION, "Bearer not.a.token")
            .body(json!({ "otp": format!(" {first} {rest}\n"), "more": 1 }).to_string());
        let answer = send(request).await;
        assert_eq!(answer.json(200)["status"], "COMPLETED", "{media_type}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        trial.server.advance(Duration::from_minutes(1));
    }
}

#[tokio::test]
async fn the_same_device_again_is_a_resend_that_voids_the_old_code() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let old = trial.server.code().await;
    trial.server.advance(Duration::from_seconds(10));
    let again = trial.server.select(&flow, &trial.device).await.json(200);
    assert_eq!(again["status"], "OTP_REQUIRED");
    let new = trial.server.code().await;
    if old != new {
        let answer = trial.server.check(&flow, &old).await;
        answer.refused_for(400, "INVALID_DATA", "INVALID_OTP", "otp");
    }
    assert_eq!(
        trial.server.check(&flow, &new).await.json(200)["status"],
        "COMPLETED"
    );
}

#[tokio::test]
async fn of_several_devices_one_is_selected() {
    let trial = Trial::with_devices(json!({
        "name": "Ask", "sms": { "enabled": true }, "email": { "enabled": true },
        "voice": { "enabled": false }, "authentication": { "deviceSelection": "PROMPT_TO_SELECT" },
    }))
    .await;
    let mailbox = trial
        .pair(json!({ "type": "EMAIL", "email": "mira@example.test" }))
        .await;
    let flow = trial.asked("pi.flow").await;
    let body = flow.json(200);
    assert_eq!(body["status"], "DEVICE_SELECTION_REQUIRED", "{body:#}");
    assert!(trial.server.no_message().await);
    let flow = Flow::of(&flow);
    let body = trial.server.select(&flow, &mailbox).await.json(200);
    assert_eq!(body["selectedDevice"]["id"], json!(mailbox));
    let code = trial.server.code().await;
    assert_eq!(
        trial.server.check(&flow, &code).await.json(200)["status"],
        "COMPLETED"
    );
}

#[tokio::test]
async fn a_reset_of_a_hinted_flow_sends_a_new_code_to_the_same_user() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    trial.server.code().await;
    trial.server.advance(Duration::from_seconds(10));
    let body = send(trial.server.act(&flow, "session.reset", ""))
        .await
        .json(200);
    assert_eq!(body["status"], "OTP_REQUIRED");
    assert_eq!(body["_embedded"]["user"]["id"], json!(trial.user));
    let code = trial.server.code().await;
    assert_eq!(
        trial.server.check(&flow, &code).await.json(200)["status"],
        "COMPLETED"
    );
}

#[tokio::test]
async fn a_name_that_nobody_has_looks_like_one_that_somebody_has() {
    let trial = Trial::start().await;
    let mut bodies = Vec::new();
    for username in ["mira.k", "nobody"] {
        let flow = trial.begin_unhinted().await;
        let asked = send(trial.server.read(&flow)).await.json(200);
        assert_eq!(asked["status"], "SIGN_ON_REQUIRED");
        let name = json!({ "username": username }).to_string();
        let body = send(trial.server.act(&flow, "user.lookup", &name))
            .await
            .json(200);
        assert_eq!(body["status"], "OTP_REQUIRED", "{body:#}");
        assert_eq!(body["_embedded"]["user"]["username"], username);
        let wrong = trial.server.check(&flow, "000000x").await;
        wrong.refused_for(400, "INVALID_DATA", "INVALID_OTP", "otp");
        let mut members: Vec<String> = body.as_object().unwrap().keys().cloned().collect();
        members.sort_unstable();
        bodies.push(members);
    }
    assert_eq!(bodies[0], bodies[1]);
    trial.server.code().await;
    assert!(trial.server.no_message().await);
}
