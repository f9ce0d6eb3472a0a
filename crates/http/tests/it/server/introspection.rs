use reqwest::{Method, header};
use serde_json::json;
use stepgate_domain::time::Duration;

use crate::support::{Server, TestClient, send, text, verified};

const FORM: [(&str, &str); 1] = [("grant_type", "client_credentials")];

#[tokio::test]
async fn a_client_sees_its_own_tokens_and_a_resource_those_meant_for_it() {
    let server = Server::start().await;
    let with = json!({ "type": "SERVICE", "grantTypes": ["CLIENT_CREDENTIALS"] });
    let service = server.create_application("service", with).await;
    let resource = server.grant_resource(&service, "payments:write").await;
    let body = server.token(&service, &FORM).await.json(200);
    let token = text(&body, "access_token");
    let mut expected = json!({ "active": true });
    let claims = verified(&server, &token, None).await;
    let members = expected.as_object_mut().unwrap();
    members.extend(claims.as_object().unwrap().clone());
    members.insert("token_type".to_owned(), "Bearer".into());
    for caller in [&service, &resource] {
        assert_eq!(server.introspect(caller, &token).await, expected);
    }
    let inactive = json!({ "active": false });
    let admin = server.admin_client();
    assert_eq!(server.introspect(&admin, &token).await, inactive);
    let own = server.admin_token().await;
    assert_eq!(server.introspect(&admin, &own).await["active"], true);
    assert_eq!(server.introspect(&resource, &own).await, inactive);
    let (signing_input, _) = token.rsplit_once('.').unwrap();
    for foreign in [
        format!("{signing_input}.AAAA"),
        "x.y.z".to_owned(),
        "unknown".to_owned(),
    ] {
        assert_eq!(server.introspect(&service, &foreign).await, inactive);
    }
    server.clock.advance(Duration::from_hours(1));
    assert_eq!(server.introspect(&service, &token).await, inactive);
}

#[tokio::test]
async fn id_and_refresh_tokens_are_told_to_their_client() {
    let server = Server::start().await;
    let client = server.create_application("app", json!({})).await;
    let who = server.sign_on().await;
    let code = server.mint(&client, who, "openid email").await;
    let bought = server.redeem(&client, &code).await.json(200);
    let refresh_token = text(&bought, "refresh_token");
    assert_eq!(
        server.introspect(&client, &refresh_token).await,
        json!({
            "active": true, "client_id": client.id, "scope": "openid email",
            "sub": who.user.to_string(), "iat": 1_769_860_800, "exp": 1_772_452_800,
            "aud": server.issuer(), "iss": server.issuer(), "sid": who.session.to_string(),
        })
    );
    let id_token = text(&bought, "id_token");
    let told = server.introspect(&client, &id_token).await;
    assert_eq!(
        (&told["active"], &told["nonce"]),
        (&json!(true), &json!("n-0S6"))
    );
    assert_eq!(told.get("token_type"), None);
    let other = server.create_application("other", json!({})).await;
    for token in [id_token, refresh_token] {
        let told = server.introspect(&other, &token).await;
        assert_eq!(told, json!({ "active": false }));
    }
}

#[tokio::test]
async fn whoever_is_not_proved_is_told_nothing() {
    let server = Server::start().await;
    let ask = |caller: &TestClient, form: &[(&str, &str)]| {
        let request = server.at(Method::POST, "as/introspect").form(form);
        send(request.basic_auth(&caller.id, Some(&caller.secret)))
    };
    let admin = server.admin_client();
    let wrong = TestClient {
        secret: "wrong".to_owned(),
        ..admin.clone()
    };
    let refused = ask(&wrong, &[("token", "x")]).await;
    let (error, _) = refused.oauth_error(401);
    assert_eq!(error, "invalid_client");
    for form in [vec![], vec![("token", "x"), ("token", "y")]] {
        let refused = ask(&admin, &form).await;
        let (error, _) = refused.oauth_error(400);
        assert_eq!(error, "invalid_request");
    }
}

#[tokio::test]
async fn userinfo_needs_a_users_token_with_openid() {
    let server = Server::start().await;
    let missing = send(server.at(Method::GET, "as/userinfo")).await;
    assert_eq!(
        missing.headers[header::WWW_AUTHENTICATE],
        format!("Bearer realm=\"{}\"", server.environment),
        "who sent no token made no mistake"
    );
    let missing = missing.json(401);
    assert_eq!(missing["details"][0]["code"], "INVALID_TOKEN");
    let wrong = server.userinfo("x").await;
    assert_eq!(
        wrong.headers[header::WWW_AUTHENTICATE],
        format!(
            "Bearer realm=\"{}\", error=\"invalid_token\"",
            server.environment
        )
    );
    wrong.json(401);
    let own = server.userinfo(&server.admin_token().await).await;
    let own = own.json(403);
    assert_eq!(own["code"], "ACCESS_FAILED");

    let client = server.create_application("app", json!({})).await;
    let who = server.sign_on().await;
    let code = server.mint(&client, who, "p1:read:user").await;
    let bought = server.redeem(&client, &code).await.json(200);
    assert_eq!(bought.get("id_token"), None);
    let token = text(&bought, "access_token");
    let (error, _) = server.userinfo(&token).await.oauth_error(403);
    assert_eq!(error, "insufficient_scope");
    let twice = server
        .at(Method::POST, "as/userinfo")
        .bearer_auth(&token)
        .form(&[("access_token", &token)]);
    let (error, _) = send(twice).await.oauth_error(400);
    assert_eq!(error, "invalid_request");
}

#[tokio::test]
async fn an_id_token_is_no_access_token() {
    let server = Server::start().await;
    let client = server.create_application("app", json!({})).await;
    let code = server.mint(&client, server.sign_on().await, "openid").await;
    let bought = server.redeem(&client, &code).await.json(200);
    let refused = server.userinfo(&text(&bought, "id_token")).await;
    refused.json(401);
}
