//! Users who administer: by their own roles, through worker applications only, and nobody gets there
//! who was not sent.

use reqwest::{Method, header};
use serde_json::{Value, json};
use stepgate_domain::access::{Role, ScopeType};

use crate::support::{Answer, Flow, REDIRECT_URI, TestClient, held::Trial, id, send, text};

/// An application with these members whose users prove a code, as those of the trial's own do.
pub(super) async fn application(trial: &Trial, name: &str, with: Value) -> TestClient {
    let client = trial.server.create_application(name, with).await;
    let policy = trial.policy().await;
    trial.server.assign(&client.id, &policy).await;
    client
}

pub(super) async fn console(trial: &Trial) -> TestClient {
    let body =
        json!({ "type": "WORKER", "grantTypes": ["AUTHORIZATION_CODE", "CLIENT_CREDENTIALS"] });
    application(trial, "Console", body).await
}

pub(super) async fn begun(
    trial: &Trial,
    client: &TestClient,
    with: &[(&str, &str)],
    cookie: &str,
) -> Answer {
    let mut parameters = vec![
        ("client_id", client.id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT_URI),
        ("response_mode", "pi.flow"),
    ];
    parameters.extend(with);
    let request = trial.server.authorize(&parameters);
    send(request.header(header::COOKIE, cookie)).await
}

/// Signs on by the name and the code that is sent; the token, and the cookie of the session.
pub(super) async fn sign_on_at(trial: &Trial, client: &TestClient, name: &str) -> (String, String) {
    sign_on_for(trial, client, name, "openid").await
}

/// As [`sign_on_at`], for these scopes.
pub(super) async fn sign_on_for(
    trial: &Trial,
    client: &TestClient,
    name: &str,
    scope: &str,
) -> (String, String) {
    trial.wait(11);
    trial.sent().await;
    let flow = Flow::of(&begun(trial, client, &[("scope", scope)], "").await);
    let named = json!({ "username": name });
    send(trial.server.act(&flow, "user.lookup", &named))
        .await
        .json(200);
    let code = trial.code().await;
    trial.server.check(&flow, &code).await.json(200);
    finish(trial, client, &flow).await
}

/// The token that a finished flow buys, and the cookie of the session.
pub(super) async fn finish(trial: &Trial, client: &TestClient, flow: &Flow) -> (String, String) {
    let resumed = send(trial.server.resume(flow)).await;
    let cookie = resumed.cookies();
    let code = text(&resumed.json(200)["authorizeResponse"], "code");
    let bought = trial.server.redeem(client, &code).await;
    let token = text(&bought.json(200), "access_token");
    (token, cookie)
}

pub(super) async fn call(
    trial: &Trial,
    token: &str,
    method: Method,
    path: &str,
    body: Value,
) -> Answer {
    let path = if path.starts_with("/v1") {
        path.to_owned()
    } else {
        format!("/v1/environments/{}/{path}", trial.server.environment)
    };
    let mut request = trial.server.request(method, &path).bearer_auth(token);
    if !body.is_null() {
        request = request.json(&body);
    }
    send(request).await
}

pub(super) async fn status(trial: &Trial, token: &str, path: &str) -> u16 {
    call(trial, token, Method::GET, path, Value::Null)
        .await
        .status
}

pub(super) fn assignment(role: Role, scope: ScopeType, id: &(impl ToString + ?Sized)) -> Value {
    json!({ "role": { "id": role.id().to_string() },
        "scope": { "id": id.to_string(), "type": scope.as_str() } })
}

/// Gives a user a role on the environment, or on what it is to be limited to.
pub(super) async fn assign(trial: &Trial, user: &str, body: Value) -> String {
    let path = format!("users/{user}/roleAssignments");
    id(&trial.server.create(&path, body).await)
}

pub(super) async fn on_environment(trial: &Trial, user: &str, role: Role) -> String {
    let environment = &trial.server.environment.to_string();
    assign(
        trial,
        user,
        assignment(role, ScopeType::Environment, environment),
    )
    .await
}

/// The token of a new worker application with one role.
pub(super) async fn worker(
    trial: &Trial,
    role: Role,
    scope: ScopeType,
    at: &str,
) -> (TestClient, String) {
    let body =
        json!({ "type": "WORKER", "grantTypes": ["CLIENT_CREDENTIALS"], "responseTypes": [] });
    let client = trial.server.create_application(role.name(), body).await;
    let path = format!("applications/{}/roleAssignments", client.id);
    trial
        .server
        .create(&path, assignment(role, scope, at))
        .await;
    let form = [("grant_type", "client_credentials")];
    let granted = trial.server.token(&client, &form).await;
    let token = text(&granted.json(200), "access_token");
    (client, token)
}

/// Only who holds a role signs on to a worker: here one that is taken away again.
async fn sign_on_and_lose_the_role(trial: &Trial, console: &TestClient) -> String {
    let role = on_environment(trial, &trial.user, Role::IdentityDataReadOnly).await;
    let (token, _) = sign_on_at(trial, console, "mira.k").await;
    let path = format!("users/{}/roleAssignments/{role}", trial.user);
    trial
        .server
        .manage(Method::DELETE, &path, Value::Null)
        .await;
    token
}

#[tokio::test]
async fn a_users_roles_count_in_a_workers_token_as_they_are_at_the_call() {
    let trial = Trial::start().await;
    let console = console(&trial).await;
    let token = sign_on_and_lose_the_role(&trial, &console).await;
    assert_eq!(status(&trial, &token, "applications").await, 404);
    assert_eq!(status(&trial, &token, "/v1/environments").await, 403);

    let role = on_environment(&trial, &trial.user, Role::ConfigurationReadOnly).await;
    assert_eq!(status(&trial, &token, "applications").await, 200);
    assert_eq!(status(&trial, &token, "users").await, 403);
    let all = call(&trial, &token, Method::GET, "/v1/environments", Value::Null).await;
    assert_eq!(all.json(200)["size"], 1);

    let path = format!("users/{}/roleAssignments/{role}", trial.user);
    trial
        .server
        .manage(Method::DELETE, &path, Value::Null)
        .await;
    assert_eq!(status(&trial, &token, "applications").await, 404);
}

#[tokio::test]
async fn a_worker_lends_its_own_roles_to_no_user() {
    let trial = Trial::start().await;
    let console = console(&trial).await;
    let path = format!("applications/{}/roleAssignments", console.id);
    let organization = trial.server.installation.organization;
    let body = assignment(
        Role::OrganizationAdmin,
        ScopeType::Organization,
        &organization,
    );
    trial.server.create(&path, body).await;
    let token = sign_on_and_lose_the_role(&trial, &console).await;
    for path in ["applications", "users", "/v1/environments"] {
        assert_ne!(status(&trial, &token, path).await, 200, "{path}");
    }
    // Nor does a user lend any to the worker.
    on_environment(&trial, &trial.user, Role::IdentityDataAdmin).await;
    assert_eq!(status(&trial, &token, "users").await, 200);
    assert_eq!(status(&trial, &token, "applications").await, 403);
    let form = [("grant_type", "client_credentials")];
    let granted = trial.server.token(&console, &form).await;
    let own = text(&granted.json(200), "access_token");
    assert_eq!(status(&trial, &own, "users").await, 200, "may read users");
    let body = json!({ "username": "otto" });
    let refused = call(&trial, &own, Method::POST, "users", body.clone()).await;
    assert_eq!(refused.status, 403);
    let made = call(&trial, &token, Method::POST, "users", body).await;
    assert_eq!(made.status, 201);
}

#[tokio::test]
async fn tokens_of_other_applications_carry_no_administration() {
    let trial = Trial::start().await;
    let organization = trial.server.installation.organization;
    for role in [Role::OrganizationAdmin, Role::EnvironmentAdmin] {
        let body = assignment(role, ScopeType::Organization, &organization);
        assign(&trial, &trial.user, body).await;
    }
    on_environment(&trial, &trial.user, Role::IdentityDataAdmin).await;
    let public = json!({ "type": "WORKER" });
    for (number, with) in [
        json!({}),
        json!({ "type": "NATIVE_APP" }),
        json!({ "type": "SINGLE_PAGE_APP" }),
    ]
    .into_iter()
    .enumerate()
    {
        let client = application(&trial, &format!("Shop {number}"), with.clone()).await;
        let (token, _) = sign_on_at(&trial, &client, "mira.k").await;
        for path in ["applications", "users", "/v1/environments", "/v1/roles"] {
            let status = status(&trial, &token, path).await;
            assert!(matches!(status, 403 | 404), "{with}: {path} {status}");
        }
        // The kind of an application is fixed, so none becomes a worker.
        let path = format!("applications/{}", client.id);
        let mut body = trial.get(&path).await;
        body["type"] = public["type"].clone();
        let admin = trial.server.admin_token().await;
        let refused = call(&trial, &admin, Method::PUT, &path, body).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
    }
}

#[tokio::test]
async fn administration_ends_with_the_user() {
    let trial = Trial::start().await;
    let console = console(&trial).await;
    let role = on_environment(&trial, &trial.user, Role::EnvironmentAdmin).await;
    let (token, _) = sign_on_at(&trial, &console, "mira.k").await;
    assert_eq!(status(&trial, &token, "applications").await, 200);
    trial.enable(false).await;
    assert_eq!(status(&trial, &token, "applications").await, 401);
    trial.enable(true).await;
    assert_eq!(status(&trial, &token, "applications").await, 401);

    let (token, _) = sign_on_at(&trial, &console, "mira.k").await;
    let path = format!("applications/{}", console.id);
    let mut body = trial.get(&path).await;
    body["enabled"] = false.into();
    trial.server.manage(Method::PUT, &path, body.clone()).await;
    assert_eq!(status(&trial, &token, "applications").await, 401);
    body["enabled"] = true.into();
    trial.server.manage(Method::PUT, &path, body).await;
    assert_eq!(status(&trial, &token, "applications").await, 200);

    let path = format!("users/{}", trial.user);
    trial
        .server
        .manage(Method::DELETE, &path, Value::Null)
        .await;
    assert_eq!(status(&trial, &token, "applications").await, 401);
    let admin = trial.server.admin_token().await;
    for path in [
        format!("{path}/roleAssignments"),
        format!("{path}/roleAssignments/{role}"),
    ] {
        assert_eq!(status(&trial, &admin, &path).await, 404, "{path}");
    }
}

/// A session is enough for an hour, where one counts.
pub(super) async fn ask_once_an_hour(trial: &Trial) {
    let actions = format!("signOnPolicies/{}/actions", trial.policy().await);
    let mut action = trial.get(&actions).await["_embedded"]["actions"][0].clone();
    action["condition"] = json!({
        "secondsSince": "${session.lastSignOn.withAuthenticator.mfa.at}", "greater": 3600 });
    let path = format!("{actions}/{}", id(&action));
    trial.server.manage(Method::PUT, &path, action).await;
}

#[tokio::test]
async fn who_signs_on_to_a_worker_proves_it_there() {
    let trial = Trial::start().await;
    let console = console(&trial).await;
    on_environment(&trial, &trial.user, Role::EnvironmentAdmin).await;
    ask_once_an_hour(&trial).await;
    let (_, session) = sign_on_at(&trial, &trial.client, "mira.k").await;
    trial.wait(11);
    // A session is enough elsewhere.
    let silent = [("prompt", "none")];
    let at_home = begun(&trial, &trial.client, &silent, &session).await;
    assert_eq!(at_home.json(200)["status"], "COMPLETED");
    let refused = begun(&trial, &console, &silent, &session).await.json(400);
    assert_eq!(refused["error"], "login_required", "{refused:#}");
    let asked = Flow::of(&begun(&trial, &console, &[], &session).await);
    assert_eq!(asked.status(), "SIGN_ON_REQUIRED");
    assert!(asked.body["_embedded"].get("user").is_none());
    // And nobody vouches for somebody else, signed or not.
    let hint = trial.hint("mira.k");
    for hint in [
        ("login_hint_token", hint.as_str()),
        ("login_hint", "mira.k"),
    ] {
        let refused = begun(&trial, &console, &[hint], "").await.json(400);
        assert_eq!(refused["error"], "unauthorized_client", "{refused:#}");
    }
}

#[tokio::test]
async fn a_developer_becomes_no_administrator() {
    let trial = Trial::start().await;
    let environment = trial.server.environment.to_string();
    let developer = Role::ClientApplicationDeveloper;
    let (_, token) = worker(&trial, developer, ScopeType::Environment, &environment).await;
    on_environment(&trial, &trial.user, Role::EnvironmentAdmin).await;
    let (otto, _) = trial.user("otto", "+4787654321").await;
    let own = on_environment(&trial, &otto, developer).await;
    let console = console(&trial).await;
    let (of_otto, _) = sign_on_at(&trial, &console, "otto").await;
    for token in [&token, &of_otto] {
        assert_eq!(status(&trial, token, "applications").await, 200);
        let assignments = format!("users/{otto}/roleAssignments");
        for role in [Role::EnvironmentAdmin, developer] {
            let body = assignment(role, ScopeType::Environment, &environment);
            let refused = call(&trial, token, Method::POST, &assignments, body).await;
            assert_eq!(refused.status, 403, "{}", refused.text);
        }
        let one = format!("{assignments}/{own}");
        let refused = call(&trial, token, Method::DELETE, &one, Value::Null).await;
        assert_eq!(refused.status, 403);
        assert_eq!(status(&trial, token, &assignments).await, 403);
    }
    // A worker of the developer's own making is the developer's user, no more.
    let body = json!({ "name": "Mine", "enabled": true, "type": "WORKER", "protocol": "OPENID_CONNECT",
        "grantTypes": ["AUTHORIZATION_CODE"], "responseTypes": ["CODE"], "redirectUris": [REDIRECT_URI],
        "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC" });
    let made = call(&trial, &of_otto, Method::POST, "applications", body).await;
    let made = id(&made.json(201));
    let secret = format!("applications/{made}/secret");
    let secret = call(&trial, &of_otto, Method::GET, &secret, Value::Null).await;
    let mine = TestClient {
        secret: text(&secret.json(200), "secret"),
        id: made,
    };
    let policy = trial.policy().await;
    trial.server.assign(&mine.id, &policy).await;
    let (token, _) = sign_on_at(&trial, &mine, "otto").await;
    assert_eq!(status(&trial, &token, "applications").await, 200);
    assert_eq!(status(&trial, &token, "populations").await, 403);
}

#[tokio::test]
async fn the_maker_of_an_environment_is_the_user() {
    let trial = Trial::start().await;
    let console = console(&trial).await;
    let organization = trial.server.installation.organization;
    let body = assignment(
        Role::OrganizationAdmin,
        ScopeType::Organization,
        &organization,
    );
    assign(&trial, &trial.user, body).await;
    let (token, _) = sign_on_at(&trial, &console, "mira.k").await;
    let body = json!({ "name": "Hers", "type": "SANDBOX", "region": "NA" });
    let made = call(&trial, &token, Method::POST, "/v1/environments", body).await;
    let made = id(&made.json(201));
    // To write users there takes one of the three roles.
    let path = format!("/v1/environments/{made}/users");
    let body = json!({ "username": "ada" });
    let user = call(&trial, &token, Method::POST, &path, body).await;
    assert_eq!(user.status, 201, "{}", user.text);
    let held = trial
        .get(&format!("users/{}/roleAssignments", trial.user))
        .await;
    assert_eq!(held["size"], 4, "{held:#}");
    let of_console = format!("applications/{}/roleAssignments", console.id);
    assert_eq!(trial.get(&of_console).await["size"], 0);
}

#[tokio::test]
async fn nobody_takes_over_a_user_who_holds_more() {
    let trial = Trial::start().await;
    let environment = trial.server.environment.to_string();
    let identity = Role::IdentityDataAdmin;
    let (_, helpdesk) = worker(&trial, identity, ScopeType::Environment, &environment).await;
    let (admin, device) = (trial.user.clone(), trial.device.clone());
    on_environment(&trial, &admin, Role::EnvironmentAdmin).await;
    let (plain, _) = trial.user("otto", "+4787654321").await;
    let (peer, _) = trial.user("ida", "+4787654322").await;
    on_environment(&trial, &peer, identity).await;

    let attempts = |user: &str| {
        let below = |path: &str| format!("users/{user}{path}");
        let mail = json!({ "type": "EMAIL", "email": "else@where.example", "status": "ACTIVE" });
        [
            (
                Method::PUT,
                below("/mfaEnabled"),
                json!({ "mfaEnabled": false }),
            ),
            (
                Method::POST,
                below("/password"),
                json!({ "value": "Correct-Horse-1" }),
            ),
            (Method::POST, below("/devices"), mail),
            (
                Method::PATCH,
                below(""),
                json!({ "email": "else@where.example" }),
            ),
        ]
    };
    for (method, path, body) in attempts(&admin) {
        let refused = call(&trial, &helpdesk, method, &path, body).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.text);
        assert_eq!(refused.json(403)["code"], "ACCESS_FAILED");
    }
    for path in [
        format!("users/{admin}"),
        format!("users/{admin}/devices/{device}"),
    ] {
        assert_eq!(status(&trial, &helpdesk, &path).await, 200);
        let refused = call(&trial, &helpdesk, Method::DELETE, &path, Value::Null).await;
        assert_eq!(refused.status, 403, "{path}");
    }
    for user in [&plain, &peer] {
        for (method, path, body) in attempts(user) {
            let done = call(&trial, &helpdesk, method, &path, body).await;
            assert!(done.status < 300, "{path}: {}", done.text);
        }
    }
    // Whom somebody does not reach stays unknown.
    let staff = json!({ "name": "Staff" });
    let staff = id(&trial.server.create("populations", staff).await);
    let (_, elsewhere) = worker(&trial, identity, ScopeType::Population, &staff).await;
    for (method, path, body) in attempts(&admin) {
        let unknown = call(&trial, &elsewhere, method, &path, body).await;
        assert_eq!(unknown.status, 404, "{path}: {}", unknown.text);
    }
    // Whoever could assign the roles may.
    let path = format!("users/{admin}/mfaEnabled");
    let off = json!({ "mfaEnabled": false });
    trial.server.manage(Method::PUT, &path, off).await;
}
