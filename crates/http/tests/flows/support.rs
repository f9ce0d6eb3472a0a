//! One server with one environment, and callers of it that are no browsers.

mod browser;
mod trial;

use std::{net::SocketAddr, sync::Arc, time};

use async_trait::async_trait;
use reqwest::{Method, RequestBuilder, header};
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
use stepgate_notify::{Delivery, Inbox, NotifyError, Provider, Senders};
use stepgate_store::sqlite::{Options, SqliteEngine};
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
};

pub(crate) use browser::{Browser, Form};
pub(crate) use trial::{Begun, Trial, device_policy};

/// 2026-01-31T12:00:00Z
const START: Timestamp = Timestamp::from_millis(1_769_860_800_000);
/// Where the same server is reached over https, behind a proxy.
pub(crate) const PUBLIC: &str = "https://id.example.test";
pub(crate) const REDIRECT_URI: &str = "https://app.example.test/cb";
/// The origin of the application's own pages.
pub(crate) const PAGE: &str = "https://app.example.test";

/// Puts the messages into the inbox, and then gives them to the test.
#[derive(Debug)]
struct Postbox {
    inbox: Inbox,
    received: mpsc::UnboundedSender<Message>,
}

#[async_trait]
impl Provider for Postbox {
    fn channels(&self) -> &[Channel] {
        self.inbox.channels()
    }
    async fn send(&self, message: &Message) -> Result<Delivery, NotifyError> {
        let delivery = self.inbox.send(message).await?;
        // A test that has ended wants no more of them.
        let _ = self.received.send(message.clone());
        Ok(delivery)
    }
}

pub(crate) struct Server {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) base: String,
    pub(crate) environment: String,
    http: reqwest::Client,
    token: String,
    installation: Installation,
    messages: Mutex<mpsc::UnboundedReceiver<Message>>,
    app: Arc<App>,
    engine: Arc<SqliteEngine>,
    workers: Option<Workers>,
    _directory: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with_inbox(true).await
    }

    pub(crate) async fn start_with_inbox(inbox: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            durable: false,
            ..Options::default()
        };
        let engine = Arc::new(SqliteEngine::open(directory.path(), &options).unwrap());
        let clock = Arc::new(ManualClock::at(START));
        let (received, messages) = mpsc::unbounded_channel();
        let inbox_clock = clock.clone();
        let postbox = Postbox {
            inbox: Inbox::new(move || inbox_clock.now()),
            received,
        };
        let master = Seal::parse_master_key(Seal::new_master_key().expose()).unwrap();
        let app = Arc::new(App::new(
            engine.clone(),
            clock.clone(),
            Seal::new(&master).unwrap(),
            Senders::new(vec![Arc::new(postbox)]),
            Settings {
                origins: Origins {
                    public: vec![Origin::new(PUBLIC)],
                    loopback: true,
                },
                development: true,
                floors: stepgate_domain::flow::delivery::Floors::default(),
                inbox,
            },
        ));
        let installation = provisioning::initialize(&app).await.unwrap().unwrap();
        let workers = Workers::start(&app);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = stepgate_http::router(&app);
        tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, service).await.unwrap();
        });
        let mut server = Self {
            clock,
            base,
            environment: String::new(),
            http: reqwest::Client::builder()
                .timeout(time::Duration::from_secs(30))
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .build()
                .unwrap(),
            token: String::new(),
            installation,
            messages: Mutex::new(messages),
            app,
            engine,
            workers: Some(workers),
            _directory: directory,
        };
        let home = server.installation.environment.to_string();
        let client = server.installation.client.to_string();
        let secret = server.installation.client_secret.expose().clone();
        let granted = server
            .request(Method::POST, &format!("/{home}/as/token"))
            .basic_auth(client, Some(secret))
            .form(&[("grant_type", "client_credentials")]);
        let granted = send(granted).await.json(200);
        granted["access_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut server.token);
        server.environment = server.new_environment("Trial").await;
        server
    }

    pub(crate) async fn new_environment(&self, name: &str) -> String {
        let body = json!({ "name": name, "type": "SANDBOX", "region": "EU",
            "license": { "id": self.installation.license } });
        let made = self
            .request(Method::POST, "/v1/environments")
            .bearer_auth(&self.token)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.to_string());
        id(&send(made).await.json(201))
    }

    /// A request to a path from the root.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// A request to a path below the environment's authentication endpoints.
    pub(crate) fn at(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, &format!("/{}/{path}", self.environment))
    }

    /// A call of the management API that succeeds.
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
        let path = format!("/v1/environments/{}/{path}", self.environment);
        let mut request = self.request(method, &path).bearer_auth(&self.token);
        if !body.is_null() {
            request = request
                .header(header::CONTENT_TYPE, media_type)
                .body(body.to_string());
        }
        let answer = send(request).await;
        assert!(
            (200..300).contains(&answer.status),
            "{path}: {}",
            answer.text
        );
        serde_json::from_str(&answer.text).unwrap_or(Value::Null)
    }

    /// The next message that went out.
    pub(crate) async fn message(&self) -> Message {
        let mut messages = self.messages.lock().await;
        let received = tokio::time::timeout(time::Duration::from_secs(20), messages.recv()).await;
        received.unwrap().unwrap()
    }

    /// Its code.
    pub(crate) async fn code(&self) -> String {
        self.message().await.code.unwrap().expose().clone()
    }

    /// Whether a message is there that nobody has taken.
    pub(crate) async fn no_message(&self) -> bool {
        self.messages.lock().await.try_recv().is_err()
    }

    pub(crate) fn start_workers(&mut self) {
        self.workers = Some(Workers::start(&self.app));
    }

    /// Lets them finish what they took.
    pub(crate) async fn stop_workers(&mut self) {
        if let Some(workers) = self.workers.take() {
            workers.stop().await;
        }
    }

    /// What the server has done so far.
    pub(crate) fn spent(&self) -> Spent {
        let store = self.engine.statistics();
        Spent {
            queries: store.queries,
            commits: store.commits,
            signatures: self.app.keys.signatures(),
        }
    }

    pub(crate) fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// What the budget of a request is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) queries: u64,
    pub(crate) commits: u64,
    pub(crate) signatures: u64,
}

impl std::ops::Sub for Spent {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            queries: self.queries - before.queries,
            commits: self.commits - before.commits,
            signatures: self.signatures - before.signatures,
        }
    }
}

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: header::HeaderMap,
    pub(crate) text: String,
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
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

    /// Where a redirect leads.
    #[track_caller]
    pub(crate) fn location(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{}", self.text);
        self.header("location").unwrap()
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        let all = self.headers.get_all(header::SET_COOKIE).iter();
        all.map(|value| value.to_str().unwrap()).collect()
    }

    /// The next `Cookie` header of a client that keeps what it was given.
    pub(crate) fn cookies(&self) -> String {
        let pairs = self.set_cookies();
        let pairs: Vec<&str> = pairs
            .iter()
            .map(|it| it.split(';').next().unwrap())
            .collect();
        pairs.join("; ")
    }

    /// An error of the platform: status, code and the one detail's code and target.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str, detail: &str, target: &str) -> Value {
        let body = self.json(status);
        assert_eq!(body["code"], code, "{body:#}");
        assert_eq!(body["id"].as_str(), self.header("correlation-id"));
        let details = body["details"].as_array().unwrap();
        assert_eq!(details.len(), 1, "{body:#}");
        assert_eq!(details[0]["code"], detail, "{body:#}");
        let found = details[0]["target"].as_str().unwrap_or_default();
        assert_eq!(found, target, "{body:#}");
        details[0].clone()
    }

    /// An error of the platform without details.
    #[track_caller]
    pub(crate) fn refused_plainly(&self, status: u16, code: &str) -> Value {
        let body = self.json(status);
        assert_eq!(body["code"], code, "{body:#}");
        assert_eq!(body.get("details"), None, "{body:#}");
        body
    }

    /// A page for a person with this in it.
    #[track_caller]
    pub(crate) fn page(&self, status: u16, part: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(
            self.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        let policy = self.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(self.text.contains(part), "no {part:?} in {}", self.text);
    }
}

#[track_caller]
pub(crate) fn id(body: &Value) -> String {
    body["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id in {body:#}"))
        .to_owned()
}

/// The parameters of a URL's query or fragment.
pub(crate) fn parameters(url: &str) -> std::collections::HashMap<String, String> {
    let (_, encoded) = url.split_once(['?', '#']).unwrap();
    form_urlencoded::parse(encoded.as_bytes())
        .into_owned()
        .collect()
}
