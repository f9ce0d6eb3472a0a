//! A server for one test, and the shortest way to ask it.

pub(crate) mod trial;
mod world;

use std::{net::SocketAddr, sync::Arc};

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use stepgate_app::{
    App,
    app::Settings,
    clock::ManualClock,
    origin::Origins,
    provisioning::{self, Installation},
    seal::Seal,
};
use stepgate_domain::{secret::Secret, time::Timestamp};
use stepgate_notify::Senders;
use stepgate_store::sqlite::{Options, SqliteEngine};
use uuid::Uuid;

const START: Timestamp = Timestamp::from_millis(1_796_000_000_000);
pub(crate) const REDIRECT_URI: &str = "https://app.example.test/cb";

pub(crate) struct Server {
    pub(crate) app: Arc<App>,
    pub(crate) store: Arc<SqliteEngine>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) installation: Installation,
    pub(crate) base: String,
    http: reqwest::Client,
    serving: tokio::task::JoinHandle<()>,
    _directory: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// An application that a test made, with what it authenticates by.
#[derive(Debug, Clone)]
pub(crate) struct TestClient {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl TestClient {
    pub(crate) fn uuid(&self) -> Uuid {
        self.id.parse().unwrap()
    }
}

/// A user who signed on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignedOn {
    pub(crate) user: Uuid,
    pub(crate) session: Uuid,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(Senders::default()).await
    }

    pub(crate) async fn start_with(senders: Senders) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            durable: false,
            ..Options::default()
        };
        let store = Arc::new(SqliteEngine::open(directory.path(), &options).unwrap());
        let clock = Arc::new(ManualClock::at(START));
        let settings = Settings {
            origins: Origins {
                public: Vec::new(),
                loopback: true,
            },
            development: true,
            floors: stepgate_domain::flow::delivery::Floors::default(),
            inbox: false,
        };
        let seal = Seal::new(&Secret::new(vec![7; 32])).unwrap();
        let app = Arc::new(App::new(
            store.clone(),
            clock.clone(),
            seal,
            senders,
            settings,
        ));
        let installation = provisioning::initialize(&app).await.unwrap().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router =
            stepgate_http::router(&app).into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            app,
            store,
            clock,
            installation,
            base,
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .build()
                .unwrap(),
            serving,
            _directory: directory,
        }
    }

    pub(crate) fn environment(&self) -> Uuid {
        self.installation.environment.uuid()
    }

    pub(crate) fn admin(&self) -> TestClient {
        TestClient {
            id: self.installation.client.to_string(),
            secret: self.installation.client_secret.expose().clone(),
        }
    }

    /// `{base}/{environment}/as`
    pub(crate) fn issuer(&self) -> String {
        format!("{}/{}/as", self.base, self.environment())
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// A request to an endpoint below the issuer.
    pub(crate) fn at(&self, method: Method, endpoint: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}/{endpoint}", self.issuer()))
    }

    /// The token endpoint with `client_secret_basic`.
    pub(crate) async fn token(&self, client: &TestClient, form: &[(&str, &str)]) -> Response {
        self.at(Method::POST, "token")
            .basic_auth(&client.id, Some(&client.secret))
            .form(form)
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn admin_token(&self) -> String {
        let form = [("grant_type", "client_credentials")];
        let answer = answer(self.token(&self.admin(), &form).await, StatusCode::OK).await;
        text(&answer, "access_token")
    }

    pub(crate) async fn redeem(&self, client: &TestClient, code: &str) -> Response {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
        ];
        self.token(client, &form).await
    }

    pub(crate) async fn refresh(&self, client: &TestClient, token: &str) -> Response {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.token(client, &form).await
    }

    pub(crate) async fn userinfo(&self, token: &str) -> Response {
        let request = self.at(Method::GET, "userinfo").bearer_auth(token);
        request.send().await.unwrap()
    }

    pub(crate) async fn introspect(&self, caller: &TestClient, token: &str) -> Value {
        let response = self
            .at(Method::POST, "introspect")
            .basic_auth(&caller.id, Some(&caller.secret))
            .form(&[("token", token)])
            .send()
            .await
            .unwrap();
        answer(response, StatusCode::OK).await
    }
}

/// The body of an answer that must have this status.
pub(crate) async fn answer(response: Response, status: StatusCode) -> Value {
    let found = response.status();
    let body = response.text().await.unwrap();
    assert_eq!(found, status, "{body}");
    serde_json::from_str(&body).unwrap_or(Value::Null)
}

pub(crate) fn text(body: &Value, member: &str) -> String {
    let value = body.get(member).and_then(Value::as_str);
    value
        .unwrap_or_else(|| panic!("no {member} in {body}"))
        .to_owned()
}

/// Checks that it is an OAuth error whose description ends with the header's correlation id.
pub(crate) async fn oauth_error(response: Response, status: StatusCode) -> (String, String) {
    let id = response.headers()["correlation-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let body = answer(response, status).await;
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    let description = text(&body, "error_description");
    let suffix = format!(" (Correlation ID: {id})");
    let description = description.strip_suffix(&suffix).unwrap().to_owned();
    (text(&body, "error"), description)
}

/// The claims of a token, whose signature is checked by the published keys.
pub(crate) async fn verified(server: &Server, token: &str, typ: &str) -> Value {
    let response = server.at(Method::GET, "jwks").send().await.unwrap();
    let jwks = answer(response, StatusCode::OK).await;
    let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_value(jwks).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    assert_eq!(header.typ.as_deref(), Some(typ));
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
