//! Conventions that hold for every managed type, shown on one of each shape.

use reqwest::Method;
use serde_json::{Value, json};
use stepgate_domain::{
    access::{Role, ScopeType},
    time::Duration,
};

use crate::support::{Answer, Server, send};

fn code(answer: &Answer) -> &str {
    answer.body["code"].as_str().unwrap_or_default()
}

/// A body that creates one object of each plain collection of an environment.
fn creatable() -> Vec<(&'static str, Value)> {
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
    assert_eq!((answer.status, code(&answer)), (400, "INVALID_DATA"));
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
    assert_eq!((again.status, code(&again)), (400, "INVALID_DATA"));
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
    let policy = admin
        .post(&format!("{base}/signOnPolicies"), json!({ "name": "Used" }))
        .await
        .id();
    let assignments = format!("{base}/applications/{application}/signOnPolicyAssignments");
    let assigned = admin
        .post(
            &assignments,
            json!({ "signOnPolicy": { "id": policy }, "priority": 1 }),
        )
        .await;
    assert_eq!(assigned.status, 201, "{assigned:?}");
    let refused = admin
        .delete(&format!("{base}/signOnPolicies/{policy}"))
        .await;
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
    assert_eq!(
        admin
            .delete(&format!("{base}/signOnPolicies/{policy}"))
            .await
            .status,
        204
    );
    let unknown = json!({ "resource": { "id": policy }, "scopes": [{ "id": policy }] });
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
    assert_eq!((stale.status, code(&stale)), (412, "PRECONDITION_FAILED"));
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
async fn a_bad_query_says_what_is_supported() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("queries").await;
    let path = format!("/v1/environments/{environment}/populations");
    for (query, detail) in [
        ("filter=color%20eq%20%22red%22", "INVALID_FILTER"),
        ("filter=name%20gt%20%22a%22", "INVALID_FILTER"),
        ("filter=name%20eq", "INVALID_FILTER"),
        ("cursor=nonsense", "INVALID_PARAMETER"),
        ("limit=many", "INVALID_PARAMETER"),
    ] {
        let answer = admin.get(&format!("{path}?{query}")).await;
        assert_eq!(
            (answer.status, code(&answer)),
            (400, "INVALID_REQUEST"),
            "{query} {answer:?}"
        );
        assert_eq!(answer.details()[0].0, detail, "{query}");
    }
    let unsupported = admin
        .get(&format!("{path}?filter=color%20eq%20%22red%22"))
        .await;
    assert!(unsupported.body["details"][0]["innerError"]["supportedAttributes"].is_array());
    let range = admin.get(&format!("{path}?limit=0")).await;
    assert_eq!(range.details()[0].0, "OUT_OF_RANGE");
    let found = admin
        .get(&format!(
            "{path}?filter=(NAME%20EQ%20%22default%22)%20OR%20(name%20sw%20%22x%22)"
        ))
        .await;
    assert_eq!(found.body["size"], 1, "{found:?}");
}

#[tokio::test]
async fn the_edge_refuses_what_no_handler_should_see() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("edge").await;
    let path = format!("/v1/environments/{environment}/populations");
    let post = || admin.request(Method::POST, &path);
    let malformed = send(
        post()
            .header("content-type", "application/json")
            .body("{\"name\":"),
    )
    .await;
    assert_eq!(
        (malformed.status, code(&malformed)),
        (400, "INVALID_REQUEST")
    );
    let no_object = admin.post(&path, json!(["name"])).await;
    assert_eq!((no_object.status, code(&no_object)), (400, "INVALID_DATA"));
    let wrong_type = send(post().header("content-type", "text/plain").body("name")).await;
    assert_eq!(
        (wrong_type.status, code(&wrong_type)),
        (415, "INVALID_REQUEST")
    );
    let huge = json!({ "name": "x".repeat(1_100_000) });
    assert_eq!(admin.post(&path, huge).await.status, 413);
    let wrong_method = send(admin.request(Method::PATCH, &path)).await;
    assert_eq!(
        (wrong_method.status, code(&wrong_method)),
        (405, "METHOD_NOT_ALLOWED")
    );
    assert!(
        wrong_method.headers["allow"]
            .to_str()
            .unwrap()
            .contains("POST")
    );
    let nowhere = admin.get("/v1/nowhere").await;
    assert_eq!((nowhere.status, code(&nowhere)), (404, "NOT_FOUND"));
    for id in ["nonsense", "9E0A1111-2222-4333-8444-555566667777"] {
        assert_eq!(admin.get(&format!("{path}/{id}")).await.status, 404, "{id}");
    }
    let stranger = send(
        admin
            .request(Method::GET, &path)
            .header("host", "evil.test"),
    )
    .await;
    assert_eq!(stranger.status, 421);
    assert!(stranger.headers.get("correlation-id").is_some());
    for answer in [malformed, wrong_type, wrong_method, nowhere, stranger] {
        assert!(
            answer.body["id"].as_str().is_some_and(|id| !id.is_empty()),
            "{answer:?}"
        );
        assert!(answer.body["message"].is_string());
    }
}

#[tokio::test]
async fn the_method_can_be_overridden_on_post_only() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("override").await;
    let path = format!("/v1/environments/{environment}/populations");
    let own = format!(
        "{path}/{}",
        admin.post(&path, json!({ "name": "Staff" })).await.id()
    );
    let over = |method: Method| {
        admin
            .request(method, &own)
            .header("x-http-method-override", "DELETE")
    };
    assert_eq!(send(over(Method::GET)).await.status, 200);
    assert_eq!(send(over(Method::POST)).await.status, 204);
    assert_eq!(admin.get(&own).await.status, 404);
}

#[tokio::test]
async fn the_answer_has_the_type_that_was_asked_for() {
    let server = Server::start().await;
    let admin = server.admin();
    for (accept, expected) in [
        ("application/json", "application/json;charset=UTF-8"),
        ("*/*", "application/hal+json;charset=UTF-8"),
        ("application/hal+json", "application/hal+json;charset=UTF-8"),
    ] {
        let answer = send(
            admin
                .request(Method::GET, "/v1/environments")
                .header("accept", accept),
        )
        .await;
        assert_eq!(answer.headers["content-type"], expected, "{accept}");
        let error = send(
            admin
                .request(Method::GET, "/v1/nowhere")
                .header("accept", accept),
        )
        .await;
        assert_eq!(
            error.headers["content-type"],
            "application/json;charset=UTF-8"
        );
    }
}

#[tokio::test]
async fn an_environment_is_born_complete_and_dies_at_once() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("cradle").await;
    let base = format!("/v1/environments/{environment}");
    let names = |answer: Answer, collection: &str| -> Vec<String> {
        let items = answer.body["_embedded"][collection]
            .as_array()
            .cloned()
            .unwrap_or_default();
        items
            .iter()
            .map(|item| item["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(
        names(
            admin.get(&format!("{base}/populations")).await,
            "populations"
        ),
        ["Default"]
    );
    assert_eq!(
        names(admin.get(&format!("{base}/resources")).await, "resources"),
        ["openid", "PingOne API"]
    );
    assert_eq!(
        names(
            admin.get(&format!("{base}/signOnPolicies")).await,
            "signOnPolicies"
        ),
        ["Single_Factor", "Multi_Factor"]
    );
    for collection in [
        "passwordPolicies",
        "deviceAuthenticationPolicies",
        "notificationsPolicies",
    ] {
        let listed = admin.get(&format!("{base}/{collection}")).await;
        let items = listed.body["_embedded"][collection].as_array().unwrap();
        assert_eq!(
            items.iter().filter(|item| item["default"] == true).count(),
            1,
            "{collection}"
        );
    }
    assert_eq!(admin.delete(&base).await.status, 204);
    assert_eq!(admin.get(&base).await.status, 404);
    let gone = admin.get(&format!("{base}/populations")).await;
    assert_eq!(
        gone.body["message"],
        format!("Unable to find environment with ID: '{environment}'")
    );
}

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
    assert_eq!(
        assign(
            Role::IdentityDataAdmin,
            ScopeType::Environment,
            &environment
        )
        .await
        .status,
        400
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
