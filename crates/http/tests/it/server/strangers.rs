//! Nobody learns by typing names which of them somebody has.

use serde_json::{Value, json};
use stepgate_store::engine::Engine;

use crate::support::{
    Answer, Flow, Server, Setup,
    held::{Trial, senders, wrong_codes},
    send,
};

/// What differs between any two people, and between any two moments, blanked.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let is_personal = [
                    "id",
                    "username",
                    "href",
                    "resumeUrl",
                    "createdAt",
                    "expiresAt",
                    "coolDownExpiresAt",
                ]
                .contains(&name.as_str());
                let blanked = if is_personal {
                    Value::Null
                } else {
                    shape(value)
                };
                (name.clone(), blanked)
            })
            .collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        plain => plain.clone(),
    }
}

/// With the length of the whole: the names that are typed here are of one length.
fn told(answer: &Answer) -> (u16, Value, Option<String>, usize) {
    let body = serde_json::from_str(&answer.text).unwrap();
    let wait = answer.header("retry-after").map(str::to_owned);
    (answer.status, shape(&body), wait, answer.text.len())
}

async fn sms_only(otp: Value) -> Trial {
    let trial = Trial::with(json!({}), otp).await;
    let policies = trial.get("deviceAuthenticationPolicies").await;
    let policies = policies["_embedded"]["deviceAuthenticationPolicies"].clone();
    let policies = policies.as_array().unwrap();
    let mut policy = policies
        .iter()
        .find(|it| it["name"] == "Codes")
        .unwrap()
        .clone();
    policy["email"]["enabled"] = false.into();
    let path = format!(
        "deviceAuthenticationPolicies/{}",
        policy["id"].as_str().unwrap()
    );
    trial
        .server
        .manage(reqwest::Method::PUT, &path, policy)
        .await;
    trial
}

/// All that somebody sees who types the name, guesses at its codes and asks for new ones.
async fn seen(trial: &Trial, name: &str) -> Vec<(u16, Value, Option<String>, usize)> {
    let mut seen = Vec::new();
    for _ in 0..3 {
        let flow = trial.look_up(name).await;
        let length = flow.body.to_string().len();
        seen.push((200, shape(&flow.body), None, length));
        trial.wait(1);
        if flow.status() == "OTP_REQUIRED" {
            let device = flow.device();
            let right = trial.sent().await.pop().and_then(|message| message.code);
            let right = right.map_or_else(|| "000000".to_owned(), |code| code.expose().clone());
            seen.push(told(&trial.server.select(&flow, &device).await));
            for wrong in wrong_codes(&right).take(4) {
                seen.push(told(&trial.server.check(&flow, &wrong).await));
            }
            trial.wait(10);
            seen.push(told(&trial.server.select(&flow, &device).await));
            seen.push(told(&trial.server.select(&flow, &flow.id).await));
            trial.sent().await;
        }
        seen.push(told(&send(trial.server.read(&flow)).await));
        seen.push(told(&send(trial.server.resume(&flow)).await));
        trial.wait(20);
    }
    seen
}

#[tokio::test]
async fn a_name_that_nobody_has_is_answered_like_one_that_somebody_has() {
    for minutes in [0, 30] {
        let otp = json!({ "failure": { "count": 3,
            "coolDown": { "duration": minutes, "timeUnit": "MINUTES" } } });
        let trial = sms_only(otp).await;
        let of_somebody = seen(&trial, "mira.k").await;
        let of_nobody = seen(&trial, "nobody").await;
        for (number, (one, other)) in of_somebody.iter().zip(&of_nobody).enumerate() {
            assert_eq!(one, other, "answer {number}, cool-down {minutes}");
        }
        assert_eq!(of_somebody.len(), of_nobody.len());
        assert_eq!(of_somebody[0].1["status"], "OTP_REQUIRED");
    }
}

#[tokio::test]
async fn every_name_has_the_same_face() {
    let trial = sms_only(json!({})).await;
    let face = shape(&trial.look_up("nobody").await.body);
    for is_enabled in [true, false] {
        trial.enable(is_enabled).await;
        trial.wait(10);
        assert_eq!(shape(&trial.look_up("mira.k").await.body), face);
        let sent = trial.sent().await.len();
        assert_eq!(sent, usize::from(is_enabled), "only to who may sign on");
    }
    assert_eq!(face["_embedded"]["devices"][0]["phone"], "***********");
    let user: Vec<_> = face["_embedded"]["user"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(user, ["id", "username"]);
}

#[tokio::test]
async fn an_address_types_so_many_names_that_nothing_comes_of() {
    let setup = Setup {
        look_ups_hourly: Some(2),
        ..senders(false)
    };
    let trial = Trial::on(Server::start_with(setup).await, json!({}), json!({})).await;
    let flow = trial.look_up("mira.k").await;
    let code = trial.code().await;
    trial.server.check(&flow, &code).await.json(200);
    for name in ["mira.k", "nobody"] {
        trial.wait(10);
        trial.look_up(name).await;
    }
    let begun = Flow::of(&trial.asked("pi.flow", None).await);
    let body = json!({ "username": "somebody" });
    let refused = send(trial.server.act(&begun, "user.lookup", &body)).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("3590"));
    let refused = refused.json(429);
    assert_eq!(refused["code"], "REQUEST_LIMITED");
    assert_eq!(refused["details"][0]["code"], "LIMIT_EXCEEDED");
    assert_eq!(refused["details"][0]["target"], "username");
    let hinted = trial.begin("mira.k").await;
    assert_eq!(
        hinted.status(),
        "OTP_REQUIRED",
        "an application may name anybody"
    );
    trial.wait(3_600);
    assert_eq!(trial.look_up("mira.k").await.status(), "OTP_REQUIRED");
}

#[tokio::test]
async fn both_kinds_of_names_cost_the_same_reads_and_commits() {
    let trial = sms_only(json!({})).await;
    let mut costs = Vec::new();
    for name in ["mira.k", "nobody", "mira.k", "nobody"] {
        trial.wait(10);
        let begun = Flow::of(&trial.asked("pi.flow", None).await);
        let before = trial.server.engine.statistics();
        let body = json!({ "username": name });
        let request = trial.server.act(&begun, "user.lookup", &body);
        crate::support::send(request).await.json(200);
        let looked_up = trial.server.engine.statistics();
        trial.server.check(&begun, "wrong").await.refusal(400);
        let guessed = trial.server.engine.statistics();
        costs.push([
            looked_up.queries - before.queries,
            looked_up.commits - before.commits,
            guessed.queries - looked_up.queries,
            guessed.commits - looked_up.commits,
        ]);
    }
    // The first ones fill caches.
    assert_eq!(costs[2], costs[3]);
    assert_eq!((costs[2][1], costs[2][3]), (1, 1));
}

#[tokio::test]
async fn a_typed_name_alone_completes_nothing() {
    let trial = sms_only(json!({})).await;
    let bypass = json!({ "noDevicesMode": "BYPASS" });
    let policy = trial.policy().await;
    let actions = trial.get(&format!("signOnPolicies/{policy}/actions")).await;
    let mut action = actions["_embedded"]["actions"][0].clone();
    action["noDevicesMode"] = bypass["noDevicesMode"].clone();
    let path = format!(
        "signOnPolicies/{policy}/actions/{}",
        action["id"].as_str().unwrap()
    );
    trial
        .server
        .manage(reqwest::Method::PUT, &path, action)
        .await;
    let body = json!({ "username": "otto", "email": "otto@example.test" });
    let user = trial.server.create("users", body).await;
    let path = format!("users/{}/mfaEnabled", user["id"].as_str().unwrap());
    let on = json!({ "mfaEnabled": true });
    trial.server.manage(reqwest::Method::PUT, &path, on).await;
    let typed = trial.look_up("otto").await;
    assert_eq!(typed.status(), "OTP_REQUIRED", "as for anybody");
    let hinted = trial.begin("otto").await;
    assert_eq!(hinted.status(), "COMPLETED", "the client vouches");
    let rows = trial
        .server
        .engine
        .query("SELECT count(*) FROM session".into(), Vec::new());
    assert_eq!(rows.await.unwrap()[0].integer(0).unwrap(), 1);
}

#[tokio::test]
async fn nobody_types_a_name_where_a_signed_hint_is_required() {
    let trial = Trial::with(json!({ "signedHintRequired": true }), json!({})).await;
    let refused = trial.asked("pi.flow", None).await;
    let body = refused.json(400);
    assert_eq!(body["error"], "invalid_request");
    assert_eq!(body["details"][0]["target"], "login_hint_token");
    assert_eq!(body["details"][0]["code"], "REQUIRED_VALUE");

    let hinted = trial.begin("mira.k").await;
    assert_eq!(hinted.status(), "OTP_REQUIRED");
    let code = trial.code().await;
    trial.server.check(&hinted, &code).await.json(200);
    let resumed = send(trial.server.resume(&hinted)).await;
    resumed.json(200);

    // A browser that is known begins without a hint, but cannot go on to another name from there.
    trial.wait(10);
    let parameters = [trial.parameters("pi.flow"), vec![("prompt", "consent")]].concat();
    let known = send(
        trial
            .server
            .authorize(&parameters)
            .header(reqwest::header::COOKIE, resumed.cookies()),
    )
    .await;
    let flow = Flow::of(&known);
    assert_eq!(flow.status(), "OTP_REQUIRED");
    let reset = send(trial.server.act(&flow, "session.reset", "{}")).await;
    assert_eq!(reset.json(400)["details"][0]["target"], "login_hint_token");

    // Asked for nothing, it may say so in its own words.
    let silent = [trial.parameters("pi.flow"), vec![("prompt", "none")]].concat();
    let silent = send(trial.server.authorize(&silent)).await;
    assert_eq!(silent.json(400)["error"], "login_required");
}
