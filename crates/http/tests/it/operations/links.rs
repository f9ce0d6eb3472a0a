//! Every link that an answer shows leads somewhere.

use serde_json::{Value, json};

use crate::support::{Caller, Server};

fn links(value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if name == "_links" {
                    for (relation, link) in value.as_object().unwrap() {
                        let href = link["href"].as_str().unwrap();
                        found.push((relation.clone(), href.to_owned()));
                    }
                } else {
                    links(value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| links(item, found)),
        _ => {}
    }
}

async fn lead_somewhere(caller: &Caller<'_>, path: &str, expected: &[&str]) {
    let answer = caller.get(path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut found = Vec::new();
    links(&answer.body, &mut found);
    for relation in expected {
        assert!(
            found.iter().any(|(name, _)| name == relation),
            "{path} has {relation}: {found:?}"
        );
    }
    for (relation, href) in found {
        assert!(href.starts_with(&caller.server.base), "{href}");
        let linked = caller.get(&href).await;
        // A verb's link names a path on which nothing may be read.
        assert!(
            matches!(linked.status, 200 | 405),
            "{relation} of {path}: {href} answers {}",
            linked.status
        );
    }
}

#[tokio::test]
async fn links_lead_to_what_is_served() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("links").await;
    let base = format!("/v1/environments/{environment}");
    let user = admin
        .post(&format!("{base}/users"), json!({ "username": "nia.berg" }))
        .await;
    assert_eq!(user.status, 201, "{user:?}");
    let user = format!("{base}/users/{}", user.id());
    let device = json!({ "type": "SMS", "phone": "+49.3055501234" });
    assert_eq!(
        admin.post(&format!("{user}/devices"), device).await.status,
        201
    );
    let application = json!({
        "name": "shop", "enabled": true, "type": "WORKER", "protocol": "OPENID_CONNECT",
        "grantTypes": ["CLIENT_CREDENTIALS"], "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC",
    });
    let application = admin
        .post(&format!("{base}/applications"), application)
        .await
        .id();
    admin
        .post(&format!("{base}/resources"), json!({ "name": "payments" }))
        .await;
    lead_somewhere(
        &admin,
        "/v1/organizations",
        &["self", "licenses", "environments"],
    )
    .await;
    let of_environment = [
        "self",
        "organization",
        "license",
        "populations",
        "users",
        "applications",
        "resources",
        "passwordPolicies",
        "signOnPolicies",
        "templates",
        "billOfMaterials",
    ];
    lead_somewhere(&admin, &base, &of_environment).await;
    let of_user = [
        "self",
        "environment",
        "population",
        "devices",
        "password",
        "password.set",
        "password.reset",
        "password.check",
    ];
    lead_somewhere(&admin, &user, &of_user).await;
    let of_application = [
        "self",
        "environment",
        "secret",
        "grants",
        "signOnPolicyAssignments",
        "roleAssignments",
    ];
    let path = format!("{base}/applications/{application}");
    lead_somewhere(&admin, &path, &of_application).await;
    for (path, expected) in [
        (
            format!("{path}/secret"),
            &["self", "application", "environment"][..],
        ),
        (
            format!("{user}/password"),
            &["self", "user", "environment", "passwordPolicy"],
        ),
        (format!("{user}/devices"), &["self", "user", "environment"]),
        (format!("{base}/resources"), &["scopes", "secret"]),
        (format!("{base}/signOnPolicies"), &["actions"]),
        (format!("{base}/populations"), &["environment"]),
        (format!("{base}/templates"), &["contents"]),
        (format!("{base}/mfaSettings"), &["self", "environment"]),
        (format!("{base}/notificationsPolicies"), &["environment"]),
        (
            format!("{base}/deviceAuthenticationPolicies"),
            &["environment"],
        ),
    ] {
        lead_somewhere(&admin, &path, expected).await;
    }
}
