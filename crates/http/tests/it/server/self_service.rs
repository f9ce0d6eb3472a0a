//! What a user's own token reaches: the own account, by scope, and nothing else.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Server, send, text};

/// A user, and an access token of that user with this scope.
async fn signed_on(server: &Server, scope: &str) -> (String, String) {
    let client = server.create_application("self service", json!({})).await;
    let who = server.sign_on().await;
    let code = server.mint(&client, who, scope).await;
    let tokens = server.redeem(&client, &code).await.json(200);
    (who.user.to_string(), text(&tokens, "access_token"))
}

async fn status(server: &Server, token: &str, method: Method, path: &str, body: Value) -> u16 {
    let path = format!("/v1/environments/{}{path}", server.environment);
    let request = server.request(method, &path).bearer_auth(token).json(&body);
    send(request).await.status
}

#[tokio::test]
async fn a_user_reaches_the_own_account_by_scope() {
    let server = Server::start().await;
    let scope = "openid p1:read:user p1:update:user p1:read:device p1:create:device";
    let (user, token) = signed_on(&server, scope).await;
    let own = format!("/users/{user}");
    let call = |method, path: &str, body| {
        let path = path.to_owned();
        let (server, token) = (&server, token.as_str());
        async move { status(server, token, method, &path, body).await }
    };
    assert_eq!(call(Method::GET, &own, Value::Null).await, 200);
    let nickname = json!({ "nickname": "Addie" });
    assert_eq!(call(Method::PATCH, &own, nickname).await, 200);
    let devices = format!("{own}/devices");
    assert_eq!(call(Method::GET, &devices, Value::Null).await, 200);
    // A device of one's own must be proved: it cannot be born active.
    let active = json!({ "type": "EMAIL", "email": "ada@shop.test", "status": "ACTIVE" });
    assert_eq!(call(Method::POST, &devices, active).await, 400);
    // Not by these scopes, though the account is the own one.
    for (method, path) in [
        (Method::PUT, format!("{own}/mfaEnabled")),
        (Method::PUT, format!("{own}/enabled")),
        (Method::PUT, format!("{own}/bypassMFA")),
        (Method::PUT, format!("{own}/population")),
        (Method::GET, format!("{own}/password")),
        (Method::DELETE, own.clone()),
    ] {
        assert_eq!(
            call(method.clone(), &path, json!({})).await,
            404,
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn a_user_reaches_nothing_else() {
    let server = Server::start().await;
    let scope = "openid p1:read:user p1:update:user p1:read:device";
    let (_, token) = signed_on(&server, scope).await;
    let other = "/users/00000000-0000-4000-8000-000000000001".to_owned();
    for path in [
        other.clone(),
        format!("{other}/devices"),
        "/users".to_owned(),
        "/applications".to_owned(),
    ] {
        let status = status(&server, &token, Method::GET, &path, Value::Null).await;
        assert_eq!(status, 404, "{path}");
    }
}

#[tokio::test]
async fn without_the_scope_the_own_account_is_out_of_reach() {
    let server = Server::start().await;
    let (user, token) = signed_on(&server, "openid profile").await;
    for (method, path) in [
        (Method::GET, ""),
        (Method::PATCH, ""),
        (Method::GET, "/devices"),
    ] {
        let path = format!("/users/{user}{path}");
        assert_eq!(
            status(&server, &token, method, &path, json!({})).await,
            404,
            "{path}"
        );
    }
}
