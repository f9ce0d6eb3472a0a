//! Users as they are written, read and found.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stepgate_domain::time::Duration;

use crate::support::{NOBODY, Server, ids};

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
    let server = Server::delivering().await;
    let answer = server.post("/users", whole()).await;
    assert!(
        answer.headers["location"]
            .to_str()
            .unwrap()
            .contains("/users/")
    );
    let user = answer.json(201);
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
    assert_eq!(user["environment"]["id"], server.environment.to_string());
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
    let state = server.get(&path(&user, "/password")).await.json(200);
    assert_eq!(state["status"], "NO_PASSWORD");
}

pub(crate) fn path(user: &Value, below: &str) -> String {
    format!("/users/{}{below}", user["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn putting_back_what_was_read_changes_nothing() {
    let server = Server::delivering().await;
    let made = server.post("/users", whole()).await.json(201);
    let read = server.get(&path(&made, "")).await.json(200);
    server.advance(Duration::from_minutes(1));
    let put = server.put(&path(&made, ""), read.clone()).await.json(200);
    let without_date = |mut user: Value| {
        user.as_object_mut().unwrap().remove("updatedAt");
        user
    };
    assert_eq!(without_date(put), without_date(read));
}

#[tokio::test(flavor = "multi_thread")]
async fn put_replaces_and_patch_merges() {
    let server = Server::delivering().await;
    let made = server.post("/users", whole()).await.json(201);
    let patch = json!({ "title": null, "name": { "given": "Mia" }, "enabled": false,
        "population": { "id": NOBODY }, "unheardOf": 1 });
    let patched = server.call("PATCH", &path(&made, ""), Some(patch)).await;
    let patched = patched.json(200);
    assert!(patched.get("title").is_none());
    assert_eq!(patched["name"]["given"], "Mia");
    assert_eq!(patched["name"]["family"], "Berg");
    assert_eq!(patched["enabled"], true);
    assert_eq!(patched["population"], made["population"]);

    let put = json!({ "username": "mia", "name": { "given": "Mia" } });
    let put = server.put(&path(&made, ""), put).await.json(200);
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
    let server = Server::delivering().await;
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
    let server = Server::delivering().await;
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
    let server = Server::delivering().await;
    for name in ["anna", "anton", "bert"] {
        server.user(name).await;
    }
    let population = server.default_population().await;
    let found = async |filter: &str| {
        let query: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let page = server.get(&format!("/users?filter={query}")).await;
        let page = page.json(200);
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
    let server = Server::delivering().await;
    for name in ["b", "a", "c"] {
        server.user(name).await;
        server.advance(Duration::from_seconds(1));
    }
    let names = async |order: &str| {
        let page = server.get(&format!("/users{order}")).await.json(200);
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
    let server = Server::delivering().await;
    let mut before = BTreeSet::new();
    for number in 0..7 {
        before.insert(server.user(&format!("user{number}")).await);
        server.advance(Duration::from_seconds(1));
    }
    let mut seen = Vec::new();
    let mut next = Some("/users?limit=2".to_owned());
    let mut added = 0;
    while let Some(path) = next {
        let page = server.get(&path).await.json(200);
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
async fn an_import_brings_password_and_state_along() {
    let server = Server::delivering().await;
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
    .json(201);
    assert_eq!(user["emailVerified"], true);
    assert_eq!(user["mfaEnabled"], true);
    assert_eq!(user["lifecycle"]["status"], "VERIFICATION_REQUIRED");
    assert_eq!(user["account"]["status"], "OK");
    assert!(!user.to_string().contains("Tr0ub4dor"));
    let state = server.get(&path(&user, "/password")).await.json(200);
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
    let page = server.get("/users").await.json(200);
    assert_eq!(page["count"], 1);
}
