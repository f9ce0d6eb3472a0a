//! Roads by which somebody who administers less might become one of those who administer more.

use reqwest::Method;
use serde_json::{Value, json};
use stepgate_domain::access::{Role, ScopeType};

use super::user_roles::{
    ask_once_an_hour, assign, assignment, begun, call, finish, on_environment, sign_on_for, status,
    worker,
};
use crate::support::{Flow, TestClient, held::Trial, id, text};

const OWN: &str = "openid p1:read:user p1:update:user p1:create:device";

/// Lets the users of an application ask for scopes on their own account.
async fn grant_own_scopes(trial: &Trial, client: &TestClient) {
    let body = own_scopes(trial).await;
    let path = format!("applications/{}/grants", client.id);
    trial.server.create(&path, body).await;
}

async fn own_scopes(trial: &Trial) -> Value {
    let resources = trial.get("resources").await;
    let resources = resources["_embedded"]["resources"].as_array().unwrap();
    let platform = resources.iter().find(|it| it["type"] == "PINGONE_API");
    let platform = id(platform.unwrap());
    let scopes = trial.get(&format!("resources/{platform}/scopes")).await;
    let scopes = scopes["_embedded"]["scopes"].as_array().unwrap();
    let wanted = scopes
        .iter()
        .filter(|scope| OWN.split(' ').any(|name| scope["name"] == name));
    let wanted: Vec<Value> = wanted.map(|scope| json!({ "id": scope["id"] })).collect();
    json!({ "resource": { "id": platform }, "scopes": wanted })
}

/// What the token reaches of the user: reading, changing, pairing.
async fn reached(trial: &Trial, token: &str, user: &str) -> [u16; 3] {
    let path = format!("users/{user}");
    let mail = json!({ "type": "EMAIL", "email": format!("{}@else.example", trial.now()) });
    let nickname = json!({ "nickname": "M" });
    [
        status(trial, token, &path).await,
        call(trial, token, Method::PATCH, &path, nickname)
            .await
            .status,
        call(trial, token, Method::POST, &format!("{path}/devices"), mail)
            .await
            .status,
    ]
}

const ALL: [u16; 3] = [200, 200, 201];
const NOTHING: [u16; 3] = [403; 3];

/// A sign-on by a hint, for the scopes on the own account.
async fn hinted(trial: &Trial, name: &str) -> String {
    trial.wait(11);
    trial.sent().await;
    let hint = trial.hint(name);
    let with = [("login_hint_token", hint.as_str()), ("scope", OWN)];
    let flow = Flow::of(&begun(trial, &trial.client, &with, "").await);
    let code = trial.code().await;
    trial.server.check(&flow, &code).await.json(200);
    finish(trial, &trial.client, &flow).await.0
}

#[tokio::test]
async fn own_scopes_of_a_user_with_roles_want_a_fresh_second_factor() {
    let trial = Trial::start().await;
    grant_own_scopes(&trial, &trial.client).await;
    ask_once_an_hour(&trial).await;
    let boss = trial.user.clone();
    let role = on_environment(&trial, &boss, Role::EnvironmentAdmin).await;

    let (fresh, session) = sign_on_for(&trial, &trial.client, "mira.k", OWN).await;
    assert_eq!(reached(&trial, &fresh, &boss).await, ALL);
    // The session vouches for its user, but nothing was proved in this sign-on.
    let silent = [("prompt", "none"), ("scope", OWN)];
    let answer = begun(&trial, &trial.client, &silent, &session).await;
    let answer = answer.json(200);
    assert_eq!(answer["status"], "COMPLETED");
    let code = text(&answer["authorizeResponse"], "code");
    let bought = trial.server.redeem(&trial.client, &code).await;
    let by_session = text(&bought.json(200), "access_token");
    assert_eq!(reached(&trial, &by_session, &boss).await, NOTHING);
    let by_hint = hinted(&trial, "mira.k").await;
    assert_eq!(reached(&trial, &by_hint, &boss).await, NOTHING);
    trial.wait(301);
    assert_eq!(reached(&trial, &fresh, &boss).await, NOTHING);

    // Of users without roles none of this is asked, nor any more of who holds none any more.
    let path = format!("users/{boss}/roleAssignments/{role}");
    let gone = Value::Null;
    trial.server.manage(Method::DELETE, &path, gone).await;
    for token in [&fresh, &by_session, &by_hint] {
        trial.wait(1);
        assert_eq!(reached(&trial, token, &boss).await[0], 200);
    }
    let (plain, _) = trial.user("otto", "+4787654321").await;
    let token = hinted(&trial, "otto").await;
    assert_eq!(reached(&trial, &token, &plain).await, ALL);
}

#[tokio::test]
async fn a_policy_without_devices_lets_nobody_in_who_holds_a_role() {
    let trial = Trial::start().await;
    let action = json!({ "type": "MULTI_FACTOR_AUTHENTICATION", "noDevicesMode": "BYPASS",
        "sms": { "enabled": false }, "email": { "enabled": true }, "authenticator": { "enabled": false },
        "boundBiometrics": { "enabled": false }, "securityKey": { "enabled": false } });
    let policy = trial.server.sign_on_policy("Lax", &[action]).await;
    let client = trial.server.create_application("Lax", json!({})).await;
    trial.server.assign(&client.id, &policy).await;
    let lax = Trial { client, ..trial };
    let begun = async || {
        let hint = lax.hint("mira.k");
        let answer = begun(&lax, &lax.client, &[("login_hint_token", &hint)], "").await;
        Flow::of(&answer).status().to_owned()
    };
    assert_eq!(begun().await, "COMPLETED");
    on_environment(&lax, &lax.user, Role::ConfigurationReadOnly).await;
    assert_eq!(begun().await, "FAILED");
}

/// All of an application that makes its roles work.
async fn state(trial: &Trial, application: &str) -> Vec<Value> {
    let mut state = Vec::new();
    for below in [
        "",
        "/secret",
        "/grants",
        "/signOnPolicyAssignments",
        "/roleAssignments",
    ] {
        state.push(
            trial
                .get(&format!("applications/{application}{below}"))
                .await,
        );
    }
    state
}

#[tokio::test]
async fn an_application_is_written_only_by_who_could_assign_its_roles() {
    let trial = Trial::start().await;
    let environment = trial.server.environment.to_string();
    let on = ScopeType::Environment;
    let developer = Role::ClientApplicationDeveloper;
    let (_, developer) = worker(&trial, developer, on, &environment).await;
    let (_, admin) = worker(&trial, Role::EnvironmentAdmin, on, &environment).await;
    let init = trial.server.installation.client.to_string();
    let (_, owner) = worker(
        &trial,
        Role::ApplicationOwner,
        ScopeType::Application,
        &init,
    )
    .await;
    let (peer, _) = worker(&trial, Role::IdentityDataAdmin, on, &environment).await;
    let before = state(&trial, &init).await;

    let shown = trial.get(&format!("applications/{init}")).await;
    let with = |members: Value| {
        let mut body = shown.clone();
        let members = members.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(members);
        body
    };
    let elsewhere = json!({ "grantTypes": ["CLIENT_CREDENTIALS", "AUTHORIZATION_CODE"],
        "responseTypes": ["CODE"], "redirectUris": ["https://evil.test/cb"] });
    let grant = own_scopes(&trial).await;
    let policy = json!({ "priority": 1, "signOnPolicy": { "id": trial.policy().await } });
    let role = assignment(Role::ConfigurationReadOnly, on, &environment);
    let held = trial
        .get(&format!("applications/{init}/roleAssignments"))
        .await;
    let held = id(&held["_embedded"]["roleAssignments"][0]);
    let attempts = [
        (Method::PUT, "", with(json!({ "enabled": false }))),
        (Method::PUT, "", with(elsewhere)),
        (Method::POST, "/secret", json!({})),
        (Method::DELETE, "/secret", Value::Null),
        (Method::GET, "/secret", Value::Null),
        (Method::POST, "/grants", grant),
        (Method::POST, "/signOnPolicyAssignments", policy),
        (Method::POST, "/roleAssignments", role),
        (
            Method::DELETE,
            &format!("/roleAssignments/{held}"),
            Value::Null,
        ),
        (Method::DELETE, "", Value::Null),
    ];
    for (method, below, body) in attempts {
        for (token, of) in [
            (&developer, &init),
            (&admin, &init),
            (&owner, &init),
            (&developer, &peer.id),
        ] {
            let path = format!("applications/{of}{below}");
            let refused = call(&trial, token, method.clone(), &path, body.clone()).await;
            assert!(
                matches!(refused.status, 403 | 404),
                "{method} {path}: {}",
                refused.text
            );
        }
    }
    assert_eq!(state(&trial, &init).await, before);
    // Reading is no writing, and who could assign the roles may.
    assert_eq!(
        status(&trial, &developer, &format!("applications/{init}")).await,
        200
    );
    let path = format!("applications/{}", peer.id);
    let body = trial.get(&path).await;
    assert_eq!(
        call(&trial, &admin, Method::PUT, &path, body).await.status,
        200
    );
    assert_eq!(
        call(&trial, &admin, Method::DELETE, &path, Value::Null)
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn a_role_is_withdrawn_only_by_who_could_assign_it() {
    let trial = Trial::start().await;
    let environment = trial.server.environment.to_string();
    let on = ScopeType::Environment;
    let (_, admin) = worker(&trial, Role::EnvironmentAdmin, on, &environment).await;
    let organization = trial.server.installation.organization;
    let top = assignment(
        Role::OrganizationAdmin,
        ScopeType::Organization,
        &organization,
    );
    let top = assign(&trial, &trial.user, top).await;
    let lower = on_environment(&trial, &trial.user, Role::EnvironmentAdmin).await;
    for role in [&top, &lower] {
        let path = format!("users/{}/roleAssignments/{role}", trial.user);
        let refused = call(&trial, &admin, Method::DELETE, &path, Value::Null).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
    }
    let path = format!("users/{}/roleAssignments", trial.user);
    trial
        .server
        .manage(Method::DELETE, &format!("{path}/{top}"), Value::Null)
        .await;
    let done = call(
        &trial,
        &admin,
        Method::DELETE,
        &format!("{path}/{lower}"),
        Value::Null,
    )
    .await;
    assert_eq!(done.status, 204, "{}", done.text);
}
