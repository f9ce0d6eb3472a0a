//! An application whose policy asks for a code, a user with a phone, and callers who mean no good.
//! No worker runs: what was sent is what waits in the outbox.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};
use stepgate_app::{clock::Clock, outbox as outgoing, random::SystemRandom};
use stepgate_domain::{
    id::Id,
    message::{Channel, Message},
    time::Duration,
};
use stepgate_notify::{Delivery, NotifyError, Provider, Senders};
use stepgate_store::{counters, engine::Engine, outbox};

use super::{REDIRECT_URI, Server, TestClient};

pub(crate) const PHONE: &str = "+4712345642";

/// Takes what it is given, or nothing at all.
#[derive(Debug)]
pub(crate) struct Carrier {
    pub(crate) fails: bool,
}

#[async_trait]
impl Provider for Carrier {
    fn channels(&self) -> &[Channel] {
        &[Channel::Sms, Channel::Email]
    }
    async fn send(&self, _: &Message) -> Result<Delivery, NotifyError> {
        if self.fails {
            return Err(NotifyError::Permanent {
                reason: "21211".to_owned(),
            });
        }
        Ok(Delivery::default())
    }
}

pub(crate) struct Trial {
    pub(crate) server: Server,
    pub(crate) client: TestClient,
    pub(crate) user: String,
    pub(crate) device: String,
}

/// A flow, and the cookie that it is bound to.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    pub(crate) id: String,
    pub(crate) cookie: String,
    pub(crate) body: Value,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
    /// The `Cookie` header of a client that keeps what it was given.
    pub(crate) fn cookies(&self) -> String {
        let pairs = self.headers.get_all(header::SET_COOKIE).iter();
        let pairs: Vec<&str> = pairs
            .map(|it| it.to_str().unwrap().split(';').next().unwrap())
            .collect();
        pairs.join("; ")
    }
    /// Code, detail's code, target and message of an error of the platform.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16) -> (String, String, String, String) {
        let body = self.json(status);
        let detail = |name: &str| {
            let value = body["details"][0][name].as_str();
            value.unwrap_or_default().to_owned()
        };
        (
            body["code"].as_str().unwrap().to_owned(),
            detail("code"),
            detail("target"),
            detail("message"),
        )
    }
    /// The parameters of a redirect's query or fragment.
    #[track_caller]
    pub(crate) fn redirected(&self) -> (String, std::collections::HashMap<String, String>) {
        assert_eq!(self.status, 302, "{}", self.text);
        let location = self.header("location").unwrap();
        let (uri, encoded) = location.split_once(['?', '#']).unwrap_or((location, ""));
        let parameters = form_urlencoded::parse(encoded.as_bytes()).into_owned();
        (uri.to_owned(), parameters.collect())
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

#[track_caller]
pub(crate) fn id(body: &Value) -> String {
    body["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id in {body:#}"))
        .to_owned()
}

/// A compact JWS of these texts.
pub(crate) fn signed(header: &str, claims: &str, secret: &str) -> String {
    let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let input = format!("{}.{}", encode(header), encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hmac::sign(&key, input.as_bytes());
    format!("{input}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
}

/// Codes of six digits that are not this one.
pub(crate) fn wrong_codes(right: &str) -> impl Iterator<Item = String> {
    let right: u32 = right.parse().unwrap();
    (1..).map(move |step| format!("{:06}", (right + step) % 1_000_000))
}

impl Trial {
    pub(crate) async fn start() -> Self {
        Self::with(json!({}), json!({})).await
    }

    /// An application with these members, and a device authentication policy with those of `sms.otp`.
    pub(crate) async fn with(application: Value, otp: Value) -> Self {
        let server = Server::start_with(senders(false)).await;
        Self::on(server, application, otp).await
    }

    pub(crate) async fn on(server: Server, application: Value, otp: Value) -> Self {
        let policy = json!({ "name": "Codes", "sms": { "enabled": true, "otp": otp },
            "email": { "enabled": true }, "voice": { "enabled": false } });
        let policy = id(&server.create("deviceAuthenticationPolicies", policy).await);
        let action = json!({ "type": "MULTI_FACTOR_AUTHENTICATION", "priority": 1,
            "deviceAuthenticationPolicy": { "id": policy } });
        let body = json!({ "name": "Code_Only" });
        let policy = id(&server.create("signOnPolicies", body).await);
        server
            .create(&format!("signOnPolicies/{policy}/actions"), action)
            .await;
        let client = server.create_application("Shop & Co", application).await;
        let mut trial = Self {
            server,
            client,
            user: String::new(),
            device: String::new(),
        };
        trial.assign(&trial.client.id, &policy).await;
        (trial.user, trial.device) = trial.user("mira.k", PHONE).await;
        trial
    }

    pub(crate) async fn assign(&self, client: &str, policy: &str) {
        let body = json!({ "priority": 1, "signOnPolicy": { "id": policy } });
        let path = format!("applications/{client}/signOnPolicyAssignments");
        self.server.create(&path, body).await;
    }

    /// The sign-on policy of the trial's own application.
    pub(crate) async fn policy(&self) -> String {
        let all = self.get("signOnPolicies").await;
        let all = all["_embedded"]["signOnPolicies"].as_array().unwrap();
        id(all.iter().find(|it| it["name"] == "Code_Only").unwrap())
    }

    /// A user with a phone: the ids of both.
    pub(crate) async fn user(&self, username: &str, phone: &str) -> (String, String) {
        let body = json!({ "username": username, "email": format!("{username}@example.test"),
            "name": { "given": "Mira", "family": "Kos" } });
        let user = id(&self.server.create("users", body).await);
        let on = json!({ "mfaEnabled": true });
        self.manage(
            Method::PUT,
            &format!("users/{user}/mfaEnabled"),
            "application/json",
            on,
        )
        .await;
        let body = json!({ "type": "SMS", "phone": phone });
        let device = self
            .server
            .create(&format!("users/{user}/devices"), body)
            .await;
        (user, id(&device))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.manage(Method::GET, path, "", Value::Null).await
    }

    /// A call of the management API that succeeds.
    pub(crate) async fn manage(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: Value,
    ) -> Value {
        let path = format!("/v1/environments/{}/{path}", self.server.environment());
        let mut request = self
            .server
            .request(method, &path)
            .bearer_auth(self.server.admin_token().await);
        if !media_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, media_type);
        }
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        let answer = send(request).await;
        assert!(
            (200..300).contains(&answer.status),
            "{path}: {}",
            answer.text
        );
        serde_json::from_str(&answer.text).unwrap_or(Value::Null)
    }

    pub(crate) async fn enable(&self, enabled: bool) {
        let path = format!("users/{}/enabled", self.user);
        let body = json!({ "enabled": enabled });
        self.manage(Method::PUT, &path, "application/json", body)
            .await;
    }

    /// `account.lock` or `account.unlock`
    pub(crate) async fn account(&self, verb: &str) {
        let media_type = format!("application/vnd.pingidentity.account.{verb}+json");
        let path = format!("users/{}", self.user);
        self.manage(Method::POST, &path, &media_type, Value::Null)
            .await;
    }

    pub(crate) fn now(&self) -> i64 {
        self.server.clock.now().as_seconds()
    }

    pub(crate) fn wait(&self, seconds: i64) {
        self.server.clock.advance(Duration::from_seconds(seconds));
    }

    pub(crate) fn claims(&self) -> Value {
        json!({ "iss": self.client.id, "sub": "mira.k", "aud": self.server.issuer(),
            "iat": self.now(), "exp": self.now() + 300 })
    }

    /// A right hint for this user.
    pub(crate) fn hint(&self, sub: &str) -> String {
        let mut claims = self.claims();
        claims["sub"] = sub.into();
        signed(
            r#"{"alg":"HS256"}"#,
            &claims.to_string(),
            &self.client.secret,
        )
    }

    pub(crate) fn parameters<'a>(&'a self, mode: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("client_id", &self.client.id),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT_URI),
            ("state", "x 1"),
            ("response_mode", mode),
        ]
    }

    pub(crate) fn authorize(&self, parameters: &[(&str, &str)]) -> RequestBuilder {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        self.server.at(Method::GET, &format!("authorize?{query}"))
    }

    pub(crate) async fn asked(&self, mode: &str, hint: Option<&str>) -> Answer {
        let mut parameters = self.parameters(mode);
        parameters.extend(hint.map(|hint| ("login_hint_token", hint)));
        send(self.authorize(&parameters)).await
    }

    /// A flow for this user, who has been sent a code.
    pub(crate) async fn begin(&self, sub: &str) -> Flow {
        Flow::of(&self.asked("pi.flow", Some(&self.hint(sub))).await)
    }

    /// A flow of a name that was only typed.
    pub(crate) async fn look_up(&self, name: &str) -> Flow {
        let begun = Flow::of(&self.asked("pi.flow", None).await);
        let body = json!({ "username": name });
        let answer = send(self.act(&begun, "user.lookup", &body)).await;
        Flow {
            body: answer.json(200),
            ..begun
        }
    }

    pub(crate) fn at(&self, method: Method, path: &str) -> RequestBuilder {
        let path = format!("/{}/{path}", self.server.environment());
        self.server.request(method, &path)
    }

    pub(crate) fn act(&self, flow: &Flow, name: &str, body: &Value) -> RequestBuilder {
        let media_type = format!("application/vnd.pingidentity.{name}+json");
        self.at(Method::POST, &format!("flows/{}", flow.id))
            .header(header::CONTENT_TYPE, media_type)
            .header(header::COOKIE, &flow.cookie)
            .body(body.to_string())
    }

    pub(crate) async fn check(&self, flow: &Flow, code: &str) -> Answer {
        send(self.act(flow, "otp.check", &json!({ "otp": code }))).await
    }

    pub(crate) async fn select(&self, flow: &Flow, device: &str) -> Answer {
        let body = json!({ "device": { "id": device } });
        send(self.act(flow, "device.select", &body)).await
    }

    pub(crate) async fn read(&self, flow: &Flow) -> Answer {
        let request = self.at(Method::GET, &format!("flows/{}", flow.id));
        send(request.header(header::COOKIE, &flow.cookie)).await
    }

    pub(crate) async fn resume(&self, flow: &Flow) -> Answer {
        let request = self.at(Method::GET, &format!("as/resume?flowId={}", flow.id));
        send(request.header(header::COOKIE, &flow.cookie)).await
    }

    /// What waits to be sent, each once.
    pub(crate) async fn sent(&self) -> Vec<Message> {
        let now = self.server.clock.now();
        let until = now + Duration::from_days(999);
        let lease = Id::<()>::random(&mut SystemRandom).to_string();
        let rows = outbox::claim(&*self.server.store, &lease, now, until, 1_000);
        let key = self
            .server
            .app
            .data_key(self.server.environment())
            .await
            .unwrap();
        let rows = rows.await.unwrap();
        rows.iter()
            .map(|row| outgoing::open(&key, row).unwrap())
            .collect()
    }

    /// The code of the only message that waits.
    pub(crate) async fn code(&self) -> String {
        let sent = self.sent().await;
        assert_eq!(sent.len(), 1, "one message was expected");
        sent[0].code.as_ref().unwrap().expose().clone()
    }

    pub(crate) async fn flows(&self) -> i64 {
        let text = "SELECT count(*) FROM flow";
        let rows = self
            .server
            .store
            .query(text.into(), Vec::new())
            .await
            .unwrap();
        rows[0].integer(0).unwrap()
    }

    /// What is counted for a subject: `user:{id}`, `device:{id}`.
    pub(crate) async fn counter(&self, subject: String) -> Option<counters::StoredCounter> {
        let (subjects, environment) = ([subject], self.server.environment());
        let rows = counters::read(&*self.server.store, environment, &subjects).await;
        rows.unwrap().pop()
    }

    /// How many wrong codes of the user have been judged since the last right one.
    pub(crate) async fn judged(&self) -> i64 {
        let counter = self.counter(format!("user:{}", self.user)).await;
        counter.map_or(0, |counter| {
            let body: Value = serde_json::from_str(&counter.body).unwrap();
            body["consecutive"].as_i64().unwrap()
        })
    }
}

pub(crate) fn senders(fails: bool) -> Senders {
    Senders::new(vec![Arc::new(Carrier { fails })])
}

impl Flow {
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Self {
        let body = answer.json(200);
        Self {
            id: id(&body),
            cookie: answer.cookies(),
            body,
        }
    }
    pub(crate) fn status(&self) -> &str {
        self.body["status"].as_str().unwrap()
    }
    pub(crate) fn device(&self) -> String {
        self.body["selectedDevice"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}
