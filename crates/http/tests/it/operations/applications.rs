//! Applications, and what belongs to one.

use serde_json::{Value, json};

use crate::support::Server;

fn web_app(members: &Value) -> Value {
    let mut body = json!({
        "name": "shop", "enabled": true, "type": "WEB_APP", "protocol": "OPENID_CONNECT",
        "grantTypes": ["AUTHORIZATION_CODE"], "responseTypes": ["CODE"],
        "redirectUris": ["https://app.example.test/cb"], "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC",
    });
    body.as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_wildcard_is_told_by_the_message_of_the_answer() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("wildcards").await;
    let path = format!("/v1/environments/{environment}/applications");
    let wild = json!({ "redirectUris": ["https://app.example.test/*"] });
    let refused = admin.post(&path, web_app(&wild)).await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (400, &json!("INVALID_DATA"))
    );
    let message = refused.body["message"].as_str().unwrap();
    assert!(
        message.starts_with("Wildcards are not allowed in redirect URIs."),
        "{message}"
    );
    assert_eq!(
        refused.details(),
        [("INVALID_VALUE".into(), "redirectUris[0]".into())]
    );
    let allowed = json!({ "redirectUris": ["https://app.example.test/*"], "allowWildcardInRedirectUris": true });
    assert_eq!(admin.post(&path, web_app(&allowed)).await.status, 201);
    // Other faults keep the sentence that clients know for them.
    let other = json!({ "redirectUris": ["not a uri"] });
    let refused = admin.post(&path, web_app(&other)).await;
    assert_eq!(
        refused.body["message"],
        "The request could not be completed. One or more validation errors were in the request."
    );
}

#[tokio::test]
async fn a_new_application_shows_the_documented_defaults() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("defaults").await;
    let path = format!("/v1/environments/{environment}/applications");
    // Members that clients send as null are as good as absent.
    let nulls = json!({ "mobile": null, "jwks": null, "signing": null, "template": null,
        "parRequirement": null, "refreshTokenType": null, "corsSettings": null, "description": null,
        "grantTypes": ["AUTHORIZATION_CODE", "REFRESH_TOKEN"] });
    let created = admin.post(&path, web_app(&nulls)).await;
    assert_eq!(created.status, 201, "{created:?}");
    let body = &created.body;
    assert_eq!(body["clientId"], body["id"]);
    assert_eq!(body["environment"]["id"], environment.as_str());
    for (name, value) in [
        ("hiddenFromAppPortal", json!(false)),
        ("pkceEnforcement", json!("OPTIONAL")),
        ("parRequirement", json!("OPTIONAL")),
        ("parTimeout", json!(60)),
        ("refreshTokenDuration", json!(2_592_000)),
        ("refreshTokenRollingDuration", json!(15_552_000)),
        ("allowWildcardInRedirectUris", json!(false)),
        ("opSessionCheckEnabled", json!(false)),
        ("idpSignoff", json!(false)),
        ("requestScopesForMultipleResourcesEnabled", json!(false)),
        ("includeX5t", json!(false)),
        ("additionalRefreshTokenReplayProtectionEnabled", json!(true)),
        ("devicePollingInterval", json!(5)),
        ("deviceTimeout", json!(600)),
        ("supportUnsignedRequestObject", json!(false)),
    ] {
        assert_eq!(body[name], value, "{name}");
    }
    for absent in ["description", "mobile", "corsSettings", "accessControl"] {
        assert!(body.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn a_replacement_clears_what_it_leaves_out_and_keeps_what_cannot_change() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("clearing").await;
    let path = format!("/v1/environments/{environment}/applications");
    let full = json!({ "description": "d", "homePageUrl": "https://app.example.test/",
        "supportUnsignedRequestObject": true, "parTimeout": 90 });
    let created = admin.post(&path, web_app(&full)).await;
    let own = format!("{path}/{}", created.id());
    let replaced = admin.put(&own, web_app(&json!({}))).await;
    assert_eq!(replaced.status, 200, "{replaced:?}");
    assert!(replaced.body.get("description").is_none());
    assert!(replaced.body.get("homePageUrl").is_none());
    assert_eq!(replaced.body["supportUnsignedRequestObject"], false);
    assert_eq!(replaced.body["parTimeout"], 60);
    let other = admin
        .put(&own, web_app(&json!({ "type": "NATIVE_APP" })))
        .await;
    assert_eq!(other.details(), [("INVALID_VALUE".into(), "type".into())]);
}

#[tokio::test]
async fn everything_below_an_application_names_it() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("owners").await;
    let base = format!("/v1/environments/{environment}");
    let application = admin
        .post(&format!("{base}/applications"), web_app(&json!({})))
        .await
        .id();
    let resource = admin
        .post(&format!("{base}/resources"), json!({ "name": "payments" }))
        .await
        .id();
    let scope = admin
        .post(
            &format!("{base}/resources/{resource}/scopes"),
            json!({ "name": "payments:write" }),
        )
        .await;
    assert_eq!(scope.body["resource"]["id"], resource.as_str());
    let policies = admin.get(&format!("{base}/signOnPolicies")).await;
    let policy = &policies.body["_embedded"]["signOnPolicies"][0]["id"];
    let role = "0bd9c966-7664-4ac1-b059-0ff9293908e2";
    for (collection, body) in [
        (
            "grants",
            json!({ "resource": { "id": resource }, "scopes": [{ "id": scope.id() }] }),
        ),
        (
            "signOnPolicyAssignments",
            json!({ "signOnPolicy": { "id": policy }, "priority": 1 }),
        ),
        (
            "roleAssignments",
            json!({ "role": { "id": role }, "scope": { "id": environment, "type": "ENVIRONMENT" } }),
        ),
    ] {
        let path = format!("{base}/applications/{application}/{collection}");
        let created = admin.post(&path, body.clone()).await;
        assert_eq!(created.status, 201, "{created:?}");
        let listed = admin.get(&path).await;
        let [item] = listed.body["_embedded"][collection]
            .as_array()
            .unwrap()
            .as_slice()
        else {
            panic!("{listed:?}")
        };
        assert_eq!(item, &created.body, "{collection}");
        assert_eq!(item["application"]["id"], application.as_str());
        assert_eq!(item["environment"]["id"], environment.as_str());
        for relation in ["self", "environment", "application"] {
            assert!(item["_links"][relation]["href"].is_string(), "{relation}");
        }
        let again = admin.post(&path, body).await;
        assert_eq!(again.status, 400, "{collection} twice");
        assert_eq!(again.details()[0].0, "UNIQUENESS_VIOLATION", "{collection}");
    }
}

#[tokio::test]
async fn assignments_are_listed_by_priority() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("priorities").await;
    let base = format!("/v1/environments/{environment}");
    let application = admin
        .post(&format!("{base}/applications"), web_app(&json!({})))
        .await
        .id();
    let path = format!("{base}/applications/{application}/signOnPolicyAssignments");
    let policies = admin.get(&format!("{base}/signOnPolicies")).await;
    let policies = policies.body["_embedded"]["signOnPolicies"]
        .as_array()
        .unwrap();
    for (policy, priority) in policies.iter().zip([7, 2]) {
        let body = json!({ "signOnPolicy": { "id": policy["id"] }, "priority": priority });
        assert_eq!(admin.post(&path, body).await.status, 201);
    }
    let listed = admin.get(&path).await;
    let priorities: Vec<_> = listed.body["_embedded"]["signOnPolicyAssignments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["priority"].as_u64().unwrap())
        .collect();
    assert_eq!(priorities, [2, 7]);
}
