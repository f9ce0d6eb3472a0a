//! The members that the pages say are refused, limited, or kept without effect.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::pages::{Row, rows};
use crate::support::{Answer, Server};

/// What the column `Of` may say: how and where the object is made, and the least body of it.
async fn least(server: &Server, name: &str, told: &str) -> (&'static str, String, Value) {
    let post = |path: &str, body: Value| ("POST", path.to_owned(), body);
    let application = |application_type: &str| {
        post(
            "applications",
            json!({ "name": told, "enabled": true, "type": application_type,
                "protocol": "OPENID_CONNECT", "grantTypes": ["CLIENT_CREDENTIALS"],
                "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC" }),
        )
    };
    let below =
        |owner: String, collection: &str, body: Value| post(&format!("{owner}/{collection}"), body);
    let policy = async || {
        let policies = server.get("signOnPolicies").await.json(200);
        let policy = policies["_embedded"]["signOnPolicies"][0]["id"].as_str();
        format!("signOnPolicies/{}", policy.unwrap())
    };
    match name {
        "WEB_APP" | "NATIVE_APP" | "SERVICE" | "WORKER" => application(name),
        "resources" | "populations" => post(name, json!({ "name": told })),
        "deviceAuthenticationPolicies" => {
            let on = json!({ "enabled": true });
            post(
                name,
                json!({ "name": told, "sms": on, "mobile": on, "totp": on, "fido2": on }),
            )
        }
        "notificationsPolicies" => post(name, json!({ "name": told, "quotas": [] })),
        "mfaSettings" => {
            let pairing = json!({ "maxAllowedDevices": 5, "pairingKeyFormat": "NUMERIC" });
            ("PUT", name.to_owned(), json!({ "pairing": pairing }))
        }
        "devices" => {
            let device = json!({ "type": "EMAIL", "email": "told@corp.example" });
            below(server.user(told).await, name, device)
        }
        "scopes" => {
            let resource = server.create("resources", json!({ "name": told })).await;
            let owner = format!("resources/{}", resource["id"].as_str().unwrap());
            below(owner, name, json!({ "name": told }))
        }
        "LOGIN" => below(
            policy().await,
            "actions",
            json!({ "type": name, "priority": 1 }),
        ),
        "MULTI_FACTOR_AUTHENTICATION" => below(
            policy().await,
            "actions",
            json!({ "type": name, "priority": 2 }),
        ),
        other => panic!("no least body of {other}"),
    }
}

/// Sends the member in the first cell, in an object of its own.
async fn send(server: &Server, row: &Row, value: &Value) -> Answer {
    let mut hasher = DefaultHasher::new();
    (row.cells.as_slice(), value.to_string()).hash(&mut hasher);
    let told = format!("told-{:x}", hasher.finish());
    let (method, path, mut body) = least(server, row.code(1)[0], &told).await;
    place(&mut body, &row.code(0)[0].replace('.', "/"), value.clone());
    server.call(method, &path, Some(body)).await
}

fn place(body: &mut Value, path: &str, value: Value) {
    match path.split_once('/') {
        Some((first, rest)) => place(&mut body[first], rest, value),
        None => body[path] = value,
    }
}

fn found<'a>(row: &Row, answer: &'a Answer) -> Option<&'a Value> {
    let pointer = format!("/{}", row.code(0)[0].replace('.', "/"));
    answer.body.pointer(&pointer)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("{text} is no JSON"))
}

#[tokio::test]
async fn members_that_are_said_to_be_refused_are_refused_by_name() {
    let server = Server::without_senders().await;
    for row in rows("Refused member") {
        let target = row.code(0)[0];
        for value in row.code(2) {
            let answer = send(&server, &row, &json(value)).await;
            let details = answer.refused(400, "INVALID_DATA");
            let named = details.iter().any(|(code, place)| {
                let inside = place.strip_prefix(target);
                code == "INVALID_VALUE"
                    && inside.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
            });
            assert!(named, "{row:?} {value} {}", answer.text);
        }
        for value in row.code(3) {
            let answer = send(&server, &row, &json(value)).await;
            assert!(
                (200..300).contains(&answer.status),
                "{row:?} {}",
                answer.text
            );
        }
    }
}

#[tokio::test]
async fn members_that_are_said_to_be_kept_without_effect_are_told_again() {
    let server = Server::without_senders().await;
    for row in rows("Member without effect") {
        for value in row.code(2) {
            let value = json(value);
            let answer = send(&server, &row, &value).await;
            assert!(
                (200..300).contains(&answer.status),
                "{row:?} {}",
                answer.text
            );
            assert_eq!(found(&row, &answer), Some(&value), "{row:?}");
        }
    }
}
