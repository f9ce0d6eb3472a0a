//! The OAuth endpoints.

use reqwest::Method;
use serde_json::Value;

use super::{Answer, REDIRECT_URI, Server, TestClient, send, text};

impl Server {
    /// The application that `init` made.
    pub(crate) fn admin_client(&self) -> TestClient {
        TestClient {
            id: self.installation.client.to_string(),
            secret: self.installation.client_secret.expose().clone(),
        }
    }

    /// The token endpoint with `client_secret_basic`.
    pub(crate) async fn token(&self, client: &TestClient, form: &[(&str, &str)]) -> Answer {
        let request = self.at(Method::POST, "as/token").form(form);
        send(request.basic_auth(&client.id, Some(&client.secret))).await
    }

    pub(crate) async fn admin_token(&self) -> String {
        let form = [("grant_type", "client_credentials")];
        let answer = self.token(&self.admin_client(), &form).await.json(200);
        text(&answer, "access_token")
    }

    pub(crate) async fn redeem(&self, client: &TestClient, code: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
        ];
        self.token(client, &form).await
    }

    pub(crate) async fn refresh(&self, client: &TestClient, token: &str) -> Answer {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.token(client, &form).await
    }

    pub(crate) async fn userinfo(&self, token: &str) -> Answer {
        send(self.at(Method::GET, "as/userinfo").bearer_auth(token)).await
    }

    pub(crate) async fn introspect(&self, caller: &TestClient, token: &str) -> Value {
        let request = self
            .at(Method::POST, "as/introspect")
            .basic_auth(&caller.id, Some(&caller.secret))
            .form(&[("token", token)]);
        send(request).await.json(200)
    }
}

/// The claims of a token, whose signature is checked by the published keys.
pub(crate) async fn verified(server: &Server, token: &str, typ: Option<&str>) -> Value {
    let jwks = send(server.at(Method::GET, "as/jwks")).await.json(200);
    let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_value(jwks).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    assert_eq!(header.typ.as_deref(), typ);
    let jwk = jwks.find(&header.kid.unwrap()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(jwk).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    // The server's time is not the machine's.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.set_issuer(&[server.issuer()]);
    jsonwebtoken::decode::<Value>(token, &key, &validation)
        .unwrap()
        .claims
}
