//! An application whose policy asks for a code, a user with a phone, and callers who mean no good.
//! No worker runs: what was sent is what waits in the outbox.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use serde_json::{Value, json};
use stepgate_app::{clock::Clock, outbox as outgoing, random::SystemRandom};
use stepgate_domain::{
    id::Id,
    message::{Channel, Message},
    time::Duration,
};
use stepgate_notify::{Delivery, NotifyError, Provider, Senders};
use stepgate_store::{counters, engine::Engine, outbox};

use super::{Answer, Flow, PHONE, REDIRECT_URI, Server, Setup, TestClient, id, send};

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
        let action = json!({ "type": "MULTI_FACTOR_AUTHENTICATION",
            "deviceAuthenticationPolicy": { "id": policy } });
        let policy = server.sign_on_policy("Code_Only", &[action]).await;
        let client = server.create_application("Shop & Co", application).await;
        let mut trial = Self {
            server,
            client,
            user: String::new(),
            device: String::new(),
        };
        trial.server.assign(&trial.client.id, &policy).await;
        (trial.user, trial.device) = trial.user("mira.k", PHONE).await;
        trial
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
        self.server
            .manage(Method::PUT, &format!("users/{user}/mfaEnabled"), on)
            .await;
        let body = json!({ "type": "SMS", "phone": phone });
        let device = self
            .server
            .create(&format!("users/{user}/devices"), body)
            .await;
        (user, id(&device))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.server.manage(Method::GET, path, Value::Null).await
    }

    pub(crate) async fn enable(&self, enabled: bool) {
        let path = format!("users/{}/enabled", self.user);
        let body = json!({ "enabled": enabled });
        self.server.manage(Method::PUT, &path, body).await;
    }

    /// `account.lock` or `account.unlock`
    pub(crate) async fn account(&self, verb: &str) {
        let media_type = format!("application/vnd.pingidentity.account.{verb}+json");
        let path = format!("users/{}", self.user);
        self.server
            .manage_as(Method::POST, &path, &media_type, Value::Null)
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

    pub(crate) async fn asked(&self, mode: &str, hint: Option<&str>) -> Answer {
        let mut parameters = self.parameters(mode);
        parameters.extend(hint.map(|hint| ("login_hint_token", hint)));
        send(self.server.authorize(&parameters)).await
    }

    /// A flow for this user, who has been sent a code.
    pub(crate) async fn begin(&self, sub: &str) -> Flow {
        Flow::of(&self.asked("pi.flow", Some(&self.hint(sub))).await)
    }

    /// A flow of a name that was only typed.
    pub(crate) async fn look_up(&self, name: &str) -> Flow {
        let begun = Flow::of(&self.asked("pi.flow", None).await);
        let body = json!({ "username": name });
        let answer = send(self.server.act(&begun, "user.lookup", &body)).await;
        Flow {
            body: answer.json(200),
            ..begun
        }
    }

    /// What waits to be sent to somebody and has a code, each once.
    pub(crate) async fn sent(&self) -> Vec<Message> {
        let now = self.server.clock.now();
        let until = now + Duration::from_days(999);
        let lease = Id::<()>::random(&mut SystemRandom).to_string();
        let rows = outbox::claim(&*self.server.engine, &lease, now, until, 1_000);
        let key = self
            .server
            .app
            .data_key(self.server.environment)
            .await
            .unwrap();
        let rows = rows.await.unwrap();
        rows.iter()
            .map(|row| outgoing::open(&key, row).unwrap())
            .filter(|message| message.code.is_some() && !message.is_for_nobody())
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
            .engine
            .query(text.into(), Vec::new())
            .await
            .unwrap();
        rows[0].integer(0).unwrap()
    }

    /// What is counted for a subject: `user:{id}`, `device:{id}`.
    pub(crate) async fn counter(&self, subject: String) -> Option<counters::StoredCounter> {
        let (subjects, environment) = ([subject], self.server.environment);
        let rows = counters::read(&*self.server.engine, environment, &subjects).await;
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

/// A server that hands its messages to nobody, or to a gateway that takes none.
pub(crate) fn senders(fails: bool) -> Setup {
    Setup {
        senders: Senders::new(vec![Arc::new(Carrier { fails })]),
        ..Setup::default()
    }
}
