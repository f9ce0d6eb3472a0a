//! What a password may be given for, and what its answers tell of whoever has the name.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Flow, Trial, send};

const PASSWORD: &str = "Fjord-Lantern-71-Quartz";

fn login() -> Value {
    json!({ "type": "LOGIN" })
}
fn mfa() -> Value {
    json!({ "type": "MULTI_FACTOR_AUTHENTICATION", "sms": { "enabled": true } })
}

/// A further policy of the application, to be asked for by its name.
async fn policy(trial: &Trial, name: &str, actions: &[Value]) {
    let server = &trial.server;
    let body = json!({ "name": name });
    let policy = server.manage(Method::POST, "signOnPolicies", body).await;
    for (number, action) in actions.iter().enumerate() {
        let mut action = action.clone();
        action["priority"] = (number + 1).into();
        let path = format!("signOnPolicies/{}/actions", policy["id"].as_str().unwrap());
        server.manage(Method::POST, &path, action).await;
    }
    let path = format!("applications/{}/signOnPolicyAssignments", trial.client);
    let body = json!({ "priority": 9, "signOnPolicy": { "id": policy["id"] } });
    server.manage(Method::POST, &path, body).await;
}

async fn begin(trial: &Trial, name: &str, hint: Option<&str>) -> Flow {
    let mut parameters = trial.parameters("pi.flow", hint);
    parameters.push(("acr_values", name));
    Flow::of(&send(trial.server.authorize(&parameters)).await)
}

async fn give(trial: &Trial, flow: &Flow, username: Option<&str>, password: &str) -> Answer {
    let mut body = json!({ "password": password });
    if let Some(username) = username {
        body["username"] = username.into();
    }
    send(
        trial
            .server
            .act(flow, "usernamePassword.check", &body.to_string()),
    )
    .await
}

#[tokio::test]
async fn where_a_password_follows_it_can_be_given_at_once() {
    let trial = Trial::start().await;
    trial.set_password(PASSWORD).await;
    policy(&trial, "Code_First", &[mfa(), login()]).await;
    let flow = begin(&trial, "Code_First", None).await;
    let due = send(trial.server.read(&flow)).await.json(200);
    assert_eq!(due["status"], "SIGN_ON_REQUIRED");
    let links: Vec<&String> = due["_links"].as_object().unwrap().keys().collect();
    let offered = [
        "self",
        "session.reset",
        "user.lookup",
        "usernamePassword.check",
    ];
    let mut sorted = links.clone();
    sorted.sort();
    assert_eq!(sorted, offered);
    for (username, password) in [("mira.k", "wrong"), ("nobody", PASSWORD)] {
        let refused = give(&trial, &flow, Some(username), password).await;
        refused.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "username");
    }
    let unnamed = give(&trial, &flow, None, PASSWORD).await;
    unnamed.refused_for(400, "INVALID_DATA", "REQUIRED_VALUE", "username");
    let due = give(&trial, &flow, Some("mira.k"), PASSWORD).await;
    assert_eq!(due.json(200)["status"], "OTP_REQUIRED");
    let code = trial.server.code().await;
    let done = trial.server.check(&flow, &code).await.json(200);
    assert_eq!(done["status"], "COMPLETED");
    let proved = json!(["pwd", "otp", "sms", "mfa"]);
    assert_eq!(done["authenticators"], proved);
}

#[tokio::test]
async fn where_none_follows_it_is_not_offered() {
    let trial = Trial::start().await;
    let flow = trial.begin_unhinted().await;
    let refused = give(&trial, &flow, Some("mira.k"), PASSWORD).await;
    refused.refused_for(400, "REQUEST_FAILED", "INVALID_ACTION", "");
}

#[tokio::test]
async fn that_a_password_is_locked_is_told_where_a_hint_names_the_user_only() {
    let trial = Trial::start().await;
    trial.set_password(PASSWORD).await;
    policy(&trial, "Password", &[login()]).await;
    let hint = trial.hint();
    let hinted = begin(&trial, "Password", Some(&hint)).await;
    let flow = begin(&trial, "Password", None).await;
    let mut answers = Vec::new();
    for number in 0..7 {
        let wrong = format!("wrong {number}");
        answers.push(give(&trial, &flow, Some("mira.k"), &wrong).await);
    }
    answers.push(give(&trial, &flow, Some("mira.k"), PASSWORD).await);
    answers.push(give(&trial, &flow, Some("nobody"), PASSWORD).await);
    for answer in &answers {
        let told = answer.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "username");
        assert_eq!(told["message"], "Invalid username and/or password.");
        assert_eq!(told.get("innerError"), None);
    }
    let locked = give(&trial, &hinted, None, PASSWORD).await;
    let told = locked.refused_for(400, "INVALID_DATA", "PASSWORD_LOCKED_OUT", "password");
    assert_eq!(told["innerError"], json!({ "secondsUntilUnlock": 900 }));

    trial
        .server
        .advance(stepgate_domain::time::Duration::from_minutes(15));
    let flow = begin(&trial, "Password", None).await;
    let right = give(&trial, &flow, Some("mira.k"), PASSWORD).await;
    assert_eq!(right.json(200)["status"], "COMPLETED");
}
