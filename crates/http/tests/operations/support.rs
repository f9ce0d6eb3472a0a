//! A server on a port of its own over a store of its own, and callers with the rights they need.

use std::{net::SocketAddr, sync::Arc};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use stepgate_app::{
    App,
    app::Settings,
    clock::SystemClock,
    origin::{Origin, Origins},
    provisioning::{self, Installation},
    seal::Seal,
};
use stepgate_domain::{
    access::{Role, ScopeType},
    secret::Secret,
};
use stepgate_notify::Senders;
use stepgate_store::sqlite::{Options, SqliteEngine};

pub(crate) struct Server {
    pub(crate) base: String,
    pub(crate) app: Arc<App>,
    pub(crate) installation: Installation,
    pub(crate) http: reqwest::Client,
    _data: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let engine = Arc::new(SqliteEngine::open(data.path(), &Options::default()).unwrap());
        let settings = Settings {
            origins: Origins {
                public: Vec::new(),
                loopback: true,
            },
            development: true,
            floors: stepgate_domain::flow::delivery::Floors::default(),
            inbox: true,
        };
        let seal = Seal::new(&Secret::new(vec![7; 32])).unwrap();
        let app = Arc::new(App::new(
            engine,
            Arc::new(SystemClock),
            seal,
            Senders::new(Vec::new()),
            settings,
        ));
        let installation = provisioning::initialize(&app).await.unwrap().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router =
            stepgate_http::router(&app).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            base: format!("http://{address}"),
            app,
            installation,
            http,
            _data: data,
        }
    }

    /// A management token of this application, signed as the token endpoint would.
    pub(crate) async fn token_of(&self, environment: &str, application: &str) -> String {
        let origin = Origin::new(&self.base);
        let environment_id: stepgate_domain::id::Id<_> = environment.parse().unwrap();
        let now = self.app.now().as_seconds();
        let claims = json!({
            "iss": origin.issuer(environment_id), "aud": [self.app.settings.origins.api_audience(&origin)],
            "client_id": application, "iat": now, "exp": now + 3600, "jti": "00000000-0000-4000-8000-000000000000",
        });
        self.app
            .signer(environment_id.uuid())
            .await
            .unwrap()
            .sign("at+jwt", &claims)
            .unwrap()
    }

    /// The caller that `init` made.
    pub(crate) async fn admin(&self) -> Caller<'_> {
        let environment = self.installation.environment.to_string();
        let token = self
            .token_of(&environment, &self.installation.client.to_string())
            .await;
        Caller {
            server: self,
            token,
        }
    }

    pub(crate) fn nobody(&self) -> Caller<'_> {
        Caller {
            server: self,
            token: String::new(),
        }
    }
}

pub(crate) struct Caller<'a> {
    pub(crate) server: &'a Server,
    pub(crate) token: String,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn id(&self) -> String {
        self.body["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{self:?}"))
            .to_owned()
    }
    /// `(code, target)` of every detail.
    pub(crate) fn details(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let details = self.body["details"].as_array().cloned().unwrap_or_default();
        details
            .iter()
            .map(|detail| (text(&detail["code"]), text(&detail["target"])))
            .collect()
    }
}

impl Caller<'_> {
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.server.base)
        };
        let request = self.server.http.request(method, url);
        if self.token.is_empty() {
            request
        } else {
            request.bearer_auth(&self.token)
        }
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null);
        Answer {
            status,
            headers,
            body,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }
    pub(crate) async fn find(&self, path: &str, filter: &str) -> Answer {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("filter", filter)
            .finish();
        self.get(&format!("{path}?{query}")).await
    }
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body))
            .await
    }
    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn environment(&self, name: &str) -> String {
        let body = json!({ "name": name, "type": "SANDBOX", "region": "NA" });
        let answer = self.post("/v1/environments", body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.id()
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
        let application = self.post(&base, body).await;
        assert_eq!(application.status, 201, "{application:?}");
        let id = application.id();
        let body = json!({ "role": { "id": role.id().to_string() }, "scope": { "id": scope.1, "type": scope.0.as_str() } });
        let assigned = self
            .post(&format!("{base}/{id}/roleAssignments"), body)
            .await;
        assert_eq!(assigned.status, 201, "{assigned:?}");
        Caller {
            server: self.server,
            token: self.server.token_of(environment, &id).await,
        }
    }
}
