//! Conventions that hold for every managed type, shown on one of each shape.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Server, send};

/// A body that creates one object of each plain collection of an environment.
pub(super) fn creatable() -> Vec<(&'static str, Value)> {
    vec![
        (
            "applications",
            json!({ "name": "shop", "enabled": true, "type": "WEB_APP", "protocol": "OPENID_CONNECT",
                "grantTypes": ["AUTHORIZATION_CODE"], "responseTypes": ["CODE"],
                "redirectUris": ["https://app.example.test/cb"], "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC" }),
        ),
        ("resources", json!({ "name": "payments" })),
        ("signOnPolicies", json!({ "name": "Step_Up" })),
        ("populations", json!({ "name": "Staff" })),
    ]
}

#[tokio::test]
async fn what_was_created_is_read_listed_replaced_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("conventions").await;
    for (collection, body) in creatable() {
        let path = format!("/v1/environments/{environment}/{collection}");
        let created = admin.post(&path, body).await;
        assert_eq!(created.status, 201, "{created:?}");
        let own = format!("{path}/{}", created.id());
        assert_eq!(
            created.headers["location"],
            format!("{}{own}", server.base).as_str()
        );
        assert_eq!(
            created.body["_links"]["self"]["href"],
            format!("{}{own}", server.base)
        );
        let read = admin.get(&own).await;
        assert_eq!(read.body, created.body, "{collection}");
        assert_eq!(read.body["environment"]["id"], environment.as_str());
        let listed = admin.get(&path).await;
        let items = listed.body["_embedded"][collection].as_array().unwrap();
        assert_eq!(listed.body["size"], items.len());
        assert!(
            items.contains(&read.body),
            "{collection} lists what it holds"
        );
        let replaced = admin.put(&own, read.body.clone()).await;
        assert_eq!(replaced.status, 200, "{replaced:?}");
        let without_time = |mut value: Value| {
            value.as_object_mut().unwrap().remove("updatedAt");
            value
        };
        assert_eq!(
            without_time(replaced.body),
            without_time(read.body),
            "a replacement with what was read"
        );
        assert_eq!(admin.delete(&own).await.status, 204, "{collection}");
        assert_eq!(admin.get(&own).await.status, 404);
        assert_eq!(admin.delete(&own).await.status, 404);
    }
}

#[tokio::test]
async fn all_violations_come_at_once() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("violations").await;
    let body = json!({ "name": "", "enabled": "yes", "type": "ROCKET", "grantTypes": [7] });
    let answer = admin
        .post(
            &format!("/v1/environments/{environment}/applications"),
            body,
        )
        .await;
    assert_eq!((answer.status, answer.code()), (400, "INVALID_DATA"));
    let details = answer.details();
    for (code, target) in [
        ("EMPTY_VALUE", "name"),
        ("INVALID_VALUE", "enabled"),
        ("INVALID_VALUE", "type"),
        ("REQUIRED_VALUE", "protocol"),
        ("INVALID_VALUE", "grantTypes[0]"),
    ] {
        assert!(
            details.contains(&(code.to_owned(), target.to_owned())),
            "{code} {target} in {details:?}"
        );
    }
}

#[tokio::test]
async fn a_name_is_taken_once_per_environment() {
    let server = Server::start().await;
    let admin = server.admin();
    let (one, two) = (
        admin.environment("one").await,
        admin.environment("two").await,
    );
    let path = |environment: &str| format!("/v1/environments/{environment}/resources");
    assert_eq!(
        admin
            .post(&path(&one), json!({ "name": "payments" }))
            .await
            .status,
        201
    );
    let again = admin.post(&path(&one), json!({ "name": "Payments" })).await;
    assert_eq!((again.status, again.code()), (400, "INVALID_DATA"));
    assert_eq!(
        again.details(),
        [("UNIQUENESS_VIOLATION".to_owned(), "name".to_owned())]
    );
    assert_eq!(
        admin
            .post(&path(&two), json!({ "name": "payments" }))
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn what_is_referred_to_stays() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("references").await;
    let base = format!("/v1/environments/{environment}");
    let application = admin
        .post(&format!("{base}/applications"), creatable().remove(0).1)
        .await
        .id();
    let resource = admin
        .post(&format!("{base}/resources"), json!({ "name": "used" }))
        .await
        .id();
    let resource = format!("{base}/resources/{resource}");
    let scope = admin
        .post(
            &format!("{resource}/scopes"),
            json!({ "name": "used:read" }),
        )
        .await
        .body;
    let grant = json!({ "resource": scope["resource"], "scopes": [{ "id": scope["id"] }] });
    let grants = format!("{base}/applications/{application}/grants");
    let granted = admin.post(&grants, grant).await;
    assert_eq!(granted.status, 201, "{granted:?}");
    let refused = admin.delete(&resource).await;
    assert_eq!(
        refused.details()[0].0,
        "CONSTRAINT_VIOLATION",
        "{refused:?}"
    );
    assert_eq!(
        admin
            .delete(&format!("{base}/applications/{application}"))
            .await
            .status,
        204
    );
    assert_eq!(admin.delete(&resource).await.status, 204);
    let unknown = json!({ "resource": { "id": scope["id"] }, "scopes": [{ "id": scope["id"] }] });
    let application = admin
        .post(&format!("{base}/applications"), creatable().remove(0).1)
        .await
        .id();
    let refused = admin
        .post(
            &format!("{base}/applications/{application}/grants"),
            unknown,
        )
        .await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.details()[0].1, "resource.id", "{refused:?}");
}

#[tokio::test]
async fn if_match_guards_a_version() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("versions").await;
    let path = format!("/v1/environments/{environment}/populations");
    let created = admin.post(&path, json!({ "name": "Staff" })).await;
    let own = format!("{path}/{}", created.id());
    let tag = created.headers["etag"].to_str().unwrap().to_owned();
    let change = |tag: &str, name: &str| {
        admin
            .request(Method::PUT, &own)
            .header("if-match", tag)
            .json(&json!({ "name": name }))
    };
    let changed = send(change(&tag, "Crew")).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let stale = send(change(&tag, "Team")).await;
    assert_eq!((stale.status, stale.code()), (412, "PRECONDITION_FAILED"));
    assert_eq!(send(change("*", "Team")).await.status, 200);
    assert_eq!(send(change("W/\"1\"", "Team")).await.status, 412);
    let gone = send(admin.request(Method::DELETE, &own).header("if-match", tag)).await;
    assert_eq!(gone.status, 412);
}

#[tokio::test]
async fn writers_at_once_all_succeed_and_the_last_one_wins() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("writers").await;
    let path = format!("/v1/environments/{environment}/populations");
    let own = format!(
        "{path}/{}",
        admin.post(&path, json!({ "name": "Staff" })).await.id()
    );
    let writes = (0..8).map(|n| {
        let request = admin
            .request(Method::PUT, &own)
            .json(&json!({ "name": format!("Staff {n}") }));
        tokio::spawn(request.send())
    });
    for write in writes.collect::<Vec<_>>() {
        assert_eq!(write.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(admin.get(&own).await.headers["etag"], "\"9\"");
}

#[tokio::test]
async fn pages_hold_everything_once_while_others_insert() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("pages").await;
    let path = format!("/v1/environments/{environment}/populations");
    for n in 0..7 {
        admin.post(&path, json!({ "name": format!("P{n}") })).await;
    }
    let mut next = Some(format!("{path}?limit=3"));
    let (mut seen, mut pages) = (Vec::new(), 0);
    while let Some(url) = next {
        let page = admin.get(&url).await;
        assert_eq!(page.status, 200, "{page:?}");
        let items = page.body["_embedded"]["populations"].as_array().unwrap();
        assert!(items.len() <= 3);
        seen.extend(
            items
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        admin
            .post(&path, json!({ "name": format!("Late {pages}") }))
            .await;
        next = page.body["_links"]["next"]["href"]
            .as_str()
            .map(str::to_owned);
        assert!(pages < 10);
    }
    for n in 0..7 {
        assert_eq!(
            seen.iter().filter(|name| **name == format!("P{n}")).count(),
            1,
            "{seen:?}"
        );
    }
}

#[tokio::test]
async fn a_body_of_null_is_an_empty_one() {
    let server = Server::start().await;
    let user = server.user("signe").await;
    for verb in ["account.lock+json", "account.unlock+json"] {
        let answer = server.vendor("POST", &user, verb, Some(Value::Null)).await;
        assert_eq!(answer.status, 200, "{verb} {}", answer.text);
    }
    let nothing = server.post("populations", Value::Null).await;
    nothing.refused_for(400, "INVALID_DATA", "REQUIRED_VALUE", "name");
}
