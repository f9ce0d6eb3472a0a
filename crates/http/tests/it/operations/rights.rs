//! What a caller may hand out: roles, and secrets.

use serde_json::json;
use stepgate_domain::{
    access::{Role, ScopeType},
    time::Duration,
};

use super::conventions::creatable;
use crate::support::Server;

#[tokio::test]
async fn nobody_assigns_more_than_they_hold() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("roles").await;
    let worker = admin
        .worker(
            &environment,
            Role::EnvironmentAdmin,
            (ScopeType::Environment, &environment),
        )
        .await;
    let applications = format!("/v1/environments/{environment}/applications");
    let id = worker
        .post(&applications, json!({ "name": "w", "enabled": true, "type": "WORKER", "protocol": "OPENID_CONNECT",
            "grantTypes": ["CLIENT_CREDENTIALS"], "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC" }))
        .await
        .id();
    let path = format!("{applications}/{id}/roleAssignments");
    let assign = |role: Role, scope: ScopeType, to: &str| {
        let scope = json!({ "id": to, "type": scope.as_str() });
        worker.post(
            &path,
            json!({ "role": { "id": role.id().to_string() }, "scope": scope }),
        )
    };
    let organization = server.installation.organization.to_string();
    let refused = assign(
        Role::OrganizationAdmin,
        ScopeType::Organization,
        &organization,
    )
    .await;
    assert_eq!(refused.status, 400, "{refused:?}");
    let message = refused.body["details"][0]["message"].as_str().unwrap();
    assert!(
        message.starts_with("Must have role at the same or broader scope"),
        "{message}"
    );
    let elsewhere = admin.environment("elsewhere").await;
    assert_eq!(
        assign(Role::IdentityDataAdmin, ScopeType::Environment, &elsewhere)
            .await
            .status,
        400
    );
    assert_eq!(
        assign(
            Role::IdentityDataAdmin,
            ScopeType::Environment,
            &environment
        )
        .await
        .status,
        201
    );
    assert_eq!(
        assign(
            Role::ConfigurationReadOnly,
            ScopeType::Environment,
            &environment
        )
        .await
        .status,
        201
    );
    let unfit = assign(Role::EnvironmentAdmin, ScopeType::Population, &environment).await;
    assert_eq!(unfit.details()[0].1, "scope");
}

#[tokio::test]
async fn a_secret_is_rotated_with_a_time_of_grace() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("secrets").await;
    let base = format!("/v1/environments/{environment}/applications");
    let application = admin.post(&base, creatable().remove(0).1).await;
    assert!(application.body.get("secret").is_none(), "{application:?}");
    let path = format!("{base}/{}/secret", application.id());
    let first = admin.get(&path).await;
    let secret = first.body["secret"].as_str().unwrap().to_owned();
    assert!(secret.len() >= 64);
    let late = server.now() + Duration::from_days(1);
    let rotated = admin
        .post(&path, json!({ "previous": { "expiresAt": late } }))
        .await;
    assert_eq!(rotated.status, 200, "{rotated:?}");
    assert_ne!(rotated.body["secret"], secret.as_str());
    assert_eq!(rotated.body["previous"]["secret"], secret.as_str());
    assert_eq!(admin.delete(&path).await.status, 204);
    assert!(admin.get(&path).await.body.get("previous").is_none());
    let unknown = format!("{base}/00000000-0000-4000-8000-000000000001/secret");
    let answer = admin.get(&unknown).await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.body["message"],
        "The request could not be completed. The requested resource was not found."
    );
}
