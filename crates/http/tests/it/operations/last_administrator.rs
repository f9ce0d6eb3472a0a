//! Somebody is always left who administers the organization and can get a token.

use futures_util::future::join;
use serde_json::{Value, json};
use stepgate_domain::access::{Role, ScopeType};

use crate::support::{Answer, Caller, Server, id};

fn application(server: &Server, id: &str) -> String {
    format!("/v1/environments/{}/applications/{id}", server.environment)
}

fn top_role(server: &Server) -> Value {
    json!({ "role": { "id": Role::OrganizationAdmin.id().to_string() },
        "scope": { "id": server.installation.organization, "type": ScopeType::Organization.as_str() } })
}

/// Another worker that holds as much as the first one: its id, and a caller with its token.
async fn second<'a>(server: &'a Server, environment: &str) -> (String, Caller<'a>) {
    let admin = server.admin();
    let path = format!("/v1/environments/{environment}/applications");
    let body = json!({ "name": "Second", "enabled": true, "type": "WORKER",
        "protocol": "OPENID_CONNECT", "grantTypes": ["CLIENT_CREDENTIALS"],
        "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC" });
    let id = id(&admin.post(&path, body).await.json(201));
    let held = application(server, &server.installation.client.to_string());
    let held = admin
        .get(&format!("{held}/roleAssignments"))
        .await
        .json(200);
    for held in held["_embedded"]["roleAssignments"].as_array().unwrap() {
        let body = json!({ "role": held["role"], "scope": held["scope"] });
        let path = format!("{path}/{id}/roleAssignments");
        admin.post(&path, body).await.json(201);
    }
    let token = server.token_of(environment.parse().unwrap(), &id).await;
    (id, Caller { server, token })
}

async fn changed(by: &Caller<'_>, path: &str, members: Value) -> Answer {
    let mut body = by.get(path).await.body;
    if let Some(body) = body.as_object_mut() {
        body.extend(members.as_object().unwrap().clone());
    }
    by.put(path, body).await
}

#[track_caller]
fn is_refused(answer: &Answer) {
    answer.refused_for(400, "INVALID_DATA", "CONSTRAINT_VIOLATION", "id");
}

/// All that would end the worker of `init` as an administrator, but for its deletion.
async fn endings(server: &Server, by: &Caller<'_>) -> Vec<Answer> {
    let own = application(server, &server.installation.client.to_string());
    let users_only = json!({ "grantTypes": ["AUTHORIZATION_CODE"], "responseTypes": ["CODE"],
        "redirectUris": ["https://console.example.test/cb"] });
    let environment = format!("/v1/environments/{}", server.environment);
    let pending = json!({ "status": "DELETE_PENDING" });
    vec![
        changed(by, &own, json!({ "enabled": false })).await,
        changed(by, &own, users_only).await,
        by.put(&format!("{environment}/status"), pending).await,
    ]
}

#[tokio::test]
async fn the_last_administrator_cannot_be_ended() {
    let server = Server::start().await;
    let admin = server.admin();
    for answer in endings(&server, &admin).await {
        is_refused(&answer);
    }
    let own = application(&server, &server.installation.client.to_string());
    is_refused(&admin.delete(&own).await);
    let held = admin.get(&format!("{own}/roleAssignments")).await.json(200);
    let held = held["_embedded"]["roleAssignments"].as_array().unwrap();
    let top = held
        .iter()
        .find(|held| held["role"] == top_role(&server)["role"]);
    let top = format!("{own}/roleAssignments/{}", id(top.unwrap()));
    is_refused(&admin.delete(&top).await);
    // Somebody who can get no token makes no difference.
    let user = server.user("nia").await;
    server
        .post(&format!("{user}/roleAssignments"), top_role(&server))
        .await
        .json(201);
    is_refused(&admin.delete(&own).await);

    // Somebody who can does: then it is one of two who goes.
    let elsewhere = server.new_environment("Elsewhere").await;
    let (_, second) = second(&server, &elsewhere).await;
    for answer in endings(&server, &second).await {
        answer.json(200);
    }
    let status = format!("/v1/environments/{elsewhere}/status");
    let pending = json!({ "status": "DELETE_PENDING" });
    is_refused(&second.put(&status, pending).await);
    let active = json!({ "status": "ACTIVE" });
    let status = format!("/v1/environments/{}/status", server.environment);
    second.put(&status, active).await.json(200);
    second.delete(&top).await.json(204);
    second.delete(&own).await.json(204);
}

#[tokio::test]
async fn a_user_is_an_administrator_where_there_is_a_console() {
    let server = Server::start().await;
    let user = server.user("nia").await;
    let roles = format!("{user}/roleAssignments");
    server.post(&roles, top_role(&server)).await.json(201);
    let console = json!({ "name": "Console", "enabled": true, "type": "WORKER",
        "protocol": "OPENID_CONNECT", "grantTypes": ["AUTHORIZATION_CODE"], "responseTypes": ["CODE"],
        "redirectUris": ["https://console.example.test/cb"],
        "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC" });
    let console = id(&server.create("applications", console).await);
    let console = application(&server, &console);
    let (id, second) = second(&server, &server.environment.to_string()).await;
    let own = application(&server, &server.installation.client.to_string());
    second.delete(&own).await.json(204);
    let last = application(&server, &id);
    // With the console the user is left, without it nobody.
    changed(&second, &last, json!({ "description": "last" }))
        .await
        .json(200);
    let off = json!({ "enabled": false });
    changed(&second, &console, off.clone()).await.json(200);
    is_refused(&second.delete(&last).await);
    changed(&second, &console, json!({ "enabled": true }))
        .await
        .json(200);
    let path = format!("/v1/environments/{}{user}", server.environment);
    second.put(&format!("{path}/enabled"), off).await.json(200);
    is_refused(&second.delete(&last).await);
    let on = json!({ "enabled": true });
    second.put(&format!("{path}/enabled"), on).await.json(200);
    second.delete(&last).await.json(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_administrators_do_not_end_each_other() {
    let server = Server::start().await;
    let first = server.admin();
    let (id, second) = second(&server, &server.environment.to_string()).await;
    let of_first = application(&server, &server.installation.client.to_string());
    let of_second = application(&server, &id);
    let with = async |path: &str, enabled: bool| {
        let mut body = first.get(path).await.json(200);
        body["enabled"] = enabled.into();
        body
    };
    let (end_first, end_second) = (with(&of_first, false).await, with(&of_second, false).await);
    let (save_first, save_second) = (with(&of_first, true).await, with(&of_second, true).await);
    for _ in 0..16 {
        let (one, other) = join(
            first.put(&of_second, end_second.clone()),
            second.put(&of_first, end_first.clone()),
        )
        .await;
        let done = [&one, &other].map(|answer| answer.status == 200);
        assert_ne!(done, [true, true], "both were ended");
        let lost = if done[0] { &other } else { &one };
        assert!(matches!(lost.status, 400 | 401), "{}", lost.text);
        let (survivor, path, saved) = if done[0] {
            (&first, &of_second, &save_second)
        } else {
            (&second, &of_first, &save_first)
        };
        survivor.put(path, saved.clone()).await.json(200);
    }
}

#[tokio::test]
async fn a_recovered_worker_is_served_whatever_became_of_its_environment() {
    let server = Server::start().await;
    let elsewhere = server.new_environment("Elsewhere").await;
    let (_, second) = second(&server, &elsewhere).await;
    for answer in endings(&server, &second).await {
        answer.json(200);
    }
    let recovered = stepgate_app::provisioning::recover(&server.app).await;
    let recovered = recovered.unwrap().unwrap();
    let recovered = recovered.commit(&server.app).await.unwrap();
    assert_eq!(recovered.environment.uuid(), server.environment);
    server.app.cache.forget(server.environment);
    let client = crate::support::TestClient {
        id: recovered.client.to_string(),
        secret: recovered.client_secret.expose().clone(),
    };
    let form = [("grant_type", "client_credentials")];
    let token = server.token(&client, &form).await.json(200);
    let token = crate::support::text(&token, "access_token");
    let caller = Caller {
        server: &server,
        token,
    };
    let own = application(&server, &server.installation.client.to_string());
    caller.delete(&own).await.json(204);
}
