//! The whole server but its sockets, over a store of its own, with a clock that stands still.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, LazyLock},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request},
    http::{HeaderMap, Method, StatusCode, header},
};
use data_encoding::BASE64;
use serde_json::{Value, json};
use stepgate_app::{
    App,
    app::{AUDIT_RETENTION, Settings},
    clock::ManualClock,
    origin::{Origins, PublicUrls},
    provisioning,
    seal::Seal,
    tokens,
};
use stepgate_domain::{
    authenticator::sending::Floors,
    client_address::{Proxies, network},
    resources::environment::Region,
    secret::Secret,
};
use stepgate_http::server::Limits;
use stepgate_notify::Senders;
use stepgate_store::sqlite::{Options, SqliteEngine};
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::samples::NOW;

pub(crate) const HOST: &str = "id.example.test";
/// The largest answer that is read.
const LARGEST: usize = 4 * 1024 * 1024;

pub(crate) struct Server {
    runtime: Runtime,
    router: Router,
    pub(crate) app: Arc<App>,
    pub(crate) environment: String,
    /// A web application with one redirect URI, and the secret that its hints are signed with.
    pub(crate) client: String,
    pub(crate) client_secret: String,
    /// Who is vouched for.
    pub(crate) user: String,
    /// The administrator's, for the management API.
    pub(crate) token: String,
    /// A flow that waits for a password, and the cookie that it is bound to.
    pub(crate) flow: String,
    pub(crate) cookie: String,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn text(&self, member: &str) -> String {
        let text = self.json()[member].as_str().map(str::to_owned);
        text.expect("the answer has it")
    }
}

pub(crate) fn server() -> &'static Server {
    static SERVER: LazyLock<Server> = LazyLock::new(Server::start);
    &SERVER
}

impl Server {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        // Gone as soon as all its files are open: nothing is left behind.
        let directory = tempfile::tempdir().expect("a directory");
        let options = Options {
            durable: false,
            ..Options::default()
        };
        let engine = SqliteEngine::open(directory.path(), &options).expect("a store");
        let urls = PublicUrls {
            both: vec![format!("https://{HOST}")],
            ..PublicUrls::default()
        };
        let app = Arc::new(App::new(
            Arc::new(engine),
            Arc::new(ManualClock::at(NOW)),
            Seal::new(&Secret::new(vec![7; 32])).expect("a key"),
            Senders::default(),
            Settings {
                origins: Origins::new(&urls, None),
                proxies: Proxies {
                    trusted: network("10.0.0.0/8").into_iter().collect(),
                    ..Proxies::default()
                },
                client_address_is_known: true,
                floors: Floors::default(),
                look_ups_hourly: None,
                audit_retention: AUDIT_RETENTION,
                inbox: false,
                metrics: true,
            },
        ));
        let made = runtime.block_on(async {
            let unborn = provisioning::prepare(&app, Region::Na).await;
            let unborn = unborn.expect("the store answers").expect("it is empty");
            unborn.commit(&app).await.expect("is made")
        });
        let mut server = Self {
            router: stepgate_http::router(&app, &Limits::default()),
            runtime,
            app,
            environment: made.environment.to_string(),
            client: String::new(),
            client_secret: String::new(),
            user: String::new(),
            token: String::new(),
            flow: String::new(),
            cookie: String::new(),
        };
        let secret = made.client_secret.expose();
        server.fill(&made.client.to_string(), secret);
        server
    }

    fn fill(&mut self, worker: &str, secret: &str) {
        let credentials = BASE64.encode(format!("{worker}:{secret}").as_bytes());
        let request = Request::post(format!("/{}/as/token", self.environment))
            .header(header::HOST, HOST)
            .header(header::AUTHORIZATION, format!("Basic {credentials}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from("grant_type=client_credentials"));
        let answer = self.answer(request.expect("a request"));
        self.token = answer.text("access_token");
        self.client = self.made(
            "applications",
            &json!({
                "name": "app", "enabled": true, "type": "WEB_APP", "protocol": "OPENID_CONNECT",
                "grantTypes": ["AUTHORIZATION_CODE"], "responseTypes": ["CODE"],
                "redirectUris": ["https://app.example.test/cb"],
                "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC",
            }),
        );
        let environment = self.environment.parse().expect("an id");
        let client = self.client.parse().expect("an id");
        let secrets = self
            .runtime
            .block_on(tokens::client_secrets(&self.app, environment, client));
        let secrets = secrets.expect("the store answers").expect("it has secrets");
        self.client_secret.clone_from(secrets.current.expose());
        self.user = self.made(
            "users",
            &json!({ "username": "mira.k", "name": { "given": "Mira" } }),
        );
        let path = format!(
            "/{}/as/authorize?client_id={}&response_type=code&response_mode=pi.flow",
            self.environment, self.client
        );
        let request = Request::get(path).header(header::HOST, HOST);
        let answer = self.answer(request.body(Body::empty()).expect("a request"));
        self.flow = answer.text("id");
        let cookie = answer.headers.get(header::SET_COOKIE);
        let cookie = cookie.and_then(|cookie| cookie.to_str().ok()?.split(['=', ';']).nth(1));
        let cookie = cookie.expect("the flow has a cookie");
        cookie.clone_into(&mut self.cookie);
    }

    /// The id of a new object.
    fn made(&self, collection: &str, body: &Value) -> String {
        let path = format!("/v1/environments/{}/{collection}", self.environment);
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::HOST, HOST)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()));
        let answer = self.answer(request.expect("a request"));
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
        answer.text("id")
    }

    /// As from a trusted proxy.
    pub(crate) fn answer(&self, mut request: Request) -> Answer {
        let peer = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 4711);
        request.extensions_mut().insert(ConnectInfo(peer));
        self.block_on(async {
            let response = self.router.clone().oneshot(request).await;
            let (parts, body) = response.expect("nothing fails").into_parts();
            let body = axum::body::to_bytes(body, LARGEST).await;
            Answer {
                status: parts.status,
                headers: parts.headers,
                body: body.expect("is not larger"),
            }
        })
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}
