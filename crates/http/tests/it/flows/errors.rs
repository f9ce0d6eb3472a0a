//! The rows of the flows API's table of errors.

use reqwest::Method;
use serde_json::{Value, json};
use stepgate_domain::time::Duration;

use crate::support::{Flow, Trial, device_policy, send};

const VALIDATION: &str =
    "The request could not be completed. One or more validation errors were in the request.";
const ISSUE: &str =
    "The request could not be completed. There was an issue processing the request.";

/// A text that is no code, and counts as an attempt.
const WRONG: &str = "wrong";

#[tokio::test]
async fn a_wrong_code_says_how_many_attempts_are_left() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    trial.server.code().await;
    for left in [2, 1] {
        let answer = trial.server.check(&flow, WRONG).await;
        let detail = answer.refused_for(400, "INVALID_DATA", "INVALID_OTP", "otp");
        assert_eq!(detail["message"], "Invalid OTP");
        assert_eq!(detail["innerError"], json!({ "attemptsRemaining": left }));
        assert_eq!(answer.json(400)["message"], VALIDATION);
    }
}

#[tokio::test]
async fn the_last_attempt_voids_the_code_and_the_next_is_none() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let code = trial.server.code().await;
    trial.server.check(&flow, WRONG).await;
    trial.server.check(&flow, WRONG).await;
    let answer = trial.server.check(&flow, WRONG).await;
    let detail = answer.refused_for(400, "REQUEST_FAILED", "LIMIT_EXCEEDED", "otp");
    assert_eq!(detail["innerError"], json!({ "attemptsRemaining": 0 }));
    assert_eq!(answer.json(400)["message"], ISSUE);
    assert_eq!(
        send(trial.server.read(&flow)).await.json(200)["status"],
        "OTP_REQUIRED"
    );
    let answer = trial.server.check(&flow, &code).await;
    let detail = answer.refused_for(400, "INVALID_DATA", "INVALID_OTP", "otp");
    assert_eq!(detail["message"], "OTP has expired");
    assert_eq!(detail.get("innerError"), None);
}

#[tokio::test]
async fn a_cool_down_says_when_it_ends_and_locks_the_device() {
    let trial = Trial::with_devices(device_policy(&json!({
        "failure": { "count": 1, "coolDown": { "duration": 2, "timeUnit": "MINUTES" } }
    })))
    .await;
    let mailbox = trial
        .pair(json!({ "type": "EMAIL", "email": "mira@example.test" }))
        .await;
    let flow = trial.begin().await;
    trial.server.code().await;
    let end = trial.server.now() + Duration::from_minutes(2);
    let answer = trial.server.check(&flow, WRONG).await;
    let detail = answer.refused_for(400, "REQUEST_FAILED", "LIMIT_EXCEEDED", "otp");
    assert_eq!(
        detail["innerError"],
        json!({ "attemptsRemaining": 0, "coolDownExpiresAt": end.as_millis() })
    );
    let body = send(trial.server.read(&flow)).await.json(200);
    assert_eq!(body["status"], "DEVICE_SELECTION_REQUIRED", "{body:#}");
    let locked = trial.server.select(&flow, &trial.device).await;
    let detail = locked.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "device.id");
    let locked = json!({ "status": "DISABLED", "reason": "LOCKED" });
    assert_eq!(detail["innerError"], json!({ "usableStatus": locked }));
    let [first, second] = [0, 1].map(|at| body["_embedded"]["devices"][at].clone());
    assert_eq!(first["usableStatus"], locked);
    assert_eq!(second["usableStatus"], json!({ "status": "ENABLED" }));
    assert_eq!(
        trial.server.select(&flow, &mailbox).await.json(200)["status"],
        "OTP_REQUIRED"
    );
}

#[tokio::test]
async fn a_code_that_is_too_old_is_no_attempt() {
    let life = json!({ "lifeTime": { "duration": 1, "timeUnit": "MINUTES" } });
    let trial = Trial::with_devices(device_policy(&life)).await;
    let flow = trial.begin().await;
    let code = trial.server.code().await;
    trial.server.advance(Duration::from_seconds(61));
    for _ in 0..4 {
        let answer = trial.server.check(&flow, &code).await;
        let detail = answer.refused_for(400, "INVALID_DATA", "INVALID_OTP", "otp");
        assert_eq!(detail["message"], "OTP has expired");
    }
}

#[tokio::test]
async fn what_is_no_attempt_is_not_counted() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let code = trial.server.code().await;
    for (body, detail) in [
        ("", "REQUIRED_VALUE"),
        ("{}", "REQUIRED_VALUE"),
        (r#"{"otp":null}"#, "REQUIRED_VALUE"),
        (r#"{"otp":""}"#, "EMPTY_VALUE"),
        (r#"{"otp":" "}"#, "EMPTY_VALUE"),
        (r#"{"otp":123456}"#, "INVALID_VALUE"),
        (r#"{"otp":["123456"]}"#, "INVALID_VALUE"),
    ] {
        let answer = send(trial.server.act(&flow, "otp.check", body)).await;
        answer.refused_for(400, "INVALID_DATA", detail, "otp");
    }
    let answer = send(trial.server.act(&flow, "otp.check", "[]")).await;
    answer.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "");
    for body in ["{", "otp=123456", "\u{0}"] {
        let answer = send(trial.server.act(&flow, "otp.check", body)).await;
        answer.refused_plainly(400, "INVALID_REQUEST");
    }
    assert_eq!(
        trial.server.check(&flow, &code).await.json(200)["status"],
        "COMPLETED"
    );
}

#[tokio::test]
async fn a_device_must_be_named_and_be_one_of_the_flows() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    for (body, detail, target) in [
        ("{}", "REQUIRED_VALUE", "device"),
        (r#"{"device":{}}"#, "REQUIRED_VALUE", "device.id"),
        (r#"{"device":"x"}"#, "INVALID_VALUE", "device"),
        (r#"{"device":{"id":"x"}}"#, "INVALID_VALUE", "device.id"),
        (
            r#"{"device":{"id":"00000000-0000-4000-8000-000000000000"}}"#,
            "INVALID_VALUE",
            "device.id",
        ),
    ] {
        let answer = send(trial.server.act(&flow, "device.select", body)).await;
        answer.refused_for(400, "INVALID_DATA", detail, target);
    }
}

#[tokio::test]
async fn a_resend_that_comes_too_early_says_when_to_come_back() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    trial.server.code().await;
    trial.server.advance(Duration::from_seconds(3));
    let answer = trial.server.select(&flow, &trial.device).await;
    let detail = answer.refused_for(429, "REQUEST_LIMITED", "LIMIT_EXCEEDED", "device.id");
    let free_at = trial.server.now() + Duration::from_seconds(7);
    assert_eq!(
        detail["innerError"],
        json!({ "deliveryMethod": "SMS", "coolDownExpiresAt": free_at.as_millis(), "retryAfter": 7 })
    );
    assert_eq!(answer.header("retry-after"), Some("7"));
    assert!(trial.server.no_message().await);
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_told_with_its_limit() {
    let trial = Trial::start().await;
    let quota = json!({ "type": "USER", "deliveryMethods": ["SMS", "Voice"], "total": 1 });
    set_notifications(&trial, json!({ "quotas": [quota] })).await;
    let flow = trial.begin().await;
    trial.server.code().await;
    trial.server.advance(Duration::from_minutes(1));
    let answer = trial.server.select(&flow, &trial.device).await;
    let detail = answer.refused_for(400, "REQUEST_FAILED", "QUOTA_EXCEEDED", "device.id");
    assert_eq!(detail["innerError"]["quotaLimit"], 1);
}

#[tokio::test]
async fn a_country_that_messages_may_not_go_to_is_a_failure_to_send() {
    let trial = Trial::with_devices(json!({
        "name": "Ask", "sms": { "enabled": true }, "email": { "enabled": true },
        "voice": { "enabled": false }, "authentication": { "deviceSelection": "PROMPT_TO_SELECT" },
    }))
    .await;
    trial
        .pair(json!({ "type": "EMAIL", "email": "mira@example.test" }))
        .await;
    let limit = json!({ "type": "ALLOWED", "countries": ["SE"] });
    set_notifications(&trial, json!({ "quotas": [], "countryLimit": limit })).await;
    let flow = trial.begin().await;
    let answer = trial.server.select(&flow, &trial.device).await;
    answer.refused_for(400, "REQUEST_FAILED", "SEND_FAILED", "device.id");
    let body = send(trial.server.read(&flow)).await.json(200);
    assert_eq!(body["status"], "DEVICE_SELECTION_REQUIRED");
}

/// Changes the environment's notification policy.
async fn set_notifications(trial: &Trial, members: Value) {
    let all = trial
        .server
        .manage(Method::GET, "notificationsPolicies", Value::Null);
    let mut policy = all.await["_embedded"]["notificationsPolicies"][0].clone();
    let path = format!("notificationsPolicies/{}", policy["id"].as_str().unwrap());
    let object = policy.as_object_mut().unwrap();
    object.extend(members.as_object().unwrap().clone());
    trial.server.manage(Method::PUT, &path, policy).await;
}

#[tokio::test]
async fn what_is_not_offered_now_is_refused_by_its_status() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    for (name, body) in [
        ("user.lookup", r#"{"username":"mira.k"}"#),
        ("user.lookup", "{}"),
        ("usernamePassword.check", "{"),
        ("assertion.check", "{}"),
        (
            "cancel.push.authentication",
            r#"{"reason":"CHANGE_DEVICE"}"#,
        ),
        ("password.forgot", ""),
        ("user.register", ""),
        ("deviceAuthGrant.userCode.verify", "not even JSON"),
    ] {
        let answer = send(trial.server.act(&flow, name, body)).await;
        let detail = answer.refused_for(400, "REQUEST_FAILED", "INVALID_ACTION", "");
        assert_eq!(
            detail["message"], "Action not allowed in status OTP_REQUIRED",
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_finished_flow_takes_nothing_more() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let code = trial.server.code().await;
    trial.server.check(&flow, &code).await.json(200);
    for answer in [
        trial.server.check(&flow, &code).await,
        trial.server.select(&flow, &trial.device).await,
        send(trial.server.act(&flow, "session.reset", "{}")).await,
    ] {
        answer.refused_for(400, "REQUEST_FAILED", "INVALID_ACTION", "");
    }
}

#[tokio::test]
async fn passwords_have_their_own_refusals() {
    let trial = Trial::start().await;
    let login = json!({ "type": "LOGIN", "recovery": { "enabled": false } });
    let client = trial
        .application(json!({ "name": "Login" }), &[login])
        .await;
    let mut parameters = trial.parameters("pi.flow", None);
    parameters[0] = ("client_id", &client);
    let flow = Flow::of(&send(trial.server.authorize(&parameters)).await);
    let check = |body: Value| {
        trial
            .server
            .act(&flow, "usernamePassword.check", &body.to_string())
    };

    let both = send(check(json!({ "username": "", "password": "" })))
        .await
        .json(400);
    let targets: Vec<&Value> = both["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["target"])
        .collect();
    assert_eq!(targets, ["username", "password"]);

    let no_password = send(check(json!({ "username": "mira.k", "password": "x" }))).await;
    no_password.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "username");
    trial.set_password("Correct-horse-4096").await;
    for username in ["mira.k", "nobody"] {
        let answer = send(check(json!({ "username": username, "password": "wrong" }))).await;
        let detail = answer.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "username");
        assert_eq!(detail["message"], "Invalid username and/or password.");
    }
    let right = json!({ "username": "mira.k", "password": "Correct-horse-4096" });
    assert_eq!(send(check(right)).await.json(200)["status"], "COMPLETED");
}

#[tokio::test]
async fn an_unknown_expired_foreign_or_misspelt_flow_is_not_found() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    trial.server.code().await;
    let other = trial.server.new_environment("Other").await;
    let paths = [
        format!("/{other}/flows/{}", flow.id),
        format!("/nonsense/flows/{}", flow.id),
        format!(
            "/{}/flows/00000000-0000-4000-8000-000000000000",
            trial.server.environment
        ),
        format!("/{}/flows/nonsense", trial.server.environment),
    ];
    for path in &paths {
        let answer = send(
            trial
                .server
                .request(Method::GET, path)
                .header("cookie", &flow.cookie),
        );
        answer.await.refused_plainly(404, "NOT_FOUND");
    }
    trial.server.advance(Duration::from_minutes(15));
    send(trial.server.read(&flow))
        .await
        .refused_plainly(404, "NOT_FOUND");
    let answer = send(trial.server.act(&flow, "otp.check", "{")).await;
    answer.refused_plainly(404, "NOT_FOUND");
}

#[tokio::test]
async fn only_the_flows_own_cookie_opens_it() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let code = trial.server.code().await;
    trial.server.advance(Duration::from_minutes(1));
    let other = trial.begin().await;
    let body = json!({ "otp": code }).to_string();
    let asked = |cookie: Option<&str>| {
        let request = trial.server.act_without_cookie(&flow, "otp.check", &body);
        match cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    };
    for cookie in [
        None,
        Some(other.cookie.as_str()),
        Some("ST=made-up"),
        Some("x=y"),
    ] {
        let answer = send(asked(cookie)).await;
        let detail = answer.refused_for(401, "ACCESS_FAILED", "INVALID_TOKEN", "");
        let sentence =
            "The request could not be completed. You do not have access to this resource.";
        assert_eq!(detail["message"], sentence);
        assert_eq!(answer.json(401)["message"], sentence);
    }
    let unoffered = send(
        trial
            .server
            .act_without_cookie(&flow, "assertion.check", "{}"),
    )
    .await;
    unoffered.refused_for(401, "ACCESS_FAILED", "INVALID_TOKEN", "");

    // Either of the two will do, beside others.
    let (_, second) = flow.cookie.split_once("; ").unwrap();
    assert!(second.starts_with("ST-NO-SS="));
    let mixed = format!("a=b; ST=stale; {second}");
    assert_eq!(
        send(asked(Some(&mixed))).await.json(200)["status"],
        "COMPLETED"
    );
}

#[tokio::test]
async fn a_blocked_device_stands_apart_and_cannot_be_selected() {
    let trial = Trial::start().await;
    let mailbox = trial
        .pair(json!({ "type": "EMAIL", "email": "mira@example.test" }))
        .await;
    let path = format!("users/{}/devices/{}", trial.user, trial.device);
    let block = "application/vnd.pingidentity.device.block+json";
    trial
        .server
        .manage_as(Method::POST, &path, block, Value::Null)
        .await;
    let flow = trial.begin().await;
    let embedded = &flow.body["_embedded"];
    let ids = |name: &str| -> Vec<Value> {
        let devices = embedded[name].as_array().unwrap();
        devices.iter().map(|device| device["id"].clone()).collect()
    };
    assert_eq!(ids("devices"), [json!(mailbox)]);
    assert_eq!(ids("blockedDevices"), [json!(trial.device)]);
    let refused = trial.server.select(&flow, &trial.device).await;
    let detail = refused.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "device.id");
    let blocked = json!({ "status": "DISABLED", "reason": "BLOCKED" });
    assert_eq!(detail["innerError"], json!({ "usableStatus": blocked }));
}

#[tokio::test]
async fn everything_that_is_missing_is_named_at_once() {
    let trial = Trial::start().await;
    let login = json!({ "type": "LOGIN" });
    let client = trial.application(json!({}), &[login]).await;
    let mut parameters = trial.parameters("pi.flow", None);
    parameters[0].1 = &client;
    let flow = Flow::of(&send(trial.server.authorize(&parameters)).await);
    let required = |name: &str| ("REQUIRED_VALUE".to_owned(), name.to_owned());
    for (body, missing) in [
        ("{}", vec![required("username"), required("password")]),
        ("", vec![required("username"), required("password")]),
        (
            r#"{"username":null}"#,
            vec![required("username"), required("password")],
        ),
        (r#"{"username":"mira.k"}"#, vec![required("password")]),
        (r#"{"password":"x"}"#, vec![required("username")]),
    ] {
        let answer = send(trial.server.act(&flow, "usernamePassword.check", body)).await;
        assert_eq!(answer.refused(400, "INVALID_DATA"), missing, "{body}");
    }
}

#[tokio::test]
async fn whose_mfa_is_switched_off_meanwhile_does_not_sign_on_by_it() {
    let trial = Trial::start().await;
    let switch = async |on: bool| {
        let path = format!("users/{}/mfaEnabled", trial.user);
        let body = json!({ "mfaEnabled": on });
        trial.server.manage(Method::PUT, &path, body).await;
    };
    for is_checked_before in [false, true] {
        trial.server.advance(Duration::from_minutes(1));
        let flow = trial.begin().await;
        let code = trial.server.code().await;
        if is_checked_before {
            let done = trial.server.check(&flow, &code).await.json(200);
            assert_eq!(done["status"], "COMPLETED");
        }
        switch(false).await;
        if !is_checked_before {
            let failed = trial.server.check(&flow, &code).await.json(200);
            assert_eq!(failed["status"], "FAILED");
            assert_eq!(failed["error"]["code"], "MFA_DISABLED");
        }
        let resumed = send(trial.server.resume(&flow)).await.json(200);
        let told = &resumed["authorizeResponse"];
        assert_eq!(told["error"], "access_denied");
        assert_eq!(told["error_description"], "MFA is disabled for the user");
        switch(true).await;
    }
}
