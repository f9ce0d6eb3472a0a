use reqwest::{Method, RequestBuilder, header};
use serde_json::json;

use crate::support::{Answer, PAGE, REDIRECT_URI, Trial, send, text};

const OTHER: &str = "https://other.test";

async fn from(page: &str, request: RequestBuilder) -> Answer {
    send(request.header(header::ORIGIN, page)).await
}

/// The answer can be read by this page, with credentials.
#[track_caller]
fn assert_readable(answer: &Answer, page: &str) {
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some(page),
        "{}",
        answer.text
    );
    assert_eq!(
        answer.header("access-control-allow-credentials"),
        Some("true")
    );
    assert_eq!(answer.header("vary"), Some("Origin"));
}

#[track_caller]
fn assert_unreadable(answer: &Answer) {
    assert_eq!(
        answer.header("access-control-allow-origin"),
        None,
        "{}",
        answer.text
    );
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    assert_eq!(answer.header("vary"), Some("Origin"));
}

fn inline() -> serde_json::Value {
    json!({ "sms": { "enabled": true } })
}

#[tokio::test]
async fn the_applications_own_pages_read_every_step() {
    let trial = Trial::start().await;
    let hint = trial.hint();
    let parameters = trial.parameters("pi.flow", Some(&hint));
    let begun = from(PAGE, trial.server.authorize(&parameters)).await;
    assert_readable(&begun, PAGE);
    let flow = crate::support::Flow::of(&begun);
    let code = trial.server.code().await;
    assert_readable(&from(PAGE, trial.server.read(&flow)).await, PAGE);
    for body in ["{", "{}", r#"{"otp":"wrong"}"#] {
        let refused = from(PAGE, trial.server.act(&flow, "otp.check", body)).await;
        assert_eq!(refused.status, 400);
        assert_readable(&refused, PAGE);
    }
    let refused = from(PAGE, trial.server.act(&flow, "assertion.check", "")).await;
    assert_readable(&refused, PAGE);
    let early = json!({ "device": { "id": trial.device } }).to_string();
    let refused = from(PAGE, trial.server.act(&flow, "device.select", &early)).await;
    assert_eq!(refused.status, 429);
    assert_readable(&refused, PAGE);
    let body = json!({ "otp": code }).to_string();
    assert_readable(
        &from(PAGE, trial.server.act(&flow, "otp.check", &body)).await,
        PAGE,
    );
    assert_readable(&from(PAGE, trial.server.resume(&flow)).await, PAGE);
    // It is over, and its page may know.
    let over = from(PAGE, trial.server.read(&flow)).await;
    assert_eq!(over.status, 404);
    assert_readable(&over, PAGE);
}

#[tokio::test]
async fn a_page_without_the_cookie_reads_that_it_is_missing() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let request = trial
        .server
        .act_without_cookie(&flow, "otp.check", r#"{"otp":"1"}"#);
    let answer = from(PAGE, request).await;
    assert_eq!(answer.status, 401);
    assert_readable(&answer, PAGE);
}

#[tokio::test]
async fn pages_of_others_are_refused_and_read_nothing() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let code = trial.server.code().await;
    let body = json!({ "otp": code }).to_string();
    for page in [
        OTHER,
        "null",
        "https://app.example.test.evil.test",
        "http://app.example.test",
    ] {
        for request in [
            trial.server.read(&flow),
            trial.server.act(&flow, "otp.check", &body),
            trial.server.act(&flow, "otp.check", "{"),
            trial.server.act(&flow, "assertion.check", ""),
            trial.server.resume(&flow),
        ] {
            let answer = from(page, request).await;
            assert_eq!(answer.json(403)["code"], "ACCESS_FAILED", "{page}");
            assert_unreadable(&answer);
        }
    }
    let done = from(PAGE, trial.server.act(&flow, "otp.check", &body)).await;
    assert_eq!(done.json(200)["status"], "COMPLETED");
}

#[tokio::test]
async fn the_settings_of_the_application_decide() {
    let settings = json!({ "corsSettings": { "behavior": "ALLOW_SPECIFIC_ORIGINS",
        "origins": [OTHER] } });
    let trial = Trial::with(settings, inline()).await;
    let flow = trial.begin().await;
    assert_readable(&from(OTHER, trial.server.read(&flow)).await, OTHER);
    assert_eq!(from(PAGE, trial.server.read(&flow)).await.status, 403);

    let settings = json!({ "corsSettings": { "behavior": "ALLOW_NO_ORIGINS" } });
    let trial = Trial::with(settings, inline()).await;
    let flow = trial.begin().await;
    assert_eq!(from(PAGE, trial.server.read(&flow)).await.status, 403);
}

#[tokio::test]
async fn this_servers_own_pages_need_no_leave() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let own = trial.server.base.clone();
    let answer = from(&own, trial.server.read(&flow)).await;
    assert_eq!(answer.json(200)["status"], "OTP_REQUIRED");
    assert_unreadable(&answer);
}

#[tokio::test]
async fn authorize_begins_for_every_page_but_only_trusted_ones_read_it() {
    let trial = Trial::start().await;
    let parameters = trial.parameters("pi.flow", None);
    let answer = from(OTHER, trial.server.authorize(&parameters)).await;
    assert_unreadable(&answer);
    let refused = trial.parameters("pi.flow", Some("a.b.c"));
    assert_readable(&from(PAGE, trial.server.authorize(&refused)).await, PAGE);
    assert_unreadable(&from(OTHER, trial.server.authorize(&refused)).await);
}

const PRIVATE: [&str; 4] = [
    "flows/7c1f4a52-2c55-4a1d-9a0f-3e6f0d9b1a77",
    "as/authorize",
    "as/resume",
    "signon/",
];

fn preflight(trial: &Trial, path: &str) -> RequestBuilder {
    let request = trial.server.at(Method::OPTIONS, path);
    request
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            "content-type, x-any",
        )
}

#[tokio::test]
async fn a_preflight_that_names_no_application_is_for_the_pages_of_any_that_is_enabled() {
    let trial = Trial::start().await;
    let disabled = json!({ "enabled": false, "redirectUris": [format!("{OTHER}/cb")] });
    trial.server.create_application("Off", disabled).await;
    for path in PRIVATE {
        let answer = from(PAGE, preflight(&trial, path)).await;
        assert_eq!(answer.status, 204);
        assert_readable(&answer, PAGE);
        assert_eq!(
            answer.header("access-control-allow-methods"),
            Some("OPTIONS, GET, POST")
        );
        assert_eq!(
            answer.header("access-control-allow-headers"),
            Some("content-type, x-any")
        );
        for page in [OTHER, "null", "https://app.example.test.evil.test"] {
            let answer = from(page, preflight(&trial, path)).await;
            assert_eq!(answer.status, 204);
            assert_unreadable(&answer);
        }
    }
    let enabled = json!({ "redirectUris": [format!("{OTHER}:443/cb")] });
    trial.server.create_application("On", enabled).await;
    for path in PRIVATE {
        assert_readable(&from(OTHER, preflight(&trial, path)).await, OTHER);
    }
}

#[tokio::test]
async fn a_preflight_that_names_an_application_is_for_its_pages_only() {
    let trial = Trial::start().await;
    let other = json!({ "redirectUris": [format!("{OTHER}/cb")] });
    trial.server.create_application("Other", other).await;
    let path = format!("as/authorize?client_id={}", trial.client);
    assert_readable(&from(PAGE, preflight(&trial, &path)).await, PAGE);
    assert_unreadable(&from(OTHER, preflight(&trial, &path)).await);
}

/// The vendor's browser SDKs ask userinfo with `credentials: 'include'`.
#[tokio::test]
async fn an_sdk_reads_userinfo_with_credentials_from_the_applications_pages() {
    let trial = Trial::start().await;
    let server = &trial.server;
    let flow = trial.begin().await;
    let code = server.code().await;
    server.check(&flow, &code).await.json(200);
    let resumed = send(server.resume(&flow)).await.json(200);
    let code = text(&resumed["authorizeResponse"], "code");
    let token = text(&send(trial.redeem(&code)).await.json(200), "access_token");
    let asked = || {
        let headers = "authorization";
        let preflight = server
            .at(Method::OPTIONS, "as/userinfo")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, headers);
        let real = server.at(Method::GET, "as/userinfo").bearer_auth(&token);
        // Who has no token, or a void one, shall read that as well.
        let void = server.at(Method::GET, "as/userinfo").bearer_auth("void");
        [(preflight, 204), (real, 200), (void, 401)]
    };
    for (request, status) in asked() {
        let answer = from(PAGE, request).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert_readable(&answer, PAGE);
    }
    for (request, status) in asked() {
        let answer = from(OTHER, request).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
}

#[tokio::test]
async fn an_origin_is_known_however_the_application_spells_it() {
    for (configured, sent) in [
        ("https://spa.example.test:443", "https://spa.example.test"),
        ("https://UPPER.example.test", "https://upper.example.test"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://localhost:80", "http://localhost"),
    ] {
        let uri = json!({ "redirectUris": [REDIRECT_URI, format!("{configured}/cb")] });
        let setting = json!({ "corsSettings": { "behavior": "ALLOW_SPECIFIC_ORIGINS",
            "origins": [configured] } });
        let page = json!({ "loginPageUrl": format!("{configured}/login") });
        let trial = Trial::with(uri, inline()).await;
        let server = &trial.server;
        let begin = |client: &str| {
            let mut parameters = trial.parameters("pi.flow", None);
            parameters[0] = ("client_id", client);
            server.authorize(&parameters)
        };
        let (by_setting, by_page) = (
            trial.application(setting, &[inline_action()]).await,
            trial.application(page, &[inline_action()]).await,
        );
        for client in [&trial.client, &by_setting, &by_page] {
            assert_readable(&from(sent, begin(client)).await, sent);
            for other in ["null", "https://spa.example.test:8443", "ftp://localhost"] {
                assert_unreadable(&from(other, begin(client)).await);
            }
        }
    }
}

fn inline_action() -> serde_json::Value {
    json!({ "type": "MULTI_FACTOR_AUTHENTICATION", "sms": { "enabled": true } })
}

#[tokio::test]
async fn no_answer_here_is_for_every_page() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    for request in [
        trial.server.read(&flow),
        trial.server.at(Method::PUT, &format!("flows/{}", flow.id)),
        trial.server.at(Method::POST, &format!("flows/{}", flow.id)),
        trial.server.at(Method::GET, "flows/nonsense"),
        trial.server.at(Method::GET, "as/authorize"),
        trial.server.at(Method::GET, "as/resume"),
        trial.server.at(Method::GET, "signon/"),
    ] {
        assert_unreadable(&send(request).await);
    }
}
