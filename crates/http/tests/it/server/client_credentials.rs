use reqwest::{Method, header};
use serde_json::json;
use stepgate_app::{clock::Clock, tokens};
use stepgate_domain::time::Duration;

use crate::support::{Server, TestClient, send, text, verified};

const FORM: [(&str, &str); 1] = [("grant_type", "client_credentials")];

#[tokio::test]
async fn the_first_worker_administers_with_its_token() {
    let server = Server::start().await;
    let response = server.token(&server.admin_client(), &FORM).await;
    assert_eq!(response.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(response.headers[header::PRAGMA], "no-cache");
    let body = response.json(200);
    let token = text(&body, "access_token");
    assert_eq!(
        body,
        json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 })
    );
    let claims = verified(&server, &token, None).await;
    assert_eq!(
        claims,
        json!({
            "client_id": server.admin_client().id, "iss": server.issuer(), "jti": claims["jti"],
            "iat": 1_769_860_800, "exp": 1_769_864_400, "aud": [server.base],
            "env": server.installation.environment, "org": server.installation.organization,
            "p1.rid": claims["jti"],
        })
    );
    let path = format!("/v1/environments/{}/applications", server.environment);
    for path in [path.as_str(), "/v1/organizations"] {
        let listed = server.request(Method::GET, path).bearer_auth(&token);
        send(listed).await.json(200);
    }
}

#[tokio::test]
async fn only_the_configured_way_of_authentication_is_accepted() {
    let server = Server::start().await;
    let admin = server.admin_client();
    let post = server
        .create_application(
            "by post",
            json!({ "type": "WORKER", "grantTypes": ["CLIENT_CREDENTIALS"],
                "tokenEndpointAuthMethod": "CLIENT_SECRET_POST" }),
        )
        .await;
    let by_post = |client: &TestClient| {
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", client.id.clone()),
            ("client_secret", client.secret.clone()),
        ];
        send(server.at(Method::POST, "as/token").form(&form))
    };
    // Proved; what it lacks is a role.
    let (error, description) = by_post(&post).await.oauth_error(400);
    assert_eq!(error, "access_denied");
    assert_eq!(
        description,
        "The request could not be completed. There was an issue processing the request.: \
         The application has no role"
    );
    let unsupported = "Request denied: Unsupported authentication method";
    let refused = by_post(&admin).await;
    assert!(!refused.headers.contains_key(header::WWW_AUTHENTICATE));
    let refused = refused.oauth_error(401);
    assert_eq!(
        refused,
        ("invalid_client".to_owned(), unsupported.to_owned())
    );
    let refused = server.token(&post, &FORM).await;
    assert!(refused.headers.contains_key(header::WWW_AUTHENTICATE));
    let refused = refused.oauth_error(401);
    assert_eq!(refused.1, unsupported);
    let without_secret = TestClient {
        secret: String::new(),
        ..admin
    };
    let refused = server.token(&without_secret, &FORM).await;
    assert!(refused.headers.contains_key(header::WWW_AUTHENTICATE));
    refused.oauth_error(401);
}

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_client_get_the_same_answer() {
    let server = Server::start().await;
    let wrong = TestClient {
        secret: "wrong".to_owned(),
        ..server.admin_client()
    };
    let unknown = TestClient {
        id: "9e0a1111-2222-4333-8444-555566667777".to_owned(),
        ..server.admin_client()
    };
    let malformed = TestClient {
        id: "me".to_owned(),
        ..server.admin_client()
    };
    for client in [wrong, unknown, malformed] {
        let response = server.token(&client, &FORM).await;
        let challenge = format!("Basic realm=\"{}\"", server.environment);
        assert_eq!(response.headers[header::WWW_AUTHENTICATE], challenge);
        assert_eq!(
            response.oauth_error(401),
            (
                "invalid_client".to_owned(),
                "Request denied: Invalid client credentials".to_owned()
            )
        );
    }
}

#[tokio::test]
async fn a_service_gets_the_scopes_of_its_resource_and_administers_nothing() {
    let server = Server::start().await;
    let with = json!({ "type": "SERVICE", "grantTypes": ["CLIENT_CREDENTIALS"] });
    let service = server.create_application("service", with).await;
    let (error, _) = server.token(&service, &FORM).await.oauth_error(400);
    assert_eq!(error, "invalid_scope");

    server.grant_resource(&service, "payments:write").await;
    let body = server.token(&service, &FORM).await.json(200);
    assert_eq!(body["scope"], "payments:write");
    let token = text(&body, "access_token");
    let claims = verified(&server, &token, None).await;
    assert_eq!(claims["aud"], json!(["https://payments.test"]));

    let path = format!("/v1/environments/{}/applications", server.environment);
    let refused = server.request(Method::GET, &path).bearer_auth(&token);
    let refused = send(refused).await.json(401);
    assert_eq!(refused["code"], "ACCESS_FAILED");
}

#[tokio::test]
async fn a_users_token_of_another_application_administers_nothing() {
    let server = Server::start().await;
    let client = server.create_application("app", json!({})).await;
    let code = server.mint(&client, server.sign_on().await, "openid").await;
    let body = server.redeem(&client, &code).await.json(200);
    let path = format!("/v1/environments/{}/applications", server.environment);
    let refused = server
        .request(Method::GET, &path)
        .bearer_auth(text(&body, "access_token"));
    let refused = send(refused).await.json(404);
    assert_eq!(refused["code"], "NOT_FOUND");
}

#[tokio::test]
async fn requests_that_are_no_token_requests_are_refused_with_the_documented_status() {
    let server = Server::start().await;
    let admin = server.admin_client();
    let unknown = server
        .request(
            Method::POST,
            "/9e0a1111-2222-4333-8444-555566667777/as/token",
        )
        .basic_auth(&admin.id, Some(&admin.secret))
        .form(&FORM);
    let unknown = send(unknown).await.json(404);
    assert_eq!(unknown["code"], "NOT_FOUND");
    let malformed = server.request(Method::POST, "/me/as/token").form(&FORM);
    send(malformed).await.json(404);

    let got = send(server.at(Method::GET, "as/token")).await;
    assert_eq!(got.headers[header::ALLOW], "POST");
    let got = got.json(405);
    assert_eq!(got["code"], "METHOD_NOT_ALLOWED");

    let json = server
        .at(Method::POST, "as/token")
        .basic_auth(&admin.id, Some(&admin.secret))
        .header(header::CONTENT_TYPE, "application/json")
        .body("{}");
    let json = send(json).await.json(415);
    assert_eq!(json["code"], "INVALID_REQUEST");

    for (form, error) in [
        (vec![], "invalid_request"),
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (
            vec![("grant_type", "refresh_token"), ("refresh_token", "x")],
            "unauthorized_client",
        ),
        (vec![FORM[0], FORM[0]], "invalid_request"),
    ] {
        let refused = server.token(&admin, &form).await;
        let (found, _) = refused.oauth_error(400);
        assert_eq!(found, error, "{form:?}");
    }
}

#[tokio::test]
async fn a_rotated_secret_works_until_it_expires_and_its_use_is_noted() {
    let server = Server::start().await;
    let with = json!({ "type": "SERVICE", "grantTypes": ["CLIENT_CREDENTIALS"] });
    let old = server.create_application("service", with).await;
    server.grant_resource(&old, "payments:write").await;
    let new = server.rotate_secret(&old, Duration::from_minutes(5)).await;
    server.token(&new, &FORM).await.json(200);
    let last_used = async || {
        let secrets = tokens::client_secrets(&server.app, server.environment, old.uuid());
        let secrets = secrets.await.unwrap().unwrap();
        secrets.previous.as_ref().unwrap().last_used
    };
    assert_eq!(last_used().await, None);
    server.token(&old, &FORM).await.json(200);
    let noted = async {
        while last_used().await.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), noted)
        .await
        .unwrap();
    assert_eq!(last_used().await, Some(server.clock.now()));
    server.clock.advance(Duration::from_minutes(5));
    let (error, _) = server.token(&old, &FORM).await.oauth_error(401);
    assert_eq!(error, "invalid_client");
    server.token(&new, &FORM).await.json(200);
}

#[tokio::test]
async fn a_client_may_leave_its_environment_out_of_the_path() {
    let server = Server::start().await;
    let admin = server.admin_client();
    let place = || server.request(Method::POST, "/as/token").form(&FORM);
    let basic = place().basic_auth(&admin.id, Some(&admin.secret));
    let body = send(basic).await.json(200);
    let claims = verified(&server, &text(&body, "access_token"), None).await;
    assert_eq!(claims["iss"], server.issuer());
    assert_eq!(claims["client_id"], admin.id.as_str());
    for (id, secret) in [
        (
            "00000000-0000-4000-8000-000000000000",
            admin.secret.as_str(),
        ),
        ("nobody", admin.secret.as_str()),
        (admin.id.as_str(), "wrong"),
    ] {
        let refused = send(place().basic_auth(id, Some(secret))).await;
        assert!(
            refused.headers.contains_key(header::WWW_AUTHENTICATE),
            "{id}"
        );
        let (error, _) = refused.oauth_error(401);
        assert_eq!(error, "invalid_client", "{id}");
    }
}

#[tokio::test]
async fn access_tokens_say_what_they_are_where_the_resource_or_the_profile_asks_for_it() {
    let server = Server::start().await;
    let with = json!({ "type": "SERVICE", "grantTypes": ["CLIENT_CREDENTIALS"] });
    let service = server.create_application("service", with).await;
    let resource = server.grant_resource(&service, "payments:write").await;
    let token = async || {
        text(
            &server.token(&service, &FORM).await.json(200),
            "access_token",
        )
    };
    verified(&server, &token().await, None).await;

    let path = format!("resources/{}", resource.id);
    let mut body = server.get(&path).await.json(200);
    body["accessTokenType"] = "at+jwt".into();
    server.put(&path, body.clone()).await.json(200);
    verified(&server, &token().await, Some("at+jwt")).await;
    let members = body.as_object_mut().unwrap();
    members.remove("accessTokenType");
    server.put(&path, body).await.json(200);
    verified(&server, &token().await, None).await;

    let strict = json!({ "profile": "STRICT" });
    server.put("securityProfile", strict).await.json(200);
    let typed = token().await;
    verified(&server, &typed, Some("at+jwt")).await;
    let active = server.introspect(&service, &typed).await;
    assert_eq!(active["active"], true, "either form is one of ours");
}
