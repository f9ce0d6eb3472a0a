//! The main job: sixteen steps from an empty environment to an authorization code.

use std::time::Duration;

use serde_json::Value;

use crate::{Answer, Client, ClientError, Exchange, Hint, HintAlgorithm, Request, inbox, requests};

/// How long a message may take to arrive.
const DELIVERY: Duration = Duration::from_secs(10);

/// Number, title and expected status of each step, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub number: u8,
    pub title: &'static str,
    pub status: u16,
}

impl Step {
    pub const ALL: [Self; 16] = [
        Self::new(1, "create an application", 201),
        Self::new(2, "read its secret", 200),
        Self::new(3, "list the resources", 200),
        Self::new(4, "list the scopes of OpenID Connect", 200),
        Self::new(5, "grant scopes to the application", 201),
        Self::new(6, "create a sign-on policy", 201),
        Self::new(7, "add its SMS action", 201),
        Self::new(8, "assign the policy to the application", 201),
        Self::new(9, "create a population", 201),
        Self::new(10, "create a user in it", 201),
        Self::new(11, "set the user's password", 200),
        Self::new(12, "turn on MFA for the user", 200),
        Self::new(13, "pair the user's SMS device", 201),
        Self::new(14, "authorize with a signed hint", 200),
        Self::new(15, "check the one-time code", 200),
        Self::new(16, "resume, for the authorization code", 200),
    ];

    const fn new(number: u8, title: &'static str, status: u16) -> Self {
        Self {
            number,
            title,
            status,
        }
    }
}

/// A relying party to be made.
#[derive(Debug, Clone)]
pub struct Application {
    pub name: String,
    pub grant_types: Vec<&'static str>,
    pub redirect_uri: String,
}

impl Default for Application {
    fn default() -> Self {
        Self {
            name: "mfa-relying-app".to_owned(),
            grant_types: vec!["AUTHORIZATION_CODE"],
            redirect_uri: "https://app.example.com/callback".to_owned(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct User {
    pub username: String,
    pub phone: String,
    pub password: String,
}

/// An environment and who may administer it.
#[derive(Debug, Clone)]
pub struct Environment {
    pub id: String,
    /// An access token of the worker application.
    pub token: String,
}

/// What the first thirteen steps leave behind.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub environment: Environment,
    pub application: Application,
    pub client_id: String,
    pub client_secret: String,
    pub policy_id: String,
    pub policy_name: String,
    pub population_id: String,
    pub user: User,
    pub user_id: String,
    pub device_id: String,
}

/// A finished sign-on, before its code is redeemed.
#[derive(Debug, Clone)]
pub struct SignOn {
    pub flow_id: String,
    pub cookie: String,
    pub hint: String,
    pub one_time_code: String,
    pub authorization_code: String,
}

#[derive(Debug, Clone)]
pub struct Tokens {
    pub access_token: String,
    pub id_token: String,
    pub refresh_token: Option<String>,
}

/// An access token for the management API.
pub async fn worker_token(
    client: &Client,
    environment: &str,
    id: &str,
    secret: &str,
) -> Result<String, ClientError> {
    let answer = client
        .call(requests::client_credentials(environment, id, secret), 200)
        .await?;
    Ok(answer.text("/access_token")?.to_owned())
}

pub async fn create_environment(
    client: &Client,
    token: &str,
    name: &str,
    license: &str,
) -> Result<Environment, ClientError> {
    let answer = client
        .call(requests::environment(name, license).bearer(token), 201)
        .await?;
    Ok(Environment {
        id: answer.text("/id")?.to_owned(),
        token: token.to_owned(),
    })
}

/// Exchanges the code for tokens.
pub async fn redeem(client: &Client, tenant: &Tenant, code: &str) -> Result<Tokens, ClientError> {
    Tokens::of(&client.call(tenant.redemption(code), 200).await?)
}

impl Tokens {
    pub fn of(answer: &Answer) -> Result<Self, ClientError> {
        Ok(Self {
            access_token: answer.text("/access_token")?.to_owned(),
            id_token: answer.text("/id_token")?.to_owned(),
            refresh_token: answer.text("/refresh_token").ok().map(str::to_owned),
        })
    }
}

/// Performs the steps in order and tells `watch` about each before it judges the answer.
pub struct Workflow<'a, W: FnMut(Step, &Exchange)> {
    client: &'a Client,
    watch: W,
}

impl<W: FnMut(Step, &Exchange)> std::fmt::Debug for Workflow<'_, W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workflow")
            .field("client", self.client)
            .finish_non_exhaustive()
    }
}

impl<'a, W: FnMut(Step, &Exchange)> Workflow<'a, W> {
    pub fn new(client: &'a Client, watch: W) -> Self {
        Self { client, watch }
    }

    async fn step(&mut self, number: u8, request: Request) -> Result<Answer, ClientError> {
        let [first, ..] = Step::ALL;
        let step = Step::ALL
            .into_iter()
            .find(|step| step.number == number)
            .unwrap_or(first);
        let exchange = self.client.exchange(request).await?;
        (self.watch)(step, &exchange);
        exchange.expect(step.status)
    }

    /// Steps 1 to 13.
    pub async fn set_up(
        &mut self,
        environment: &Environment,
        application: Application,
        user: User,
    ) -> Result<Tenant, ClientError> {
        let Environment { id: env, token } = environment;
        let policy_name = "MFA_Only".to_owned();

        let client_id = id(&self
            .step(1, requests::application(env, &application).bearer(token))
            .await?)?;
        let secret = self
            .step(
                2,
                requests::application_secret(env, &client_id).bearer(token),
            )
            .await?;
        let resources = self.step(3, requests::resources(env).bearer(token)).await?;
        let openid = ids_where(&resources, "resources", |item| {
            item["type"] == "OPENID_CONNECT"
        })
        .into_iter()
        .next()
        .ok_or_else(|| missing("/_embedded/resources", &resources))?;
        let scopes = self
            .step(4, requests::scopes(env, &openid).bearer(token))
            .await?;
        let scopes = ids_where(&scopes, "scopes", |item| {
            item["name"] == "profile" || item["name"] == "email"
        });
        self.step(
            5,
            requests::grant(env, &client_id, &openid, &scopes).bearer(token),
        )
        .await?;
        let policy_id = id(&self
            .step(6, requests::sign_on_policy(env, &policy_name).bearer(token))
            .await?)?;
        self.step(7, requests::sms_action(env, &policy_id).bearer(token))
            .await?;
        self.step(
            8,
            requests::policy_assignment(env, &client_id, &policy_id).bearer(token),
        )
        .await?;
        let population_id = id(&self
            .step(9, requests::population(env, "Customers").bearer(token))
            .await?)?;
        let created = self
            .step(
                10,
                requests::user(env, &population_id, &user.username).bearer(token),
            )
            .await?;
        let user_id = id(&created)?;
        self.step(
            11,
            requests::set_password(env, &user_id, &user.password).bearer(token),
        )
        .await?;
        self.step(12, requests::enable_mfa(env, &user_id).bearer(token))
            .await?;
        let device_id = id(&self
            .step(
                13,
                requests::sms_device(env, &user_id, &user.phone).bearer(token),
            )
            .await?)?;

        Ok(Tenant {
            environment: environment.clone(),
            application,
            client_id,
            client_secret: secret.text("/secret")?.to_owned(),
            policy_id,
            policy_name,
            population_id,
            user,
            user_id,
            device_id,
        })
    }

    /// Steps 14 to 16. `extra` are further parameters of authorize.
    pub async fn sign_on(
        &mut self,
        tenant: &Tenant,
        extra: &[(&str, &str)],
    ) -> Result<SignOn, ClientError> {
        let env = &tenant.environment.id;
        let hint = tenant.hint(self.client)?;
        let already = inbox::messages_to(self.client, &tenant.user.phone)
            .await?
            .len();

        let redirect_uri = &tenant.application.redirect_uri;
        let authorize = requests::authorize(env, &tenant.client_id, redirect_uri, &hint, extra);
        let begun = self.step(14, authorize).await?;
        let flow_id = id(&begun)?;
        let cookie = begun
            .cookies()
            .ok_or_else(|| missing("Set-Cookie", &begun))?;

        let message =
            inbox::next_message(self.client, &tenant.user.phone, already, DELIVERY).await?;
        let one_time_code = message.code.unwrap_or_default();
        self.step(
            15,
            requests::check_code(env, &flow_id, &cookie, &one_time_code),
        )
        .await?;
        let resumed = self
            .step(16, requests::resume(env, &flow_id, &cookie))
            .await?;

        let authorization_code = resumed.text("/authorizeResponse/code")?.to_owned();
        Ok(SignOn {
            flow_id,
            cookie,
            hint,
            one_time_code,
            authorization_code,
        })
    }
}

impl Tenant {
    /// The issuer of the environment's tokens, and the audience of its hints.
    pub fn issuer(&self, client: &Client) -> String {
        format!("{}/{}/as", client.base(), self.environment.id)
    }

    /// The request that exchanges an authorization code.
    pub fn redemption(&self, code: &str) -> Request {
        let credentials = (self.client_id.as_str(), self.client_secret.as_str());
        requests::redeem_code(&self.environment.id, &self.application, credentials, code)
    }

    /// A hint for the tenant's user that lives for five minutes.
    pub fn hint(&self, client: &Client) -> Result<String, ClientError> {
        let audience = self.issuer(client);
        let hint = Hint::starting_now(&self.client_id, &self.user_id, &audience, 300);
        Ok(hint.sign(HintAlgorithm::Hs256, &self.client_secret)?)
    }
}

fn id(answer: &Answer) -> Result<String, ClientError> {
    answer.text("/id").map(str::to_owned)
}

fn missing(pointer: &'static str, answer: &Answer) -> ClientError {
    ClientError::Missing {
        pointer,
        body: answer.body.to_string(),
    }
}

fn ids_where(answer: &Answer, collection: &str, wanted: impl Fn(&Value) -> bool) -> Vec<String> {
    let items = answer
        .body
        .pointer(&format!("/_embedded/{collection}"))
        .and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter(|item| wanted(item))
        .filter_map(|item| item.get("id")?.as_str().map(str::to_owned))
        .collect()
}
