//! A server for one test, and the shortest way to ask it.

use std::{net::SocketAddr, sync::Arc};

use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde_json::{Value, json};
use stepgate_app::{
    App,
    app::Settings,
    clock::{Clock, ManualClock},
    management::{self, Actor, Caller, Place},
    origin::Origins,
    provisioning::{self, Installation},
    random::SystemRandom,
    seal::Seal,
    tokens,
};
use stepgate_domain::{
    access::{Access, Reach},
    id::Id,
    oauth::{
        client::Client,
        grants::{Authorization, authorization_code::AuthorizationCode},
        pkce::CodeChallenge,
        scope::{GrantedScopes, Scopes},
    },
    resources::{population::Population, user::User},
    secret::Secret,
    time::{Duration, Timestamp},
};
use stepgate_notify::Senders;
use stepgate_store::{
    engine::Batch,
    sessions::{self, StoredSession},
    sqlite::{Options, SqliteEngine},
};
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
            inbox: false,
        };
        let seal = Seal::new(&Secret::new(vec![7; 32])).unwrap();
        let app = Arc::new(App::new(
            store.clone(),
            clock.clone(),
            seal,
            Senders::default(),
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
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
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

    /// Creates an object of the administrators' environment by the management API.
    pub(crate) async fn create(&self, collection: &str, body: Value) -> Value {
        let path = format!("/v1/environments/{}/{collection}", self.environment());
        let response = self
            .request(Method::POST, &path)
            .bearer_auth(self.admin_token().await)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        answer(response, StatusCode::CREATED).await
    }

    pub(crate) async fn create_application(&self, name: &str, with: Value) -> TestClient {
        let mut body = json!({
            "name": name, "enabled": true, "type": "WEB_APP", "protocol": "OPENID_CONNECT",
            "grantTypes": ["AUTHORIZATION_CODE", "REFRESH_TOKEN"], "responseTypes": ["CODE"],
            "redirectUris": [REDIRECT_URI], "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC",
        });
        let members = body.as_object_mut().unwrap();
        members.extend(with.as_object().unwrap().clone());
        let id = text(&self.create("applications", body).await, "id");
        let secrets = tokens::client_secrets(&self.app, self.environment(), id.parse().unwrap());
        let secrets = secrets.await.unwrap().unwrap();
        TestClient {
            id,
            secret: secrets.current.expose().clone(),
        }
    }

    /// A custom resource with one scope, granted to the client. The resource's id and secret.
    pub(crate) async fn grant_resource(&self, client: &TestClient, scope: &str) -> TestClient {
        let resource = self
            .create(
                "resources",
                json!({ "name": "payments", "audience": "https://payments.test" }),
            )
            .await;
        let id = text(&resource, "id");
        let scope = self
            .create(&format!("resources/{id}/scopes"), json!({ "name": scope }))
            .await;
        let grant = json!({ "resource": { "id": id }, "scopes": [{ "id": scope["id"] }] });
        self.create(&format!("applications/{}/grants", client.id), grant)
            .await;
        let secrets = tokens::resource_secrets(&self.app, self.environment(), id.parse().unwrap());
        let secrets = secrets.await.unwrap().unwrap();
        TestClient {
            id,
            secret: secrets.current.expose().clone(),
        }
    }

    fn caller(&self) -> Caller {
        Caller {
            actor: Actor {
                application: self.installation.client,
                environment: self.installation.environment,
                user: None,
                scopes: Vec::new(),
                assignments: Vec::new(),
            },
            reach: Reach::Everything,
            access: Access::Write,
            correlation_id: "test".to_owned(),
        }
    }

    /// A user with a session, as a sign-on would leave them.
    pub(crate) async fn sign_on(&self) -> SignedOn {
        let place = Place {
            environment: self.environment(),
            parent: None,
        };
        let population =
            management::cached_default::<Population>(&self.app, self.environment()).await;
        let population = population.unwrap().unwrap();
        let body = json!({
            "username": "ada", "email": "ada@shop.test", "population": { "id": population.id },
            "name": { "given": "Ada", "family": "Berg" },
        });
        let user = management::create::<User>(&self.app, &self.caller(), place, body)
            .await
            .unwrap();
        let session = Id::<()>::new(self.clock.now(), &mut SystemRandom).uuid();
        let stored = StoredSession {
            environment: self.environment(),
            id: session,
            token_hash: session.to_string(),
            user: Some(user.id.uuid()),
            version: 1,
            expires_at: self.clock.now() + Duration::from_days(30),
            body: "{}".to_owned(),
        };
        self.commit(sessions::insert(stored)).await;
        SignedOn {
            user: user.id.uuid(),
            session,
        }
    }

    pub(crate) async fn commit(&self, statement: stepgate_store::engine::Statement) {
        self.app.commit(Batch(vec![statement])).await.unwrap();
    }

    /// Changes the stored user.
    pub(crate) async fn change_user(&self, user: Uuid, change: impl Fn(&mut User) + Send + Sync) {
        let place = Place {
            environment: self.environment(),
            parent: None,
        };
        let caller = self.caller();
        let changed =
            management::change::<User, _>(&self.app, &caller, place, user, None, |previous, _| {
                let mut body = previous.body.clone();
                change(&mut body);
                Ok(body.into())
            });
        changed.await.unwrap();
    }

    /// A code for `scope`, with a refresh token, as resume would mint it.
    pub(crate) async fn mint(&self, client: &TestClient, who: SignedOn, scope: &str) -> String {
        self.mint_code(client, who, scope, None).await
    }

    pub(crate) async fn mint_code(
        &self,
        client: &TestClient,
        who: SignedOn,
        scope: &str,
        code_challenge: Option<CodeChallenge>,
    ) -> String {
        let now = self.clock.now();
        let code = AuthorizationCode {
            client: Id::<Client>::from_uuid(client.uuid()),
            redirect_uri: Some(REDIRECT_URI.to_owned()),
            code_challenge,
            nonce: Some("n-0S6".to_owned()),
            authorization: Authorization {
                user: Id::from_uuid(who.user),
                session: Id::from_uuid(who.session),
                granted: GrantedScopes {
                    scopes: Scopes::parse(scope).unwrap(),
                    resources: Vec::new(),
                    default_audience: self.base.clone(),
                },
                acr: "Multi_Factor".to_owned(),
                amr: vec!["otp".to_owned(), "sms".to_owned()],
                auth_time: now,
            },
            with_refresh_token: true,
            family: Id::new(now, &mut SystemRandom),
            expires_at: now + Duration::from_seconds(60),
            consumed_at: None,
        };
        let key = self.app.data_key(self.environment()).await.unwrap();
        let (code, statement) = tokens::mint_code(self.environment(), &key, &code).unwrap();
        self.commit(statement).await;
        code.expose().clone()
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
