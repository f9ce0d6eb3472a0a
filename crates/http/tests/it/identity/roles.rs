//! The role assignments of users: the same as those of applications, below another owner.

use serde_json::{Value, json};
use stepgate_domain::access::{Role, ScopeType};

use crate::support::{NOBODY, Server, ids};

fn assignment(role: Role, scope: ScopeType, id: &str) -> Value {
    json!({ "role": { "id": role.id().to_string() },
        "scope": { "id": id, "type": scope.as_str() } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_assigned_to_a_user_read_and_withdrawn() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let shown = server.get(&user).await.json(200);
    let path = format!("{user}/roleAssignments");
    let link = shown["_links"]["roleAssignments"]["href"].as_str().unwrap();
    assert!(link.ends_with(&path), "{link}");
    let none = server.get(&path).await.json(200);
    assert_eq!((&none["count"], &none["size"]), (&json!(0), &json!(0)));

    let environment = server.environment.to_string();
    let body = assignment(Role::EnvironmentAdmin, ScopeType::Environment, &environment);
    let made = server.post(&path, body.clone()).await;
    let (etag, location) = (made.etag(), made.headers["location"].clone());
    let made = made.json(201);
    let id = made["id"].as_str().unwrap().to_owned();
    assert!(
        location
            .to_str()
            .unwrap()
            .ends_with(&format!("{path}/{id}"))
    );
    assert_eq!(made["role"], body["role"]);
    assert_eq!(made["scope"], body["scope"]);
    assert_eq!(made["environment"]["id"], environment.as_str());
    assert_eq!(made["user"]["id"], shown["id"]);
    assert_eq!(made["readOnly"], false);
    assert_eq!(
        made["_links"]["self"]["href"],
        location.to_str().unwrap(),
        "{made:#}"
    );
    server
        .post(&path, body)
        .await
        .refused_for(400, "INVALID_DATA", "UNIQUENESS_VIOLATION", "role");
    let all = server.get(&path).await.json(200);
    assert_eq!(ids(&all, "roleAssignments"), [id.as_str()]);
    let one = server.get(&format!("{path}/{id}")).await;
    assert_eq!(one.etag(), etag);
    assert_eq!(one.json(200), made);
    for method in ["PUT", "PATCH"] {
        let refused = server
            .call(method, &format!("{path}/{id}"), Some(made.clone()))
            .await;
        refused.refused(405, "METHOD_NOT_ALLOWED");
    }
    server.delete(&format!("{path}/{id}")).await.json(204);
    server
        .get(&format!("{path}/{id}"))
        .await
        .refused(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_or_is_not_held_is_not_assigned() {
    use ScopeType::{Environment, Organization, Population};
    let server = Server::delivering().await;
    let path = format!("{}/roleAssignments", server.user("nia").await);
    let environment = server.environment.to_string();
    let organization = server.installation.organization.to_string();
    for (role, scope, id) in [
        (Role::EnvironmentAdmin, Population, environment.as_str()),
        (Role::OrganizationAdmin, Environment, &environment),
        (Role::ApplicationOwner, Organization, &organization),
    ] {
        let unfit = server.post(&path, assignment(role, scope, id)).await;
        unfit.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "scope");
    }
    for scope in [Environment, Population] {
        let body = assignment(Role::IdentityDataAdmin, scope, NOBODY);
        let unknown = server.post(&path, body).await;
        unknown.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "scope.id");
    }
    let admin = Role::EnvironmentAdmin.id();
    let admin = server.worker_with(admin, "ENVIRONMENT", &environment).await;
    let elsewhere = server.new_environment("Elsewhere").await;
    for (role, scope, id) in [
        (Role::OrganizationAdmin, Organization, organization.as_str()),
        (Role::EnvironmentAdmin, Organization, &organization),
        (Role::EnvironmentAdmin, Environment, &elsewhere),
        (Role::IdentityDataAdmin, Environment, &elsewhere),
        (Role::ClientApplicationDeveloper, Environment, &elsewhere),
    ] {
        let body = Some(assignment(role, scope, id));
        let refused = server.by(&admin, "POST", &path, body).await;
        refused.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "scope");
        let message = refused.body["details"][0]["message"].as_str().unwrap();
        assert!(message.starts_with("Must have role at the same or broader scope"));
    }
    for role in [
        Role::EnvironmentAdmin,
        Role::IdentityDataAdmin,
        Role::ClientApplicationDeveloper,
        Role::ApplicationOwner,
        Role::DaVinciAdmin,
    ] {
        let body = Some(assignment(role, Environment, &environment));
        server.by(&admin, "POST", &path, body).await.json(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_administers_identities_reads_and_assigns_no_roles() {
    let server = Server::delivering().await;
    let path = format!("{}/roleAssignments", server.user("nia").await);
    let environment = server.environment.to_string();
    for role in [
        Role::IdentityDataAdmin,
        Role::IdentityDataReadOnly,
        Role::ClientApplicationDeveloper,
    ] {
        let token = server
            .worker_with(role.id(), "ENVIRONMENT", &environment)
            .await;
        for own in [role, Role::IdentityDataAdmin] {
            let body = assignment(own, ScopeType::Environment, &environment);
            let refused = server.by(&token, "POST", &path, Some(body)).await;
            refused.refused(403, "ACCESS_FAILED");
        }
        let refused = server.by(&token, "GET", &path, None).await;
        refused.refused(403, "ACCESS_FAILED");
    }
    let reader = Role::ConfigurationReadOnly.id();
    let reader = server
        .worker_with(reader, "ENVIRONMENT", &environment)
        .await;
    server.by(&reader, "GET", &path, None).await.json(200);
    let body = assignment(
        Role::ConfigurationReadOnly,
        ScopeType::Environment,
        &environment,
    );
    server
        .by(&reader, "POST", &path, Some(body))
        .await
        .refused(403, "ACCESS_FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_is_found_below_its_holder_only() {
    let server = Server::delivering().await;
    let (nia, tor) = (server.user("nia").await, server.user("tor").await);
    let environment = server.environment.to_string();
    let body = assignment(
        Role::ConfigurationReadOnly,
        ScopeType::Environment,
        &environment,
    );
    let made = server
        .post(&format!("{nia}/roleAssignments"), body.clone())
        .await
        .json(201);
    let id = made["id"].as_str().unwrap();
    let elsewhere = server.new_environment("Elsewhere").await;
    let application = json!({ "name": "w", "enabled": true, "type": "WORKER",
        "protocol": "OPENID_CONNECT", "grantTypes": ["CLIENT_CREDENTIALS"],
        "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC" });
    let application = server.post("/applications", application).await;
    let application = application.json(201)["id"].as_str().unwrap().to_owned();
    for path in [
        format!("{tor}/roleAssignments/{id}"),
        format!("/applications/{application}/roleAssignments/{id}"),
        format!("/v1/environments/{elsewhere}{nia}/roleAssignments/{id}"),
        format!("/users/{NOBODY}/roleAssignments"),
        format!("/users/{NOBODY}/roleAssignments/{id}"),
        format!("/users/{application}/roleAssignments"),
        format!("/groups/{NOBODY}/roleAssignments"),
    ] {
        server.get(&path).await.refused(404, "NOT_FOUND");
        let gone = server.delete(&path).await;
        assert!(matches!(gone.status, 404 | 405), "{path}");
    }
    server
        .post(&format!("/users/{NOBODY}/roleAssignments"), body)
        .await
        .refused(404, "NOT_FOUND");
    server
        .get(&format!("{nia}/roleAssignments/{id}"))
        .await
        .json(200);
}
