//! An application that admits only users who hold a role, and a user who holds none.

use reqwest::header;
use serde_json::{Value, json};

use crate::support::{Flow, REDIRECT_URI, Trial, parameters, send};

const PASSWORD: &str = "Fjord-Lantern-71-Quartz";
const DENIED: &str = "The user may not sign on to this application";

fn mfa() -> Value {
    json!({ "type": "MULTI_FACTOR_AUTHENTICATION", "sms": { "enabled": true } })
}

/// A worker application: that it is for administrators only is what it comes back with by itself.
async fn worker(trial: &Trial, actions: &[Value]) -> String {
    let with = json!({ "type": "WORKER" });
    trial.application(with, actions).await
}

fn asking<'a>(client: &'a str, mode: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("client_id", client),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT_URI),
        ("state", "x 1"),
        ("response_mode", mode),
    ]
}

#[tokio::test]
async fn the_right_password_leads_to_access_denied() {
    let trial = Trial::start().await;
    trial.set_password(PASSWORD).await;
    let client = worker(&trial, &[json!({ "type": "LOGIN" }), mfa()]).await;
    let right = json!({ "username": "mira.k", "password": PASSWORD }).to_string();

    let flow = Flow::of(&send(trial.server.authorize(&asking(&client, "pi.flow"))).await);
    let failed = send(trial.server.act(&flow, "usernamePassword.check", &right)).await;
    let failed = failed.json(200);
    assert_eq!(failed["status"], "FAILED");
    assert_eq!(
        failed["error"],
        json!({ "code": "ACCOUNT_NOT_USABLE", "message": DENIED })
    );
    let resumed = send(trial.server.resume(&flow)).await.json(200);
    assert_eq!(
        resumed["authorizeResponse"],
        json!({ "error": "access_denied", "error_description": DENIED, "state": "x 1" })
    );

    let page = send(trial.server.authorize(&asking(&client, "query"))).await;
    let flow = Flow {
        id: parameters(page.location(302))["flowId"].clone(),
        cookie: page.cookies(),
        body: json!(null),
    };
    let failed = send(trial.server.act(&flow, "usernamePassword.check", &right)).await;
    assert_eq!(failed.json(200)["status"], "FAILED");
    let told = parameters(send(trial.server.resume(&flow)).await.location(302));
    assert_eq!(told["error"], "access_denied");
    assert!(told["error_description"].contains(DENIED), "{told:?}");
    assert!(trial.server.no_message().await, "nothing was sent");
}

#[tokio::test]
async fn who_types_a_name_learns_nothing_and_nothing_is_sent() {
    let trial = Trial::start().await;
    let client = worker(&trial, &[mfa()]).await;
    let flow = Flow::of(&send(trial.server.authorize(&asking(&client, "pi.flow"))).await);
    let body = json!({ "username": "mira.k" }).to_string();
    let due = send(trial.server.act(&flow, "user.lookup", &body))
        .await
        .json(200);
    assert_eq!(due["status"], "OTP_REQUIRED");
    let wrong = trial.server.check(&flow, "000000").await;
    wrong.refused_for(400, "INVALID_DATA", "INVALID_OTP", "otp");
    assert!(trial.server.no_message().await);
}

#[tokio::test]
async fn a_session_from_elsewhere_brings_no_code() {
    let trial = Trial::start().await;
    let client = worker(&trial, &[mfa()]).await;
    let flow = trial.begin().await;
    let code = trial.server.code().await;
    trial.server.check(&flow, &code).await.json(200);
    let cookie = send(trial.server.resume(&flow)).await.cookies();
    let ask = |mode, more: &[(&'static str, &'static str)]| {
        let mut all = asking(&client, mode);
        all.extend_from_slice(more);
        let request = trial.server.authorize(&all);
        send(request.header(header::COOKIE, cookie.clone()))
    };

    let begun = ask("pi.flow", &[]).await.json(200);
    assert_ne!(begun["status"], "COMPLETED");
    assert_eq!(begun.get("authorizeResponse"), None);
    let silent = ask("query", &[("prompt", "none")]).await;
    let told = parameters(silent.location(302));
    assert_eq!(told.get("code"), None, "{told:?}");
    // Somebody else may sign on.
    let anybody = ask("pi.flow", &[("prompt", "login")]).await.json(200);
    assert_eq!(anybody["status"], "SIGN_ON_REQUIRED");
    assert!(trial.server.no_message().await);
}
