//! MFA settings, templates, and the policies.

use serde_json::json;
use stepgate_domain::access::Role;

use crate::support::{NOBODY, Server, ids};

#[tokio::test(flavor = "multi_thread")]
async fn mfa_settings_are_replaced_and_reset() {
    let server = Server::delivering().await;
    let born = server.get("/mfaSettings").await.json(200);
    assert_eq!(
        born["pairing"],
        json!({ "maxAllowedDevices": 5, "pairingKeyFormat": "NUMERIC" })
    );
    assert_eq!(born["phoneExtensions"], json!({ "enabled": false }));
    assert_eq!(born["users"], json!({ "mfaEnabled": false }));
    assert!(born.get("lockout").is_none() && born.get("id").is_none());
    assert_eq!(born["environment"]["id"], server.environment.to_string());
    assert!(born["updatedAt"].is_string());
    assert!(
        born["_links"]["self"]["href"]
            .as_str()
            .unwrap()
            .ends_with("/mfaSettings")
    );

    let body = json!({ "pairing": { "maxAllowedDevices": 7, "pairingKeyFormat": "ALPHANUMERIC" },
        "lockout": { "failureCount": 4, "durationSeconds": 60 } });
    let put = server.put("/mfaSettings", body.clone()).await.json(200);
    assert_eq!(put["pairing"], body["pairing"]);
    assert_eq!(put["lockout"], body["lockout"]);
    assert_eq!(put["users"], json!({ "mfaEnabled": true }));
    let user = server
        .post("/users", json!({ "username": "nia" }))
        .await
        .json(201);
    assert_eq!(user["mfaEnabled"], true);
    let user = json!({ "username": "kim", "mfaEnabled": false });
    let user = server.post("/users", user).await.json(201);
    assert_eq!(user["mfaEnabled"], false);

    let again = server.get("/mfaSettings").await.json(200);
    let again = server.put("/mfaSettings", again).await.json(200);
    assert_eq!(
        (&again["pairing"], &again["lockout"]),
        (&put["pairing"], &put["lockout"])
    );
    let deleted = server.delete("/mfaSettings").await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    let reset = server.get("/mfaSettings").await.json(200);
    assert_eq!(
        (&reset["pairing"], &reset["users"]),
        (&born["pairing"], &born["users"])
    );

    let wrong = json!({ "pairing": { "maxAllowedDevices": 16, "pairingKeyFormat": "ROMAN" } });
    let wrong = server.put("/mfaSettings", wrong).await;
    let mut told = wrong.refused(400, "INVALID_DATA");
    told.sort();
    assert_eq!(told.len(), 2);
    assert_eq!(
        told[1],
        (
            "OUT_OF_RANGE".to_owned(),
            "pairing.maxAllowedDevices".to_owned()
        )
    );
    server.put("/mfaSettings", json!({})).await.refused_for(
        400,
        "INVALID_DATA",
        "REQUIRED_VALUE",
        "pairing",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_administrators_read_the_settings_and_do_not_write_them() {
    let server = Server::delivering().await;
    let environment = server.environment.to_string();
    let role = Role::IdentityDataAdmin.id();
    let admin = server.worker_with(role, "ENVIRONMENT", &environment).await;
    server
        .by(&admin, "GET", "/mfaSettings", None)
        .await
        .json(200);
    server
        .by(&admin, "DELETE", "/mfaSettings", None)
        .await
        .refused(403, "ACCESS_FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_and_their_contents_are_read() {
    let server = Server::delivering().await;
    let all = server.get("/templates").await.json(200);
    assert_eq!(
        ids(&all, "templates"),
        [
            "device_pairing",
            "new_device_paired",
            "strong_authentication"
        ]
    );
    assert_eq!((&all["count"], &all["size"]), (&json!(3), &json!(3)));
    let first = server.get("/templates?limit=2").await.json(200);
    let next = first["_links"]["next"]["href"].as_str().unwrap();
    let second = server
        .get(&next[next.find("/v1").unwrap()..])
        .await
        .json(200);
    assert_eq!(ids(&second, "templates"), ["strong_authentication"]);
    assert!(second["_links"].get("next").is_none());

    let one = server.get("/templates/device_pairing").await.json(200);
    assert_eq!(one["deliveryMethods"], json!(["SMS", "Email"]));
    assert_eq!(one["variables"]["otp"]["required"], true);
    assert!(one["_links"]["contents"]["href"].is_string());
    let contents = server
        .get("/templates/device_pairing/contents")
        .await
        .json(200);
    for content in contents["_embedded"]["contents"].as_array().unwrap() {
        let id = content["id"].as_str().unwrap();
        let path = format!("/templates/device_pairing/contents/{id}");
        assert_eq!(&server.get(&path).await.json(200), content);
        assert_eq!(content["default"], true);
    }
    server
        .get("/templates/transaction")
        .await
        .refused(404, "NOT_FOUND");
    let unknown = format!("/templates/device_pairing/contents/{NOBODY}");
    server.get(&unknown).await.refused(404, "NOT_FOUND");
    server
        .post("/templates/device_pairing/contents", json!({}))
        .await
        .refused(405, "METHOD_NOT_ALLOWED");
    server.get("/templates?filter=x").await.refused_for(
        400,
        "INVALID_REQUEST",
        "INVALID_FILTER",
        "filter",
    );
}

/// What each policy type says when its default is to be deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_default_policy_cannot_be_deleted() {
    let server = Server::delivering().await;
    for (collection, sentence) in [
        (
            "passwordPolicies",
            "Default Password Policy can not be deleted",
        ),
        (
            "deviceAuthenticationPolicies",
            "remove default device authentication policy",
        ),
        (
            "notificationsPolicies",
            "remove default notifications policy",
        ),
    ] {
        let all = server.get(&format!("/{collection}")).await.json(200);
        let all = all["_embedded"][collection].as_array().unwrap().clone();
        let default = all.iter().find(|policy| policy["default"] == true).unwrap();
        let path = format!("/{collection}/{}", default["id"].as_str().unwrap());
        let refused = server.delete(&path).await;
        assert_eq!(
            refused.refused(400, "INVALID_DATA")[0].0,
            "CONSTRAINT_VIOLATION"
        );
        let message = refused.body["details"][0]["message"].as_str().unwrap();
        assert!(message.contains(sentence), "{message}");

        let read = server.get(&path).await.json(200);
        let put = server.put(&path, read.clone()).await.json(200);
        assert_eq!(put["default"], true);
        let mut copy = read.clone();
        copy["name"] = json!("Copy");
        copy["default"] = json!(true);
        // The platform answers the creation of this one kind so.
        let status = match collection {
            "notificationsPolicies" => 200,
            _ => 201,
        };
        let made = server
            .post(&format!("/{collection}"), copy)
            .await
            .json(status);
        assert_eq!(made["default"], true);
        assert_eq!(server.get(&path).await.json(200)["default"], false);
        let former = server.delete(&path).await;
        if collection == "deviceAuthenticationPolicies" {
            // The sign-on policies that an environment is born with name it.
            former.refused_for(400, "INVALID_DATA", "CONSTRAINT_VIOLATION", "id");
        } else {
            former.json(204);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_and_the_default_population_stay() {
    let server = Server::delivering().await;
    let default = format!("/populations/{}", server.default_population().await);
    let last = server.delete(&default).await;
    last.refused(400, "INVALID_DATA");
    let message = last.body["details"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("must contain at least one population"),
        "{message}"
    );
    let other = server.population("Other").await;
    let kept = server.delete(&default).await;
    assert_eq!(
        kept.refused(400, "INVALID_DATA")[0].0,
        "CONSTRAINT_VIOLATION"
    );
    server
        .delete(&format!("/populations/{other}"))
        .await
        .json(204);
    let missing = server.get(&format!("/populations/{other}")).await;
    missing.refused(404, "NOT_FOUND");
    let expected = format!(
        "Unable to find population with ID: '{other}' in environment '{}'",
        server.environment
    );
    assert_eq!(missing.body["message"], expected);
}
