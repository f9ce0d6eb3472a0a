use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use serde_json::{Value, json};
use stepgate_domain::{
    oauth::pkce::{CodeChallenge, CodeChallengeMethod},
    time::Duration,
};
use stepgate_store::sessions;

use crate::support::{Answer, REDIRECT_URI, Server, SignedOn, TestClient, send, text, verified};

fn invalid_grant(response: &Answer) -> String {
    let (error, description) = response.oauth_error(400);
    assert_eq!(error, "invalid_grant");
    let prefix = "The request could not be completed. There was an issue processing the request.: ";
    description.strip_prefix(prefix).unwrap().to_owned()
}

struct World {
    server: Server,
    client: TestClient,
    who: SignedOn,
}

async fn world(with: Value) -> World {
    let server = Server::start().await;
    let client = server.create_application("app", with).await;
    let who = server.sign_on().await;
    World {
        server,
        client,
        who,
    }
}

impl World {
    async fn bought(&self, scope: &str) -> Value {
        let code = self.server.mint(&self.client, self.who, scope).await;
        self.server.redeem(&self.client, &code).await.json(200)
    }

    async fn is_dead(&self, bought: &Value) {
        let token = text(bought, "access_token");
        self.server.userinfo(&token).await.json(401);
        for token in [token, text(bought, "refresh_token")] {
            assert_eq!(
                self.server.introspect(&self.client, &token).await,
                json!({ "active": false })
            );
        }
        invalid_grant(
            &self
                .server
                .refresh(&self.client, &text(bought, "refresh_token"))
                .await,
        );
    }
}

#[tokio::test]
async fn a_code_buys_an_access_token_an_id_token_and_a_refresh_token() {
    let World {
        server,
        client,
        who,
    } = world(json!({})).await;
    let code = server.mint(&client, who, "openid profile email").await;
    let body = server.redeem(&client, &code).await.json(200);
    let members: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "access_token",
            "token_type",
            "expires_in",
            "scope",
            "id_token",
            "refresh_token"
        ]
    );
    assert_eq!(body["scope"], "openid profile email");

    let access_token = text(&body, "access_token");
    let claims = verified(&server, &access_token, None).await;
    let user = who.user.to_string();
    assert_eq!(
        claims,
        json!({
            "client_id": client.id, "iss": server.issuer(), "jti": claims["jti"],
            "iat": 1_769_860_800, "exp": 1_769_864_400, "aud": [server.base],
            "scope": "openid profile email", "sub": user, "sid": who.session.to_string(),
            "auth_time": 1_769_860_800, "acr": "Multi_Factor",
            "env": server.installation.environment, "org": server.installation.organization,
            "grant_id": claims["grant_id"],
        })
    );

    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access_token.as_bytes());
    let claims = verified(&server, &text(&body, "id_token"), Some("JWT")).await;
    assert_eq!(
        claims,
        json!({
            "iss": server.issuer(), "sub": user, "aud": client.id,
            "iat": 1_769_860_800, "exp": 1_769_864_400, "nonce": "n-0S6",
            "acr": "Multi_Factor", "amr": ["otp", "sms"], "auth_time": 1_769_860_800,
            "sid": who.session.to_string(), "at_hash": BASE64URL_NOPAD.encode(&hash.as_ref()[..16]),
            "env": server.installation.environment, "org": server.installation.organization,
            "p1.region": "NA", "name": "Ada Berg", "given_name": "Ada", "family_name": "Berg",
            "preferred_username": "ada", "updated_at": 1_769_860_800,
            "email": "ada@shop.test", "email_verified": claims["email_verified"],
        })
    );

    let info = server.userinfo(&access_token).await.json(200);
    assert_eq!(info["sub"], user);
    assert_eq!(info["email"], "ada@shop.test");
    let posted = server
        .at(Method::POST, "as/userinfo")
        .form(&[("access_token", &access_token)]);
    assert_eq!(send(posted).await.json(200), info);
}

#[tokio::test]
async fn a_warm_exchange_takes_one_read_and_one_commit() {
    let world = world(json!({})).await;
    world.bought("openid").await;
    let code = world.server.mint(&world.client, world.who, "openid").await;
    let before = world.server.engine.statistics();
    world.server.redeem(&world.client, &code).await.json(200);
    let after = world.server.engine.statistics();
    assert_eq!(
        (
            after.queries - before.queries,
            after.commits - before.commits
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn a_code_that_comes_twice_revokes_what_it_bought() {
    let world = world(json!({})).await;
    let World {
        server,
        client,
        who,
    } = &world;
    let code = server.mint(client, *who, "openid").await;
    let bought = server.redeem(client, &code).await.json(200);
    let token = text(&bought, "access_token");
    server.userinfo(&token).await.json(200);
    assert_eq!(server.introspect(client, &token).await["active"], true);

    let reuse = invalid_grant(&server.redeem(client, &code).await);
    assert_eq!(reuse, "The code has been used before");
    world.is_dead(&bought).await;
    let path = format!("/v1/environments/{}/applications", server.environment);
    let refused = server.request(Method::GET, &path).bearer_auth(&token);
    send(refused).await.json(401);
}

#[tokio::test]
async fn a_code_sent_eight_times_at_once_is_redeemed_once() {
    let World {
        server,
        client,
        who,
    } = world(json!({})).await;
    let code = server.mint(&client, who, "openid").await;
    let server = std::sync::Arc::new(server);
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (server, client, code) = (server.clone(), client.clone(), code.clone());
        requests.spawn(async move { server.redeem(&client, &code).await.status });
    }
    let mut statuses = requests.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses.remove(0), 200);
    assert_eq!(statuses, [400; 7]);
}

#[tokio::test]
async fn a_code_is_good_for_its_client_its_redirect_uri_and_a_minute() {
    let World {
        server,
        client,
        who,
    } = world(json!({})).await;
    let other = server.create_application("other", json!({})).await;
    let code = server.mint(&client, who, "openid").await;
    invalid_grant(&server.redeem(&other, &code).await);
    invalid_grant(&server.redeem(&client, "unknown").await);
    for redirect_uri in ["", "https://app.example.test/cb2"] {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect_uri),
        ];
        invalid_grant(&server.token(&client, &form).await);
    }
    // Nobody has spoilt it.
    server.redeem(&client, &code).await.json(200);
    let late = server.mint(&client, who, "openid").await;
    server.clock.advance(Duration::from_seconds(60));
    invalid_grant(&server.redeem(&client, &late).await);
}

#[tokio::test]
async fn a_public_client_proves_itself_by_its_verifier() {
    let with = json!({ "type": "NATIVE_APP", "tokenEndpointAuthMethod": "NONE" });
    let World {
        server,
        client,
        who,
    } = world(with).await;
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    let challenge = CodeChallenge {
        method: CodeChallengeMethod::S256,
        challenge: BASE64URL_NOPAD.encode(digest.as_ref()),
    };
    let code = server
        .mint_code(&client, who, "openid", Some(challenge))
        .await;
    let redeem = |verifier: Option<&str>| {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", client.id.as_str()),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT_URI),
        ];
        form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        send(server.at(Method::POST, "as/token").form(&form))
    };
    let wrong = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXX";
    for verifier in [None, Some(wrong)] {
        invalid_grant(&redeem(verifier).await);
    }
    redeem(Some(verifier)).await.json(200);
}

#[tokio::test]
async fn a_refresh_token_is_replaced_and_its_reuse_revokes_the_family() {
    let world = world(json!({})).await;
    let World { server, client, .. } = &world;
    let first = world.bought("openid email").await;
    server.clock.advance(Duration::from_minutes(5));
    let second = server.refresh(client, &text(&first, "refresh_token")).await;
    let second = second.json(200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let claims = verified(server, &text(&second, "id_token"), Some("JWT")).await;
    assert_eq!(claims["auth_time"], 1_769_860_800);
    assert_eq!(claims["iat"], 1_769_861_100);
    assert_eq!(claims.get("nonce"), None);
    // Fewer scopes for one access token; the next may have them all again.
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", second["refresh_token"].as_str().unwrap()),
        ("scope", "openid"),
    ];
    let narrow = server.token(client, &form).await.json(200);
    assert_eq!(narrow["scope"], "openid");
    let wide = server
        .refresh(client, &text(&narrow, "refresh_token"))
        .await;
    let wide = wide.json(200);
    assert_eq!(wide["scope"], "openid email");

    let reused = server.refresh(client, &text(&first, "refresh_token")).await;
    assert_eq!(
        invalid_grant(&reused),
        "The refresh token has been used before"
    );
    for bought in [&first, &second, &wide] {
        world.is_dead(bought).await;
    }
}

#[tokio::test]
async fn within_the_grace_a_refresh_token_may_come_again() {
    let world = world(json!({ "refreshTokenRollingGracePeriodDuration": 30 })).await;
    let World { server, client, .. } = &world;
    let first = text(&world.bought("openid").await, "refresh_token");
    let second = server.refresh(client, &first).await.json(200);
    server.clock.advance(Duration::from_seconds(29));
    let again = server.refresh(client, &first).await.json(200);
    server.clock.advance(Duration::from_seconds(1));
    invalid_grant(&server.refresh(client, &first).await);
    world.is_dead(&second).await;
    world.is_dead(&again).await;
}

#[tokio::test]
async fn tokens_die_with_the_user_the_session_and_the_application() {
    let world = world(json!({})).await;
    let World {
        server,
        client,
        who,
    } = &world;
    let bought = world.bought("openid").await;
    let code = server.mint(client, *who, "openid").await;
    server
        .change_user(who.user, |user| user.enabled = false)
        .await;
    world.is_dead(&bought).await;
    let refused = invalid_grant(&server.redeem(client, &code).await);
    assert_eq!(refused, "The user may not sign on");
    server
        .change_user(who.user, |user| user.enabled = true)
        .await;
    let token = text(&bought, "access_token");
    server.userinfo(&token).await.json(200);

    let outliving = world.bought("openid offline_access").await;
    server
        .commit(sessions::delete(server.environment, who.session))
        .await;
    world.is_dead(&bought).await;
    let refused = invalid_grant(&server.redeem(client, &code).await);
    assert_eq!(refused, "The session has ended");
    let token = text(&outliving, "access_token");
    server.userinfo(&token).await.json(200);

    let path = format!(
        "/v1/environments/{}/applications/{}",
        server.environment, client.id
    );
    let admin = server.admin_token().await;
    let read = server.request(Method::GET, &path).bearer_auth(&admin);
    let mut body = send(read).await.json(200);
    body["enabled"] = false.into();
    let put = server
        .request(Method::PUT, &path)
        .bearer_auth(&admin)
        .header("content-type", "application/json")
        .body(body.to_string());
    send(put).await.json(200);
    server.userinfo(&token).await.json(401);
    let refused = server
        .refresh(client, &text(&outliving, "refresh_token"))
        .await;
    assert_eq!(refused.status, 401);
}
