//! The usual case: an application whose policy asks for a code, and a user with one phone, to which
//! a worker delivers.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, Flow, PHONE, REDIRECT_URI, Server, TestClient, id, send};

pub(crate) struct Trial {
    pub(crate) server: Server,
    pub(crate) client: String,
    secret: String,
    pub(crate) user: String,
    pub(crate) device: String,
}

/// A device authentication policy with these members of `sms.otp`.
pub(crate) fn device_policy(otp: &Value) -> Value {
    json!({ "name": "Strict", "sms": { "enabled": true, "otp": otp },
        "email": { "enabled": true }, "voice": { "enabled": false } })
}

impl Trial {
    pub(crate) async fn start() -> Self {
        let inline = json!({ "sms": { "enabled": true }, "email": { "enabled": true } });
        Self::with(json!({}), inline).await
    }

    /// An application with these members, and an MFA action with those.
    pub(crate) async fn with(application: Value, action: Value) -> Self {
        Self::on(Server::delivering().await, application, action).await
    }

    /// As [`Self::start`], but with a device authentication policy.
    pub(crate) async fn with_devices(policy: Value) -> Self {
        let server = Server::delivering().await;
        let made = server.manage(Method::POST, "deviceAuthenticationPolicies", policy);
        let action = json!({ "deviceAuthenticationPolicy": { "id": id(&made.await) } });
        Self::on(server, json!({}), action).await
    }

    pub(crate) async fn on(server: Server, application: Value, mut action: Value) -> Self {
        let members = action.as_object_mut().unwrap();
        members.insert("type".to_owned(), "MULTI_FACTOR_AUTHENTICATION".into());
        let client = application_of(&server, application, &[action]).await;
        let user = server
            .manage(
                Method::POST,
                "users",
                json!({ "username": "mira.k", "email": "mira@example.test",
                    "name": { "given": "Mira", "family": "Kos" } }),
            )
            .await;
        let user = id(&user);
        let path = format!("users/{user}/mfaEnabled");
        let on = json!({ "mfaEnabled": true });
        server.manage(Method::PUT, &path, on).await;
        let mut trial = Self {
            server,
            client: client.id,
            secret: client.secret,
            user,
            device: String::new(),
        };
        trial.device = trial
            .pair(json!({ "type": "SMS", "phone": PHONE, "nickname": "Work phone" }))
            .await;
        trial
    }

    /// The exchange of a code for tokens.
    pub(crate) fn redeem(&self, code: &str) -> RequestBuilder {
        self.server
            .at(Method::POST, "as/token")
            .basic_auth(&self.client, Some(&self.secret))
            .form(&[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", REDIRECT_URI),
            ])
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// Another application, with these actions of its policy.
    pub(crate) async fn application(&self, with: Value, actions: &[Value]) -> String {
        application_of(&self.server, with, actions).await.id
    }

    /// A further device of the user.
    pub(crate) async fn pair(&self, device: Value) -> String {
        let path = format!("users/{}/devices", self.user);
        id(&self.server.manage(Method::POST, &path, device).await)
    }

    pub(crate) async fn set_password(&self, password: &str) {
        let path = format!("users/{}/password", self.user);
        let media_type = "application/vnd.pingidentity.password.set+json";
        let body = json!({ "value": password });
        self.server
            .manage_as(Method::PUT, &path, media_type, body)
            .await;
    }

    /// A signed hint for the user, with these claims changed.
    pub(crate) fn hint_with(&self, changed: &Value) -> String {
        let now = self.server.now().as_seconds();
        let mut claims = json!({
            "iss": self.client, "sub": self.user, "iat": now, "exp": now + 300,
            "aud": self.server.issuer(),
        });
        let members = claims.as_object_mut().unwrap();
        members.extend(changed.as_object().unwrap().clone());
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
    }

    pub(crate) fn hint(&self) -> String {
        self.hint_with(&json!({}))
    }

    /// The parameters of authorize, in `mode`, with a hint when the caller gives one.
    pub(crate) fn parameters<'a>(
        &'a self,
        mode: &'a str,
        hint: Option<&'a str>,
    ) -> Vec<(&'a str, &'a str)> {
        let mut parameters = vec![
            ("client_id", self.client.as_str()),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT_URI),
            ("state", "x 1"),
        ];
        if mode != "query" {
            parameters.push(("response_mode", mode));
        }
        parameters.extend(hint.map(|hint| ("login_hint_token", hint)));
        parameters
    }

    /// Begins a hinted flow in this mode.
    pub(crate) async fn asked(&self, mode: &str) -> Answer {
        let hint = self.hint();
        send(self.server.authorize(&self.parameters(mode, Some(&hint)))).await
    }

    /// A flow of `pi.flow` for the user, who has been sent a code.
    pub(crate) async fn begin(&self) -> Flow {
        Flow::of(&self.asked("pi.flow").await)
    }

    /// A flow of `pi.flow` for nobody yet.
    pub(crate) async fn begin_unhinted(&self) -> Flow {
        Flow::of(&send(self.server.authorize(&self.parameters("pi.flow", None))).await)
    }
}

/// An application whose only policy has these actions.
async fn application_of(server: &Server, with: Value, actions: &[Value]) -> TestClient {
    let mut members = json!({ "grantTypes": ["AUTHORIZATION_CODE"] });
    let given = with.as_object().unwrap().clone();
    members.as_object_mut().unwrap().extend(given);
    let client = server.create_application("Shop & Co", members).await;
    let name = format!("For_{}", client.id);
    let policy = server.sign_on_policy(&name, actions).await;
    server.assign(&client.id, &policy).await;
    client
}
