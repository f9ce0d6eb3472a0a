//! What tests put into a server: applications, resources, users who signed on, and codes.

use serde_json::{Value, json};
use stepgate_app::{
    clock::Clock,
    management::{self, Actor, Caller, Place, Target},
    random::SystemRandom,
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
    resource::Built,
    resources::{
        application::{
            Application,
            secret::{ClientSecrets, PreviousDraft, RotationDraft},
        },
        population::Population,
        user::User,
    },
    time::Duration,
};
use stepgate_store::{
    engine::{Batch, Statement},
    sessions::{self, StoredSession},
};
use uuid::Uuid;

use super::{REDIRECT_URI, Server, id};

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
    pub(crate) async fn create_application(&self, name: &str, with: Value) -> TestClient {
        let mut body = json!({
            "name": name, "enabled": true, "type": "WEB_APP", "protocol": "OPENID_CONNECT",
            "grantTypes": ["AUTHORIZATION_CODE", "REFRESH_TOKEN"], "responseTypes": ["CODE"],
            "redirectUris": [REDIRECT_URI], "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC",
        });
        let members = body.as_object_mut().unwrap();
        members.extend(with.as_object().unwrap().clone());
        let id = id(&self.create("applications", body).await);
        let secrets = tokens::client_secrets(&self.app, self.environment, id.parse().unwrap());
        let secrets = secrets.await.unwrap().unwrap();
        TestClient {
            id,
            secret: secrets.current.expose().clone(),
        }
    }

    /// A sign-on policy with these actions, in their order.
    pub(crate) async fn sign_on_policy(&self, name: &str, actions: &[Value]) -> String {
        let policy = id(&self.create("signOnPolicies", json!({ "name": name })).await);
        for (number, action) in actions.iter().enumerate() {
            let mut action = action.clone();
            action["priority"] = (number + 1).into();
            let path = format!("signOnPolicies/{policy}/actions");
            self.create(&path, action).await;
        }
        policy
    }

    pub(crate) async fn assign(&self, client: &str, policy: &str) {
        let body = json!({ "priority": 1, "signOnPolicy": { "id": policy } });
        let path = format!("applications/{client}/signOnPolicyAssignments");
        self.create(&path, body).await;
    }

    /// A new user, and its path.
    pub(crate) async fn user(&self, username: &str) -> String {
        let body = json!({ "username": username, "email": format!("{username}@corp.example"),
            "name": { "given": "Nia", "family": "Berg" } });
        format!("/users/{}", id(&self.create("users", body).await))
    }

    pub(crate) async fn default_population(&self) -> String {
        let all = self.get("/populations").await.json(200);
        let all = all["_embedded"]["populations"].as_array().unwrap();
        let default = all.iter().find(|population| population["default"] == true);
        id(default.unwrap())
    }

    pub(crate) async fn population(&self, name: &str) -> String {
        id(&self.create("populations", json!({ "name": name })).await)
    }

    /// A custom resource with one scope, granted to the client. The resource's id and secret.
    pub(crate) async fn grant_resource(&self, client: &TestClient, scope: &str) -> TestClient {
        let resource = self
            .create(
                "resources",
                json!({ "name": "payments", "audience": "https://payments.test" }),
            )
            .await;
        let id = id(&resource);
        let scope = self
            .create(&format!("resources/{id}/scopes"), json!({ "name": scope }))
            .await;
        let grant = json!({ "resource": { "id": id }, "scopes": [{ "id": scope["id"] }] });
        self.create(&format!("applications/{}/grants", client.id), grant)
            .await;
        let secrets = tokens::resource_secrets(&self.app, self.environment, id.parse().unwrap());
        let secrets = secrets.await.unwrap().unwrap();
        TestClient {
            id,
            secret: secrets.current.expose().clone(),
        }
    }

    /// The same client with a new secret; the old one stays right for `grace`.
    pub(crate) async fn rotate_secret(&self, client: &TestClient, grace: Duration) -> TestClient {
        let place = Place::environment(self.environment);
        let old = tokens::client_secrets(&self.app, self.environment, client.uuid());
        let old = ClientSecrets::clone(&old.await.unwrap().unwrap());
        let previous = Some(PreviousDraft {
            expires_at: self.clock.now() + grace,
        });
        let draft = RotationDraft { previous };
        let new = old
            .rotate(draft, self.clock.now(), &mut SystemRandom)
            .unwrap();
        let secret = new.current.expose().clone();
        let caller = self.caller();
        let target = Target::new(&self.app, &caller, place, client.uuid());
        let changed = management::change::<Application, _>(&target, |previous, _| {
            let mut built = Built::from(previous.body.clone());
            built.secrets = new.clone().seal();
            Ok(built.into())
        });
        changed.await.unwrap();
        TestClient {
            secret,
            ..client.clone()
        }
    }

    fn caller(&self) -> Caller {
        Caller {
            actor: Actor {
                application: self.installation.client,
                environment: self.installation.environment,
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

    /// A user with a session, as a sign-on would leave them.
    pub(crate) async fn sign_on(&self) -> SignedOn {
        let place = Place::environment(self.environment);
        let population =
            management::cached_default::<Population>(&self.app, self.environment).await;
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
            environment: self.environment,
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

    pub(crate) async fn commit(&self, statement: Statement) {
        self.app.commit(Batch(vec![statement])).await.unwrap();
    }

    /// Changes the stored user.
    pub(crate) async fn change_user(&self, user: Uuid, change: impl Fn(&mut User) + Send + Sync) {
        let place = Place::environment(self.environment);
        let caller = self.caller();
        let target = Target::new(&self.app, &caller, place, user);
        let changed = management::change_with(&target, Vec::new(), |mut user, _| {
            change(&mut user);
            Ok(user)
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
                second_factor_at: None,
            },
            with_refresh_token: true,
            family: Id::new(now, &mut SystemRandom),
            expires_at: now + Duration::from_seconds(60),
            consumed_at: None,
        };
        let key = self.app.data_key(self.environment).await.unwrap();
        let (code, statement) = tokens::mint_code(self.environment, &key, &code, now).unwrap();
        self.commit(statement).await;
        code.expose().clone()
    }
}
