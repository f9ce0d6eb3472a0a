//! Whether a user can sign on, and where the user belongs.

use serde_json::{Value, json};
use stepgate_domain::{authenticator::attempts::UserFailures, time::Duration};
use stepgate_store::{
    counters::{self, StoredCounter},
    engine::Batch,
    sessions::{self, StoredSession},
    token_families::{self, StoredFamily},
};
use uuid::Uuid;

use crate::support::{NOBODY, Server};

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_locked_and_unlocked() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let locked = server
        .vendor("POST", &user, "account.lock+json", None)
        .await;
    let locked = locked.json(200);
    assert_eq!(locked["account"]["status"], "LOCKED");
    assert_eq!(locked["account"]["canAuthenticate"], false);
    assert!(locked["account"]["lockedAt"].is_string());
    assert!(locked["account"].get("unlockAt").is_none());
    // Unlocking twice is as good as once, and the type may go without its suffix.
    for _ in 0..2 {
        let unlocked = server.vendor("POST", &user, "account.unlock", None).await;
        assert_eq!(unlocked.json(200)["account"]["status"], "OK");
    }
    let past = json!({ "unlockAt": "2020-01-01T00:00:00Z" });
    let answer = server
        .vendor("POST", &user, "account.lock+json", Some(past))
        .await;
    assert_eq!(answer.json(200)["account"]["status"], "OK");

    let soon = json!({ "unlockAt": "2026-01-31T12:10:00Z" });
    let answer = server
        .vendor("POST", &user, "account.lock+json", Some(soon))
        .await;
    assert_eq!(answer.json(200)["account"]["secondsUntilUnlock"], 600);
    server.advance(Duration::from_minutes(10));
    let read = server.get(&user).await.json(200);
    assert_eq!(
        read["account"],
        json!({ "canAuthenticate": true, "status": "OK" })
    );

    server
        .vendor("POST", &user, "user.verify+json", Some(json!({})))
        .await
        .refused(415, "INVALID_REQUEST");
}

#[tokio::test(flavor = "multi_thread")]
async fn disabling_ends_sessions_and_tokens() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let (session, family) = signed_on(&server, &user).await;
    let enabled = server.get(&format!("{user}/enabled")).await.json(200);
    assert_eq!(enabled["enabled"], true);
    assert!(
        enabled["_links"]["self"]["href"]
            .as_str()
            .unwrap()
            .ends_with("/enabled")
    );
    let off = server
        .put(&format!("{user}/enabled"), json!({ "enabled": false }))
        .await;
    assert_eq!(off.json(200)["enabled"], false);
    assert!(are_over(&server, session, family).await);
    let read = server.get(&user).await.json(200);
    assert_eq!(read["account"]["canAuthenticate"], false);
    server
        .put(&format!("{user}/enabled"), json!({}))
        .await
        .refused_for(400, "INVALID_DATA", "REQUIRED_VALUE", "enabled");
}

/// How many wrong codes the user has made, as sign-ons count them.
async fn wrong_codes(server: &Server, user: &str) -> Option<u32> {
    let environment = server.environment;
    let subjects = [user.replace("/users/", "user:")];
    let found = counters::read(&*server.app.engine, environment, &subjects)
        .await
        .unwrap();
    let failures: UserFailures = serde_json::from_str(&found.first()?.body).unwrap();
    Some(failures.consecutive)
}

async fn make_wrong_codes(server: &Server, user: &str) {
    let environment = server.environment;
    let subject = user.replace("/users/", "user:");
    let subjects = [subject.clone()];
    let found = counters::read(&*server.app.engine, environment, &subjects)
        .await
        .unwrap();
    let failures = UserFailures {
        consecutive: 4,
        toward_lockout: 4,
        ..UserFailures::default()
    };
    let counter = counters::write(StoredCounter {
        environment,
        subject,
        version: found.first().map_or(0, |counter| counter.version),
        expires_at: server.app.now() + Duration::from_days(1),
        body: serde_json::to_string(&failures).unwrap(),
    });
    server.app.commit(Batch(vec![counter])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_unlocks_also_forgives_wrong_codes() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let password = format!("{user}/password");
    let value = json!({ "value": "Tr0ub4dor&Horse" });
    server.post(&password, value).await.json(200);
    assert_eq!(wrong_codes(&server, &user).await, None);
    for (path, verb) in [
        (&user, "account.unlock+json"),
        (&password, "password.unlock+json"),
        (&password, "password.forceChange"),
    ] {
        make_wrong_codes(&server, &user).await;
        assert_eq!(wrong_codes(&server, &user).await, Some(4));
        server.vendor("POST", path, verb, None).await.json(200);
        assert_eq!(wrong_codes(&server, &user).await, Some(0), "{verb}");
    }
    make_wrong_codes(&server, &user).await;
    server.delete(&user).await.json(204);
    assert_eq!(wrong_codes(&server, &user).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_password_ends_sessions_whoever_gives_it() {
    for (name, body) in [
        ("password.set+json", json!({ "value": "Tr0ub4dor&Horse" })),
        (
            "password.reset+json",
            json!({ "newPassword": "Tr0ub4dor&Mule" }),
        ),
    ] {
        let server = Server::delivering().await;
        let user = server.user("nia").await;
        let path = format!("{user}/password");
        let (session, family) = signed_on(&server, &user).await;
        assert!(!are_over(&server, session, family).await);
        let answer = server.vendor("PUT", &path, name, Some(body)).await;
        answer.json(200);
        assert!(are_over(&server, session, family).await, "{name}");
    }
}

/// A session and a token family of the user, as a sign-on leaves them.
async fn signed_on(server: &Server, user: &str) -> (Uuid, Uuid) {
    let environment = server.environment;
    let user: Uuid = user.strip_prefix("/users/").unwrap().parse().unwrap();
    let (session, family) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let expires_at = server.app.now() + Duration::from_days(1);
    let batch = vec![
        sessions::insert(StoredSession {
            environment,
            id: session,
            token_hash: "hash".to_owned(),
            user: Some(user),
            version: 0,
            expires_at,
            body: "{}".to_owned(),
        }),
        token_families::insert(StoredFamily {
            environment,
            id: family,
            application: Uuid::nil(),
            user: Some(user),
            session: Some(session),
            revoked_at: None,
            expires_at,
            body: "{}".to_owned(),
        }),
    ];
    server.app.commit(Batch(batch)).await.unwrap();
    (session, family)
}

async fn are_over(server: &Server, session: Uuid, family: Uuid) -> bool {
    let environment = server.environment;
    let engine = &*server.app.engine;
    let session = sessions::read(engine, environment, session).await.unwrap();
    let family = token_families::read(engine, environment, family)
        .await
        .unwrap();
    session.is_none() && family.unwrap().revoked_at.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_small_parts_are_read_and_written_by_themselves() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let part = |name: &str| format!("{user}/{name}");

    for method in ["PUT", "POST"] {
        let body = Some(json!({ "mfaEnabled": true }));
        let on = server.call(method, &part("mfaEnabled"), body).await;
        assert_eq!(on.json(200)["mfaEnabled"], true);
    }
    assert_eq!(
        server.get(&part("mfaEnabled")).await.json(200)["mfaEnabled"],
        true
    );
    server
        .put(&part("mfaEnabled"), json!({ "mfaEnabled": "yes" }))
        .await
        .refused_for(400, "INVALID_DATA", "INVALID_VALUE", "mfaEnabled");

    let status = json!({ "verifyStatus": "ENABLED" });
    server
        .put(&part("verifyStatus"), status.clone())
        .await
        .json(200);
    assert_eq!(
        server.get(&part("verifyStatus")).await.json(200)["verifyStatus"],
        "ENABLED"
    );
    server
        .put(&part("verifyStatus"), json!({ "verifyStatus": "MAYBE" }))
        .await
        .refused_for(400, "INVALID_DATA", "INVALID_VALUE", "verifyStatus");

    let provider = server
        .put(&part("identityProvider"), json!({}))
        .await
        .json(200);
    assert_eq!(provider["type"], "PING_ONE");
    assert!(provider.get("id").is_none());
    server
        .put(&part("identityProvider"), json!({ "id": NOBODY }))
        .await
        .refused_for(400, "INVALID_DATA", "INVALID_VALUE", "id");

    let none = server.get(&part("bypassMFA")).await.json(200);
    let members =
        |body: &Value| -> Vec<String> { body.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(members(&none), ["_links"]);
    let until = json!({ "bypassMFAEnabledUntil": "2026-02-01T00:00:00.000Z" });
    let bypassed = server
        .put(&part("bypassMFA"), until.clone())
        .await
        .json(200);
    assert_eq!(
        members(&bypassed),
        ["_links", "bypassMFAEnabledUntil", "canBypassMFA"]
    );
    assert_eq!(bypassed["canBypassMFA"], true);
    assert_eq!(
        bypassed["bypassMFAEnabledUntil"],
        until["bypassMFAEnabledUntil"]
    );
    let over = json!({ "bypassMFAEnabledUntil": "2020-02-01T00:00:00.000Z" });
    let cleared = server.put(&part("bypassMFA"), over).await.json(200);
    assert_eq!(members(&cleared), ["_links"]);
    let coarse = json!({ "bypassMFAEnabledUntil": "2026-02-01T00:00:00Z" });
    server.put(&part("bypassMFA"), coarse).await.refused_for(
        400,
        "INVALID_DATA",
        "INVALID_VALUE",
        "bypassMFAEnabledUntil",
    );
    server
        .delete(&part("bypassMFA"))
        .await
        .refused(405, "METHOD_NOT_ALLOWED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_moved_and_counted_where_it_is() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let (home, other) = (
        server.default_population().await,
        server.population("Other").await,
    );
    let counts = async |population: &str| {
        let read = server.get(&format!("/populations/{population}")).await;
        read.json(200)["userCount"].as_u64().unwrap()
    };
    assert_eq!((counts(&home).await, counts(&other).await), (1, 0));
    for _ in 0..2 {
        let moved = server
            .put(&format!("{user}/population"), json!({ "id": other }))
            .await;
        assert_eq!(moved.json(200)["id"], other);
    }
    assert_eq!((counts(&home).await, counts(&other).await), (0, 1));
    assert_eq!(
        server.get(&format!("{user}/population")).await.json(200)["id"],
        other
    );
    server
        .put(&format!("{user}/population"), json!({ "id": NOBODY }))
        .await
        .refused_for(400, "INVALID_DATA", "INVALID_VALUE", "id");
    let kept = server.delete(&format!("/populations/{other}")).await;
    assert_eq!(
        kept.refused(400, "INVALID_DATA")[0].0,
        "CONSTRAINT_VIOLATION"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_user_is_gone_with_devices_sessions_and_tokens() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let phone = json!({ "type": "SMS", "phone": "+47.40612345" });
    server
        .post(&format!("{user}/devices"), phone)
        .await
        .json(201);
    let (session, family) = signed_on(&server, &user).await;
    server
        .vendor("POST", &user, "account.lock+json", None)
        .await
        .json(200);
    let answer = server.delete(&user).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    for path in [
        user.clone(),
        format!("{user}/devices"),
        format!("{user}/password"),
    ] {
        server.get(&path).await.refused(404, "NOT_FOUND");
    }
    server.delete(&user).await.refused(404, "NOT_FOUND");
    assert!(are_over(&server, session, family).await);
    server.user("nia").await;
}
