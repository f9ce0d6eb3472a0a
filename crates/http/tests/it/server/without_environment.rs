//! The endpoints without an environment in their path.

use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};

use crate::support::{Flow, NOBODY, PAGE, Server, Trial, send, text};

/// The answer below an environment and without it must be the same, but for ids.
async fn both(
    trial: &Trial,
    path: &str,
    with: impl Fn(RequestBuilder) -> RequestBuilder,
) -> [(u16, Value); 2] {
    let server = &trial.server;
    let [mut within, mut without] = [(0, Value::Null), (0, Value::Null)];
    for (answered, request) in [
        (&mut within, server.at(Method::POST, path)),
        (
            &mut without,
            server.request(Method::POST, &format!("/{path}")),
        ),
    ] {
        let answer = send(with(request)).await;
        let mut body = answer.body.clone();
        if let Some(error) = body.get("error").cloned() {
            body =
                json!({ "error": error, "challenge": answer.header("www-authenticate").is_some() });
        }
        *answered = (answer.status, body);
    }
    [within, without]
}

#[tokio::test]
async fn the_whole_sign_on_runs_without_the_environment_and_its_answers_name_it() {
    let trial = Trial::start().await;
    let server = &trial.server;
    let hint = trial.hint();
    let parameters = trial.parameters("pi.flow", Some(&hint));
    let request = server
        .request(Method::POST, "/as/authorize")
        .form(&parameters);
    let flow = Flow::of(&send(request).await);
    let link = format!("{}/{}/flows/{}", server.base, server.environment, flow.id);
    assert_eq!(flow.body["_links"]["self"]["href"], link.as_str());
    let code = server.code().await;
    server.check(&flow, &code).await.json(200);
    let path = format!("/as/resume?flowId={}", flow.id);
    let request = server.request(Method::GET, &path);
    let resumed = send(request.header(header::COOKIE, &flow.cookie)).await;
    let code = text(&resumed.json(200)["authorizeResponse"], "code");
    let redeem = trial.redeem(&code).build().unwrap();
    let request = server
        .request(Method::POST, "/as/token")
        .headers(redeem.headers().clone())
        .body(redeem.body().unwrap().as_bytes().unwrap().to_vec());
    let tokens = send(request).await.json(200);
    let token = text(&tokens, "access_token");
    for method in [Method::GET, Method::POST] {
        let request = server.request(method, "/as/userinfo").bearer_auth(&token);
        let told = send(request.header(header::ORIGIN, PAGE)).await;
        assert_eq!(told.json(200)["sub"], trial.user.as_str());
        assert_eq!(told.header("access-control-allow-origin"), Some(PAGE));
    }
    let claims = crate::support::verified(server, &token, None).await;
    assert_eq!(claims["iss"], server.issuer().as_str());
}

#[tokio::test]
async fn in_a_browser_authorize_leads_to_the_environments_own_page() {
    let trial = Trial::start().await;
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(trial.parameters("query", None))
        .finish();
    let request = trial
        .server
        .request(Method::GET, &format!("/as/authorize?{query}"));
    let location = send(request).await.location(302).to_owned();
    let page = format!(
        "{}/{}/signon/?flowId=",
        trial.server.base, trial.server.environment
    );
    assert!(location.starts_with(&page), "{location}");
}

#[tokio::test]
async fn an_unknown_client_is_told_the_same_as_within_an_environment() {
    let trial = Trial::start().await;
    let unknown = [
        ("client_id", NOBODY),
        ("client_secret", "x"),
        ("grant_type", "client_credentials"),
        ("token", "x"),
    ];
    for path in ["as/token", "as/introspect"] {
        let [within, without] = both(&trial, path, |request| request.form(&unknown)).await;
        assert_eq!(within, without, "{path}");
        assert_eq!(
            (without.0, &without.1["error"]),
            (401, &json!("invalid_client"))
        );
        let basic = |request: RequestBuilder| {
            request
                .basic_auth(NOBODY, Some("x"))
                .form(&[("token", "x")])
        };
        let [within, without] = both(&trial, path, basic).await;
        assert_eq!(within, without, "{path}");
        assert_eq!(without.1["challenge"], true);
    }
    for client in [Some(NOBODY), Some("nonsense"), None] {
        for mode in ["pi.flow", "query"] {
            for accept in ["application/json", "text/html"] {
                let mut parameters = trial.parameters(mode, None);
                parameters.remove(0);
                parameters.extend(client.map(|client| ("client_id", client)));
                let with = |request: RequestBuilder| {
                    request.header(header::ACCEPT, accept).form(&parameters)
                };
                let [mut within, mut without] = both(&trial, "as/authorize", with).await;
                for answer in [&mut within, &mut without] {
                    if let Some(body) = answer.1.as_object_mut() {
                        body.remove("id");
                    }
                }
                assert_eq!(within, without, "{client:?} {mode} {accept}");
                assert_eq!(without.0, 400);
            }
        }
    }
}

#[tokio::test]
async fn a_resource_introspects_without_the_environment_too() {
    let server = Server::start().await;
    let client = server
        .create_application("app", json!({ "grantTypes": ["CLIENT_CREDENTIALS"] }))
        .await;
    let resource = server.grant_resource(&client, "pay").await;
    let form = [("grant_type", "client_credentials")];
    let token = text(
        &server.token(&client, &form).await.json(200),
        "access_token",
    );
    for caller in [&client, &resource] {
        let request = server
            .request(Method::POST, "/as/introspect")
            .basic_auth(&caller.id, Some(&caller.secret))
            .form(&[("token", &token)]);
        assert_eq!(send(request).await.json(200)["active"], true);
    }
}

#[tokio::test]
async fn keys_and_metadata_are_found_by_client() {
    let server = Server::start().await;
    let client = server.create_application("app", json!({})).await;
    for path in ["as/jwks", "as/.well-known/openid-configuration"] {
        let within = send(server.at(Method::GET, path)).await.json(200);
        let asked = |query: &str| server.request(Method::GET, &format!("/{path}{query}"));
        let without = send(asked(&format!("?client_id={}", client.id))).await;
        assert_eq!(without.json(200), within);
        assert_eq!(without.header("cache-control"), Some("public, max-age=600"));
        for query in [
            "",
            "?client_id=",
            "?client_id=nonsense",
            &format!("?client_id={NOBODY}"),
        ] {
            send(asked(query)).await.refused_plainly(404, "NOT_FOUND");
        }
    }
}

#[tokio::test]
async fn userinfo_without_a_valid_token_and_resume_without_a_flow_are_refused() {
    let server = Server::start().await;
    let ask = || server.request(Method::GET, "/as/userinfo");
    for (request, challenge) in [
        (ask(), "Bearer realm=\"as\""),
        (
            ask().bearer_auth("a.b.c"),
            "Bearer realm=\"as\", error=\"invalid_token\"",
        ),
    ] {
        let answer = send(request).await;
        answer.json(401);
        assert_eq!(answer.header("www-authenticate"), Some(challenge));
    }
    for query in ["", "?flowId=nonsense", &format!("?flowId={NOBODY}")] {
        let request = server.request(Method::GET, &format!("/as/resume{query}"));
        send(request).await.refused_plainly(404, "NOT_FOUND");
    }
}
