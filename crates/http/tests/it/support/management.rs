//! Callers of the management API.

use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};
use stepgate_domain::{
    access::{Role, ScopeType},
    id::Id,
    time::Duration,
};
use uuid::Uuid;

use super::{Answer, Server, id, send};

/// Who holds a token, or nothing at all.
pub(crate) struct Caller<'a> {
    pub(crate) server: &'a Server,
    pub(crate) token: String,
}

impl Caller<'_> {
    /// A request to a path from the root.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.server.request(method, path);
        if self.token.is_empty() {
            request
        } else {
            request.bearer_auth(&self.token)
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }
    pub(crate) async fn find(&self, path: &str, filter: &str) -> Answer {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("filter", filter)
            .finish();
        self.get(&format!("{path}?{query}")).await
    }
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }
    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PUT, path).json(&body)).await
    }
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn environment(&self, name: &str) -> String {
        let body = json!({ "name": name, "type": "SANDBOX", "region": "NA" });
        id(&self.post("/v1/environments", body).await.json(201))
    }

    /// A worker of the environment that holds just this role.
    pub(crate) async fn worker(
        &self,
        environment: &str,
        role: Role,
        scope: (ScopeType, &str),
    ) -> Caller<'_> {
        let base = format!("/v1/environments/{environment}/applications");
        let body = json!({
            "name": role.name(), "enabled": true, "type": "WORKER", "protocol": "OPENID_CONNECT",
            "grantTypes": ["CLIENT_CREDENTIALS"], "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC",
        });
        let application = id(&self.post(&base, body).await.json(201));
        let body = json!({ "role": { "id": role.id().to_string() }, "scope": { "id": scope.1, "type": scope.0.as_str() } });
        let path = format!("{base}/{application}/roleAssignments");
        self.post(&path, body).await.json(201);
        let environment = environment.parse().unwrap();
        Caller {
            server: self.server,
            token: self.server.token_of(environment, &application).await,
        }
    }
}

impl Server {
    /// The caller that `init` made.
    pub(crate) fn admin(&self) -> Caller<'_> {
        Caller {
            server: self,
            token: self.token.clone(),
        }
    }

    pub(crate) fn token_text(&self) -> &str {
        &self.token
    }

    pub(crate) fn nobody(&self) -> Caller<'_> {
        Caller {
            server: self,
            token: String::new(),
        }
    }

    /// A management token of an application, signed as the token endpoint would, but without an end
    /// that a test reaches.
    pub(crate) async fn token_of(&self, environment: Uuid, application: &str) -> String {
        let origin = stepgate_app::origin::Origin::new(&self.base);
        let now = self.now();
        let claims = json!({
            "client_id": application, "iss": origin.issuer(Id::from_uuid(environment)), "jti": "one",
            "iat": now.as_seconds(), "exp": (now + Duration::from_days(1_000)).as_seconds(),
            "aud": [self.app.settings.origins.api_audience(&origin)],
            "env": environment.to_string(), "org": self.installation.organization,
        });
        let signer = self.app.signer(environment).await.unwrap();
        signer.sign(None, &claims).unwrap()
    }

    pub(crate) async fn new_environment(&self, name: &str) -> String {
        self.admin().environment(name).await
    }

    /// A path below the environment of the test, unless it begins with `/v1`.
    fn managed(&self, path: &str) -> String {
        if path.starts_with("/v1") {
            return path.to_owned();
        }
        let path = path.trim_start_matches('/');
        format!("/v1/environments/{}/{path}", self.environment)
    }

    /// A call of the management API, by the administrator where the headers name nobody else.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let has = |wanted| headers.iter().any(|(name, _)| *name == wanted);
        let mut request = self.request(method, &self.managed(path));
        if !has("authorization") {
            request = request.bearer_auth(&self.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            if !has("content-type") {
                request = request.header(header::CONTENT_TYPE, "application/json");
            }
            request = request.body(body.to_string());
        }
        send(request).await
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.send(method, path, &[], body).await
    }
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(body)).await
    }
    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call("PUT", path, Some(body)).await
    }
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None).await
    }

    /// A call with a media type of the platform, without and with `+json`.
    pub(crate) async fn vendor(
        &self,
        method: &str,
        path: &str,
        name: &str,
        body: Option<Value>,
    ) -> Answer {
        let media_type = format!("application/vnd.pingidentity.{name}");
        let headers = [("content-type", media_type.as_str())];
        self.send(method, path, &headers, body).await
    }

    /// A call by another caller.
    pub(crate) async fn by(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        self.send(method, path, &[("authorization", &bearer)], body)
            .await
    }

    /// The body of a call that succeeds.
    pub(crate) async fn manage(&self, method: Method, path: &str, body: Value) -> Value {
        self.manage_as(method, path, "application/json", body).await
    }

    pub(crate) async fn manage_as(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: Value,
    ) -> Value {
        let headers = [("content-type", media_type)];
        let body = (!body.is_null()).then_some(body);
        let answer = self.send(method.as_str(), path, &headers, body).await;
        assert!(
            (200..300).contains(&answer.status),
            "{path}: {}",
            answer.text
        );
        answer.body
    }

    /// A new object of the environment.
    pub(crate) async fn create(&self, collection: &str, body: Value) -> Value {
        self.post(collection, body).await.json(201)
    }

    /// A worker of the environment with one role, and its token.
    pub(crate) async fn worker_with(&self, role: Uuid, scope: &str, id: &str) -> String {
        let role = Role::ALL.into_iter().find(|known| known.id() == role);
        let scope: ScopeType = serde_json::from_value(scope.into()).unwrap();
        let environment = self.environment.to_string();
        let admin = self.admin();
        admin
            .worker(&environment, role.unwrap(), (scope, id))
            .await
            .token
    }
}
