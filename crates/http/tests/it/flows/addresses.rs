//! Whose address a sign-on is judged by and kept with, when proxies stand between.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use stepgate_domain::client_address::{ForwardingHeader, Proxies, network};

use crate::support::{Server, Setup, Trial, send};

const CLIENT: &str = "198.51.100.7";

/// This machine's addresses are a proxy's, which says in this header for whom it asks.
fn behind(header: ForwardingHeader) -> Setup {
    Setup {
        proxies: Proxies {
            trusted: network("127.0.0.0/8").into_iter().collect(),
            header,
        },
        ..Setup::default()
    }
}

fn sms() -> Value {
    json!({ "sms": { "enabled": true } })
}

/// MFA for everybody who does not come from within.
fn unless_from_within() -> Value {
    json!({ "sms": { "enabled": true }, "condition": { "not": {
        "ipRange": ["127.0.0.0/8", "10.0.0.0/8"], "contains": "${flow.request.http.remoteIp}" } } })
}

async fn last_address(trial: &Trial) -> Value {
    let path = format!("users/{}", trial.user);
    let user = trial.server.manage(Method::GET, &path, Value::Null);
    user.await["lastSignOn"]["remoteIp"].clone()
}

async fn sign_on(trial: &Trial, with: impl Fn(RequestBuilder) -> RequestBuilder) {
    let server = &trial.server;
    let hint = trial.hint();
    let request = server.authorize(&trial.parameters("pi.flow", Some(&hint)));
    let flow = crate::support::Flow::of(&send(with(request)).await);
    let body = json!({ "otp": server.code().await });
    send(with(server.act(&flow, "otp.check", &body)))
        .await
        .json(200);
    send(with(server.resume(&flow))).await.json(200);
}

#[tokio::test]
async fn a_sign_on_is_kept_with_the_address_that_the_trusted_proxy_tells() {
    for (header, value) in [
        (
            ForwardingHeader::XForwardedFor,
            format!("10.0.0.1, {CLIENT}:4711"),
        ),
        (
            ForwardingHeader::Forwarded,
            format!("for=10.0.0.1, for=\"{CLIENT}:4711\";proto=https"),
        ),
    ] {
        let trial = Trial::on(
            Server::delivering_with(behind(header)).await,
            json!({}),
            sms(),
        )
        .await;
        sign_on(&trial, |request| request.header(header.name(), &value)).await;
        assert_eq!(last_address(&trial).await, CLIENT, "{header:?}");
    }
}

#[tokio::test]
async fn nobodys_word_is_taken_without_trusted_proxies() {
    let trial = Trial::start().await;
    let lie = |request: RequestBuilder| {
        request
            .header("x-forwarded-for", CLIENT)
            .header("forwarded", format!("for={CLIENT}"))
            .header("x-real-ip", CLIENT)
    };
    sign_on(&trial, lie).await;
    assert_eq!(last_address(&trial).await, "127.0.0.1");
}

#[tokio::test]
async fn a_condition_on_the_address_judges_the_client_and_not_the_proxy() {
    let server = Server::delivering_with(behind(ForwardingHeader::XForwardedFor)).await;
    let trial = Trial::on(server, json!({}), unless_from_within()).await;
    let begin = async |lines: &[&str]| {
        let hint = trial.hint();
        let mut request = trial
            .server
            .authorize(&trial.parameters("pi.flow", Some(&hint)));
        for line in lines {
            request = request.header("x-forwarded-for", *line);
        }
        let status = send(request).await.json(200)["status"].clone();
        trial
            .server
            .advance(stepgate_domain::time::Duration::from_minutes(1));
        status
    };
    for outside in [
        &[CLIENT][..],
        &["10.0.0.1, 198.51.100.7"],
        &["10.0.0.1", CLIENT],
        &["unknown"],
        &["10.0.0.1, _hidden"],
    ] {
        assert_eq!(begin(outside).await, "OTP_REQUIRED", "{outside:?}");
    }
    for within in [
        &["10.0.0.1"][..],
        &["198.51.100.7, 10.0.0.1"],
        &["198.51.100.7", "10.0.0.1"],
    ] {
        assert_ne!(begin(within).await, "OTP_REQUIRED", "{within:?}");
    }
}

#[tokio::test]
async fn a_condition_on_the_address_is_refused_where_it_is_not_known() {
    let setup = Setup {
        client_address_is_known: false,
        ..Setup::default()
    };
    let server = Server::delivering_with(setup).await;
    let policy = server.sign_on_policy("Inside", &[]).await;
    let path = format!(
        "/v1/environments/{}/signOnPolicies/{policy}/actions",
        server.environment
    );
    let admin = server.admin();
    let mut action = unless_from_within();
    action["type"] = "MULTI_FACTOR_AUTHENTICATION".into();
    action["priority"] = 1.into();
    let refused = admin.post(&path, action.clone()).await;
    let (code, detail, target, message) = refused.refusal(400);
    assert_eq!(
        (code.as_str(), detail.as_str(), target.as_str()),
        ("INVALID_DATA", "INVALID_VALUE", "condition")
    );
    assert!(message.contains("trusted_proxies"), "{message}");
    let without = action.as_object_mut().unwrap().remove("condition").unwrap();
    let made = admin.post(&path, action.clone()).await;
    made.json(201);
    action["condition"] = without;
    let replaced = admin.put(&format!("{path}/{}", made.id()), action).await;
    assert_eq!(replaced.refusal(400).2, "condition");
}
