//! One server with one environment, and callers of its API.

use std::{net::SocketAddr, sync::Arc, time};

use async_trait::async_trait;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use stepgate_app::{
    App,
    app::Settings,
    clock::{Clock, ManualClock},
    origin::{Origin, Origins},
    provisioning::{self, Installation},
    seal::Seal,
    workers::Workers,
};
use stepgate_domain::{
    message::{Channel, Message},
    time::{Duration, Timestamp},
};
use stepgate_notify::{Delivery, NotifyError, Provider, Senders};
use stepgate_store::sqlite::{Options, SqliteEngine};
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
};
use uuid::Uuid;

/// 2026-01-31T12:00:00Z
const START: Timestamp = Timestamp::from_millis(1_769_860_800_000);

/// The id of nothing.
pub(crate) const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// Gives the messages to the test.
#[derive(Debug)]
struct Postbox(mpsc::UnboundedSender<Message>);

#[async_trait]
impl Provider for Postbox {
    fn channels(&self) -> &[Channel] {
        &[Channel::Sms, Channel::Email]
    }
    async fn send(&self, message: &Message) -> Result<Delivery, NotifyError> {
        self.0.send(message.clone()).unwrap();
        Ok(Delivery::default())
    }
}

pub(crate) struct Server {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<ManualClock>,
    base: String,
    client: reqwest::Client,
    token: String,
    pub(crate) installation: Installation,
    /// The environment that the tests work in.
    pub(crate) environment: String,
    messages: Mutex<mpsc::UnboundedReceiver<Message>>,
    _workers: Workers,
    _directory: tempfile::TempDir,
}

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn with_status(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{:#}", self.body);
        self.body
    }

    /// The error codes: of the whole, and of each detail with its target.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> Vec<(String, String)> {
        assert_eq!(self.status.as_u16(), status, "{:#}", self.body);
        assert_eq!(self.body["code"], code, "{:#}", self.body);
        assert!(!self.body["id"].as_str().unwrap().is_empty());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let details = self.body["details"].as_array().into_iter().flatten();
        details
            .map(|detail| (text(&detail["code"]), text(&detail["target"])))
            .collect()
    }

    /// A refusal with exactly one detail.
    #[track_caller]
    pub(crate) fn refused_for(&self, status: u16, code: &str, detail: &str, target: &str) {
        assert_eq!(
            self.refused(status, code),
            [(detail.to_owned(), target.to_owned())],
            "{:#}",
            self.body
        );
    }

    pub(crate) fn etag(&self) -> String {
        self.headers[header::ETAG].to_str().unwrap().to_owned()
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with_senders(true).await
    }

    pub(crate) async fn start_with_senders(senders: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            durable: false,
            ..Options::default()
        };
        let engine = Arc::new(SqliteEngine::open(directory.path(), &options).unwrap());
        let clock = Arc::new(ManualClock::at(START));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let master = Seal::parse_master_key(Seal::new_master_key().expose()).unwrap();
        let (sender, messages) = mpsc::unbounded_channel();
        let providers: Vec<Arc<dyn Provider>> = if senders {
            vec![Arc::new(Postbox(sender))]
        } else {
            Vec::new()
        };
        let app = Arc::new(App::new(
            engine,
            clock.clone(),
            Seal::new(&master).unwrap(),
            Senders::new(providers),
            Settings {
                origins: Origins {
                    public: vec![Origin::new(&base)],
                    loopback: true,
                },
                development: true,
                floors: stepgate_domain::flow::delivery::Floors::default(),
                inbox: false,
            },
        ));
        let installation = provisioning::initialize(&app).await.unwrap().unwrap();
        let workers = Workers::start(&app);
        let router = stepgate_http::router(&app);
        tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, service).await.unwrap();
        });
        let mut server = Self {
            client: reqwest::Client::builder()
                .timeout(time::Duration::from_secs(30))
                .build()
                .unwrap(),
            token: String::new(),
            environment: String::new(),
            app,
            clock,
            base,
            installation,
            messages: Mutex::new(messages),
            _workers: workers,
            _directory: directory,
        };
        let home = server.installation.environment.uuid();
        server.token = server
            .token_of(home, &server.installation.client.to_string())
            .await;
        server.environment = server.new_environment("Trial").await;
        server
    }

    pub(crate) async fn new_environment(&self, name: &str) -> String {
        let body = json!({ "name": name, "type": "SANDBOX", "region": "EU",
            "license": { "id": self.installation.license } });
        let made = self.call("POST", "/v1/environments", Some(body)).await;
        made.with_status(201)["id"].as_str().unwrap().to_owned()
    }

    /// An access token of a client itself, signed as the token endpoint would.
    pub(crate) async fn token_of(&self, environment: Uuid, client: &str) -> String {
        let now = self.clock.now();
        let claims = json!({
            "client_id": client, "iss": format!("{}/{environment}/as", self.base), "jti": "one",
            "iat": now.as_seconds(), "exp": (now + Duration::from_days(1_000)).as_seconds(),
            "aud": [self.base], "env": environment.to_string(), "org": self.installation.organization,
        });
        let signer = self.app.signer(environment).await.unwrap();
        signer.sign("at+jwt", &claims).unwrap()
    }

    /// A worker of the environment with one role, and its token.
    pub(crate) async fn worker_with(&self, role: Uuid, scope: &str, id: &str) -> String {
        let worker = json!({ "name": format!("Worker {id}"), "enabled": true, "type": "WORKER",
            "protocol": "OPENID_CONNECT", "grantTypes": ["CLIENT_CREDENTIALS"],
            "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC" });
        let worker = self.post("/applications", worker).await.with_status(201);
        let client = worker["id"].as_str().unwrap();
        let assignment =
            json!({ "role": { "id": role.to_string() }, "scope": { "id": id, "type": scope } });
        self.post(
            &format!("/applications/{client}/roleAssignments"),
            assignment,
        )
        .await
        .with_status(201);
        self.token_of(self.environment.parse().unwrap(), client)
            .await
    }

    /// A path below the environment, unless it begins with `/v1`.
    fn url(&self, path: &str) -> String {
        if path.starts_with("/v1") {
            format!("{}{path}", self.base)
        } else {
            format!("{}/v1/environments/{}{path}", self.base, self.environment)
        }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, self.url(path));
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.bearer_auth(&self.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            if !headers.iter().any(|(name, _)| *name == "content-type") {
                request = request.header("content-type", "application/json");
            }
            request = request.body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap()
        };
        Answer {
            status,
            headers,
            body,
        }
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

    /// A new user, and its path.
    pub(crate) async fn user(&self, username: &str) -> String {
        let body = json!({ "username": username, "email": format!("{username}@corp.example"),
            "name": { "given": "Nia", "family": "Berg" } });
        let user = self.post("/users", body).await.with_status(201);
        format!("/users/{}", user["id"].as_str().unwrap())
    }

    pub(crate) async fn default_population(&self) -> String {
        let all = self.get("/populations").await.with_status(200);
        let all = all["_embedded"]["populations"].as_array().unwrap();
        let default = all.iter().find(|population| population["default"] == true);
        default.unwrap()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn population(&self, name: &str) -> String {
        let made = self.post("/populations", json!({ "name": name })).await;
        made.with_status(201)["id"].as_str().unwrap().to_owned()
    }

    /// The next message that went out.
    pub(crate) async fn message(&self) -> Message {
        let mut messages = self.messages.lock().await;
        let received = tokio::time::timeout(time::Duration::from_secs(20), messages.recv()).await;
        received.unwrap().unwrap()
    }

    /// Whether a message is there that nobody has taken.
    pub(crate) async fn no_message(&self) -> bool {
        self.messages.lock().await.try_recv().is_err()
    }

    pub(crate) fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
    }
}

/// The ids of a collection, in its order.
pub(crate) fn ids(collection: &Value, name: &str) -> Vec<String> {
    let items = collection["_embedded"][name].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}
