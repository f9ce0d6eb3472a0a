//! Which hosts are ours, and what stands in links and tokens.

use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};
use stepgate_app::origin::PublicUrls;

use crate::support::{Answer, Flow, PUBLIC, Server, Setup, Trial, send, text};

const API: &str = "https://api.example.test";
const AUTH: &str = "https://auth.example.test";

async fn at_host(request: RequestBuilder, host: &str) -> Answer {
    let host = host.trim_start_matches("https://");
    send(request.header(header::HOST, host)).await
}

fn discovery(server: &Server) -> RequestBuilder {
    server.at(Method::GET, "as/.well-known/openid-configuration")
}

/// What `GET target` is answered over HTTP/1.1 with these header lines.
async fn raw(server: &Server, target: &str, lines: &str) -> String {
    let request = format!("GET {target} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
    server.raw(&request).await
}

#[tokio::test]
async fn every_spelling_of_the_public_host_is_that_host() {
    let server = Server::delivering().await;
    let issuer = format!("{PUBLIC}/{}/as", server.environment);
    for host in ["id.example.test", "ID.Example.TEST", "id.example.test:443"] {
        let forged = discovery(&server)
            .header("x-forwarded-host", "evil.test")
            .header("x-forwarded-proto", "http")
            .header("forwarded", "host=evil.test;proto=http");
        let answer = at_host(forged, host).await;
        let document = answer.json(200);
        assert_eq!(document["issuer"], issuer.as_str(), "{host}");
        assert!(!answer.text.contains("evil.test"));
        assert!(answer.header("strict-transport-security").is_some());
    }
    for host in [
        "id.example.test:80",
        "id.example.test:8443",
        "id.example.test.",
        "evil.test",
    ] {
        at_host(discovery(&server), host).await.json(421);
    }
}

#[tokio::test]
async fn a_request_for_two_hosts_is_for_none() {
    let server = Server::start().await;
    let host = server.base.trim_start_matches("http://");
    let path = format!("/{}/as/jwks", server.environment);
    for lines in [
        format!("Host: {host}\r\nHost: evil.test\r\n"),
        format!("Host: evil.test\r\nHost: {host}\r\n"),
        format!("Host: {host}\r\nhost: {host}\r\n"),
        String::new(),
        "Host: a b\r\n".to_owned(),
        format!("Host: {host}/x\r\n"),
        format!("Host: u@{host}\r\n"),
    ] {
        for path in [path.as_str(), "/healthz", "/no/such/path"] {
            let answer = raw(&server, path, &lines).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{lines} {answer}");
            assert!(answer.contains("correlation-id: "), "{answer}");
        }
    }
    let host = format!("Host: {host}\r\n");
    let answer = raw(&server, &format!("http://evil.test{path}"), &host).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let answer = raw(&server, &format!("{}{path}", server.base), &host).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_target_may_name_the_host_in_another_spelling() {
    let server = Server::delivering().await;
    let path = format!("/{}/as/jwks", server.environment);
    for (target, host) in [
        ("https://id.example.test", "ID.example.test:443"),
        ("https://id.example.test:443", "id.example.test"),
        ("http://id.example.test", "id.example.test"),
    ] {
        let answer = raw(
            &server,
            &format!("{target}{path}"),
            &format!("Host: {host}\r\n"),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{target} {answer}");
    }
}

#[tokio::test]
async fn http_1_0_is_served_where_it_names_a_host() {
    let server = Server::start().await;
    let path = format!("/{}/as/jwks", server.environment);
    let host = server.base.trim_start_matches("http://");
    let named = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    assert!(server.raw(&named).await.starts_with("HTTP/1.0 200 "));
    let unnamed = server.raw(&format!("GET {path} HTTP/1.0\r\n\r\n")).await;
    assert!(unnamed.starts_with("HTTP/1.0 421 "), "{unnamed}");
}

#[tokio::test]
async fn probes_are_answered_on_any_host() {
    let server = Server::delivering().await;
    for path in ["/healthz", "/readyz"] {
        for method in [Method::GET, Method::HEAD] {
            for host in [
                "10.244.0.5:8080",
                "127.0.0.1:23043",
                "localhost",
                "stepgate.default.svc.cluster.local",
                "id.example.test",
            ] {
                let answer = at_host(server.request(method.clone(), path), host).await;
                assert_eq!(answer.status, 200, "{method} {path} {host} {}", answer.text);
            }
            // As HAProxy's httpchk asks.
            let answer = server
                .raw(&format!("{method} {path} HTTP/1.0\r\n\r\n"))
                .await;
            assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
        }
        let posted = at_host(server.request(Method::POST, path), "10.244.0.5").await;
        posted.json(405);
    }
    let other = server.request(Method::GET, "/openapi.json");
    at_host(other, "10.244.0.5:8080").await.json(421);
}

#[tokio::test]
async fn an_ipv6_literal_keeps_its_brackets_and_its_port() {
    let server = Server::start().await;
    let issuer = |base: &str| format!("{base}/{}/as", server.environment);
    for (host, base) in [
        ("[::1]:8080", "http://[::1]:8080"),
        ("[0:0::1]:80", "http://[::1]"),
    ] {
        let document = at_host(discovery(&server), host).await.json(200);
        assert_eq!(document["issuer"], issuer(base));
        assert_eq!(document["jwks_uri"], format!("{}/jwks", issuer(base)));
    }
    at_host(discovery(&server), "[2001:db8::1]").await.json(421);
}

fn sides() -> Setup {
    Setup {
        public: PublicUrls {
            both: Vec::new(),
            management: Some(API.to_owned()),
            authentication: Some(AUTH.to_owned()),
        },
        ..Setup::default()
    }
}

#[tokio::test]
async fn each_side_answers_on_its_own_host_and_names_the_others() {
    let server = Server::delivering_with(sides()).await;
    let environments = || server.admin().request(Method::GET, "/v1/environments");
    let listed = at_host(environments(), API).await;
    let link = listed.json(200)["_links"]["self"]["href"].clone();
    assert_eq!(link, format!("{API}/v1/environments"));
    let document = at_host(discovery(&server), AUTH).await.json(200);
    let issuer = format!("{AUTH}/{}/as", server.environment);
    assert_eq!(document["issuer"], issuer.as_str());

    at_host(environments(), AUTH).await.json(404);
    at_host(discovery(&server), API).await.json(404);
    for path in ["as/authorize", "as/token", "signon/"] {
        at_host(server.at(Method::GET, path), API).await.json(404);
    }
    let environment = server.environment;
    let elsewhere = format!("/.well-known/oauth-authorization-server/{environment}/as");
    for path in [elsewhere.as_str(), "/as/jwks"] {
        at_host(server.request(Method::GET, path), API)
            .await
            .json(404);
    }
    for host in [API, AUTH] {
        at_host(server.request(Method::GET, "/readyz"), host)
            .await
            .json(200);
    }
}

#[tokio::test]
async fn a_token_of_the_one_host_is_good_at_the_other() {
    let server = Server::delivering_with(sides()).await;
    let client = server.admin_client();
    let path = format!("/{}/as/token", server.installation.environment);
    let request = server
        .request(Method::POST, &path)
        .basic_auth(&client.id, Some(&client.secret))
        .form(&[("grant_type", "client_credentials")]);
    let token = text(&at_host(request, AUTH).await.json(200), "access_token");
    let claims = claims(&token);
    assert_eq!(claims["aud"], json!([API]));
    let issuer = format!("{AUTH}/{}/as", server.installation.environment);
    assert_eq!(claims["iss"], issuer.as_str());
    let request = server.request(Method::GET, "/v1/environments");
    at_host(request.bearer_auth(&token), API).await.json(200);
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    let payload = data_encoding::BASE64URL_NOPAD
        .decode(payload.as_bytes())
        .unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[tokio::test]
async fn a_sign_on_runs_on_the_host_of_authentication() {
    let server = Server::delivering_with(sides()).await;
    let trial = Trial::on(server, json!({}), json!({ "sms": { "enabled": true } })).await;
    let server = &trial.server;
    let issuer = format!("{AUTH}/{}/as", server.environment);
    let begin = async |audience: &str| {
        let hint = trial.hint_with(&json!({ "aud": audience }));
        let parameters = trial.parameters("pi.flow", Some(&hint));
        at_host(server.authorize(&parameters), AUTH).await
    };
    begin(&format!("{API}/{}/as", server.environment))
        .await
        .json(400);
    let shown = begin(&issuer).await;
    assert!(
        shown
            .set_cookies()
            .iter()
            .all(|cookie| cookie.contains("; Secure"))
    );
    let flow = Flow::of(&shown);
    let link = &flow.body["_links"]["self"]["href"];
    assert_eq!(
        *link,
        format!("{AUTH}/{}/flows/{}", server.environment, flow.id)
    );
    let code = server.code().await;
    let body = json!({ "otp": code });
    at_host(server.act(&flow, "otp.check", &body), AUTH)
        .await
        .json(200);
    let resumed = at_host(server.resume(&flow), AUTH).await.json(200);
    let code = text(&resumed["authorizeResponse"], "code");
    let tokens = at_host(trial.redeem(&code), AUTH).await.json(200);
    assert_eq!(claims(&text(&tokens, "id_token"))["iss"], issuer.as_str());
    let access = claims(&text(&tokens, "access_token"));
    assert_eq!(
        (&access["iss"], &access["aud"]),
        (&json!(issuer), &json!([API]))
    );
}

#[tokio::test]
async fn a_hint_may_name_any_public_url_and_the_host_asked_is_in_the_answer() {
    let inner = "http://inner.example.test:8080";
    let urls = PublicUrls {
        both: vec![PUBLIC.to_owned(), inner.to_owned()],
        management: Some(API.to_owned()),
        authentication: None,
    };
    let setup = Setup {
        public: urls,
        ..Setup::default()
    };
    let server = Server::delivering_with(setup).await;
    let trial = Trial::on(server, json!({}), json!({ "sms": { "enabled": true } })).await;
    let environment = trial.server.environment;
    for (host, base, secure) in [
        ("id.example.test", PUBLIC, true),
        ("inner.example.test:8080", inner, false),
    ] {
        let audience = if secure { inner } else { PUBLIC };
        let hint = trial.hint_with(&json!({ "aud": format!("{audience}/{environment}/as") }));
        let parameters = trial.parameters("pi.flow", Some(&hint));
        let begun = at_host(trial.server.authorize(&parameters), host).await;
        let link = begun.json(200)["_links"]["self"]["href"].clone();
        assert!(
            link.as_str()
                .unwrap()
                .starts_with(&format!("{base}/{environment}/flows/")),
            "{link}"
        );
        let is_secure = |cookie: &&str| cookie.contains("; Secure");
        assert_eq!(begun.set_cookies().iter().all(is_secure), secure);
        trial
            .server
            .advance(stepgate_domain::time::Duration::from_minutes(1));
    }
}
