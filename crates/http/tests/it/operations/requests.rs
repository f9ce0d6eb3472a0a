//! What is judged before any object is looked at: the query, the method and the media types.

use reqwest::Method;
use serde_json::json;

use crate::support::{Server, send};

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
        ("filter=COSTLY", "INVALID_FILTER"),
    ] {
        let costly: Vec<String> = (0..51)
            .map(|it| format!("name%20eq%20%22{it}%22"))
            .collect();
        let query = query.replace("COSTLY", &costly.join("%20or%20"));
        let answer = admin.get(&format!("{path}?{query}")).await;
        assert_eq!(
            (answer.status, answer.code()),
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
async fn an_order_names_each_attribute_once() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("orders").await;
    let path = format!("/v1/environments/{environment}/users");
    let many = vec!["createdAt"; 3_000].join(",");
    for order in ["username,-username", "email,username,EMAIL", &many] {
        let answer = admin.get(&format!("{path}?order={order}")).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.details()[0].0, "INVALID_PARAMETER");
    }
    let each = admin
        .get(&format!("{path}?order=username,-createdAt,email"))
        .await;
    assert_eq!(each.status, 200, "{each:?}");
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
        (malformed.status, malformed.code()),
        (400, "INVALID_REQUEST")
    );
    let no_object = admin.post(&path, json!(["name"])).await;
    assert_eq!((no_object.status, no_object.code()), (400, "INVALID_DATA"));
    let wrong_type = send(post().header("content-type", "text/plain").body("name")).await;
    assert_eq!(
        (wrong_type.status, wrong_type.code()),
        (415, "INVALID_REQUEST")
    );
    let huge = json!({ "name": "x".repeat(1_100_000) });
    assert_eq!(admin.post(&path, huge).await.status, 413);
    let wrong_method = send(admin.request(Method::PATCH, &path)).await;
    assert_eq!(
        (wrong_method.status, wrong_method.code()),
        (405, "METHOD_NOT_ALLOWED")
    );
    assert!(
        wrong_method.headers["allow"]
            .to_str()
            .unwrap()
            .contains("POST")
    );
    let nowhere = admin.get("/v1/nowhere").await;
    assert_eq!((nowhere.status, nowhere.code()), (404, "NOT_FOUND"));
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
async fn a_path_that_is_no_text_names_nothing() {
    let server = Server::start().await;
    let environment = server.environment;
    for path in [
        format!("/v1/environments/{environment}/users/%ff"),
        format!("/v1/environments/%c0%80/users/{environment}"),
        format!("/{environment}/flows/%c3%28"),
        "/%ff/as/jwks".to_owned(),
    ] {
        let answer = server.admin().get(&path).await;
        answer.refused_plainly(404, "NOT_FOUND");
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
