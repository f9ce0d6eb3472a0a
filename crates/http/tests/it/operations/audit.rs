//! What the audit trail keeps of administration, and of what was refused.

use reqwest::Method;
use serde_json::{Value, json};
use stepgate_domain::{
    access::{Role, ScopeType},
    audit::{AuditEvent, AuditStatus},
    resource::ORGANIZATION_SPACE,
    time::Duration,
};

use crate::support::{Answer, Server, TestClient, Trial, id, send};

/// The events of the request that was answered so.
async fn of(server: &Server, answer: &Answer) -> Vec<(String, AuditEvent)> {
    let correlation_id = answer.header("correlation-id").unwrap();
    let mut events = server.trail_of(server.environment, correlation_id).await;
    events.extend(server.trail_of(ORGANIZATION_SPACE, correlation_id).await);
    if server.installation.environment.uuid() != server.environment {
        let home = server.installation.environment.uuid();
        events.extend(server.trail_of(home, correlation_id).await);
    }
    events
}

fn actions(events: &[(String, AuditEvent)]) -> Vec<&str> {
    let mut actions: Vec<&str> = events.iter().map(|(action, _)| action.as_str()).collect();
    actions.sort_unstable();
    actions
}

/// They name the administrator, and where the administrator was.
#[track_caller]
fn by_the_administrator(server: &Server, events: &[(String, AuditEvent)]) {
    for (action, event) in events {
        let client = event.actors.client.as_ref().unwrap();
        assert_eq!(client.id, server.installation.client.cast(), "{action}");
        let ip = event.source.as_ref().unwrap().ip_address.unwrap();
        assert!(ip.is_loopback(), "{action}");
    }
}

#[tokio::test]
async fn a_secret_that_is_read_or_rotated_is_in_the_trail() {
    let server = Server::start().await;
    let client = server.create_application("Shop", json!({})).await;
    let path = format!("applications/{}/secret", client.id);

    let read = server.get(&path).await;
    read.json(200);
    let events = of(&server, &read).await;
    assert_eq!(actions(&events), ["SECRET.READ"]);
    by_the_administrator(&server, &events);
    assert_eq!(events[0].1.resources[0].id.to_string(), client.id);

    let rotated = server.post(&path, json!({})).await;
    let secret = rotated.json(200)["secret"].as_str().unwrap().to_owned();
    let events = of(&server, &rotated).await;
    assert_eq!(actions(&events), ["APPLICATION.UPDATED", "SECRET.UPDATED"]);
    by_the_administrator(&server, &events);
    let changed = events.iter().flat_map(|(_, event)| &event.changed);
    assert!(changed.clone().any(|name| name == "secret"), "{events:?}");
    let whole = serde_json::to_string(&events.iter().map(|(_, it)| it).collect::<Vec<_>>());
    let whole = whole.unwrap();
    assert!(!whole.contains(&secret) && !whole.contains(&client.secret));

    let none = server
        .get(&format!("applications/{}/secret", server.environment))
        .await;
    none.json(404);
    assert!(of(&server, &none).await.is_empty(), "nothing was read");
}

#[tokio::test]
async fn an_environment_and_the_roles_that_come_with_it_are_in_the_trail() {
    let server = Server::start().await;
    let body = json!({ "name": "New", "type": "SANDBOX", "region": "NA" });
    let made = server.post("/v1/environments", body).await;
    let environment = id(&made.json(201));
    let events = of(&server, &made).await;
    by_the_administrator(&server, &events);
    assert_eq!(
        actions(&events),
        [
            "ENVIRONMENT.CREATED",
            "ROLE_ASSIGNMENT.CREATED",
            "ROLE_ASSIGNMENT.CREATED",
            "ROLE_ASSIGNMENT.CREATED",
        ]
    );
    for role in [
        Role::EnvironmentAdmin,
        Role::IdentityDataAdmin,
        Role::ClientApplicationDeveloper,
    ] {
        let title = format!("{} within ENVIRONMENT {environment}", role.name());
        let given = events.iter().find(|(_, event)| {
            let [assignment, holder] = &event.resources[..] else {
                return false;
            };
            assignment.name.as_deref() == Some(&*title)
                && holder.id == server.installation.client.cast()
        });
        assert!(given.is_some(), "{title}: {events:?}");
    }
}

#[tokio::test]
async fn the_trail_of_an_environment_outlives_it() {
    let mut server = Server::delivering().await;
    let gone = server.environment;
    server.user("nia").await;
    let before = server.trail(gone).await;
    assert!(actions(&before).contains(&"USER.CREATED"));
    let deleted = server.delete(&format!("/v1/environments/{gone}")).await;
    deleted.json(204);
    let events = of(&server, &deleted).await;
    assert_eq!(actions(&events), ["ENVIRONMENT.DELETED"]);
    by_the_administrator(&server, &events);
    // The rows of the environment are gone with the last of its tombstone.
    while !stepgate_store::tombstones::list(&*server.engine)
        .await
        .unwrap()
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
    server.stop_workers().await;
    assert_eq!(server.trail(gone).await, before);
}

#[tokio::test]
async fn a_role_that_is_given_and_taken_is_in_the_trail() {
    let server = Server::start().await;
    let user = server.user("nia").await;
    let path = format!("{user}/roleAssignments");
    let environment = server.environment.to_string();
    let body = json!({ "role": { "id": Role::IdentityDataReadOnly.id().to_string() },
        "scope": { "id": environment, "type": ScopeType::Environment.as_str() } });
    let given = server.post(&path, body).await;
    let assignment = id(&given.json(201));
    let taken = server.delete(&format!("{path}/{assignment}")).await;
    taken.json(204);
    for (answer, expected) in [
        (&given, "ROLE_ASSIGNMENT.CREATED"),
        (&taken, "ROLE_ASSIGNMENT.DELETED"),
    ] {
        let events = of(&server, answer).await;
        assert_eq!(actions(&events), [expected]);
        by_the_administrator(&server, &events);
        let event = &events[0].1;
        let name = event.resources[0].name.as_deref().unwrap();
        assert!(
            name.starts_with(Role::IdentityDataReadOnly.name()),
            "{name}"
        );
        assert_eq!(event.resources[1].kind, "USER");
        assert!(user.ends_with(&event.resources[1].id.to_string()));
    }
}

/// Method, path below the user, media type and body; the events beside the update, and the members.
type Case = (
    &'static str,
    &'static str,
    String,
    Value,
    &'static [&'static str],
    &'static [&'static str],
);

#[tokio::test]
async fn each_kind_of_change_of_a_user_names_its_members() {
    let server = Server::start().await;
    let user = server.user("nia").await;
    let population = server.population("Staff").await;
    let bypass = (server.now() + Duration::from_hours(1)).to_string();
    let json = "application/json";
    let vendor = |name: &str| format!("application/vnd.pingidentity.{name}+json");
    let cases: Vec<Case> = vec![
        (
            "PATCH",
            "",
            json.into(),
            json!({ "username": "nia.b" }),
            &[],
            &["username"],
        ),
        (
            "PATCH",
            "",
            json.into(),
            json!({ "email": "n@corp.example" }),
            &[],
            &["email"],
        ),
        (
            "PATCH",
            "",
            json.into(),
            json!({ "name": { "family": "Dahl" } }),
            &[],
            &["name.family"],
        ),
        (
            "PUT",
            "/population",
            json.into(),
            json!({ "id": population }),
            &["USER.MOVED"],
            &["population.id"],
        ),
        (
            "PUT",
            "/mfaEnabled",
            json.into(),
            json!({ "mfaEnabled": true }),
            &[],
            &["mfaEnabled"],
        ),
        (
            "PUT",
            "/bypassMFA",
            json.into(),
            json!({ "bypassMFAEnabledUntil": bypass }),
            &[],
            &["credentials.mfaBypassUntil"],
        ),
        (
            "PUT",
            "/password",
            vendor("password.set"),
            json!({ "value": "Marked-pass-7!" }),
            &["PASSWORD.SET", "SESSION.DELETED"],
            &["credentials.password"],
        ),
        (
            "POST",
            "",
            vendor("account.lock"),
            json!({}),
            &["USER.LOCKED"],
            &["credentials.locks"],
        ),
        (
            "POST",
            "",
            vendor("account.unlock"),
            Value::Null,
            &["USER.UNLOCKED"],
            &["credentials.locks"],
        ),
        (
            "PUT",
            "/verifyStatus",
            json.into(),
            json!({ "verifyStatus": "ENABLED" }),
            &[],
            &["verifyStatus"],
        ),
        (
            "PUT",
            "/enabled",
            json.into(),
            json!({ "enabled": false }),
            &["SESSION.DELETED"],
            &["enabled"],
        ),
    ];
    for (method, below, media_type, body, special, changed) in cases {
        let name = format!("{method} {below} {body}");
        let path = format!("{user}{below}");
        let headers = [("content-type", media_type.as_str())];
        let answer = server
            .send(method, &path, &headers, (!body.is_null()).then_some(body))
            .await;
        answer.json(200);
        let events = of(&server, &answer).await;
        by_the_administrator(&server, &events);
        let mut expected = vec!["USER.UPDATED"];
        expected.extend(special);
        expected.sort_unstable();
        assert_eq!(actions(&events), expected, "{name}");
        let update = events.iter().find(|(action, _)| action == "USER.UPDATED");
        assert_eq!(update.unwrap().1.changed, changed, "{name}");
        let whole = format!("{events:?}");
        for value in ["nia.b", "n@corp.example", "Dahl", "Marked-pass-7!"] {
            assert!(!whole.contains(value), "{name}: {whole}");
        }
    }
}

/// The events of the environment that tell of something refused, once all are written.
async fn refused(trial: &mut Trial) -> Vec<(String, AuditEvent)> {
    trial.server.stop_workers().await;
    let environment = trial.server.environment;
    let mut events = trial.server.trail(environment).await;
    events.extend(trial.server.trail(ORGANIZATION_SPACE).await);
    events.retain(|(_, event)| event.status == AuditStatus::Failed);
    events
}

fn description(event: &AuditEvent) -> &str {
    event.description.as_deref().unwrap()
}

#[tokio::test]
async fn a_refused_client_is_in_the_trail() {
    let mut trial = Trial::start().await;
    let liar = TestClient {
        id: trial.client.clone(),
        secret: "marked-wrong-secret".to_owned(),
    };
    let form = [("grant_type", "client_credentials")];
    let answer = trial.server.token(&liar, &form).await;
    answer.oauth_error(401);
    let events = refused(&mut trial).await;
    let [(action, event)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(action, "CLIENT.AUTHENTICATION_FAILED");
    assert_eq!(
        Some(event.correlation_id.as_str()),
        answer.header("correlation-id")
    );
    assert_eq!(
        event.actors.client.as_ref().unwrap().id.to_string(),
        trial.client
    );
    assert!(
        event
            .source
            .as_ref()
            .unwrap()
            .ip_address
            .unwrap()
            .is_loopback()
    );
    let told = "POST /{environmentID}/as/token: client_secret_wrong";
    assert_eq!(description(event), told);
    assert!(!format!("{event:?}").contains("marked-wrong-secret"));
}

#[tokio::test]
async fn a_refused_hint_is_in_the_trail_whatever_the_response_mode() {
    let mut trial = Trial::start().await;
    let old = trial.hint_with(&json!({ "exp": 1, "iat": 1 }));
    let nobody = trial.hint_with(&json!({ "sub": "marked.nobody" }));
    for (hint, mode) in [(&old, "query"), (&nobody, "pi.flow")] {
        let asked = trial.server.authorize(&trial.parameters(mode, Some(hint)));
        send(asked).await;
    }
    let events = refused(&mut trial).await;
    assert_eq!(actions(&events), ["LOGIN_HINT.REFUSED"; 2]);
    let mut told: Vec<&str> = events.iter().map(|(_, event)| description(event)).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "GET /{environmentID}/as/authorize: hint_expired",
            "GET /{environmentID}/as/authorize: hint_user_not_found",
        ]
    );
    for (_, event) in &events {
        assert_eq!(
            event.actors.client.as_ref().unwrap().id.to_string(),
            trial.client
        );
    }
    assert!(!format!("{events:?}").contains("marked.nobody"));
}

#[tokio::test]
async fn every_403_is_in_the_trail() {
    let mut trial = Trial::start().await;
    let environment = trial.server.environment.to_string();
    let reader = trial
        .server
        .worker_with(
            Role::ConfigurationReadOnly.id(),
            "ENVIRONMENT",
            &environment,
        )
        .await;
    let applications = format!("applications/{}", trial.client);
    let denied = [
        trial
            .server
            .by(&reader, "DELETE", &applications, None)
            .await,
        trial
            .server
            .by(&reader, "POST", "/v1/environments", Some(json!({})))
            .await,
    ];
    let flow = trial.begin().await;
    let page = trial
        .server
        .read(&flow)
        .header("origin", "https://other.example.test");
    let foreign_page = send(page).await;
    let mut expected: Vec<&str> = Vec::new();
    for answer in denied.iter().chain([&foreign_page]) {
        assert_eq!(answer.status, 403, "{}", answer.text);
        expected.push(answer.header("correlation-id").unwrap());
    }
    let events = refused(&mut trial).await;
    let mut found: Vec<&str> = Vec::new();
    for (action, event) in &events {
        assert_eq!(action, "ACCESS.DENIED", "{event:?}");
        assert!(event.source.as_ref().unwrap().ip_address.is_some());
        found.push(&event.correlation_id);
    }
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    let of_the_reader = events
        .iter()
        .filter(|(_, event)| event.actors.client.is_some())
        .count();
    assert!(of_the_reader >= 2, "{events:?}");
}

#[tokio::test]
async fn a_flood_of_refusals_is_a_few_events_with_their_number() {
    let mut trial = Trial::start().await;
    let liar = TestClient {
        id: trial.client.clone(),
        secret: "wrong".to_owned(),
    };
    let form = [("grant_type", "client_credentials")];
    for _ in 0..200 {
        trial.server.token(&liar, &form).await.oauth_error(401);
    }
    // Environments that are not there, and forms that nobody was given: each costs nothing more.
    for number in 0..50_u128 {
        let environment = uuid::Uuid::from_u128(number);
        let path = format!("/{environment}/signon/");
        let form = [
            ("flowId", environment.to_string()),
            ("action", "otp.check".to_owned()),
        ];
        send(trial.server.request(Method::POST, &path).form(&form)).await;
    }
    let events = refused(&mut trial).await;
    let of_clients: Vec<&AuditEvent> = events
        .iter()
        .filter(|(action, _)| action == "CLIENT.AUTHENTICATION_FAILED")
        .map(|(_, event)| event)
        .collect();
    assert!(of_clients.len() <= 3, "{of_clients:?}");
    let counted: u64 = of_clients
        .iter()
        .map(|event| event.count.unwrap_or(1))
        .sum();
    assert_eq!(counted, 200);
    let elsewhere = trial.server.trail(uuid::Uuid::from_u128(7)).await;
    assert!(
        elsewhere.is_empty(),
        "nothing is filed where there is no environment"
    );
}
