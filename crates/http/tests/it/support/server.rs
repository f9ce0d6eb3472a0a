//! A server on a port of its own over a store of its own, and a clock that the test moves.

use std::{sync::Arc, time};

use async_trait::async_trait;
use reqwest::{Method, RequestBuilder};
use stepgate_app::{
    App,
    app::Settings,
    clock::{Clock, ManualClock},
    origin::{Origins, PublicUrls},
    provisioning::{self, Installation},
    seal::Seal,
    workers::Workers,
};
use stepgate_domain::{
    client_address::Proxies,
    message::{Channel, Message},
    resources::environment::Region,
    time::{Duration, Timestamp},
};
use stepgate_http::server::{Limits, Server as Serving};
use stepgate_notify::{Delivery, Inbox, NotifyError, Provider, Senders};
use stepgate_store::sqlite::{Options, SqliteEngine};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Mutex, mpsc},
};
use uuid::Uuid;

/// 2026-01-31T12:00:00Z
const START: Timestamp = Timestamp::from_millis(1_769_860_800_000);
/// Where a server that delivers is reached over https, behind a proxy.
pub(crate) const PUBLIC: &str = "https://id.example.test";

/// In what servers differ.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) public: PublicUrls,
    pub(crate) proxies: Proxies,
    pub(crate) client_address_is_known: bool,
    pub(crate) senders: Senders,
    /// Whether the developer inbox is served.
    pub(crate) inbox: bool,
    pub(crate) limits: Limits,
    pub(crate) look_ups_hourly: Option<u32>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            clock: Arc::new(ManualClock::at(START)),
            public: PublicUrls::default(),
            proxies: Proxies::default(),
            client_address_is_known: true,
            senders: Senders::default(),
            inbox: true,
            limits: Limits::default(),
            look_ups_hourly: None,
        }
    }
}

pub(crate) struct Server {
    pub(crate) app: Arc<App>,
    pub(crate) engine: Arc<SqliteEngine>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) installation: Installation,
    pub(crate) base: String,
    /// The environment that the test works in.
    pub(crate) environment: Uuid,
    /// The administrator's, for the management API.
    pub(super) token: String,
    http: reqwest::Client,
    messages: Mutex<mpsc::UnboundedReceiver<Message>>,
    workers: Option<Workers>,
    _serving: Serving,
    _directory: tempfile::TempDir,
}

impl Server {
    /// In the administrators' environment. It can send nothing.
    pub(crate) async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    /// In the administrators' environment, and without a worker: what is sent waits in the outbox.
    pub(crate) async fn start_with(setup: Setup) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            durable: false,
            ..Options::default()
        };
        let engine = Arc::new(SqliteEngine::open(directory.path(), &options).unwrap());
        let clock = setup.clock;
        let master = Seal::parse_master_key(Seal::new_master_key().expose()).unwrap();
        let app = Arc::new(App::new(
            engine.clone(),
            clock.clone(),
            Seal::new(&master).unwrap(),
            setup.senders,
            Settings {
                origins: Origins::new(&setup.public, Some("http")),
                proxies: setup.proxies,
                client_address_is_known: setup.client_address_is_known,
                floors: stepgate_domain::authenticator::sending::Floors::default(),
                look_ups_hourly: setup.look_ups_hourly,
                audit_retention: stepgate_app::app::AUDIT_RETENTION,
                inbox: setup.inbox,
                metrics: true,
            },
        ));
        let unborn = provisioning::prepare(&app, Region::Na)
            .await
            .unwrap()
            .unwrap();
        let installation = unborn.commit(&app).await.unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let serving = Serving::start(
            vec![listener],
            stepgate_http::router(&app, &setup.limits),
            setup.limits,
            None,
        );
        let (_, nothing) = mpsc::unbounded_channel();
        let mut server = Self {
            app,
            engine,
            clock,
            base,
            environment: installation.environment.uuid(),
            installation,
            token: String::new(),
            http: reqwest::Client::builder()
                // Ends a test that hangs; a busy disk alone must not.
                .timeout(time::Duration::from_secs(30))
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .build()
                .unwrap(),
            messages: Mutex::new(nothing),
            workers: None,
            _serving: serving,
            _directory: directory,
        };
        let client = server.installation.client.to_string();
        server.token = server.token_of(server.environment, &client).await;
        server
    }

    /// In an environment of its own, with a worker that delivers to the test and to the developer
    /// inbox.
    pub(crate) async fn delivering() -> Self {
        Self::delivering_with(Setup::default()).await
    }

    /// As [`Self::delivering`], but without the inbox.
    pub(crate) async fn delivering_without_inbox() -> Self {
        Self::delivering_with(Setup {
            inbox: false,
            ..Setup::default()
        })
        .await
    }

    pub(crate) async fn delivering_with(setup: Setup) -> Self {
        let (received, messages) = mpsc::unbounded_channel();
        let clock = setup.clock.clone();
        let postbox = Postbox {
            inbox: Inbox::new(move || clock.now()),
            received,
        };
        let mut server = Self::working(Setup {
            senders: Senders::new(vec![Arc::new(postbox)]),
            ..setup
        })
        .await;
        server.messages = Mutex::new(messages);
        server
    }

    /// In an environment of its own, with a worker that has nothing to send by.
    pub(crate) async fn without_senders() -> Self {
        Self::working(Setup::default()).await
    }

    async fn working(setup: Setup) -> Self {
        let public = match setup.public {
            PublicUrls {
                management: None, ..
            } => PublicUrls {
                both: vec![PUBLIC.to_owned()],
                ..PublicUrls::default()
            },
            sides => sides,
        };
        let mut server = Self::start_with(Setup { public, ..setup }).await;
        server.start_workers();
        server.environment = server.new_environment("Trial").await.parse().unwrap();
        server
    }

    /// `{base}/{environment}/as`
    pub(crate) fn issuer(&self) -> String {
        format!("{}/{}/as", self.base, self.environment)
    }

    /// A request to a path from the root, or to a whole address.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        };
        self.http.request(method, url)
    }

    /// What the server answers to these bytes, until it closes the connection.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let address = self.base.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// A request to a path below the environment's authentication endpoints.
    pub(crate) fn at(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, &format!("/{}/{path}", self.environment))
    }

    /// The next message with a code that went out.
    pub(crate) async fn message(&self) -> Message {
        self.received(|message| message.code.is_some()).await
    }

    /// The next message without a code that went out: one that tells of a new device.
    pub(crate) async fn notice(&self) -> Message {
        self.received(|message| message.code.is_none()).await
    }

    async fn received(&self, is_wanted: impl Fn(&Message) -> bool) -> Message {
        let mut messages = self.messages.lock().await;
        loop {
            let received =
                tokio::time::timeout(time::Duration::from_secs(20), messages.recv()).await;
            let message = received.unwrap().unwrap();
            if is_wanted(&message) {
                return message;
            }
        }
    }

    /// Its code.
    pub(crate) async fn code(&self) -> String {
        self.message().await.code.unwrap().expose().clone()
    }

    /// Whether no message with a code is there that nobody has taken.
    pub(crate) async fn no_message(&self) -> bool {
        let mut messages = self.messages.lock().await;
        while let Ok(message) = messages.try_recv() {
            if message.code.is_some() {
                return false;
            }
        }
        true
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
        Ok(Delivery {
            reference: Some(format!("postbox-{}", message.id)),
            ..delivery
        })
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
