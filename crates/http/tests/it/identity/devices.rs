//! Devices: paired by an administrator, ordered, blocked, removed.

use futures_util::future::join_all;
use serde_json::{Value, json};
use stepgate_domain::{authenticator::attempts::DeviceFailures, time::Duration};
use stepgate_store::{
    counters::{self, StoredCounter},
    engine::Batch,
};
use uuid::Uuid;

use crate::support::{Answer, NOBODY, Server, ids};

pub(crate) fn sms(number: u32) -> Value {
    json!({ "type": "SMS", "phone": format!("+47.4061{number:04}") })
}

pub(crate) fn unproved(mut device: Value) -> Value {
    device["status"] = json!("ACTIVATION_REQUIRED");
    device
}

pub(crate) async fn pair(server: &Server, user: &str, device: Value) -> Answer {
    server.post(&format!("{user}/devices"), device).await
}

/// The path of a new device.
pub(crate) async fn paired(server: &Server, user: &str, device: Value) -> String {
    let device = pair(server, user, device).await.json(201);
    format!("{user}/devices/{}", device["id"].as_str().unwrap())
}

pub(crate) async fn activate(server: &Server, device: &str, otp: &str) -> Answer {
    let body = json!({ "otp": otp });
    server
        .vendor("POST", device, "device.activate+json", Some(body))
        .await
}

pub(crate) async fn code(server: &Server) -> String {
    server.message().await.code.unwrap().expose().clone()
}

pub(crate) async fn order(server: &Server, user: &str) -> Vec<String> {
    let all = server.get(&format!("{user}/devices")).await.json(200);
    ids(&all, "devices")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrators_device_is_active_at_once() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let answer = pair(
        &server,
        &user,
        json!({ "type": "SMS", "phone": "+47 406 12 345",
        "nickname": "work phone" }),
    )
    .await;
    assert!(
        answer.headers["location"]
            .to_str()
            .unwrap()
            .contains("/devices/")
    );
    let device = answer.json(201);
    assert_eq!(device["type"], "SMS");
    assert_eq!(device["status"], "ACTIVE");
    assert_eq!(device["phone"], "+47 406 12 345");
    assert_eq!(device["nickname"], "work phone");
    assert_eq!(device["block"], json!({ "status": "UNBLOCKED" }));
    assert_eq!(device["lock"], json!({ "status": "UNLOCKED" }));
    assert_eq!(
        format!("/users/{}", device["user"]["id"].as_str().unwrap()),
        user
    );
    assert!(device["_links"].get("activate").is_none());
    assert!(device.get("pairing").is_none() && device.get("activatedAt").is_none());
    let id = device["id"].as_str().unwrap();
    let read = server.get(&format!("{user}/devices/{id}")).await.json(200);
    assert_eq!(read, device);
    assert!(server.no_message().await);

    let mail = json!({ "type": "EMAIL", "email": "nia@corp.example" });
    assert_eq!(
        pair(&server, &user, mail).await.json(201)["email"],
        "nia@corp.example"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_device_is_told_at_once() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let wrong = json!({ "type": "SMS", "phone": "call me", "testMode": true,
        "policy": { "id": NOBODY } });
    let mut told = pair(&server, &user, wrong)
        .await
        .refused(400, "INVALID_DATA");
    told.sort();
    let targets: Vec<_> = told.iter().map(|(_, target)| target.as_str()).collect();
    assert_eq!(targets, ["phone", "policy.id", "testMode"]);
    for (body, detail, target) in [
        (json!({}), "REQUIRED_VALUE", "type"),
        (json!({ "type": "SMS" }), "REQUIRED_VALUE", "phone"),
        (
            json!({ "type": "EMAIL", "email": "nobody" }),
            "INVALID_VALUE",
            "email",
        ),
        (json!({ "type": "TOTP" }), "INVALID_VALUE", "type"),
        (
            json!({ "type": "SMS", "phone": "+47.40612345", "status": "LOST" }),
            "INVALID_VALUE",
            "status",
        ),
    ] {
        pair(&server, &user, body)
            .await
            .refused_for(400, "INVALID_DATA", detail, target);
    }
    let nobody = format!("/users/{NOBODY}");
    pair(&server, &nobody, sms(1))
        .await
        .refused(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_paired_once_for_each_user() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    pair(
        &server,
        &user,
        json!({ "type": "SMS", "phone": "+47.40612345" }),
    )
    .await
    .json(201);
    let again = json!({ "type": "SMS", "phone": "+47 406 123 45" });
    pair(&server, &user, again.clone()).await.refused_for(
        400,
        "INVALID_DATA",
        "UNIQUENESS_VIOLATION",
        "phone",
    );
    let mail = |address: &str| json!({ "type": "EMAIL", "email": address });
    pair(&server, &user, mail("nia@corp.example"))
        .await
        .json(201);
    pair(&server, &user, mail("NIA@corp.example"))
        .await
        .refused_for(400, "INVALID_DATA", "UNIQUENESS_VIOLATION", "email");
    let other = server.user("kim").await;
    pair(&server, &other, again).await.json(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_number_of_parallel_pairings_passes_the_limit() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let answers = join_all((0..8).map(|number| pair(&server, &user, sms(number)))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 5);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.refused_for(400, "REQUEST_FAILED", "LIMIT_EXCEEDED", "devices");
        let detail = &answer.body["details"][0];
        assert_eq!(
            detail["message"],
            "Maximum allowed devices has been reached"
        );
        assert_eq!(detail["innerError"], json!({ "maximumAllowed": 5 }));
    }
    let listed = order(&server, &user).await;
    assert_eq!(listed.len(), 5);
    // Every one of them has its place in the order, which stands beside them.
    let all = server
        .get(&format!("{user}/devices?expand=order"))
        .await
        .json(200);
    let places: Vec<_> = listed.iter().map(|id| json!({ "id": id })).collect();
    assert_eq!(all["_embedded"]["order"], json!(places));
    assert_eq!(ids(&all, "devices"), listed);
    assert!(all["_embedded"]["devices"][0].get("order").is_none());
    let plain = server.get(&format!("{user}/devices")).await.json(200);
    assert!(plain["_embedded"].get("order").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_have_an_order_that_the_user_may_change_or_drop() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let mut made = Vec::new();
    for number in 0..3 {
        let device = paired(&server, &user, sms(number)).await;
        made.push(device.rsplit('/').next().unwrap().to_owned());
        server.advance(Duration::from_seconds(1));
    }
    let pending = paired(&server, &user, unproved(sms(7))).await;
    let pending = pending.rsplit('/').next().unwrap().to_owned();
    assert_eq!(order(&server, &user).await[..3], made[..]);
    let devices = format!("{user}/devices");
    let reorder = async |names: &[&String]| {
        let order: Vec<_> = names.iter().map(|id| json!({ "id": id })).collect();
        let body = json!({ "order": order });
        server
            .vendor("POST", &devices, "devices.reorder+json", Some(body))
            .await
    };
    let answer = reorder(&[&made[2], &made[0], &made[1]]).await.json(200);
    assert_eq!(
        ids(&answer, "devices")[..3],
        [made[2].clone(), made[0].clone(), made[1].clone()]
    );
    for wrong in [
        vec![&made[0], &made[1]],
        vec![&made[0], &made[1], &made[1]],
        vec![&made[0], &made[1], &made[2], &pending],
    ] {
        reorder(&wrong)
            .await
            .refused_for(400, "INVALID_DATA", "INVALID_VALUE", "order");
    }
    // When the first goes, the second is the default one.
    server
        .delete(&format!("{devices}/{}", made[2]))
        .await
        .json(204);
    assert_eq!(order(&server, &user).await[..2], made[..2]);
    reorder(&[&made[1], &made[0]]).await.json(200);

    let dropped = server
        .vendor("POST", &devices, "devices.order.remove+json", None)
        .await;
    let dropped = dropped.json(200);
    assert_eq!(ids(&dropped, "devices")[..2], made[..2]);
    let all = server
        .get(&format!("{devices}?expand=order"))
        .await
        .json(200);
    assert!(all["_embedded"].get("order").is_none());
    reorder(&[&made[1], &made[0]]).await.json(200);
    let dropped = server
        .vendor("DELETE", &devices, "devices.order.remove+json", None)
        .await;
    assert_eq!((dropped.status, dropped.text.as_str()), (204, ""));
    server
        .delete(&devices)
        .await
        .refused(415, "INVALID_REQUEST");
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_found_by_status_and_type() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    pair(&server, &user, sms(1)).await.json(201);
    pair(&server, &user, unproved(sms(2))).await.json(201);
    let mail = json!({ "type": "EMAIL", "email": "nia@corp.example" });
    pair(&server, &user, mail).await.json(201);
    for (filter, found) in [
        (r#"status eq "ACTIVE""#, 2),
        (r#"status eq "ACTIVATION_REQUIRED""#, 1),
        (r#"type eq "EMAIL""#, 1),
        (r#"(status eq "ACTIVE") AND (type eq "SMS")"#, 1),
    ] {
        let query: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let page = server
            .get(&format!("{user}/devices?filter={query}"))
            .await
            .json(200);
        assert_eq!(page["size"], found, "{filter}");
    }
    server
        .get(&format!("{user}/devices?filter=phone+eq+%22x%22"))
        .await
        .refused_for(400, "INVALID_REQUEST", "INVALID_FILTER", "filter");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_blocked_renamed_and_removed() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let device = paired(&server, &user, sms(1)).await;
    let blocked = server
        .vendor("POST", &device, "device.block+json", None)
        .await
        .json(200);
    let expected = json!({ "status": "BLOCKED", "blockedAt": "2026-01-31T12:00:00.000Z" });
    assert_eq!(blocked["block"], expected);
    let free = server
        .vendor("POST", &device, "device.unblock", None)
        .await
        .json(200);
    assert_eq!(free["block"], json!({ "status": "UNBLOCKED" }));

    let nickname = format!("{device}/nickname");
    let renamed = server
        .put(&nickname, json!({ "nickname": "old phone" }))
        .await
        .json(200);
    assert_eq!(
        (&renamed["nickname"], &renamed["id"]),
        (&json!("old phone"), &free["id"])
    );
    server
        .put(&nickname, json!({ "nickname": "" }))
        .await
        .refused_for(400, "INVALID_DATA", "EMPTY_VALUE", "nickname");
    for method in ["PUT", "PATCH"] {
        server
            .call(method, &device, Some(json!({ "nickname": "x" })))
            .await
            .refused(405, "METHOD_NOT_ALLOWED");
    }
    server
        .vendor("POST", &device, "device.lock+json", None)
        .await
        .refused(415, "INVALID_REQUEST");

    server.delete(&device).await.json(204);
    server.get(&device).await.refused(404, "NOT_FOUND");
    server.delete(&device).await.refused(404, "NOT_FOUND");
    let other = server.user("kim").await;
    let device = paired(&server, &user, sms(1)).await;
    let foreign = device.replace(&user, &other);
    server.get(&foreign).await.refused(404, "NOT_FOUND");
    server.delete(&foreign).await.refused(404, "NOT_FOUND");
    activate(&server, &foreign, "123456")
        .await
        .refused(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn unlocking_a_device_forgives_its_wrong_codes() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let device = paired(&server, &user, sms(1)).await;
    let environment: Uuid = server.environment;
    let subject = format!("device:{}", device.rsplit('/').next().unwrap());
    let failures = DeviceFailures {
        wrong: 2,
        round: 3,
        locked_until: Some(server.app.now() + Duration::from_minutes(5)),
        locked_at: Some(server.app.now()),
    };
    let counter = counters::write(StoredCounter {
        environment,
        subject: subject.clone(),
        version: 0,
        expires_at: server.app.now() + Duration::from_days(1),
        body: serde_json::to_string(&failures).unwrap(),
    });
    server.app.commit(Batch(vec![counter])).await.unwrap();
    let unlocked = server
        .vendor("POST", &device, "device.unlock+json", None)
        .await;
    assert_eq!(unlocked.json(200)["lock"], json!({ "status": "UNLOCKED" }));
    let found = counters::read(&*server.app.engine, environment, &[subject])
        .await
        .unwrap();
    let left: DeviceFailures = serde_json::from_str(&found[0].body).unwrap();
    assert_eq!(
        left,
        DeviceFailures {
            round: 3,
            ..DeviceFailures::default()
        }
    );
}
