//! A user is told of every device that becomes active.

use serde_json::{Value, json};
use stepgate_domain::message::{Channel, Message};

use crate::support::{Server, id};

/// The environment's default device policy tells users in this way.
async fn tell(server: &Server, how: &str) {
    let policies = server.get("deviceAuthenticationPolicies").await.json(200);
    let mut policy = policies["_embedded"]["deviceAuthenticationPolicies"][0].clone();
    policy["newDeviceNotification"] = how.into();
    let path = format!("deviceAuthenticationPolicies/{}", id(&policy));
    server.put(&path, policy).await.json(200);
}

async fn user(server: &Server, members: Value) -> String {
    let mut body = json!({ "username": "nia", "name": { "given": "Nia" } });
    let own = members.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(own);
    format!("users/{}", id(&server.create("users", body).await))
}

async fn pair(server: &Server, user: &str, status: &str, phone: &str) -> Value {
    let device = json!({ "type": "SMS", "phone": phone, "status": status });
    server.create(&format!("{user}/devices"), device).await
}

/// How many messages were queued so far.
async fn events(server: &Server) -> usize {
    let events = stepgate_store::audit::list(&*server.engine, server.environment, 100).await;
    let events = events.unwrap().into_iter();
    events
        .filter(|event| event.action == "NOTIFICATION.CREATED")
        .count()
}

fn told(message: &Message) -> (Channel, &str) {
    (message.channel, message.to.expose())
}

#[tokio::test]
async fn an_administrators_device_is_told_of_by_mail_before_a_text_message() {
    let server = Server::delivering().await;
    let members = json!({ "email": "nia@corp.example", "mobilePhone": "+4740612300" });
    let nia = user(&server, members).await;
    pair(&server, &nia, "ACTIVE", "+4740612345").await;
    let notice = server.notice().await;
    assert_eq!(told(&notice), (Channel::Email, "nia@corp.example"));
    let text = notice.text.expose();
    assert!(
        text.contains("Hello Nia") && text.contains("as nia"),
        "{text}"
    );
    assert!(
        !text.contains("40612345"),
        "the address of the device is nobody's to read"
    );

    tell(&server, "SMS_THEN_EMAIL").await;
    pair(&server, &nia, "ACTIVE", "+4740612346").await;
    assert_eq!(told(&server.notice().await), (Channel::Sms, "+4740612300"));
}

#[tokio::test]
async fn a_device_is_told_of_when_it_is_proved_and_not_before() {
    let server = Server::delivering().await;
    // At a number that names no country nobody can be told.
    let members = json!({ "mobilePhone": "40612300", "primaryPhone": "+47 40612301" });
    let nia = user(&server, members).await;
    let device = pair(&server, &nia, "ACTIVATION_REQUIRED", "+4740612345").await;
    let code = server.code().await;
    let path = format!("{nia}/devices/{}", id(&device));
    let wrong = json!({ "otp": "x" });
    server
        .vendor("POST", &path, "device.activate+json", Some(wrong))
        .await;
    let right = json!({ "otp": code });
    let activated = server
        .vendor("POST", &path, "device.activate+json", Some(right))
        .await;
    activated.json(200);
    assert_eq!(told(&server.notice().await), (Channel::Sms, "+4740612301"));
    let events = events(&server).await;
    assert_eq!(events, 2, "the code and the notice");
}

#[tokio::test]
async fn a_notice_delays_no_code_and_nobody_is_told_who_is_not_to_be() {
    let server = Server::delivering().await;
    let nia = user(&server, json!({ "mobilePhone": "+4740612345" })).await;
    pair(&server, &nia, "ACTIVE", "+4740612399").await;
    assert_eq!(told(&server.notice().await), (Channel::Sms, "+4740612345"));
    // The same address, at the same time.
    pair(&server, &nia, "ACTIVATION_REQUIRED", "+4740612345").await;
    assert_eq!(told(&server.message().await), (Channel::Sms, "+4740612345"));

    tell(&server, "NONE").await;
    pair(&server, &nia, "ACTIVE", "+4740612398").await;
    let events = events(&server).await;
    assert_eq!(events, 2, "nothing was queued for the last one");
}
