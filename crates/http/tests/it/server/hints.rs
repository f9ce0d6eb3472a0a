//! What a `login_hint_token` must be, asked over HTTP: `flows.md` §1.1, in both ways to answer.

use reqwest::Method;
use serde_json::{Value, json};
use stepgate_domain::time::Duration;

use crate::support::{
    Flow, REDIRECT_URI,
    held::{Trial, signed},
    send, text,
};

pub(super) const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
pub(super) const SIGNATURE: &str = "login_hint_token signature is invalid";

impl Trial {
    /// A right hint but for these claims; null takes one away.
    pub(super) fn with_claims(&self, changed: Value) -> String {
        let mut claims = self.claims();
        let members = claims.as_object_mut().unwrap();
        if let Value::Object(changed) = changed {
            members.extend(changed);
        }
        members.retain(|_, value| !value.is_null());
        signed(HS256, &claims.to_string(), &self.client.secret)
    }

    pub(super) fn with_header(&self, header: &str) -> String {
        signed(header, &self.claims().to_string(), &self.client.secret)
    }

    pub(super) fn with_text(&self, claims: &str) -> String {
        signed(HS256, claims, &self.client.secret)
    }

    /// It is refused with these words in every mode, and nothing came of it.
    pub(super) async fn refuses(&self, name: &str, hint: &str, message: &str) {
        let flows = self.flows().await;
        let told = self.asked("pi.flow", Some(hint)).await;
        assert_eq!(told.status, 400, "{name}: {}", told.text);
        let media_type = told.header("content-type").unwrap();
        assert!(media_type.starts_with("application/json"), "{name}");
        assert_eq!(told.cookies(), "", "{name}");
        let body = told.json(400);
        assert_eq!(
            body,
            json!({
                "id": told.header("correlation-id").unwrap(), "code": "INVALID_DATA",
                "message": "The request could not be completed. One or more validation errors were in the request.",
                "details": [{ "code": "INVALID_VALUE", "target": "login_hint_token", "message": message }],
                "error": "invalid_request", "error_description": message,
            }),
            "{name}"
        );
        for mode in ["query", "fragment"] {
            let sent_on = self.asked(mode, Some(hint)).await;
            let (uri, mut parameters) = sent_on.redirected();
            assert_eq!(uri, REDIRECT_URI, "{name}");
            assert_eq!(
                sent_on.header("location").unwrap().contains('#'),
                mode == "fragment"
            );
            let description = parameters.remove("error_description").unwrap();
            assert!(description.contains(message), "{name}: {description}");
            let expected = [
                ("error", "invalid_request"),
                ("state", "x 1"),
                ("iss", &self.server.issuer()),
            ];
            let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(parameters, expected.into(), "{name}");
            assert_eq!(sent_on.cookies(), "", "{name}");
        }
        assert_eq!(self.flows().await, flows, "{name}: a flow is stored");
        assert!(self.sent().await.is_empty(), "{name}: a message is sent");
    }
}

#[tokio::test]
async fn a_hint_given_twice_is_refused_wherever_it_stands() {
    let trial = Trial::start().await;
    let hint = trial.hint("mira.k");
    let mut parameters = trial.parameters("pi.flow");
    parameters.push(("login_hint_token", &hint));
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&parameters)
        .finish();
    let repeated = form_urlencoded::Serializer::new(query.clone())
        .append_pair("login_hint_token", &hint)
        .finish();
    let in_both = trial
        .server
        .at(Method::POST, &format!("as/authorize?{query}"))
        .form(&[("login_hint_token", &hint)]);
    let in_query = trial
        .server
        .at(Method::GET, &format!("as/authorize?{repeated}"));
    let in_body = trial
        .server
        .at(Method::POST, "as/authorize")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(repeated);
    for request in [in_both, in_query, in_body] {
        let (code, detail, target, message) = send(request).await.refusal(400);
        assert_eq!(
            [code, detail, target, message],
            [
                "INVALID_DATA",
                "INVALID_VALUE",
                "login_hint_token",
                "login_hint_token must not be given more than once"
            ]
        );
    }
    assert_eq!((trial.flows().await, trial.sent().await.len()), (0, 0));
    let posted = trial
        .server
        .at(Method::POST, "as/authorize")
        .form(&parameters);
    assert_eq!(Flow::of(&send(posted).await).status(), "OTP_REQUIRED");
}

#[tokio::test]
async fn whoever_may_not_sign_on_is_denied_and_sent_nothing() {
    let trial = Trial::start().await;
    let denied = async |why: &str| {
        for mode in ["query", "form_post"] {
            let told = trial.asked(mode, Some(&trial.hint("mira.k"))).await;
            if mode == "query" {
                let (uri, parameters) = told.redirected();
                assert_eq!(uri, REDIRECT_URI, "{why}");
                assert_eq!(parameters["error"], "access_denied", "{why}");
                assert_eq!(parameters["state"], "x 1", "{why}");
                assert!(!parameters.contains_key("code"), "{why}");
            } else {
                assert_eq!(told.status, 200, "{why}");
                assert!(told.text.contains("access_denied"), "{why}: {}", told.text);
            }
        }
        assert_eq!(
            trial.flows().await,
            0,
            "{why}: nothing to go on with is kept"
        );
        let flow = trial.begin("mira.k").await;
        assert_eq!(flow.status(), "FAILED", "{why}");
        assert_eq!(flow.body["error"]["code"], "ACCOUNT_NOT_USABLE", "{why}");
        assert_eq!(flow.body["_links"].as_object().unwrap().len(), 1, "{why}");
        let (_, detail, ..) = trial.server.select(&flow, &trial.device).await.refusal(400);
        assert_eq!(detail, "INVALID_ACTION", "{why}");
        let resumed = send(trial.server.resume(&flow)).await.json(200);
        assert_eq!(
            resumed["authorizeResponse"]["error"], "access_denied",
            "{why}"
        );
        assert!(resumed["authorizeResponse"].get("code").is_none(), "{why}");
        assert_eq!(send(trial.server.resume(&flow)).await.status, 404, "{why}");
        assert!(trial.sent().await.is_empty(), "{why}");
    };
    trial.enable(false).await;
    denied("disabled").await;
    trial.enable(true).await;
    trial.account("lock").await;
    denied("locked").await;
    trial.account("unlock").await;
    assert_eq!(trial.begin("mira.k").await.status(), "OTP_REQUIRED");
}

#[tokio::test]
async fn a_rotated_secret_verifies_until_its_grace_is_over() {
    let trial = Trial::start().await;
    let old = trial.hint("mira.k");
    let now = trial
        .server
        .rotate_secret(&trial.client, Duration::from_minutes(2))
        .await;
    assert_ne!(now.secret, trial.client.secret);
    let flow = Flow::of(&trial.asked("pi.flow", Some(&old)).await);
    assert_eq!(flow.status(), "OTP_REQUIRED");
    assert_eq!(trial.sent().await.len(), 1);
    trial.wait(119);
    let new = signed(HS256, &trial.claims().to_string(), &now.secret);
    let flow = Flow::of(&trial.asked("pi.flow", Some(&new)).await);
    assert_eq!(flow.status(), "OTP_REQUIRED");
    assert_eq!(trial.sent().await.len(), 1);
    trial.wait(1);
    trial
        .refuses("rotated out", &trial.hint("mira.k"), SIGNATURE)
        .await;

    // Without a grace, the old one is worth nothing at once.
    let path = format!("applications/{}/secret", trial.client.id);
    let last = trial.server.manage(Method::POST, &path, json!({})).await;
    let new = signed(HS256, &trial.claims().to_string(), &now.secret);
    trial.refuses("rotated at once", &new, SIGNATURE).await;
    trial.wait(10);
    let newest = signed(HS256, &trial.claims().to_string(), &text(&last, "secret"));
    let flow = Flow::of(&trial.asked("pi.flow", Some(&newest)).await);
    assert_eq!(flow.status(), "OTP_REQUIRED");
}

#[tokio::test]
async fn a_hint_of_another_application_or_environment_names_nobody_here() {
    let trial = Trial::start().await;
    let other = trial.server.create_application("other", json!({})).await;
    trial.server.assign(&other.id, &trial.policy().await).await;
    // The other application's own hint, sent for ours.
    let mut claims = trial.claims();
    claims["iss"] = other.id.clone().into();
    let foreign = signed(HS256, &claims.to_string(), &other.secret);
    trial.refuses("the other's hint", &foreign, SIGNATURE).await;
    let mut parameters = trial.parameters("pi.flow");
    parameters[0].1 = &other.id;
    parameters.push(("login_hint_token", &foreign));
    let flow = Flow::of(&send(trial.server.authorize(&parameters)).await);
    assert_eq!(flow.status(), "OTP_REQUIRED");
    trial.sent().await;

    let hint = trial.hint("mira.k");
    let body = json!({ "name": "Elsewhere", "type": "SANDBOX", "region": "NA",
        "license": { "id": trial.server.installation.license } });
    let made = trial
        .server
        .request(Method::POST, "/v1/environments")
        .bearer_auth(trial.server.admin_token().await)
        .header("content-type", "application/json")
        .body(body.to_string());
    let elsewhere = text(&send(made).await.json(201), "id");
    let path = format!(
        "/{elsewhere}/as/authorize?client_id={}&response_type=code&response_mode=pi.flow&login_hint_token={hint}",
        trial.client.id
    );
    let refused = send(trial.server.request(Method::GET, &path)).await;
    assert_eq!(refused.refusal(400).2, "client_id");
    assert!(trial.sent().await.is_empty());
}

#[tokio::test]
async fn what_the_contract_lets_pass_passes() {
    let trial = Trial::start().await;
    let hints: [fn(&Trial) -> String; 7] = [
        |it| it.with_claims(json!({ "iat": null, "exp": null })),
        |it| it.with_claims(json!({ "sub": it.user })),
        |it| it.with_claims(json!({ "sub": "MIRA.K" })),
        |it| it.with_claims(json!({ "aud": ["https://other.test", it.server.issuer()] })),
        |it| {
            let now = it.now();
            it.with_claims(json!({ "exp": now - 59, "iat": now + 60, "nbf": now + 60 }))
        },
        |it| it.with_claims(json!({ "exp": i64::MAX, "anything": { "else": 1 } })),
        |it| it.with_header(r#"{"alg":"HS256","kid":"x","jku":"https://evil.test","x5u":"y"}"#),
    ];
    for hint in hints {
        let hint = hint(&trial);
        let flow = Flow::of(&trial.asked("pi.flow", Some(&hint)).await);
        assert_eq!(flow.status(), "OTP_REQUIRED", "{hint}");
        assert_eq!(trial.sent().await.len(), 1);
        trial.wait(10);
    }
    // Unsigned beside signed: the signed one wins.
    let hint = trial.hint("mira.k");
    let mut parameters = trial.parameters("pi.flow");
    parameters.extend([("login_hint_token", hint.as_str()), ("login_hint", "otto")]);
    let flow = Flow::of(&send(trial.server.authorize(&parameters)).await);
    assert_eq!(flow.body["_embedded"]["user"]["username"], "mira.k");
    trial.sent().await;
    // Alone it proves nothing, whatever is in it.
    for hint in ["mira.k", &trial.hint("mira.k")] {
        let mut parameters = trial.parameters("pi.flow");
        parameters.push(("login_hint", hint));
        let flow = Flow::of(&send(trial.server.authorize(&parameters)).await);
        assert_eq!(flow.status(), "SIGN_ON_REQUIRED");
        assert!(flow.body["_embedded"].get("user").is_none());
    }
    assert!(trial.sent().await.is_empty());
}
