//! Whoever has no token for the management: a client, a browser, or who pretends to be one.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use reqwest::{Method, header};
use serde_json::{Value, json};
use stepgate_domain::time::Duration;
use stepgate_http::api::{Operation, Takes};

use super::{
    Input,
    fields::{CHOICES, fields},
};
use crate::support::{Answer, PHONE, REDIRECT_URI, SignedOn, TestClient, Trial, parameters, send};

const PASSWORD: &str = "Correct horse 7!";

/// What a stranger has got hold of.
pub(super) struct Stranger {
    pub(super) trial: Trial,
    pub(super) client: TestClient,
    who: SignedOn,
    /// By the parameter that it is for.
    pub(super) held: BTreeMap<&'static str, String>,
    cookie: String,
}

impl Stranger {
    pub(super) async fn new() -> Self {
        let grants = json!({ "grantTypes": ["AUTHORIZATION_CODE", "REFRESH_TOKEN"] });
        let inline = json!({ "sms": { "enabled": true }, "email": { "enabled": true } });
        let trial = Trial::with(grants, inline).await;
        trial.set_password(PASSWORD).await;
        let client = TestClient {
            id: trial.client.clone(),
            secret: trial.secret().to_owned(),
        };
        let who = trial.server.sign_on().await;
        let held = BTreeMap::from([
            ("client_id", client.id.clone()),
            ("client_secret", client.secret.clone()),
            ("redirect_uri", REDIRECT_URI.to_owned()),
            ("deviceId", trial.device.clone()),
            ("username", "mira.k".to_owned()),
            ("login_hint", "mira.k".to_owned()),
            ("password", PASSWORD.to_owned()),
            ("state", "x 1".to_owned()),
            ("nonce", "n-0S6".to_owned()),
            ("to", PHONE.to_owned()),
        ]);
        Self {
            trial,
            client,
            who,
            held,
            cookie: String::new(),
        }
    }

    /// Begins a flow, gets hold of a code, and lets so much time pass that there are no limits.
    pub(super) async fn go_on(&mut self) {
        let server = &self.trial.server;
        server.advance(Duration::from_minutes(31));
        self.held.insert("login_hint_token", self.trial.hint());
        let code = server
            .mint(&self.client, self.who, "openid offline_access")
            .await;
        let tokens = server.redeem(&self.client, &code).await;
        let code = server.mint(&self.client, self.who, "openid profile").await;
        let begun = self.trial.asked("pi.flow").await;
        let page = format!("/{}/signon/?flowId={}", server.environment, begun.id());
        let cookie = begun.cookies();
        let request = server.request(Method::GET, &page);
        let page = send(request.header(header::COOKIE, &cookie)).await;
        for answer in [&tokens, &begun, &page] {
            self.keep(answer);
        }
        self.held.insert("code", code);
        self.cookie = cookie;
        if begun.body["status"] == "OTP_REQUIRED" {
            let otp = self.trial.server.code().await;
            self.held.insert("otp", otp);
        }
    }

    /// Keeps what an answer gives away.
    pub(super) fn keep(&mut self, answer: &Answer) {
        for (place, names) in [
            ("/access_token", &["access_token", "token"][..]),
            ("/refresh_token", &["refresh_token"]),
            (
                "/id_token",
                &["id_token_hint", "client_assertion", "request"],
            ),
            ("/authorizeResponse/code", &["code"]),
        ] {
            if let Some(value) = answer.body.pointer(place).and_then(Value::as_str) {
                self.held
                    .extend(names.iter().map(|name| (*name, value.to_owned())));
            }
        }
        if answer.body["resumeUrl"].is_string() {
            self.held.insert("flowId", answer.id());
            if answer.headers.contains_key(header::SET_COOKIE) {
                self.cookie = answer.cookies();
            }
        }
        let location = answer.header("location").unwrap_or_default();
        for (name, value) in parameters(location) {
            match name.as_str() {
                "code" => drop(self.held.insert("code", value)),
                "flowId" => drop(self.held.insert("flowId", value)),
                _ => {}
            }
        }
        let field = answer.text.split_once("name=\"csrfToken\" value=\"");
        if let Some((token, _)) = field.and_then(|(_, rest)| rest.split_once('"')) {
            self.held.insert("csrfToken", token.to_owned());
        }
    }

    pub(super) fn held(&self, name: &str) -> String {
        self.held.get(name).cloned().unwrap_or_default()
    }

    /// The right value of a parameter.
    pub(super) fn right(&self, name: &str) -> String {
        let choice = CHOICES.iter().find(|(other, _)| *other == name);
        choice.map_or_else(|| self.held(name), |(_, values)| values[0].to_owned())
    }

    pub(super) fn plain(&self, operation: &Operation) -> Input {
        let (asked, _) = fields(operation);
        let pairs: Vec<_> = asked
            .iter()
            .filter(|name| **name != "refresh_token")
            .map(|name| ((*name).to_owned(), self.right(name)))
            .collect();
        let encoded = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&pairs)
            .finish();
        let mut target = self.path(operation);
        let body = match operation.takes {
            Takes::Vendor(name) => self.body(name).to_string(),
            Takes::Json | Takes::Form | Takes::FormOrNothing => encoded,
            Takes::Nothing => {
                let client = self.held("client_id");
                let query = if asked.is_empty() {
                    format!("client_id={client}")
                } else {
                    encoded
                };
                target = format!("{target}?{query}");
                String::new()
            }
        };
        let mut headers = Vec::new();
        if let Some(name) = operation.takes.media_type() {
            headers.push(("content-type", name.into_bytes()));
        }
        if !self.cookie.is_empty() {
            headers.push(("cookie", self.cookie.clone().into_bytes()));
        }
        headers.extend(self.authorization(operation));
        Input {
            method: operation.method.clone(),
            target,
            headers,
            body: body.into_bytes(),
        }
    }

    pub(super) fn path(&self, operation: &Operation) -> String {
        let environment = self.trial.server.environment.to_string();
        let path = operation.path.replace("{environmentID}", &environment);
        path.replace("{flowID}", &self.held("flowId"))
    }

    pub(super) fn authorization(&self, operation: &Operation) -> Option<(&'static str, Vec<u8>)> {
        let value = if operation.path.ends_with("/userinfo") {
            format!("Bearer {}", self.held("access_token"))
        } else if ["/token", "/introspect"]
            .iter()
            .any(|it| operation.path.ends_with(it))
        {
            let credentials = format!("{}:{}", self.client.id, self.client.secret);
            format!("Basic {}", BASE64.encode(credentials.as_bytes()))
        } else {
            return None;
        };
        Some(("authorization", value.into_bytes()))
    }

    /// What an action upon a flow takes.
    pub(super) fn body(&self, action: &str) -> Value {
        match action {
            "otp.check" => json!({ "otp": self.held("otp") }),
            "device.select" => json!({ "device": { "id": self.held("deviceId") } }),
            "user.lookup" => json!({ "username": self.held("username") }),
            "usernamePassword.check" => {
                json!({ "username": self.held("username"), "password": PASSWORD })
            }
            _ => json!({}),
        }
    }
}
