use reqwest::{Method, StatusCode, header};
use serde_json::json;
use stepgate_app::{clock::Clock, tokens};
use stepgate_domain::time::Duration;

use crate::support::{Server, TestClient, answer, oauth_error, text, verified};

const FORM: [(&str, &str); 1] = [("grant_type", "client_credentials")];

#[tokio::test]
async fn the_first_worker_administers_with_its_token() {
    let server = Server::start().await;
    let response = server.token(&server.admin(), &FORM).await;
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(response.headers()[header::PRAGMA], "no-cache");
    let body = answer(response, StatusCode::OK).await;
    let token = text(&body, "access_token");
    assert_eq!(
        body,
        json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 })
    );
    let claims = verified(&server, &token, "at+jwt").await;
    assert_eq!(
        claims,
        json!({
            "client_id": server.admin().id, "iss": server.issuer(), "jti": claims["jti"],
            "iat": 1_796_000_000, "exp": 1_796_003_600, "aud": [server.base],
            "env": server.installation.environment, "org": server.installation.organization,
            "p1.rid": claims["jti"],
        })
    );
    let path = format!("/v1/environments/{}/applications", server.environment());
    for path in [path.as_str(), "/v1/organizations"] {
        let listed = server.request(Method::GET, path).bearer_auth(&token);
        answer(listed.send().await.unwrap(), StatusCode::OK).await;
    }
}

#[tokio::test]
async fn only_the_configured_way_of_authentication_is_accepted() {
    let server = Server::start().await;
    let admin = server.admin();
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
        server.at(Method::POST, "token").form(&form).send()
    };
    // Proved; what it lacks is a role.
    let (error, description) =
        oauth_error(by_post(&post).await.unwrap(), StatusCode::BAD_REQUEST).await;
    assert_eq!(error, "access_denied");
    assert_eq!(
        description,
        "The request could not be completed. There was an issue processing the request.: \
         The application has no role"
    );
    let unsupported = "Request denied: Unsupported authentication method";
    let refused = by_post(&admin).await.unwrap();
    assert!(!refused.headers().contains_key(header::WWW_AUTHENTICATE));
    let refused = oauth_error(refused, StatusCode::UNAUTHORIZED).await;
    assert_eq!(
        refused,
        ("invalid_client".to_owned(), unsupported.to_owned())
    );
    let refused = server.token(&post, &FORM).await;
    assert!(refused.headers().contains_key(header::WWW_AUTHENTICATE));
    let refused = oauth_error(refused, StatusCode::UNAUTHORIZED).await;
    assert_eq!(refused.1, unsupported);
    let without_secret = TestClient {
        secret: String::new(),
        ..admin
    };
    let refused = server.token(&without_secret, &FORM).await;
    assert!(refused.headers().contains_key(header::WWW_AUTHENTICATE));
    oauth_error(refused, StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_client_get_the_same_answer() {
    let server = Server::start().await;
    let wrong = TestClient {
        secret: "wrong".to_owned(),
        ..server.admin()
    };
    let unknown = TestClient {
        id: "9e0a1111-2222-4333-8444-555566667777".to_owned(),
        ..server.admin()
    };
    let malformed = TestClient {
        id: "me".to_owned(),
        ..server.admin()
    };
    for client in [wrong, unknown, malformed] {
        let response = server.token(&client, &FORM).await;
        let challenge = format!("Basic realm=\"{}\"", server.environment());
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], challenge);
        assert_eq!(
            oauth_error(response, StatusCode::UNAUTHORIZED).await,
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
    let (error, _) =
        oauth_error(server.token(&service, &FORM).await, StatusCode::BAD_REQUEST).await;
    assert_eq!(error, "invalid_scope");

    server.grant_resource(&service, "payments:write").await;
    let body = answer(server.token(&service, &FORM).await, StatusCode::OK).await;
    assert_eq!(body["scope"], "payments:write");
    let token = text(&body, "access_token");
    let claims = verified(&server, &token, "at+jwt").await;
    assert_eq!(claims["aud"], json!(["https://payments.test"]));

    let path = format!("/v1/environments/{}/applications", server.environment());
    let refused = server.request(Method::GET, &path).bearer_auth(&token);
    let refused = answer(refused.send().await.unwrap(), StatusCode::UNAUTHORIZED).await;
    assert_eq!(refused["code"], "ACCESS_FAILED");
}

#[tokio::test]
async fn a_users_token_of_another_application_administers_nothing() {
    let server = Server::start().await;
    let client = server.create_application("app", json!({})).await;
    let code = server.mint(&client, server.sign_on().await, "openid").await;
    let body = answer(server.redeem(&client, &code).await, StatusCode::OK).await;
    let path = format!("/v1/environments/{}/applications", server.environment());
    let refused = server
        .request(Method::GET, &path)
        .bearer_auth(text(&body, "access_token"));
    let refused = answer(refused.send().await.unwrap(), StatusCode::NOT_FOUND).await;
    assert_eq!(refused["code"], "NOT_FOUND");
}

#[tokio::test]
async fn requests_that_are_no_token_requests_are_refused_with_the_documented_status() {
    let server = Server::start().await;
    let admin = server.admin();
    let unknown = server
        .request(
            Method::POST,
            "/9e0a1111-2222-4333-8444-555566667777/as/token",
        )
        .basic_auth(&admin.id, Some(&admin.secret))
        .form(&FORM);
    let unknown = answer(unknown.send().await.unwrap(), StatusCode::NOT_FOUND).await;
    assert_eq!(unknown["code"], "NOT_FOUND");
    let malformed = server.request(Method::POST, "/me/as/token").form(&FORM);
    answer(malformed.send().await.unwrap(), StatusCode::NOT_FOUND).await;

    let got = server.at(Method::GET, "token").send().await.unwrap();
    assert_eq!(got.headers()[header::ALLOW], "POST");
    let got = answer(got, StatusCode::METHOD_NOT_ALLOWED).await;
    assert_eq!(got["code"], "METHOD_NOT_ALLOWED");

    let json = server
        .at(Method::POST, "token")
        .basic_auth(&admin.id, Some(&admin.secret))
        .header(header::CONTENT_TYPE, "application/json")
        .body("{}");
    let json = answer(
        json.send().await.unwrap(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
    )
    .await;
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
        let (found, _) = oauth_error(refused, StatusCode::BAD_REQUEST).await;
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
    answer(server.token(&new, &FORM).await, StatusCode::OK).await;
    let last_used = async || {
        let secrets = tokens::client_secrets(&server.app, server.environment(), old.uuid());
        let secrets = secrets.await.unwrap().unwrap();
        secrets.previous.as_ref().unwrap().last_used
    };
    assert_eq!(last_used().await, None);
    answer(server.token(&old, &FORM).await, StatusCode::OK).await;
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
    let (error, _) = oauth_error(server.token(&old, &FORM).await, StatusCode::UNAUTHORIZED).await;
    assert_eq!(error, "invalid_client");
    answer(server.token(&new, &FORM).await, StatusCode::OK).await;
}

#[tokio::test]
async fn a_client_may_leave_its_environment_out_of_the_path() {
    let server = Server::start().await;
    let admin = server.admin();
    let place = || server.request(Method::POST, "/as/token").form(&FORM);
    let basic = place().basic_auth(&admin.id, Some(&admin.secret));
    let body = answer(basic.send().await.unwrap(), StatusCode::OK).await;
    let claims = verified(&server, &text(&body, "access_token"), "at+jwt").await;
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
        let refused = place().basic_auth(id, Some(secret)).send().await.unwrap();
        assert!(
            refused.headers().contains_key(header::WWW_AUTHENTICATE),
            "{id}"
        );
        let (error, _) = oauth_error(refused, StatusCode::UNAUTHORIZED).await;
        assert_eq!(error, "invalid_client", "{id}");
    }
}
