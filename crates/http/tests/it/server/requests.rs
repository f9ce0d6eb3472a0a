//! Authorization requests and what they buy: where answers may go, PKCE, reuse, delivery.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use serde_json::{Value, json};
use stepgate_app::workers::Workers;

use crate::support::{
    Flow, REDIRECT_URI, Server, TestClient,
    held::{Trial, senders},
    send, text,
};

#[tokio::test]
async fn answers_go_only_to_registered_uris() {
    let trial = Trial::start().await;
    let hint = trial.hint("mira.k");
    let wrong = [
        "https://app.example.test/cb/",
        "https://app.example.test/cb2",
        "https://app.example.test/CB",
        "https://app.example.test/cb?x=1",
        "https://app.example.test/cb#x",
        "https://app.example.test/cb/../evil",
        "https://app.example.test/c%62",
        "https://app.example.test:443/cb",
        "https://app.example.test:8443/cb",
        "https://app.example.test@evil.test/cb",
        "https://evil.test@app.example.test/cb",
        "https://evil.test/https://app.example.test/cb",
        "https://app.example.test.evil.test/cb",
        "https://app.example.test\\@evil.test/cb",
        "https://app.example.test/cb\n",
        " https://app.example.test/cb",
        "http://app.example.test/cb",
        "HTTPS://app.example.test/cb",
        "https://APP.example.test/cb",
        "//app.example.test/cb",
        "/cb",
        "javascript:alert(1)",
    ];
    for uri in wrong {
        for mode in ["query", "fragment", "form_post", "pi.flow"] {
            let mut parameters = trial.parameters(mode);
            parameters[2].1 = uri;
            // Of several faults, too, none is told to a place that is not registered.
            for more in [("login_hint_token", hint.as_str()), ("prompt", "sometimes")] {
                let mut parameters = parameters.clone();
                parameters.push(more);
                let refused = send(trial.server.authorize(&parameters)).await;
                assert_eq!(refused.status, 400, "{uri} {mode}: {}", refused.text);
                assert_eq!(refused.header("location"), None, "{uri} {mode}");
                assert!(!refused.text.contains("<form"), "{uri} {mode}");
                if mode == "pi.flow" {
                    assert_eq!(refused.refusal(400).2, "redirect_uri", "{uri}");
                }
            }
        }
    }
    let mut twice = trial.parameters("query");
    twice.push(("redirect_uri", "https://evil.test/cb"));
    assert_eq!(
        send(trial.server.authorize(&twice))
            .await
            .header("location"),
        None
    );
    let mut none = trial.parameters("query");
    none.remove(2);
    assert_eq!(
        send(trial.server.authorize(&none)).await.header("location"),
        None
    );
    assert_eq!((trial.flows().await, trial.sent().await.len()), (0, 0));
}

#[tokio::test]
async fn a_parameter_of_any_name_is_told_in_the_characters_of_oauth() {
    let server = Server::start().await;
    let client = server.admin_client();
    for name in ["gr%ffant", "caf%c3%a9", "a%22b", "a%0d%0ab"] {
        let request = server
            .at(Method::POST, "as/token")
            .basic_auth(&client.id, Some(&client.secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("{name}=1&{name}=2"));
        let (error, description) = send(request).await.oauth_error(400);
        assert_eq!(error, "invalid_request");
        let allowed = |byte| matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~');
        assert!(description.bytes().all(allowed), "{description:?}");
    }
}

#[tokio::test]
async fn a_client_that_is_unknown_or_disabled_is_told_nothing_by_redirect() {
    let trial = Trial::start().await;
    for client in ["9e0a1111-2222-4333-8444-555566667777", "x", ""] {
        for mode in ["query", "pi.flow"] {
            let mut parameters = trial.parameters(mode);
            parameters[0].1 = client;
            let refused = send(trial.server.authorize(&parameters)).await;
            assert_eq!(refused.status, 400, "{client} {mode}");
            assert_eq!(refused.header("location"), None, "{client} {mode}");
        }
    }
}

type Parameters<'a> = &'a [(&'a str, &'a str)];

/// A finished sign-on: the code of this authorization request.
async fn signed_on(trial: &Trial, more: Parameters<'_>) -> String {
    let hint = trial.hint("mira.k");
    let mut parameters = trial.parameters("pi.flow");
    parameters.push(("login_hint_token", &hint));
    parameters.extend_from_slice(more);
    let flow = Flow::of(&send(trial.server.authorize(&parameters)).await);
    trial
        .server
        .check(&flow, &trial.code().await)
        .await
        .json(200);
    let resumed = send(trial.server.resume(&flow)).await.json(200);
    trial.wait(10);
    text(&resumed["authorizeResponse"], "code")
}

async fn redeem(trial: &Trial, code: &str, verifier: Option<&str>) -> (u16, Value) {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
    ];
    form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
    let response = trial.server.token(&trial.client, &form).await;
    (response.status, response.body)
}

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn s256(verifier: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    BASE64URL_NOPAD.encode(digest.as_ref())
}

#[tokio::test]
async fn a_code_with_a_challenge_is_redeemed_by_its_verifier_only() {
    let trial = Trial::start().await;
    let challenge = s256(VERIFIER);
    let s256 = [
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let plain = [
        ("code_challenge", VERIFIER),
        ("code_challenge_method", "plain"),
    ];
    let unnamed = [("code_challenge", VERIFIER)];
    let cases: [(Parameters<'_>, Option<&str>); 4] = [
        (&s256, Some(VERIFIER)),
        (&plain, Some(VERIFIER)),
        (&unnamed, Some(VERIFIER)),
        (&[], None),
    ];
    for (parameters, right) in cases {
        let code = signed_on(&trial, parameters).await;
        let wrong = [None, Some(VERIFIER), Some(&challenge), Some("short")];
        for verifier in wrong.into_iter().filter(|it| *it != right) {
            let (status, body) = redeem(&trial, &code, verifier).await;
            assert_eq!(status, 400, "{parameters:?} {verifier:?}: {body}");
            let error = body["error"].as_str().unwrap();
            assert!(
                ["invalid_grant", "invalid_request"].contains(&error),
                "{error}"
            );
        }
        let (status, body) = redeem(&trial, &code, right).await;
        assert_eq!(status, 200, "{parameters:?}: {body}");
    }
}

#[tokio::test]
async fn a_public_client_needs_a_challenge_of_the_safe_kind() {
    let with = json!({ "type": "NATIVE_APP", "tokenEndpointAuthMethod": "NONE",
        "pkceEnforcement": "OPTIONAL" });
    let trial = Trial::with(with, json!({})).await;
    let hint = trial.hint("mira.k");
    let challenge = s256(VERIFIER);
    let cases: [(Parameters<'_>, &str); 4] = [
        (&[], "code_challenge"),
        (&[("code_challenge", VERIFIER)], "code_challenge_method"),
        (
            &[
                ("code_challenge", VERIFIER),
                ("code_challenge_method", "plain"),
            ],
            "code_challenge_method",
        ),
        (
            &[
                ("code_challenge", &challenge),
                ("code_challenge_method", "s256"),
            ],
            "code_challenge_method",
        ),
    ];
    for (more, target) in cases {
        let mut parameters = trial.parameters("pi.flow");
        parameters.push(("login_hint_token", &hint));
        parameters.extend_from_slice(more);
        let refused = send(trial.server.authorize(&parameters)).await.refusal(400);
        assert_eq!(refused.2, target, "{more:?}");
    }
    assert!(trial.sent().await.is_empty());
    let more = [
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let code = signed_on(&trial, &more).await;
    // Whoever has the secret is not the client that has none.
    assert_ne!(redeem(&trial, &code, Some(VERIFIER)).await.0, 200);
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &trial.client.id),
        ("code", &code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let bought = trial.server.at(Method::POST, "as/token").form(&form);
    assert_eq!(send(bought).await.status, 200);
}

#[tokio::test]
async fn a_code_that_comes_twice_takes_back_what_it_bought() {
    let trial = Trial::start().await;
    let code = signed_on(&trial, &[("scope", "openid email")]).await;
    let (_, bought) = redeem(&trial, &code, None).await;
    let access = text(&bought, "access_token");
    let refresh = text(&bought, "refresh_token");
    let renewed = trial.server.refresh(&trial.client, &refresh).await;
    let renewed = renewed.json(200);
    let newer = text(&renewed, "access_token");
    trial.server.userinfo(&newer).await.json(200);
    // By whomever it is sent.
    let thief = trial.server.create_application("thief", json!({})).await;
    trial.server.redeem(&thief, &code).await.json(400);
    trial.server.userinfo(&newer).await.json(200);
    let (status, body) = redeem(&trial, &code, None).await;
    assert_eq!(
        (status, body["error"].as_str()),
        (400, Some("invalid_grant"))
    );
    for token in [&access, &newer] {
        assert_eq!(trial.server.userinfo(token).await.status, 401);
        let told = trial.server.introspect(&trial.client, token).await;
        assert_eq!(told, json!({ "active": false }));
    }
    for token in [refresh, text(&renewed, "refresh_token")] {
        let refused = trial.server.refresh(&trial.client, &token).await;
        refused.json(400);
    }
}

#[tokio::test]
async fn a_message_that_nobody_takes_is_told_to_its_flow() {
    let server = Server::start_with(senders(true)).await;
    let trial = Trial::on(server, json!({}), json!({})).await;
    let flow = trial.begin("mira.k").await;
    assert_eq!(flow.status(), "OTP_REQUIRED");
    let body = json!({ "type": "EMAIL", "email": "mira@example.test" });
    let path = format!("users/{}/devices", trial.user);
    trial.server.create(&path, body).await;
    trial.wait(10);
    let with_another = trial.begin("mira.k").await;
    let workers = Workers::start(&trial.server.app);
    let told = async |flow: &Flow| {
        for _ in 0..400 {
            let body = send(trial.server.read(flow)).await.json(200);
            if body["status"] != "OTP_REQUIRED" {
                return body;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("the flow was told nothing");
    };
    for begun in [&flow, &with_another] {
        let body = told(begun).await;
        assert_eq!(body["status"], "DEVICE_SELECTION_REQUIRED", "{body:#}");
        let checked = trial.server.check(begun, "111111").await.refusal(400);
        assert_eq!(checked.1, "INVALID_ACTION");
    }
    workers.stop().await;
}

/// An application's developer reaches no administration by a user's token.
#[tokio::test]
async fn a_users_token_carries_no_administration() {
    let trial = Trial::start().await;
    let code = signed_on(&trial, &[("scope", "openid")]).await;
    let (_, bought) = redeem(&trial, &code, None).await;
    let token = text(&bought, "access_token");
    let path = format!("/v1/environments/{}/users", trial.server.environment);
    let listed = trial.server.request(Method::GET, &path).bearer_auth(token);
    let status = send(listed).await.status;
    assert!([401, 403, 404].contains(&status), "{status}");
    // And nobody signs users on by the application that administers.
    let TestClient { id, secret } = trial.server.admin_client();
    let mut claims = trial.claims();
    claims["iss"] = id.clone().into();
    let hint = crate::support::held::signed(r#"{"alg":"HS256"}"#, &claims.to_string(), &secret);
    let mut parameters = trial.parameters("pi.flow");
    parameters[0].1 = &id;
    parameters.push(("login_hint_token", &hint));
    assert_eq!(send(trial.server.authorize(&parameters)).await.status, 400);
    assert!(trial.sent().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_sent_no_more_than_the_floors_allow_however_it_is_asked() {
    let trial = Arc::new(Trial::start().await);
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let trial = trial.clone();
        requests.spawn(async move { trial.begin("mira.k").await });
    }
    let flows = requests.join_all().await;
    let waiting: Vec<&Flow> = flows
        .iter()
        .filter(|it| it.status() == "OTP_REQUIRED")
        .collect();
    assert_eq!(waiting.len(), 1, "the flow that says so");
    assert_eq!(trial.sent().await.len(), 1, "and its message");
    let others = flows
        .iter()
        .filter(|it| it.status() == "DEVICE_SELECTION_REQUIRED");
    assert_eq!(others.clone().count(), 15);
    for flow in others {
        let refused = trial.server.select(flow, &trial.device).await;
        assert_eq!(refused.refusal(429).1, "LIMIT_EXCEEDED");
        assert_eq!(refused.header("retry-after"), Some("10"));
    }
    assert!(trial.sent().await.is_empty());
}
