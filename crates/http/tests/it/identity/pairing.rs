//! Codes that prove a device, and the messages that carry them.

use futures_util::future::join_all;
use serde_json::{Value, json};
use stepgate_domain::time::Duration;

use crate::{
    identity::devices::{activate, code, order, pair, paired, sms, unproved},
    support::{Answer, Server},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_unproved_device_is_sent_a_code_that_activates_it() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let made = pair(&server, &user, unproved(sms(1))).await.json(201);
    assert_eq!(made["status"], "ACTIVATION_REQUIRED");
    assert!(made["_links"]["activate"]["href"].is_string());
    let message = server.message().await;
    assert_eq!(message.to.expose(), "+4740610001");
    let code = message.code.unwrap().expose().clone();
    assert_eq!(code.len(), 6);
    assert!(message.text.expose().contains(&code));
    assert!(!made.to_string().contains(&code));

    let device = format!("{user}/devices/{}", made["id"].as_str().unwrap());
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    let active = activate(&server, &device, &spaced).await.json(200);
    assert_eq!(active["status"], "ACTIVE");
    assert!(active["_links"].get("activate").is_none());
    activate(&server, &device, &code).await.refused_for(
        400,
        "REQUEST_FAILED",
        "INVALID_VALUE",
        "status",
    );
    server
        .vendor("POST", &device, "device.sendActivationCode+json", None)
        .await
        .refused_for(400, "REQUEST_FAILED", "INVALID_VALUE", "status");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_speaks_with_the_clients_own_words() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let mut device = unproved(sms(1));
    device["notification"] = json!({ "message": "${user.name.given}: ${otp} (${unknown})" });
    pair(&server, &user, device).await.json(201);
    let message = server.message().await;
    let code = message.code.unwrap().expose().clone();
    assert_eq!(message.text.expose(), &format!("Nia: {code} ()"));

    let mut mail = unproved(json!({ "type": "EMAIL", "email": "nia@corp.example" }));
    mail["notification"] = json!({ "message": "<b>${otp}</b>" });
    pair(&server, &user, mail).await.json(201);
    let message = server.message().await;
    assert!(message.text.expose().starts_with("&lt;b&gt;"));
    assert!(message.subject.is_some());

    let mut silent = unproved(sms(2));
    silent["notification"] = json!({ "message": "no code" });
    pair(&server, &user, silent).await.refused_for(
        400,
        "INVALID_DATA",
        "REQUIRED_VALUE",
        "notification.message",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_pairing_codes_count_until_the_code_is_void() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let device = paired(&server, &user, unproved(sms(1))).await;
    let right = code(&server).await;
    let wrong = if right == "000000" {
        "000001"
    } else {
        "000000"
    };
    for left in [2, 1] {
        let answer = activate(&server, &device, wrong).await;
        answer.refused_for(400, "INVALID_DATA", "INVALID_OTP", "otp");
        assert_eq!(
            answer.body["details"][0]["innerError"]["attemptsRemaining"],
            left
        );
    }
    // What is no attempt does not count.
    for (body, detail) in [
        (json!({}), "REQUIRED_VALUE"),
        (json!({ "otp": "" }), "EMPTY_VALUE"),
        (json!({ "otp": "  " }), "EMPTY_VALUE"),
        (json!({ "otp": 123_456 }), "INVALID_VALUE"),
    ] {
        let answer = server
            .vendor("POST", &device, "device.activate+json", Some(body))
            .await;
        answer.refused_for(400, "INVALID_DATA", detail, "otp");
    }
    let last = activate(&server, &device, wrong).await;
    last.refused_for(400, "REQUEST_FAILED", "LIMIT_EXCEEDED", "otp");
    activate(&server, &device, &right)
        .await
        .refused_for(400, "INVALID_DATA", "INVALID_OTP", "otp");

    server.advance(Duration::from_seconds(10));
    let sent = server
        .vendor("POST", &device, "device.sendActivationCode", None)
        .await;
    sent.json(200);
    let fresh = code(&server).await;
    server.advance(Duration::from_minutes(30));
    let expired = activate(&server, &device, &fresh).await;
    expired.refused_for(400, "INVALID_DATA", "INVALID_OTP", "otp");
    assert!(
        expired.body["details"][0]["message"]
            .as_str()
            .unwrap()
            .contains("expired")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_code_replaces_the_one_before() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let device = paired(&server, &user, unproved(sms(1))).await;
    let first = code(&server).await;
    server.advance(Duration::from_seconds(10));
    server
        .vendor("POST", &device, "device.sendActivationCode+json", None)
        .await
        .json(200);
    let second = code(&server).await;
    if first != second {
        activate(&server, &device, &first)
            .await
            .refused(400, "INVALID_DATA");
    }
    activate(&server, &device, &second).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn pairing_messages_keep_to_the_floors() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let device = paired(&server, &user, unproved(sms(1))).await;
    let resend = async || {
        server
            .vendor("POST", &device, "device.sendActivationCode+json", None)
            .await
    };
    let early = resend().await;
    early.refused_for(429, "REQUEST_LIMITED", "LIMIT_EXCEEDED", "phone");
    assert_eq!(early.headers["retry-after"], "10");
    assert_eq!(early.body["details"][0]["innerError"]["retryAfter"], 10);
    // The address is the same in other hands.
    let other = server.user("kim").await;
    pair(&server, &other, unproved(sms(1)))
        .await
        .refused(429, "REQUEST_LIMITED");
    assert!(order(&server, &other).await.is_empty());
    for _ in 0..9 {
        server.advance(Duration::from_seconds(10));
        resend().await.json(200);
    }
    server.advance(Duration::from_seconds(10));
    let eleventh = resend().await;
    eleventh.refused(429, "REQUEST_LIMITED");
    assert_eq!(eleventh.headers["retry-after"], "3500");
    for _ in 0..10 {
        server.message().await;
    }
    assert!(server.no_message().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn notification_policies_limit_pairing_too() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let policy = json!({ "name": "Careful", "default": true,
        "quotas": [{ "type": "USER", "deliveryMethods": ["SMS", "Voice"], "total": 1 }],
        "countryLimit": { "type": "DENIED", "deliveryMethods": ["SMS"], "countries": ["DE"] } });
    server
        .post("/notificationsPolicies", policy)
        .await
        .json(200);
    let german = json!({ "type": "SMS", "phone": "+49.3055501234" });
    pair(&server, &user, unproved(german.clone()))
        .await
        .refused_for(400, "INVALID_DATA", "INVALID_VALUE", "phone");
    pair(&server, &user, german).await.json(201);
    pair(&server, &user, unproved(sms(1))).await.json(201);
    let beyond = pair(&server, &user, unproved(sms(2))).await;
    beyond.refused_for(400, "REQUEST_FAILED", "QUOTA_EXCEEDED", "phone");
    let inner = &beyond.body["details"][0]["innerError"];
    assert_eq!(inner["quotaLimit"], 1);
    assert_eq!(inner["quotaResetTime"], "2026-02-01T00:00:00.000Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sender_nothing_changes() {
    let server = Server::without_senders().await;
    let user = server.user("nia").await;
    pair(&server, &user, unproved(sms(1))).await.refused_for(
        400,
        "REQUEST_FAILED",
        "SEND_FAILED",
        "type",
    );
    assert!(order(&server, &user).await.is_empty());
    pair(&server, &user, sms(1)).await.json(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_decides_what_may_be_paired() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let off = json!({ "enabled": false });
    let method = json!({ "enabled": true, "otp": {
        "lifeTime": { "duration": 5, "timeUnit": "MINUTES" }, "otpLength": 8,
        "failure": { "count": 1, "coolDown": { "duration": 2, "timeUnit": "MINUTES" } } } });
    let mut closed = method.clone();
    closed["pairingDisabled"] = json!(true);
    let policy = json!({ "name": "Strict", "sms": method, "email": closed, "voice": off,
        "mobile": off, "totp": off });
    let policy = server
        .post("/deviceAuthenticationPolicies", policy)
        .await
        .json(201);
    let by = |mut device: Value| {
        device["policy"] = json!({ "id": policy["id"] });
        device
    };
    let mail = json!({ "type": "EMAIL", "email": "nia@corp.example" });
    pair(&server, &user, by(mail.clone())).await.refused_for(
        400,
        "REQUEST_FAILED",
        "INVALID_VALUE",
        "type",
    );
    pair(&server, &user, mail).await.json(201);

    let device = paired(&server, &user, unproved(by(sms(1)))).await;
    let right = code(&server).await;
    assert_eq!(right.len(), 8);
    let locked = activate(&server, &device, "1").await;
    locked.refused_for(400, "REQUEST_FAILED", "LIMIT_EXCEEDED", "otp");
    assert_eq!(
        locked.body["details"][0]["innerError"]["coolDownExpiresAt"],
        "2026-01-31T12:02:00.000Z"
    );
    activate(&server, &device, &right)
        .await
        .refused(400, "REQUEST_FAILED");
    server
        .vendor("POST", &device, "device.sendActivationCode+json", None)
        .await
        .refused_for(400, "REQUEST_FAILED", "LIMIT_EXCEEDED", "otp");
    server.advance(Duration::from_minutes(2));
    server
        .vendor("POST", &device, "device.sendActivationCode+json", None)
        .await
        .json(200);
    activate(&server, &device, &code(&server).await)
        .await
        .json(200);
    // Deleting the policy leaves the device as it is.
    let path = format!(
        "/deviceAuthenticationPolicies/{}",
        policy["id"].as_str().unwrap()
    );
    server.delete(&path).await.json(204);
    server
        .vendor("POST", &device, "device.block+json", None)
        .await
        .json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_cannot_be_proved_beyond_the_limit() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let settings = json!({ "pairing": { "maxAllowedDevices": 1, "pairingKeyFormat": "NUMERIC" } });
    server.put("/mfaSettings", settings).await.json(200);
    let waiting = paired(&server, &user, unproved(sms(1))).await;
    let code = code(&server).await;
    let active = paired(&server, &user, sms(2)).await;
    activate(&server, &waiting, &code).await.refused_for(
        400,
        "REQUEST_FAILED",
        "LIMIT_EXCEEDED",
        "devices",
    );
    server.delete(&active).await.json(204);
    activate(&server, &waiting, &code).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn unproved_devices_make_room_a_day_after_their_code_has_expired() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let waiting = paired(&server, &user, unproved(sms(1))).await;
    server.advance(Duration::from_hours(24));
    pair(&server, &user, sms(2)).await.json(201);
    server.get(&waiting).await.json(200);
    server.advance(Duration::from_hours(1));
    pair(&server, &user, sms(1)).await.json(201);
    server.get(&waiting).await.refused(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_pairing_codes_are_judged_no_more_often_than_the_policy_allows() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let device = paired(&server, &user, unproved(sms(1))).await;
    let right = code(&server).await;
    let wrong = (0..16).map(|number| {
        let (server, device) = (&server, &device);
        // Of another length than the right one.
        async move { activate(server, device, &format!("{number:07}")).await }
    });
    let answers = join_all(wrong).await;
    let with = |code: &str| {
        let is = |answer: &&Answer| answer.body["details"][0]["code"] == code;
        answers.iter().filter(is).count()
    };
    // Two wrong ones, the third that voids the code, and the others find no code.
    assert_eq!((with("LIMIT_EXCEEDED"), with("INVALID_OTP")), (1, 15));
    let counted = |answer: &&Answer| {
        let inner = &answer.body["details"][0]["innerError"];
        inner.get("attemptsRemaining").is_some()
    };
    assert_eq!(answers.iter().filter(counted).count(), 3);
    activate(&server, &device, &right)
        .await
        .refused(400, "INVALID_DATA");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_pairing_code_activates_once() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let device = paired(&server, &user, unproved(sms(1))).await;
    let right = code(&server).await;
    let answers = join_all((0..8).map(|_| activate(&server, &device, &right))).await;
    let activated = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(activated.count(), 1);
    assert_eq!(order(&server, &user).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_resends_send_one_message() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let device = paired(&server, &user, unproved(sms(1))).await;
    server.message().await;
    server.advance(Duration::from_seconds(10));
    let resends =
        (0..8).map(|_| server.vendor("POST", &device, "device.sendActivationCode+json", None));
    let answers = join_all(resends).await;
    let sent = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(sent, 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.refused(429, "REQUEST_LIMITED");
    }
    activate(&server, &device, &code(&server).await)
        .await
        .json(200);
    assert!(server.no_message().await);
}
