//! An environment with an application that runs only the second factor, and people to sign on.

mod flows;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use stepgate_app::{
    App,
    app::Settings,
    client_secrets,
    clock::ManualClock,
    devices,
    management::{self, Actor, Caller, Place, Target},
    origin::{Origin, Origins, PublicUrls},
    outbox as outgoing, provisioning,
    seal::Seal,
    users,
};
use stepgate_domain::{
    access::{Access, Reach},
    client_address::Proxies,
    id::Id,
    message::{Channel, Message},
    resource::Resource,
    resources::{
        application::Application,
        environment::{Environment, Region},
        sign_on_action::SignOnAction,
        sign_on_policy::SignOnPolicy,
        sign_on_policy_assignment::SignOnPolicyAssignment,
        user::User,
    },
    secret::Secret,
    time::{Duration, Timestamp},
};
use stepgate_notify::{Delivery, NotifyError, Provider, Senders};
use stepgate_store::{
    outbox,
    sqlite::{Options, SqliteEngine},
};
use uuid::Uuid;

pub(crate) use flows::{
    Under, error_of, failure_code, oauth_error, other_than, sign, signed_with, with_cookie,
};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
pub(crate) const REDIRECT_URI: &str = "https://app.example.test/cb";

/// Takes everything, and says what it took. Most messages are taken from the outbox instead.
#[derive(Debug)]
struct Carrier {
    channels: Vec<Channel>,
    taken: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Provider for Carrier {
    fn channels(&self) -> &[Channel] {
        &self.channels
    }
    async fn send(&self, message: &Message) -> Result<Delivery, NotifyError> {
        self.taken.lock().unwrap().push(message.id.clone());
        Ok(Delivery::default())
    }
}

pub(crate) struct World {
    pub(crate) app: Arc<App>,
    pub(crate) engine: Arc<SqliteEngine>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) environment: Id<Environment>,
    pub(crate) client: Uuid,
    pub(crate) secret: String,
    pub(crate) origin: Origin,
    /// The ids of the messages that a worker sent.
    pub(crate) taken: Arc<Mutex<Vec<String>>>,
    _directory: tempfile::TempDir,
}

/// An application with its secret.
pub(crate) struct Registered {
    pub(crate) id: Uuid,
    pub(crate) secret: String,
}

impl World {
    /// One application with an MFA-only policy for text messages.
    pub(crate) async fn new() -> Self {
        Self::with(&[Channel::Sms, Channel::Email]).await
    }

    pub(crate) async fn with(channels: &[Channel]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            durable: false,
            ..Options::default()
        };
        let engine = Arc::new(SqliteEngine::open(directory.path(), &options).unwrap());
        let clock = Arc::new(ManualClock::at(NOW));
        let origin = Origin::new("https://id.example.test");
        let settings = Settings {
            origins: Origins::new(
                &PublicUrls {
                    both: vec![origin.as_str().to_owned()],
                    ..PublicUrls::default()
                },
                None,
            ),
            proxies: Proxies::default(),
            client_address_is_known: true,
            floors: stepgate_domain::authenticator::sending::Floors::default(),
            look_ups_hourly: None,
            audit_retention: stepgate_app::app::AUDIT_RETENTION,
            inbox: false,
            metrics: false,
        };
        let seal = Seal::new(&Secret::new(vec![7; 32])).unwrap();
        let taken = Arc::default();
        let senders = Senders::new(vec![Arc::new(Carrier {
            channels: channels.to_vec(),
            taken: Arc::clone(&taken),
        })]);
        let app = Arc::new(App::new(
            engine.clone(),
            clock.clone(),
            seal,
            senders,
            settings,
        ));
        let unborn = provisioning::prepare(&app, Region::Na)
            .await
            .unwrap()
            .unwrap();
        let installation = unborn.commit(&app).await.unwrap();
        let mut world = Self {
            app,
            engine,
            clock,
            environment: installation.environment,
            client: Uuid::nil(),
            secret: String::new(),
            origin,
            taken,
            _directory: directory,
        };
        let Registered { id, secret } = world.application(json!({})).await;
        (world.client, world.secret) = (id, secret);
        world.policy(id, 1, "Mfa", vec![by_sms(&json!({}))]).await;
        world
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller {
            actor: Actor {
                application: Id::from_uuid(Uuid::nil()),
                environment: self.environment,
                user: None,
                session: None,
                scopes: Vec::new(),
                second_factor_at: None,
                assignments: Vec::new(),
            },
            reach: Reach::Everything,
            access: Access::Write,
            correlation_id: "test".to_owned(),
            remote_ip: None,
        }
    }

    fn place(&self, parent: Option<Uuid>) -> Place {
        Place {
            environment: self.environment.uuid(),
            parent,
        }
    }

    pub(crate) async fn create<R: Resource>(&self, parent: Option<Uuid>, body: Value) -> Uuid {
        management::create::<R>(&self.app, &self.caller(), self.place(parent), body)
            .await
            .unwrap()
            .id
            .uuid()
    }

    pub(crate) async fn replace<R: Resource>(&self, parent: Option<Uuid>, id: Uuid, body: Value) {
        let caller = self.caller();
        let target = Target::new(&self.app, &caller, self.place(parent), id);
        management::replace::<R>(&target, body).await.unwrap();
    }

    pub(crate) async fn application(&self, overrides: Value) -> Registered {
        let mut body = json!({ "name": format!("Shop {}", Uuid::from_u128(self.random())), "enabled": true,
            "type": "WEB_APP", "protocol": "OPENID_CONNECT", "grantTypes": ["AUTHORIZATION_CODE"],
            "responseTypes": ["CODE"], "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC",
            "redirectUris": [REDIRECT_URI] });
        for (name, value) in overrides.as_object().unwrap() {
            body[name] = value.clone();
        }
        let id = self.create::<Application>(None, body).await;
        let secrets =
            client_secrets::open(&self.app, Application::KIND, self.environment.uuid(), id)
                .await
                .unwrap()
                .unwrap();
        Registered {
            id,
            secret: secrets.current.expose().clone(),
        }
    }

    /// The same world, seen by another application.
    pub(crate) fn of(self, registered: Registered) -> Self {
        let Registered { id, secret } = registered;
        Self {
            client: id,
            secret,
            ..self
        }
    }

    fn random(&self) -> u128 {
        self.app.new_id::<World>().uuid().as_u128()
    }

    pub(crate) async fn policy(
        &self,
        application: Uuid,
        priority: u32,
        name: &str,
        actions: Vec<Value>,
    ) -> Uuid {
        let policy = self
            .create::<SignOnPolicy>(None, json!({ "name": name }))
            .await;
        for (index, mut action) in actions.into_iter().enumerate() {
            action["priority"] = json!(index + 1);
            self.create::<SignOnAction>(Some(policy), action).await;
        }
        let assignment =
            json!({ "signOnPolicy": { "id": policy.to_string() }, "priority": priority });
        self.create::<SignOnPolicyAssignment>(Some(application), assignment)
            .await;
        policy
    }

    pub(crate) async fn user(&self, username: &str) -> Uuid {
        let population = management::cached_default::<
            stepgate_domain::resources::population::Population,
        >(&self.app, self.environment.uuid())
        .await
        .unwrap()
        .unwrap();
        let body = json!({ "username": username, "email": "mira@example.test", "name": { "given": "Mira" },
            "population": { "id": population.id }, "mfaEnabled": true });
        users::create(&self.app, &self.caller(), self.place(None), body)
            .await
            .unwrap()
            .id
            .uuid()
    }

    pub(crate) async fn device(&self, user: Uuid, body: Value) -> Uuid {
        devices::create(&self.app, &self.caller(), self.place(Some(user)), body)
            .await
            .unwrap()
            .id
            .uuid()
    }

    /// A user with a phone.
    pub(crate) async fn mira(&self) -> Uuid {
        let user = self.user("mira.k").await;
        self.phone(user, "+47.40612342").await;
        user
    }

    pub(crate) async fn phone(&self, user: Uuid, number: &str) -> Uuid {
        self.device(user, json!({ "type": "SMS", "phone": number }))
            .await
    }

    /// The user's first device.
    pub(crate) async fn device_of(&self, user: Uuid) -> Uuid {
        let key = stepgate_store::facts::UserKey::Id(user);
        let environment = self.environment.uuid();
        let facts = stepgate_store::facts::sign_on_facts(&*self.engine, environment, key).await;
        facts.unwrap().unwrap().devices[0].id
    }

    /// Does something to a user that has a verb of its own.
    pub(crate) async fn change_user(
        &self,
        user: Uuid,
        change: impl Fn(User) -> User + Send + Sync,
    ) {
        let caller = self.caller();
        let target = Target::new(&self.app, &caller, self.place(None), user);
        management::change_with(&target, Vec::new(), |user, _| Ok(change(user)))
            .await
            .unwrap();
    }

    pub(crate) async fn change_device(
        &self,
        user: Uuid,
        device: Uuid,
        verb: impl AsyncFn(&Target<'_>),
    ) {
        let caller = self.caller();
        let target = Target::new(&self.app, &caller, self.place(Some(user)), device);
        verb(&target).await;
    }

    pub(crate) async fn stored_user(&self, user: Uuid) -> User {
        management::fetch::<User>(&self.app, self.environment.uuid(), user)
            .await
            .unwrap()
            .unwrap()
            .body
    }

    /// The codes that wait to be sent to somebody, as a worker would take them. Nobody asked for the
    /// notices of new devices here.
    pub(crate) async fn sent(&self) -> Vec<Message> {
        let lease = self.random().to_string();
        let now = self.app.now();
        let rows = outbox::claim(
            &*self.engine,
            &lease,
            now,
            now + Duration::from_days(9),
            100,
        )
        .await
        .unwrap();
        let key = self.app.data_key(self.environment.uuid()).await.unwrap();
        rows.iter()
            .map(|row| outgoing::open(&key, row).unwrap())
            .filter(|message| message.code.is_some() && !message.is_for_nobody())
            .collect()
    }

    /// The code of the only message that waits.
    pub(crate) async fn sent_code(&self) -> String {
        let sent = self.sent().await;
        assert_eq!(sent.len(), 1, "one message was expected");
        sent[0].code.as_ref().unwrap().expose().clone()
    }

    pub(crate) fn wait(&self, duration: Duration) {
        self.clock.advance(duration);
    }
}

/// An action as the older form has it, text messages alone.
pub(crate) fn by_sms(overrides: &Value) -> Value {
    let off = json!({ "enabled": false });
    let mut action = json!({ "type": "MULTI_FACTOR_AUTHENTICATION", "sms": { "enabled": true },
        "email": off, "voice": off, "authenticator": off, "securityKey": off, "boundBiometrics": off });
    for (name, value) in overrides.as_object().unwrap() {
        action[name] = value.clone();
    }
    action
}
