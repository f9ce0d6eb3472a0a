//! Users.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stepgate_domain::{access::Role, time::Duration};
use stepgate_store::{
    sessions::{self, StoredSession},
    token_families::{self, StoredFamily},
};
use uuid::Uuid;

use crate::{
    passwords::join_all,
    support::{NOBODY, Server, ids},
};

fn whole() -> Value {
    json!({
        "username": "Nia.Berg", "email": "nia.berg@corp.example",
        "name": { "given": "Nia", "family": "Berg", "middle": "K.", "formatted": "Nia K. Berg",
            "honorificPrefix": "Dr", "honorificSuffix": "MSc" },
        "nickname": "nia", "title": "Lead", "type": "Contractor", "locale": "nb-NO",
        "preferredLanguage": "en-gb;q=0.8, en;q=0.7", "timezone": "Europe/Oslo",
        "mobilePhone": "555-0101", "primaryPhone": "+47 400 00 000",
        "photo": { "href": "https://img.corp.example/nia.png" },
        "address": { "streetAddress": "Storgata 1\nB", "locality": "Oslo", "region": "Oslo",
            "postalCode": "0155", "countryCode": "NO" },
        "externalId": "e-1", "accountId": "a-1",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_has_what_clients_rely_on() {
    let server = Server::start().await;
    let answer = server.post("/users", whole()).await;
    assert!(
        answer.headers["location"]
            .to_str()
            .unwrap()
            .contains("/users/")
    );
    let user = answer.with_status(201);
    for (name, value) in whole().as_object().unwrap() {
        assert_eq!(&user[name], value, "{name}");
    }
    assert_eq!(
        user["account"],
        json!({ "canAuthenticate": true, "status": "OK" })
    );
    assert_eq!(user["identityProvider"], json!({ "type": "PING_ONE" }));
    assert_eq!(user["lifecycle"], json!({ "status": "ACCOUNT_OK" }));
    assert_eq!(user["enabled"], true);
    assert_eq!(user["emailVerified"], false);
    assert_eq!(user["mfaEnabled"], false);
    assert_eq!(user["verifyStatus"], "NOT_INITIATED");
    assert_eq!(user["population"]["id"], server.default_population().await);
    assert_eq!(user["environment"]["id"], server.environment);
    assert!(user.get("credentials").is_none());
    let links = user["_links"].as_object().unwrap();
    for relation in [
        "self",
        "environment",
        "population",
        "devices",
        "password",
        "password.set",
    ] {
        assert!(links.contains_key(relation), "{relation}");
    }
    let state = server.get(&path(&user, "/password")).await.with_status(200);
    assert_eq!(state["status"], "NO_PASSWORD");
}

fn path(user: &Value, below: &str) -> String {
    format!("/users/{}{below}", user["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn putting_back_what_was_read_changes_nothing() {
    let server = Server::start().await;
    let made = server.post("/users", whole()).await.with_status(201);
    let read = server.get(&path(&made, "")).await.with_status(200);
    server.advance(Duration::from_minutes(1));
    let put = server
        .put(&path(&made, ""), read.clone())
        .await
        .with_status(200);
    let without_date = |mut user: Value| {
        user.as_object_mut().unwrap().remove("updatedAt");
        user
    };
    assert_eq!(without_date(put), without_date(read));
}

#[tokio::test(flavor = "multi_thread")]
async fn put_replaces_and_patch_merges() {
    let server = Server::start().await;
    let made = server.post("/users", whole()).await.with_status(201);
    let patch = json!({ "title": null, "name": { "given": "Mia" }, "enabled": false,
        "population": { "id": NOBODY }, "unheardOf": 1 });
    let patched = server.call("PATCH", &path(&made, ""), Some(patch)).await;
    let patched = patched.with_status(200);
    assert!(patched.get("title").is_none());
    assert_eq!(patched["name"]["given"], "Mia");
    assert_eq!(patched["name"]["family"], "Berg");
    assert_eq!(patched["enabled"], true);
    assert_eq!(patched["population"], made["population"]);

    let put = json!({ "username": "mia", "name": { "given": "Mia" } });
    let put = server.put(&path(&made, ""), put).await.with_status(200);
    assert_eq!(put["username"], "mia");
    assert_eq!(put["name"], json!({ "given": "Mia" }));
    for gone in ["email", "title", "address", "photo", "externalId"] {
        assert!(put.get(gone).is_none(), "{gone}");
    }

    let scim = json!({ "Operations": [] });
    let scim = server
        .vendor(
            "PATCH",
            &path(&made, ""),
            "user.scim.patch+json",
            Some(scim),
        )
        .await;
    scim.refused(415, "INVALID_REQUEST");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_body_is_told_at_once() {
    let server = Server::start().await;
    let answer = server.post(
        "/users",
        json!({ "email": "nobody", "name": { "given": 7 } }),
    );
    let told: BTreeSet<_> = answer
        .await
        .refused(400, "INVALID_DATA")
        .into_iter()
        .collect();
    let expected = [
        ("INVALID_VALUE", "email"),
        ("INVALID_VALUE", "name.given"),
        ("REQUIRED_VALUE", "username"),
    ];
    let expected = expected.map(|(code, target)| (code.to_owned(), target.to_owned()));
    assert_eq!(told, BTreeSet::from(expected));

    let long = json!({ "username": "x".repeat(129) });
    server.post("/users", long).await.refused_for(
        400,
        "INVALID_DATA",
        "SIZE_LIMIT_EXCEEDED",
        "username",
    );
    let empty = json!({ "username": "a", "title": "" });
    server
        .post("/users", empty)
        .await
        .refused_for(400, "INVALID_DATA", "EMPTY_VALUE", "title");
    let strange = json!({ "username": "a", "population": { "id": NOBODY } });
    server.post("/users", strange).await.refused_for(
        400,
        "INVALID_DATA",
        "INVALID_VALUE",
        "population.id",
    );
    let provider = json!({ "username": "a", "identityProvider": { "id": NOBODY } });
    server.post("/users", provider).await.refused_for(
        400,
        "INVALID_DATA",
        "INVALID_VALUE",
        "identityProvider.id",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_username_is_unique_in_the_whole_environment_whatever_its_case() {
    let server = Server::start().await;
    server.user("nia").await;
    let elsewhere = server.population("Elsewhere").await;
    let again = json!({ "username": "NIA", "population": { "id": elsewhere } });
    let again = server.post("/users", again).await;
    again.refused_for(400, "INVALID_DATA", "UNIQUENESS_VIOLATION", "username");
    let message = again.body["details"][0]["message"].as_str().unwrap();
    assert!(message.contains("unique"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_found_by_filters_in_any_case_of_the_words() {
    let server = Server::start().await;
    for name in ["anna", "anton", "bert"] {
        server.user(name).await;
    }
    let population = server.default_population().await;
    let found = async |filter: &str| {
        let query: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let page = server.get(&format!("/users?filter={query}")).await;
        let page = page.with_status(200);
        let items = page["_embedded"]["users"].as_array().unwrap().clone();
        let mut names: Vec<String> = items
            .iter()
            .map(|user| user["username"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        assert_eq!(page["count"], names.len());
        names.join(" ")
    };
    assert_eq!(found(r#"username eq "ANNA""#).await, "anna");
    assert_eq!(found(r#"username sw "an""#).await, "anna anton");
    assert_eq!(
        found(r#"((username eq "anna") OR (username eq "bert")) AND (name.family eq "Berg")"#)
            .await,
        "anna bert"
    );
    assert_eq!(
        found(&format!(
            r#"population.id eq "{population}" and email eq "bert@corp.example""#
        ))
        .await,
        "bert"
    );
    assert_eq!(found("enabled eq true").await, "anna anton bert");
    assert_eq!(found(r#"username eq "nobody""#).await, "");
    for refused in ["mfaEnabled eq true", r#"username co "a""#, "username eq"] {
        let query: String = form_urlencoded::byte_serialize(refused.as_bytes()).collect();
        server
            .get(&format!("/users?filter={query}"))
            .await
            .refused_for(400, "INVALID_REQUEST", "INVALID_FILTER", "filter");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_listed_in_the_order_asked_for() {
    let server = Server::start().await;
    for name in ["b", "a", "c"] {
        server.user(name).await;
        server.advance(Duration::from_seconds(1));
    }
    let names = async |order: &str| {
        let page = server.get(&format!("/users{order}")).await.with_status(200);
        let items = page["_embedded"]["users"].as_array().unwrap().clone();
        let names = items.iter().map(|user| user["username"].as_str().unwrap());
        names.collect::<String>()
    };
    assert_eq!(names("").await, "bac");
    assert_eq!(names("?order=username").await, "abc");
    assert_eq!(names("?order=-createdAt").await, "cab");
    server.get("/users?order=title").await.refused_for(
        400,
        "INVALID_REQUEST",
        "INVALID_PARAMETER",
        "order",
    );
    server
        .get("/users?limit=1001")
        .await
        .refused_for(400, "INVALID_DATA", "OUT_OF_RANGE", "limit");
    server.get("/users?cursor=nonsense").await.refused_for(
        400,
        "INVALID_REQUEST",
        "INVALID_PARAMETER",
        "cursor",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_each_user_once_while_others_are_added() {
    let server = Server::start().await;
    let mut before = BTreeSet::new();
    for number in 0..7 {
        before.insert(server.user(&format!("user{number}")).await);
        server.advance(Duration::from_seconds(1));
    }
    let mut seen = Vec::new();
    let mut next = Some("/users?limit=2".to_owned());
    let mut added = 0;
    while let Some(path) = next {
        let page = server.get(&path).await.with_status(200);
        seen.extend(ids(&page, "users"));
        assert!(page["size"].as_u64().unwrap() <= 2);
        next = page["_links"]["next"]["href"]
            .as_str()
            .map(|url| url[url.find("/v1").unwrap()..].to_owned());
        if added < 3 {
            server.user(&format!("late{added}")).await;
            added += 1;
        }
    }
    let distinct: BTreeSet<_> = seen.iter().map(|id| format!("/users/{id}")).collect();
    assert_eq!(distinct.len(), seen.len());
    assert!(distinct.is_superset(&before));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_locked_and_unlocked() {
    let server = Server::start().await;
    let user = server.user("nia").await;
    let locked = server
        .vendor("POST", &user, "account.lock+json", None)
        .await;
    let locked = locked.with_status(200);
    assert_eq!(locked["account"]["status"], "LOCKED");
    assert_eq!(locked["account"]["canAuthenticate"], false);
    assert!(locked["account"]["lockedAt"].is_string());
    assert!(locked["account"].get("unlockAt").is_none());
    // Unlocking twice is as good as once, and the type may go without its suffix.
    for _ in 0..2 {
        let unlocked = server.vendor("POST", &user, "account.unlock", None).await;
        assert_eq!(unlocked.with_status(200)["account"]["status"], "OK");
    }
    let past = json!({ "unlockAt": "2020-01-01T00:00:00Z" });
    let answer = server
        .vendor("POST", &user, "account.lock+json", Some(past))
        .await;
    assert_eq!(answer.with_status(200)["account"]["status"], "OK");

    let soon = json!({ "unlockAt": "2026-01-31T12:10:00Z" });
    let answer = server
        .vendor("POST", &user, "account.lock+json", Some(soon))
        .await;
    assert_eq!(
        answer.with_status(200)["account"]["secondsUntilUnlock"],
        600
    );
    server.advance(Duration::from_minutes(10));
    let read = server.get(&user).await.with_status(200);
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
    let server = Server::start().await;
    let user = server.user("nia").await;
    let (session, family) = signed_on(&server, &user).await;
    let enabled = server
        .get(&format!("{user}/enabled"))
        .await
        .with_status(200);
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
    assert_eq!(off.with_status(200)["enabled"], false);
    assert!(are_over(&server, session, family).await);
    let read = server.get(&user).await.with_status(200);
    assert_eq!(read["account"]["canAuthenticate"], false);
    server
        .put(&format!("{user}/enabled"), json!({}))
        .await
        .refused_for(400, "INVALID_DATA", "REQUIRED_VALUE", "enabled");
}

/// A session and a token family of the user, as a sign-on leaves them.
async fn signed_on(server: &Server, user: &str) -> (Uuid, Uuid) {
    let environment = server.environment.parse().unwrap();
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
    server
        .app
        .commit(stepgate_store::engine::Batch(batch))
        .await
        .unwrap();
    (session, family)
}

async fn are_over(server: &Server, session: Uuid, family: Uuid) -> bool {
    let environment = server.environment.parse().unwrap();
    let engine = &*server.app.engine;
    let session = sessions::read(engine, environment, session).await.unwrap();
    let family = token_families::read(engine, environment, family)
        .await
        .unwrap();
    session.is_none() && family.unwrap().revoked_at.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_small_parts_are_read_and_written_by_themselves() {
    let server = Server::start().await;
    let user = server.user("nia").await;
    let part = |name: &str| format!("{user}/{name}");

    for method in ["PUT", "POST"] {
        let body = Some(json!({ "mfaEnabled": true }));
        let on = server.call(method, &part("mfaEnabled"), body).await;
        assert_eq!(on.with_status(200)["mfaEnabled"], true);
    }
    assert_eq!(
        server.get(&part("mfaEnabled")).await.with_status(200)["mfaEnabled"],
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
        .with_status(200);
    assert_eq!(
        server.get(&part("verifyStatus")).await.with_status(200)["verifyStatus"],
        "ENABLED"
    );
    server
        .put(&part("verifyStatus"), json!({ "verifyStatus": "MAYBE" }))
        .await
        .refused_for(400, "INVALID_DATA", "INVALID_VALUE", "verifyStatus");

    let provider = server
        .put(&part("identityProvider"), json!({}))
        .await
        .with_status(200);
    assert_eq!(provider["type"], "PING_ONE");
    assert!(provider.get("id").is_none());
    server
        .put(&part("identityProvider"), json!({ "id": NOBODY }))
        .await
        .refused_for(400, "INVALID_DATA", "INVALID_VALUE", "id");

    let none = server.get(&part("bypassMFA")).await.with_status(200);
    assert!(none.get("bypassMFAEnabled").is_none());
    let until = json!({ "bypassMFAEnabledUntil": "2026-02-01T00:00:00.000Z" });
    let bypassed = server
        .put(&part("bypassMFA"), until.clone())
        .await
        .with_status(200);
    assert_eq!(bypassed["bypassMFAEnabled"], true);
    assert_eq!(
        bypassed["bypassMFAEnabledUntil"],
        until["bypassMFAEnabledUntil"]
    );
    let past = json!({ "bypassMFAEnabledUntil": "2020-02-01T00:00:00.000Z" });
    let cleared = server.put(&part("bypassMFA"), past).await.with_status(200);
    assert!(cleared.get("bypassMFAEnabled").is_none());
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
    let server = Server::start().await;
    let user = server.user("nia").await;
    let (home, other) = (
        server.default_population().await,
        server.population("Other").await,
    );
    let counts = async |population: &str| {
        let read = server.get(&format!("/populations/{population}")).await;
        read.with_status(200)["userCount"].as_u64().unwrap()
    };
    assert_eq!((counts(&home).await, counts(&other).await), (1, 0));
    for _ in 0..2 {
        let moved = server
            .put(&format!("{user}/population"), json!({ "id": other }))
            .await;
        assert_eq!(moved.with_status(200)["id"], other);
    }
    assert_eq!((counts(&home).await, counts(&other).await), (0, 1));
    assert_eq!(
        server
            .get(&format!("{user}/population"))
            .await
            .with_status(200)["id"],
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
    let server = Server::start().await;
    let user = server.user("nia").await;
    let phone = json!({ "type": "SMS", "phone": "+47.40612345" });
    server
        .post(&format!("{user}/devices"), phone)
        .await
        .with_status(201);
    let (session, family) = signed_on(&server, &user).await;
    server
        .vendor("POST", &user, "account.lock+json", None)
        .await
        .with_status(200);
    let answer = server.delete(&user).await;
    assert_eq!((answer.status.as_u16(), answer.body), (204, Value::Null));
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

#[tokio::test(flavor = "multi_thread")]
async fn if_match_names_the_version_that_is_changed() {
    let server = Server::start().await;
    let user = server.user("nia").await;
    let old = server.get(&user).await.etag();
    server
        .put(&format!("{user}/enabled"), json!({ "enabled": true }))
        .await
        .with_status(200);
    let new = server.get(&user).await.etag();
    assert_ne!(old, new);
    let body = Some(json!({ "mfaEnabled": true }));
    let path = format!("{user}/mfaEnabled");
    let stale = server
        .send("PUT", &path, &[("if-match", &old)], body.clone())
        .await;
    stale.refused(412, "PRECONDITION_FAILED");
    server
        .send("PUT", &path, &[("if-match", &new)], body)
        .await
        .with_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_changes_of_one_user_all_happen() {
    let server = Server::start().await;
    let user = server.user("nia").await;
    let version = |etag: String| etag.trim_matches('"').parse::<u32>().unwrap();
    let before = version(server.get(&user).await.etag());
    let changes = (0..32).map(|number| {
        let (server, path) = (&server, format!("{user}/mfaEnabled"));
        async move {
            server
                .put(&path, json!({ "mfaEnabled": number % 2 == 0 }))
                .await
        }
    });
    for answer in join_all(changes).await {
        answer.with_status(200);
    }
    assert_eq!(version(server.get(&user).await.etag()), before + 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_on_a_population_reaches_its_users_only() {
    let server = Server::start().await;
    let (staff, outside) = (
        server.population("Staff").await,
        server.default_population().await,
    );
    let stranger = server.user("stranger").await;
    let role = Role::IdentityDataAdmin.id();
    let admin = server.worker_with(role, "POPULATION", &staff).await;
    let post = |path: &str, body: Value| {
        let (server, admin, path) = (&server, &admin, path.to_owned());
        async move { server.by(admin, "POST", &path, Some(body)).await }
    };
    let body = json!({ "username": "mine", "population": { "id": staff } });
    let mine = post("/users", body).await.with_status(201);
    let mine = path(&mine, "");
    let body = json!({ "username": "other", "population": { "id": outside } });
    post("/users", body).await.refused(403, "ACCESS_FAILED");
    // Without a population it would be the default one's.
    post("/users", json!({ "username": "other" }))
        .await
        .refused(403, "ACCESS_FAILED");

    let all = server
        .by(&admin, "GET", "/users", None)
        .await
        .with_status(200);
    assert_eq!(ids(&all, "users"), [mine.strip_prefix("/users/").unwrap()]);
    assert_eq!(all["count"], 1);
    let phone = json!({ "type": "SMS", "phone": "+47.40612345" });
    post(&format!("{mine}/devices"), phone.clone())
        .await
        .with_status(201);
    for below in ["", "/enabled", "/password", "/devices"] {
        let path = format!("{stranger}{below}");
        server
            .by(&admin, "GET", &path, None)
            .await
            .refused(404, "NOT_FOUND");
    }
    post(&format!("{stranger}/devices"), phone)
        .await
        .refused(404, "NOT_FOUND");
    post(
        &format!("{stranger}/password"),
        json!({ "value": "Correct-Horse-1" }),
    )
    .await
    .refused(404, "NOT_FOUND");
    server
        .by(&admin, "DELETE", &stranger, None)
        .await
        .refused(404, "NOT_FOUND");
    let away = server
        .by(
            &admin,
            "PUT",
            &format!("{mine}/population"),
            Some(json!({ "id": outside })),
        )
        .await;
    away.refused(403, "ACCESS_FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_environments_and_lesser_roles_reach_nothing() {
    let server = Server::start().await;
    let user = server.user("nia").await;
    let elsewhere = server.new_environment("Elsewhere").await;
    let foreign = format!("/v1/environments/{elsewhere}{user}");
    for below in ["", "/enabled", "/devices", "/password"] {
        server
            .get(&format!("{foreign}{below}"))
            .await
            .refused(404, "NOT_FOUND");
    }
    let environment = server.environment.clone();
    let reader = Role::IdentityDataReadOnly.id();
    let reader = server
        .worker_with(reader, "ENVIRONMENT", &environment)
        .await;
    server
        .by(&reader, "GET", &user, None)
        .await
        .with_status(200);
    server
        .by(&reader, "DELETE", &user, None)
        .await
        .refused(403, "ACCESS_FAILED");
    let developer = Role::ClientApplicationDeveloper.id();
    let developer = server
        .worker_with(developer, "ENVIRONMENT", &environment)
        .await;
    for path in [
        user.clone(),
        format!("{user}/password"),
        format!("{user}/devices"),
    ] {
        server
            .by(&developer, "GET", &path, None)
            .await
            .refused(403, "ACCESS_FAILED");
    }
    let path = format!("/v1/environments/{elsewhere}/users");
    server
        .by(&reader, "GET", &path, None)
        .await
        .refused(404, "NOT_FOUND");
    server
        .get("/users/not-an-id")
        .await
        .refused(404, "NOT_FOUND");
    server
        .by("garbled", "GET", &user, None)
        .await
        .refused(401, "ACCESS_FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_brings_password_and_state_along() {
    let server = Server::start().await;
    let import = async |body: Value| {
        server
            .vendor("POST", "/users", "user.import+json", Some(body))
            .await
    };
    let user = import(
        json!({ "username": "nia", "email": "nia@corp.example", "emailVerified": true,
        "mfaEnabled": true, "account": { "status": "LOCKED" },
        "lifecycle": { "status": "VERIFICATION_REQUIRED", "suppressVerificationCode": true },
        "password": { "value": "Tr0ub4dor&Horse", "forceChange": true } }),
    )
    .await
    .with_status(201);
    assert_eq!(user["emailVerified"], true);
    assert_eq!(user["mfaEnabled"], true);
    assert_eq!(user["lifecycle"]["status"], "VERIFICATION_REQUIRED");
    assert_eq!(user["account"]["status"], "OK");
    assert!(!user.to_string().contains("Tr0ub4dor"));
    let state = server.get(&path(&user, "/password")).await.with_status(200);
    assert_eq!(state["status"], "MUST_CHANGE_PASSWORD");

    let weak = import(json!({ "username": "kim", "password": { "value": "kim" } })).await;
    weak.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "password");
    let lacks = &weak.body["details"][0]["innerError"]["unsatisfiedRequirements"];
    let lacks: Vec<_> = lacks
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    assert_eq!(
        lacks
            .iter()
            .filter(|lack| **lack == "minCharacters")
            .count(),
        3
    );
    for lack in ["length", "minUniqueCharacters", "excludesProfileData"] {
        assert!(lacks.contains(&lack), "{lack}");
    }
    let encoded = json!({ "username": "lee", "password": { "value": "{SSHA512}abc" } });
    import(encoded)
        .await
        .refused_for(400, "INVALID_DATA", "INVALID_VALUE", "password");
    let page = server.get("/users").await.with_status(200);
    assert_eq!(page["count"], 1);
}
